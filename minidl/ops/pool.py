"""Pooling: each window of an image reduced to its largest value, or to its mean; in 1, 2 or 3 dimensions.

N C: batch, channels.  H: the image's size along an axis; it has one, two or three of them, and so has everything below.
H': windows.  K, S, P, D: kernel size, stride, padding, dilation.  i: a window.  u: a place in it.

Windows begin at −P, −P + S, −P + 2S, … Those that fit between the paddings count:

    H' = ⌊(H + 2P − D·(K − 1) − 1) / S⌋ + 1

With `ceil_mode` it is ⌈·⌉: a last window may reach beyond the padding, if it begins before it (at H − 1 at the latest).

Both operations take windows of the padded image, and reduce them. So both backward passes spread dy over the windows,
add the windows back to where they were taken from, and cut the padding off.
"""

from __future__ import annotations

from math import prod
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
    "avg_pool",
    "largest_places",
    "max_pool",
]

Sizes = tuple[int, ...]  # one number for each axis of the image


@fused
def max_pool(
    x: Any, *, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool = False
) -> Any:
    """The largest value of each window; the first one, in the order of memory, where several are largest.

    Math: y[n, c, i] = max_u x[n, c, i·S + u·D − P], with −∞ outside the image
    Shapes: x (N, C, H, …) → y (N, C, H', …)
    Args:
        kernel_size, stride, padding, dilation: in pixels, one for each axis; the padding at most half of the window.
        ceil_mode: whether a last window may reach beyond the padding.
    Raises:
        ShapeError: an axis is missing, or the window is larger than the padded image.
        ArgumentError: a size or a step below 1, or a padding with windows of nothing else.
    Derivation: near a point without ties, y is a copy of one pixel: dy goes there, and nowhere else. At a tie any
        convex combination would be a subgradient; the first pixel takes all, as in PyTorch: one place to remember for
        each window.
    """
    edges = _edges(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    padded = pad(x, widths=((0, 0), (0, 0), *edges), value=-np.inf)
    patches = _flat(windows(padded, kernel_size=kernel_size, stride=stride, dilation=dilation))  # (N, C, H', …, K·…)
    i = _first_largest(patches, _inside(x, edges, kernel_size, stride, dilation))  # (N, C, H', …, 1)
    return squeeze(take_along_axis(patches, i, axis=-1), axis=-1), (i, x.shape)


@max_pool.backward
def max_pool_backward(
    dy: Any, i: Any, shape: Any,
    *, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool,
) -> Any:  # fmt: skip
    """dx = Σ over windows of dy, at the place i of the window"""
    dp = put_along_axis(unsqueeze(dy, axis=-1), i, axis=-1, size=prod(kernel_size))  # (N, C, H', …, K·…)
    dp = reshape(dp, shape=(*dy.shape, *kernel_size))  # (N, C, H', …, K, …)
    edges = _edges(shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    return (_put_back(dp, shape, edges, stride, dilation),)


@fused
def avg_pool(
    x: Any,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window.

    Math: y[n, c, i] = Σ_u x[n, c, i·S + u − P] / m[i], with 0 outside the image
    Shapes: x (N, C, H, …) → y (N, C, H', …)
    Args:
        kernel_size, stride, padding, ceil_mode: as for max_pool.
        count_include_pad: whether m counts the padding's pixels in the window, or the image's alone. What ceil_mode
            lets reach beyond the padding never counts.
    Raises:
        ShapeError, ArgumentError: as for max_pool.
    Derivation: y is linear in x, so dx is the transposed map: dy / m at each pixel of the window.
    """
    once = (1,) * len(kernel_size)
    edges = _edges(x.shape[2:], kernel_size, stride, padding, once, ceil_mode)
    padded = pad(x, widths=((0, 0), (0, 0), *edges))
    patches = _flat(windows(padded, kernel_size=kernel_size, stride=stride, dilation=once))  # (N, C, H', …, K·…)
    m = _counts(x, patches.shape[2:-1], kernel_size, stride, padding, count_include_pad)  # (H', …)
    return sum(patches, axis=-1) / m, (m, x.shape)


@avg_pool.backward
def avg_pool_backward(
    dy: Any, m: Any, shape: Any,
    *, kernel_size: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool, count_include_pad: bool,
) -> Any:  # fmt: skip
    """dx = Σ over windows of dy / m, at every place of the window"""
    once = (1,) * len(kernel_size)
    dp = expand(reshape(dy / m, shape=(*dy.shape, *once)), shape=(*dy.shape, *kernel_size))  # (N, C, H', …, K, …)
    edges = _edges(shape[2:], kernel_size, stride, padding, once, ceil_mode)
    return (_put_back(dp, shape, edges, stride, once),)


@max_pool.check
def max_pool_check(
    x: Any, *, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> None:
    _check("max_pool", x, kernel_size, stride, padding, dilation)


@avg_pool.check
def avg_pool_check(
    x: Any, *, kernel_size: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool, count_include_pad: bool
) -> None:
    _check("avg_pool", x, kernel_size, stride, padding, (1,) * len(kernel_size))


def largest_places(
    x: Any, *, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool = False
) -> Any:
    """Where the values of max_pool come from: places in the flattened image, (N, C, H', …) of int64. No gradient."""
    _check("max_pool", x, kernel_size, stride, padding, dilation)
    x = raw(x)
    edges = _edges(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    widths = ((0, 0), (0, 0), *edges)
    how = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    places = xp(x).arange(prod(x.shape[2:])).reshape(1, 1, *x.shape[2:])
    places = _flat(windows(pad(places, widths=widths, value=0), **how))  # (1, 1, H', …, K·…)
    patches = _flat(windows(pad(x, widths=widths, value=-np.inf), **how))
    i = _first_largest(patches, _inside(x, edges, kernel_size, stride, dilation))  # (N, C, H', …, 1)
    return xp(x).take_along_axis(xp(x).broadcast_to(places, patches.shape), i, -1)[..., 0]


# Windows and their borders --------------------------------------------------------------------------------------------


def _flat(patches: Any) -> Any:
    """Each window's places in a row: (N, C, H', …, K, …) → (N, C, H', …, K·…)."""
    rank = (len(patches.shape) - 2) // 2
    return reshape(patches, shape=(*patches.shape[: 2 + rank], prod(patches.shape[2 + rank :])))


def _edges(
    size: Any, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> list[tuple[int, int]]:
    """(before, after) for each axis: the padding, and behind it what ceil_mode lets the last window reach."""
    edges = []
    for n, k, s, p, d in zip(size, kernel_size, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1  # the last window's latest beginning
        beyond = -room % s if ceil_mode else 0
        if room + beyond >= n + p:
            beyond = 0  # that window would begin behind the image
        edges.append((p, p + beyond))
    return edges


def _inside(x: Any, edges: list[tuple[int, int]], kernel_size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """Which places of each window belong to the image, (1, 1, H', …, K·…)."""
    image = xp(raw(x)).ones((1, 1, *x.shape[2:]), bool)
    padded = pad(image, widths=((0, 0), (0, 0), *edges), value=False)
    return _flat(windows(padded, kernel_size=kernel_size, stride=stride, dilation=dilation))


def _first_largest(patches: Any, inside: Any) -> Any:
    """The place of each window's first largest value; in a window of nothing but −∞, the image's, not the padding's."""
    patches = raw(patches)
    i = patches.argmax(axis=-1)[..., None]
    nothing = xp(patches).take_along_axis(patches, i, -1).real == -np.inf
    return xp(patches).where(nothing, inside.argmax(axis=-1)[..., None], i)


def _counts(x: Any, size: Any, kernel_size: Sizes, stride: Sizes, padding: Sizes, count_include_pad: bool) -> Any:
    """m: how many pixels each window's mean is over, (H', …), an array like x."""
    counts = np.ones(())
    for m, n, k, s, p in zip(size, x.shape[2:], kernel_size, stride, padding, strict=True):
        first = np.arange(m) * s - p
        low, high = (-p, n + p) if count_include_pad else (0, n)
        counts = np.multiply.outer(counts, np.minimum(first + k, high) - np.maximum(first, low))
    return xp(raw(x)).asarray(counts, dtype=x.dtype)


def _put_back(dp: Any, shape: Any, edges: list[tuple[int, int]], stride: Sizes, dilation: Sizes) -> Any:
    """Windows added back to the padded image, and the padding cut off: the adjoint of padding and taking windows."""
    padded = tuple(before + n + after for n, (before, after) in zip(shape[2:], edges, strict=True))
    dx = windows_adjoint(dp, size=padded, stride=stride, dilation=dilation)
    return dx[:, :, *(slice(before, before + n) for n, (before, _) in zip(shape[2:], edges, strict=True))]


def _check(name: str, x: Any, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> None:
    rank = x.ndim - 2
    sizes = (("kernel_size", kernel_size, 1), ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1))
    for what, each, least in sizes:
        if not isinstance(each, tuple) or min(each, default=least) < least:
            raise ArgumentError(f"{name}: {what}: got {each!r}, expected numbers ≥ {least}, one for each axis")
    if rank < 1 or any(len(each) != rank for _, each, _ in sizes):
        axes = "(N, C, " + ", ".join("DHW"[-len(kernel_size) :]) + ")"
        raise ShapeError(
            f"{name}: x: got shape {x.shape}, expected {axes} for windows of {kernel_size}",
            fix="a single image is a batch of one: x[None]" if rank == len(kernel_size) - 1 else "",
        )
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
