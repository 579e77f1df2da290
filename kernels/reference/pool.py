"""Pooling in two dimensions: one number for each window of each channel.

N C H W: batch, channels, height, width of x.  Ho Wo: windows.  k kernel, s stride, p padding,
r dilation. Window i covers the places i·s − p + u·r for u = 0 … k − 1.

Ho = ⌊(H + 2p − r (k − 1) − 1) / s⌋ + 1. With ceil_mode ⌈·⌉ for ⌊·⌋: the last window may reach
beyond the right padding; but a window that would begin there, (Ho − 1) s ≥ H + p, is left out.
"""

import numpy as np

Pair = tuple[int, int]


def max_pool2d(
    x: np.ndarray,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool = False,
) -> np.ndarray:
    """y[n, c, i, j] = the largest x[n, c, ·, ·] in window (i, j); padding counts as −∞.

    x (N, C, H, W), y (N, C, Ho, Wo). A NaN in the window makes y NaN.
    """
    size = []
    for n, k, s, p, r in zip(x.shape[2:], kernel_size, stride, padding, dilation, strict=True):
        m = (n + 2 * p - r * (k - 1) - 1 + (s - 1 if ceil_mode else 0)) // s + 1
        size.append(m - 1 if ceil_mode and (m - 1) * s >= n + p else m)

    (sh, sw), (ph, pw), (rh, rw) = stride, padding, dilation
    y = np.full((*x.shape[:2], *size), -np.inf, x.dtype)
    for b, c, i, j in np.ndindex(y.shape):
        for u, v in np.ndindex(*kernel_size):
            h, w = i * sh - ph + u * rh, j * sw - pw + v * rw
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                value = x[b, c, h, w]
                if value.real > y[b, c, i, j].real or np.isnan(value):
                    y[b, c, i, j] = value
    return y


def max_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool = False,
) -> tuple[np.ndarray]:
    """dx += dy[n, c, i, j] at the largest x of window (i, j).

    Among equals the first in row-major order takes all, as in PyTorch: one place per window is
    what a kernel can remember.
    """
    (sh, sw), (ph, pw), (rh, rw) = stride, padding, dilation
    dx = np.zeros(x.shape)
    for b, c, i, j in np.ndindex(dy.shape):
        best = None
        for u, v in np.ndindex(*kernel_size):
            h, w = i * sh - ph + u * rh, j * sw - pw + v * rw
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                value = x[b, c, h, w]
                if best is None or value > x[best] or np.isnan(value):
                    best = (b, c, h, w)
        if best is not None:
            dx[best] += dy[b, c, i, j]
    return (dx,)


def avg_pool2d(
    x: np.ndarray,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """y[n, c, i, j] = Σ x[n, c, ·, ·] in window (i, j) / its number of places.

    x (N, C, H, W), y (N, C, Ho, Wo). Padding counts as 0. The number of places has the padding
    with count_include_pad, and is without it otherwise; what ceil_mode lets reach beyond the
    padding never counts.
    """
    size = []
    for n, k, s, p in zip(x.shape[2:], kernel_size, stride, padding, strict=True):
        m = (n + 2 * p - k + (s - 1 if ceil_mode else 0)) // s + 1
        size.append(m - 1 if ceil_mode and (m - 1) * s >= n + p else m)

    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    for i, j in np.ndindex(*size):
        total, inside, padded = np.zeros(x.shape[:2], x.dtype), 0, 0
        for u, v in np.ndindex(kh, kw):
            h, w = i * sh - ph + u, j * sw - pw + v
            if h < x.shape[2] + ph and w < x.shape[3] + pw:
                padded += 1
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                inside += 1
                total = total + x[:, :, h, w]  # (N, C)
        y[:, :, i, j] = total / (padded if count_include_pad else inside)  # (N, C)
    return y


def avg_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> tuple[np.ndarray]:
    """dx += dy[n, c, i, j] / number of places, at every place of window (i, j) inside x."""
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape[2:]):
        inside, padded = [], 0
        for u, v in np.ndindex(kh, kw):
            h, w = i * sh - ph + u, j * sw - pw + v
            if h < x.shape[2] + ph and w < x.shape[3] + pw:
                padded += 1
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                inside.append((h, w))
        for h, w in inside:
            dx[:, :, h, w] += dy[:, :, i, j] / (padded if count_include_pad else len(inside))
    return (dx,)
