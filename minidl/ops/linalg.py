"""Linear algebra: solve, inverse, Cholesky factor, determinants; of one matrix or of many (batch axes "…").

Every derivation here differentiates a defining equation, A X = B, A Y = 1, L Lᵀ = A, solves for the differential of
the output, and moves what stands around it to the other side of ⟨dY, ·⟩: ⟨P, Q X R⟩ = ⟨Qᵀ P Rᵀ, X⟩.

N: size of the square matrices.  K: number of right sides.
Sources: M. B. Giles, An extended collection of matrix derivative results (2008), §2; I. Murray, Differentiation of the
Cholesky decomposition (2016), §3.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError
from minidl.op import primitive, sum_to
from minidl.tensor import Tensor

from .arrange import tril
from .reduce import sum
from .shape import mT

__all__ = [
    "cholesky",
    "cofactor",
    "det",
    "inv",
    "logabsdet",
    "matrix_power",
    "solve",
    "solve_triangular",
]


def check_square(name: str, a: Any) -> None:
    """Square matrices (…, N, N)."""
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: A: got shape {tuple(a.shape)}, expected square matrices (…, N, N)")


def _lapack(name: str, fault: str, a: Any, *rest: Any) -> Any:
    """NumPy's routine; where it fails, an error that says for which matrix."""
    routine = getattr(xp(a).linalg, name)
    try:
        return routine(a, *rest)
    except np.linalg.LinAlgError as error:
        for place in np.ndindex(a.shape[:-2]):
            try:
                getattr(np.linalg, "inv" if name == "solve" else name)(a[place])
            except np.linalg.LinAlgError:
                which = f"matrix {place} of the batch" if place else "the matrix"
                raise ArgumentError(f"{name}: A: {which} is {fault}") from error
        raise


@primitive(real=True)
def solve(a: Any, b: Any) -> Any:
    """The solution X of A X = B, with batch axes that broadcast.

    Math: X = A⁻¹ B;  dB = A⁻ᵀ dX,  dA = −dB Xᵀ
    Shapes: a (…, N, N), b (…, N, K) → X (…, N, K)
    Raises:
        ShapeError: A is not square, or has another size than B has rows. ArgumentError: A is singular.
    Derivation: from A X = B follows δA X + A δX = δB, so δX = A⁻¹ (δB − δA X). ⟨dX, A⁻¹ δB⟩ = ⟨A⁻ᵀ dX, δB⟩ gives dB,
        and −⟨dB, δA X⟩ = ⟨−dB Xᵀ, δA⟩ gives dA.
    Source: Giles 2008, §2.3.1.
    """
    return _lapack("solve", "singular: A X = B has no solution, or many", a, b)


@solve.check
def solve_check(a: Any, b: Any) -> None:
    check_square("solve", a)
    if b.ndim < 2 or b.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"solve: got A of shape {a.shape} and B of shape {b.shape}, expected B with {a.shape[-1]} rows: (…, N, K)"
        )


@solve.vjp("a")
def solve_da(dy: Any, y: Any, a: Any, a_shape: Any) -> Any:
    return sum_to(-(solve(mT(a), dy) @ mT(y)), a_shape)  # (…, N, K) @ (…, K, N)


@solve.vjp("b")
def solve_db(dy: Any, a: Any, b_shape: Any) -> Any:
    return sum_to(solve(mT(a), dy), b_shape)  # (…, N, K)


@primitive(real=True)
def inv(a: Any) -> Any:
    """The inverse.

    Math: Y = A⁻¹;  dA = −Yᵀ dY Yᵀ
    Shapes: (…, N, N) → (…, N, N)
    Raises:
        ShapeError: A is not square. ArgumentError: A is singular.
    Derivation: from A Y = 1 follows δA Y + A δY = 0, so δY = −Y δA Y, and ⟨dY, −Y δA Y⟩ = ⟨−Yᵀ dY Yᵀ, δA⟩.
    Source: Giles 2008, §2.2.3.
    """
    return _lapack("inv", "singular: it has no inverse", a)


@inv.check
def inv_check(a: Any) -> None:
    check_square("inv", a)


@inv.vjp("a")
def inv_da(dy: Any, y: Any) -> Any:
    return -(mT(y) @ dy @ mT(y))  # (…, N, N)


@primitive(real=True)
def cholesky(a: Any) -> Any:
    """The lower triangular L with L Lᵀ = A, for a symmetric positive definite A; of another A, for (A + Aᵀ)/2.

    Math: A = L Lᵀ;  dA = sym(L⁻ᵀ Φ(Lᵀ dL) L⁻¹): Φ keeps the lower triangle, with half of the diagonal
    Shapes: (…, N, N) → (…, N, N)
    Raises:
        ShapeError: A is not square. ArgumentError: A is not positive definite.
    Derivation: δA = δL Lᵀ + L δLᵀ, so L⁻¹ δA L⁻ᵀ = S + Sᵀ with S = L⁻¹ δL. S is lower triangular: it is the lower
        triangle of S + Sᵀ with the diagonal halved, S = Φ(L⁻¹ δA L⁻ᵀ), and δL = L S. Φ weighs elements, so that it is
        its own adjoint: ⟨dL, L Φ(L⁻¹ δA L⁻ᵀ)⟩ = ⟨L⁻ᵀ Φ(Lᵀ dL) L⁻¹, δA⟩. Only (A + Aᵀ)/2 enters, so the gradient is
        symmetric too.
    Source: Murray 2016, eqs. 8–10.
    """
    return _lapack("cholesky", "not positive definite", (a + xp(a).swapaxes(a, -1, -2)) / 2)


