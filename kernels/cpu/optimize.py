"""Steps of optimizers on the CPU: one pass over memory.

Versions. Plain NumPy (`minidl.optim`) walks over memory once for every sign in the formula: about fifteen passes with
temporaries for Adam, eight for SGD with momentum. Here each number is read once and written once: Adam moves 7 numbers
(reads p, g, m, v; writes p, m, v), SGD 5; nothing is allocated, and memory is the limit. The arithmetic is that of the
plain version, sign by sign and without fast-math, so the results are the same bits. Up to `LARGE` numbers one thread
does it: the parameters of small models come by the hundred, and waking the threads for each costs more than they bring.

`python -m benchmarks kernels sgd_step adam_step` shows time and share of the measured bandwidth.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .jit import STRIPS, dense, prange

EXACT = {"cache": True, "nogil": True, "error_model": "numpy"}
exact, exact_parallel = numba.njit(**EXACT), numba.njit(parallel=True, **EXACT)

LARGE = 1 << 17  # numbers; one thread is done with fewer in 100 µs, which is what waking the others may cost


def sgd_step(
    p: np.ndarray,
    g: np.ndarray,
    b: np.ndarray | None,
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first: bool,
) -> None:
    """Twin of `minidl.optim.SGD.update`: changes p and b (None without momentum) in place; both in C order."""
    real = p.dtype.type
    b = p if b is None else b  # not touched without momentum
    (_sgd_step if p.size < LARGE else _sgd_strips)(
        p.reshape(-1),
        dense(g).astype(p.dtype, copy=False).reshape(-1),
        b.reshape(-1),
        real(lr),
        real(momentum),
        real(0 if first else momentum),
        real(1 if first else 1 - dampening),
        real(weight_decay),
        nesterov,
        maximize,
    )


def adam_step(
    p: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    *,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None:
    """Twin of `minidl.optim.Adam.update`: changes p, m and v in place; all in C order."""
    real = p.dtype.type
    beta1, beta2 = betas
    (_adam_step if p.size < LARGE else _adam_strips)(
        p.reshape(-1),
        dense(g).astype(p.dtype, copy=False).reshape(-1),
        m.reshape(-1),
        v.reshape(-1),
        real(lr / (1 - beta1**step)),
        real(beta1),
        real(1 - beta1),
        real(beta2),
        real(1 - beta2),
        real(math.sqrt(1 - beta2**step)),
        real(eps),
        real(1 - lr * weight_decay if decoupled else 1),
        real(0 if decoupled else weight_decay),
        maximize,
    )


@exact
def _sgd_step(p, g, b, lr, momentum, keep, take, decay, nesterov, maximize):
    for i in range(len(p)):
        d = -g[i] if maximize else g[i]
        if decay != 0:
            d = d + decay * p[i]
        if momentum != 0:
            old = b[i] * keep if keep != 0 else b.dtype.type(0)
            b[i] = old + take * d
            d = d + momentum * b[i] if nesterov else b[i]
        p[i] -= lr * d


@exact
def _adam_step(p, g, m, v, scale, beta1, rest1, beta2, rest2, correction, eps, shrink, decay, maximize):
    for i in range(len(p)):
        d = -g[i] if maximize else g[i]
        x = p[i] * shrink
        if decay != 0:
            d = d + decay * x
        m[i] = m[i] * beta1 + rest1 * d
        v[i] = v[i] * beta2 + rest2 * (d * d)
        p[i] = x - scale * (m[i] / (np.sqrt(v[i]) / correction + eps))


@exact_parallel
def _sgd_strips(p, g, b, lr, momentum, keep, take, decay, nesterov, maximize):
    for strip in prange(STRIPS):
        part = slice(strip * len(p) // STRIPS, (strip + 1) * len(p) // STRIPS)
        _sgd_step(p[part], g[part], b[part], lr, momentum, keep, take, decay, nesterov, maximize)


@exact_parallel
def _adam_strips(p, g, m, v, scale, beta1, rest1, beta2, rest2, correction, eps, shrink, decay, maximize):
    for strip in prange(STRIPS):
        part = slice(strip * len(p) // STRIPS, (strip + 1) * len(p) // STRIPS)
        _adam_step(
            *(p[part], g[part], m[part], v[part]),
            *(scale, beta1, rest1, beta2, rest2, correction, eps, shrink, decay, maximize),
        )
