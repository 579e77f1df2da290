"""Picking elements, and the adjoint: adding them back to where they were picked from.

Each operation is the other's adjoint, so the pairs are closed under differentiation. An element picked twice gets
both contributions: the adjoint accumulates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import is_array, xp
from minidl.errors import DTypeError, LabelError, ShapeError, describe
from minidl.op import primitive
from minidl.tensor import Tensor, raw

__all__ = [
    "check_range",
    "embedding",
    "embedding_adjoint",
    "getitem",
    "getitem_adjoint",
    "plain_index",
    "put_along_axis",
    "take_along_axis",
]


@primitive
def getitem(x: Any, *, index: Any) -> Any:
    """x[index], with everything NumPy allows: numbers, slices, None, …, booleans, arrays of integers.

    Math: dx = 0 everywhere but at the index, where dy is added
    """
    y = x[index]
    if isinstance(y, np.generic):  # a bare number; with … it is a 0-d view, which shares the memory of x
        y = x[(*(index if isinstance(index, tuple) else (index,)), ...)]
    return y


@getitem.vjp("x")
def getitem_dx(dy: Any, x_shape: Any, *, index: Any) -> Any:
    return getitem_adjoint(dy, index=index, shape=x_shape)


@primitive
def getitem_adjoint(dy: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with dy added at the index.

    Math: x[index] += dy, once for each occurrence
    """
    module = xp(dy)
    x = module.zeros(shape, dy.dtype)
    if _is_basic(index):
        x[index] = dy  # slices and numbers pick each element at most once
    elif module is np:
        np.add.at(x, index, dy)
    else:
        import cupyx

        cupyx.scatter_add(x, index, dy)
    return x


@getitem_adjoint.vjp("dy")
def getitem_adjoint_ddy(ddx: Any, *, index: Any) -> Any:
    return getitem(ddx, index=index)


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return not any((is_array(p) and p.ndim > 0) or isinstance(p, list) for p in parts)


@primitive
def take_along_axis(x: Any, i: Any, *, axis: int) -> Any:
    """One element per line along `axis`, or several: NumPy's take_along_axis, PyTorch's gather.

    Math: y[…, j, …] = x[…, i[…, j, …], …];  dx = dy, added back there
    """
    return xp(x).take_along_axis(x, i, axis)


@take_along_axis.check
def take_along_axis_check(x: Any, i: Any, *, axis: int) -> None:
    _check_index("take_along_axis", i)


@take_along_axis.vjp("x")
def take_along_axis_dx(dy: Any, i: Any, x_shape: Any, *, axis: int) -> Any:
    return put_along_axis(dy, i, axis=axis, size=x_shape[axis])


@primitive
def put_along_axis(dy: Any, i: Any, *, axis: int, size: int) -> Any:
    """Zeros with `size` places along `axis`, to which dy is added: the adjoint of take_along_axis."""
    module = xp(dy)
    shape = list(dy.shape)
    shape[axis] = size
    x = module.zeros(shape, dy.dtype)
    places = list(module.indices(i.shape, sparse=True))
    places[axis] = i
    if module is np:
        np.add.at(x, tuple(places), dy)
    else:
        import cupyx

        cupyx.scatter_add(x, tuple(places), dy)
    return x


@put_along_axis.vjp("dy")
def put_along_axis_ddy(ddx: Any, i: Any, *, axis: int) -> Any:
    return take_along_axis(ddx, i, axis=axis)


@primitive
def embedding(w: Any, i: Any) -> Any:
    """Rows of a table.

    Math: y[…] = w[i[…]];  dw[v] = Σ dy over the places where i = v
    Shapes: w (V, D), i (…) of integers → y (…, D)
    Raises:
        DTypeError: `i` is not of integers. LabelError: an index outside 0 … V − 1.
    """
    return w[i]


@embedding.check
def embedding_check(w: Any, i: Any) -> None:
    if w.ndim != 2:
        raise ShapeError(f"embedding: weight: got shape {w.shape}, expected (V, D)")
    _check_index("embedding", i)
    check_range("embedding: index", i, w.shape[0], "raise num_embeddings, or check the vocabulary")


@embedding.vjp("w")
def embedding_dw(dy: Any, i: Any, w_shape: Any) -> Any:
    return embedding_adjoint(dy, i, size=w_shape[0])


@primitive
def embedding_adjoint(dy: Any, i: Any, *, size: int) -> Any:
    """A table of `size` rows in which dy's rows are summed by index: the adjoint of embedding.

    Shapes: dy (…, D), i (…) → w (size, D)
    """
    return getitem_adjoint(dy, index=i, shape=(size, dy.shape[-1]))


@embedding_adjoint.vjp("dy")
def embedding_adjoint_ddy(ddw: Any, i: Any) -> Any:
    return embedding(ddw, i)


def plain_index(index: Any) -> Any:
    """An index with its tensors (and lists of numbers) as arrays: what `getitem` takes.

    Raises:
        DTypeError: a float or another object that is no index.
    """
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, Tensor | list | range) or is_array(index):
        array = raw(list(index) if isinstance(index, range) else index)
        if array.size == 0 and isinstance(index, list):
            array = array.astype(np.int64)
        if array.dtype.kind not in "iub":
            raise DTypeError(f"tensor[index]: index: got {describe(array)}, expected integers or booleans")
        return array
    if index is None or index is Ellipsis or isinstance(index, int | slice | np.integer):
        return index
    raise DTypeError(
        f"tensor[index]: index: got {describe(index)}, expected integers, slices, None, …, or arrays of integers or "
        "booleans"
    )


def check_range(what: str, i: Any, size: int, fix: str) -> None:
    """Integers between 0 and size − 1; else an error that says which, and where the first one stands.

    On a GPU the look would wait for the device, so there the kernels' own bounds are relied on.
    """
    if not isinstance(i, np.ndarray) or i.size == 0:
        return
    low, high = int(i.min()), int(i.max())
    if low >= 0 and high < size:
        return
    bad = (i < 0) | (i >= size)
    first = tuple(int(a) for a in np.argwhere(bad)[0])
    raise LabelError(
        f"{what}: got {int(i[first])} at position {first} ({int(bad.sum())} of {i.size} outside), expected 0 to "
        f"{size - 1}",
        fix=fix,
    )


def _check_index(name: str, i: Any) -> None:
    if not hasattr(i, "dtype") or i.dtype.kind not in "iu":
        raise DTypeError(f"{name}: index: got {describe(i)}, expected integers", fix="convert it with .long()")
