"""Pooling."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

from .sizes import pair

__all__ = [
    "avg_pool2d",
    "max_pool2d",
]


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest value in each window; the first of ties gets the gradient.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, H', W') or (C, H', W').
    Args:
        kernel_size, padding, dilation: a number, or one for each axis; `stride` too (default: kernel_size).
        ceil_mode: let windows reach over the right and the lower edge.
    """
    return _pooled(
        ops.max_pool2d,
        input,
        kernel_size=pair("kernel_size", kernel_size),
        stride=pair("stride", kernel_size if stride is None else stride),
        padding=pair("padding", padding),
        dilation=pair("dilation", dilation),
        ceil_mode=ceil_mode,
    )


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, H', W') or (C, H', W').
    Args:
        kernel_size, padding: a number, or one for each axis; `stride` too (default: kernel_size).
        ceil_mode: let windows reach over the right and the lower edge.
        count_include_pad: whether the zeros of the padding count as values.
    """
    return _pooled(
        ops.avg_pool2d,
        input,
        kernel_size=pair("kernel_size", kernel_size),
        stride=pair("stride", kernel_size if stride is None else stride),
        padding=pair("padding", padding),
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )


def _pooled(operation: Any, input: Any, **params: Any) -> Any:
    x = as_tensor(input)
    if x.ndim == 3:
        return ops.squeeze(operation(ops.unsqueeze(x, axis=0), **params), axis=0)
    return operation(x, **params)
