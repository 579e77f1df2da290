"""The learning rate over a training."""

from __future__ import annotations

import math
from collections.abc import Callable


def warm_cosine(warmup: float = 0.1) -> Callable[[float], float]:
    """Up in a straight line, then down along half a cosine to 0.

    Math: with progress s from 0 to 1:  s/w for s < w, then ½ (1 + cos π (s − w)/(1 − w))

    The first steps, when Adam's averages hold few gradients yet, are short; and so are the last ones, which lets the
    parameters settle.

    Args:
        warmup: w, the part of the training on the way up.
    Returns:
        progress → factor on the learning rate.
    Source: I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts (2017), equation 5, for the
        way down; P. Goyal et al., Accurate, large minibatch SGD (2017), section 2.2, for the way up.
    """

    def factor(progress: float) -> float:
        if progress < warmup:
            return progress / warmup
        return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))

    return factor
