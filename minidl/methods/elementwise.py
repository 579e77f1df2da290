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

    def expm1(self) -> Any:
        """eˣ − 1, exact for small x."""
        return ops.expm1(self)

    def log1p(self) -> Any:
        """ln(1 + x), exact for small x."""
        return ops.log1p(self)

    def log2(self) -> Any:
        """The logarithm to base 2."""
        return ops.log2(self)

    def log10(self) -> Any:
        """The logarithm to base 10."""
        return ops.log10(self)

    def sqrt(self) -> Any:
        """√x."""
        return ops.sqrt(self)

    def rsqrt(self) -> Any:
        """1 / √x."""
        return ops.rsqrt(self)

    def reciprocal(self) -> Any:
        """1 / x."""
        return ops.reciprocal(self)

    def abs(self) -> Any:
        """|x|."""
        return ops.abs(self)

    def square(self) -> Any:
        """x²."""
        return ops.mul(self, self)

    def sin(self) -> Any:
        """The sine of an angle in radians."""
        return ops.sin(self)

    def cos(self) -> Any:
        """The cosine of an angle in radians."""
        return ops.cos(self)

    def tan(self) -> Any:
        """The tangent of an angle in radians."""
        return ops.tan(self)

    def atan(self) -> Any:
        """The angle, in radians, with this tangent."""
        return ops.atan(self)

    arctan = atan

    def sign(self) -> Any:
        """−1, 0 or 1."""
        return ops.sign(self)

    def floor(self) -> Any:
        """The largest integer that is not above x."""
        return ops.floor(self)

    def ceil(self) -> Any:
        """The smallest integer that is not below x."""
        return ops.ceil(self)

    def trunc(self) -> Any:
        """The integer next to x on the side of 0."""
        return ops.trunc(self)

    def round(self, *, decimals: int = 0) -> Any:
        """The nearest number with so many decimals; halves go to the even digit."""
        return ops.round(self, decimals=decimals)

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

    def clamp_min(self, min: Any) -> Any:
        """At least `min`."""
        return ops.clip(self, low=min)

    def clamp_max(self, max: Any) -> Any:
        """At most `max`."""
        return ops.clip(self, high=max)

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

    def isinf(self) -> Any:
        """Where elements are ∞ or −∞."""
        return self._plain(xp(self.data).isinf(self.data))
