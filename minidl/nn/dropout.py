"""Dropout."""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError

from . import functional as F
from .functional.dropout import check_probability
from .module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    """In training each value is switched off with probability p, the others are scaled by 1/(1 − p).

    Args:
        p: the probability.
    Raises:
        ArgumentError: p is no probability; `inplace` is not False.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        check_probability("Dropout", p)
        refuse_inplace("Dropout", inplace)
        self.p = p

    def forward(self, input: Any) -> Any:
        return F.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace=False"


def refuse_inplace(name: str, inplace: bool) -> None:
    """PyTorch's `inplace` saves memory there; here it would only overwrite values that backward needs."""
    if inplace:
        raise ArgumentError(f"{name}: inplace: got {inplace!r}, expected False", fix="leave it out: results are equal")
