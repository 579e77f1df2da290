"""Picking and placing by indices and masks."""

from __future__ import annotations

from typing import Any

from minidl.array import int64, xp
from minidl.errors import DTypeError, describe

from .base import Base

ops: Any = None  # bound by ops/__init__.py, which stands above this package


class Picking(Base):
    """Elements by where they stand."""

    def gather(self, dim: int, index: Any) -> Any:
        """Along `dim`, the elements that the index names."""
        return ops.gather(self, dim, index)

    def scatter(self, dim: int, index: Any, src: Any) -> Any:
        """With `src` (a tensor or a number) put where the index says; of several in one place, the last."""
        return ops.scatter(self, dim, index, src)

    def scatter_add(self, dim: int, index: Any, src: Any) -> Any:
        """With `src` added where the index says."""
        return ops.scatter_add(self, dim, index, src)

    def index_select(self, dim: int, index: Any) -> Any:
        """The slices along `dim` that the index names."""
        return ops.index_select(self, dim, index)

    def index_add(self, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
        """With alpha times `source` added to the slices that the index names."""
        return ops.index_add(self, dim, index, source, alpha)

    def index_copy(self, dim: int, index: Any, source: Any) -> Any:
        """With the slices that the index names replaced by those of `source`."""
        return ops.index_copy(self, dim, index, source)

    def index_fill(self, dim: int, index: Any, value: Any) -> Any:
        """With the slices that the index names filled with a number."""
        return ops.index_fill(self, dim, index, value)

    def masked_select(self, mask: Any) -> Any:
        """The elements where the mask is true, one after another."""
        return ops.masked_select(self, mask)

    def masked_scatter(self, mask: Any, source: Any) -> Any:
        """With the elements where the mask is true replaced by those of `source`, one after another."""
        return ops.masked_scatter(self, mask, source)

    def take(self, index: Any) -> Any:
        """The elements that the index names in the flattened tensor."""
        return ops.take(self, index)

    def take_along_dim(self, indices: Any, dim: int | None = None) -> Any:
        """As `gather`, but the other axes broadcast; without `dim`, of the flattened tensor."""
        return ops.take_along_dim(self, indices, dim)

    def nonzero(self, *, as_tuple: bool = False) -> Any:
        """The indices of the elements that are not 0: a row for each; or, as a tuple, a vector for each axis."""
        module = xp(self.data)
        found = module.nonzero(self.data) if self.data.ndim else module.nonzero(self.data.reshape(1))
        if as_tuple:
            return tuple(map(self._plain, found))
        return self._plain(module.stack(found, 1) if self.data.ndim else module.zeros((len(found[0]), 0), int64))

    def unique(
        self, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
    ) -> Any:
        """The different values (or slices along `dim`), in order; where each one stands, and how many there are."""
        found = xp(self.data).unique(self.data, return_inverse=True, return_counts=True, axis=dim)
        inverse = found[1].reshape(self.data.shape if dim is None else -1)
        wanted = [found[0], *([inverse] if return_inverse else []), *([found[2]] if return_counts else [])]
        return self._plain(wanted[0]) if len(wanted) == 1 else tuple(map(self._plain, wanted))

    def bincount(self, weights: Any = None, minlength: int = 0) -> Any:
        """How often each of 0, 1, 2, … occurs; or the sums of the weights, with a gradient."""
        i = self.data
        if i.ndim != 1 or i.dtype.kind not in "iu" or (i < 0).any():
            raise DTypeError(f"bincount: input: got {describe(self)}, expected a vector of integers ≥ 0")
        size = max(int(i.max(initial=-1)) + 1, minlength)
        if weights is None:
            return self._plain(xp(i).bincount(i, minlength=size))
        return ops.put_along_axis(weights, i, axis=0, size=size)

    def argwhere(self) -> Any:
        """The indices of the elements that are not 0, a row for each."""
        return self.nonzero()
