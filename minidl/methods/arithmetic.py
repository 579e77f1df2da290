"""Operators: arithmetic, comparison, logic."""

from __future__ import annotations

from typing import Any

from minidl.array import is_array, xp
from minidl.errors import DTypeError, ShapeError, describe

from .base import Base

ops: Any = None  # bound by ops/__init__.py, which stands above this package


def _compare(name: str, *, swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        operand = other.data if isinstance(other, Base) else other
        if not (is_array(operand) or isinstance(operand, int | float | complex | list | tuple)):
            return NotImplemented  # Python then compares identities: x == None is False
        pair = (operand, self.data) if swapped else (self.data, operand)
        try:
            return self._plain(getattr(xp(self.data), name)(*pair))
        except (ValueError, TypeError) as error:
            kind = DTypeError if isinstance(error, TypeError) else ShapeError
            raise kind(f"{name}: got {describe(self)} and {describe(other)}: {error}") from error

    return method


class Arithmetic(Base):
    """The operators of Tensor, and their names."""

    def __add__(self, other: Any) -> Any:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return ops.sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return ops.sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return ops.mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return ops.mul(other, self)

    def __truediv__(self, other: Any) -> Any:
        return ops.div(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ops.div(other, self)

    def __pow__(self, other: Any) -> Any:
        return ops.pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return ops.pow(other, self)

    def __mod__(self, other: Any) -> Any:
        return ops.remainder(self, other)

    def __rmod__(self, other: Any) -> Any:
        return ops.remainder(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return ops.floor_divide(other, self)

    def __matmul__(self, other: Any) -> Any:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return ops.matmul(other, self)

    def __neg__(self) -> Any:
        return ops.neg(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return ops.abs(self)

    add, sub, mul, div, pow, matmul, neg = (
        __add__, __sub__, __mul__, __truediv__, __pow__, __matmul__, __neg__,
    )  # fmt: skip
    remainder, floor_divide = __mod__, __floordiv__

    # Comparison and logic: booleans, without gradient

    __lt__ = lt = _compare("less")
    __le__ = le = _compare("less_equal")
    __gt__ = gt = _compare("greater")
    __ge__ = ge = _compare("greater_equal")
    __eq__ = eq = _compare("equal")
    __ne__ = ne = _compare("not_equal")
    logical_and = _compare("logical_and")
    logical_or = _compare("logical_or")
    logical_xor = _compare("logical_xor")
    __and__ = _compare("bitwise_and")  # on booleans the same
    __or__ = _compare("bitwise_or")
    __xor__ = _compare("bitwise_xor")
    __rand__ = _compare("bitwise_and", swapped=True)
    __ror__ = _compare("bitwise_or", swapped=True)
    __rxor__ = _compare("bitwise_xor", swapped=True)
    __hash__ = object.__hash__

    def __invert__(self) -> Any:
        if self.data.dtype.kind not in "iub":
            raise DTypeError(f"~: got a tensor of {self.data.dtype}, expected booleans or integers")
        return self._plain(~self.data)

    def logical_not(self) -> Any:
        """Where elements are 0 or false."""
        return self._plain(xp(self.data).logical_not(self.data))
