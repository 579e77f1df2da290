"""Linear algebra under the names of `torch.linalg`: of one matrix, or of many, with batch axes before the last two.

The operations, with their formulas and derivations, are in `minidl.ops.linalg`.
"""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

from numpy import finfo

from . import ops
from .array import DEFAULT, is_float
from .errors import ArgumentError, ShapeError
from .methods.base import dims
from .tensor import as_tensor

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vecdot",
    "vector_norm",
]


def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """The solution X of A X = B (or, with `left=False`, of X A = B).

    Shapes: A (…, N, N), B (…, N, K) → X (…, N, K), batch axes broadcast. B is one vector for each matrix, (…, N), if it
        is one vector, or has the shape of A without its last axis.
    Raises:
        ShapeError: A is not square, or B does not fit. ArgumentError: A is singular (the message says which).
    """
    a, b = as_tensor(A), as_tensor(B)
    vector = b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])
    if vector:
        if not left:
            raise ArgumentError("solve: left=False takes matrices B (…, K, N), and got vectors", fix="left=True")
        return ops.squeeze(ops.solve(a, ops.unsqueeze(b, axis=-1)), axis=-1)
    return ops.solve(a, b) if left else ops.mT(ops.solve(ops.mT(a), ops.mT(b)))


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """The solution X of A X = B (or of X A = B), where A is triangular: its other triangle is not read.

    Shapes: A (…, N, N), B (…, N, K) → X (…, N, K), batch axes broadcast.
    Args:
        upper: which triangle is read. unitriangular: the diagonal is not read either: it counts as ones.
    Raises:
        ShapeError: A is not square, or B does not fit. ArgumentError: a 0 stands on the diagonal.
    """
    a, b = as_tensor(A), as_tensor(B)
    if left:
        return ops.solve_triangular(a, b, upper=upper, unitriangular=unitriangular)
    return ops.mT(ops.solve_triangular(ops.mT(a), ops.mT(b), upper=not upper, unitriangular=unitriangular))


def inv(A: Any) -> Any:
    """The inverse.

    Raises:
        ShapeError: A is not square. ArgumentError: A is singular.
    """
    return ops.inv(as_tensor(A))


def cholesky(A: Any, *, upper: bool = False) -> Any:
    """The lower triangular L with L Lᵀ = A; or the upper triangular Lᵀ. Of an A that is not symmetric, of (A + Aᵀ)/2.

    Raises:
        ShapeError: A is not square. ArgumentError: A is not positive definite.
    """
    return as_tensor(A).cholesky(upper)


def det(A: Any) -> Any:
    """The determinant; its gradient is right where A is singular too."""
    return ops.det(as_tensor(A))


def slogdet(A: Any) -> Any:
    """The sign of the determinant, and the logarithm of its size: (sign, logabsdet)."""
    return as_tensor(A).slogdet()


