"""Dropout for sequences."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.errors import AxisError
from minidl.tensor import as_tensor

from .dropout import check_probability, keep_mask

__all__ = [
    "variational_dropout",
]


def variational_dropout(input: Any, p: float = 0.5, training: bool = True, time_axis: int = 0) -> Any:
    """Dropout with one mask for all steps of a sequence: a feature is there at every step, or at none.

    Ordinary dropout draws anew at every step, so that over a long sequence every feature is seen now and then, and the
    noise averages out. One mask for all steps is also what the theory asks for: the weights that it switches off stay
    switched off while the sequence is read.

    Math: y[t] = x[t] ∘ m / (1 − p), with m from {0, 1}, 0 with probability p, the same for all t
    Shapes: x (…, T, …) → y as x; the mask has 1 for T
    Args:
        p: the probability. training: False leaves the input unchanged.
        time_axis: where T stands: 0 in (T, N, D), 1 in (N, T, D).
    Raises:
        ArgumentError: p is no probability. AxisError: the input has no such axis.
    Source: Y. Gal, Z. Ghahramani, A theoretically grounded application of dropout in recurrent neural networks,
        NeurIPS 2016, section 4: its masks on what goes into a layer. It also masks h between the steps; here not.
    """
    check_probability("variational_dropout", p)
    x = as_tensor(input)
    if not -x.ndim <= time_axis < x.ndim:
        raise AxisError(
            f"variational_dropout: time_axis: got {time_axis}, expected one of the {x.ndim} axes of {x.shape}",
            fix="0 for (T, N, D), 1 for (N, T, D)",
        )
    if not training or p == 0:
        return x
    shape = list(x.shape)
    shape[time_axis] = 1
    return ops.dropout(x, keep_mask(x, tuple(shape), p), p=p)
