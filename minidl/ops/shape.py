"""Where elements stand: every operation here moves values and computes nothing, so its adjoint moves them back."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import axis_of, xp
from minidl.errors import ArgumentError, ShapeError
from minidl.op import primitive, sum_to

__all__ = [
    "concatenate",
    "expand",
    "flatten",
    "mT",
    "pad",
    "reshape",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "transpose",
    "unsqueeze",
    "windows",
    "windows_adjoint",
]

Pair = tuple[int, int]
Sizes = tuple[int, ...]  # one for each axis of the images


@primitive
def reshape(x: Any, *, shape: tuple[int, ...]) -> Any:
    """The same elements in C order under another shape; one size may be −1.

    Math: dx = dy, reshaped back
    """
    return x.reshape(shape)


@reshape.vjp("x")
def reshape_dx(dy: Any, x_shape: Any) -> Any:
    return reshape(dy, shape=x_shape)


@primitive
def transpose(x: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    """The axes in another order; None: reversed.

    Math: dx = dy, by the inverse permutation
    """
    return x.transpose(axes)


@transpose.vjp("x")
def transpose_dx(dy: Any, *, axes: tuple[int, ...] | None) -> Any:
    if axes is None:
        return transpose(dy, axes=None)
    return transpose(dy, axes=tuple(int(a) for a in np.argsort([a % len(axes) for a in axes])))


@primitive
def expand(x: Any, *, shape: tuple[int, ...]) -> Any:
    """Axes of size 1, and new axes on the left, stretched to `shape` without a copy.

    Math: dx = dy, summed over the stretched axes
    """
    return xp(x).broadcast_to(x, shape)


@expand.vjp("x")
def expand_dx(dy: Any, x_shape: Any) -> Any:
    return sum_to(dy, x_shape)


@primitive(promotes=True)
def concatenate(*xs: Any, axis: int = 0) -> Any:
    """Arrays side by side along `axis`.

    Math: dxᵢ = the i-th piece of dy
    """
    return xp(*xs).concatenate(xs, axis=axis)


@concatenate.vjp("xs")
def concatenate_dx(dy: Any, position: int, xs_shape: Any, *, axis: int) -> Any:
    axis %= len(dy.shape)
    start = sum(s[axis] for s in xs_shape[:position])
    return dy[(slice(None),) * axis + (slice(start, start + xs_shape[position][axis]),)]


@primitive
def pad(x: Any, *, widths: tuple[Pair, ...], value: float = 0.0) -> Any:
    """A border of `value`: `widths` holds (before, after) for every axis.

    Math: dx = dy without the border
    """
    return xp(x).pad(x, widths, constant_values=value)


@pad.check
def pad_check(x: Any, *, widths: tuple[Pair, ...], value: float) -> None:
    if len(widths) != x.ndim or any(w < 0 for pair in widths for w in pair):
        raise ArgumentError(
            f"pad: widths: got {widths}, expected {x.ndim} pairs of sizes ≥ 0, one for each axis of {x.shape}"
        )


@pad.vjp("x")
def pad_dx(dy: Any, x_shape: Any, *, widths: tuple[Pair, ...]) -> Any:
    return dy[tuple(slice(before, before + n) for (before, _), n in zip(widths, x_shape, strict=True))]


@primitive
def windows(x: Any, *, kernel_size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """Every window that a kernel slides over, as a view: what convolution multiplies and pooling reduces.

    Math: y[n, c, i, j, u, v] = x[n, c, i·S + u·D, j·S + v·D], for images of two axes; alike for any number of them
    Shapes: x (N, C, *size) → y (N, C, *places, *kernel_size) with, along each axis,
        places = (size − D·(K − 1) − 1) // S + 1.
    Args:
        kernel_size, stride, dilation: K, S, D: a number for each axis after the channels.
    Raises:
        ShapeError: the kernel has not the images' axes, or is larger than they are.
    """
    each = zip(x.shape[2:], kernel_size, stride, dilation, strict=True)
    places = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in each)
    steps = [step * s for step, s in zip(x.strides[2:], stride, strict=True)]  # bytes, from window to window
    within = [step * d for step, d in zip(x.strides[2:], dilation, strict=True)]
    strides = (*x.strides[:2], *steps, *within)
    return xp(x).lib.stride_tricks.as_strided(x, (*x.shape[:2], *places, *kernel_size), strides)


@windows.check
def windows_check(x: Any, *, kernel_size: Sizes, stride: Sizes, dilation: Sizes) -> None:
    rank = len(kernel_size)
    if x.ndim != 2 + rank or rank < 1:
        axes = {1: "L", 2: "H, W", 3: "D, H, W"}.get(rank, "…")
        raise ShapeError(f"windows: x: got shape {x.shape}, expected (N, C, {axes})", fix="add the missing axes")
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True))
    if any(r > n for r, n in zip(reach, x.shape[2:], strict=True)):
        raise ShapeError(
            f"windows: kernel_size {kernel_size} with dilation {dilation} reaches over {reach}, more than the padded "
            f"image of {x.shape[2:]}",
            fix="use a smaller kernel, more padding, or a larger image",
        )


@windows.vjp("x")
def windows_dx(dy: Any, x_shape: Any, *, stride: Sizes, dilation: Sizes) -> Any:
    return windows_adjoint(dy, size=x_shape[2:], stride=stride, dilation=dilation)


@primitive
def windows_adjoint(dy: Any, *, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """Windows added back to where they were taken from: the adjoint of `windows`, its own adjoint's adjoint.

    Math: x[n, c, i·S + u·D, j·S + v·D] += dy[n, c, i, j, u, v], for images of two axes; alike for any number of them
    Shapes: dy (N, C, *places, *kernel_size) → x (N, C, *size)
    """
    places, kernel_size = dy.shape[2 : 2 + len(size)], dy.shape[2 + len(size) :]
    x = xp(dy).zeros((*dy.shape[:2], *size), dy.dtype)
    for at in np.ndindex(*kernel_size):
        each = zip(at, places, stride, dilation, strict=True)
        x[:, :, *(slice(u * d, u * d + m * s, s) for u, m, s, d in each)] += dy[..., *at]
    return x


@windows_adjoint.vjp("dy")
def windows_adjoint_ddy(ddx: Any, dy_shape: Any, *, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    return windows(ddx, kernel_size=dy_shape[2 + len(size) :], stride=stride, dilation=dilation)


# Compositions: no rules of their own ----------------------------------------------------------------------------------


def swapaxes(x: Any, first: int, second: int) -> Any:
    """Two axes exchanged."""
    axes = list(range(len(x.shape)))
    first, second = (axis_of("transpose: axis", a, len(axes)) for a in (first, second))
    axes[first], axes[second] = axes[second], axes[first]
    return transpose(x, axes=tuple(axes))


def mT(x: Any) -> Any:
    """The matrix transpose: the last two axes exchanged."""
    return swapaxes(x, -1, -2)


def flatten(x: Any, *, start: int = 0, end: int = -1) -> Any:
    """Axes `start` to `end` as one."""
    n = len(x.shape)
    if n == 0:
        return reshape(x, shape=(1,))
    start, end = axis_of("flatten: start", start, n), axis_of("flatten: end", end, n)
    if start > end:
        raise ArgumentError(f"flatten: got start {start} after end {end}, expected the first axis first")
    sizes = x.shape[start : end + 1]
    return reshape(x, shape=(*x.shape[:start], int(np.prod(sizes)), *x.shape[end + 1 :]))


def squeeze(x: Any, *, axis: int | tuple[int, ...] | None = None) -> Any:
    """Without axes of size 1; of those named by `axis`, if it is given."""
    n = len(x.shape)
    named = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [axis_of("squeeze: axis", a, n) for a in named]
    return reshape(x, shape=tuple(s for i, s in enumerate(x.shape) if i not in axes or s != 1))


def unsqueeze(x: Any, *, axis: int) -> Any:
    """With a new axis of size 1 at `axis`."""
    shape = list(x.shape)
    shape.insert(axis_of("unsqueeze: axis", axis, len(shape) + 1), 1)
    return reshape(x, shape=tuple(shape))


def stack(xs: Any, *, axis: int = 0) -> Any:
    """Arrays of one shape along a new axis."""
    shapes = {tuple(x.shape) for x in xs}
    if len(shapes) != 1:
        raise ShapeError(f"stack: got shapes {sorted(shapes)}, expected one shape for all", fix="pad or crop them")
    return concatenate(*[unsqueeze(x, axis=axis) for x in xs], axis=axis)


def split(x: Any, sizes: int | tuple[int, ...] | list[int], *, axis: int = 0) -> tuple[Any, ...]:
    """Pieces along `axis`: of one size (the last may be smaller), or of the sizes listed."""
    axis = axis_of("split: axis", axis, len(x.shape))
    total = x.shape[axis]
    if isinstance(sizes, int):
        if sizes < 1:
            raise ArgumentError(f"split: got a size of {sizes}, expected at least 1")
        sizes = [min(sizes, total - start) for start in range(0, total, sizes)]
    if sum(sizes) != total or min(sizes, default=0) < 0:
        raise ShapeError(f"split: sizes {list(sizes)} add up to {sum(sizes)}, expected the axis's size, {total}")
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    before = (slice(None),) * axis
    return tuple(x[(*before, slice(end - size, end))] for size, end in zip(sizes, ends, strict=True))
