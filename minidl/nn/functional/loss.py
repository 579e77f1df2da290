"""Losses."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.errors import ShapeError
from minidl.tensor import as_tensor

__all__ = [
    "cross_entropy",
    "mse_loss",
]


def cross_entropy(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """−log softmax(input)[target]: how unlikely the right classes are.

    Shapes: input (N, C), (N, C, d₁, …) or (C,) of logits; target of class numbers, without the axis C.
    Args:
        reduction: `"mean"`, `"sum"`, or `"none"` for one loss per target.
    Raises:
        ShapeError, DTypeError, LabelError: the target has another shape, is not of integers, or names no class.
    """
    x, t = as_tensor(input), as_tensor(target)
    if x.ndim == 0 or t.shape != x.shape[:1] * (x.ndim > 1) + x.shape[2:]:
        raise ShapeError(
            f"cross_entropy: got input {x.shape} and target {t.shape}, expected (N, C, …) and (N, …): the target "
            "has no class axis",
            fix="class numbers, not one-hot rows: target.argmax(1)" if t.shape == x.shape else "",
        )
    if x.ndim > 2:
        x = ops.transpose(x, axes=(0, *range(2, x.ndim), 1))  # (N, …, C)
    return ops.cross_entropy(x, t, reduction=reduction)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """(input − target)², of one shape; its mean, its sum, or (`"none"`) each."""
    return ops.mse(as_tensor(input), target, reduction=reduction)
