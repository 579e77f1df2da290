"""Products, norms, and linear algebra."""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

from minidl.array import xp
from minidl.errors import ArgumentError

from .base import Base, dims

ops: Any = None  # bound by ops/__init__.py, which stands above this package


class SignAndLogAbsDet(NamedTuple):
    """What `slogdet` returns: det = sign · e^logabsdet."""

    sign: Any
    logabsdet: Any


class Products(Base):
    """Products with vectors and matrices, and what is said of matrices."""

    def mm(self, mat2: Any) -> Any:
        """Matrix times matrix."""
        return ops.mm(self, mat2)

    def bmm(self, mat2: Any) -> Any:
        """Matrices times matrices, one by one."""
        return ops.bmm(self, mat2)

    def mv(self, vec: Any) -> Any:
        """Matrix times vector."""
        return ops.mv(self, vec)

    def dot(self, tensor: Any) -> Any:
        """The scalar product of two vectors."""
        return ops.dot(self, tensor)

    vdot = dot

    def outer(self, vec2: Any) -> Any:
        """All products of an element of one vector and one of the other."""
        return ops.outer(self, vec2)

    ger = outer

    def inner(self, other: Any) -> Any:
        """Scalar products along the last axes."""
        return ops.inner(self, other)

    def kron(self, other: Any) -> Any:
        """Kronecker's product."""
        return ops.kron(self, other)

    def cross(self, other: Any, dim: int | None = None) -> Any:
        """The vector product along an axis of size 3; by default, the first of that size."""
        sizes = self.data.shape
        return ops.cross(self, other, (sizes.index(3) if 3 in sizes else -1) if dim is None else dim)

    def addmm(self, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        """beta · self + alpha · mat1 @ mat2."""
        return beta * self + alpha * ops.mm(mat1, mat2)

    def addmv(self, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        """beta · self + alpha · mat @ vec."""
        return beta * self + alpha * ops.mv(mat, vec)

    def baddbmm(self, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        """beta · self + alpha · batch1 @ batch2."""
        return beta * self + alpha * ops.bmm(batch1, batch2)

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
        """The p-norm of the elements over `dim`; "fro" is the 2-norm."""
        if isinstance(p, str) and p != "fro":
            raise ArgumentError(f"norm: p: got {p!r}, expected 'fro' or a number")
        p = 2.0 if p == "fro" or p is None else {"inf": inf, "-inf": -inf}.get(str(p), p)
        return ops.vector_norm(self, p, axis=dims(dim), keepdims=keepdim)

    def inverse(self) -> Any:
        """The inverse of matrices."""
        return ops.inv(self)

    def matrix_power(self, n: int) -> Any:
        """The n-th power of matrices."""
        return ops.matrix_power(self, n)

    def det(self) -> Any:
        """The determinant of matrices."""
        return ops.det(self)

    def logdet(self) -> Any:
        """The logarithm of the determinant; NaN where it is negative."""
        sign, y = self.slogdet()
        return ops.where(sign.data < 0, float("nan"), y)

    def slogdet(self) -> SignAndLogAbsDet:
        """The sign of the determinant, without gradient, and the logarithm of its size."""
        y = ops.logabsdet(self)  # first, for its checks
        sign = xp(self.data).linalg.slogdet(self.data)[0]
        return SignAndLogAbsDet(self._plain(sign), y)

    def cholesky(self, upper: bool = False) -> Any:
        """The lower triangular factor L of A = L Lᵀ; or the upper one, Lᵀ."""
        return ops.mT(ops.cholesky(self)) if upper else ops.cholesky(self)
