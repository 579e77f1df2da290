"""Dropout: of single values, of whole channels, and the kind that goes with SELU."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .functional.dropout import check_probability
from .functional.inplace import refuse_inplace
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    """What all of them share: a probability.

    Raises:
        ArgumentError: p is no probability; `inplace` is not False.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        check_probability(type(self).__name__, p)
        refuse_inplace(type(self).__name__, inplace)
        self.p = p

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace=False"


class Dropout(_Dropout):
    """In training each value is switched off with probability p, the others are scaled by 1/(1 − p)."""

    def forward(self, input: Any) -> Any:
        return F.dropout(input, self.p, self.training)


class Dropout1d(_Dropout):
    """Dropout of whole channels of sequences, (N, C, L) or (C, L)."""

    def forward(self, input: Any) -> Any:
        return F.dropout1d(input, self.p, self.training)


class Dropout2d(_Dropout):
    """Dropout of whole channels of images, (N, C, H, W), or of sequences, (N, C, L)."""

    def forward(self, input: Any) -> Any:
        return F.dropout2d(input, self.p, self.training)


class Dropout3d(_Dropout):
    """Dropout of whole channels of volumes, (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, input: Any) -> Any:
        return F.dropout3d(input, self.p, self.training)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for networks of SELUs."""

    def forward(self, input: Any) -> Any:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels, (N, C, …)."""

    def forward(self, input: Any) -> Any:
        return F.feature_alpha_dropout(input, self.p, self.training)
