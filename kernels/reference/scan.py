"""Running totals along one axis: loops over the places of the axis, one after another."""

import numpy as np


def cumsum(x: np.ndarray, *, axis: int) -> np.ndarray:
    """y[k] = x[0] + … + x[k] along the axis."""
    n = x.shape[axis]
    upto = np.tri(n)  # (k, j): whether j ≤ k
    return np.moveaxis(np.tensordot(upto, np.moveaxis(x, axis, 0), 1), 0, axis)  # x's shape


def cumsum_backward(dy: np.ndarray, x: np.ndarray, *, axis: int) -> tuple[np.ndarray]:
    """dx[j] = dy[j] + … + dy[n − 1]."""
    n = x.shape[axis]
    from_ = np.tri(n).T  # (j, k): whether k ≥ j
    return (np.moveaxis(np.tensordot(from_, np.moveaxis(dy, axis, 0), 1), 0, axis),)  # x's shape


def cumprod(x: np.ndarray, *, axis: int) -> np.ndarray:
    """y[k] = x[0] · … · x[k] along the axis."""
    lines = np.moveaxis(x, axis, 0)  # (n, …)
    y = np.ones(lines.shape, x.dtype)
    for k in range(len(lines)):
        y[k] = np.prod(lines[: k + 1], axis=0)
    return np.moveaxis(y, 0, axis)  # x's shape


def cumprod_backward(dy: np.ndarray, x: np.ndarray, *, axis: int) -> tuple[np.ndarray]:
    """dx[j] = Σ dy[k] · the product of x[0] … x[k] without x[j], over k ≥ j."""
    lines, slopes = np.moveaxis(x, axis, 0), np.moveaxis(dy, axis, 0)  # (n, …)
    dx = np.zeros(lines.shape)
    for k in range(len(lines)):
        for j in range(k + 1):
            dx[j] += slopes[k] * np.prod(lines[:j], axis=0) * np.prod(lines[j + 1 : k + 1], axis=0)
    return (np.moveaxis(dx, 0, axis),)  # x's shape


def linear_scan(a: np.ndarray, b: np.ndarray, *, axis: int) -> np.ndarray:
    """y[k] = a[k] y[k − 1] + b[k], from y[−1] = 0: the sum of b[j] · a[j + 1] … a[k] over j ≤ k."""
    factors, terms = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)  # (n, …)
    y = np.zeros(terms.shape, np.result_type(a, b))
    for k in range(len(terms)):
        for j in range(k + 1):
            y[k] += terms[j] * np.prod(factors[j + 1 : k + 1], axis=0)
    return np.moveaxis(y, 0, axis)  # b's shape


def linear_scan_backward(dy: np.ndarray, a: np.ndarray, b: np.ndarray, *, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Term by term: b[j] meets dy[k] times a[j + 1] … a[k]; each of these factors meets the rest of the term."""
    factors, terms, slopes = (np.moveaxis(z, axis, 0) for z in (a, b, dy))  # (n, …)
    da, db = np.zeros(factors.shape), np.zeros(terms.shape)
    for k in range(len(terms)):
        for j in range(k + 1):
            db[j] += slopes[k] * np.prod(factors[j + 1 : k + 1], axis=0)
            for i in range(j + 1, k + 1):
                others = np.prod(factors[j + 1 : i], axis=0) * np.prod(factors[i + 1 : k + 1], axis=0)
                da[i] += slopes[k] * terms[j] * others
    return np.moveaxis(da, 0, axis), np.moveaxis(db, 0, axis)
