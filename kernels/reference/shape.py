"""Operations that move elements and change none; each is linear, its gradient the way back.

N C H W: batch, channels, height, width.  Ho Wo: number of windows.  KH KW: size of a window.
"""

import numpy as np

Pair = tuple[int, int]


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


def windows(x: np.ndarray, *, kernel_size: Pair, stride: Pair, dilation: Pair) -> np.ndarray:
    """y[n, c, i, j, u, v] = x[n, c, i·stride + u·dilation, j·stride + v·dilation].

    x (N, C, H, W), y (N, C, Ho, Wo, KH, KW);  Ho = ⌊(H − dilation·(KH − 1) − 1) / stride⌋ + 1.
    """
    n, c, h, w = x.shape
    (kh, kw), (sh, sw), (rh, rw) = kernel_size, stride, dilation
    ho = (h - rh * (kh - 1) - 1) // sh + 1
    wo = (w - rw * (kw - 1) - 1) // sw + 1
    y = np.zeros((n, c, ho, wo, kh, kw), x.dtype)
    for i, j, u, v in np.ndindex(ho, wo, kh, kw):
        y[:, :, i, j, u, v] = x[:, :, i * sh + u * rh, j * sw + v * rw]  # (N, C)
    return y


def windows_backward(
    dy: np.ndarray, x: np.ndarray, *, kernel_size: Pair, stride: Pair, dilation: Pair
) -> tuple[np.ndarray]:
    """dx[n, c, p, q] = Σ dy[n, c, i, j, u, v] over all windows that saw (p, q)."""
    (sh, sw), (rh, rw) = stride, dilation
    dx = np.zeros(x.shape)
    for i, j, u, v in np.ndindex(dy.shape[2:]):
        dx[:, :, i * sh + u * rh, j * sw + v * rw] += dy[:, :, i, j, u, v]  # (N, C)
    return (dx,)


def windows_adjoint(dy: np.ndarray, *, size: Pair, stride: Pair, dilation: Pair) -> np.ndarray:
    """dx[n, c, p, q] = Σ dy[n, c, i, j, u, v] over p = i·stride + u·dilation, q likewise.

    dy (N, C, Ho, Wo, KH, KW), dx (N, C, H, W) with size = (H, W): ⟨windows(x), dy⟩ = ⟨x, dx⟩.
    """
    n, c = dy.shape[:2]
    (sh, sw), (rh, rw) = stride, dilation
    dx = np.zeros((n, c, *size), dy.dtype)
    for i, j, u, v in np.ndindex(dy.shape[2:]):
        dx[:, :, i * sh + u * rh, j * sw + v * rw] += dy[:, :, i, j, u, v]  # (N, C)
    return dx


def windows_adjoint_backward(
    ddx: np.ndarray, dy: np.ndarray, *, size: Pair, stride: Pair, dilation: Pair
) -> tuple[np.ndarray]:
    """The adjoint of the adjoint: the windows of ddx."""
    (sh, sw), (rh, rw) = stride, dilation
    ddy = np.zeros(dy.shape)
    for i, j, u, v in np.ndindex(dy.shape[2:]):
        ddy[:, :, i, j, u, v] = ddx[:, :, i * sh + u * rh, j * sw + v * rw]  # (N, C)
    return (ddy,)
