"""Rounding, signs and remainders.

A step function is constant between its steps, so that its derivative is 0; at a step it has none, and 0 is taken there
too, the only slope near. Nothing learns through it, and no rule is worth writing: it is `where(never, x, steps)`, x
being a member of the graph that is nowhere taken. The remainder x − w·⌊x/w⌋ is x less such a constant times w.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import promote, xp
from minidl.errors import ArgumentError
from minidl.op import primitive
from minidl.tensor import raw

from .elementwise import where

__all__ = [
    "ceil",
    "floor",
    "floor_divide",
    "remainder",
    "round",
    "sign",
    "trunc",
]

# Steps ----------------------------------------------------------------------------------------------------------------


def floor(x: Any) -> Any:
    """The largest integer that is not above x.

    Math: y = ⌊x⌋;  dx = 0
    """
    return _steps(x, "floor")


def ceil(x: Any) -> Any:
    """The smallest integer that is not below x.

    Math: y = ⌈x⌉;  dx = 0
    """
    return _steps(x, "ceil")


def trunc(x: Any) -> Any:
    """The integer next to x on the side of 0.

    Math: y = sign x · ⌊|x|⌋;  dx = 0
    """
    return _steps(x, "trunc")


def round(x: Any, *, decimals: int = 0) -> Any:
    """The nearest number with so many decimals; of two equally near, the one whose last digit is even.

    Math: dx = 0
    Args:
        decimals: a negative one counts digits before the point.
    """
    return _steps(x, "round", decimals)


def sign(x: Any) -> Any:
    """−1, 0 or 1; NaN for NaN.

    Math: dx = 0
    """
    array = raw(x)
    return x if array.dtype.kind == "b" else _constant(xp(array).sign(array), x)


def _steps(x: Any, name: str, *options: Any) -> Any:
    array = raw(x)
    if array.dtype.kind in "iub" and not any(options):
        return x
    return _constant(getattr(xp(array), name)(array, *options), x)


def _constant(y: Any, *xs: Any) -> Any:
    """y, as a member of the graph of xs that passes nothing on to them."""
    never = xp(y).zeros((), dtype=bool)
    for x in xs:
        y = where(never, x, y)
    return y


# Division with a remainder --------------------------------------------------------------------------------------------


def floor_divide(x: Any, w: Any) -> Any:
    """How many times w goes into x: the quotient, rounded down.

    Math: y = ⌊x / w⌋;  dx = dw = 0
    Raises:
        ArgumentError: integers divided by 0. Floats give ±∞ or NaN, quietly.
    """
    a, b = promote([v if isinstance(v, int | float) else raw(v) for v in (x, w)], real=False)
    _check_divisor("floor_divide", a, b)
    with np.errstate(all="ignore"):
        y = xp(a, b).floor_divide(a, b)
    return _constant(y, w, x)


@primitive(broadcasts=True)
def remainder(x: Any, w: Any) -> Any:
    """What is left of x when w has gone into it as often as it can; it has the sign of w.

    Math: y = x − w · ⌊x / w⌋;  dx = dy,  dw = −dy · ⌊x / w⌋
    Derivation: between its steps ⌊x / w⌋ is constant. The rule writes it as (x − y) / w.
    Raises:
        ArgumentError: integers divided by 0. Floats give NaN, quietly.
    """
    with np.errstate(all="ignore"):
        if np.iscomplexobj(x) or np.iscomplexobj(w):
            return x - w * xp(x, w).floor(x.real / w.real)
        return xp(x, w).remainder(x, w)


@remainder.check
def remainder_check(x: Any, w: Any) -> None:
    _check_divisor("remainder", x, w)


@remainder.vjp("x")
def remainder_dx(dy: Any) -> Any:
    return dy


@remainder.vjp("w")
def remainder_dw(dy: Any, x: Any, w: Any, y: Any) -> Any:
    return -dy * (x - y) / w


def _check_divisor(name: str, x: Any, w: Any) -> None:
    """Floats have values for what dividing by 0 gives; integers have none."""
    whole = all(a.dtype.kind in "iub" if hasattr(a, "dtype") else type(a) is not float for a in (x, w))
    if whole and not xp(w).all(w):
        raise ArgumentError(
            f"{name}: w: got integers with a 0 among them, expected none", fix="divide floats: those give NaN"
        )
