"""Mirrored, turned, repeated, cut along diagonals, put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl import ops
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import Tensor, as_tensor

from .shape import cat

__all__ = [
    "adjoint",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_tensors",
    "broadcast_to",
    "column_stack",
    "diag",
    "diag_embed",
    "diagonal",
    "diff",
    "dstack",
    "flip",
    "fliplr",
    "flipud",
    "hstack",
    "meshgrid",
    "moveaxis",
    "movedim",
    "narrow",
    "ravel",
    "repeat_interleave",
    "roll",
    "rot90",
    "select",
    "swapaxes",
    "swapdims",
    "t",
    "tensor_split",
    "tile",
    "trace",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
    "unbind",
    "unflatten",
    "vstack",
]


def flip(input: Any, dims: Any) -> Any:
    """The order reversed along the axes."""
    return as_tensor(input).flip(dims)


def fliplr(input: Any) -> Any:
    """The columns in reverse order."""
    return as_tensor(input).fliplr()


def flipud(input: Any) -> Any:
    """The rows in reverse order."""
    return as_tensor(input).flipud()


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Moved along axes; what leaves at the end comes in at the front."""
    return as_tensor(input).roll(shifts, dims)


def rot90(input: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    """Turned by `k` right angles in a plane, from the first axis towards the second."""
    return as_tensor(input).rot90(k, dims)


def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places; the others stay in order."""
    return as_tensor(input).movedim(source, destination)


moveaxis = movedim


def swapaxes(input: Any, axis0: int, axis1: int) -> Any:
    """Two axes exchanged."""
    return as_tensor(input).swapaxes(axis0, axis1)


swapdims = swapaxes


def t(input: Any) -> Any:
    """The transpose of a matrix."""
    return as_tensor(input).t()


def adjoint(input: Any) -> Any:
    """The last two axes exchanged: of real matrices, the transpose."""
    return as_tensor(input).adjoint()


def ravel(input: Any) -> Any:
    """All elements along one axis."""
    return as_tensor(input).ravel()


def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Any:
    """One axis as several; one of the sizes may be −1."""
    return as_tensor(input).unflatten(dim, sizes)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """All slices along `dim`."""
    return as_tensor(input).unbind(dim)


def select(input: Any, dim: int, index: int) -> Any:
    """One slice along `dim`."""
    return as_tensor(input).select(dim, index)


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """`length` places of `dim`, from `start` on."""
    return as_tensor(input).narrow(dim, start, length)


def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """So many pieces along `dim`, the first ones longer by 1 where it must be; or cut at the indices listed."""
    return as_tensor(input).tensor_split(indices_or_sections, dim)


def tile(input: Any, dims: Sequence[int]) -> Any:
    """The whole tensor so many times along each axis."""
    return as_tensor(input).tile(dims)


def repeat_interleave(input: Any, repeats: Any, dim: int | None = None) -> Any:
    """Each slice along `dim` several times in a row."""
    return as_tensor(input).repeat_interleave(repeats, dim)


def broadcast_to(input: Any, size: Sequence[int]) -> Any:
    """Stretched to `size`, as in arithmetic."""
    return as_tensor(input).broadcast_to(size)


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """All stretched to the shape that their sum would have."""
    xs = [as_tensor(each) for each in tensors]
    try:
        shape = np.broadcast_shapes(*[x.shape for x in xs])
    except ValueError as error:
        raise ShapeError(f"broadcast_tensors: got shapes {[x.shape for x in xs]}: {error}") from error
    return tuple(ops.expand(x, shape=shape) for x in xs)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Coordinates on a grid: each vector along an axis of its own, stretched over all of the others."""
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tuple(tensors[0])
    return ops.meshgrid([as_tensor(each) for each in tensors], indexing)


def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangle, up to a diagonal."""
    return as_tensor(input).tril(diagonal)


def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangle, from a diagonal on."""
    return as_tensor(input).triu(diagonal)


def tril_indices(row: int, col: int, offset: int = 0) -> Any:
    """The places of a lower triangle: two rows, of row numbers and of column numbers."""
    return Tensor(np.stack(np.tril_indices(row, offset, col)))


def triu_indices(row: int, col: int, offset: int = 0) -> Any:
    """The places of an upper triangle: two rows, of row numbers and of column numbers."""
    return Tensor(np.stack(np.triu_indices(row, offset, col)))


def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Each element along `dim` minus the one before it, n times over; of the tensor lengthened at its ends."""
    ends = [each if each is None else as_tensor(each) for each in (prepend, append)]
    return as_tensor(input).diff(n, dim, *ends)


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal in the plane of two axes, as a new last axis."""
    return as_tensor(input).diagonal(offset, dim1, dim2)


def diag(input: Any, diagonal: int = 0) -> Any:
    """A vector as the diagonal of a matrix; the diagonal of a matrix."""
    return as_tensor(input).diag(diagonal)


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices with the last axis as a diagonal."""
    return as_tensor(input).diag_embed(offset, dim1, dim2)


def trace(input: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    return as_tensor(input).trace()


def hstack(tensors: Sequence[Any]) -> Any:
    """Side by side: along the second axis, vectors along their only one."""
    xs = _at_least("hstack", tensors, 1)
    return cat(xs, 0 if xs[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Any:
    """One above the other: along the first axis; vectors are rows."""
    return cat(_at_least("vstack", tensors, 2), 0)


def dstack(tensors: Sequence[Any]) -> Any:
    """One behind the other: along the third axis."""
    return cat(_at_least("dstack", tensors, 3), 2)


def column_stack(tensors: Sequence[Any]) -> Any:
    """Side by side, vectors being columns."""
    xs = _at_least("column_stack", tensors, 0)
    return cat([x.reshape(x.numel(), 1) if x.ndim < 2 else x for x in xs], 1)


def atleast_1d(*tensors: Any) -> Any:
    """With at least one axis."""
    return _each(tensors, 1)


def atleast_2d(*tensors: Any) -> Any:
    """With at least two axes, new ones on the left."""
    return _each(tensors, 2)


def atleast_3d(*tensors: Any) -> Any:
    """With at least three axes: a vector lies along the second, a matrix along the first two."""
    return _each(tensors, 3)


def _lifted(x: Any, axes: int) -> Any:
    """With at least so many axes: those of rows come first, and the third last."""
    if x.ndim >= axes:
        return x
    shapes = {0: (1,) * axes, 1: (1, x.numel(), 1)[:axes], 2: (*x.shape, 1)}
    return x.reshape(shapes[x.ndim])


def _each(tensors: tuple[Any, ...], axes: int) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        return tuple(_lifted(as_tensor(each), axes) for each in tensors[0])
    found = tuple(_lifted(as_tensor(each), axes) for each in tensors)
    return found[0] if len(found) == 1 else found


def _at_least(name: str, tensors: Any, axes: int) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not len(tensors):
        raise ArgumentError(f"{name}: tensors: got {describe(tensors)}, expected a list of at least one tensor")
    return [_lifted(as_tensor(each), axes) for each in tensors]
