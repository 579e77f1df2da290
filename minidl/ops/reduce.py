"""Many values to one, over `axis`: None for all axes, a number, or a tuple of them.

The adjoint of a sum is a broadcast: dy gets its summed axes back as size 1 (`_spread`) and is stretched over x.
"""

from __future__ import annotations

from typing import Any

from minidl.array import int64, xp
from minidl.op import primitive

from .elementwise import abs, exp, where
from .scan import cumprod
from .shape import expand, pad, reshape, transpose

__all__ = [
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "std",
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


@primitive(real=True)
def std(x: Any, *, axis: Axis = None, keepdims: bool = False, correction: int = 1) -> Any:
    """The standard deviation over `axis`: NaN for as few values as `correction`.

    Math: y = √(Σ (x − x̄)² / (n − correction));  dx = dy · (x − x̄) / ((n − correction) y), and 0 where y = 0
    Derivation: dy / 2y, the root's rule, times the variance's. Where all values are equal, y has a kink, like |·| at 0,
        and the same subgradient is chosen; the root's rule alone would give ∞ · 0.
    """
    m = xp(x).mean(x, axis=axis, keepdims=True)
    return xp(x).sqrt(((x - m) * (x - m)).sum(axis=axis, keepdims=keepdims) / _degrees(x.shape, axis, correction))


@std.vjp("x")
def std_dx(dy: Any, y: Any, x: Any, x_shape: Any, *, axis: Axis, correction: int) -> Any:
    scale = _spread(dy / where(y == 0, 1.0, y), x_shape, axis) / _degrees(x_shape, axis, correction)
    return scale * (x - mean(x, axis=axis, keepdims=True))


@primitive
def prod(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product over `axis`; of integers and booleans in int64.

    Math: y = Π x;  dxᵢ = dy · Πⱼ≠ᵢ xⱼ
    Derivation: y / xᵢ would be 0 / 0 at a zero, where the derivative is the product of the others. So these are
        multiplied: those before i times those after it, two running products, which differentiate again.
    """
    dtype = int64 if x.dtype.kind in "iub" else None
    return xp(x).prod(x, axis=axis, keepdims=keepdims, dtype=dtype)


@prod.vjp("x")
def prod_dx(dy: Any, x: Any, x_shape: Any, *, axis: Axis) -> Any:
    if 0 in x_shape:
        return x * _spread(dy, x_shape, axis)
    reduced = axes_of(x_shape, axis)
    order = (*(a for a in range(len(x_shape)) if a not in reduced), *reduced)
    lines = transpose(x, axes=order)  # kept axes, then reduced ones
    moved, kept = lines.shape, lines.shape[: len(order) - len(reduced)]
    lines = reshape(lines, shape=(*kept, count_of(x_shape, axis)))  # (…, n)
    others = _before(lines) * _before(lines[..., ::-1])[..., ::-1] * reshape(dy, shape=(*kept, 1))  # (…, n)
    back = tuple(order.index(a) for a in range(len(order)))
    return transpose(reshape(others, shape=moved), axes=back)


def _before(x: Any) -> Any:
    """The product of all that stand before each element of the last axis; 1 for the first."""
    widths = (*((0, 0),) * (len(x.shape) - 1), (1, 0))
    return pad(cumprod(x[..., :-1], axis=-1), widths=widths, value=1.0)


@primitive(real=True)
def norm(x: Any, *, p: float = 2.0, axis: Axis = None, keepdims: bool = False) -> Any:
    """The p-norm of the values over `axis`, for any p but 0 and ±∞: these are no sums of powers.

    Math: y = (Σ |x|ᵖ)^(1/p);  dx = dy · sign x · (|x| / y)^(p − 1), and 0 where x or y is 0; for p = 2, dy · x / y
    Derivation: dy · (1/p) (Σ |x|ᵖ)^(1/p − 1) · p |x|^(p − 1) sign x, and (Σ |x|ᵖ)^(1/p − 1) = y^(1 − p). At the tip of
        the cone, y = 0, every slope from −1 to 1 is a subgradient; 0 is chosen, as for |x|.
    """
    if p == 2:
        return xp(x).sqrt(xp(x).sum(x * x, axis=axis, keepdims=keepdims))
    return xp(x).sum(abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


@norm.vjp("x")
def norm_dx(dy: Any, y: Any, x: Any, x_shape: Any, *, p: float, axis: Axis) -> Any:
    safe = _spread(where(y == 0, 1.0, y), x_shape, axis)
    if p == 2:
        return _spread(dy, x_shape, axis) * (x / safe)
    dy = _spread(where(y == 0, 0.0 * dy, dy), x_shape, axis)
    sign = where(x > 0, 1.0, where(x < 0, -1.0, 0.0))
    return dy * sign * (where(x == 0, 1.0, abs(x)) / safe) ** (p - 1)


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
