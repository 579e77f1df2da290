"""The same elements, otherwise arranged."""

from __future__ import annotations

from typing import Any

from minidl.array import axis_of
from minidl.errors import ArgumentError, ShapeError

from .base import Base, as_sizes, dims

ops: Any = None  # bound by ops/__init__.py, which stands above this package


class Shapes(Base):
    """Shapes, and the order of elements."""

    def reshape(self, *shape: Any) -> Any:
        """The same elements in another shape; one size may be −1."""
        return ops.reshape(self, shape=as_sizes(shape))

    view = reshape

    def view_as(self, other: Any) -> Any:
        """In the shape of `other`."""
        return ops.reshape(self, shape=other.shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Axes `start_dim` to `end_dim` as one."""
        return ops.flatten(self, start=start_dim, end=end_dim)

    def permute(self, *dims: Any) -> Any:
        """The axes in another order."""
        return ops.transpose(self, axes=as_sizes(dims))

    def transpose(self, dim0: int, dim1: int) -> Any:
        """Two axes exchanged."""
        return ops.swapaxes(self, dim0, dim1)

    def t(self) -> Any:
        """The transpose of a matrix."""
        if self.data.ndim > 2:
            raise ShapeError(f"t: got shape {self.data.shape}, expected a matrix", fix="use .mT, or transpose(0, 1)")
        return ops.transpose(self, axes=None)

    @property
    def T(self) -> Any:
        """All axes in reverse order."""
        return ops.transpose(self, axes=None)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return ops.mT(self)

    def squeeze(self, dim: Any = None) -> Any:
        """Without the axes of size 1, or without `dim` if its size is 1."""
        return ops.squeeze(self, axis=dims(dim))

    def unsqueeze(self, dim: int) -> Any:
        """With a new axis of size 1 at `dim`."""
        return ops.unsqueeze(self, axis=dim)

    def expand(self, *sizes: Any) -> Any:
        """Axes of size 1 stretched to `sizes` (−1: as it is), without a copy."""
        sizes, shape = as_sizes(sizes), self.data.shape
        added = len(sizes) - len(shape)
        if added < 0 or -1 in sizes[:added]:
            raise ShapeError(
                f"expand: got sizes {sizes} for a tensor of shape {shape}, expected at least {len(shape)} sizes, and "
                "no -1 for a new axis"
            )
        return ops.expand(self, shape=tuple(shape[i - added] if s == -1 else s for i, s in enumerate(sizes)))

    def expand_as(self, other: Any) -> Any:
        """Stretched to the shape of `other`."""
        return ops.expand(self, shape=other.shape)

    def split(self, split_size: Any, dim: int = 0) -> Any:
        """Pieces of `split_size` along `dim` (the last may be smaller), or of the sizes listed."""
        return ops.split(self, split_size, axis=dim)

    def chunk(self, chunks: int, dim: int = 0) -> Any:
        """At most `chunks` pieces along `dim`."""
        if chunks < 1:
            raise ArgumentError(f"chunk: chunks: got {chunks}, expected at least 1")
        size = self.data.shape[axis_of("chunk: dim", dim, self.data.ndim)]
        return ops.split(self, max(1, -(-size // chunks)), axis=dim)

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index=ops.plain_index(index))
