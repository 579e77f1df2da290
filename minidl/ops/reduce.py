"""Many values to one, over `axis`: None for all axes, a number, or a tuple of them.

The adjoint of a sum is a broadcast: dy gets its summed axes back as size 1 (`_spread`) and is stretched over x.
"""

from __future__ import annotations

from typing import Any

from minidl.array import int64, xp
from minidl.op import primitive

from .elementwise import exp, where
from .shape import expand, reshape

__all__ = [
    "logsumexp",
    "max",
    "mean",
    "min",
    "sum",
    "var",
]

Axis = int | tuple[int, ...] | None


@primitive
def sum(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum over `axis`; of integers and booleans in int64.

    Math: y = Σ x;  dx = dy, stretched over the summed axes
    """
    dtype = int64 if x.dtype.kind in "iub" else None
    return xp(x).sum(x, axis=axis, keepdims=keepdims, dtype=dtype)


@sum.vjp("x")
def sum_dx(dy: Any, x_shape: Any, *, axis: Axis, keepdims: bool) -> Any:
    return expand(_spread(dy, x_shape, axis), shape=x_shape)


@primitive(real=True)
def mean(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean over `axis`; n is the number of values in each mean.

    Math: y = Σ x / n;  dx = dy / n, stretched over the summed axes
    """
    return xp(x).mean(x, axis=axis, keepdims=keepdims)


@mean.vjp("x")
def mean_dx(dy: Any, x_shape: Any, *, axis: Axis, keepdims: bool) -> Any:
    return expand(_spread(dy, x_shape, axis) / count_of(x_shape, axis), shape=x_shape)


@primitive(real=True)
def var(x: Any, *, axis: Axis = None, keepdims: bool = False, correction: int = 1) -> Any:
    """The variance over `axis`.

    Math: y = Σ (x − x̄)² / (n − correction);  dx = dy · 2 (x − x̄) / (n − correction)
    Derivation: the path through x̄ vanishes, because Σ (x − x̄) = 0.
    """
    m = xp(x).mean(x, axis=axis, keepdims=True)
    return ((x - m) * (x - m)).sum(axis=axis, keepdims=keepdims) / _degrees(x.shape, axis, correction)


@var.vjp("x")
def var_dx(dy: Any, x: Any, x_shape: Any, *, axis: Axis, correction: int) -> Any:
    scale = 2 / _degrees(x_shape, axis, correction)
    return _spread(dy, x_shape, axis) * (scale * (x - mean(x, axis=axis, keepdims=True)))


@primitive
def max(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest value over `axis`.

    Math: dx = dy / k where x = y, else 0, with k the number of ties: all of them are largest, so all share
    """
    return xp(x).max(x, axis=axis, keepdims=keepdims)


@max.vjp("x")
def max_dx(dy: Any, y: Any, x: Any, x_shape: Any, *, axis: Axis, keepdims: bool) -> Any:
    return _to_ties(dy, y, x, x_shape, axis)


@primitive
def min(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest value over `axis`.

    Math: dx = dy / k where x = y, else 0, with k the number of ties
    """
    return xp(x).min(x, axis=axis, keepdims=keepdims)


@min.vjp("x")
def min_dx(dy: Any, y: Any, x: Any, x_shape: Any, *, axis: Axis, keepdims: bool) -> Any:
    return _to_ties(dy, y, x, x_shape, axis)


@primitive(real=True)
def logsumexp(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """log Σ eˣ over `axis`, shifted by the largest value so that nothing overflows; −∞ where all are −∞.

    Math: y = m + log Σ e^(x − m), m = max x;  dx = dy · e^(x − y), the softmax
    """
    module = xp(x)
    m = module.max(x.real, axis=axis, keepdims=True)  # .real: the complex oracle shifts by a constant
    m = module.where(module.isfinite(m), m, 0).astype(m.dtype)
    y = module.log(module.sum(module.exp(x - m), axis=axis, keepdims=True)) + m
    return y if keepdims else module.squeeze(y, axis=axes_of(x.shape, axis))


@logsumexp.vjp("x")
def logsumexp_dx(dy: Any, x: Any, y: Any, x_shape: Any, *, axis: Axis) -> Any:
    y = _spread(y, x_shape, axis)
    return _spread(dy, x_shape, axis) * exp(x - where(y > -float("inf"), y, 0.0))


def axes_of(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """The axes that `axis` means, as non-negative numbers."""
    if axis is None:
        return tuple(range(len(shape)))
    return tuple(a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,)))


def count_of(shape: tuple[int, ...], axis: Axis) -> int:
    """How many values are reduced to one."""
    count = 1
    for a in axes_of(shape, axis):
        count *= shape[a]
    return count


def _degrees(shape: tuple[int, ...], axis: Axis, correction: int) -> float:
    """n − correction; NaN where nothing is left, as PyTorch."""
    left = count_of(shape, axis) - correction
    return float(left) if left > 0 else float("nan")


def _spread(dy: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """`dy` with its reduced axes back, as size 1."""
    axes = axes_of(shape, axis)
    return reshape(dy, shape=tuple(1 if a in axes else size for a, size in enumerate(shape)))


def _to_ties(dy: Any, y: Any, x: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    ties = where(x == _spread(y, shape, axis), 1.0, 0.0)
    return ties * (_spread(dy, shape, axis) / sum(ties, axis=axis, keepdims=True))
