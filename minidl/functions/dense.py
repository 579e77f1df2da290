"""Products, norms, and linear algebra; more of that in `minidl.linalg`."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

__all__ = [
    "addmm",
    "addmv",
    "baddbmm",
    "bmm",
    "cdist",
    "cholesky",
    "cross",
    "det",
    "dot",
    "einsum",
    "inner",
    "inverse",
    "kron",
    "logdet",
    "matmul",
    "matrix_power",
    "mm",
    "mv",
    "norm",
    "outer",
    "slogdet",
    "tensordot",
    "vdot",
]


def matmul(input: Any, other: Any) -> Any:
    """The matrix product, with NumPy's rules for batches and vectors."""
    return ops.matmul(as_tensor(input), as_tensor(other))


def einsum(equation: str, *operands: Any) -> Any:
    """Sums of products by Einstein's convention: a letter that the result lacks is summed over.

    `"ij,jk->ik"` is the matrix product; see `ops.einsum_of` for every spelling.
    """
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    return ops.einsum_of(equation, *map(as_tensor, operands))


def mm(input: Any, mat2: Any) -> Any:
    """Matrix times matrix."""
    return as_tensor(input).mm(as_tensor(mat2))


def bmm(input: Any, mat2: Any) -> Any:
    """Matrices times matrices, one by one."""
    return as_tensor(input).bmm(as_tensor(mat2))


def mv(input: Any, vec: Any) -> Any:
    """Matrix times vector."""
    return as_tensor(input).mv(as_tensor(vec))


def dot(input: Any, tensor: Any) -> Any:
    """The scalar product of two vectors."""
    return as_tensor(input).dot(as_tensor(tensor))


vdot = dot


def outer(input: Any, vec2: Any) -> Any:
    """All products of an element of one vector and one of the other."""
    return as_tensor(input).outer(as_tensor(vec2))


def inner(input: Any, other: Any) -> Any:
    """Scalar products along the last axes."""
    return as_tensor(input).inner(as_tensor(other))


def kron(input: Any, other: Any) -> Any:
    """Kronecker's product."""
    return as_tensor(input).kron(as_tensor(other))


def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The vector product along an axis of size 3; by default, the first of that size."""
    return as_tensor(input).cross(as_tensor(other), dim)


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Products summed over axes of `a` matched with axes of `b`: two lists, or a number, the last with the first."""
    return ops.tensordot(as_tensor(a), as_tensor(b), dims)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · mat1 @ mat2."""
    return as_tensor(input).addmm(as_tensor(mat1), as_tensor(mat2), beta=beta, alpha=alpha)


def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · mat @ vec."""
    return as_tensor(input).addmv(as_tensor(mat), as_tensor(vec), beta=beta, alpha=alpha)


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · batch1 @ batch2."""
    return as_tensor(input).baddbmm(as_tensor(batch1), as_tensor(batch2), beta=beta, alpha=alpha)


def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
    """The p-norm of the elements over `dim`; "fro" is the 2-norm."""
    return as_tensor(input).norm(p, dim, keepdim)


def cdist(x1: Any, x2: Any, p: float = 2.0) -> Any:
    """The p-norm of the difference of every row of `x1` and every row of `x2`."""
    return ops.cdist(as_tensor(x1), as_tensor(x2), p)


def inverse(input: Any) -> Any:
    """The inverse of matrices."""
    return as_tensor(input).inverse()


def det(input: Any) -> Any:
    """The determinant of matrices."""
    return as_tensor(input).det()


def logdet(input: Any) -> Any:
    """The logarithm of the determinant; NaN where it is negative."""
    return as_tensor(input).logdet()


def slogdet(input: Any) -> Any:
    """The sign of the determinant and the logarithm of its size: (sign, logabsdet)."""
    return as_tensor(input).slogdet()


def matrix_power(input: Any, n: int) -> Any:
    """The n-th power of matrices."""
    return as_tensor(input).matrix_power(n)


def cholesky(input: Any, upper: bool = False) -> Any:
    """The lower triangular factor L of A = L Lᵀ; or the upper one, Lᵀ."""
    return as_tensor(input).cholesky(upper)
