"""The dense layer on the CPU: BLAS for the products, and as little as possible around them.

Versions. The operation's body adds the bias into a new array: for 8192 × 1024 outputs that is 32 MB to be mapped,
written and given back, a fifth of the layer's time. Here it is added in place. The shapes are brought about by NumPy's
views, without calling operations: for 32 × 16 outputs that is a third of the time.
Loops in Numba were slower in every place: for the product from 32 × 32 on, for the bias and the sum over rows because
their threads and those of BLAS wait for each other. BLAS reaches 90 to 95 % of the peak on large matrices.

`python -m benchmarks kernels affine` shows the times.
"""

from __future__ import annotations

from math import prod
from typing import Any

from .jit import dense


def affine(x: Any, w: Any, b: Any) -> Any:
    """Twin of `minidl.ops.affine`; residuals: x as rows, w."""
    rows = x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), x.shape[-1])  # (M, I)
    y = rows @ w.T  # (M, O)
    if b is not None:
        y += b
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], len(w)), (rows, w)


def affine_backward(dy: Any, rows: Any, w: Any, *, needs: tuple[bool, ...]) -> Any:
    """dX = dY W;  dW = dYᵀ X;  db = Σ dy over the rows"""
    dys = dense(dy)  # a broadcast dy, as of a sum, is written out once and not by each product
    dys = dys if dy.ndim == 2 else dys.reshape(len(rows), len(w))  # (M, O)
    dx = dw = db = None
    if needs[0]:
        dx = dys @ w
        dx = dx if dy.ndim == 2 else dx.reshape(*dy.shape[:-1], w.shape[1])
    if needs[1]:
        dw = dys.T @ rows
    if needs[2]:
        db = dys.sum(axis=0)
    return dx, dw, db
