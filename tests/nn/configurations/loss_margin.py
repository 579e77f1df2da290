"""Losses with a margin."""

import numpy as np

from . import call, chance, pick, size
from .loss import REDUCTIONS, buffer, constant


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], size=shape)


def hinge_embedding(rng, nn):
    shape, of_target = pick(rng, ((), ()), ((5,), (5,)), ((2, 3), (3,)), ((2, 1), (2, 3)))
    layer = nn.HingeEmbeddingLoss(margin=pick(rng, 1.0, 0.3, -0.5), reduction=pick(rng, *REDUCTIONS))
    target = signs(rng, of_target) * (rng.random(of_target) < 0.8)  # some are neither
    return layer, [rng.normal(size=shape), np.asarray(target)], constant


def soft_margin(rng, nn):
    shape, of_target = pick(rng, ((), ()), ((5,), (5,)), ((2, 3), (3,)))
    layer = nn.SoftMarginLoss(reduction=pick(rng, *REDUCTIONS))
    return layer, [rng.normal(size=shape) * pick(rng, 1, 20), np.asarray(signs(rng, of_target))], constant


def margin_ranking(rng, nn):
    shapes = pick(rng, ((), (), ()), ((4,), (4,), (4,)), ((2, 3), (2, 1), (1, 3)))
    layer = nn.MarginRankingLoss(pick(rng, 0.0, 0.5, -0.2), reduction=pick(rng, *REDUCTIONS))
    return layer, [rng.normal(size=shapes[0]), rng.normal(size=shapes[1]), np.asarray(signs(rng, shapes[2]))], call


def multi_margin(rng, nn):
    c = size(rng, 1, 5)
    lead, of_target = pick(rng, ((), ()), ((), (1,)), ((3,), (3,)), ((1,), (1,)))
    layer = nn.MultiMarginLoss(
        p=pick(rng, 1, 2),
        margin=pick(rng, 1.0, 0.4),
        weight=buffer(nn, c) if chance(rng) else None,
        reduction=pick(rng, *REDUCTIONS),
    )
    return layer, [rng.normal(size=(*lead, c)), np.asarray(rng.integers(0, c, size=of_target))], call


def multilabel_margin(rng, nn):
    c = size(rng, 1, 5)
    shape = (*pick(rng, (), (1,), (3,)), c)
    target = rng.integers(-1 if chance(rng) else 0, c, size=shape)  # the first -1 ends them; one may come twice
    return nn.MultiLabelMarginLoss(reduction=pick(rng, *REDUCTIONS)), [rng.normal(size=shape), target], call


def cosine_embedding(rng, nn):
    a, b, t = pick(rng, ((4,), (4,), ()), ((3, 4), (3, 4), (3,)), ((3, 4), (1, 4), (3,)), ((1, 4), (3, 4), (3,)))
    layer = nn.CosineEmbeddingLoss(margin=pick(rng, 0.0, 0.3, -0.3), reduction=pick(rng, *REDUCTIONS))
    target = np.asarray(signs(rng, t)).astype(int)
    return layer, [rng.normal(size=a), rng.normal(size=b), target], call


def triplet(rng, nn):
    a, b, c = pick(
        rng, *[(s, s, s) for s in ((4,), (3, 4), (2, 3, 4))], ((3, 4), (1, 4), (3, 4)), ((1, 4), (3, 4), (3, 1))
    )
    layer = nn.TripletMarginLoss(
        margin=pick(rng, 1.0, 0.2, 5.0),
        p=pick(rng, 2.0, 1.0, 3.0, 1.5, float("inf")),
        eps=pick(rng, 1e-6, 0.1),
        swap=chance(rng),
        reduction=pick(rng, *REDUCTIONS),
    )
    return layer, [rng.normal(size=s) for s in (a, b, c)], call


def square(a, b):
    return ((a - b) ** 2).sum(-1)


def triplet_with_distance(rng, nn):
    shape = pick(rng, (4,), (3, 4))
    layer = nn.TripletMarginWithDistanceLoss(
        distance_function=pick(rng, None, square, nn.PairwiseDistance(p=1.0)),
        margin=pick(rng, 1.0, 3.0),
        swap=chance(rng),
        reduction=pick(rng, *REDUCTIONS),
    )
    return layer, [rng.normal(size=shape) for _ in range(3)], call


def pairwise_distance(rng, nn):
    a, b = pick(rng, ((4,), (4,)), ((3, 4), (4,)), ((3, 1, 4), (2, 4)))
    layer = nn.PairwiseDistance(pick(rng, 2.0, 1.0, 2.5, float("inf")), pick(rng, 1e-6, 0.2), chance(rng))
    return layer, [rng.normal(size=a), rng.normal(size=b)], call


CONFIGURATIONS = {
    hinge_embedding: 30,
    soft_margin: 30,
    margin_ranking: 25,
    multi_margin: 40,
    multilabel_margin: 40,
    cosine_embedding: 40,
    triplet: 50,
    triplet_with_distance: 25,
    pairwise_distance: 20,
}
