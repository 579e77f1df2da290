"""gelu, tanh, sigmoid and relu on the CPU.

Versions. NumPy computes tanh and exp in vector registers, but on one core, and every further step of a formula is a
pass over memory with a temporary: gelu takes dozens of passes, most of them for erf, the backwards three to five.
Here each function is one loop, shared among the cores, that reads its inputs and writes its output once;
`elementary.py` has the arithmetic. With the C library's erf and tanh in the loop, at 10 and 16 ns a number, it was no
faster than NumPy. The backward of gelu computes Φ and φ again, from one exponential: cheaper than keeping them.

Share of the bandwidth of a copy, float32 beyond the cache, one core: relu and all backwards but gelu's 95 to 100 %;
tanh and sigmoid 65 %; gelu 40 %, backward 55 %, where the limit is arithmetic, 0.8 ns an element.

`python -m benchmarks kernels gelu tanh sigmoid relu` shows the times.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import elementary
from .elementary import normal
from .jit import dense, prange, serial, strips_jit, strips_of

SCALE, CUBE = math.sqrt(2 / math.pi), 0.044715


def gelu(x: Any, *, approximate: str) -> Any:
    """Twin of `minidl.ops.gelu`; residual: x."""
    return _map(_gelu if approximate == "none" else _gelu_tanh, x), (x,)


def gelu_backward(dy: Any, x: Any, *, approximate: str) -> Any:
    """dx = dy (Φ(x) + x φ(x)), or the derivative of the formula with tanh."""
    return (_map(_gelu_dx if approximate == "none" else _gelu_tanh_dx, dy, x),)


def tanh(x: Any) -> Any:
    """Twin of `minidl.ops.tanh`; residual: y."""
    y = _map(_tanh, x)
    return y, (y,)


def tanh_backward(dy: Any, y: Any) -> Any:
    """dx = dy (1 − y²)"""
    return (_map(_tanh_dx, dy, y),)


def sigmoid(x: Any) -> Any:
    """Twin of `minidl.ops.sigmoid`; residual: y."""
    y = _map(_sigmoid, x)
    return y, (y,)


def sigmoid_backward(dy: Any, y: Any) -> Any:
    """dx = dy y (1 − y)"""
    return (_map(_sigmoid_dx, dy, y),)


def relu(x: Any) -> Any:
    """Twin of `minidl.ops.relu`; residual: y."""
    y = _map(_relu, x)
    return y, (y,)


def relu_backward(dy: Any, y: Any) -> Any:
    """dx = dy where y > 0, else 0"""
    return (_map(_relu_dx, dy, y),)


def _map(loop: Any, *xs: np.ndarray) -> np.ndarray:
    y = np.empty(xs[0].shape, xs[0].dtype)
    loop(strips_of(y.size, y.size), *[dense(x).reshape(-1) for x in xs], y.reshape(-1))
    return y


@serial
def part(strip, strips, x):
    """The strip's share of x. Indices that count from 0 are what lets LLVM vectorise: of others it does not know
    that none is negative, and a negative one would count from the end."""
    return x[strip * len(x) // strips : (strip + 1) * len(x) // strips]


@strips_jit
def _tanh(strips, x, y):
    for strip in prange(strips):
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = elementary.tanh(xs[i])


@strips_jit
def _tanh_dx(strips, dy, y, dx):
    one = y.dtype.type(1)
    for strip in prange(strips):
        dys, ys, dxs = part(strip, strips, dy), part(strip, strips, y), part(strip, strips, dx)
        for i in range(len(dys)):
            dxs[i] = dys[i] * (one - ys[i] * ys[i])


@strips_jit
def _sigmoid(strips, x, y):
    for strip in prange(strips):
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = elementary.sigmoid(xs[i])


@strips_jit
def _sigmoid_dx(strips, dy, y, dx):
    one = y.dtype.type(1)
    for strip in prange(strips):
        dys, ys, dxs = part(strip, strips, dy), part(strip, strips, y), part(strip, strips, dx)
        for i in range(len(dys)):
            dxs[i] = dys[i] * ys[i] * (one - ys[i])


@strips_jit
def _relu(strips, x, y):
    zero = x.dtype.type(0)
    for strip in prange(strips):
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = zero if xs[i] < zero else xs[i]  # NaN stays NaN


@strips_jit
def _relu_dx(strips, dy, y, dx):
    zero = y.dtype.type(0)
    for strip in prange(strips):
        dys, ys, dxs = part(strip, strips, dy), part(strip, strips, y), part(strip, strips, dx)
        for i in range(len(dys)):
            dxs[i] = dys[i] if ys[i] > zero else zero


@strips_jit
def _gelu(strips, x, y):
    for strip in prange(strips):
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            below, _ = normal(xs[i])
            ys[i] = xs[i] * below


@strips_jit
def _gelu_dx(strips, dy, x, dx):
    for strip in prange(strips):
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            below, density = normal(xs[i])
            dxs[i] = dys[i] * (below + xs[i] * density)


@strips_jit
def _gelu_tanh(strips, x, y):
    half, one, scale, cube = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(SCALE), x.dtype.type(CUBE)
    for strip in prange(strips):
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            t = elementary.tanh(scale * (xs[i] + cube * xs[i] * xs[i] * xs[i]))
            ys[i] = half * xs[i] * (one + t)


@strips_jit
def _gelu_tanh_dx(strips, dy, x, dx):
    half, one, scale, cube = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(SCALE), x.dtype.type(CUBE)
    thrice = x.dtype.type(3 * CUBE)
    for strip in prange(strips):
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            t = elementary.tanh(scale * (xs[i] + cube * xs[i] * xs[i] * xs[i]))
            slope = (one - t * t) * scale * (one + thrice * xs[i] * xs[i])
            dxs[i] = dys[i] * half * ((one + t) + xs[i] * slope)
