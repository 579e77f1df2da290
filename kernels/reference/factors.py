"""Orthogonal factors of matrices: Jacobi's rotations, Householder's reflections.

Both stay analytic for complex matrices: they transpose, and never conjugate.
"""

import numpy as np


def eigh(a: np.ndarray) -> np.ndarray:
    """Jacobi: turn in one plane after another until nothing is left beside the diagonal; then sort.

    y[0] holds the eigenvalues, y[1:] the eigenvectors as columns, their largest component positive.
    """
    n = a.shape[-1]
    y = np.zeros((*a.shape[:-2], n + 1, n), a.dtype)
    for b in np.ndindex(a.shape[:-2]):
        s, v = (a[b] + a[b].T) / 2, np.eye(n, dtype=a.dtype)
        for _ in range(12):
            for p in range(n):
                for q in range(p + 1, n):
                    if s[p, q] == 0:
                        continue
                    gap = s[q, q] - s[p, p]
                    sign = 1.0 if gap.real >= 0 else -1.0
                    t = 2 * s[p, q] / (gap + sign * np.sqrt(gap * gap + 4 * s[p, q] ** 2))  # tan of the angle
                    turn = np.eye(n, dtype=a.dtype)
                    turn[p, p] = turn[q, q] = 1 / np.sqrt(t * t + 1)
                    turn[p, q] = t * turn[p, p]
                    turn[q, p] = -turn[p, q]
                    s, v = turn.T @ s @ turn, v @ turn
        order = np.argsort(np.diag(s).real)
        for k, column in enumerate(order):
            largest = v[np.argmax(np.abs(v[:, column].real)), column]
            y[b][0, k] = s[column, column]
            y[b][1:, k] = v[:, column] if largest.real > 0 else -v[:, column]
    return y