class Eigen(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Any
    eigenvectors: Any


class QR(NamedTuple):
    """What `qr` returns."""

    Q: Any
    R: Any


def eigh(A: Any) -> Eigen:
    """The eigenvalues of symmetric matrices, from the smallest on, and their eigenvectors, as columns.

    Shapes: (…, N, N) → (…, N), (…, N, N)
    Raises:
        ShapeError: A is not square.
    """
    both = ops.eigh(as_tensor(A))
    return Eigen(both[..., 0, :], both[..., 1:, :])


def eigvalsh(A: Any) -> Any:
    """The eigenvalues of symmetric matrices, from the smallest on."""
    return eigh(A).eigenvalues


def qr(A: Any, mode: str = "reduced") -> QR:
    """Orthonormal columns Q and an upper triangle R with Q R = A.

    Shapes: (…, M, N) → (…, M, K), (…, K, N) with K the smaller of M and N
    Raises:
        ArgumentError: another mode than `"reduced"`.
    """
    if mode != "reduced":
        raise ArgumentError(f"qr: mode: got {mode!r}, expected 'reduced'")
    a = as_tensor(A)
    if a.ndim < 2:
        raise ShapeError(f"qr: A: got shape {a.shape}, expected matrices (…, M, N)")
    rows = a.shape[-2]
    both = ops.qr(a[..., :rows])  # of a wide matrix, the first columns decide
    q, r = both[..., :rows, :], both[..., rows:, :]
    return QR(q, r if a.shape[-1] <= rows else ops.concatenate(r, ops.mT(q) @ a[..., rows:], axis=-1))


class SVD(NamedTuple):
    """What `svd` returns."""

    U: Any
    S: Any
    Vh: Any


def svd(A: Any, full_matrices: bool = True) -> SVD:
    """The singular value decomposition A = U diag(S) Vh.

    Shapes: (…, M, N) → (…, M, K), (…, K), (…, K, N) with K the smaller of M and N
    Raises:
        ArgumentError: `full_matrices` is true, and A is not square: the columns to fill up with have no derivative.
    """
    a = as_tensor(A)
    if a.ndim < 2:
        raise ShapeError(f"svd: A: got shape {a.shape}, expected matrices (…, M, N)")
    rows, columns = a.shape[-2:]
    if full_matrices and rows != columns:
        raise ArgumentError(f"svd: full_matrices: got True for shape {a.shape}", fix="full_matrices=False")
    if rows < columns:
        v, s, uh = svd(ops.mT(a), full_matrices)
        return SVD(ops.mT(uh), s, ops.mT(v))
    y = ops.svd(a)
    return SVD(y[..., :rows, :], y[..., rows, :], ops.mT(y[..., rows + 1 :, :]))


def svdvals(A: Any) -> Any:
    """The singular values, from the largest on."""
    return ops.singular_values(as_tensor(A))


def pinv(A: Any, *, rtol: float | None = None) -> Any:
    """The pseudo-inverse of Moore and Penrose, whose product with b is the shortest x that comes nearest to A x = b.

    Shapes: (…, M, N) → (…, N, M)
    Args:
        rtol: singular values up to this times the largest count as 0; default: the larger of M and N, times ε.
    """
    a = as_tensor(A)
    if rtol is None:
        rtol = max(a.shape[-2:], default=0) * float(finfo(a.dtype if is_float(a.dtype) else DEFAULT).eps)
    return ops.pinv(a, rcond=rtol)


def matrix_power(A: Any, n: int) -> Any:
    """A times itself, n times; for n < 0, of the inverse."""
    return ops.matrix_power(as_tensor(A), n)


def matmul(input: Any, other: Any) -> Any:
    """The matrix product."""
    return ops.matmul(as_tensor(input), as_tensor(other))


def multi_dot(tensors: Any) -> Any:
    """The product of several matrices; the first and the last may be vectors. From left to right."""
    if len(tensors) < 2:
        raise ArgumentError(f"multi_dot: tensors: got {len(tensors)}, expected at least 2")
    product, *rest = (as_tensor(each) for each in tensors)
    for each in rest:
        product = ops.matmul(product, each)
    return product


def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """Scalar products along `dim`; the other axes broadcast."""
    product = as_tensor(x) * as_tensor(y)
    return product.sum(dim)


def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The vector product along an axis of size 3."""
    return ops.cross(as_tensor(input), as_tensor(other), dim)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonal of matrices, as a new last axis."""
    return ops.diagonal(as_tensor(A), offset, dim1, dim2)


def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Any:
    """The norm of the elements over `dim`, all by default: of any order; inf, -inf: the largest, the smallest |x|."""
    return ops.vector_norm(as_tensor(x), float(ord), axis=dims(dim), keepdims=keepdim)


def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Any:
    """A norm of matrices.

    | ord | it is |
    | --- | --- |
    | "fro" | the root of the sum of squares |
    | 1, -1, inf, -inf | the largest or smallest sum of |x| of a column (1, -1) or a row |
    | 2, -2, "nuc" | the largest or smallest singular value; the sum of all |
    """
    return ops.matrix_norm(as_tensor(A), ord, axis=tuple(dim), keepdims=keepdim)


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    """A vector norm, or (with an `ord`, of a matrix, or over two axes) a matrix norm.

    | ord | dim | it is |
    | --- | --- | --- |
    | None | any | the 2-norm of the elements over dim |
    | given | a number | the vector norm |
    | given | two axes | the matrix norm |
    | given | None | that of a vector or a matrix, as A is |
    """
    x, axes = as_tensor(A), dims(dim)
    if ord is None:
        return vector_norm(x, 2, axes, keepdim)
    if axes is None:
        if x.ndim > 2:
            raise ShapeError(f"norm: A: got shape {x.shape} with an ord and no dim, expected a vector or a matrix")
        axes = tuple(range(x.ndim))
    if isinstance(axes, tuple) and len(axes) == 2:
        return matrix_norm(x, ord, axes, keepdim)
    if isinstance(ord, str):
        raise ArgumentError(f"norm: ord: got {ord!r} for vectors, expected a number", fix=f"{inf} is float('inf')")
    return vector_norm(x, ord, axes, keepdim)
