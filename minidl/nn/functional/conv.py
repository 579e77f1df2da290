"""Convolution."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

from .sizes import pair, same_padding

__all__ = [
    "conv2d",
]


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of images with filters.

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C/groups, KH, KW), bias (O,) → (N, O, H', W') or (O, H', W').
    Args:
        stride, dilation: a number, or one for each axis.
        padding: a number, one for each axis, `"valid"` (none), or `"same"` (H' = H; stride 1; an odd rest goes to the
            right and to the bottom).
    Raises:
        ArgumentError, ShapeError: arguments that make no sense, or do not fit together.
    """
    x, stride, dilation = as_tensor(input), pair("stride", stride), pair("dilation", dilation)
    single = x.ndim == 3
    if single:
        x = ops.unsqueeze(x, axis=0)
    if isinstance(padding, str):
        sides = same_padding(padding, tuple(weight.shape[2:]), stride, dilation)
        if any(before != after for before, after in sides) and x.ndim == 4:
            x = ops.pad(x, widths=((0, 0), (0, 0), *((0, after - before) for before, after in sides)))
        padding = tuple(before for before, _ in sides)
    y = ops.conv2d(
        x, weight, stride=stride, padding=pair("padding", padding), dilation=dilation, groups=groups
    )  # (N, O, H', W')
    if bias is not None:
        y = y + ops.reshape(bias, shape=(1, -1, 1, 1))
    return ops.squeeze(y, axis=0) if single else y
