"""Softmax, log-softmax, layer norm and batch norm on the CPU.

Versions. Plain NumPy (the operations' bodies) makes five to twenty passes over memory, with a temporary each. Here a
row is read from memory once and stays in the first-level cache for what remains; batch norm, whose statistics go over
the whole batch, takes one channel at a time, which mostly fits the second level. So memory sees 2 passes forward (read
x, write y) and 3 backward (read x or y and dy, write dx). x̂ is not stored but computed again.

Sums over a row are plain loops under `fastmath`, which lets LLVM keep several partial sums in one vector register.
The largest of a row is found among the floats' bits (`largest`): of 10 numbers 8 times faster than among floats, of
1000 twice as fast. The mean is subtracted before squaring, so that a large offset costs no digits.

Share of the bandwidth of a copy, float32 beyond the cache, one core, forward and backward: softmax 70 and 90 %,
log-softmax 47 and 85 % (one exponential an element each, 0.4 ns), layer norm 65 and 77 %, batch norm 60 and 65 %.

`python -m benchmarks kernels softmax log_softmax layer_norm batch_norm` shows the times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementary import exp, scalar
from .jit import dense, prange, rows, serial, strips_jit, strips_of

COLUMNS = 64  # the least that a strip gets of a row of channels


def _vector(p: Any, default: float, x: np.ndarray) -> np.ndarray:
    """Scale or shift for each column of x; where there is none, ones or zeros."""
    return np.full(x.shape[1], default, x.dtype) if p is None else dense(p).reshape(-1)


# Softmax --------------------------------------------------------------------------------------------------------------


def softmax(x: Any, *, axis: int) -> Any:
    """Twin of `minidl.ops.softmax`; residual: y."""
    x2 = rows(x)
    y = np.empty(x.shape, x.dtype)
    _softmax(strips_of(len(x2), x2.size), x2, bits_of(x2), y.reshape(x2.shape))
    return y, (y,)


def softmax_backward(dy: Any, y: Any, *, axis: int) -> Any:
    """dx = y ∘ (dy − Σ dy ∘ y)"""
    y2, dx = rows(y), np.empty(y.shape, y.dtype)
    _softmax_dx(strips_of(len(y2), y2.size), rows(dy), y2, dx.reshape(y2.shape))
    return (dx,)


def log_softmax(x: Any, *, axis: int) -> Any:
    """Twin of `minidl.ops.log_softmax`; residual: y."""
    x2 = rows(x)
    y = np.empty(x.shape, x.dtype)
    _log_softmax(strips_of(len(x2), x2.size), x2, bits_of(x2), y.reshape(x2.shape))
    return y, (y,)


def log_softmax_backward(dy: Any, y: Any, *, axis: int) -> Any:
    """dx = dy − e^y Σ dy"""
    y2, dx = rows(y), np.empty(y.shape, y.dtype)
    _log_softmax_dx(strips_of(len(y2), y2.size), rows(dy), y2, dx.reshape(y2.shape))
    return (dx,)


def softmax_accepts(x: Any, *, axis: int) -> bool:
    """Rows that lie in memory side by side; along other axes the body is used."""
    return axis == -1 or axis == x.ndim - 1


log_softmax_accepts = softmax_accepts


def bits_of(x: np.ndarray) -> np.ndarray:
    """The same memory as integers."""
    return x.view(f"i{x.itemsize}")


@serial
def largest(bits, room, room_bits):
    """The largest of floats given by their bits; the room is for one float, and for its bits.

    Positive floats are ordered as their bits, negative ones the other way round: with these turned over, the order is
    that of integers. Integers LLVM compares eight or sixteen at a time. Floats it does not, because of NaN; here NaN is
    beyond ∞ (or −∞, by its sign).
    """
    i = bits.dtype.type
    sign = i(8 * bits.itemsize - 1)
    others = i((1 << (8 * bits.itemsize - 1)) - 1)
    top = i(-others - 1)
    for j in range(len(bits)):
        top = max(top, i(bits[j] ^ i(i(bits[j] >> sign) & others)))
    room_bits[0] = i(top ^ i(i(top >> sign) & others))
    return room[0]


@serial
def shift_of(bits, room, room_bits):
    """What to subtract before exp: the largest, but not −∞, since −∞ − (−∞) would be NaN."""
    top = largest(bits, room, room_bits)
    return top if top > -np.inf else room.dtype.type(0)


@scalar
def log_of(x, top, log_total):
    """The logarithm of a probability. Free to reassociate, LLVM would add the last two first, before the loop; and
    with top = 10⁴ the sum keeps three digits of float32 behind the point."""
    return (x - top) - log_total


@strips_jit
def _softmax(strips, x, bits, y):
    for strip in prange(strips):
        room = np.empty(1, x.dtype)
        room_bits = room.view(bits.dtype)
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n = x.shape[1]
            top = shift_of(bits[i], room, room_bits)
            total = x.dtype.type(0)
            for j in range(n):
                e = exp(x[i, j] - top)
                y[i, j] = e
                total += e
            scale = x.dtype.type(1) / (total if total != 0 else x.dtype.type(1))
            for j in range(n):
                y[i, j] *= scale


@strips_jit
def _softmax_dx(strips, dy, y, dx):
    for strip in prange(strips):
        for i in range(strip * len(y) // strips, (strip + 1) * len(y) // strips):
            n = y.shape[1]
            along = y.dtype.type(0)
            for j in range(n):
                along += dy[i, j] * y[i, j]
            for j in range(n):
                dx[i, j] = y[i, j] * (dy[i, j] - along)


@strips_jit
def _log_softmax(strips, x, bits, y):
    for strip in prange(strips):
        room = np.empty(1, x.dtype)
        room_bits = room.view(bits.dtype)
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n = x.shape[1]
            top = shift_of(bits[i], room, room_bits)
            total = x.dtype.type(0)
            for j in range(n):
                total += exp(x[i, j] - top)
            log_total = np.log(total) if total != 0 else x.dtype.type(0)
            for j in range(n):
                y[i, j] = log_of(x[i, j], top, log_total)


@strips_jit
def _log_softmax_dx(strips, dy, y, dx):
    for strip in prange(strips):
        for i in range(strip * len(y) // strips, (strip + 1) * len(y) // strips):
            n = y.shape[1]
            total = y.dtype.type(0)
            for j in range(n):
                total += dy[i, j]
            for j in range(n):
                dx[i, j] = dy[i, j] - exp(y[i, j]) * total


# Layer norm -----------------------------------------------------------------------------------------------------------


def layer_norm(x: Any, w: Any, b: Any, *, dims: int, eps: float) -> Any:
    """Twin of `minidl.ops.layer_norm`; residuals: x, μ, 1/σ, w, b."""
    x2 = rows(x, dims)
    y, m, r = np.empty(x.shape, x.dtype), np.empty(len(x2), x.dtype), np.empty(len(x2), x.dtype)
    strips = strips_of(len(x2), x2.size)
    w1, b1 = _vector(w, 1, x2), _vector(b, 0, x2)
    _layer_norm(strips, x2, w1, b1, x.dtype.type(eps), y.reshape(x2.shape), m, r)
    return y, (x2, m, r, w, b)


def layer_norm_backward(dy: Any, x2: Any, m: Any, r: Any, w: Any, b: Any, *, dims: int, eps: float) -> Any:
    """dx, dw, db; dw and db are summed strip by strip of rows, then over the strips."""
    dy2 = rows(dy, dims)
    dx = np.empty(dy.shape, x2.dtype)
    strips = strips_of(len(x2), x2.size)
    dw, db = np.zeros((2, strips, x2.shape[1]), x2.dtype)
    _layer_norm_dx(strips, dy2, x2, m, r, _vector(w, 1, x2), dx.reshape(x2.shape), dw, db)
    shape = dy.shape[dy.ndim - dims :]
    return (
        dx,
        None if w is None else dw.sum(axis=0).reshape(shape),
        None if b is None else db.sum(axis=0).reshape(shape),
    )


@strips_jit
def _layer_norm(strips, x, w, b, eps, y, m, r):
    for strip in prange(strips):
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n, size = x.shape[1], x.dtype.type(x.shape[1])
            total = x.dtype.type(0)
            for j in range(n):
                total += x[i, j]
            mean = total / size
            square = x.dtype.type(0)
            for j in range(n):
                square += (x[i, j] - mean) * (x[i, j] - mean)
            scale = x.dtype.type(1) / np.sqrt(square / size + eps)
            m[i], r[i] = mean, scale
            for j in range(n):
                y[i, j] = (x[i, j] - mean) * scale * w[j] + b[j]


@strips_jit
def _layer_norm_dx(strips, dy, x, m, r, w, dx, dw, db):
    for strip in prange(strips):
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n, size = x.shape[1], x.dtype.type(x.shape[1])
            mean, scale = m[i], r[i]
            total = along = x.dtype.type(0)
            for j in range(n):
                normal = (x[i, j] - mean) * scale
                dw[strip, j] += dy[i, j] * normal
                db[strip, j] += dy[i, j]
                total += dy[i, j] * w[j]  # g
                along += dy[i, j] * w[j] * normal
            total, along = total / size, along / size * scale
            for j in range(n):
                dx[i, j] = (dy[i, j] * w[j] - total - (x[i, j] - mean) * along) * scale


# Batch norm -----------------------------------------------------------------------------------------------------------


def batch_norm(x: Any, w: Any, b: Any, *, eps: float) -> Any:
    """Twin of `minidl.ops.batch_norm`; residuals: x, μ, 1/σ, w, b."""
    x3 = _planes(x)
    y = np.empty(x.shape, x.dtype)
    m, v, r = np.empty((3, x.shape[1]), x.dtype)
    kernel = _batch_norm if x3.ndim == 3 else _batch_norm_columns
    arrays = (x3, _vector(w, 1, x3), _vector(b, 0, x3), x.dtype.type(eps), y.reshape(x3.shape), m, v, r)
    kernel(_channel_strips(x3), *arrays)
    return (y, m, v), (x3, m, r, w, b)


def batch_norm_backward(dy: Any, dm: Any, dv: Any, x3: Any, m: Any, r: Any, w: Any, b: Any, *, eps: float) -> Any:
    """dx = (g − mean g − x̂ ∘ mean(g ∘ x̂)) / σ + (dμ + 2 dv ∘ (x − μ)) / M;  dw = Σ dy ∘ x̂;  db = Σ dy"""
    dx = np.empty(dy.shape, x3.dtype)
    dw, db = np.empty((2, len(m)), x3.dtype)
    kernel = _batch_norm_dx if x3.ndim == 3 else _batch_norm_columns_dx
    arrays = (_planes(dy), dense(dm), dense(dv), x3, m, r, _vector(w, 1, x3), dx.reshape(x3.shape), dw, db)
    kernel(_channel_strips(x3), *arrays)
    return dx, None if w is None else dw, None if b is None else db


def _planes(x: np.ndarray) -> np.ndarray:
    """(N, C, places); or (N, C), where there is one place."""
    shape = (*x.shape[:2], -1) if x.size > x.shape[0] * x.shape[1] else x.shape[:2]
    return dense(x).reshape(shape)


def _channel_strips(x: np.ndarray) -> int:
    """Whole channels; where they are columns, a few cache lines of them."""
    strips = strips_of(x.shape[1], x.size)
    return strips if x.ndim == 3 else min(strips, max(1, x.shape[1] // COLUMNS))


# For each channel, y = a (x − μ) + b with a = w/σ, and dx = a dy + p (x − μ) + q, where p and q hold what is the same
# for all of its values. Partial sums over a row of places are in x's precision, their sum over the batch in float64.


@strips_jit
def _batch_norm(strips, x, w, b, eps, y, m, v, r):
    samples, channels, places = x.shape
    for strip in prange(strips):
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
def _batch_norm_dx(strips, dy, dm, dv, x, m, r, w, dx, dw, db):
    samples, channels, places = x.shape
    for strip in prange(strips):
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


@strips_jit
def _batch_norm_columns(strips, x, w, b, eps, y, m, v, r):
    """Without places: a channel is a column, so all channels of the strip go down the rows side by side."""
    samples, channels = x.shape
    for strip in prange(strips):
        first, last = strip * channels // strips, (strip + 1) * channels // strips
        mean, var, scale = m[first:last], v[first:last], r[first:last]
        totals = np.zeros(last - first)
        for i in range(samples):
            xs = x[i, first:last]
            for c in range(len(xs)):
                totals[c] += xs[c]
        mean[:] = totals / samples
        totals[:] = 0
        for i in range(samples):
            xs = x[i, first:last]
            for c in range(len(xs)):
                totals[c] += (xs[c] - mean[c]) * (xs[c] - mean[c])
        var[:] = totals / samples
        scale[:] = 1 / np.sqrt(var + eps)
        a, shift = scale * w[first:last], b[first:last]
        for i in range(samples):
            xs, ys = x[i, first:last], y[i, first:last]
            for c in range(len(xs)):
                ys[c] = (xs[c] - mean[c]) * a[c] + shift[c]


@strips_jit
def _batch_norm_columns_dx(strips, dy, dm, dv, x, m, r, w, dx, dw, db):
    samples, channels = x.shape
    for strip in prange(strips):
        first, last = strip * channels // strips, (strip + 1) * channels // strips
        n, mean = last - first, m[first:last]
        along, total = np.zeros(n), np.zeros(n)
        for i in range(samples):
            dys, xs = dy[i, first:last], x[i, first:last]
            for c in range(n):
                total[c] += dys[c]
                along[c] += dys[c] * (xs[c] - mean[c])
        dw[first:last], db[first:last] = along * r[first:last], total
        a, p, q = np.empty(n, x.dtype), np.empty(n, x.dtype), np.empty(n, x.dtype)
        for c in range(n):
            k = first + c
            a[c], p[c], q[c] = _slopes(samples, dm[k], dv[k], r[k], w[k], dw[k], db[k])
        for i in range(samples):
            dys, xs, dxs = dy[i, first:last], x[i, first:last], dx[i, first:last]
            for c in range(n):
                dxs[c] = a[c] * dys[c] + p[c] * (xs[c] - mean[c]) + q[c]
