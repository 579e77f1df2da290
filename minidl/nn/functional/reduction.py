"""What every loss does last: its mean, its sum, or one number for each place."""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.ops import loss as losses
from minidl.tensor import raw


def check_reduction(name: str, reduction: str, size_average: Any = None, reduce: Any = None) -> None:
    """A reduction that there is, and none of the two arguments that PyTorch had before it.

    Raises:
        ArgumentError: another reduction, or `size_average` or `reduce`.
    """
    for old, value in (("size_average", size_average), ("reduce", reduce)):
        if value is not None:
            raise ArgumentError(
                f"{name}: {old}: got {describe(value)}, expected nothing: PyTorch has deprecated it",
                fix="write reduction='mean', 'sum' or 'none'",
            )
    losses.check_reduction(name, reduction)


def finish(
    name: str, loss: Any, reduction: str, size_average: Any = None, reduce: Any = None, *, weight: Any = None
) -> Any:
    """The loss, reduced. The mean divides by the number of places, or by the sum of `weight`."""
    check_reduction(name, reduction, size_average, reduce)
    return losses.reduced(loss, reduction, weight)


def same_shape(name: str, input: Any, target: Any) -> None:
    """Input and target of one shape, for (N, 1) against (N,) would quietly become (N, N)."""
    losses.check_same_shape(name, input, target)


def weighted(name: str, loss: Any, weight: Any) -> Any:
    """The loss of each place times a constant weight that broadcasts to it; None: once."""
    if weight is None:
        return loss
    w = raw(weight).astype(loss.dtype, copy=False)
    fits = w.ndim <= loss.ndim and all(a in (1, b) for a, b in zip(w.shape[::-1], loss.shape[::-1], strict=False))
    if not fits:
        raise ShapeError(f"{name}: weight: got shape {w.shape}, expected one that broadcasts to {loss.shape}")
    return loss * w


def class_weight(name: str, weight: Any, input: Any, classes: int) -> Any:
    """One constant weight for each class, in the input's dtype; or None.

    Raises:
        ShapeError: there are more or fewer than classes. DTypeError: they are no floats.
    """
    if weight is None:
        return None
    w = raw(weight)
    if w.dtype.kind != "f":
        raise DTypeError(f"{name}: weight: got {describe(w)}, expected floats", fix="convert it with .float()")
    if w.shape != (classes,):
        raise ShapeError(
            f"{name}: weight: got shape {w.shape}, expected ({classes},)", fix="give one weight for each class"
        )
    return w.astype(input.dtype, copy=False)
