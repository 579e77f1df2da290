"""Products with a weight."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

__all__ = [
    "linear",
]


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """x Wᵀ + b: input (…, in), weight (out, in), bias (out,) → (…, out)."""
    return ops.affine(as_tensor(input), weight, bias)
