"""Picking and placing by arrays of indices, as PyTorch's gather, scatter and index_* do; made of other operations.

Here indices count from 0, and an index may be smaller than the array in the other axes: then the corner of its shape
takes part.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minidl.array import axis_of, is_array, xp
from minidl.errors import DTypeError, ShapeError, describe
from minidl.tensor import Tensor, raw

from .elementwise import where
from .index import check_range, getitem, getitem_adjoint, put_along_axis, take_along_axis
from .shape import expand, pad, reshape

__all__ = [
    "gather",
    "index_add",
    "index_copy",
    "index_fill",
    "index_select",
    "masked_scatter",
    "masked_select",
    "scatter",
    "scatter_add",
    "take",
    "take_along_dim",
]


def _integers(name: str, index: Any) -> Any:
    i = raw(index)
    if i.dtype.kind not in "iu":
        raise DTypeError(f"{name}: index: got {describe(i)}, expected integers", fix="convert it with .long()")
    return i


def _index(name: str, index: Any, shape: tuple[int, ...], axis: int) -> Any:
    """The index as an array: integers, with as many axes as `shape`, no larger than it but along `axis`, in range."""
    i = _integers(name, index)
    if i.ndim != len(shape) or (i.size and not _fits(_without(i.shape, axis), _without(shape, axis))):
        raise ShapeError(
            f"{name}: index: got shape {i.shape} for an array of shape {tuple(shape)}, expected as many axes, none but "
            f"dim {axis} longer"
        )
    check_range(f"{name}: index", i, shape[axis], f"axis {axis} has size {shape[axis]}; indices count from 0")
    return i


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    return all(n <= m for n, m in zip(shape, into, strict=True))


def _corner(x: Any, shape: tuple[int, ...], but: int | None = None) -> Any:
    """The first places of x along every axis, as many as `shape` has; all of them along the axis `but`."""
    if all(n == m or a == but for a, (n, m) in enumerate(zip(shape, x.shape, strict=True))):
        return x
    return x[tuple(slice(None if a == but else n) for a, n in enumerate(shape))]


def _source(name: str, src: Any, shape: tuple[int, ...]) -> Any:
    """What is to be placed, cut to the shape of the index."""
    if len(src.shape) != len(shape) or not (0 in shape or _fits(shape, src.shape)):
        raise ShapeError(
            f"{name}: src: got shape {tuple(src.shape)} for an index of shape {shape}, expected no smaller one"
        )
    return _corner(src, shape)


def gather(x: Any, axis: int, index: Any) -> Any:
    """Along `axis`, the elements that the index names: one for each element of the index.

    Math: y[a, k, b] = x[a, index[a, k, b], b], for the axis in the middle
    Raises:
        AxisError, DTypeError, ShapeError, LabelError: the axis, or the index, does not fit.
    """
    axis = axis_of("gather: dim", axis, len(x.shape))
    i = _index("gather", index, x.shape, axis)
    return take_along_axis(_corner(x, i.shape, axis), i, axis=axis)


def scatter_add(x: Any, axis: int, index: Any, src: Any) -> Any:
    """x, with the elements of `src` added where the index says: the adjoint of `gather`.

    Math: y[a, index[a, k, b], b] += src[a, k, b];  dx = dy,  dsrc = gather(dy)
    Raises:
        AxisError, DTypeError, ShapeError, LabelError: the axis, the index or src does not fit.
    """
    axis = axis_of("scatter_add: dim", axis, len(x.shape))
    i = _index("scatter_add", index, x.shape, axis)
    added = put_along_axis(_source("scatter_add", src, i.shape), i, axis=axis, size=x.shape[axis])
    widths = tuple((0, n - m) for n, m in zip(x.shape, added.shape, strict=True))
    return x + (pad(added, widths=widths) if any(after for _, after in widths) else added)


def scatter(x: Any, axis: int, index: Any, src: Any) -> Any:
    """x, with the elements of `src` (or a number) put where the index says; of several in one place, the last.

    Math: y[a, index[a, k, b], b] = src[a, k, b];  dx = dy but for the places taken,  dsrc = dy for those that stayed
    Raises:
        AxisError, DTypeError, ShapeError, LabelError: the axis, the index or src does not fit.
    """
    axis = axis_of("scatter: dim", axis, len(x.shape))
    i = _index("scatter", index, x.shape, axis)
    if i.size == 0:
        return scatter_add(x, axis, i, src) if hasattr(src, "shape") and src.shape else x
    places = list(xp(i).indices(i.shape, sparse=True))
    places[axis] = i
    written = xp(i).zeros(x.shape, bool)
    written[tuple(places)] = True
    if not (isinstance(src, Tensor) or is_array(src)) or not src.shape:
        return where(written, src, x)
    winner = xp(i).zeros(x.shape, np.int64)  # which element of src stands there in the end
    winner[tuple(places)] = xp(i).arange(i.size).reshape(i.shape)
    flat = reshape(_source("scatter", src, i.shape), shape=(i.size,))
    return where(written, getitem(flat, index=winner), x)


# One index for whole slices -------------------------------------------------------------------------------------------


def _slices(name: str, axis: int, index: Any, x: Any) -> tuple[int, Any]:
    axis, i = axis_of(f"{name}: dim", axis, len(x.shape)), _integers(name, index)
    if i.ndim > 1:
        raise ShapeError(f"{name}: index: got shape {i.shape}, expected one index for each slice, (K,)")
    check_range(f"{name}: index", i, x.shape[axis], f"axis {axis} has size {x.shape[axis]}; indices count from 0")
    return axis, i.reshape(-1)


def _slices_of(name: str, source: Any, x: Any, axis: int, i: Any) -> None:
    shape = (*x.shape[:axis], len(i), *x.shape[axis + 1 :])
    if tuple(source.shape) != shape:
        raise ShapeError(
            f"{name}: source: got shape {tuple(source.shape)}, expected {shape}: {len(i)} slices of {tuple(x.shape)} "
            f"along dim {axis}"
        )


def index_select(x: Any, axis: int, index: Any) -> Any:
    """The slices along `axis` that the index names, in its order."""
    axis, i = _slices("index_select", axis, index, x)
    return getitem(x, index=(*(slice(None),) * axis, i))


def index_add(x: Any, axis: int, index: Any, source: Any, alpha: float = 1) -> Any:
    """x, with alpha times the slices of `source` added to those that the index names."""
    axis, i = _slices("index_add", axis, index, x)
    _slices_of("index_add", source, x, axis, i)
    added = getitem_adjoint(source, index=(*(slice(None),) * axis, i), shape=tuple(x.shape))
    return x + (added if alpha == 1 else alpha * added)


def index_copy(x: Any, axis: int, index: Any, source: Any) -> Any:
    """x, with the slices that the index names replaced by those of `source`; of several in one place, the last."""
    axis, i = _slices("index_copy", axis, index, x)
    _slices_of("index_copy", source, x, axis, i)
    if i.size == 0:
        return index_add(x, axis, i, source)
    winner = xp(i).zeros(x.shape[axis], np.int64)
    winner[i] = xp(i).arange(i.size)
    return where(_named(i, x, axis), getitem(source, index=(*(slice(None),) * axis, winner)), x)


def index_fill(x: Any, axis: int, index: Any, value: Any) -> Any:
    """x, with the slices that the index names filled with a number."""
    axis, i = _slices("index_fill", axis, index, x)
    return where(_named(i, x, axis), value, x)


def _named(i: Any, x: Any, axis: int) -> Any:
    """Which slices the index names, broadcast against x."""
    named = xp(i).zeros(x.shape[axis], bool)
    named[i] = True
    return named.reshape(-1, *(1,) * (len(x.shape) - axis - 1))


# Masks and flat places ------------------------------------------------------------------------------------------------


def _mask(name: str, mask: Any) -> Any:
    m = raw(mask)
    if m.dtype.kind != "b":
        raise DTypeError(f"{name}: mask: got {describe(m)}, expected booleans", fix="compare first, as in x > 0")
    return m


def masked_select(x: Any, mask: Any) -> Any:
    """The elements where the mask is true, one after another; x and the mask broadcast."""
    m = _mask("masked_select", mask)
    try:
        shape = np.broadcast_shapes(tuple(x.shape), m.shape)
    except ValueError as error:
        raise ShapeError(f"masked_select: got shape {tuple(x.shape)} and a mask of {m.shape}: {error}") from error
    return getitem(x if tuple(x.shape) == shape else expand(x, shape=shape), index=xp(m).broadcast_to(m, shape))


def masked_scatter(x: Any, mask: Any, source: Any) -> Any:
    """x, with the elements where the mask is true replaced by those of `source`, one after another."""
    m = _mask("masked_scatter", mask)
    try:
        m = xp(m).broadcast_to(m, x.shape)
    except ValueError as error:
        raise ShapeError(f"masked_scatter: got shape {tuple(x.shape)} and a mask of {m.shape}: {error}") from error
    count = int(m.sum())
    if prod(source.shape) < count:
        raise ShapeError(f"masked_scatter: source: got {prod(source.shape)} elements for {count} places")
    if not prod(source.shape):
        return x
    order = (xp(m).cumsum(m) - 1).reshape(m.shape).clip(0)
    return where(m, getitem(reshape(source, shape=(prod(source.shape),)), index=order), x)


def take(x: Any, index: Any) -> Any:
    """The elements that the index names in the flattened array, in the shape of the index; −1 is the last."""
    i = _integers("take", index)
    n = prod(x.shape)
    check_range("take: index", i + n * (i < 0), n, f"the array has {n} elements")
    return getitem(reshape(x, shape=(n,)), index=i)


def take_along_dim(x: Any, index: Any, axis: int | None = None) -> Any:
    """As `gather`, but the other axes broadcast; without an axis, of the flattened array."""
    i = _integers("take_along_dim", index)
    if axis is None:
        return take(x, i.reshape(-1))
    if i.ndim != len(x.shape):
        raise ShapeError(f"take_along_dim: indices: got shape {i.shape} for {tuple(x.shape)}, expected as many axes")
    axis = axis_of("take_along_dim: dim", axis, i.ndim)
    try:
        lead = np.broadcast_shapes(_without(x.shape, axis), _without(i.shape, axis))
    except ValueError as error:
        raise ShapeError(
            f"take_along_dim: got shape {tuple(x.shape)} and indices {i.shape}: the axes but dim {axis} must broadcast"
        ) from error
    check_range("take_along_dim: index", i, x.shape[axis], f"axis {axis} has size {x.shape[axis]}")
    x = expand(x, shape=(*lead[:axis], x.shape[axis], *lead[axis:]))
    return take_along_axis(x, xp(i).broadcast_to(i, (*lead[:axis], i.shape[axis], *lead[axis:])), axis=axis)
