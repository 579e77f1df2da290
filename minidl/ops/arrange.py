"""The same elements, otherwise arranged: mirrored, turned, repeated, cut along diagonals; made of other operations.

None of these has a rule of its own. Each is a line over `getitem`, `reshape`, `transpose`, `expand` and
`concatenate`, which know their adjoints; so any order of derivative is right if the line is.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minidl.array import axis_of, xp
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import Tensor, raw

from .elementwise import where
from .index import getitem, getitem_adjoint
from .reduce import sum
from .shape import concatenate, expand, reshape, transpose, unsqueeze

__all__ = [
    "diag",
    "diag_embed",
    "diagonal",
    "diff",
    "flip",
    "meshgrid",
    "movedim",
    "narrow",
    "repeat",
    "repeat_interleave",
    "roll",
    "rot90",
    "select",
    "sliding",
    "trace",
    "tril",
    "triu",
    "unbind",
    "unflatten",
]

Axes = int | tuple[int, ...]


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _axes_of(name: str, axes: Any, ndim: int) -> tuple[int, ...]:
    """Several different axes as non-negative numbers."""
    found = tuple(axis_of(f"{name}: dims", a, ndim) for a in _tuple(axes))
    if len(set(found)) < len(found):
        raise ArgumentError(f"{name}: dims: got {axes}, expected each axis once")
    return found


def _at(axis: int, part: Any) -> tuple[Any, ...]:
    """The index of `part` along `axis`, and of everything along those before it."""
    return (*(slice(None),) * axis, part)


# Order ----------------------------------------------------------------------------------------------------------------


def flip(x: Any, axes: Axes) -> Any:
    """The order reversed along `axes`."""
    reversed_ = _axes_of("flip", axes, len(x.shape))
    return x[tuple(slice(None, None, -1 if a in reversed_ else None) for a in range(len(x.shape)))]


def roll(x: Any, shifts: Any, axes: Any = None) -> Any:
    """Moved along `axes` by as many places as `shifts` says; what leaves at the end comes in at the front.

    Args:
        axes: None: along the flattened array.
    Raises:
        ArgumentError: not one shift for each axis.
    """
    if axes is None:
        return reshape(roll(reshape(x, shape=(prod(x.shape),)), shifts, 0), shape=x.shape)
    shifts, axes = _tuple(shifts), tuple(axis_of("roll: dims", a, len(x.shape)) for a in _tuple(axes))
    if len(shifts) != len(axes):
        raise ArgumentError(f"roll: got {len(shifts)} shifts for {len(axes)} dims, expected one for each")
    for shift, axis in zip(shifts, axes, strict=True):
        cut = -shift % max(x.shape[axis], 1)
        x = concatenate(x[_at(axis, slice(cut, None))], x[_at(axis, slice(cut))], axis=axis) if cut else x
    return x


def rot90(x: Any, times: int, axes: tuple[int, int]) -> Any:
    """Turned by `times` right angles in the plane of two axes, from the first towards the second."""
    if len(_tuple(axes)) != 2:
        raise ArgumentError(f"rot90: dims: got {axes}, expected two axes")
    first, second = _axes_of("rot90", axes, len(x.shape))
    if times % 4 == 2:
        return flip(x, (first, second))
    if times % 4 == 0:
        return x
    order = list(range(len(x.shape)))
    order[first], order[second] = second, first
    if times % 4 == 1:
        return flip(transpose(x, axes=tuple(order)), first)
    return flip(transpose(x, axes=tuple(order)), second)


def movedim(x: Any, source: Axes, destination: Axes) -> Any:
    """The axes `source` at the places `destination`; the others stay in order."""
    n = len(x.shape)
    sources, places = _axes_of("movedim", source, n), _axes_of("movedim", destination, n)
    if len(sources) != len(places):
        raise ArgumentError(f"movedim: got {len(sources)} source axes and {len(places)} destinations")
    order = [a for a in range(n) if a not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(x, axes=tuple(order))


# Pieces ---------------------------------------------------------------------------------------------------------------


def select(x: Any, axis: int, index: int) -> Any:
    """The slice at `index` of `axis`, without that axis."""
    axis = axis_of("select: dim", axis, len(x.shape))
    size = x.shape[axis]
    if not -size <= index < size:
        raise ArgumentError(f"select: index: got {index} for an axis of size {size}")
    return x[_at(axis, index)]


def narrow(x: Any, axis: int, start: int, length: int) -> Any:
    """`length` places of `axis`, from `start` on."""
    axis = axis_of("narrow: dim", axis, len(x.shape))
    size = x.shape[axis]
    first = start + size if start < 0 else start
    if not (0 <= first <= size and 0 <= length <= size - first):
        raise ArgumentError(f"narrow: got start {start} and length {length} for an axis of size {size}")
    return x[_at(axis, slice(first, first + length))]


def unbind(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """All slices along `axis`, without that axis."""
    axis = axis_of("unbind: dim", axis, len(x.shape))
    return tuple(x[_at(axis, i)] for i in range(x.shape[axis]))


def unflatten(x: Any, axis: int, sizes: tuple[int, ...]) -> Any:
    """One axis as several, of `sizes`; one of them may be −1."""
    axis = axis_of("unflatten: dim", axis, len(x.shape))
    size, known = x.shape[axis], prod(s for s in sizes if s != -1)
    guessed = list(sizes).count(-1)
    if not sizes or guessed > 1 or (known != size if not guessed else not known or size % known):
        raise ShapeError(f"unflatten: sizes: got {tuple(sizes)} for an axis of size {size}")
    full = tuple(size // known if s == -1 else s for s in sizes)
    return reshape(x, shape=(*x.shape[:axis], *full, *x.shape[axis + 1 :]))


def sliding(x: Any, axis: int, size: int, step: int) -> Any:
    """Windows of `size` places along `axis`, a window every `step` places: PyTorch's `unfold` method.

    Shapes: an axis of n places becomes one of (n − size) // step + 1 windows; a new last axis runs inside them.
    """
    n = len(x.shape)
    axis = axis_of("unfold: dimension", axis, n)
    if step < 1 or not 0 <= size <= x.shape[axis]:
        raise ArgumentError(
            f"unfold: got size {size} and step {step} for an axis of size {x.shape[axis]}",
            fix="a window must fit, and a step is at least 1",
        )
    starts = np.arange(0, x.shape[axis] - size + 1, step)
    y = getitem(x, index=_at(axis, starts[:, None] + np.arange(size)))
    return transpose(y, axes=(*range(axis + 1), *range(axis + 2, n + 1), axis + 1))


def diff(x: Any, axis: int, times: int = 1) -> Any:
    """Each element along `axis` minus the one before it; `times` over."""
    axis = axis_of("diff: dim", axis, len(x.shape))
    if times < 0:
        raise ArgumentError(f"diff: n: got {times}, expected 0 or more")
    for _ in range(times):
        x = x[_at(axis, slice(1, None))] - x[_at(axis, slice(-1))]
    return x


# Copies ---------------------------------------------------------------------------------------------------------------


def repeat(x: Any, counts: tuple[int, ...]) -> Any:
    """The whole array `counts` times along each axis; counts in excess make new axes on the left."""
    if len(counts) < len(x.shape) or min(counts, default=0) < 0:
        raise ShapeError(
            f"repeat: got counts {tuple(counts)} for shape {tuple(x.shape)}, expected at least one count ≥ 0 per axis"
        )
    shape = (1,) * (len(counts) - len(x.shape)) + tuple(x.shape)
    apart = reshape(x, shape=tuple(s for size in shape for s in (1, size)))
    stretched = expand(apart, shape=tuple(s for pair in zip(counts, shape, strict=True) for s in pair))
    return reshape(stretched, shape=tuple(c * size for c, size in zip(counts, shape, strict=True)))


def repeat_interleave(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each slice along `axis` several times in a row: `repeats` times, or as often as its own number says.

    Args:
        repeats: a number, or one for each slice.
        axis: None: of the flattened array.
    """
    if axis is None:
        x, axis = reshape(x, shape=(prod(x.shape),)), 0
    axis = axis_of("repeat_interleave: dim", axis, len(x.shape))
    size = x.shape[axis]
    counts = raw(repeats)
    if counts.dtype.kind not in "iu" or counts.ndim > 1 or counts.size not in (1, size) or (counts < 0).any():
        raise ArgumentError(
            f"repeat_interleave: repeats: got {describe(repeats)} for an axis of size {size}, expected a number ≥ 0, "
            "or one for each place"
        )
    if counts.size == 1:
        count = int(counts.reshape(-1)[0])
        shape = (*x.shape[: axis + 1], count, *x.shape[axis + 1 :])
        copies = expand(unsqueeze(x, axis=axis + 1), shape=shape)
        return reshape(copies, shape=(*x.shape[:axis], size * count, *x.shape[axis + 1 :]))
    return getitem(x, index=_at(axis, xp(counts).repeat(xp(counts).arange(size), counts)))


