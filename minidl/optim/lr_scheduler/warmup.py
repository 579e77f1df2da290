"""Warm-up, then down: the schedules of most transformers, under the names that they have in Hugging Face's library."""

from __future__ import annotations

import math
from collections.abc import Callable

from minidl.optim.optimizer import Optimizer

from .factors import LambdaLR


def get_constant_schedule_with_warmup(optimizer: Optimizer, num_warmup_steps: int, last_epoch: int = -1) -> LambdaLR:
    """Up along a line to the initial rate, which then stays.

    Math: ηₜ = η₀ min(1, t/w), w = num_warmup_steps

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        num_warmup_steps: w.
    """
    return LambdaLR(optimizer, _warm(num_warmup_steps, lambda t: 1.0), last_epoch)


def get_linear_schedule_with_warmup(
    optimizer: Optimizer, num_warmup_steps: int, num_training_steps: int, last_epoch: int = -1
) -> LambdaLR:
    """Up along a line to the initial rate, and down along another to 0.

    Math: ηₜ = η₀ t/w for t < w, then η₀ max(0, (T − t)/(T − w))

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        num_warmup_steps: w. num_training_steps: T.
    Source: J. Devlin et al., BERT: pre-training of deep bidirectional transformers, 2019, appendix A.2.
    """
    rest = max(1, num_training_steps - num_warmup_steps)
    return LambdaLR(optimizer, _warm(num_warmup_steps, lambda t: max(0.0, (num_training_steps - t) / rest)), last_epoch)


def get_cosine_schedule_with_warmup(
    optimizer: Optimizer,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
) -> LambdaLR:
    """Up along a line to the initial rate, and down along a cosine to 0.

    Math: ηₜ = η₀ t/w for t < w, then η₀ max(0, (1 + cos(2π c s))/2) with s = (t − w)/(T − w)

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        num_warmup_steps: w. num_training_steps: T.
        num_cycles: c, the waves of the cosine; a half of one goes down, and no more.
    Source: I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5, for
        the way down; P. Goyal et al., Accurate, large minibatch SGD, 2017, section 2.2, for the way up.
    """
    rest = max(1, num_training_steps - num_warmup_steps)

    def down(t: int) -> float:
        s = (t - num_warmup_steps) / rest
        return max(0.0, 0.5 * (1 + math.cos(2 * math.pi * num_cycles * s)))

    return LambdaLR(optimizer, _warm(num_warmup_steps, down), last_epoch)


def _warm(steps: int, then: Callable[[int], float]) -> Callable[[int], float]:
    return lambda t: t / steps if t < steps else then(t)
