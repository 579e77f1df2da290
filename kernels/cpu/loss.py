"""Cross-entropy on the CPU.

Versions. The body makes log-softmax as an array of its own, and backward its exponential, the targets' share and the
difference: seven passes over (…, C) and four temporaries of its size. Here the forward reads the logits once and
keeps two numbers for each row, the largest logit m and s = Σ e^(x − m); the backward reads them once more and writes
the gradient. For a vocabulary the logits are the largest array of the model, and not to have a copy of them matters
more than time.

A row may be longer than the cache (50 000 classes), so it is taken in blocks, and s is scaled down when a block brings
a new largest: Σ e^(x − m') = e^(m − m') Σ e^(x − m). Keeping m and s apart, not log-sum-exp, lets logits of ±10⁴ keep
all the digits that their differences have.
Memory sees 1 pass forward and 2 backward. Share of the bandwidth of a copy, float32, one core: forward 35 %, where an
exponential and a comparison an element, 0.6 ns, are the limit; backward 70 %.

`python -m benchmarks kernels cross_entropy` shows the times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementary import exp, scalar
from .jit import dense, prange, rows, strips_jit, strips_of
from .normalize import bits_of, largest

BLOCK = 4096  # classes that stay in the first-level cache between looking for the largest and summing


def cross_entropy(x: Any, target: Any, *, reduction: str) -> Any:
    """Twin of `minidl.ops.cross_entropy`; residuals: x, the target, m and s."""
    x2, t = rows(x), target.reshape(-1).astype(np.int64)
    loss, m, s = np.empty((3, len(x2)), x.dtype)
    _cross_entropy(strips_of(len(x2), x2.size), x2, bits_of(x2), t, loss, m, s)
    if reduction == "none":
        y = loss.reshape(target.shape)
    else:
        y = loss.sum()
        if reduction == "mean":
            y = y / x.dtype.type(len(t)) if len(t) else x.dtype.type(np.nan)
    return y, (x2, t.reshape(target.shape), m, s)


def cross_entropy_backward(dy: Any, x2: Any, target: Any, m: Any, s: Any, *, reduction: str) -> Any:
    """dx = (e^(x − m) / s − onehot(target)) · dloss"""
    dloss = dy / x2.dtype.type(len(x2)) if reduction == "mean" and len(x2) else dy
    dloss = dense(np.broadcast_to(dloss.astype(x2.dtype), target.shape)).reshape(-1)
    dx = np.empty((*target.shape, x2.shape[1]), x2.dtype)
    _cross_entropy_dx(strips_of(len(x2), x2.size), dloss, x2, target.reshape(-1), m, s, dx.reshape(x2.shape))
    return dx, None


@scalar
def surprise(x, top, log_total):
    """−log of a probability. Not to be reassociated: log s + m has lost digits that x − m would not need."""
    return log_total - (x - top)


@strips_jit
def _cross_entropy(strips, x, bits, target, loss, m, s):
    for strip in prange(strips):
        room = np.empty(1, x.dtype)
        room_bits = room.view(bits.dtype)
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            zero = x.dtype.type(0)
            top, total, shift = x.dtype.type(-np.inf), zero, zero
            for start in range(0, x.shape[1], BLOCK):
                block = x[i, start : start + BLOCK]
                high = largest(bits[i, start : start + BLOCK], room, room_bits)
                if high > top:
                    total *= exp(top - high)
                    top = shift = high
                for j in range(len(block)):
                    total += exp(block[j] - shift)
            m[i], s[i] = shift, total if total != 0 else x.dtype.type(1)
            loss[i] = surprise(x[i, target[i]], shift, np.log(s[i]))


@strips_jit
def _cross_entropy_dx(strips, dloss, x, target, m, s, dx):
    for strip in prange(strips):
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            shift, scale = m[i], dloss[i] / s[i]
            for j in range(x.shape[1]):
                dx[i, j] = exp(x[i, j] - shift) * scale
            dx[i, target[i]] -= dloss[i]