def meshgrid(xs: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Coordinates on a grid: each vector along an axis of its own, stretched over all of the others.

    Args:
        indexing: `"ij"`: the axes in the order of the vectors; `"xy"`: the first two exchanged.
    """
    if indexing not in ("ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing: got {indexing!r}, expected 'ij' or 'xy'")
    if any(len(x.shape) > 1 for x in xs):
        raise ShapeError(f"meshgrid: got shapes {[tuple(x.shape) for x in xs]}, expected vectors")
    xs = [reshape(x, shape=(prod(x.shape),)) for x in xs]
    n = len(xs)
    places = list(range(n))
    if indexing == "xy" and n > 1:
        places[:2] = 1, 0
    shape = tuple(xs[place].shape[0] for place in places)
    rows = [reshape(x, shape=tuple(-1 if a == places[i] else 1 for a in range(n))) for i, x in enumerate(xs)]
    return tuple(expand(row, shape=shape) for row in rows)


# Triangles and diagonals ----------------------------------------------------------------------------------------------


def _triangle(x: Any, k: int) -> Any:
    if len(x.shape) < 2:
        raise ShapeError(f"tril, triu: got shape {tuple(x.shape)}, expected matrices (…, M, N)")
    module = xp(x.data if isinstance(x, Tensor) else x)
    return module.tri(*x.shape[-2:], k, dtype=bool)


def _nothing(x: Any) -> int:
    """0, as a boolean among booleans, so that a mask stays one."""
    return False if x.dtype.kind == "b" else 0


def tril(x: Any, k: int = 0) -> Any:
    """The lower triangles of matrices, up to the k-th diagonal; 0 above."""
    return where(_triangle(x, k), x, _nothing(x))


def triu(x: Any, k: int = 0) -> Any:
    """The upper triangles of matrices, from the k-th diagonal on; 0 below."""
    return where(_triangle(x, k - 1), _nothing(x), x)


def _along(rows: int, columns: int, offset: int) -> slice:
    """A diagonal of a matrix in its flattened form: from each element to the next one it is a row and a column."""
    length = min(rows + min(offset, 0), columns - max(offset, 0))
    first = offset if offset > 0 else -offset * columns
    return slice(first, first + length * (columns + 1), columns + 1) if length > 0 else slice(0, 0)


def diagonal(x: Any, offset: int = 0, first: int = 0, second: int = 1) -> Any:
    """The diagonal in the plane of two axes, as a new last axis; `offset` > 0: above the main one."""
    n = len(x.shape)
    pair = axis_of("diagonal: dim1", first, n), axis_of("diagonal: dim2", second, n)
    if pair[0] == pair[1]:
        raise ArgumentError(f"diagonal: got dim1 {first} and dim2 {second}, expected two different axes")
    x = transpose(x, axes=(*(a for a in range(n) if a not in pair), *pair))
    *lead, rows, columns = x.shape
    return reshape(x, shape=(*lead, rows * columns))[..., _along(rows, columns, offset)]


def diag_embed(x: Any, offset: int = 0, first: int = -2, second: int = -1) -> Any:
    """Matrices with the last axis of x as a diagonal, and 0 elsewhere: the adjoint of `diagonal`.

    Args:
        first, second: where the two axes of the matrices stand in the result.
    """
    if not x.shape:
        raise ShapeError("diag_embed: got a number, expected at least one axis", fix="reshape it to (1,)")
    n = len(x.shape) + 1
    pair = axis_of("diag_embed: dim1", first, n), axis_of("diag_embed: dim2", second, n)
    if pair[0] == pair[1]:
        raise ArgumentError(f"diag_embed: got dim1 {first} and dim2 {second}, expected two different axes")
    size = x.shape[-1] + max(offset, -offset)
    *lead, _ = x.shape
    y = getitem_adjoint(x, index=(Ellipsis, _along(size, size, offset)), shape=(*lead, size * size))
    return movedim(reshape(y, shape=(*lead, size, size)), (n - 2, n - 1), pair)


def diag(x: Any, offset: int = 0) -> Any:
    """A vector as the diagonal of a matrix; of a matrix, the diagonal."""
    if len(x.shape) not in (1, 2):
        raise ShapeError(f"diag: got shape {tuple(x.shape)}, expected a vector or a matrix", fix="use diagonal")
    return diag_embed(x, offset) if len(x.shape) == 1 else diagonal(x, offset)


def trace(x: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    if len(x.shape) != 2:
        raise ShapeError(f"trace: got shape {tuple(x.shape)}, expected a matrix", fix="diagonal(…).sum(-1) for batches")
    return sum(diagonal(x))
