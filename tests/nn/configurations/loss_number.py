"""Losses of numbers; PyTorch differentiates by their targets too."""

import numpy as np

from . import call, chance, pick
from .loss import REDUCTIONS, constant

SHAPES = (), (4,), (2, 3), (2, 1, 3)


def mse(rng, nn):
    shape = pick(rng, *SHAPES)
    layer = nn.MSELoss(reduction=pick(rng, *REDUCTIONS))
    return layer, [rng.normal(size=shape), rng.normal(size=shape)], pick(rng, call, constant)


def l1(rng, nn):
    shape = pick(rng, *SHAPES)
    layer = nn.L1Loss(reduction=pick(rng, *REDUCTIONS))
    return layer, [rng.normal(size=shape), rng.normal(size=shape)], pick(rng, call, constant)


def smooth_l1(rng, nn):
    shape = pick(rng, *SHAPES)
    layer = nn.SmoothL1Loss(reduction=pick(rng, *REDUCTIONS), beta=pick(rng, 1.0, 0.3, 2.0, 0.0))
    return layer, [rng.normal(size=shape), rng.normal(size=shape)], pick(rng, call, constant)


def huber(rng, nn):
    shape = pick(rng, *SHAPES)
    layer = nn.HuberLoss(reduction=pick(rng, *REDUCTIONS), delta=pick(rng, 1.0, 0.3, 2.0))
    return layer, [rng.normal(size=shape), rng.normal(size=shape)], pick(rng, call, constant)


def weighted(rng, nn):
    """A weight for each place, which functions take and layers do not."""
    F, shape = nn.functional, pick(rng, *SHAPES)
    name = pick(rng, "mse_loss", "l1_loss", "huber_loss")
    how = {"reduction": pick(rng, *REDUCTIONS)}
    inputs = [rng.normal(size=shape), rng.normal(size=shape), rng.random(shape) + 0.1]
    return None, inputs, lambda _, x, t, w: getattr(F, name)(x, t, weight=w, **how)


def poisson(rng, nn):
    shape, of_target = pick(rng, ((), ()), ((4,), (4,)), ((2, 3), (3,)), ((2, 1), (2, 3)))
    layer = nn.PoissonNLLLoss(
        log_input=(log_input := chance(rng)),
        full=chance(rng),
        eps=pick(rng, 1e-8, 1e-2),
        reduction=pick(rng, *REDUCTIONS),
    )
    x = rng.normal(size=shape) if log_input else rng.random(shape) + 0.1
    return layer, [x, rng.random(of_target) * 5], pick(rng, call, constant)


def gaussian(rng, nn):
    shape, of_var = pick(rng, ((4,), (4,)), ((2, 3), (2, 3)), ((2, 3), (2, 1)), ((2, 3), (2,)), ((2, 3, 2), (2, 1, 2)))
    layer = nn.GaussianNLLLoss(full=chance(rng), eps=pick(rng, 1e-6, 0.3), reduction=pick(rng, *REDUCTIONS))
    of_target = pick(rng, shape, shape[:-1] + (1,))
    return layer, [rng.normal(size=shape), rng.normal(size=of_target), rng.random(of_var) + 0.05], call


def gaussian_of_one_variance(rng, nn):
    F, var, how = nn.functional, pick(rng, 0.5, 2.0), pick(rng, *REDUCTIONS)
    x = np.array(rng.normal(size=(2, 3)))
    return None, [x, rng.normal(size=(2, 3))], lambda _, x, t: F.gaussian_nll_loss(x, t, var, reduction=how)


CONFIGURATIONS = {
    mse: 20,
    l1: 25,
    smooth_l1: 40,
    huber: 30,
    weighted: 30,
    poisson: 40,
    gaussian: 40,
    gaussian_of_one_variance: 8,
}
