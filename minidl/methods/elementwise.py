"""Functions of each element."""

from __future__ import annotations

from typing import Any

from minidl.array import xp

from .base import Base

ops: Any = None  # bound by ops/__init__.py, which stands above this package


class Elementwise(Base):
    """What works element by element."""

    def exp(self) -> Any:
        """eˣ."""
        return ops.exp(self)

    def log(self) -> Any:
        """The natural logarithm."""
        return ops.log(self)

    def sqrt(self) -> Any:
        """√x."""
        return ops.sqrt(self)

    def abs(self) -> Any:
        """|x|."""
        return ops.abs(self)

    def square(self) -> Any:
        """x²."""
        return ops.mul(self, self)

    def erf(self) -> Any:
        """The error function."""
        return ops.erf(self)

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return ops.tanh(self)

    def sigmoid(self) -> Any:
        """1 / (1 + e⁻ˣ)."""
        return ops.sigmoid(self)

    def relu(self) -> Any:
        """max(x, 0)."""
        return ops.relu(self)

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Limit to [min, max]."""
        return ops.clip(self, low=min, high=max)

    clip = clamp

    def maximum(self, other: Any) -> Any:
        """The larger one, element by element."""
        return ops.maximum(self, other)

    def minimum(self, other: Any) -> Any:
        """The smaller one, element by element."""
        return ops.minimum(self, other)

    def masked_fill(self, mask: Any, value: float) -> Any:
        """`value` where the mask is true, else this tensor."""
        return ops.where(mask, value, self)

    def where(self, condition: Any, other: Any) -> Any:
        """This tensor where the condition is true, else `other`."""
        return ops.where(condition, self, other)

    def isfinite(self) -> Any:
        """Where elements are neither infinite nor NaN."""
        return self._plain(xp(self.data).isfinite(self.data))

    def isnan(self) -> Any:
        """Where elements are NaN."""
        return self._plain(xp(self.data).isnan(self.data))
