"""Element by element."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

__all__ = [
    "abs",
    "clamp",
    "exp",
    "isfinite",
    "isnan",
    "log",
    "maximum",
    "minimum",
    "relu",
    "sigmoid",
    "sqrt",
    "tanh",
    "where",
]


def exp(input: Any) -> Any:
    """eˣ."""
    return as_tensor(input).exp()


def log(input: Any) -> Any:
    """The natural logarithm."""
    return as_tensor(input).log()


def sqrt(input: Any) -> Any:
    """√x."""
    return as_tensor(input).sqrt()


def abs(input: Any) -> Any:
    """|x|."""
    return as_tensor(input).abs()


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


def maximum(input: Any, other: Any) -> Any:
    """The larger one, element by element."""
    return as_tensor(input).maximum(other)


def minimum(input: Any, other: Any) -> Any:
    """The smaller one, element by element."""
    return as_tensor(input).minimum(other)


def where(condition: Any, input: Any, other: Any) -> Any:
    """`input` where the condition is true, else `other`."""
    return ops.where(as_tensor(condition), input, other)


def isnan(input: Any) -> Any:
    """Where elements are NaN."""
    return as_tensor(input).isnan()


def isfinite(input: Any) -> Any:
    """Where elements are neither infinite nor NaN."""
    return as_tensor(input).isfinite()
