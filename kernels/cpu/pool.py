"""Pooling on the CPU.

Versions. The operations' bodies write all windows down, KH · KW values for each pixel of y, and read them again: 10 to
20 bytes of traffic for every byte of x. Here each window is read where it lies, and x comes from memory once. A line
of windows at a time, with one pass over the line for each place (u, v), can be vectorised, but small images have too
short lines for it: it took half the time on lines of 28 windows, and twice the time on 14. So the windows go one by
one, but for the most usual ones, 2 × 2 side by side, whose four values make one loop that LLVM vectorises: three times
as fast.

max_pool remembers the pixel that each window chose, so that its backward only adds dy there. The limit is not the
memory but the choice: about 1.5 ns for each value compared, 0.7 ns for each one added to a mean.

`python -m benchmarks kernels max_pool avg_pool` shows the times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import dense, prange, strips_jit, strips_of
from .vector import get, part, put

Pair = tuple[int, int]


def max_pool_accepts(x: Any, **how: Any) -> bool:
    """Pictures; lines and volumes are left to the body."""
    return x.ndim == 4


def avg_pool_accepts(x: Any, **how: Any) -> bool:
    """As max_pool."""
    return x.ndim == 4


def max_pool(x: Any, *, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool) -> Any:
    """Twin of `minidl.ops.max_pool`; residuals: the pixel that each window chose, and x's shape."""
    y = np.empty((*x.shape[:2], *_places(x, kernel_size, stride, padding, dilation, ceil_mode)), x.dtype)
    chosen = np.empty(y.shape, np.int32)
    if y.size:
        strips = strips_of(x.shape[0] * x.shape[1], y.size * kernel_size[0] * kernel_size[1])
        by_two = kernel_size == stride == (2, 2) and padding == (0, 0) and dilation == (1, 1) and not ceil_mode
        _max_pool(strips, dense(x), y, chosen, by_two, kernel_size, stride, padding, dilation)
    return y, (chosen, x.shape)


def max_pool_backward(dy: Any, chosen: Any, shape: Any, **how: Any) -> Any:
    """dy added to the chosen pixels."""
    dx = np.zeros(shape, dy.dtype)
    if dy.size:
        _max_pool_backward(strips_of(shape[0] * shape[1], 4 * dy.size), dense(dy), chosen, dx)
    return (dx,)


def avg_pool(
    x: Any, *, kernel_size: Pair, stride: Pair, padding: Pair, ceil_mode: bool, count_include_pad: bool
) -> Any:
    """Twin of `minidl.ops.avg_pool`; residuals: 1/m for each window, and x's shape."""
    size = _places(x, kernel_size, stride, padding, (1, 1), ceil_mode)
    counts = []
    for m, n, k, s, p in zip(size, x.shape[2:], kernel_size, stride, padding):
        first = np.arange(m) * s - p
        low, high = (-p, n + p) if count_include_pad else (0, n)
        counts.append(np.minimum(first + k, high) - np.maximum(first, low))
    scale = (1 / np.outer(*counts)).astype(x.dtype)
    y = np.empty((*x.shape[:2], *size), x.dtype)
    if y.size:
        strips = strips_of(x.shape[0] * x.shape[1], y.size * kernel_size[0] * kernel_size[1])
        _avg_pool(strips, dense(x), y, scale, kernel_size, stride, padding)
    return y, (scale, x.shape)


def avg_pool_backward(
    dy: Any, scale: Any, shape: Any, *, kernel_size: Pair, stride: Pair, padding: Pair, **how: Any
) -> Any:
    """dy/m added to every pixel of its window."""
    dx = np.zeros(shape, dy.dtype)
    if dy.size:
        strips = strips_of(shape[0] * shape[1], dy.size * kernel_size[0] * kernel_size[1])
        _avg_pool_backward(strips, dense(dy), dx, scale, kernel_size, stride, padding)
    return (dx,)


def _places(x: Any, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool) -> list[int]:
    """(H', W'); with ceil_mode one more where the stride leaves a remainder, unless it begins behind the image."""
    size = []
    for n, k, s, p, r in zip(x.shape[2:], kernel_size, stride, padding, dilation):
        room = n + 2 * p - r * (k - 1) - 1
        m = room // s + 1
        size.append(m + (ceil_mode and room % s > 0 and m * s < n + p))
    return size


