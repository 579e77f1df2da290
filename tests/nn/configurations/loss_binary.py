"""Losses of yes or no."""

from . import call, chance, pick
from .loss import REDUCTIONS, buffer, constant


def bce(rng, nn):
    shape, of_weight = pick(rng, ((), ()), ((4,), (1,)), ((2, 3), (3,)), ((2, 3), (2, 1)))
    layer = nn.BCELoss(buffer(nn, *of_weight) if chance(rng) else None, reduction=pick(rng, *REDUCTIONS))
    return layer, [rng.uniform(0.01, 0.99, size=shape), rng.random(shape)], pick(rng, call, constant)


def bce_of_the_certain(rng, nn):
    """Probabilities of 0 and 1, where the logarithm is cut off; PyTorch's slope of 10¹² is one of float32."""
    x, target = rng.integers(0, 2, size=(2, 6)).astype(float)
    return nn.BCELoss(reduction=pick(rng, *REDUCTIONS)), [x, target], lambda layer, x, t: layer(x.detach(), t.detach())


def bce_with_logits(rng, nn):
    shape, of_weight = pick(rng, ((), ()), ((4,), (1,)), ((2, 3), (3,)), ((2, 3, 2), (3, 1)))
    layer = nn.BCEWithLogitsLoss(
        buffer(nn, *of_weight) if chance(rng) else None,
        reduction=pick(rng, *REDUCTIONS),
        pos_weight=buffer(nn, *of_weight) if chance(rng) else None,
    )
    x = rng.normal(size=shape) * pick(rng, 1, 1000)
    return layer, [x, rng.random(shape)], pick(rng, call, constant)


def multilabel_soft_margin(rng, nn):
    shape = pick(rng, (4,), (2, 3), (2, 1, 3))
    layer = nn.MultiLabelSoftMarginLoss(
        buffer(nn, shape[-1]) if chance(rng) else None, reduction=pick(rng, *REDUCTIONS)
    )
    target = rng.random(pick(rng, shape, shape[-1:]))
    return layer, [rng.normal(size=shape) * pick(rng, 1, 50), target], pick(rng, call, constant)


CONFIGURATIONS = {
    bce: 40,
    bce_of_the_certain: 8,
    bce_with_logits: 50,
    multilabel_soft_margin: 30,
}
