"""Linear algebra by its oldest definitions: Laplace's expansion, Cramer's rule, Cholesky's columns.

N: size of the square matrices.  K: number of right sides.  "…": batch axes.
"""

import numpy as np


def det(a: np.ndarray) -> np.ndarray:
    """y = Σⱼ (−1)ʲ a[0, j] · det(A without row 0 and column j);  1 for a matrix without rows."""
    n = a.shape[-1]
    y = np.zeros(a.shape[:-2], a.dtype) + (n == 0)  # (…)
    for j in range(n):
        y = y + (-1) ** j * a[..., 0, j] * det(np.delete(a[..., 1:, :], j, axis=-1))
    return y


def det_backward(dy: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
    """da[i, j] = dy · (−1)^(i + j) · det(A without row i and column j)."""
    n = a.shape[-1]
    da = np.zeros(a.shape)
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(a, i, axis=-2), j, axis=-1)  # (…, N − 1, N − 1)
        da[..., i, j] = dy * (-1) ** (i + j) * np.linalg.det(minor)
    return (da,)


def cofactor(a: np.ndarray) -> np.ndarray:
    """y[i, j] = (−1)^(i + j) · det(A without row i and column j)."""
    n = a.shape[-1]
    y = np.zeros(a.shape, a.dtype)
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(a, i, axis=-2), j, axis=-1)  # (…, N − 1, N − 1)
        y[..., i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    return y


def cofactor_backward(dy: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
    """da[k, l] = Σ dy[i, j] · the minor without rows i, k and columns j, l, with its sign."""
    n = a.shape[-1]
    da = np.zeros(a.shape)
    for i, j, k, l in np.ndindex(n, n, n, n):
        if i != k and j != l:
            rest = np.delete(np.delete(a, (i, k), axis=-2), (j, l), axis=-1)  # (…, N − 2, N − 2)
            sign = (-1) ** (i + j + (k - (k > i)) + (l - (l > j)))  # row k is one less without row i before it
            da[..., k, l] += dy[..., i, j] * sign * np.linalg.det(rest)
    return (da,)


def logabsdet(a: np.ndarray) -> np.ndarray:
    """y = log |det A|;  a complex determinant counts as positive or negative by its real part."""
    y = np.linalg.det(a)  # (…)
    return np.log(np.where(y.real < 0, -y, y))


def logabsdet_backward(dy: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
    """da[i, j] = dy · (A⁻¹)[j, i]."""
    return (np.einsum("...,...ji->...ij", dy, np.linalg.inv(a)),)


def inv(a: np.ndarray) -> np.ndarray:
    """y[j, i] = (−1)^(i + j) · det(A without row i and column j) / det A."""
    n = a.shape[-1]
    y = np.zeros(a.shape, a.dtype)
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(a, i, axis=-2), j, axis=-1)  # (…, N − 1, N − 1)
        y[..., j, i] = (-1) ** (i + j) * np.linalg.det(minor) / np.linalg.det(a)
    return y


def inv_backward(dy: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
    """da[i, j] = −Σ y[k, i] dy[k, l] y[j, l]."""
    y = np.linalg.inv(a)
    return (-np.einsum("...ki,...kl,...jl->...ij", y, dy, y),)


def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cramer's rule: y[i, k] = det(A with column i replaced by b[:, k]) / det A;  a (…, N, N), b (…, N, K)."""
    n, k = b.shape[-2:]
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, (*lead, n, n)), np.broadcast_to(b, (*lead, n, k))
    y = np.zeros(b.shape, np.result_type(a, b))
    for i, column in np.ndindex(n, k):
        replaced = a.astype(y.dtype)
        replaced[..., :, i] = b[..., :, column]
        y[..., i, column] = np.linalg.det(replaced) / np.linalg.det(a)
    return y


def solve_backward(dy: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """db = A⁻ᵀ dy,  da = −db yᵀ, each summed over the batch places its matrix was broadcast to."""
    inverse = np.linalg.inv(a)
    db = np.einsum("...ji,...jk->...ik", inverse, dy)  # (…, N, K)
    y = np.einsum("...ij,...jk->...ik", inverse, b)  # (…, N, K)
    da = -np.einsum("...ik,...jk->...ij", db, y)  # (…, N, N)
    grads = []
    for full, x in ((da, a), (db, b)):
        at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), full.shape)
        dx = np.zeros(x.size)
        np.add.at(dx, at_x, full)
        grads.append(dx.reshape(x.shape))
    return grads[0], grads[1]


def cholesky(a: np.ndarray) -> np.ndarray:
    """Column by column: l[j, j] = √(a[j, j] − Σ l[j, k]²),  l[i, j] = (a[i, j] − Σ l[i, k] l[j, k]) / l[j, j]."""
    n = a.shape[-1]
    a = (a + np.swapaxes(a, -1, -2)) / 2
    y = np.zeros(a.shape, a.dtype)
    for j in range(n):
        y[..., j, j] = np.sqrt(a[..., j, j] - np.sum(y[..., j, :j] ** 2, axis=-1))
        for i in range(j + 1, n):
            products = np.sum(y[..., i, :j] * y[..., j, :j], axis=-1)
            y[..., i, j] = (a[..., i, j] - products) / y[..., j, j]
    return y


def cholesky_backward(dy: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
    """The columns backwards: each line of the forward, from the last to the first, hands on what reaches it."""
    n = a.shape[-1]
    y = np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2)
    dy, da = np.tril(dy), np.zeros(a.shape)
    for j in reversed(range(n)):
        for i in reversed(range(j + 1, n)):
            d = dy[..., i, j] / y[..., j, j]  # of a[i, j] − Σ …
            dy[..., j, j] -= d * y[..., i, j]
            da[..., i, j] += d
            dy[..., i, :j] -= d[..., None] * y[..., j, :j]
            dy[..., j, :j] -= d[..., None] * y[..., i, :j]
        d = dy[..., j, j] / (2 * y[..., j, j])  # of the root's argument
        da[..., j, j] += d
        dy[..., j, :j] -= 2 * d[..., None] * y[..., j, :j]
    return ((da + np.swapaxes(da, -1, -2)) / 2,)
