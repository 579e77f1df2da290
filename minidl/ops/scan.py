"""Running totals along one axis: each output sees the inputs up to its own place.

So each input is seen by the outputs from its own place on, and every rule here runs the other way along the axis.
"""

from __future__ import annotations

from typing import Any

from minidl.array import axis_of, int64, xp
from minidl.op import primitive

from .shape import concatenate

__all__ = [
    "cumprod",
    "cumsum",
    "linear_scan",
]


@primitive
def cumsum(x: Any, *, axis: int) -> Any:
    """The sums of the first one, two, three … values along `axis`; of integers and booleans in int64.

    Math: yₖ = Σⱼ≤ₖ xⱼ;  dxⱼ = Σₖ≥ⱼ dyₖ, the running sum from the other end
    """
    return xp(x).cumsum(x, axis=axis, dtype=int64 if x.dtype.kind in "iub" else None)


@cumsum.vjp("x")
def cumsum_dx(dy: Any, *, axis: int) -> Any:
    back = _along(axis, dy, slice(None, None, -1))
    return cumsum(dy[back], axis=axis)[back]


@primitive
def cumprod(x: Any, *, axis: int) -> Any:
    """The products of the first one, two, three … values along `axis`; of integers and booleans in int64.

    Math: yₖ = xₖ yₖ₋₁;  dxₖ = gₖ yₖ₋₁ with gₖ = dyₖ + xₖ₊₁ gₖ₊₁, and dx₀ = g₀
    Derivation: this is the linear scan whose aₖ is xₖ and whose b is x₀, 0, 0, …. The formula Σₖ≥ⱼ dyₖ yₖ / xⱼ is the
        same number, but for 0 / 0 at a zero; here nothing is divided.
    """
    return xp(x).cumprod(x, axis=axis, dtype=int64 if x.dtype.kind in "iub" else None)


@cumprod.vjp("x")
def cumprod_dx(dy: Any, y: Any, x: Any, *, axis: int) -> Any:
    g = _from_the_end(x, dy, axis)
    first, rest, but_last = (_along(axis, x, part) for part in (slice(1), slice(1, None), slice(-1)))
    return concatenate(g[first], g[rest] * y[but_last], axis=axis)


@primitive(promotes=True)
def linear_scan(a: Any, b: Any, *, axis: int) -> Any:
    """The states of a linear recurrence along `axis`: what is there is scaled, and something is added.

    Math: yₖ = aₖ yₖ₋₁ + bₖ, from y₋₁ = 0;  dbₖ = gₖ,  daₖ = gₖ yₖ₋₁  with  gₖ = dyₖ + aₖ₊₁ gₖ₊₁
    Shapes: a, b and y are of one shape.
    Derivation: yₖ reaches the loss by itself, dyₖ, and through yₖ₊₁ = aₖ₊₁ yₖ + …, which has gₖ₊₁: so its whole
        cotangent is gₖ. That is a linear recurrence again, from the other end, and any order of derivative follows.
        a₀ meets y₋₁ = 0: it has no influence, and no gradient.
    """
    module = xp(a, b)
    y = module.array(b)
    lines, factors = module.moveaxis(y, axis, 0), module.moveaxis(a, axis, 0)
    for k in range(1, len(lines)):
        lines[k] += factors[k] * lines[k - 1]
    return y


@linear_scan.vjp("a")
def linear_scan_da(dy: Any, y: Any, a: Any, *, axis: int) -> Any:
    g = _from_the_end(a, dy, axis)
    first, rest, but_last = (_along(axis, a, part) for part in (slice(1), slice(1, None), slice(-1)))
    return concatenate(0.0 * g[first], g[rest] * y[but_last], axis=axis)


@linear_scan.vjp("b")
def linear_scan_db(dy: Any, a: Any, *, axis: int) -> Any:
    return _from_the_end(a, dy, axis)


def _from_the_end(a: Any, dy: Any, axis: int) -> Any:
    """gₖ = dyₖ + aₖ₊₁ gₖ₊₁: the scan of dy from the other end, with a moved up by one place."""
    first, rest, back = (_along(axis, a, part) for part in (slice(1), slice(1, None), slice(None, None, -1)))
    next_ = concatenate(a[rest], a[first], axis=axis)  # the last one has no influence
    return linear_scan(next_[back], dy[back], axis=axis)[back]


def _along(axis: int, x: Any, part: slice) -> Any:
    """The index of one part of `axis`, and of all of the other axes."""
    return (*(slice(None),) * axis_of("axis", axis, len(x.shape)), part)
