"""Losses as layers."""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError

from . import functional as F
from .module import Module

__all__ = ["CrossEntropyLoss", "MSELoss"]


class _Loss(Module):
    def __init__(self, *, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise ArgumentError(
                f"{type(self).__name__}: reduction: got {reduction!r}, expected 'mean', 'sum' or 'none'"
            )
        self.reduction = reduction


class CrossEntropyLoss(_Loss):
    """−log softmax(input)[target]: how unlikely the right classes are.

    Shapes: input (N, C), (N, C, d₁, …) or (C,) of logits, not probabilities; target of class numbers, without C.
    Args:
        reduction: "mean", "sum", or "none" for one loss per target.
    """

    def forward(self, input: Any, target: Any) -> Any:
        return F.cross_entropy(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """(input − target)², both of one shape.

    Args:
        reduction: "mean", "sum", or "none" for each.
    """

    def forward(self, input: Any, target: Any) -> Any:
        return F.mse_loss(input, target, reduction=self.reduction)
