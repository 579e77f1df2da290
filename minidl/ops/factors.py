"""Orthogonal factors of matrices: eigenvectors of symmetric ones, Q R, singular vectors; and the pseudo-inverse.

Each factorisation gives its results as one array, one below the other; `minidl.linalg` takes them apart. As in
`linalg`, a derivation differentiates the defining equations; here one of them says that columns are orthonormal,
VᵀV = 1, so that Vᵀ δV is antisymmetric.

M N: rows, columns.
Sources: M. B. Giles, An extended collection of matrix derivative results (2008), §3.1; H.-J. Liao, J.-G. Liu, L. Wang,
T. Xiang, Differentiable programming tensor networks (2019), §III; J. Townsend, Differentiating the singular value
decomposition (2016); G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10 (1973), 413–432.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError
from minidl.op import primitive

from .arrange import diag_embed, tril
from .elementwise import where
from .linalg import check_square, solve
from .shape import mT

__all__ = [
    "eigh",
    "pinv",
    "qr",
    "singular_values",
    "svd",
]


@primitive(real=True)
def eigh(a: Any) -> Any:
    """The eigenvalues of a symmetric matrix, from the smallest on, and below them its eigenvectors, as columns.

    Math: A V = V Λ with VᵀV = 1;  dA = sym(V (diag dλ + F ∘ Vᵀ dV) Vᵀ) with F[i, j] = 1 / (λⱼ − λᵢ), and 0 where equal
    Shapes: (…, N, N) → (…, N + 1, N)
    Raises:
        ShapeError: A is not square. ArgumentError: A holds NaN or infinities.
    Derivation: with δV = V C, C antisymmetric, the equation becomes VᵀδA V = δΛ + C Λ − Λ C. On the diagonal this says
        δλᵢ = (VᵀδA V)ᵢᵢ, beside it Cᵢⱼ = (VᵀδA V)ᵢⱼ / (λⱼ − λᵢ). So ⟨dλ, δλ⟩ + ⟨dV, V C⟩ is
        ⟨diag dλ + F ∘ Vᵀ dV, VᵀδA V⟩. Vectors of one and the same eigenvalue may turn among themselves: what a loss
        makes of that has no derivative, and is left out.
    Choices: of an A that is not quite symmetric, (A + Aᵀ)/2 is taken; of each vector and its opposite, the one whose
        largest component is positive.
    Source: Giles 2008, §3.1.
    """
    module = xp(a)
    try:
        values, vectors = module.linalg.eigh((a + module.swapaxes(a, -1, -2)) / 2)
    except np.linalg.LinAlgError as error:
        raise ArgumentError(f"eigh: A: {error}", fix="look for NaN and infinities") from error
    if vectors.size:
        largest = module.abs(vectors).argmax(axis=-2, keepdims=True)  # (…, 1, N)
        vectors = vectors * module.sign(module.take_along_axis(vectors, largest, axis=-2))
    return module.concatenate([values[..., None, :], vectors], axis=-2)


@eigh.check
def eigh_check(a: Any) -> None:
    check_square("eigh", a)


@eigh.vjp("a")
def eigh_da(dy: Any, y: Any) -> Any:
    values, v = y[..., 0, :], y[..., 1:, :]
    gaps = values[..., None, :] - values[..., :, None]  # (…, N, N)
    f = where(gaps == 0, 0.0, 1 / where(gaps == 0, 1.0, gaps))
    s = v @ (diag_embed(dy[..., 0, :]) + f * (mT(v) @ dy[..., 1:, :])) @ mT(v)  # (…, N, N)
    return (s + mT(s)) / 2


@primitive(real=True)
def qr(a: Any) -> Any:
    """A matrix as Q R, orthonormal columns times an upper triangle: Q, and below it R.

    Math: A = Q R;  dA = (dQ + Q copy(R dRᵀ − dQᵀ Q)) R⁻ᵀ, where copy makes the lower triangle symmetric
    Shapes: (…, M, N) with M ≥ N → (…, M + N, N)
    Raises:
        ShapeError: A has more columns than rows. ArgumentError (in backward): its columns depend on each other.
    Derivation: with Qᵀ δQ = Ω, QᵀδA R⁻¹ = Ω + δR R⁻¹: antisymmetric plus upper triangular. So Ω has the lower triangle
        of X = QᵀδA R⁻¹, and minus that above, and δR R⁻¹ = X − Ω. Put into ⟨dQ, δQ⟩ + ⟨dR, δR⟩ with
        δQ = (δA − Q δR) R⁻¹, each X stands alone, and its factor is what the formula says.
    Source: Liao et al. 2019, eqs. 20–21. The signs are those of LAPACK's reflections, as in NumPy and PyTorch.
    """
    q, r = xp(a).linalg.qr(a)
    return xp(a).concatenate([q, r], axis=-2)


@qr.check
def qr_check(a: Any) -> None:
    if a.ndim < 2 or a.shape[-2] < a.shape[-1]:
        raise ShapeError(f"qr: A: got shape {a.shape}, expected matrices (…, M, N) with M ≥ N")


@qr.vjp("a")
def qr_da(dy: Any, y: Any) -> Any:
    n = y.shape[-1]
    cut = y.shape[-2] - n
    q, r, dq, dr = y[..., :cut, :], y[..., cut:, :], dy[..., :cut, :], dy[..., cut:, :]
    m = r @ mT(dr) - mT(dq) @ q  # (…, N, N)
    m = tril(m) + mT(tril(m, -1))
    return mT(solve(r, mT(dq + q @ m)))  # (…, M, N)


@primitive(real=True)
def svd(a: Any) -> Any:
    """The singular value decomposition A = U diag(s) Vᵀ: U, below it s, from the largest on, and below that V.

    Math: dA = U (F ∘ (Uᵀ dU − dUᵀ U) S + diag ds + S F ∘ (Vᵀ dV − dVᵀ V)) Vᵀ + (1 − U Uᵀ) dU S⁻¹ Vᵀ,
        with S = diag s and F[i, j] = 1 / (sⱼ² − sᵢ²), and 0 where equal
    Shapes: (…, M, N) with M ≥ N → (…, M + 1 + N, N)
    Raises:
        ShapeError: A has more columns than rows.
    Derivation: with δU = U Ω + (1 − U Uᵀ) δU and δV = V Ψ, Ω and Ψ antisymmetric, and X = Uᵀ δA V, the equation says
        X = Ω S + δS − S Ψ. On the diagonal δsᵢ = Xᵢᵢ; beside it X and Xᵀ are two equations for Ω and Ψ, with the
        solution Ω = F ∘ (X S + S Xᵀ), Ψ = F ∘ (S X + Xᵀ S). Across the columns of U stands
        (1 − U Uᵀ) δU = (1 − U Uᵀ) δA V S⁻¹. Put into ⟨dU, δU⟩ + ⟨ds, δs⟩ + ⟨dV, δV⟩, δA stands alone. As for `eigh`,
        what turns among equal values is left out.
    Choices: of each pair of vectors and its opposite, the one in which the largest component of V is positive.
    Source: Townsend 2016.
    """
    module = xp(a)
    u, s, vt = module.linalg.svd(a, full_matrices=False)
    v = module.swapaxes(vt, -1, -2)
    if v.size:
        largest = module.abs(v).argmax(axis=-2, keepdims=True)  # (…, 1, N)
        signs = module.sign(module.take_along_axis(v, largest, axis=-2))
        u, v = u * signs, v * signs
    return module.concatenate([u, s[..., None, :], v], axis=-2)


@svd.check
def svd_check(a: Any) -> None:
    if a.ndim < 2 or a.shape[-2] < a.shape[-1]:
        raise ShapeError(f"svd: A: got shape {a.shape}, expected matrices (…, M, N) with M ≥ N")


@svd.vjp("a")
def svd_da(dy: Any, y: Any) -> Any:
    rows = y.shape[-2] - y.shape[-1] - 1
    u, s, v = y[..., :rows, :], y[..., rows : rows + 1, :], y[..., rows + 1 :, :]
    du, ds, dv = dy[..., :rows, :], dy[..., rows, :], dy[..., rows + 1 :, :]
    gaps = s * s - mT(s * s)  # (…, N, N): sⱼ² − sᵢ²
    f = where(gaps == 0, 0.0, 1 / where(gaps == 0, 1.0, gaps))
    left, right = mT(u) @ du, mT(v) @ dv  # (…, N, N)
    core = f * (left - mT(left)) * s + diag_embed(ds) + mT(s) * (f * (right - mT(right)))
    across = (du - u @ left) / where(s == 0, 1.0, s) if rows > y.shape[-1] else 0.0  # (…, M, N)
    return (u @ core + across) @ mT(v)  # (…, M, N)


@primitive(real=True)
def pinv(a: Any, *, rcond: float) -> Any:
    """The pseudo-inverse of Moore and Penrose: singular values up to `rcond` times the largest count as 0.

    Math: P = A⁺;  dA = −Pᵀ dP Pᵀ + (1 − A P) X + Z (1 − P A)  with X = dPᵀ P Pᵀ, Z = Pᵀ P dPᵀ
    Shapes: (…, M, N) → (…, N, M)
    Raises:
        ShapeError: A is no matrix.
    Derivation: from A P A = A and the symmetry of A P and P A, for changes that leave the rank as it is,
        δP = −P δA P + P Pᵀ δAᵀ (1 − A P) + (1 − P A) δAᵀ Pᵀ P; each term gives one of dA.
    Source: Golub and Pereyra 1973, eq. 4.12.
    """
    return xp(a).linalg.pinv(a, rcond=rcond)


@pinv.check
def pinv_check(a: Any, *, rcond: float) -> None:
    if a.ndim < 2:
        raise ShapeError(f"pinv: A: got shape {a.shape}, expected matrices (…, M, N)")


@pinv.vjp("a")
def pinv_da(dy: Any, y: Any, a: Any) -> Any:
    x, z = mT(dy) @ y @ mT(y), mT(y) @ y @ mT(dy)  # (…, M, N)
    return x - a @ (y @ x) + z - (z @ y) @ a - mT(y) @ dy @ mT(y)  # (…, M, N)


def singular_values(a: Any) -> Any:
    """The singular values of matrices, from the largest on: (…, M, N) → (…, K) with K the smaller of M and N."""
    tall = mT(a) if a.shape[-2] < a.shape[-1] else a
    return svd(tall)[..., tall.shape[-2], :]
