"""Softmax, log-softmax, layer norm, RMS norm and batch norm on the CPU. (Batch norm's loops: `batch_norm.py`.)

Versions. Plain NumPy (the operations' bodies) makes five to twenty passes over memory, with a temporary each. Here a
row is read from memory once and stays in the first-level cache for what remains. So memory sees 2 passes forward (read
x, write y) and 3 backward (read x or y and dy, write dx). x̂ is not stored but computed again.

Sums over a row are plain loops under `fastmath`, which lets LLVM keep several partial sums in one vector register.
The largest of a row is found among the floats' bits (`largest`): of 10 numbers 8 times faster than among floats, of
1000 twice as fast. The mean is subtracted before squaring, so that a large offset costs no digits. Registers of 64
bytes (`full_registers`), and an exponential for negative arguments only, made softmax faster by half.

Share of the bandwidth of a copy, float32 beyond the cache, one core, forward and backward: softmax 70 and 95 %,
log-softmax 55 and 90 % (one exponential an element each), layer norm 90 and 80 %, RMS norm 95 and 85 %. Error against
float64 beside PyTorch's, forward and backward: softmax 8e-8 (8e-8) and 4e-8 (4e-8), log-softmax 8e-8 (9e-8) and 1.3e-7
(1.3e-7), layer norm 1.4e-7 (1.4e-7) and 3e-7 (22e-7), RMS norm 1.8e-7 (1.5e-7) and 4e-7 (2e-7).

`python -m benchmarks kernels softmax log_softmax layer_norm rms_norm` shows the times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import batch_norm as loops
from .elementary import exp_down, full_registers, scalar
from .jit import dense, prange, rows, serial, strips_jit, strips_of

LEAST = 32  # rows in a strip, where it has sums for every channel


def vector(p: Any, default: float, x: np.ndarray) -> np.ndarray:
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
def largest(bits, row, room, room_bits):
    """The largest of a row of floats given by their bits; the room is for one float, and for its bits.

    Positive floats are ordered as their bits, negative ones the other way round: with these turned over, the order is
    that of integers. Integers LLVM compares eight or sixteen at a time. Floats it does not, because of NaN; here NaN is
    beyond ∞ (or −∞, by its sign).
    """
    full_registers()
    i = bits.dtype.type
    sign = i(8 * bits.itemsize - 1)
    others = i((1 << (8 * bits.itemsize - 1)) - 1)
    top = i(-others - 1)
    for j in range(bits.shape[1]):
        top = max(top, i(bits[row, j] ^ i(i(bits[row, j] >> sign) & others)))
    room_bits[0] = i(top ^ i(i(top >> sign) & others))
    return room[0]


@serial
def shift_of(bits, row, room, room_bits):
    """What to subtract before exp: the largest, but not −∞, since −∞ − (−∞) would be NaN."""
    top = largest(bits, row, room, room_bits)
    return top if top > -np.inf else room.dtype.type(0)


@scalar
def log_of(x, top, log_total):
    """The logarithm of a probability. Free to reassociate, LLVM would add the last two first, before the loop; and
    with top = 10⁴ the sum keeps three digits of float32 behind the point."""
    return (x - top) - log_total


@strips_jit
def _softmax(strips, x, bits, y):
    for strip in prange(strips):
        full_registers()
        room = np.empty(1, x.dtype)
        room_bits = room.view(bits.dtype)
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n = x.shape[1]
            top = shift_of(bits, i, room, room_bits)
            for j in range(n):
                y[i, j] = exp_down(x[i, j] - top)
            total = x.dtype.type(0)
            for j in range(n):  # a sum beside a store would have other bits where x and y are neighbours
                total += y[i, j]
            scale = x.dtype.type(1) / (total if total != 0 else x.dtype.type(1))
            for j in range(n):
                y[i, j] *= scale


@strips_jit
def _softmax_dx(strips, dy, y, dx):
    for strip in prange(strips):
        full_registers()
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
        full_registers()
        room = np.empty(1, x.dtype)
        room_bits = room.view(bits.dtype)
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n = x.shape[1]
            top = shift_of(bits, i, room, room_bits)
            total = x.dtype.type(0)
            for j in range(n):
                total += exp_down(x[i, j] - top)
            log_total = np.log(total) if total != 0 else x.dtype.type(0)
            for j in range(n):
                y[i, j] = log_of(x[i, j], top, log_total)


@strips_jit
def _log_softmax_dx(strips, dy, y, dx):
    for strip in prange(strips):
        full_registers()
        for i in range(strip * len(y) // strips, (strip + 1) * len(y) // strips):
            n = y.shape[1]
            total = y.dtype.type(0)
            for j in range(n):
                total += dy[i, j]
            for j in range(n):
                dx[i, j] = dy[i, j] - exp_down(y[i, j]) * total


# Layer norm and RMS norm ----------------------------------------------------------------------------------------------


def layer_norm(x: Any, w: Any, b: Any, *, dims: int, eps: float) -> Any:
    """Twin of `minidl.ops.layer_norm`; residuals: x, μ, 1/σ, w, b."""
    x2 = rows(x, dims)
    y, m, r = np.empty(x.shape, x.dtype), np.empty(len(x2), x.dtype), np.empty(len(x2), x.dtype)
    strips = strips_of(len(x2), x2.size)
    w1, b1 = vector(w, 1, x2), vector(b, 0, x2)
    _layer_norm(strips, x2, w1, b1, x.dtype.type(eps), y.reshape(x2.shape), m, r)
    return y, (x2, m, r, w, b)


def layer_norm_backward(dy: Any, x2: Any, m: Any, r: Any, w: Any, b: Any, *, dims: int, eps: float) -> Any:
    """dx, dw, db; dw and db are summed strip by strip of rows, then over the strips."""
    dy2 = rows(dy, dims)
    dx = np.empty(dy.shape, x2.dtype)
    strips = strips_of(len(x2), x2.size)
    dw, db = np.zeros((2, strips, x2.shape[1]), x2.dtype)
    _layer_norm_dx(strips, dy2, x2, m, r, vector(w, 1, x2), dx.reshape(x2.shape), dw, db)
    shape = dy.shape[dy.ndim - dims :]
    return (
        dx,
        None if w is None else dw.sum(axis=0).reshape(shape),
        None if b is None else db.sum(axis=0).reshape(shape),
    )


@strips_jit
def _layer_norm(strips, x, w, b, eps, y, m, r):
    for strip in prange(strips):
        full_registers()
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
        full_registers()
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


def rms_norm(x: Any, w: Any, *, dims: int, eps: float) -> Any:
    """Twin of `minidl.ops.rms_norm`; residuals: x, 1/ρ, w."""
    x2 = rows(x, dims)
    y, r = np.empty(x.shape, x.dtype), np.empty(len(x2), x.dtype)
    _rms_norm(strips_of(len(x2), x2.size), x2, vector(w, 1, x2), x.dtype.type(eps), y.reshape(x2.shape), r)
    return y, (x2, r, w)


def rms_norm_backward(dy: Any, x2: Any, r: Any, w: Any, *, dims: int, eps: float) -> Any:
    """dx and dw, as for layer norm."""
    dx = np.empty(dy.shape, x2.dtype)
    strips = strips_of(len(x2), x2.size)
    dw = np.zeros((strips, x2.shape[1]), x2.dtype)
    _rms_norm_dx(strips, rows(dy, dims), x2, r, vector(w, 1, x2), dx.reshape(x2.shape), dw)
    return dx, None if w is None else dw.sum(axis=0).reshape(dy.shape[dy.ndim - dims :])


@strips_jit
def _rms_norm(strips, x, w, eps, y, r):
    for strip in prange(strips):
        full_registers()
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n, size = x.shape[1], x.dtype.type(x.shape[1])
            square = x.dtype.type(0)
            for j in range(n):
                square += x[i, j] * x[i, j]
            scale = x.dtype.type(1) / np.sqrt(square / size + eps)
            r[i] = scale
            for j in range(n):
                y[i, j] = x[i, j] * scale * w[j]


@strips_jit
def _rms_norm_dx(strips, dy, x, r, w, dx, dw):
    for strip in prange(strips):
        full_registers()
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n, size = x.shape[1], x.dtype.type(x.shape[1])
            scale, along = r[i], x.dtype.type(0)
            for j in range(n):
                dw[strip, j] += dy[i, j] * x[i, j] * scale
                along += dy[i, j] * w[j] * x[i, j]
            along = along * scale * scale / size
            for j in range(n):
                dx[i, j] = (dy[i, j] * w[j] - x[i, j] * along) * scale


# Batch norm -----------------------------------------------------------------------------------------------------------


def batch_norm(x: Any, w: Any, b: Any, *, eps: float) -> Any:
    """Twin of `minidl.ops.batch_norm`; residuals: x, μ, 1/σ, w, b."""
    x3 = loops.planes_or_columns(x)
    y = loops.room_like(x, x3)
    m, v, r = np.empty((3, x.shape[1]), x.dtype)
    w1, b1, eps = vector(w, 1, x3), vector(b, 0, x3), x.dtype.type(eps)
    if x3.ndim == 3:
        loops.planes(strips_of(x.shape[1], x.size), x3, w1, b1, eps, y.reshape(x3.shape), m, v, r)
        return (y, m, v), (x3, m, r, w, b)
    strips = strips_of(max(1, len(x3) // LEAST), x.size)
    means, squares = np.zeros((2, strips, x.shape[1]))
    loops.moments(strips, x3, means, squares)
    loops.merge(len(x3), means, squares, eps, m, v, r)
    loops.scale(strips, x3, m, r * w1, b1, y.reshape(x3.shape))
    return (loops.back(y), m, v), (x3, m, r, w, b)


def batch_norm_backward(dy: Any, dm: Any, dv: Any, x3: Any, m: Any, r: Any, w: Any, b: Any, *, eps: float) -> Any:
    """dx = (g − mean g − x̂ ∘ mean(g ∘ x̂)) / σ + (dμ + 2 dv ∘ (x − μ)) / M;  dw = Σ dy ∘ x̂;  db = Σ dy"""
    dx = loops.room_like(dy, x3)
    dx3, w1, dm, dv = dx.reshape(x3.shape), vector(w, 1, x3), dense(dm), dense(dv)
    dw, db = np.empty((2, len(m)), x3.dtype)
    if x3.ndim == 3:
        dy3 = dense(dy).reshape(x3.shape)
        loops.planes_dx(strips_of(len(m), dy.size), dy3, dm, dv, x3, m, r, w1, dx3, dw, db)
    else:
        dy3 = dense(loops.channels_last(dy)).reshape(x3.shape)
        strips = strips_of(max(1, len(x3) // LEAST), dy.size)
        totals, alongs = np.zeros((2, strips, len(m)))
        loops.sums(strips, dy3, x3, m, totals, alongs)
        slopes = np.empty((3, len(m)), x3.dtype)
        loops.add_up(len(x3), totals, alongs, dm, dv, r, w1, dw, db, slopes)
        loops.slope(strips, dy3, x3, m, *slopes, dx3)
        dx = loops.back(dx)
    return dx, None if w is None else dw, None if b is None else db
