"""gelu, tanh, sigmoid, exp, erf and relu on the CPU.

Versions. NumPy computes tanh and exp in vector registers, but on one core, and every further step of a formula is a
pass over memory with a temporary: gelu takes dozens of passes, most of them for erf, the backwards three to five.
Here each function is one loop, shared among the cores, that reads its inputs and writes its output once;
`elementary.py` has the arithmetic. With the C library's erf and tanh in the loop, at 10 and 16 ns a number, it was no
faster than NumPy. The backward of gelu computes Φ and φ again, from one exponential: cheaper than keeping them.
With registers of 32 bytes, and an exponential for all arguments where the negative ones suffice, tanh took 1.5 times
as long and gelu 1.4 times. A reciprocal by Newton's method instead of the division made nothing faster.

Share of the bandwidth of a copy, float32 beyond the cache, one core: relu, exp and all backwards but gelu's 95 to
100 %; tanh 85 %; sigmoid 70 %; erf 45 %; gelu 50 %, backward 70 %, where the limit is arithmetic, 0.5 ns an element.
(log has no kernel here: on one core NumPy's is as fast as a loop with `elementary.log`.) Error against float64 beside
PyTorch's: exp 3e-8 (2e-8), erf 1.2e-7 (0.6e-7), tanh 1.5e-7 (0.3e-7), sigmoid 9e-8 (9e-8), gelu 7e-8 (20e-8), its
formula with tanh 1.1e-7 (0.8e-7).

`python -m benchmarks kernels gelu tanh sigmoid exp erf relu` shows the times.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import elementary
from .elementary import full_registers, normal
from .jit import dense, prange, serial, strips_jit, strips_of

SCALE, CUBE = math.sqrt(2 / math.pi), 0.044715
PEAK = 2 / math.sqrt(math.pi)  # the slope of erf at 0


def gelu(x: Any, *, approximate: str) -> Any:
    """Twin of `minidl.ops.gelu`; residual: x."""
    return each(_gelu if approximate == "none" else _gelu_tanh, x), (x,)


def gelu_backward(dy: Any, x: Any, *, approximate: str) -> Any:
    """dx = dy (Φ(x) + x φ(x)), or the derivative of the formula with tanh."""
    return (each(_gelu_dx if approximate == "none" else _gelu_tanh_dx, dy, x),)


def tanh(x: Any) -> Any:
    """Twin of `minidl.ops.tanh`; residual: y."""
    y = each(_tanh, x)
    return y, (y,)


def tanh_backward(dy: Any, y: Any) -> Any:
    """dx = dy (1 − y²)"""
    return (each(_tanh_dx, dy, y),)


def sigmoid(x: Any) -> Any:
    """Twin of `minidl.ops.sigmoid`; residual: y."""
    y = each(_sigmoid, x)
    return y, (y,)


def sigmoid_backward(dy: Any, y: Any) -> Any:
    """dx = dy y (1 − y)"""
    return (each(_sigmoid_dx, dy, y),)


def exp(x: Any) -> Any:
    """Twin of `minidl.ops.exp`; residual: y."""
    y = each(_exp, x)
    return y, (y,)


def exp_backward(dy: Any, y: Any) -> Any:
    """dx = dy y"""
    return (each(_exp_dx, dy, y),)


def erf(x: Any) -> Any:
    """Twin of `minidl.ops.erf`; residual: x."""
    return each(_erf, x), (x,)


def erf_backward(dy: Any, x: Any) -> Any:
    """dx = dy 2/√π e^(−x²)"""
    return (each(_erf_dx, dy, x),)


def relu(x: Any) -> Any:
    """Twin of `minidl.ops.relu`; residual: y."""
    y = each(_relu, x)
    return y, (y,)


def relu_backward(dy: Any, y: Any) -> Any:
    """dx = dy where y > 0, else 0"""
    return (each(_relu_dx, dy, y),)


def each(loop: Any, *xs: Any, numbers: tuple[float, ...] = ()) -> np.ndarray:
    """A loop over arrays of one shape; numbers are for all elements the same."""
    dtype = xs[0].dtype
    y = np.empty(xs[0].shape, dtype)
    loop(strips_of(y.size, y.size), *[dense(x).reshape(-1) for x in xs], *map(dtype.type, numbers), y.reshape(-1))
    return y


@serial
def part(strip, strips, x):
    """The strip's share of x. Indices that count from 0 are what lets LLVM vectorise: of others it does not know
    that none is negative, and a negative one would count from the end."""
    return x[strip * len(x) // strips : (strip + 1) * len(x) // strips]


@strips_jit
def _exp(strips, x, y):
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = elementary.exp(xs[i])


@strips_jit
def _exp_dx(strips, dy, y, dx):
    for strip in prange(strips):
        full_registers()
        dys, ys, dxs = part(strip, strips, dy), part(strip, strips, y), part(strip, strips, dx)
        for i in range(len(dys)):
            dxs[i] = dys[i] * ys[i]


@strips_jit
def _erf(strips, x, y):
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = elementary.erf(xs[i])


@strips_jit
def _erf_dx(strips, dy, x, dx):
    peak = x.dtype.type(PEAK)
    for strip in prange(strips):
        full_registers()
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            dxs[i] = dys[i] * (peak * elementary.exp_down(-xs[i] * xs[i]))


@strips_jit
def _tanh(strips, x, y):
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = elementary.tanh(xs[i])


@strips_jit
def _tanh_dx(strips, dy, y, dx):
    one = y.dtype.type(1)
    for strip in prange(strips):
        full_registers()
        dys, ys, dxs = part(strip, strips, dy), part(strip, strips, y), part(strip, strips, dx)
        for i in range(len(dys)):
            dxs[i] = dys[i] * (one - ys[i] * ys[i])


@strips_jit
def _sigmoid(strips, x, y):
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = elementary.sigmoid(xs[i])


@strips_jit
def _sigmoid_dx(strips, dy, y, dx):
    one = y.dtype.type(1)
    for strip in prange(strips):
        full_registers()
        dys, ys, dxs = part(strip, strips, dy), part(strip, strips, y), part(strip, strips, dx)
        for i in range(len(dys)):
            dxs[i] = dys[i] * ys[i] * (one - ys[i])


@strips_jit
def _relu(strips, x, y):
    zero = x.dtype.type(0)
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = zero if xs[i] < zero else xs[i]  # NaN stays NaN


@strips_jit
def _relu_dx(strips, dy, y, dx):
    zero = y.dtype.type(0)
    for strip in prange(strips):
        full_registers()
        dys, ys, dxs = part(strip, strips, dy), part(strip, strips, y), part(strip, strips, dx)
        for i in range(len(dys)):
            dxs[i] = dys[i] if ys[i] > zero else zero


@strips_jit
def _gelu(strips, x, y):
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            below, _ = normal(xs[i])
            ys[i] = xs[i] * below


@strips_jit
def _gelu_dx(strips, dy, x, dx):
    for strip in prange(strips):
        full_registers()
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            below, density = normal(xs[i])
            dxs[i] = dys[i] * (below + xs[i] * density)


@strips_jit
def _gelu_tanh(strips, x, y):
    half, one, scale, cube = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(SCALE), x.dtype.type(CUBE)
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            t = elementary.tanh(scale * (xs[i] + cube * xs[i] * xs[i] * xs[i]))
            ys[i] = half * xs[i] * (one + t)


@strips_jit
def _gelu_tanh_dx(strips, dy, x, dx):
    half, one, scale, cube = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(SCALE), x.dtype.type(CUBE)
    thrice = x.dtype.type(3 * CUBE)
    for strip in prange(strips):
        full_registers()
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            t = elementary.tanh(scale * (xs[i] + cube * xs[i] * xs[i] * xs[i]))
            slope = (one - t * t) * scale * (one + thrice * xs[i] * xs[i])
            dxs[i] = dys[i] * half * ((one + t) + xs[i] * slope)
