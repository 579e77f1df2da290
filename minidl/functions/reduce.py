"""Reductions, and what is said along an axis."""

from __future__ import annotations

from typing import Any

from minidl.tensor import Tensor, as_tensor

from .elementwise import maximum, minimum

__all__ = [
    "all",
    "amax",
    "amin",
    "aminmax",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "nanmean",
    "nansum",
    "prod",
    "softmax",
    "std",
    "std_mean",
    "sum",
    "var",
    "var_mean",
]


def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum over `dim` (an axis, several, or None for all)."""
    return as_tensor(input).sum(dim, keepdim, dtype=dtype)


def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean over `dim`."""
    return as_tensor(input).mean(dim, keepdim, dtype=dtype)


def var(
    input: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False, unbiased: bool | None = None
) -> Any:
    """The variance over `dim`, divided by n − correction."""
    return as_tensor(input).var(dim, correction, keepdim, unbiased=unbiased)


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


def std(
    input: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False, unbiased: bool | None = None
) -> Any:
    """The standard deviation over `dim`; where it is 0, so is its gradient."""
    return as_tensor(input).std(dim, correction, keepdim, unbiased=unbiased)


def std_mean(input: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> tuple[Any, Any]:
    """The standard deviation and the mean over `dim`."""
    x = as_tensor(input)
    return x.std(dim, correction, keepdim), x.mean(dim, keepdim)


def var_mean(input: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> tuple[Any, Any]:
    """The variance and the mean over `dim`."""
    x = as_tensor(input)
    return x.var(dim, correction, keepdim), x.mean(dim, keepdim)


def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product over `dim`."""
    return as_tensor(input).prod(dim, keepdim, dtype=dtype)


def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum over `dim` of what is not NaN."""
    return as_tensor(input).nansum(dim, keepdim, dtype=dtype)


def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean over `dim` of what is not NaN."""
    return as_tensor(input).nanmean(dim, keepdim, dtype=dtype)


def count_nonzero(input: Any, dim: Any = None) -> Any:
    """How many elements over `dim` are not 0."""
    return as_tensor(input).count_nonzero(dim)


def amax(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest value over `dim`; ties share the gradient."""
    return as_tensor(input).amax(dim, keepdim)


def amin(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest value over `dim`; ties share the gradient."""
    return as_tensor(input).amin(dim, keepdim)


def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest value over `dim`: (min, max)."""
    return as_tensor(input).aminmax(dim=dim, keepdim=keepdim)


def any(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether any element is true."""
    return as_tensor(input).any(dim, keepdim)


def all(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether all elements are true."""
    return as_tensor(input).all(dim, keepdim)
