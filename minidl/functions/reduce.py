"""Reductions, and what is said along an axis."""

from __future__ import annotations

from typing import Any

from minidl.tensor import Tensor, as_tensor

from .elementwise import maximum, minimum

__all__ = [
    "argmax",
    "argmin",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "softmax",
    "sum",
    "var",
]


def sum(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The sum over `dim` (an axis, several, or None for all)."""
    return as_tensor(input).sum(dim, keepdim)


def mean(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The mean over `dim`."""
    return as_tensor(input).mean(dim, keepdim)


def var(input: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> Any:
    """The variance over `dim`, divided by n − correction."""
    return as_tensor(input).var(dim, correction=correction, keepdim=keepdim)


def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest value of all; over an axis `dim`, (values, indices); with a second tensor, `maximum`."""
    return maximum(input, dim) if isinstance(dim, Tensor) else as_tensor(input).max(dim, keepdim)


def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest value of all; over an axis `dim`, (values, indices); with a second tensor, `minimum`."""
    return minimum(input, dim) if isinstance(dim, Tensor) else as_tensor(input).min(dim, keepdim)


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the largest value, the first of ties."""
    return as_tensor(input).argmax(dim, keepdim)


def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the smallest value, the first of ties."""
    return as_tensor(input).argmin(dim, keepdim)


def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """log Σ eˣ over `dim`, without overflow."""
    return as_tensor(input).logsumexp(dim, keepdim)


def softmax(input: Any, dim: int) -> Any:
    """eˣ / Σ eˣ along `dim`."""
    return as_tensor(input).softmax(dim)


def log_softmax(input: Any, dim: int) -> Any:
    """x − log Σ eˣ along `dim`."""
    return as_tensor(input).log_softmax(dim)