def eigh_backward(dy: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
    """da = Σ dλₖ vₖ vₖᵀ + Σ (vⱼ · dvₖ) / (λₖ − λⱼ) · vⱼ vₖᵀ over j ≠ k, made symmetric."""
    n = a.shape[-1]
    y = eigh(a)
    values, v = y[..., 0, :], y[..., 1:, :]
    da = np.zeros(a.shape)
    for k in range(n):
        da += np.einsum("...,...i,...j->...ij", dy[..., 0, k], v[..., k], v[..., k])
        for j in range(n):
            if j != k:
                slope = np.einsum("...i,...i->...", v[..., j], dy[..., 1:, k]) / (values[..., k] - values[..., j])
                da += np.einsum("...,...i,...j->...ij", slope, v[..., j], v[..., k])
    return ((da + np.swapaxes(da, -1, -2)) / 2,)


def qr(a: np.ndarray) -> np.ndarray:
    """Householder: reflect column after column onto an axis; y[:M] holds Q, y[M:] holds R."""
    rows, n = a.shape[-2:]
    y = np.zeros((*a.shape[:-2], rows + n, n), a.dtype)
    for b in np.ndindex(a.shape[:-2]):
        r, q = a[b].copy(), np.eye(rows, dtype=a.dtype)
        for k in range(min(n, rows - 1)):
            u = np.zeros(rows, a.dtype)
            u[k:] = r[k:, k]
            u[k] += np.sqrt(np.sum(u * u)) * (1.0 if u[k].real >= 0 else -1.0)  # away from cancellation
            mirror = np.eye(rows) - 2 * np.outer(u, u) / np.sum(u * u)
            r, q = mirror @ r, q @ mirror
        y[b][:rows] = q[:, :n]
        y[b][rows:] = np.triu(r[:n])
    return y


def qr_backward(dy: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
    """Element by element: δ along each axis of A changes Q by (1 − QQᵀ) δA R⁻¹ + Q Ω, and R by (X − Ω) R."""
    rows, n = a.shape[-2:]
    da = np.zeros(a.shape)
    q, r = np.linalg.qr(a)
    inverse = np.linalg.inv(r)
    for i, j in np.ndindex(rows, n):
        step = np.zeros(a.shape)
        step[..., i, j] = 1.0
        x = np.einsum("...ki,...kl,...lj->...ij", q, step, inverse)  # (…, N, N)
        omega = np.tril(x, -1) - np.swapaxes(np.tril(x, -1), -1, -2)
        change_q = step @ inverse - q @ x + q @ omega  # (…, M, N)
        change_r = (x - omega) @ r  # (…, N, N)
        da[..., i, j] = np.sum(dy[..., :rows, :] * change_q, (-1, -2)) + np.sum(dy[..., rows:, :] * change_r, (-1, -2))
    return (da,)


def svd(a: np.ndarray) -> np.ndarray:
    """Jacobi from one side: turn columns against each other until all are orthogonal; their lengths are s.

    y[:M] holds U, y[M] the singular values from the largest on, y[M + 1:] holds V, its largest components positive.
    """
    rows, n = a.shape[-2:]
    y = np.zeros((*a.shape[:-2], rows + 1 + n, n), a.dtype)
    for b in np.ndindex(a.shape[:-2]):
        w, v = a[b].copy(), np.eye(n, dtype=a.dtype)
        for _ in range(12):
            for p in range(n):
                for q in range(p + 1, n):
                    cross = np.sum(w[:, p] * w[:, q])
                    if cross == 0:
                        continue
                    gap = np.sum(w[:, q] ** 2) - np.sum(w[:, p] ** 2)
                    sign = 1.0 if gap.real >= 0 else -1.0
                    t = 2 * cross / (gap + sign * np.sqrt(gap * gap + 4 * cross**2))  # tan of the angle
                    turn = np.eye(n, dtype=a.dtype)
                    turn[p, p] = turn[q, q] = 1 / np.sqrt(t * t + 1)
                    turn[p, q] = t * turn[p, p]
                    turn[q, p] = -turn[p, q]
                    w, v = w @ turn, v @ turn
        lengths = np.sqrt(np.sum(w * w, axis=0))  # (N,)
        for k, column in enumerate(np.argsort(-lengths.real)):
            largest = v[np.argmax(np.abs(v[:, column].real)), column]
            sign = 1.0 if largest.real > 0 else -1.0
            y[b][:rows, k] = sign * w[:, column] / lengths[column]
            y[b][rows, k] = lengths[column]
            y[b][rows + 1 :, k] = sign * v[:, column]
    return y


def svd_backward(dy: np.ndarray, a: np.ndarray) -> tuple[np.ndarray]:
    """Element by element: δ along each axis of A; X = UᵀδA V, then Ω = F ∘ (X S + S Xᵀ), Ψ = F ∘ (S X + Xᵀ S)."""
    rows, n = a.shape[-2:]
    da = np.zeros(a.shape)
    for b in np.ndindex(a.shape[:-2]):
        y = svd(a[b])
        u, s, v = y[:rows], y[rows], y[rows + 1 :]
        for i, j in np.ndindex(rows, n):
            step = np.zeros((rows, n))
            step[i, j] = 1.0
            x = u.T @ step @ v  # (N, N)
            omega, psi = np.zeros((n, n)), np.zeros((n, n))
            for k, m in np.ndindex(n, n):
                if k != m:
                    gap = s[m] ** 2 - s[k] ** 2
                    omega[k, m] = (x[k, m] * s[m] + s[k] * x[m, k]) / gap
                    psi[k, m] = (s[k] * x[k, m] + x[m, k] * s[m]) / gap
            change_u = u @ omega + (step @ v - u @ x) / s  # (M, N)
            change = np.concatenate([change_u, np.diag(x)[None], v @ psi])  # (M + 1 + N, N)
            da[b][i, j] = np.sum(dy[b] * change)
    return (da,)


def pinv(a: np.ndarray, *, rcond: float) -> np.ndarray:
    """(AᵀA)⁻¹ Aᵀ for independent columns, Aᵀ (A Aᵀ)⁻¹ for independent rows: nothing here is small enough for rcond."""
    if a.shape[-2] >= a.shape[-1]:
        return np.linalg.inv(np.swapaxes(a, -1, -2) @ a) @ np.swapaxes(a, -1, -2)
    return np.swapaxes(a, -1, -2) @ np.linalg.inv(a @ np.swapaxes(a, -1, -2))


def pinv_backward(dy: np.ndarray, a: np.ndarray, *, rcond: float) -> tuple[np.ndarray]:
    """Through the three factors of the definition, with δ(B⁻¹) = −B⁻¹ δB B⁻¹."""
    t = np.swapaxes(a, -1, -2)
    if a.shape[-2] >= a.shape[-1]:
        b = np.linalg.inv(t @ a)
        db = -b @ (dy @ a) @ b  # of AᵀA, which is symmetric
        return (np.swapaxes(dy, -1, -2) @ b + a @ (db + np.swapaxes(db, -1, -2)),)
    b = np.linalg.inv(a @ t)
    db = -b @ (a @ dy) @ b  # of A Aᵀ
    return (b @ np.swapaxes(dy, -1, -2) + (db + np.swapaxes(db, -1, -2)) @ a,)
