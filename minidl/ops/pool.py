"""Pooling: each window of an image reduced to its largest value, or to its mean.

N C H W: batch, channels, height, width of x.  H' W': windows.  K, S, P, D: kernel size, stride, padding, dilation, one
of each for rows and columns.

Windows begin at −P, −P + S, −P + 2S, … Those that fit between the paddings count:

    H' = ⌊(H + 2P − D·(K − 1) − 1) / S⌋ + 1

With `ceil_mode` it is ⌈·⌉: a last window may reach beyond the padding, if it begins before it (at H − 1 at the latest).

Both operations take windows of the padded image, and reduce them. So both backward passes spread dy over the windows,
add the windows back to where they were taken from, and cut the padding off.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError
from minidl.op import fused
from minidl.tensor import raw

from .index import put_along_axis, take_along_axis
from .reduce import sum
from .shape import expand, pad, reshape, squeeze, unsqueeze, windows, windows_adjoint

__all__ = [
    "avg_pool2d",
    "max_pool2d",
]

Pair = tuple[int, int]


@fused
def max_pool2d(
    x: Any,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
) -> Any:
    """The largest value of each window; the first one, line by line, where several are largest.

    Math: y[n, c, i, j] = max_{u,v} x[n, c, i·S + u·D − P, j·S + v·D − P], with −∞ outside the image
    Shapes: x (N, C, H, W) → y (N, C, H', W')
    Args:
        kernel_size, stride, padding, dilation: in pixels, for rows and columns; the padding at most half of the window.
        ceil_mode: whether a last window may reach beyond the padding.
    Raises:
        ShapeError: an axis is missing, or the window is larger than the padded image.
        ArgumentError: a size or a step below 1, or a padding with windows of nothing else.
    Derivation: near a point without ties, y is a copy of one pixel: dy goes there, and nowhere else. At a tie any
        convex combination would be a subgradient; the first pixel takes all, as in PyTorch: one place to remember for
        each window.
    """
    edges = _edges(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    patches = windows(
        pad(x, widths=((0, 0), (0, 0), *edges), value=-np.inf),
        kernel_size=kernel_size,
        stride=stride,
        dilation=dilation,
    )  # (N, C, H', W', KH, KW)
    patches = reshape(patches, shape=(*patches.shape[:4], kernel_size[0] * kernel_size[1]))  # (N, C, H', W', KH·KW)
    inside = _inside(x, edges, kernel_size, stride, dilation)  # (1, 1, H', W', KH·KW)
    i = _first_largest(patches, inside)  # (N, C, H', W', 1)
    return squeeze(take_along_axis(patches, i, axis=-1), axis=-1), (i, x.shape)


@max_pool2d.backward
def max_pool2d_backward(
    dy: Any,
    i: Any,
    shape: Any,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    ceil_mode: bool,
) -> Any:
    """dx = Σ over windows of dy, at the place i of the window"""
    n, c, rows, columns = dy.shape
    dp = put_along_axis(unsqueeze(dy, axis=-1), i, axis=-1, size=kernel_size[0] * kernel_size[1])
    dp = reshape(dp, shape=(n, c, rows, columns, *kernel_size))  # (N, C, H', W', KH, KW)
    edges = _edges(shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    return (_put_back(dp, shape, edges, stride, dilation),)


@fused
def avg_pool2d(
    x: Any,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window.

    Math: y[n, c, i, j] = Σ_{u,v} x[n, c, i·S + u − P, j·S + v − P] / m[i, j], with 0 outside the image
    Shapes: x (N, C, H, W) → y (N, C, H', W')
    Args:
        kernel_size, stride, padding, ceil_mode: as for max_pool2d.
        count_include_pad: whether m counts the padding's pixels in the window, or the image's alone. What ceil_mode
            lets reach beyond the padding never counts.
    Raises:
        ShapeError, ArgumentError: as for max_pool2d.
    Derivation: y is linear in x, so dx is the transposed map: dy / m at each pixel of the window.
    """
    edges = _edges(x.shape[2:], kernel_size, stride, padding, (1, 1), ceil_mode)
    patches = windows(
        pad(x, widths=((0, 0), (0, 0), *edges)), kernel_size=kernel_size, stride=stride, dilation=(1, 1)
    )  # (N, C, H', W', KH, KW)
    m = _counts(x, patches.shape[2:4], kernel_size, stride, padding, count_include_pad)  # (H', W')
    return sum(patches, axis=(-2, -1)) / m, (m, x.shape)


