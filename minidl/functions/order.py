"""Sorting, ranks, running totals along an axis."""

from __future__ import annotations

from typing import Any

from minidl.tensor import as_tensor

__all__ = [
    "argsort",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "kthvalue",
    "median",
    "quantile",
    "sort",
    "topk",
]


def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The sums of the first one, two, three … values along `dim`."""
    return as_tensor(input).cumsum(dim, dtype)


def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The products of the first one, two, three … values along `dim`."""
    return as_tensor(input).cumprod(dim, dtype)


def cummax(input: Any, dim: int) -> Any:
    """The largest values up to each place along `dim`, and where they stand: (values, indices)."""
    return as_tensor(input).cummax(dim)


def cummin(input: Any, dim: int) -> Any:
    """The smallest values up to each place along `dim`, and where they stand: (values, indices)."""
    return as_tensor(input).cummin(dim)


def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Sorted along `dim`, and where each value came from: (values, indices)."""
    return as_tensor(input).sort(dim, descending, stable)


def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The indices that sort along `dim`."""
    return as_tensor(input).argsort(dim, descending, stable)


def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The k largest (or smallest) values along `dim`: (values, indices)."""
    return as_tensor(input).topk(k, dim, largest, sorted)


def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th smallest value along `dim`, counted from 1: (values, indices)."""
    return as_tensor(input).kthvalue(k, dim, keepdim)


def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The value in the middle, of an even number the lower; over an axis `dim`, (values, indices)."""
    return as_tensor(input).median(dim, keepdim)


def quantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Any:
    """The values that a share q of all values along `dim` does not exceed."""
    return as_tensor(input).quantile(q, dim, keepdim, interpolation=interpolation)
