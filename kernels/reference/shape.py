"""Operations that move elements and change none; each is linear, its gradient the way back.

N C: batch, channels.  size: of the images, an axis each.  places: number of windows along each.
"""

import numpy as np

Pair = tuple[int, int]
Sizes = tuple[int, ...]  # one for each axis of the images


def reshape(x: np.ndarray, *, shape: tuple[int, ...]) -> np.ndarray:
    """The elements of x in row-major order, in a new shape; one length may be −1: what is left."""
    return np.reshape(x, shape)  # shape


def reshape_backward(dy: np.ndarray, x: np.ndarray, *, shape: tuple[int, ...]) -> tuple[np.ndarray]:
    """dx = dy in the shape of x."""
    return (np.reshape(dy, x.shape),)  # x's shape


def transpose(x: np.ndarray, *, axes: tuple[int, ...] | None = None) -> np.ndarray:
    """Axis k of y is axis axes[k] of x; None reverses the axes."""
    return np.transpose(x, axes)  # x's lengths, permuted


def transpose_backward(dy: np.ndarray, x: np.ndarray, *, axes: tuple[int, ...] | None = None) -> tuple[np.ndarray]:
    """dx = dy with every axis moved back: axis axes[k] of dx is axis k of dy."""
    if axes is None:
        axes = tuple(reversed(range(x.ndim)))
    back = [0] * x.ndim
    for k, axis in enumerate(axes):
        back[axis] = k
    return (np.transpose(dy, back),)  # x's shape


def expand(x: np.ndarray, *, shape: tuple[int, ...]) -> np.ndarray:
    """x repeated along new leading axes and along axes of length 1, until it has the shape."""
    return np.array(np.broadcast_to(x, shape))  # shape


def expand_backward(dy: np.ndarray, x: np.ndarray, *, shape: tuple[int, ...]) -> tuple[np.ndarray]:
    """dx = Σ dy over all copies of each element."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), shape)  # y's shape
    dx = np.zeros(x.size)
    np.add.at(dx, at_x, dy)
    return (dx.reshape(x.shape),)  # x's shape


def concatenate(*xs: np.ndarray, axis: int = 0) -> np.ndarray:
    """The arrays one after another along the axis."""
    return np.concatenate(xs, axis=axis)  # axis: sum of the lengths


def concatenate_backward(dy: np.ndarray, *xs: np.ndarray, axis: int = 0) -> tuple[np.ndarray, ...]:
    """Each input takes its own stretch of dy."""
    grads, start = [], 0
    for x in xs:
        stretch = np.arange(start, start + x.shape[axis])
        grads.append(np.take(dy, stretch, axis=axis))  # x's shape
        start += x.shape[axis]
    return tuple(grads)


def pad(x: np.ndarray, *, widths: tuple[Pair, ...], value: float = 0.0) -> np.ndarray:
    """x surrounded by `value`: widths holds (before, after) for each axis."""
    size = [before + n + after for n, (before, after) in zip(x.shape, widths, strict=True)]
    y = np.full(size, value, x.dtype)
    y[tuple(slice(b, b + n) for n, (b, _) in zip(x.shape, widths, strict=True))] = x  # x's shape
    return y


def pad_backward(dy: np.ndarray, x: np.ndarray, *, widths: tuple[Pair, ...], value: float = 0.0) -> tuple[np.ndarray]:
    """dx = dy without the border."""
    inside = tuple(slice(b, b + n) for n, (b, _) in zip(x.shape, widths, strict=True))
    return (dy[inside],)  # x's shape


def windows(x: np.ndarray, *, kernel_size: Sizes, stride: Sizes, dilation: Sizes) -> np.ndarray:
    """y[n, c, i…, u…] = x[n, c, (i·stride + u·dilation)…], one index i and one u for each axis of the images.

    x (N, C, *size), y (N, C, *places, *kernel_size);  the places are the i from which the whole kernel lies in x.
    """
    places = []
    for n, k, s, r in zip(x.shape[2:], kernel_size, stride, dilation, strict=True):
        places.append(len(range(0, n - r * (k - 1), s)))
    y = np.zeros((*x.shape[:2], *places, *kernel_size), x.dtype)
    for i in np.ndindex(*places):
        for u in np.ndindex(*kernel_size):
            pixel = [a * s + b * r for a, b, s, r in zip(i, u, stride, dilation, strict=True)]
            y[:, :, *i, *u] = x[:, :, *pixel]  # (N, C)
    return y


def windows_backward(
    dy: np.ndarray, x: np.ndarray, *, kernel_size: Sizes, stride: Sizes, dilation: Sizes
) -> tuple[np.ndarray]:
    """dx[n, c, p…] = Σ dy[n, c, i…, u…] over all windows that saw the pixel p."""
    rank, dx = len(kernel_size), np.zeros(x.shape)
    for index in np.ndindex(dy.shape[2:]):
        i, u = index[:rank], index[rank:]
        pixel = [a * s + b * r for a, b, s, r in zip(i, u, stride, dilation, strict=True)]
        dx[:, :, *pixel] += dy[:, :, *index]  # (N, C)
    return (dx,)


def windows_adjoint(dy: np.ndarray, *, size: Sizes, stride: Sizes, dilation: Sizes) -> np.ndarray:
    """dx[n, c, p…] = Σ dy[n, c, i…, u…] over p = i·stride + u·dilation, axis by axis.

    dy (N, C, *places, *kernel_size), dx (N, C, *size): ⟨windows(x), dy⟩ = ⟨x, dx⟩.
    """
    rank, dx = len(size), np.zeros((*dy.shape[:2], *size), dy.dtype)
    for index in np.ndindex(dy.shape[2:]):
        i, u = index[:rank], index[rank:]
        pixel = [a * s + b * r for a, b, s, r in zip(i, u, stride, dilation, strict=True)]
        dx[:, :, *pixel] += dy[:, :, *index]  # (N, C)
    return dx


def windows_adjoint_backward(
    ddx: np.ndarray, dy: np.ndarray, *, size: Sizes, stride: Sizes, dilation: Sizes
) -> tuple[np.ndarray]:
    """The adjoint of the adjoint: the windows of ddx."""
    rank, ddy = len(size), np.zeros(dy.shape)
    for index in np.ndindex(dy.shape[2:]):
        i, u = index[:rank], index[rank:]
        pixel = [a * s + b * r for a, b, s, r in zip(i, u, stride, dilation, strict=True)]
        ddy[:, :, *index] = ddx[:, :, *pixel]  # (N, C)
    return (ddy,)