@strips_jit
def _max_pool(strips, x, y, chosen, by_two, kernel_size, stride, padding, dilation):
    planes, h, w = x.shape[0] * x.shape[1], x.shape[2], x.shape[3]
    down, across = y.shape[2], y.shape[3]
    pixels, results, places = x.reshape(-1), y.reshape(-1), chosen.reshape(-1)
    for strip in prange(strips):
        for line in range(strip * planes // strips * down, (strip + 1) * planes // strips * down):
            image, top = line // down * h * w, line % down * stride[0] - padding[0]
            if by_two:
                _by_two(pixels, image, top, w, results, places, line * across, across)
            else:
                rows = _inside(top, kernel_size[0], dilation[0], h)
                for j in range(across):
                    left = j * stride[1] - padding[1]
                    columns = _inside(left, kernel_size[1], dilation[1], w)
                    best, place = _largest(pixels, image, top * w + left, dilation[0] * w, dilation[1], rows, columns)
                    put(best, results, line * across + j)
                    put(place, places, line * across + j)


@part
def _inside(first, count, step, size):
    """The range of u for which first + u · step lies in 0 … size − 1; mostly all of it, without a division."""
    low = 0 if first >= 0 else -(first // step)
    high = count if first + (count - 1) * step < size else (size - 1 - first) // step + 1
    return low, high


@part
def _largest(x, image, first, down, right, rows, columns):
    """The first largest value of a window, and its pixel; −1 if a dilated window lies around the image."""
    best, place = x.dtype.type(-np.inf), -1
    for u in range(rows[0], rows[1]):
        for v in range(columns[0], columns[1]):
            pixel = first + u * down + v * right
            value = get(x, image + pixel)
            better = value > best or np.isnan(value) or place < 0  # a NaN is passed on
            best, place = value if better else best, pixel if better else place
    return best, place


@part
def _by_two(x, image, top, w, y, chosen, at, across):
    """A line of windows of 2 × 2, side by side: no branches, so that LLVM vectorises it."""
    upper, lower = image + top * w, image + (top + 1) * w
    for j in range(across):
        a, b = get(x, upper + 2 * j), get(x, upper + 2 * j + 1)
        c, d = get(x, lower + 2 * j), get(x, lower + 2 * j + 1)
        best, place = a, top * w + 2 * j
        better = b > best or np.isnan(b)
        best, place = b if better else best, top * w + 2 * j + 1 if better else place
        better = c > best or np.isnan(c)
        best, place = c if better else best, (top + 1) * w + 2 * j if better else place
        better = d > best or np.isnan(d)
        best, place = d if better else best, (top + 1) * w + 2 * j + 1 if better else place
        put(best, y, at + j)
        put(place, chosen, at + j)


@strips_jit
def _max_pool_backward(strips, dy, chosen, dx):
    planes, size, area = dx.shape[0] * dx.shape[1], dy.shape[2] * dy.shape[3], dx.shape[2] * dx.shape[3]
    cotangent, places, gradient = dy.reshape(-1), chosen.reshape(-1), dx.reshape(-1)
    for strip in prange(strips):
        for plane in range(strip * planes // strips, (strip + 1) * planes // strips):
            for j in range(plane * size, (plane + 1) * size):
                if places[j] >= 0:
                    gradient[plane * area + places[j]] += cotangent[j]


@strips_jit
def _avg_pool(strips, x, y, scale, kernel_size, stride, padding):
    planes, h, w = x.shape[0] * x.shape[1], x.shape[2], x.shape[3]
    down, across = y.shape[2], y.shape[3]
    pixels, results = x.reshape(-1), y.reshape(-1)
    for strip in prange(strips):
        for line in range(strip * planes // strips * down, (strip + 1) * planes // strips * down):
            image, top = line // down * h * w, line % down * stride[0] - padding[0]
            for j in range(across):
                left = j * stride[1] - padding[1]
                total = x.dtype.type(0)
                for i in range(max(0, top), min(h, top + kernel_size[0])):
                    for k in range(max(0, left), min(w, left + kernel_size[1])):
                        total += get(pixels, image + i * w + k)
                results[line * across + j] = total * scale[line % down, j]


@strips_jit
def _avg_pool_backward(strips, dy, dx, scale, kernel_size, stride, padding):
    planes, h, w = dx.shape[0] * dx.shape[1], dx.shape[2], dx.shape[3]
    down, across = dy.shape[2], dy.shape[3]
    cotangent, gradient = dy.reshape(-1), dx.reshape(-1)
    for strip in prange(strips):
        for line in range(strip * planes // strips * down, (strip + 1) * planes // strips * down):
            image, top = line // down * h * w, line % down * stride[0] - padding[0]
            for j in range(across):
                left = j * stride[1] - padding[1]
                share = cotangent[line * across + j] * scale[line % down, j]
                for i in range(max(0, top), min(h, top + kernel_size[0])):
                    for k in range(max(0, left), min(w, left + kernel_size[1])):
                        put(get(gradient, image + i * w + k) + share, gradient, image + i * w + k)
