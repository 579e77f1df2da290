"""Element by element."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

__all__ = [
    "abs",
    "add",
    "arctan",
    "atan",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "cos",
    "div",
    "erf",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log1p",
    "log2",
    "log10",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "pow",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "square",
    "sub",
    "tan",
    "tanh",
    "trunc",
    "where",
]


def add(input: Any, other: Any) -> Any:
    """The sum."""
    return as_tensor(input).add(other)


def sub(input: Any, other: Any) -> Any:
    """The difference."""
    return as_tensor(input).sub(other)


def mul(input: Any, other: Any) -> Any:
    """The product."""
    return as_tensor(input).mul(other)


def div(input: Any, other: Any) -> Any:
    """The quotient."""
    return as_tensor(input).div(other)


def remainder(input: Any, other: Any) -> Any:
    """What is left over after whole divisions, with the sign of `other`: `input % other`."""
    return as_tensor(input).remainder(other)


def floor_divide(input: Any, other: Any) -> Any:
    """The quotient, rounded down: `input // other`."""
    return as_tensor(input).floor_divide(other)


def pow(input: Any, exponent: Any) -> Any:
    """The power."""
    return as_tensor(input).pow(exponent)


def neg(input: Any) -> Any:
    """The negative."""
    return as_tensor(input).neg()


def exp(input: Any) -> Any:
    """eˣ."""
    return as_tensor(input).exp()


def log(input: Any) -> Any:
    """The natural logarithm."""
    return as_tensor(input).log()


def expm1(input: Any) -> Any:
    """eˣ − 1, exact for small x."""
    return as_tensor(input).expm1()


def log1p(input: Any) -> Any:
    """ln(1 + x), exact for small x."""
    return as_tensor(input).log1p()


def log2(input: Any) -> Any:
    """The logarithm to base 2."""
    return as_tensor(input).log2()


def log10(input: Any) -> Any:
    """The logarithm to base 10."""
    return as_tensor(input).log10()


def sqrt(input: Any) -> Any:
    """√x."""
    return as_tensor(input).sqrt()


def rsqrt(input: Any) -> Any:
    """1 / √x."""
    return as_tensor(input).rsqrt()


def reciprocal(input: Any) -> Any:
    """1 / x."""
    return as_tensor(input).reciprocal()


def square(input: Any) -> Any:
    """x²."""
    return as_tensor(input).square()


def abs(input: Any) -> Any:
    """|x|."""
    return as_tensor(input).abs()


def sin(input: Any) -> Any:
    """The sine of an angle in radians."""
    return as_tensor(input).sin()


def cos(input: Any) -> Any:
    """The cosine of an angle in radians."""
    return as_tensor(input).cos()


def tan(input: Any) -> Any:
    """The tangent of an angle in radians."""
    return as_tensor(input).tan()


def atan(input: Any) -> Any:
    """The angle, in radians, with this tangent."""
    return as_tensor(input).atan()


arctan = atan


def sign(input: Any) -> Any:
    """−1, 0 or 1."""
    return as_tensor(input).sign()


def floor(input: Any) -> Any:
    """The largest integer that is not above x."""
    return as_tensor(input).floor()


def ceil(input: Any) -> Any:
    """The smallest integer that is not below x."""
    return as_tensor(input).ceil()


def trunc(input: Any) -> Any:
    """The integer next to x on the side of 0."""
    return as_tensor(input).trunc()


def round(input: Any, *, decimals: int = 0) -> Any:
    """The nearest number with so many decimals; halves go to the even digit."""
    return as_tensor(input).round(decimals=decimals)


def erf(input: Any) -> Any:
    """The error function."""
    return as_tensor(input).erf()


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return as_tensor(input).tanh()


def sigmoid(input: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    return as_tensor(input).sigmoid()


def relu(input: Any) -> Any:
    """max(x, 0)."""
    return as_tensor(input).relu()


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """Limited to [min, max]."""
    return as_tensor(input).clamp(min, max)


def clamp_min(input: Any, min: Any) -> Any:
    """At least `min`."""
    return as_tensor(input).clamp_min(min)


def clamp_max(input: Any, max: Any) -> Any:
    """At most `max`."""
    return as_tensor(input).clamp_max(max)


def maximum(input: Any, other: Any) -> Any:
    """The larger one, element by element."""
    return as_tensor(input).maximum(other)


def minimum(input: Any, other: Any) -> Any:
    """The smaller one, element by element."""
    return as_tensor(input).minimum(other)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition is true, else `other`; the condition alone: where it is true, as `nonzero`."""
    if input is None and other is None:
        return as_tensor(condition).nonzero(as_tuple=True)
    return ops.where(as_tensor(condition), input, other)


def isnan(input: Any) -> Any:
    """Where elements are NaN."""
    return as_tensor(input).isnan()


def isfinite(input: Any) -> Any:
    """Where elements are neither infinite nor NaN."""
    return as_tensor(input).isfinite()


def isinf(input: Any) -> Any:
    """Where elements are ∞ or −∞."""
    return as_tensor(input).isinf()
