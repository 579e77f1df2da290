"""Further functions of each element whose derivative is a formula of elementary calculus.

Where a rule can be written in the output y it is: y is there already, and often it is the shorter formula.
"""

from __future__ import annotations

import math
from typing import Any

from minidl.array import xp
from minidl.op import primitive

__all__ = [  # noqa: RUF022 (in the order of sorted(), as on every page)
    "atan",
    "cos",
    "expm1",
    "log10",
    "log1p",
    "log2",
    "reciprocal",
    "rsqrt",
    "sin",
    "tan",
]

# Exponentials and logarithms ------------------------------------------------------------------------------------------


@primitive(real=True)
def expm1(x: Any) -> Any:
    """eˣ − 1, exact to the last digits also where x is small and the subtraction would cancel them.

    Math: y = eˣ − 1;  dx = dy · (y + 1)
    """
    return xp(x).expm1(x)


@expm1.vjp("x")
def expm1_dx(dy: Any, y: Any) -> Any:
    return dy * (y + 1)


@primitive(real=True)
def log1p(x: Any) -> Any:
    """ln(1 + x), exact to the last digits also where x is small; −∞ at −1, NaN below.

    Math: y = ln(1 + x);  dx = dy / (1 + x)
    """
    return xp(x).log1p(x)


@log1p.vjp("x")
def log1p_dx(dy: Any, x: Any) -> Any:
    return dy / (1 + x)


@primitive(real=True)
def log2(x: Any) -> Any:
    """The logarithm to base 2; −∞ at 0, NaN below.

    Math: y = ln x / ln 2;  dx = dy / (x · ln 2)
    """
    return xp(x).log2(x)


@log2.vjp("x")
def log2_dx(dy: Any, x: Any) -> Any:
    return dy / (x * math.log(2))


@primitive(real=True)
def log10(x: Any) -> Any:
    """The logarithm to base 10; −∞ at 0, NaN below.

    Math: y = ln x / ln 10;  dx = dy / (x · ln 10)
    """
    return xp(x).log10(x)


@log10.vjp("x")
def log10_dx(dy: Any, x: Any) -> Any:
    return dy / (x * math.log(10))


# Powers ---------------------------------------------------------------------------------------------------------------


@primitive(real=True)
def reciprocal(x: Any) -> Any:
    """The reciprocal; ±∞ at ±0.

    Math: y = 1 / x;  dx = −dy · y²
    """
    return 1 / x


@reciprocal.vjp("x")
def reciprocal_dx(dy: Any, y: Any) -> Any:
    return -dy * y * y


@primitive(real=True)
def rsqrt(x: Any) -> Any:
    """The reciprocal of the square root; ∞ at 0, NaN below.

    Math: y = x^(−½);  dx = −½ dy · y³
    """
    return 1 / xp(x).sqrt(x)


@rsqrt.vjp("x")
def rsqrt_dx(dy: Any, y: Any) -> Any:
    return -0.5 * dy * y * y * y


# Angles, in radians ---------------------------------------------------------------------------------------------------


@primitive(real=True)
def sin(x: Any) -> Any:
    """The sine of an angle in radians.

    Math: y = sin x;  dx = dy · cos x
    """
    return xp(x).sin(x)


@sin.vjp("x")
def sin_dx(dy: Any, x: Any) -> Any:
    return dy * cos(x)


@primitive(real=True)
def cos(x: Any) -> Any:
    """The cosine of an angle in radians.

    Math: y = cos x;  dx = −dy · sin x
    """
    return xp(x).cos(x)


@cos.vjp("x")
def cos_dx(dy: Any, x: Any) -> Any:
    return -dy * sin(x)


@primitive(real=True)
def tan(x: Any) -> Any:
    """The tangent of an angle in radians.

    Math: y = tan x;  dx = dy · (1 + y²)
    """
    return xp(x).tan(x)


@tan.vjp("x")
def tan_dx(dy: Any, y: Any) -> Any:
    return dy * (1 + y * y)


@primitive(real=True)
def atan(x: Any) -> Any:
    """The angle between −π/2 and π/2, in radians, whose tangent is x.

    Math: y = arctan x;  dx = dy / (1 + x²)
    """
    return xp(x).arctan(x)


@atan.vjp("x")
def atan_dx(dy: Any, x: Any) -> Any:
    return dy / (1 + x * x)
