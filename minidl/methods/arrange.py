"""Mirrored, turned, repeated, cut along diagonals."""

from __future__ import annotations

from typing import Any

from minidl.array import axis_of
from minidl.errors import ArgumentError, ShapeError

from .base import Base, as_sizes, dims

ops: Any = None  # bound by ops/__init__.py, which stands above this package


class Arrangement(Base):
    """The same elements in other places."""

    def flip(self, *dims: Any) -> Any:
        """The order reversed along the axes."""
        return ops.flip(self, as_sizes(dims))

    def fliplr(self) -> Any:
        """The columns in reverse order."""
        return ops.flip(self, 1)

    def flipud(self) -> Any:
        """The rows in reverse order."""
        return ops.flip(self, 0)

    def roll(self, shifts: Any, dims: Any = None) -> Any:
        """Moved along axes; what leaves at the end comes in at the front."""
        return ops.roll(self, shifts, dims)

    def rot90(self, k: int = 1, dims: Any = (0, 1)) -> Any:
        """Turned by `k` right angles in a plane, from the first axis towards the second."""
        return ops.rot90(self, k, dims)

    def movedim(self, source: Any, destination: Any) -> Any:
        """Axes moved to other places; the others stay in order."""
        return ops.movedim(self, dims(source), dims(destination))

    moveaxis = movedim

    def swapaxes(self, axis0: int, axis1: int) -> Any:
        """Two axes exchanged."""
        return ops.swapaxes(self, axis0, axis1)

    swapdims = swapaxes

    def adjoint(self) -> Any:
        """The last two axes exchanged: of real matrices, the transpose."""
        return ops.mT(self)

    @property
    def H(self) -> Any:
        """The adjoint of a matrix."""
        if self.data.ndim not in (0, 2):
            raise ShapeError(f"H: got shape {self.data.shape}, expected a matrix", fix="use .mT for batches")
        return ops.transpose(self, axes=None)

    def ravel(self) -> Any:
        """All elements along one axis."""
        return ops.reshape(self, shape=(self.data.size,))

    def unflatten(self, dim: int, sizes: Any) -> Any:
        """One axis as several; one of the sizes may be −1."""
        return ops.unflatten(self, dim, tuple(sizes))

    def unbind(self, dim: int = 0) -> tuple[Any, ...]:
        """All slices along `dim`."""
        return ops.unbind(self, dim)

    def select(self, dim: int, index: int) -> Any:
        """One slice along `dim`."""
        return ops.select(self, dim, index)

    def narrow(self, dim: int, start: int, length: int) -> Any:
        """`length` places of `dim`, from `start` on."""
        return ops.narrow(self, dim, start, length)

    def unfold(self, dimension: int, size: int, step: int) -> Any:
        """Windows of `size` places along `dimension`, one every `step` places; a new last axis runs inside them."""
        return ops.sliding(self, dimension, size, step)

    def tensor_split(self, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
        """So many pieces along `dim`, the first ones longer by 1 where it must be; or cut at the indices listed."""
        n = self.data.shape[axis_of("tensor_split: dim", dim, self.data.ndim)]
        if isinstance(indices_or_sections, int):
            pieces = indices_or_sections
            if pieces < 1:
                raise ArgumentError(f"tensor_split: sections: got {pieces}, expected at least 1")
            return ops.split(self, [n // pieces + (i < n % pieces) for i in range(pieces)], axis=dim)
        cuts = [slice(i).indices(n)[1] for i in indices_or_sections]
        before = (slice(None),) * (dim % self.data.ndim)
        return tuple(self[(*before, slice(a, b))] for a, b in zip([0, *cuts], [*cuts, n], strict=True))  # type: ignore[index]

    def diff(self, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
        """Each element along `dim` minus the one before it, n times over; of the tensor lengthened at its ends."""
        parts = [each for each in (prepend, self, append) if each is not None]
        return ops.diff(ops.concatenate(*parts, axis=dim) if len(parts) > 1 else self, dim, n)

    def repeat(self, *sizes: Any) -> Any:
        """The whole tensor so many times along each axis; sizes in excess make new axes on the left."""
        return ops.repeat(self, as_sizes(sizes))

    def tile(self, *dims: Any) -> Any:
        """As `repeat`; sizes that are missing on the left count as 1."""
        counts = as_sizes(dims)
        return ops.repeat(self, (1,) * (self.data.ndim - len(counts)) + tuple(counts))

    def repeat_interleave(self, repeats: Any, dim: int | None = None) -> Any:
        """Each slice along `dim` several times in a row."""
        return ops.repeat_interleave(self, repeats, dim)

    def broadcast_to(self, size: Any) -> Any:
        """Stretched to `size`, as in arithmetic."""
        return self.expand(size)  # type: ignore[attr-defined]

    def tril(self, diagonal: int = 0) -> Any:
        """The lower triangle, up to a diagonal."""
        return ops.tril(self, diagonal)

    def triu(self, diagonal: int = 0) -> Any:
        """The upper triangle, from a diagonal on."""
        return ops.triu(self, diagonal)

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
        """The diagonal in the plane of two axes, as a new last axis."""
        return ops.diagonal(self, offset, dim1, dim2)

    def diag(self, diagonal: int = 0) -> Any:
        """A vector as the diagonal of a matrix; the diagonal of a matrix."""
        return ops.diag(self, diagonal)

    def diag_embed(self, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
        """Matrices with the last axis as a diagonal."""
        return ops.diag_embed(self, offset, dim1, dim2)

    def trace(self) -> Any:
        """The sum of the diagonal of a matrix."""
        return ops.trace(self)
