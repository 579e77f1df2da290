"""The loops of batch norm on the CPU; `normalize.py` calls them.

Versions. The body makes ten to twenty passes over memory, with a temporary each. Here there are two kernels, for the
two ways in which channels lie in memory.

Planes, (N, C, places): a channel's values are runs of places. One channel is taken at a time, which mostly fits the
second-level cache: memory sees x once forward, x and dy once backward, and the result.

Columns, (N, C), or channels last in memory, which is kept so: strips of rows, each with its own moments of all
channels, which are then put together. Forward x is read twice (the moments take one walk) and y written; backward x
and dy are read twice. Strips of columns instead, each going down all the rows, with sums in float64 and a walk of its
own for the variance, took three times as long forward and twice backward: their pieces of rows were too short for the
prefetcher.

Share of the bandwidth of a copy, float32, one core, each array counted once, forward and backward: planes 65 and 75 %,
columns 50 and 50 % (75 and 75 %, counted as often as they are read). Error against float64 beside PyTorch's: planes
1.6e-7 (y alone, 0.8e-7) and 1.5e-7 (2.2e-7), columns 6e-7 (7e-7) and 1.9e-7 (20e-7).

`python -m benchmarks kernels batch_norm` shows the times.
"""

from __future__ import annotations

import numpy as np

from .elementary import full_registers
from .jit import dense, prange, serial, strips_jit

FIRST, CHUNK = 4, 32  # rows of which sums are taken in x's precision: the first ones of a strip, and the later ones


def planes_or_columns(x: np.ndarray) -> np.ndarray:
    """(N, C, places), or (N · places, C) where the channels lie side by side in memory, or there is one place."""
    if x.ndim == 2:
        return dense(x)
    last = channels_last(x)
    if x.size == x.shape[0] * x.shape[1] or (last.flags.c_contiguous and not x.flags.c_contiguous):
        return dense(last).reshape(-1, x.shape[1])
    return dense(x).reshape(*x.shape[:2], -1)


def channels_last(x: np.ndarray) -> np.ndarray:
    return x if x.ndim == 2 else x.transpose(0, *range(2, x.ndim), 1)


