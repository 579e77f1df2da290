"""Cross-entropy on the CPU.

Versions. The body makes log-softmax as an array of its own, and backward its exponential, the targets' share and the
difference: seven passes over (…, C) and four temporaries of its size. Here the forward reads the logits once and
keeps two numbers for each row, the largest logit m and s = Σ e^(x − m); the backward reads them once more and writes
the gradient. For a vocabulary the logits are the largest array of the model, and not to have a copy of them matters
more than time.

Keeping m and s apart, not log-sum-exp, lets logits of ±10⁴ keep all the digits that their differences have. A row is
read twice in the forward pass, the second time from a cache. Three things made few classes (2048 × 96) three times as
fast as one row after the other with its exponentials, sum and logarithm: the largest of several rows are found before
their sums are begun, so that no row waits for another; the exponentials are written down and then added, since in one
loop the numbers beside the last whole register would be done one by one; and logarithms are taken many at a time. Rows
filled up with −∞ to whole registers, and rows in blocks with s scaled down for each new largest, were slower.

Memory sees 1 pass forward and 2 backward. On one core forward takes 0.45 to 0.55 ns a logit, which is arithmetic: an
exponential, a comparison, a sum. Error against float64 beside PyTorch's: 4096 × 10000, 7e-8 (7e-8), backward 4e-8
(4e-8); 2048 × 96, 3e-8 (16e-8) and 6e-8 (5e-8).

`python -m benchmarks kernels cross_entropy` shows the times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementary import exp_down, full_registers, log, scalar
from .jit import dense, prange, rows, serial, strips_jit, strips_of
from .normalize import bits_of, shift_of

BLOCK = 1024  # numbers, in one or several rows, of which first all the largest are found, then all the sums


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
        full_registers()
        room, e = np.empty(1, x.dtype), np.empty(x.shape[1], x.dtype)
        room_bits = room.view(bits.dtype)
        first, last = strip * len(x) // strips, (strip + 1) * len(x) // strips
        step = max(1, BLOCK // max(1, x.shape[1]))
        for start in range(first, last, step):
            stop = min(start + step, last)
            for i in range(start, stop):
                m[i] = shift_of(bits, i, room, room_bits)
            for i in range(start, stop):
                s[i] = _total(x, i, m[i], e)
            for i in range(start, stop):
                loss[i] = surprise(x[i, target[i]], m[i], log(s[i]))


@serial
def _total(x, i, shift, e):
    """Σ e^(x − shift) over a row, or 1 where that is 0; e is room. Two loops: a sum's rest would be done one by one."""
    full_registers()
    total = x.dtype.type(0)
    for j in range(x.shape[1]):
        e[j] = exp_down(x[i, j] - shift)
    for j in range(x.shape[1]):
        total += e[j]
    return total if total != 0 else x.dtype.type(1)


@strips_jit
def _cross_entropy_dx(strips, dloss, x, target, m, s, dx):
    for strip in prange(strips):
        full_registers()
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            shift, scale = m[i], dloss[i] / s[i]
            for j in range(x.shape[1]):
                dx[i, j] = exp_down(x[i, j] - shift) * scale
            dx[i, target[i]] -= dloss[i]