@cholesky.check
def cholesky_check(a: Any) -> None:
    check_square("cholesky", a)


@cholesky.vjp("a")
def cholesky_da(dy: Any, y: Any) -> Any:
    p = mT(y) @ dy
    p = (tril(p) + tril(p, -1)) / 2  # Φ
    right = solve(mT(y), mT(p))  # (P L⁻¹)ᵀ
    s = solve(mT(y), mT(right))  # L⁻ᵀ P L⁻¹
    return (s + mT(s)) / 2


# Determinants ---------------------------------------------------------------------------------------------------------


@primitive(real=True)
def det(a: Any) -> Any:
    """The determinant.

    Math: y = det A;  dA = dy · C, the matrix of cofactors: det A · A⁻ᵀ where A is regular
    Shapes: (…, N, N) → (…)
    Raises:
        ShapeError: A is not square.
    Derivation: expanded along row i, det A = Σⱼ aᵢⱼ cᵢⱼ, and no cofactor cᵢⱼ of that row has an element of it. So the
        derivative by aᵢⱼ is cᵢⱼ, for singular matrices too.
    Source: Giles 2008, §2.2.4, for regular A.
    """
    return xp(a).linalg.det(a)


@det.check
def det_check(a: Any) -> None:
    check_square("det", a)


@det.vjp("a")
def det_da(dy: Any, a: Any) -> Any:
    return dy[..., None, None] * cofactor(a)  # (…, N, N)


@primitive(real=True)
def cofactor(a: Any) -> Any:
    """The cofactors: Y[i, j] is (−1)^(i + j) times the determinant without row i and column j.

    Math: Y = det A · A⁻ᵀ where A is regular;  then dA = ⟨dY, W⟩ Y − W dYᵀ Y  with W = A⁻ᵀ
    Shapes: (…, N, N) → (…, N, N)
    Raises (in backward):
        ArgumentError: A is singular; it has cofactors, but this rule for their derivative needs W.
    Derivation: with A = U Σ Vᵀ, cofactors of a product being products of cofactors, Y = det U det V · U C(Σ) Vᵀ, and a
        diagonal matrix has on the diagonal the products of all others: nothing is divided. For the rule,
        δY = δ(det A) W + det A δW, with δ(det A) = det A ⟨W, δA⟩ and δW = −W δAᵀ W.
    """
    module = xp(a)
    if a.dtype.kind == "c":  # the oracle's: singular values are real
        return module.linalg.det(a)[..., None, None] * module.swapaxes(module.linalg.inv(a), -1, -2)
    u, s, vt = module.linalg.svd(a)
    n, others = s.shape[-1], module.ones_like(s)
    for shift in range(1, n):
        others = others * module.roll(s, shift, -1)  # (…, N)
    turned = module.linalg.det(u) * module.linalg.det(vt)  # ±1
    return turned[..., None, None] * ((u * others[..., None, :]) @ vt)


@cofactor.check
def cofactor_check(a: Any) -> None:
    check_square("cofactor", a)


@cofactor.vjp("a")
def cofactor_da(dy: Any, y: Any, a: Any) -> Any:
    w = mT(inv(a))
    return sum(dy * w, axis=(-2, -1), keepdims=True) * y - w @ mT(dy) @ y  # (…, N, N)


@primitive(real=True)
def logabsdet(a: Any) -> Any:
    """log |det A|, also where det A itself would overflow; −∞ where A is singular.

    Math: y = log |det A|;  dA = dy · A⁻ᵀ
    Shapes: (…, N, N) → (…)
    Raises:
        ShapeError: A is not square. ArgumentError (in backward): A is singular, where there is no derivative.
    Derivation: det's rule, divided by det A.
    """
    sign, y = xp(a).linalg.slogdet(a)
    return y + xp(a).log(sign / xp(a).sign(sign.real)) if a.dtype.kind == "c" else y


@logabsdet.check
def logabsdet_check(a: Any) -> None:
    check_square("logabsdet", a)


@logabsdet.vjp("a")
def logabsdet_da(dy: Any, a: Any) -> Any:
    return dy[..., None, None] * mT(inv(a))  # (…, N, N)


# Compositions: no rules of their own ----------------------------------------------------------------------------------


def solve_triangular(a: Any, b: Any, *, upper: bool, unitriangular: bool = False) -> Any:
    """The solution X of A X = B, where only one triangle of A is read, or (`unitriangular`) that and ones.

    Shapes: a (…, N, N), b (…, N, K) → X (…, N, K)
    Raises:
        ShapeError, ArgumentError: as `solve`.
    """
    check_square("solve_triangular", a)
    triangle = mT(tril(mT(a), -1 if unitriangular else 0)) if upper else tril(a, -1 if unitriangular else 0)
    return solve(triangle + _identity(a) if unitriangular else triangle, b)


def matrix_power(a: Any, n: int) -> Any:
    """A · A · … · A, n times: 1 for n = 0, of the inverse for n < 0; by squaring, in about 2 log₂ n products.

    Raises:
        ShapeError: A is not square. ArgumentError: n < 0, and A is singular.
    """
    check_square("matrix_power", a)
    if n < 0:
        return matrix_power(inv(a), -n)
    y, square = None, a
    while n:
        if n % 2:
            y = square if y is None else y @ square
        n //= 2
        square = square @ square if n else square
    return 0 * a + _identity(a) if y is None else y


def _identity(a: Any) -> Any:
    """1, as one matrix (N, N) of the dtype and device of A."""
    array = a.data if isinstance(a, Tensor) else a
    return xp(array).eye(array.shape[-1], dtype=array.dtype)
