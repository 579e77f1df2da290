"""In-place methods of tensors.

They write to memory that no graph may need any more: allowed on tensors without a graph, or inside `no_grad()`; and
they stamp the memory, so that a backward pass that had saved it will say so (see mutation.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import methods
from .array import to_device, xp
from .config import current
from .errors import DTypeError, GraphError, LabelError, ShapeError, describe
from .mutation import clock
from .random import Generator, default_generator


def _array(value: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return value.data if hasattr(value, "edge") else value


def _written(name: str) -> Any:
    """The method without the underscore, its result written into the tensor's own memory."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        given = (*args, *options.values())
        self._writable(name, next((each for each in given if getattr(each, "requires_grad", False)), None))
        return self.copy_(getattr(self.detach(), name[:-1])(*args, **options))

    method.__name__, method.__doc__ = name, f"As `{name[:-1]}`, in place."
    return method


class InPlace:
    """The methods of Tensor that change it."""

    data: Any
    edge: Any
    requires_grad: Any

    def _writable(self, name: str, operand: Any = None) -> Any:
        """The array, for writing; stamped, and refused where a graph would be cut, or the operand's gradient lost."""
        if self.requires_grad and current.get().recording:
            what = "a leaf that requires a gradient" if self.edge is None else "the result of a recorded operation"
            raise GraphError(
                f"{name}: this tensor is {what}; changing it in place would cut the graph",
                fix="use the out-of-place form (x = x + 1), or wrap the change in minidl.no_grad()",
            )
        if getattr(operand, "requires_grad", False) and current.get().recording:
            raise GraphError(
                f"{name}: the operand, a tensor of {describe(operand)}, requires a gradient, which a change in place "
                "would lose",
                fix="use the out-of-place form (x = x + y, minidl.where, …), or y.detach(), or minidl.no_grad()",
            )
        if not getattr(self.data.flags, "writeable", True):  # CuPy arrays always are
            raise GraphError(f"{name}: this tensor's memory is read-only", fix="clone() it first")
        clock.touch(self.data)
        return self.data

    def _in_place(self, name: str, function: str, other: Any, alpha: Any = 1) -> Any:
        array, operand = self._writable(name, other), _array(other)
        try:
            operand = operand if alpha == 1 else alpha * operand
            getattr(xp(array), function)(array, operand, out=array, casting="same_kind")
        except (ValueError, TypeError, OverflowError) as error:
            kind = ShapeError if isinstance(error, ValueError) else DTypeError
            fix = "broadcast or reshape it first" if kind is ShapeError else "convert one of them (.float(), .long())"
            raise kind(f"{name}: got {describe(array)} and {describe(operand)}: {error}", fix=fix) from error
        return self

    def add_(self, other: Any, *, alpha: Any = 1) -> Any:
        """x += alpha · other."""
        return self._in_place("add_", "add", other, alpha)

    def sub_(self, other: Any, *, alpha: Any = 1) -> Any:
        """x −= alpha · other."""
        return self._in_place("sub_", "subtract", other, alpha)

    def mul_(self, other: Any) -> Any:
        """x ·= other."""
        return self._in_place("mul_", "multiply", other)

    def div_(self, other: Any) -> Any:
        """x /= other."""
        return self._in_place("div_", "divide", other)

    def __iadd__(self, other: Any) -> Any:
        return self + other if self._would_cut(other) else self.add_(other)

    def __isub__(self, other: Any) -> Any:
        return self - other if self._would_cut(other) else self.sub_(other)

    def __imul__(self, other: Any) -> Any:
        return self * other if self._would_cut(other) else self.mul_(other)

    def __itruediv__(self, other: Any) -> Any:
        return self / other if self._would_cut(other) else self.div_(other)

    def _would_cut(self, other: Any) -> Any:
        """Where a graph is recorded `x += y` means `x = x + y`; on a leaf that would lose it: `_writable` refuses."""
        recorded = self.edge is not None or (getattr(other, "requires_grad", False) and not self.requires_grad)
        return recorded and current.get().recording

    def copy_(self, source: Any) -> Any:
        """Take over the values of `source`, broadcast to this shape."""
        array, values = self._writable("copy_", source), _array(source)
        try:
            array[...] = values if np.isscalar(values) else to_device(xp(values).asarray(values), self.device)  # type: ignore[attr-defined]
        except ValueError as error:
            raise ShapeError(f"copy_: got {describe(values)} for a tensor of {describe(array)}: {error}") from error
        return self

    def fill_(self, value: Any) -> Any:
        """Set every element to `value`."""
        array = self._writable("fill_", value)
        try:
            array[...] = _array(value)
        except (ValueError, TypeError) as error:
            raise DTypeError(f"fill_: value: got {describe(value)}, expected one number") from error
        return self

    def zero_(self) -> Any:
        """Set every element to 0."""
        return self.fill_(0)

    def clamp_(self, min: Any = None, max: Any = None) -> Any:
        """Limit to [min, max], in place."""
        array = self._writable("clamp_")
        xp(array).clip(array, min, max, out=array)
        return self

    masked_fill_ = _written("masked_fill_")
    masked_scatter_ = _written("masked_scatter_")
    scatter_ = _written("scatter_")
    scatter_add_ = _written("scatter_add_")
    index_add_ = _written("index_add_")
    index_copy_ = _written("index_copy_")
    index_fill_ = _written("index_fill_")
    tril_ = _written("tril_")
    triu_ = _written("triu_")

    def uniform_(self, low: Any = 0.0, high: Any = 1.0, *, generator: Generator | None = None) -> Any:
        """Fill with uniform draws from [low, high)."""
        draw = (generator or default_generator).numpy.uniform(low, high, self.data.shape)
        return self.copy_(draw.astype(self.data.dtype))

    def normal_(self, mean: Any = 0.0, std: Any = 1.0, *, generator: Generator | None = None) -> Any:
        """Fill with normal draws."""
        draw = (generator or default_generator).numpy.normal(mean, std, self.data.shape)
        return self.copy_(draw.astype(self.data.dtype))

    def __setitem__(self, index: Any, value: Any) -> None:
        array, values = self._writable("tensor[index] = value", value), _array(value)
        try:
            array[methods.shape.ops.plain_index(index)] = values
        except (IndexError, ValueError) as error:
            kind = LabelError if isinstance(error, IndexError) else ShapeError
            raise kind(
                f"tensor[index] = value: got index {describe(index)} and value {describe(values)} for a tensor of "
                f"{describe(array)}: {error}"
            ) from error
