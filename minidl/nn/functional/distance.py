"""How far two vectors are from each other, and how far they point apart."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

__all__ = [
    "cosine_similarity",
    "pairwise_distance",
]


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """‖x₁ − x₂ + eps‖ₚ over the last axis.

    Shapes: x1 and x2 broadcast to (…, D) → (…), or (…, 1) with keepdim
    Args:
        p: which norm; float("inf") for the largest difference. eps: keeps equal vectors off the norm's tip, where it
            has no slope.
    """
    return ops.pairwise_distance(as_tensor(x1), as_tensor(x2), p, eps=eps, keepdims=keepdim)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """⟨x₁, x₂⟩ / (‖x₁‖ ‖x₂‖) along `dim`: the cosine of the angle between two vectors.

    Shapes: x1 and x2 broadcast, and `dim` goes
    Args:
        eps: a norm below it counts as eps.
    """
    return ops.cosine_similarity(as_tensor(x1), as_tensor(x2), axis=dim, eps=eps)
