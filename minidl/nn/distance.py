"""Distances and angles as layers."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """‖x₁ − x₂ + eps‖ of two vectors, in the norm `p`, over the last axis.

    Shapes: x1 and x2 broadcast to (…, D) → (…), or (…, 1) with keepdim
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """⟨x₁, x₂⟩ / (‖x₁‖ ‖x₂‖) along `dim`: the cosine of the angle between two vectors; norms are at least `eps`.

    Shapes: x1 and x2 broadcast, and `dim` goes
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
