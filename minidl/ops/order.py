"""Where the smallest, the k-th, the middle one stands: indices into arrays, through which no gradient passes.

The values are then picked with `take_along_axis`, whose rule gives each gradient to the element that was picked. NaN
counts as larger than every number; equal values keep their order.
"""

from __future__ import annotations

from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import Tensor

from .elementwise import where
from .index import take_along_axis
from .shape import reshape, transpose

__all__ = [
    "middle",
    "order_of",
    "quantile",
    "running_extreme",
]


def order_of(x: Any, *, axis: int, descending: bool = False) -> Any:
    """The indices that sort an array along `axis`."""
    module = xp(x)
    if not descending:
        return module.argsort(x, axis=axis, kind="stable")
    order = module.argsort(module.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - module.flip(order, axis)  # mirrored twice, so that equal values keep their order


def middle(x: Any, *, axis: int) -> Any:
    """The index of the median along `axis`, which stays with size 1: of an even number, the lower; of a NaN, if any.

    Raises:
        ShapeError: the axis is empty.
    """
    module, n = xp(x), x.shape[axis]
    if not n:
        raise ShapeError(f"median: got shape {tuple(x.shape)}: among no values none is in the middle")
    order = order_of(x, axis=axis)
    rank = module.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), (n - 1) // 2)
    if x.dtype.kind == "f":
        rank = module.where(module.isnan(x).any(axis=axis, keepdims=True), n - 1, rank)
    return module.take_along_axis(order, rank, axis)


def running_extreme(x: Any, *, axis: int, largest: bool) -> Any:
    """For each place along `axis`, the index of the largest (or smallest) value up to it; of equal ones, the last."""
    module = xp(x)
    y = (module.maximum if largest else module.minimum).accumulate(x, axis=axis)
    steps = module.arange(x.shape[axis]).reshape(-1, *(1,) * (x.ndim - axis - 1))
    reached = module.where((x == y) | module.isnan(x), steps, 0)
    return module.maximum.accumulate(reached, axis=axis)


INTERPOLATIONS = ("linear", "lower", "higher", "nearest", "midpoint")


def quantile(x: Any, q: Any, *, axis: int, interpolation: str = "linear") -> Any:
    """The values that a share q of all values along `axis` does not exceed; between two of them, interpolated.

    Math: sorted, x₍ₖ₎ with k = q (n − 1); for a k in between, (1 − w) x₍⌊k⌋₎ + w x₍⌈k⌉₎ with w = k − ⌊k⌋
    Shapes: q is an array () or (Q,); y has the axes of q first, then those of x without `axis`.
    Args:
        interpolation: what w is: `"linear"`, `"lower"` 0, `"higher"` 1, `"midpoint"` ½, or `"nearest"`.
    Raises:
        DTypeError: x is not of floats.
        ArgumentError: q is outside 0 … 1, or `interpolation` is none of these. ShapeError: the axis is empty.
    """
    array = x.data if isinstance(x, Tensor) else x
    module, n = xp(array), x.shape[axis]
    if array.dtype.kind != "f":
        raise DTypeError(f"quantile: got {describe(x)}, expected floats", fix="convert it with .float()")
    if interpolation not in INTERPOLATIONS:
        raise ArgumentError(f"quantile: interpolation: got {interpolation!r}, expected one of {INTERPOLATIONS}")
    if q.ndim > 1 or not ((q >= 0) & (q <= 1)).all():
        raise ArgumentError(f"quantile: q: got {q}, expected a number from 0 to 1, or a vector of them")
    if not n:
        raise ShapeError(f"quantile: got shape {tuple(x.shape)}: no values along dim {axis}")
    last = (*(a for a in range(x.ndim) if a != axis), axis)
    x, array = transpose(x, axes=last), array.transpose(last)
    x = take_along_axis(x, order_of(array, axis=-1), axis=-1)
    k = (q * (n - 1)).reshape(-1)
    below = module.floor(k)
    weights = {"linear": k - below, "lower": 0 * k, "higher": module.ceil(k) - below, "midpoint": 0.5 * (k > below)}
    w = weights.get(interpolation, module.round(k) - below).astype(array.dtype)
    low, high = (x[..., place.astype(int)] for place in (below, module.ceil(k)))
    y = where(module.isnan(array).any(axis=-1, keepdims=True), float("nan"), low + w * (high - low))  # (…, Q)
    y = transpose(y, axes=(y.ndim - 1, *range(y.ndim - 1)))
    return reshape(y, shape=(*q.shape, *y.shape[1:]))
