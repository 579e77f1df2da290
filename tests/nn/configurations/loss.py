"""Losses of classes: every way to give the target, weights, what is ignored, smoothing."""

import numpy as np

from . import call, chance, pick, size

REDUCTIONS = ("mean", "sum", "none")


def places(rng):
    """The axes before and after that of the classes."""
    return pick(rng, ((), ()), ((4,), ()), ((3,), (2,)), ((2,), (2, 3)))


def constant(layer, x, target):
    """The target is a float that PyTorch does not differentiate by."""
    return layer(x, target.detach())


def buffer(nn, *shape):
    """What becomes a weight of random numbers."""
    if nn.__name__ == "minidl.nn":
        return np.zeros(shape, np.float32)
    import torch

    return torch.zeros(shape)


def cross_entropy(rng, nn):
    c = size(rng, 1, 6)
    lead, tail = places(rng)
    layer = nn.CrossEntropyLoss(reduction=pick(rng, *REDUCTIONS))
    x = rng.normal(size=(*lead, c, *tail)) * pick(rng, 1, 100)
    return layer, [x, rng.integers(0, c, size=(*lead, *tail))], call


def cross_entropy_of_classes(rng, nn):
    c = size(rng, 2, 5)
    lead, tail = places(rng)
    layer = nn.CrossEntropyLoss(
        buffer(nn, c) if chance(rng) else None,
        ignore_index=(ignored := pick(rng, -100, -1, 1)),
        reduction=pick(rng, *REDUCTIONS),
        label_smoothing=pick(rng, 0.0, 0.1, 1.0),
    )
    target = rng.integers(0, c, size=(*lead, *tail))
    if target.ndim:
        target[rng.random(target.shape) < 0.3] = ignored
        target.flat[0] = 0  # one is left, so that the mean is no NaN
    return layer, [rng.normal(size=(*lead, c, *tail)), target], call


def cross_entropy_of_probabilities(rng, nn):
    c = size(rng, 1, 5)
    lead, tail = places(rng)
    layer = nn.CrossEntropyLoss(
        buffer(nn, c) if chance(rng) else None,
        reduction=pick(rng, *REDUCTIONS),
        label_smoothing=pick(rng, 0.0, 0.2),
    )
    shape = (*lead, c, *tail)
    return layer, [rng.normal(size=shape), rng.random(shape)], pick(rng, call, constant)


def nothing_is_left(rng, nn):
    """All targets are ignored: their mean is NaN, their sum 0."""
    F = nn.functional
    options = {"reduction": pick(rng, "sum", "none"), "label_smoothing": pick(rng, 0.0, 0.5)}
    x, target = rng.normal(size=(3, 4)), np.full(3, -100)
    return None, [x, target], lambda _, x, t: F.cross_entropy(x, t, **options)


def nll(rng, nn):
    c = size(rng, 1, 6)
    lead, tail = places(rng)
    layer = nn.NLLLoss(
        buffer(nn, c) if chance(rng) else None,
        ignore_index=(ignored := pick(rng, -100, 0)),
        reduction=pick(rng, *REDUCTIONS),
    )
    target = rng.integers(0, c, size=(*lead, *tail))
    if target.ndim and c > 1:
        target[rng.random(target.shape) < 0.3] = ignored
        target.flat[0] = 1
    return layer, [rng.normal(size=(*lead, c, *tail)), np.where(c == 1, 0, target)], call if c > 1 else summed(layer)


def summed(layer):
    """With one class that may be the one to ignore, a mean may be NaN."""
    layer.reduction = "sum"
    return call


def kl_div(rng, nn):
    shape, of_target = pick(rng, ((), ()), ((4,), (4,)), ((2, 3), (3,)), ((3, 2, 2), (3, 1, 2)))
    log_target = chance(rng)
    layer = nn.KLDivLoss(reduction=pick(rng, *REDUCTIONS, "batchmean"), log_target=log_target)
    target = rng.normal(size=of_target) if log_target else rng.random(of_target)
    return layer, [rng.normal(size=shape), target], call


def kl_div_of_zeros(rng, nn):
    target = rng.random((3, 4)) * (rng.random((3, 4)) < 0.5)
    return nn.KLDivLoss(reduction=pick(rng, *REDUCTIONS)), [rng.normal(size=(3, 4)), target], constant


CONFIGURATIONS = {
    cross_entropy: 40,
    cross_entropy_of_classes: 60,
    cross_entropy_of_probabilities: 40,
    nothing_is_left: 6,
    nll: 40,
    kl_div: 40,
    kl_div_of_zeros: 10,
}
