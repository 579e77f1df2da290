"""Picking elements by their place, and the adjoints: adding up in that place.

A place picked twice takes both cotangents: the adjoints accumulate.
V: rows of the table.  D: their length.
"""

import numpy as np


def getitem(x: np.ndarray, *, index) -> np.ndarray:
    """y = x[index], any basic or advanced index of NumPy."""
    return np.array(x[index])


def getitem_backward(dy: np.ndarray, x: np.ndarray, *, index) -> tuple[np.ndarray]:
    """dx = Σ dy over the elements of y picked from each element of x."""
    source = np.arange(x.size).reshape(x.shape)[index]  # y's shape: flat places in x
    dx = np.zeros(x.size)
    np.add.at(dx, source, dy)
    return (dx.reshape(x.shape),)  # x's shape


def getitem_adjoint(dy: np.ndarray, *, index, shape: tuple[int, ...]) -> np.ndarray:
    """dx = zeros of the shape, to which dy is added at the index: ⟨x[index], dy⟩ = ⟨x, dx⟩."""
    dx = np.zeros(shape, dy.dtype)
    source = np.arange(dx.size).reshape(shape)[index]  # dy's shape: flat places in dx
    flat = dx.reshape(-1)  # (size,), a view
    np.add.at(flat, source, dy)
    return dx


def getitem_adjoint_backward(ddx: np.ndarray, dy: np.ndarray, *, index, shape: tuple[int, ...]) -> tuple[np.ndarray]:
    """The adjoint of the adjoint: ddx[index]."""
    return (np.array(ddx[index]),)  # dy's shape


def take_along_axis(x: np.ndarray, i: np.ndarray, *, axis: int) -> np.ndarray:
    """y[…, k, …] = x[…, i[…, k, …], …], the k-th place along the axis.

    x and i have the same lengths but along the axis; y has the shape of i.
    """
    y = np.zeros(i.shape, x.dtype)
    for place in np.ndindex(i.shape):
        source = list(place)
        source[axis] = i[place]
        y[place] = x[tuple(source)]
    return y


def take_along_axis_backward(dy: np.ndarray, x: np.ndarray, i: np.ndarray, *, axis: int) -> tuple[np.ndarray, None]:
    """dx[…, i[…, k, …], …] = Σ dy[…, k, …]."""
    dx = np.zeros(x.shape)
    for place in np.ndindex(i.shape):
        source = list(place)
        source[axis] = i[place]
        dx[tuple(source)] += dy[place]
    return dx, None


def put_along_axis(dy: np.ndarray, i: np.ndarray, *, axis: int, size: int) -> np.ndarray:
    """dx[…, i[…, k, …], …] = Σ dy[…, k, …], into zeros of length `size` along the axis."""
    shape = list(dy.shape)
    shape[axis] = size
    dx = np.zeros(shape, dy.dtype)
    for place in np.ndindex(i.shape):
        target = list(place)
        target[axis] = i[place]
        dx[tuple(target)] += dy[place]
    return dx


def put_along_axis_backward(
    ddx: np.ndarray, dy: np.ndarray, i: np.ndarray, *, axis: int, size: int
) -> tuple[np.ndarray, None]:
    """ddy[…, k, …] = ddx[…, i[…, k, …], …]."""
    ddy = np.zeros(dy.shape)
    for place in np.ndindex(i.shape):
        target = list(place)
        target[axis] = i[place]
        ddy[place] = ddx[tuple(target)]
    return ddy, None


def embedding(w: np.ndarray, i: np.ndarray) -> np.ndarray:
    """y[…, :] = w[i[…], :];  w (V, D), i (…), y (…, D)."""
    y = np.zeros((*i.shape, w.shape[1]), w.dtype)
    for place in np.ndindex(i.shape):
        y[place] = w[i[place]]  # (D,)
    return y


def embedding_backward(dy: np.ndarray, w: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, None]:
    """dw[v, :] = Σ dy[…, :] over all places where i[…] = v."""
    dw = np.zeros(w.shape)
    for place in np.ndindex(i.shape):
        dw[i[place]] += dy[place]  # (D,)
    return dw, None


def embedding_adjoint(dy: np.ndarray, i: np.ndarray, *, size: int) -> np.ndarray:
    """dw[v, :] = Σ dy[…, :] over all places where i[…] = v;  dy (…, D), dw (size, D)."""
    dw = np.zeros((size, dy.shape[-1]), dy.dtype)
    for place in np.ndindex(i.shape):
        dw[i[place]] += dy[place]  # (D,)
    return dw


def embedding_adjoint_backward(ddw: np.ndarray, dy: np.ndarray, i: np.ndarray, *, size: int) -> tuple[np.ndarray, None]:
    """ddy[…, :] = ddw[i[…], :]."""
    ddy = np.zeros(dy.shape)
    for place in np.ndindex(i.shape):
        ddy[place] = ddw[i[place]]  # (D,)
    return ddy, None
