"""The same elements, otherwise arranged; several tensors joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minidl import ops
from minidl.errors import ArgumentError, describe
from minidl.tensor import Tensor, as_tensor

__all__ = [
    "cat",
    "chunk",
    "concat",
    "flatten",
    "permute",
    "reshape",
    "split",
    "squeeze",
    "stack",
    "transpose",
    "unsqueeze",
]


def reshape(input: Any, shape: Sequence[int]) -> Any:
    """The same elements in another shape; one size may be −1."""
    return as_tensor(input).reshape(shape)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Axes `start_dim` to `end_dim` as one."""
    return as_tensor(input).flatten(start_dim, end_dim)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    return as_tensor(input).transpose(dim0, dim1)


def permute(input: Any, dims: Sequence[int]) -> Any:
    """The axes in another order."""
    return as_tensor(input).permute(dims)


def squeeze(input: Any, dim: Any = None) -> Any:
    """Without the axes of size 1, or without `dim` if its size is 1."""
    return as_tensor(input).squeeze(dim)


def unsqueeze(input: Any, dim: int) -> Any:
    """With a new axis of size 1 at `dim`."""
    return as_tensor(input).unsqueeze(dim)


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors side by side along an axis that they have."""
    return ops.concatenate(*_several("cat", tensors), axis=dim)


concat = cat


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape along a new axis."""
    return ops.stack(_several("stack", tensors), axis=dim)


def split(input: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Pieces of one size along `dim` (the last may be smaller), or of the sizes listed."""
    return as_tensor(input).split(split_size_or_sections, dim)


def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` pieces of one size along `dim` (the last may be smaller)."""
    return as_tensor(input).chunk(chunks, dim)


def _several(name: str, tensors: Any) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not len(tensors):
        raise ArgumentError(f"{name}: tensors: got {describe(tensors)}, expected a list of at least one tensor")
    return [as_tensor(each) for each in tensors]
