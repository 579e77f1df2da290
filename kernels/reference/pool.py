"""Pooling: one number for each window of each channel, in any number of dimensions.

N C: batch, channels of x; then its axes, of size H each.  Ho: windows along an axis.  k kernel, s stride, p padding,
r dilation, one of each for each axis. Window i covers the places i·s − p + u·r for u = 0 … k − 1.

Ho = ⌊(H + 2p − r (k − 1) − 1) / s⌋ + 1. With ceil_mode ⌈·⌉ for ⌊·⌋: the last window may reach beyond the padding
behind; but a window that would begin there, (Ho − 1) s ≥ H + p, is left out.
"""

import numpy as np

Sizes = tuple[int, ...]


def max_pool(
    x: np.ndarray,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool = False,
) -> np.ndarray:
    """y[n, c, i] = the largest x[n, c, ·] in window i; padding counts as −∞.

    x (N, C, H, …), y (N, C, Ho, …). A NaN in the window makes y NaN.
    """
    size = []
    for n, k, s, p, r in zip(x.shape[2:], kernel_size, stride, padding, dilation, strict=True):
        m = (n + 2 * p - r * (k - 1) - 1 + (s - 1 if ceil_mode else 0)) // s + 1
        size.append(m - 1 if ceil_mode and (m - 1) * s >= n + p else m)

    y = np.full((*x.shape[:2], *size), -np.inf, x.dtype)
    for at in np.ndindex(y.shape):
        for u in np.ndindex(*kernel_size):
            place = [i * s - p + v * r for i, s, p, v, r in zip(at[2:], stride, padding, u, dilation, strict=True)]
            if all(0 <= h < n for h, n in zip(place, x.shape[2:], strict=True)):
                value = x[(*at[:2], *place)]
                if value.real > y[at].real or np.isnan(value):
                    y[at] = value
    return y


def max_pool_backward(
    dy: np.ndarray,
    x: np.ndarray,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool = False,
) -> tuple[np.ndarray]:
    """dx += dy[n, c, i] at the largest x of window i.

    Among equals the first in row-major order takes all, as in PyTorch: one place per window is what a kernel can
    remember.
    """
    dx = np.zeros(x.shape)
    for at in np.ndindex(dy.shape):
        best = None
        for u in np.ndindex(*kernel_size):
            place = [i * s - p + v * r for i, s, p, v, r in zip(at[2:], stride, padding, u, dilation, strict=True)]
            if all(0 <= h < n for h, n in zip(place, x.shape[2:], strict=True)):
                here = (*at[:2], *place)
                if best is None or x[here] > x[best] or np.isnan(x[here]):
                    best = here
        if best is not None:
            dx[best] += dy[at]
    return (dx,)


def avg_pool(
    x: np.ndarray,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """y[n, c, i] = Σ x[n, c, ·] in window i / its number of places.

    x (N, C, H, …), y (N, C, Ho, …). Padding counts as 0. The number of places has the padding with count_include_pad,
    and is without it otherwise; what ceil_mode lets reach beyond the padding never counts.
    """
    size = []
    for n, k, s, p in zip(x.shape[2:], kernel_size, stride, padding, strict=True):
        m = (n + 2 * p - k + (s - 1 if ceil_mode else 0)) // s + 1
        size.append(m - 1 if ceil_mode and (m - 1) * s >= n + p else m)

    y = np.zeros((*x.shape[:2], *size), x.dtype)
    for i in np.ndindex(*size):
        total, inside, padded = np.zeros(x.shape[:2], x.dtype), 0, 0
        for u in np.ndindex(*kernel_size):
            place = [j * s - p + v for j, s, p, v in zip(i, stride, padding, u, strict=True)]
            if all(h < n + p for h, n, p in zip(place, x.shape[2:], padding, strict=True)):
                padded += 1
            if all(0 <= h < n for h, n in zip(place, x.shape[2:], strict=True)):
                inside += 1
                total = total + x[(..., *place)]  # (N, C)
        y[(..., *i)] = total / (padded if count_include_pad else inside)  # (N, C)
    return y


def avg_pool_backward(
    dy: np.ndarray,
    x: np.ndarray,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> tuple[np.ndarray]:
    """dx += dy[n, c, i] / number of places, at every place of window i inside x."""
    dx = np.zeros(x.shape)
    for i in np.ndindex(dy.shape[2:]):
        inside, padded = [], 0
        for u in np.ndindex(*kernel_size):
            place = [j * s - p + v for j, s, p, v in zip(i, stride, padding, u, strict=True)]
            if all(h < n + p for h, n, p in zip(place, x.shape[2:], padding, strict=True)):
                padded += 1
            if all(0 <= h < n for h, n in zip(place, x.shape[2:], strict=True)):
                inside.append(place)
        for place in inside:
            dx[(..., *place)] += dy[(..., *i)] / (padded if count_include_pad else len(inside))  # (N, C)
    return (dx,)
