"""What asks for an order: sorting, ranks, running totals along an axis."""

from __future__ import annotations

from typing import Any

from minidl.array import axis_of
from minidl.errors import ArgumentError

from .base import Base
from .reduce import ValuesAndIndices

ops: Any = None  # bound by ops/__init__.py, which stands above this package


class Order(Base):
    """Values by rank, and totals up to each place."""

    def _one_axis(self, name: str, dim: int) -> int:
        return axis_of(f"{name}: dim", dim, self.data.ndim)

    def _at(self, indices: Any, dim: int) -> ValuesAndIndices:
        return ValuesAndIndices(ops.take_along_axis(self, indices, axis=dim), self._plain(indices))

    def cumsum(self, dim: int, dtype: Any = None) -> Any:
        """The sums of the first one, two, three … values along `dim`."""
        return ops.cumsum(self._cast(dtype), axis=self._one_axis("cumsum", dim))

    def cumprod(self, dim: int, dtype: Any = None) -> Any:
        """The products of the first one, two, three … values along `dim`."""
        return ops.cumprod(self._cast(dtype), axis=self._one_axis("cumprod", dim))

    def cummax(self, dim: int) -> ValuesAndIndices:
        """The largest values up to each place along `dim`, and where they stand; of equal ones, the last."""
        dim = self._one_axis("cummax", dim)
        return self._at(ops.running_extreme(self.data, axis=dim, largest=True), dim)

    def cummin(self, dim: int) -> ValuesAndIndices:
        """The smallest values up to each place along `dim`, and where they stand; of equal ones, the last."""
        dim = self._one_axis("cummin", dim)
        return self._at(ops.running_extreme(self.data, axis=dim, largest=False), dim)

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesAndIndices:
        """Sorted along `dim`, and where each value came from; equal values always keep their order."""
        dim = self._one_axis("sort", dim)
        return self._at(ops.order_of(self.data, axis=dim, descending=descending), dim)

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
        """The indices that sort along `dim`; equal values always keep their order."""
        return self._plain(ops.order_of(self.data, axis=self._one_axis("argsort", dim), descending=descending))

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesAndIndices:
        """The k largest (or smallest) values along `dim`, always sorted, and their indices."""
        dim = self._one_axis("topk", dim)
        if not 0 <= k <= self.data.shape[dim]:
            raise ArgumentError(f"topk: k: got {k} for dim {dim} of size {self.data.shape[dim]}")
        order = ops.order_of(self.data, axis=dim, descending=largest)
        return self._at(order[(slice(None),) * dim + (slice(k),)], dim)

    def kthvalue(self, k: int, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices:
        """The k-th smallest value along `dim`, counted from 1, and its index."""
        dim = self._one_axis("kthvalue", dim)
        if not 1 <= k <= self.data.shape[dim]:
            raise ArgumentError(
                f"kthvalue: k: got {k} for dim {dim} of size {self.data.shape[dim]}", fix="the smallest is k = 1"
            )
        order = ops.order_of(self.data, axis=dim)
        return self._one(order[(slice(None),) * dim + (slice(k - 1, k),)], dim, keepdim)

    def median(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The value in the middle, of an even number the lower; with `dim`, (values, indices).

        Without `dim`, equal values share the gradient; with it, the one at the index gets it.
        """
        if dim is None:
            flat = self.data.reshape(-1)
            value = flat[ops.middle(flat, axis=0)].reshape(())
            if self.data.dtype.kind != "f":
                return self._plain(value)
            return ops.max(ops.where(~(self.data > value), self, -float("inf")))  # all that equal it, and smaller ones
        dim = self._one_axis("median", dim)
        return self._one(ops.middle(self.data, axis=dim), dim, keepdim)

    def _one(self, indices: Any, dim: int, keepdim: bool) -> ValuesAndIndices:
        found = self._at(indices, dim)
        return found if keepdim else ValuesAndIndices(*(each.squeeze(dim) for each in found))

    def quantile(self, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
        """The values that a share q (a number, or a vector of them) of all values along `dim` does not exceed."""
        data = self.data
        shares: Any = q.data if isinstance(q, Base) else data.dtype.type(q)
        flat = ops.reshape(self, shape=(data.size,)) if dim is None else self
        axis = 0 if dim is None else self._one_axis("quantile", dim)
        y = ops.quantile(flat, shares, axis=axis, interpolation=interpolation)
        if not keepdim:
            return y
        kept = (1,) * data.ndim if dim is None else (*data.shape[:axis], 1, *data.shape[axis + 1 :])
        return ops.reshape(y, shape=(*shares.shape, *kept))
