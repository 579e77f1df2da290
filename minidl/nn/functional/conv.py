"""Convolution and transposed convolution, of sounds, pictures and volumes."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.errors import ArgumentError, ShapeError
from minidl.tensor import as_tensor

from .sizes import AXES, batched, numbers, same_padding

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of sounds with filters; arguments and errors as `conv2d`.

    Shapes: input (N, C, L) or (C, L), weight (O, C/groups, K), bias (O,) → (N, O, L') or (O, L').
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


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
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of volumes with filters; arguments and errors as `conv2d`.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (O, C/groups, KD, KH, KW), bias (O,) → (N, O, D', H', W') or
        (O, D', H', W').
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The adjoint of `conv1d` with respect to its input; arguments and errors as `conv_transpose2d`.

    Shapes: input (N, C, L) or (C, L), weight (C, O/groups, K), bias (O,) → (N, O, L') or (O, L').
    """
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The adjoint of `conv2d` with respect to its input: every pixel is spread out by the filter.

    Math: H' = (H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1, and so W'.
    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O/groups, KH, KW), bias (O,) → (N, O, H', W') or (O, H', W').
    Args:
        stride, padding, dilation, groups: those of the convolution that this is the adjoint of.
        output_padding: pixels more, to the right and to the bottom: a stride above 1 gives images of several sizes the
            same places, and this says which size it was. Less than the stride or the dilation.
    Raises:
        ArgumentError, ShapeError: arguments that make no sense, or do not fit together.
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The adjoint of `conv3d` with respect to its input; arguments and errors as `conv_transpose2d`.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (C, O/groups, KD, KH, KW), bias (O,) → (N, O, D', H', W') or
        (O, D', H', W').
    """
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


# Any number of axes ---------------------------------------------------------------------------------------------------


def _conv(rank: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    name = f"conv{rank}d"
    (x, single), w = batched(f"{name}: input", input, rank), _filters(name, weight, rank, "O, C/groups")
    stride, dilation = numbers(f"{name}: stride", stride, rank), numbers(f"{name}: dilation", dilation, rank)
    if isinstance(padding, str):
        sides = same_padding(padding, tuple(w.shape[2:]), stride, dilation)
        if any(before != after for before, after in sides):
            x = ops.pad(x, widths=((0, 0), (0, 0), *((0, after - before) for before, after in sides)))
        padding = tuple(before for before, _ in sides)
    padding = numbers(f"{name}: padding", padding, rank)
    y = ops.conv(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)  # (N, O, *places)
    return _finished(name, y, bias, single)


def _conv_transpose(
    rank: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Any:
    name = f"conv_transpose{rank}d"
    (x, single), w = batched(f"{name}: input", input, rank), _filters(name, weight, rank, "C, O/groups")
    stride, dilation = (
        numbers(f"{name}: {what}", value, rank, least=1) for what, value in (("stride", stride), ("dilation", dilation))
    )
    padding = numbers(f"{name}: padding", padding, rank, least=0)
    more = numbers(f"{name}: output_padding", output_padding, rank, least=0)
    if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation, strict=True)):
        raise ArgumentError(
            f"{name}: output_padding: got {output_padding}, expected less than the stride {stride} or the dilation "
            f"{dilation}"
        )
    if x.shape[1] != w.shape[0]:
        raise ShapeError(
            f"{name}: input has {x.shape[1]} channels, but the weight, of shape {w.shape}, takes {w.shape[0]}",
            fix=f"ConvTranspose{rank}d(in_channels={x.shape[1]}, …), or give it images with {w.shape[0]} channels",
        )
    each = zip(x.shape[2:], w.shape[2:], stride, padding, dilation, more, strict=True)
    size = tuple((n - 1) * s - 2 * p + d * (k - 1) + m + 1 for n, k, s, p, d, m in each)
    if min(size) < 1:
        raise ShapeError(
            f"{name}: images of {x.shape[2:]} with a kernel of {w.shape[2:]} and padding {padding} give {size}, which "
            f"is no image",
            fix="less padding: here it cuts off",
        )
    # A whole stride of output_padding (which a dilation allows) is room for one place more, where there is nothing.
    places = [(0, m // s) for m, s in zip(more, stride, strict=True)]
    if any(after for _, after in places):
        x = ops.pad(x, widths=((0, 0), (0, 0), *places))
    y = ops.conv_input(x, w, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return _finished(name, y, bias, single)


def _filters(name: str, weight: Any, rank: int, channels: str) -> Any:
    w = as_tensor(weight)
    if w.ndim != rank + 2:
        axes = ", ".join(f"K{axis}" for axis in AXES[rank].split(", ")) if rank > 1 else "K"
        raise ShapeError(f"{name}: weight: got shape {w.shape}, expected ({channels}, {axes})")
    return w


def _finished(name: str, y: Any, bias: Any, single: bool) -> Any:
    """With the bias, and without the batch axis if there was none."""
    if bias is not None:
        b = as_tensor(bias)
        if b.shape != y.shape[1:2]:
            raise ShapeError(f"{name}: bias: got shape {b.shape}, expected {y.shape[1:2]}, one for each channel")
        y = y + ops.reshape(b, shape=(-1, *(1,) * (y.ndim - 2)))
    return ops.squeeze(y, axis=0) if single else y
