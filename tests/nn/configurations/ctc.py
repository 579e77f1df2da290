"""Connectionist temporal classification: the lengths, the ways to give the targets, what does not fit."""

from itertools import pairwise

import numpy as np

from . import chance, pick, size
from .loss import REDUCTIONS


def labels_for(rng, steps, classes, blank):
    """Labels that fit into the steps: a repeat needs a blank between, and so a step more."""
    labels = []
    for label in rng.permutation(np.repeat([c for c in range(classes) if c != blank], 3))[: size(rng, 0, 4)]:
        longer = [*labels, label]
        if len(longer) + sum(a == b for a, b in pairwise(longer)) <= steps:
            labels.append(int(label))
    return labels


def ctc(rng, nn):
    steps, batch, classes = size(rng, 1, 6), size(rng, 1, 3), size(rng, 2, 4)
    blank = size(rng, 0, classes - 1)
    layer = nn.CTCLoss(blank, pick(rng, *REDUCTIONS), chance(rng))
    spoken = rng.integers(1, steps + 1, size=batch)
    spoken[0] = steps
    rows = [labels_for(rng, n, classes, blank) for n in spoken]
    lengths = np.array([len(row) for row in rows])
    if chance(rng):
        targets = np.full((batch, max(lengths.max(), 1)), pick(rng, blank, 0, classes - 1))
        for i, row in enumerate(rows):
            targets[i, : len(row)] = row
    else:
        targets = np.array([label for row in rows for label in row], int)
    as_numbers = chance(rng)

    def run(layer, x, targets):
        import torch

        a, b = spoken, lengths
        if as_numbers:
            a, b = tuple(a.tolist()), tuple(b.tolist())
        elif isinstance(x, torch.Tensor):
            a, b = torch.tensor(a), torch.tensor(b)
        return layer(x.log_softmax(-1), targets, a, b)

    return layer, [rng.normal(size=(steps, batch, classes)), targets], run


def ctc_without_batch(rng, nn):
    layer = nn.CTCLoss(reduction=pick(rng, *REDUCTIONS))
    targets = rng.integers(1, 3, size=pick(rng, (2,), (1, 2)))

    def run(layer, x, targets):
        return layer(x.log_softmax(-1), targets, (len(x),), (2,))

    return layer, [rng.normal(size=(4, 3)), targets], run


def ctc_of_what_does_not_fit(rng, nn):
    layer = nn.CTCLoss(reduction=pick(rng, *REDUCTIONS), zero_infinity=True)
    targets = np.array([[1, 1, 2], [1, 2, 1]])

    def run(layer, x, targets):
        return layer(x.log_softmax(-1), targets, (3, 3), (3, 3))

    return layer, [rng.normal(size=(3, 2, 3)), targets], run


CONFIGURATIONS = {
    ctc: 60,
    ctc_without_batch: 12,
    ctc_of_what_does_not_fit: 6,
}
