"""Functions of one number, and of the numbers along an axis."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

__all__ = [
    "gelu",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]


def relu(input: Any) -> Any:
    """max(x, 0)."""
    return ops.relu(as_tensor(input))


def gelu(input: Any, approximate: str = "none") -> Any:
    """x · Φ(x); with approximate="tanh", its approximation by a hyperbolic tangent."""
    return ops.gelu(as_tensor(input), approximate=approximate)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return ops.tanh(as_tensor(input))


def sigmoid(input: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    return ops.sigmoid(as_tensor(input))


def softmax(input: Any, dim: int) -> Any:
    """eˣ / Σ eˣ along `dim`."""
    return ops.softmax(as_tensor(input), axis=dim)


def log_softmax(input: Any, dim: int) -> Any:
    """x − log Σ eˣ along `dim`."""
    return ops.log_softmax(as_tensor(input), axis=dim)
