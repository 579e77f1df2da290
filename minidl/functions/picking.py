"""Picking and placing by indices and masks."""

from __future__ import annotations

from typing import Any

from minidl.tensor import as_tensor

__all__ = [
    "argwhere",
    "bincount",
    "gather",
    "index_add",
    "index_copy",
    "index_fill",
    "index_select",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "nonzero",
    "scatter",
    "scatter_add",
    "take",
    "take_along_dim",
    "unique",
]


def gather(input: Any, dim: int, index: Any) -> Any:
    """Along `dim`, the elements that the index names."""
    return as_tensor(input).gather(dim, index)


def scatter(input: Any, dim: int, index: Any, src: Any) -> Any:
    """With `src` (a tensor or a number) put where the index says; of several in one place, the last."""
    return as_tensor(input).scatter(dim, index, src)


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """With `src` added where the index says."""
    return as_tensor(input).scatter_add(dim, index, src)


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices along `dim` that the index names."""
    return as_tensor(input).index_select(dim, index)


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """With alpha times `source` added to the slices that the index names."""
    return as_tensor(input).index_add(dim, index, source, alpha=alpha)


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """With the slices that the index names replaced by those of `source`."""
    return as_tensor(input).index_copy(dim, index, source)


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """With the slices that the index names filled with a number."""
    return as_tensor(input).index_fill(dim, index, value)


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """`value` where the mask is true, else `input`."""
    return as_tensor(input).masked_fill(mask, value)


def masked_select(input: Any, mask: Any) -> Any:
    """The elements where the mask is true, one after another."""
    return as_tensor(input).masked_select(mask)


def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """With the elements where the mask is true replaced by those of `source`, one after another."""
    return as_tensor(input).masked_scatter(mask, source)


def take(input: Any, index: Any) -> Any:
    """The elements that the index names in the flattened tensor."""
    return as_tensor(input).take(index)


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """As `gather`, but the other axes broadcast; without `dim`, of the flattened tensor."""
    return as_tensor(input).take_along_dim(indices, dim)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not 0: a row for each; or, as a tuple, a vector for each axis."""
    return as_tensor(input).nonzero(as_tuple=as_tuple)


def argwhere(input: Any) -> Any:
    """The indices of the elements that are not 0, a row for each."""
    return as_tensor(input).argwhere()


def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The different values (or slices along `dim`), in order; where each one stands, and how many there are."""
    return as_tensor(input).unique(sorted, return_inverse, return_counts, dim)


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each of 0, 1, 2, … occurs; or the sums of the weights, with a gradient."""
    return as_tensor(input).bincount(weights if weights is None else as_tensor(weights), minlength)