@avg_pool2d.backward
def avg_pool2d_backward(
    dy: Any,
    m: Any,
    shape: Any,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Any:
    """dx = Σ over windows of dy / m, at every place of the window"""
    n, c, rows, columns = dy.shape
    dp = expand(reshape(dy / m, shape=(n, c, rows, columns, 1, 1)), shape=(n, c, rows, columns, *kernel_size))
    edges = _edges(shape[2:], kernel_size, stride, padding, (1, 1), ceil_mode)
    return (_put_back(dp, shape, edges, stride, (1, 1)),)


@max_pool2d.check
def max_pool2d_check(
    x: Any, *, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> None:
    _check("max_pool2d", x, kernel_size, stride, padding, dilation)


@avg_pool2d.check
def avg_pool2d_check(
    x: Any, *, kernel_size: Pair, stride: Pair, padding: Pair, ceil_mode: bool, count_include_pad: bool
) -> None:
    _check("avg_pool2d", x, kernel_size, stride, padding, (1, 1))


# Windows and their borders --------------------------------------------------------------------------------------------


def _edges(
    size: Any, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[Pair, Pair]:
    """(before, after) for rows and columns: the padding, and behind it what ceil_mode lets the last window reach."""
    edges = []
    for n, k, s, p, d in zip(size, kernel_size, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1  # the last window's latest beginning
        beyond = -room % s if ceil_mode else 0
        if room + beyond >= n + p:
            beyond = 0  # that window would begin behind the image
        edges.append((p, p + beyond))
    rows, columns = edges
    return rows, columns


def _inside(x: Any, edges: tuple[Pair, Pair], kernel_size: Pair, stride: Pair, dilation: Pair) -> Any:
    """Which places of each window belong to the image, (1, 1, H', W', KH·KW)."""
    image = xp(raw(x)).ones((1, 1, *x.shape[2:]), bool)
    padded = pad(image, widths=((0, 0), (0, 0), *edges), value=False)
    patches = windows(padded, kernel_size=kernel_size, stride=stride, dilation=dilation)
    return patches.reshape(*patches.shape[:4], kernel_size[0] * kernel_size[1])


def _first_largest(patches: Any, inside: Any) -> Any:
    """The place of each window's first largest value; in a window of nothing but −∞, the image's, not the padding's."""
    patches = raw(patches)
    i = patches.argmax(axis=-1)[..., None]
    nothing = xp(patches).take_along_axis(patches, i, -1).real == -np.inf
    return xp(patches).where(nothing, inside.argmax(axis=-1)[..., None], i)


def _counts(x: Any, size: Any, kernel_size: Pair, stride: Pair, padding: Pair, count_include_pad: bool) -> Any:
    """m: how many pixels each window's mean is over, (H', W'), an array like x."""
    counts = []
    for m, n, k, s, p in zip(size, x.shape[2:], kernel_size, stride, padding, strict=True):
        first = np.arange(m) * s - p
        low, high = (-p, n + p) if count_include_pad else (0, n)
        counts.append(np.minimum(first + k, high) - np.maximum(first, low))
    return xp(raw(x)).asarray(np.outer(*counts), dtype=x.dtype)


def _put_back(dp: Any, shape: Any, edges: tuple[Pair, Pair], stride: Pair, dilation: Pair) -> Any:
    """Windows added back to the padded image, and the padding cut off: the adjoint of padding and taking windows."""
    (top, bottom), (left, right) = edges
    h, w = shape[2:]
    dx = windows_adjoint(dp, size=(top + h + bottom, left + w + right), stride=stride, dilation=dilation)
    return dx[:, :, top : top + h, left : left + w]


def _check(name: str, x: Any, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> None:
    pairs = (("kernel_size", kernel_size, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1))
    for what, pair, least in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2 or min(pair) < least:
            raise ArgumentError(f"{name}: {what}: got {pair!r}, expected a pair of numbers ≥ {least}: (rows, columns)")
    if x.ndim != 4:
        fixes = {3: "a single image is a batch of one: x[None]", 2: "a single image is a batch of one: x[None, None]"}
        raise ShapeError(f"{name}: x: got shape {x.shape}, expected (N, C, H, W)", fix=fixes.get(x.ndim, ""))
    for n, k, p, d in zip(x.shape[2:], kernel_size, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        if 2 * p > reach:
            raise ArgumentError(
                f"{name}: padding: got {padding}, but windows of {kernel_size} with dilation {dilation} take at most "
                f"half of their reach, or some would see no image",
                fix=f"a padding of at most {reach // 2}",
            )
        if reach > n + 2 * p:
            raise ShapeError(
                f"{name}: windows of {kernel_size} with dilation {dilation} are larger than the images of "
                f"{x.shape[2:]} with padding {padding}",
                fix="a smaller kernel_size, or larger images: earlier layers may have shrunk them too far",
            )
