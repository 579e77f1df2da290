"""Values switched off at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import ops
from minidl.array import to_device
from minidl.errors import ArgumentError
from minidl.random import default_generator
from minidl.tensor import Tensor, as_tensor

__all__ = [
    "dropout",
]


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Each value switched off with probability p, the others scaled by 1/(1 − p); unchanged unless training.

    Raises:
        ArgumentError: p is no probability.
    """
    check_probability("dropout", p)
    x = as_tensor(input)
    return ops.dropout(x, keep_mask(x, x.shape, p), p=p) if training and p > 0 else x


def check_probability(name: str, p: float) -> None:
    """0 ≤ p ≤ 1."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"{name}: p: got {p!r}, expected a probability, from 0 to 1")


def keep_mask(x: Tensor, shape: tuple[int, ...], p: float) -> Any:
    """A mask that is true with probability 1 − p, where `x` is."""
    draw = np.asarray(default_generator.numpy.random(shape, dtype=np.float32))
    return to_device(np.asarray(draw >= p), x.device)
