"""Layers that put a border around images: of a constant, or of the image itself."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .functional.sizes import numbers
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """A border around the last `rank` axes, as `functional.pad` makes it.

    Args:
        padding: a number for all sides, or (before, after) for the last axis, then for the one before it, and so on.
            Below 0 it crops.
    Raises:
        ArgumentError: neither.
    """

    rank = 0
    mode = "constant"

    def __init__(self, padding: Any) -> None:
        self.padding = _sides(self, padding)

    def forward(self, input: Any) -> Any:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """A border of `value`."""

    def __init__(self, padding: Any, value: float) -> None:
        self.padding, self.value = _sides(self, padding), value

    def forward(self, input: Any) -> Any:
        return F.pad(input, self.padding, value=self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


def _sides(layer: _Pad, padding: Any) -> tuple[int, ...]:
    return numbers(f"{type(layer).__name__}: padding", padding, 2 * layer.rank)


class ConstantPad1d(_ConstantPad):
    """A border of `value` around the last axis.

    Shapes: (…, L) → (…, L + left + right)
    """

    rank = 1


class ConstantPad2d(_ConstantPad):
    """A border of `value` around the last two axes.

    Shapes: (…, H, W) → (…, H + top + bottom, W + left + right); padding (left, right, top, bottom).
    """

    rank = 2


class ConstantPad3d(_ConstantPad):
    """A border of `value` around the last three axes.

    Shapes: (…, D, H, W), each size with its border; padding (left, right, top, bottom, front, back).
    """

    rank = 3


class ZeroPad1d(_Pad):
    """A border of zeros around the last axis.

    Shapes: (…, L) → (…, L + left + right)
    """

    rank = 1


class ZeroPad2d(_Pad):
    """A border of zeros around the last two axes.

    Shapes: (…, H, W) → (…, H + top + bottom, W + left + right)
    """

    rank = 2


class ZeroPad3d(_Pad):
    """A border of zeros around the last three axes.

    Shapes: (…, D, H, W), each size with its border
    """

    rank = 3


class ReflectionPad1d(_Pad):
    """The image mirrored at its border, which is not repeated, around the last axis.

    Shapes: (N, C, L) or (C, L) → …, L + left + right
    """

    rank = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """The image mirrored at its border, which is not repeated, around the last two axes.

    Shapes: (N, C, H, W) or (C, H, W) → …, H + top + bottom, W + left + right
    """

    rank = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """The image mirrored at its border, which is not repeated, around the last three axes.

    Shapes: (N, C, D, H, W) or (C, D, H, W), each size with its border
    """

    rank = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """The outermost values again and again around the last axis.

    Shapes: (N, C, L) or (C, L) → …, L + left + right
    """

    rank = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """The outermost values again and again around the last two axes.

    Shapes: (N, C, H, W) or (C, H, W) → …, H + top + bottom, W + left + right
    """

    rank = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """The outermost values again and again around the last three axes.

    Shapes: (N, C, D, H, W) or (C, D, H, W), each size with its border
    """

    rank = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """The image's other end, as if it were a ring, around the last axis.

    Shapes: (N, C, L) or (C, L) → …, L + left + right
    """

    rank = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """The image's other end, as if it were a ring, around the last two axes.

    Shapes: (N, C, H, W) or (C, H, W) → …, H + top + bottom, W + left + right
    """

    rank = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """The image's other end, as if it were a ring, around the last three axes.

    Shapes: (N, C, D, H, W) or (C, D, H, W), each size with its border
    """

    rank = 3
    mode = "circular"
