"""Layer norm on the CPU.

Versions. Plain NumPy (the operation's body) makes about ten passes over memory with a temporary each. Here a row
stays in the first-level cache: the forward reads x and writes y (2 passes), the backward reads x and dy and writes dx
(3 passes), so the limit is memory bandwidth. x̂ is not stored but computed again from μ and 1/σ.
The sums over a row are written as plain loops under `fastmath`, which lets LLVM keep several partial sums in one
vector register; the mean is subtracted before squaring, so a large offset costs no digits.

`python -m benchmarks kernels layer_norm` shows time and share of the measured bandwidth.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import dense, prange, rows, strips_jit, strips_of


def layer_norm(x: Any, w: Any, b: Any, *, dims: int, eps: float) -> Any:
    """Twin of `minidl.ops.layer_norm`; residuals: x, μ, 1/σ, w, b."""
    x2 = rows(x, dims)
    y, m, r = np.empty_like(x2), np.empty(len(x2), x.dtype), np.empty(len(x2), x.dtype)
    strips = strips_of(len(x2), x2.size)
    _layer_norm(strips, x2, _or_empty(w, x), _or_empty(b, x), x.dtype.type(eps), y, m, r)
    return y.reshape(x.shape), (x2, m, r, w, b)


def layer_norm_backward(dy: Any, x2: Any, m: Any, r: Any, w: Any, b: Any, *, dims: int, eps: float) -> Any:
    """dx, dw, db; dw and db are summed strip by strip of rows, then over the strips."""
    dy2 = rows(dy, dims)
    dx = np.empty_like(x2)
    strips = strips_of(len(x2), x2.size)
    dw, db = np.zeros((2, strips, x2.shape[1]), x2.dtype)
    _layer_norm_backward(strips, dy2, x2, m, r, _or_empty(w, x2), dx, dw, db)
    shape = dy.shape[dy.ndim - dims :]
    return (
        dx.reshape(dy.shape),
        None if w is None else dw.sum(axis=0).reshape(shape),
        None if b is None else db.sum(axis=0).reshape(shape),
    )


def _or_empty(p: Any, x: np.ndarray) -> np.ndarray:
    return np.empty(0, x.dtype) if p is None else dense(p).reshape(-1)


@strips_jit
def _layer_norm(strips, x, w, b, eps, y, m, r):
    for strip in prange(strips):
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n = x.shape[1]
            total = x.dtype.type(0)
            for j in range(n):
                total += x[i, j]
            mean = total / n
            square = x.dtype.type(0)
            for j in range(n):
                square += (x[i, j] - mean) * (x[i, j] - mean)
            scale = 1 / np.sqrt(square / n + eps)
            m[i], r[i] = mean, scale
            for j in range(n):
                y[i, j] = (x[i, j] - mean) * scale
            if len(w):
                for j in range(n):
                    y[i, j] *= w[j]
            if len(b):
                for j in range(n):
                    y[i, j] += b[j]


@strips_jit
def _layer_norm_backward(strips, dy, x, m, r, w, dx, dw, db):
    for strip in prange(strips):
        for i in range(strip * len(x) // strips, (strip + 1) * len(x) // strips):
            n = x.shape[1]
            mean, scale = m[i], r[i]
            for j in range(n):
                dw[strip, j] += dy[i, j] * (x[i, j] - mean) * scale
                db[strip, j] += dy[i, j]
            if len(w):
                for j in range(n):
                    dx[i, j] = dy[i, j] * w[j]  # g
            else:
                for j in range(n):
                    dx[i, j] = dy[i, j]
            sum_g = sum_gn = x.dtype.type(0)
            for j in range(n):
                sum_g += dx[i, j]
                sum_gn += dx[i, j] * (x[i, j] - mean) * scale
            for j in range(n):
                dx[i, j] = (dx[i, j] - sum_g / n - (x[i, j] - mean) * scale * (sum_gn / n)) * scale
