"""Copies, dtypes, devices."""

from __future__ import annotations

from typing import Any

from minidl.array import as_dtype, bool_, float16, float32, float64, int32, int64
from minidl.errors import DTypeError, describe

from .base import Base

ops: Any = None  # bound by ops/__init__.py, which stands above this package


class Conversion(Base):
    """The same values in other memory: laid out, typed or placed otherwise."""

    def contiguous(self) -> Any:
        """The same values, laid out in C order."""
        return self if self.data.flags.c_contiguous else self._with(self.data.copy(order="C"))

    def _with(self, array: Any) -> Any:
        """This tensor's place in the graph over other memory that holds the same values."""
        if not self.requires_grad:
            return self._plain(array)
        result = ops.reshape(self, shape=self.data.shape)
        result.data = array
        return result

    def clone(self) -> Any:
        """A copy, recorded in the graph."""
        return self._with(self.data.copy())

    def to(self, device: Any = None, dtype: Any = None) -> Any:
        """On another device, in another dtype, or both; `to(minidl.float64)` and `to(other_tensor)` work too."""
        if isinstance(device, Base):
            device, dtype = device.device, device.data.dtype  # type: ignore[attr-defined]
        elif device is not None and not isinstance(device, str):
            device, dtype = dtype, device
        result: Any = self
        if dtype is not None and as_dtype(dtype) != self.data.dtype:
            result = ops.cast(result, dtype=as_dtype(dtype))
        if device is not None and result.device != device:
            result = ops.move(result, device=device)
        return result

    def float(self) -> Any:
        """As float32."""
        return self.to(dtype=float32)

    def double(self) -> Any:
        """As float64."""
        return self.to(dtype=float64)

    def half(self) -> Any:
        """As float16."""
        return self.to(dtype=float16)

    def int(self) -> Any:
        """As int32."""
        return self.to(dtype=int32)

    def long(self) -> Any:
        """As int64."""
        return self.to(dtype=int64)

    def bool(self) -> Any:
        """As bool."""
        return self.to(dtype=bool_)

    def type_as(self, other: Any) -> Any:
        """In the dtype of `other`."""
        return self.to(dtype=other.dtype)

    def cpu(self) -> Any:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self) -> Any:
        """On the GPU."""
        return self.to("cuda")

    def __contains__(self, value: Any) -> Any:
        if isinstance(value, str | bytes):
            raise DTypeError(f"in: got {describe(value)}, expected a number")
        return (self == value).data.any().item()
