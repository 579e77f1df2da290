"""Reductions, and what is said along an axis."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.array import axis_of, xp
from minidl.errors import DTypeError, ShapeError, describe

from .base import Base, dims

ops: Any = None  # bound by ops/__init__.py, which stands above this package


class ValuesAndIndices(NamedTuple):
    """What `max(dim)`, `sort`, `topk`, `median(dim)` and their like return."""

    values: Any
    indices: Any


class MinAndMax(NamedTuple):
    """What `aminmax` returns."""

    min: Any
    max: Any


def _bessel(dim: Any, correction: Any, unbiased: Any) -> tuple[Any, Any]:
    """Axis and correction, which PyTorch's older calls give as a boolean: `std(1, unbiased=False)`, `std(False)`."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return dims(dim), correction if unbiased is None else int(unbiased)


class Reductions(Base):
    """What is said of all elements, or of those along some axes."""

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The sum over `dim` (an axis, several, or None for all), of elements converted to `dtype` if it is given."""
        return ops.sum(self._cast(dtype), axis=dims(dim), keepdims=keepdim)

    def nansum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The sum over `dim` of what is not NaN."""
        return self._without_nans().sum(dim, keepdim, dtype=dtype)

    def prod(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The product over `dim`; its gradient is right at zeros too."""
        return ops.prod(self._cast(dtype), axis=dims(dim), keepdims=keepdim)

    def mean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The mean over `dim`."""
        return ops.mean(self._cast(dtype), axis=dims(dim), keepdims=keepdim)

    def nanmean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """The mean over `dim` of what is not NaN."""
        count = ops.sum(self.data == self.data, axis=dims(dim), keepdims=keepdim)
        return ops.div(self.nansum(dim, keepdim, dtype=dtype), count)

    def _without_nans(self) -> Any:
        return ops.where(self.data == self.data, self, 0)

    def count_nonzero(self, dim: Any = None) -> Any:
        """How many elements over `dim` are not 0."""
        return self._plain(ops.sum(self.data != 0, axis=self._axes("count_nonzero", dim)))

    def var(self, dim: Any = None, correction: int = 1, keepdim: bool = False, *, unbiased: Any = None) -> Any:
        """The variance over `dim`, divided by n − correction (`unbiased`: 1 if true, else 0)."""
        axis, correction = _bessel(dim, correction, unbiased)
        return ops.var(self, axis=axis, keepdims=keepdim, correction=correction)

    def std(self, dim: Any = None, correction: int = 1, keepdim: bool = False, *, unbiased: Any = None) -> Any:
        """The standard deviation over `dim`: the root of the variance; where it is 0, so is its gradient."""
        axis, correction = _bessel(dim, correction, unbiased)
        return ops.std(self, axis=axis, keepdims=keepdim, correction=correction)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest value over `dim`; ties share the gradient."""
        return ops.max(self, axis=dims(dim), keepdims=keepdim)

    def amin(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest value over `dim`; ties share the gradient."""
        return ops.min(self, axis=dims(dim), keepdims=keepdim)

    def max(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The largest value of all; with `dim`, (values, indices), the gradient going to the first of ties."""
        if isinstance(dim, Base):
            return ops.maximum(self, dim)
        return ops.max(self) if dim is None else self._extreme(self.argmax(dim, keepdim=True), dim, keepdim)

    def min(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The smallest value of all; with `dim`, (values, indices), the gradient going to the first of ties."""
        if isinstance(dim, Base):
            return ops.minimum(self, dim)
        return ops.min(self) if dim is None else self._extreme(self.argmin(dim, keepdim=True), dim, keepdim)

    def _extreme(self, indices: Any, dim: int, keepdim: bool) -> ValuesAndIndices:
        values = ops.take_along_axis(self, indices, axis=dim)
        return ValuesAndIndices(*((values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))))

    def aminmax(self, *, dim: int | None = None, keepdim: bool = False) -> MinAndMax:
        """The smallest and the largest value over `dim`; ties share the gradient."""
        return MinAndMax(self.amin(dim, keepdim), self.amax(dim, keepdim))

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The index of the largest value."""
        return self._plain(xp(self.data).argmax(self.data, axis=self._axis("argmax", dim), keepdims=keepdim))

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The index of the smallest value."""
        return self._plain(xp(self.data).argmin(self.data, axis=self._axis("argmin", dim), keepdims=keepdim))

    def logsumexp(self, dim: Any, keepdim: bool = False) -> Any:
        """log Σ eˣ over `dim`, without overflow."""
        return ops.logsumexp(self, axis=dims(dim), keepdims=keepdim)

    def softmax(self, dim: int) -> Any:
        """eˣ / Σ eˣ along `dim`."""
        return ops.softmax(self, axis=dim)

    def log_softmax(self, dim: int) -> Any:
        """x − log Σ eˣ along `dim`."""
        return ops.log_softmax(self, axis=dim)

    def _axis(self, name: str, dim: Any) -> Any:
        if not isinstance(dim, int | np.integer | None):
            raise DTypeError(f"{name}: dim: got {describe(dim)}, expected one axis", fix="amax and amin take several")
        axis = self._axes(name, dim)
        if not (self.data.size if axis is None else self.data.shape[axis]):
            raise ShapeError(f"{name}: got shape {self.data.shape}: among no values none is largest or smallest")
        return axis

    def _axes(self, name: str, dim: Any) -> Any:
        if isinstance(dim, tuple | list):
            return tuple(self._axes(name, each) for each in dim)
        return None if dim is None else axis_of(f"{name}: dim", dim, self.data.ndim)

    def any(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Whether any element is true."""
        return self._plain(xp(self.data).any(self.data, axis=self._axes("any", dim), keepdims=keepdim))

    def all(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Whether all elements are true."""
        return self._plain(xp(self.data).all(self.data, axis=self._axes("all", dim), keepdims=keepdim))
