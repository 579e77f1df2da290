"""Products with a weight."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

__all__ = [
    "bilinear",
    "linear",
]


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """x Wᵀ + b: input (…, in), weight (out, in), bias (out,) → (…, out)."""
    return ops.affine(as_tensor(input), weight, bias)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """x₁ᵀ W x₂ + b: inputs (…, in1) and (…, in2), weight (out, in1, in2), bias (out,) → (…, out)."""
    return ops.bilinear(as_tensor(input1), as_tensor(input2), weight, bias)
