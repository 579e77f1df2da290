"""Products of matrices.

I J K: rows, inner length, columns.  O: outputs.  "…": batch axes.
"""

import math

import numpy as np


def matmul(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y[…, i, k] = Σⱼ x[…, i, j] w[…, j, k];  x (…, I, J), w (…, J, K), y (…, I, K).

    The batch axes broadcast. A vector x (J,) counts as one row, a vector w (J,) as one column,
    and that axis is absent from y.
    """
    rows = x[None, :] if x.ndim == 1 else x  # (…, I, J)
    columns = w[:, None] if w.ndim == 1 else w  # (…, J, K)
    y = np.einsum("...ij,...jk->...ik", rows, columns)  # (…, I, K)
    if x.ndim == 1:
        y = y[..., 0, :]  # (…, K)
    if w.ndim == 1:
        y = y[..., 0]  # (…, I), or () for two vectors
    return y


def matmul_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx = dy wᵀ,  dw = xᵀ dy, each summed over the batch places its matrix was broadcast to.

    From dL = Σ dy[i, k] (dx[i, j] w[j, k] + x[i, j] dw[j, k]), by collecting the coefficients.
    """
    rows = x[None, :] if x.ndim == 1 else x  # (…, I, J)
    columns = w[:, None] if w.ndim == 1 else w  # (…, J, K)
    dy = dy[..., None] if w.ndim == 1 else dy  # a column of length 1
    dy = dy[..., None, :] if x.ndim == 1 else dy  # (…, I, K)

    # Number the matrices of x and of w, and broadcast the numbers: which made which matrix of y?
    batch_x, batch_w, batch = rows.shape[:-2], columns.shape[:-2], dy.shape[:-2]
    at_x = np.broadcast_to(np.arange(math.prod(batch_x)).reshape(batch_x), batch)  # batch
    at_w = np.broadcast_to(np.arange(math.prod(batch_w)).reshape(batch_w), batch)  # batch
    rows = rows.reshape(math.prod(batch_x), *rows.shape[-2:])  # (B, I, J)
    columns = columns.reshape(math.prod(batch_w), *columns.shape[-2:])  # (B, J, K)
    dx, dw = np.zeros(rows.shape), np.zeros(columns.shape)
    for b in np.ndindex(batch):
        dx[at_x[b]] += np.einsum("ik,jk->ij", dy[b], columns[at_w[b]])  # (I, J)
        dw[at_w[b]] += np.einsum("ij,ik->jk", rows[at_x[b]], dy[b])  # (J, K)
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def affine(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """y[…, o] = Σᵢ x[…, i] w[o, i] + b[o];  x (…, I), w (O, I), b (O,), y (…, O)."""
    y = np.einsum("...i,oi->...o", x, w)  # (…, O)
    return y if b is None else y + b


def affine_backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """dx = dy w,  dw = dyᵀ x,  db = Σ dy, the last two over all places "…"."""
    places = math.prod(x.shape[:-1])
    x_rows = x.reshape(places, w.shape[1])  # (places, I)
    dy_rows = dy.reshape(places, w.shape[0])  # (places, O)
    dx = np.einsum("...o,oi->...i", dy, w)  # (…, I)
    dw = np.einsum("no,ni->oi", dy_rows, x_rows)  # (O, I)
    db = None if b is None else np.einsum("no->o", dy_rows)  # (O,)
    return dx, dw, db


def einsum(*xs: np.ndarray, spec: str) -> np.ndarray:
    """The product of all operands, summed over the letters that the output does not name.

    "ij,jk->ik" is y[i, k] = Σⱼ x₁[i, j] x₂[j, k]. The spec is explicit: no ellipsis, and no letter
    twice within one operand.
    """
    return np.einsum(spec, *xs)  # the letters behind ->


def einsum_backward(dy: np.ndarray, *xs: np.ndarray, spec: str) -> tuple[np.ndarray, ...]:
    """dxₖ = the product of dy and all other operands, summed over the letters that xₖ lacks.

    y is linear in xₖ, so the rule is einsum again. The ones of xₖ's shape carry a letter that only
    xₖ has: all elements along it take the same gradient.
    """
    operands, output = spec.split("->")
    letters = operands.split(",")
    grads = []
    for k, x in enumerate(xs):
        others = [j for j in range(len(xs)) if j != k]
        names = ",".join([output, *(letters[j] for j in others), letters[k]])
        arrays = [dy, *(xs[j] for j in others), np.ones(x.shape)]
        grads.append(np.einsum(f"{names}->{letters[k]}", *arrays))  # xₖ's shape
    return tuple(grads)
