"""Convolution on the CPU: the three operations, each sent the way that is fastest for its shape.

| file | way | for |
| --- | --- | --- |
| conv_patches.py | products of patches, laid down with channels last, and the kernels as a matrix | many results |
| winograd.py | a fourth of the multiplications, between transforms | 3 × 3, stride 1, float32 |
| conv_depthwise.py | one multiply-add for each tap and place, a register of channels at a time | each channel alone |
| conv_rows.py | sums of shifted rows, a register of neighbouring pixels at a time | few results in a group |

conv_plan.py says which. A sound is a picture of one line. Volumes are left to the body.

`python -m benchmarks kernels conv conv_input conv_weight` shows the times.
"""

from __future__ import annotations

from typing import Any

from . import conv_depthwise, conv_patches, conv_rows, winograd
from .conv_plan import way

Sizes = tuple[int, ...]  # one for each axis of the images

WAYS: dict[str, Any] = {"patches": conv_patches, "rows": conv_rows, "depthwise": conv_depthwise}


def conv(x: Any, w: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    """Twin of `minidl.ops.conv`."""
    if x.ndim == 3:
        line = _as_lines(stride=stride, padding=padding, dilation=dilation)
        return conv(x[:, :, None], w[:, :, None], groups=groups, **line)[:, :, 0]
    each = zip(x.shape[2:], w.shape[2:], stride, padding, dilation)
    size = tuple((n + 2 * p - r * (k - 1) - 1) // s + 1 for n, k, s, p, r in each)
    w = w.reshape(groups, len(w) // groups, *w.shape[1:])  # (G, R, C, KH, KW)
    chosen = way(x.dtype, w.shape, size, stride, padding, dilation)
    if chosen == "winograd":
        return winograd.correlate(x, w[0], size, padding)
    return WAYS[chosen].correlate(x, w, size, stride, padding, dilation, False)


def conv_input(dy: Any, w: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    """Twin of `minidl.ops.conv_input`."""
    if dy.ndim == 3:
        line = _as_lines(stride=stride, padding=padding, dilation=dilation, size=size)
        return conv_input(dy[:, :, None], w[:, :, None], groups=groups, **line)[:, :, 0]
    w = w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)  # (G, C, R, KH, KW)
    chosen = way(dy.dtype, w.shape, size, stride, padding, dilation)
    if chosen == "winograd":
        return winograd.correlate(dy, w[0, :, :, ::-1, ::-1], size, (2 - padding[0], 2 - padding[1]))
    return WAYS[chosen].correlate(dy, w, size, stride, padding, dilation, True)


def conv_weight(x: Any, dy: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    """Twin of `minidl.ops.conv_weight`."""
    if x.ndim == 3:
        line = _as_lines(stride=stride, padding=padding, dilation=dilation, size=size)
        return conv_weight(x[:, :, None], dy[:, :, None], groups=groups, **line)[:, :, 0]
    shape = (groups, dy.shape[1] // groups, x.shape[1] // groups, *size)
    chosen = way(x.dtype, shape, dy.shape[2:], stride, padding, dilation)
    if chosen == "winograd":
        return winograd.weight(x, dy, padding)
    return WAYS[chosen].weight(x, dy, groups, size, stride, padding, dilation)


def conv_accepts(x: Any, w: Any, **sizes: Any) -> bool:
    """Sounds and pictures; volumes are left to the body."""
    return x.ndim < 5


conv_input_accepts = conv_weight_accepts = conv_accepts


def _as_lines(**sizes: Sizes) -> dict[str, Sizes]:
    """What is said of sounds, said of pictures of one line."""
    return {name: (0 if name == "padding" else 1, value) for name, (value,) in sizes.items()}