def room_like(x: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """For a result of x's shape: in the order in which `planes` has it."""
    return np.empty(x.shape if planes.ndim == 3 else channels_last(x).shape, x.dtype)


def back(y: np.ndarray) -> np.ndarray:
    """The channels from the last axis to the second."""
    return y if y.ndim == 2 else y.transpose(0, y.ndim - 1, *range(1, y.ndim - 1))


# For each channel, y = a (x − μ) + b with a = w/σ, and dx = a dy + p (x − μ) + q, where p and q hold what is the same
# for all of its values. Partial sums over a row of places are in x's precision, their sum over the batch in float64.


@strips_jit
def planes(strips, x, w, b, eps, y, m, v, r):
    samples, channels, places = x.shape
    for strip in prange(strips):
        full_registers()
        for c in range(strip * channels // strips, (strip + 1) * channels // strips):
            total = 0.0
            for i in range(samples):
                part = x.dtype.type(0)
                for j in range(places):
                    part += x[i, c, j]
                total += part
            mean = x.dtype.type(total / (samples * places))
            total = 0.0
            for i in range(samples):
                part = x.dtype.type(0)
                for j in range(places):
                    part += (x[i, c, j] - mean) * (x[i, c, j] - mean)
                total += part
            m[c], v[c] = mean, total / (samples * places)
            r[c] = 1 / np.sqrt(v[c] + eps)
            a, shift = r[c] * w[c], b[c]
            for i in range(samples):
                for j in range(places):
                    y[i, c, j] = (x[i, c, j] - mean) * a + shift


@strips_jit
def planes_dx(strips, dy, dm, dv, x, m, r, w, dx, dw, db):
    samples, channels, places = x.shape
    for strip in prange(strips):
        full_registers()
        for c in range(strip * channels // strips, (strip + 1) * channels // strips):
            mean = m[c]
            along = total = 0.0
            for i in range(samples):
                part = part_along = x.dtype.type(0)
                for j in range(places):
                    part += dy[i, c, j]
                    part_along += dy[i, c, j] * (x[i, c, j] - mean)
                total += part
                along += part_along
            dw[c], db[c] = along * r[c], total
            a, p, q = _slopes(samples * places, dm[c], dv[c], r[c], w[c], dw[c], db[c])
            for i in range(samples):
                for j in range(places):
                    dx[i, c, j] = a * dy[i, c, j] + p * (x[i, c, j] - mean) + q


@serial
def _slopes(size, dm, dv, r, w, dw, db):
    """a, p and q of one channel: dx = w r (dy − db/M − (x − μ) r dw/M) + (dμ + 2 dv (x − μ))/M"""
    size = type(r)(size)
    a = w * r
    return a, (dv + dv - a * r * dw) / size, (dm - a * db) / size  # 2 * dv would be float64


# Channels as columns: strips of rows have their sums for all channels side by side, which are then put together.


@strips_jit
def moments(strips, x, means, squares):
    """The mean of each strip's rows, and the sum of squared distances from it.

    Of a chunk of rows the distances are from the mean of what came before (of the first, from its first row), so that
    no large offset costs digits; chunk joins chunk by the rule of T. F. Chan, G. H. Golub and R. J. LeVeque (1979), in
    float64. Rows are read once.
    """
    channels = x.shape[1]
    for strip in prange(strips):
        full_registers()
        first, last = strip * len(x) // strips, (strip + 1) * len(x) // strips
        mean, square = means[strip], squares[strip]
        center, total, spread = x[first].copy(), np.empty(channels, x.dtype), np.empty(channels, x.dtype)
        start, stop = first, min(first + FIRST, last)
        while start < stop:
            total[:] = 0
            spread[:] = 0
            for i in range(start, stop):
                row = x[i]
                for c in range(channels):
                    total[c] += row[c] - center[c]
                    spread[c] += (row[c] - center[c]) * (row[c] - center[c])
            count = stop - start
            for c in range(channels):
                off = np.float64(total[c]) / count
                _join(mean, square, c, start - first, center[c] + off, max(spread[c] - total[c] * off, 0.0), count)
                center[c] = mean[c]
            start, stop = stop, min(stop + CHUNK, last)


@serial
def _join(mean, square, c, seen, more_mean, more_square, more):
    """`more` rows join the `seen` ones."""
    apart = more_mean - mean[c]
    mean[c] += apart * (more / (seen + more))
    square[c] += more_square + apart * apart * (seen * more / (seen + more))


@serial
def merge(rows, means, squares, eps, m, v, r):
    """μ, v and 1/σ; the first strip's moments grow to those of all."""
    strips = len(means)
    for strip in range(1, strips):
        seen, last = strip * rows // strips, (strip + 1) * rows // strips
        for c in range(len(m)):
            _join(means[0], squares[0], c, seen, means[strip, c], squares[strip, c], last - seen)
    for c in range(len(m)):
        m[c], v[c] = means[0, c], squares[0, c] / rows
        r[c] = 1 / np.sqrt(v[c] + eps)


@strips_jit
def scale(strips, x, m, a, b, y):
    for strip in prange(strips):
        full_registers()
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            xs, ys = x[i], y[i]
            for c in range(len(xs)):
                ys[c] = (xs[c] - m[c]) * a[c] + b[c]


@strips_jit
def sums(strips, dy, x, m, totals, alongs):
    """Σ dy and Σ dy (x − μ) over each strip's rows: a chunk's in x's precision, theirs in float64."""
    channels = x.shape[1]
    for strip in prange(strips):
        full_registers()
        last = (strip + 1) * len(x) // strips
        total, along = np.empty(channels, x.dtype), np.empty(channels, x.dtype)
        for start in range(strip * len(x) // strips, last, CHUNK):
            total[:] = 0
            along[:] = 0
            for i in range(start, min(start + CHUNK, last)):
                dys, xs = dy[i], x[i]
                for c in range(channels):
                    total[c] += dys[c]
                    along[c] += dys[c] * (xs[c] - m[c])
            for c in range(channels):
                totals[strip, c] += total[c]
                alongs[strip, c] += along[c]


@serial
def add_up(rows, totals, alongs, dm, dv, r, w, dw, db, slopes):
    """dw, db, and each channel's a, p and q."""
    for strip in range(1, len(totals)):
        for c in range(len(r)):
            totals[0, c] += totals[strip, c]
            alongs[0, c] += alongs[strip, c]
    for c in range(len(r)):
        dw[c], db[c] = alongs[0, c] * r[c], totals[0, c]
        slopes[0, c], slopes[1, c], slopes[2, c] = _slopes(rows, dm[c], dv[c], r[c], w[c], dw[c], db[c])


@strips_jit
def slope(strips, dy, x, m, a, p, q, dx):
    for strip in prange(strips):
        full_registers()
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            dys, xs, dxs = dy[i], x[i], dx[i]
            for c in range(len(xs)):
                dxs[c] = a[c] * dys[c] + p[c] * (xs[c] - m[c]) + q[c]
