"""elu, softplus, silu and mish on the CPU.

Versions. The bodies make four to a dozen passes over memory with NumPy's expm1, log1p and tanh, of which the first two
take 25 to 35 ns a number: elu and softplus took 60 to 90 times as long as here, silu 9, mish 80, on one core. Here each
is one loop from input to output, as in `elementwise.py`, on the functions of `elementary.py`. The backwards compute
the exponential again from x rather than keep a second array. mish needs no logarithm and no tanh: with n = e^(−|x|) its
factor is a quotient of polynomials, and so is 1 − t, which as a difference would lose all digits for large x.

Error against float64, beside PyTorch's, float32, largest, relative to the largest value, forward and backward: elu
7e-9 (6e-9) and 6e-8 (6e-8), softplus 5e-8 (5e-8) and 1.3e-7 (1.0e-7), silu 9e-8 (9e-8) and 1.2e-7 (1.2e-7), mish
1.2e-7 (0.6e-7) and 1.3e-7 (1.3e-7).

Share of the bandwidth of a copy, float32 beyond the cache, one core, forward and backward: elu 95 and 95 %, softplus 45
and 85 %, silu 60 and 75 %, mish 65 and 60 %; where it is less, arithmetic is the limit.

`python -m benchmarks kernels elu softplus silu mish` shows the times.
"""

from __future__ import annotations

from typing import Any

from .elementary import exp_down, expm1_down, full_registers, log1p_up, sigmoid
from .elementwise import each, part
from .jit import prange, strips_jit


def elu(x: Any, *, alpha: float, scale: float, input_scale: float) -> Any:
    """Twin of `minidl.ops.elu`; residual: x."""
    return each(_elu, x, numbers=(scale * alpha, scale, input_scale)), (x,)


def elu_backward(dy: Any, x: Any, *, alpha: float, scale: float, input_scale: float) -> Any:
    """dx = dy s where x > 0, else dy s α c e^(cx)"""
    return (each(_elu_dx, dy, x, numbers=(scale * alpha * input_scale, scale, input_scale)),)


def elu_accepts(x: Any, *, alpha: float, scale: float, input_scale: float) -> bool:
    """Where the exponential falls: its exponents are then at most 0."""
    return input_scale >= 0


def softplus(x: Any, *, beta: float, threshold: float) -> Any:
    """Twin of `minidl.ops.softplus`; residual: x."""
    return each(_softplus, x, numbers=(beta, threshold)), (x,)


def softplus_backward(dy: Any, x: Any, *, beta: float, threshold: float) -> Any:
    """dx = dy σ(βx), or dy where βx > threshold"""
    return (each(_softplus_dx, dy, x, numbers=(beta, threshold)),)


def silu(x: Any) -> Any:
    """Twin of `minidl.ops.silu`; residual: x."""
    return each(_silu, x), (x,)


def silu_backward(dy: Any, x: Any) -> Any:
    """dx = dy σ (1 + x (1 − σ)), with σ = σ(x) computed again"""
    return (each(_silu_dx, dy, x),)


def mish(x: Any) -> Any:
    """Twin of `minidl.ops.mish`; residual: x."""
    return each(_mish, x), (x,)


def mish_backward(dy: Any, x: Any) -> Any:
    """dx = dy (t + x (1 − t²) σ(x)), with t = tanh softplus x computed again"""
    return (each(_mish_dx, dy, x),)


@strips_jit
def _elu(strips, x, left, right, bend, y):
    zero = x.dtype.type(0)
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            curve = left * expm1_down(bend * (zero if xs[i] > zero else xs[i]))
            ys[i] = right * xs[i] if xs[i] > zero else curve


@strips_jit
def _elu_dx(strips, dy, x, left, right, bend, dx):
    zero = x.dtype.type(0)
    for strip in prange(strips):
        full_registers()
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            slope = left * exp_down(bend * (zero if xs[i] > zero else xs[i]))
            dxs[i] = dys[i] * (right if xs[i] > zero else slope)


@strips_jit
def _softplus(strips, x, beta, threshold, y):
    zero, per_beta = x.dtype.type(0), x.dtype.type(1) / beta
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            b = beta * xs[i]
            curve = ((zero if b < zero else b) + log1p_up(exp_down(-abs(b)))) * per_beta  # NaN stays NaN
            ys[i] = xs[i] if b > threshold else curve


@strips_jit
def _softplus_dx(strips, dy, x, beta, threshold, dx):
    one = x.dtype.type(1)
    for strip in prange(strips):
        full_registers()
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            b = beta * xs[i]
            dxs[i] = dys[i] * (one if b > threshold else sigmoid(b))


@strips_jit
def _silu(strips, x, y):
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            ys[i] = xs[i] * sigmoid(xs[i])


@strips_jit
def _silu_dx(strips, dy, x, dx):
    one = x.dtype.type(1)
    for strip in prange(strips):
        full_registers()
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            s = sigmoid(xs[i])
            dxs[i] = dys[i] * s * (one + xs[i] * (one - s))


# With n = e^(−|x|), tanh softplus x = n (n + 2) / (n (n + 2) + 2) for x ≤ 0, and (1 + 2n) / (1 + 2n + 2n²) for x > 0.


@strips_jit
def _mish(strips, x, y):
    zero, one, two = x.dtype.type(0), x.dtype.type(1), x.dtype.type(2)
    for strip in prange(strips):
        full_registers()
        xs, ys = part(strip, strips, x), part(strip, strips, y)
        for i in range(len(xs)):
            n = exp_down(-abs(xs[i]))
            above = one + two * n if xs[i] > zero else n * (n + two)
            ys[i] = xs[i] * (above / (above + (two * n * n if xs[i] > zero else two)))


@strips_jit
def _mish_dx(strips, dy, x, dx):
    zero, one, two = x.dtype.type(0), x.dtype.type(1), x.dtype.type(2)
    for strip in prange(strips):
        full_registers()
        dys, xs, dxs = part(strip, strips, dy), part(strip, strips, x), part(strip, strips, dx)
        for i in range(len(dys)):
            n = exp_down(-abs(xs[i]))
            above = one + two * n if xs[i] > zero else n * (n + two)
            rest = two * n * n if xs[i] > zero else two  # 1 − t = rest / (above + rest), without a difference
            scale = one / (above + rest)
            t = above * scale
            sigma = (one if xs[i] > zero else n) / (one + n)
            dxs[i] = dys[i] * (t + xs[i] * (rest * scale) * (one + t) * sigma)
