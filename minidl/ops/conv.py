"""Convolution and its two adjoints, along any number of axes: a trio closed under differentiation.

N: batch.  C, O: channels of x and of y.  G: groups.  After the channels come the axes of the image, as many as you
like: one for a sound, two for a picture, three for a volume. i u: places in y and in w.  S, P, D: stride, padding,
dilation. Each of these is one number for each axis, and what is done to them is done axis by axis:

    y[n, o, i] = Σ_{c,u} x[n, c, i·S + u·D − P] · w[o, c, u]        (x is 0 outside its borders)

For pictures, i = (i₁, i₂) and u = (u₁, u₂), and Σ_u is a double sum. Nothing below depends on how many there are.

As matrices: write the patch of x under the kernel, for each place of y, as a column of a matrix X, and the kernels as
the rows of a matrix W. With K places in the kernel and L places in y,

    Y = W X        dX = Wᵀ dY        dW = dY Xᵀ        W (O, C·K),  X (C·K, N·L),  Y (O, N·L)

and as X only copies pixels of x, dx is dX with every entry added back to the pixel that it was copied from. So the
axes are seen by the copying alone (`windows` and `windows_adjoint`), and the arithmetic is one product of matrices.

Why the three are closed. ⟨dy, conv(x, w)⟩ is a sum of products dy · x · w, linear in each of the three. Each operation
here holds two of them fixed and is the derivative by the third. So the derivative of any one, by either of its inputs,
is another one, with the new cotangent in the place of the array that was missing.

Why the adjoint for x is a correlation with the flipped kernel. Along one axis, with S = D = 1, the places that touch
x[h] are i = h + P − u, so that dx[h] = Σ_u dy[h + P − u] w[u]. Counted from the kernel's other end, u → K − 1 − u,

    dx[h] = Σ_u dy[h + u − (K − 1 − P)] · w[K − 1 − u],

a correlation of dy with the flipped kernel, padded by K − 1 − P; for P = 0 this is the "full" one, where the kernel
overlaps dy by one place at least. With a stride, dy[i] touches the pixels i·S + u·D − P, as if S − 1 zeros stood
between its elements: hence the names transposed, or fractionally strided, convolution.

Why the adjoint for w is a correlation too. dw[u] = Σ_i dy[i] · x[u·D + i·S − P]: dy slides over x as a kernel does,
except that stride and dilation have exchanged their parts: u goes in steps of D, and the elements of dy lie S apart.

Source: K. Chellapilla, S. Puri, P. Simard, High performance convolutional neural networks for document processing
(2006), section 3 (the matrix X); V. Dumoulin, F. Visin, A guide to convolution arithmetic (2016), chapter 4 (adjoints).
"""

from __future__ import annotations

from math import prod
from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError
from minidl.op import primitive

from .shape import pad, windows, windows_adjoint

__all__ = [
    "conv",
    "conv_input",
    "conv_weight",
]

Sizes = tuple[int, ...]  # one for each axis of the images


@primitive(promotes=True)
def conv(x: Any, w: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int = 1) -> Any:
    """Every patch of the images, times every kernel: cross-correlation, which deep learning calls convolution.

    Math: Y = W X, top of this file;  dx = conv_input(dy, w),  dw = conv_weight(x, dy)
    Shapes: x (N, C, *size), w (O, C/G, *kernel_size) → y (N, O, *places) with, along each axis,
        places = ⌊(size + 2P − D·(kernel_size − 1) − 1) / S⌋ + 1.
    Args:
        stride, padding, dilation: in pixels, one for each axis of the images; the padding is of zeros, on both sides.
        groups: kernel o sees the C/G channels of its group only, o // (O/G); with G = C each channel goes alone.
    Raises:
        ShapeError: channels do not fit, an axis is missing, or the kernel is larger than the padded images.
        ArgumentError: a stride or dilation below 1, a negative padding, or groups that do not divide the channels.
    """
    kernel_size = w.shape[2:]
    columns = _columns(x, kernel_size, stride, padding, dilation, groups)  # (G, C/G·K, N·L)
    y = xp(x).matmul(_rows(w, groups), columns)  # (G, O/G, N·L)
    places = _places(x.shape[2:], kernel_size, stride, padding, dilation)
    return xp(x).ascontiguousarray(y.reshape(len(w), len(x), *places).swapaxes(0, 1))  # (N, O, *places)


@conv.check
def conv_check(x: Any, w: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> None:
    if w.ndim < 3:
        raise ShapeError(
            f"conv: weight: got shape {w.shape}, expected (out_channels, in_channels/groups, *kernel_size)"
        )
    rank = w.ndim - 2
    _check_images("conv: x", x, rank)
    _check_numbers("conv", rank, stride, padding, dilation, groups)
    _check_sizes("conv", x.shape, w.shape, stride, padding, dilation, groups)


@conv.vjp("x")
def conv_dx(dy: Any, w: Any, x_shape: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    return conv_input(dy, w, size=tuple(x_shape[2:]), stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv.vjp("w")
def conv_dw(dy: Any, x: Any, w_shape: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    return conv_weight(x, dy, size=tuple(w_shape[2:]), stride=stride, padding=padding, dilation=dilation, groups=groups)


@primitive(promotes=True)
def conv_input(dy: Any, w: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int = 1) -> Any:
    """The adjoint of conv with respect to the images; as a layer, transposed convolution.

    Math: dX = Wᵀ dY, top of this file;  with ddx the cotangent, ddy = conv(ddx, w),  dw = conv_weight(ddx, dy)
    Shapes: dy (N, O, *places), w (O, C/G, *kernel_size) → dx (N, C, *size)
    Args:
        size: of the images, which dy does not tell: a stride that leaves a remainder gives several sizes the same
            places.
        stride, padding, dilation, groups: those of conv.
    Raises:
        ShapeError: dy has not the shape of conv's result.
    """
    channels, kernel_size, rank = groups * w.shape[1], w.shape[2:], len(size)
    columns = xp(dy).matmul(_rows(w, groups).swapaxes(1, 2), _rows_of_images(dy, groups))  # (G, C/G·K, N·L)
    columns = columns.reshape(channels, *kernel_size, len(dy), *dy.shape[2:])  # (C, *kernel_size, N, *places)
    axes = (1 + rank, 0, *range(2 + rank, 2 + 2 * rank), *range(1, 1 + rank))
    padded = tuple(n + 2 * p for n, p in zip(size, padding, strict=True))
    dx = windows_adjoint(columns.transpose(axes), size=padded, stride=stride, dilation=dilation)
    return dx[:, :, *(slice(p, p + n) for n, p in zip(size, padding, strict=True))]  # (N, C, *size)


@conv_input.check
def conv_input_check(
    dy: Any, w: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> None:
    _check_images("conv_input: dy", dy, len(size))
    _check_images("conv_input: w", w, len(size))
    _check_numbers("conv_input", len(size), stride, padding, dilation, groups)
    shape = (len(dy), w.shape[1] * groups, *size)
    _check_result("conv_input", dy, shape, w.shape, stride, padding, dilation, groups)


@conv_input.vjp("dy")
def conv_input_ddy(ddx: Any, w: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    return conv(ddx, w, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_input.vjp("w")
def conv_input_dw(
    ddx: Any, dy: Any, w_shape: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    size = tuple(w_shape[2:])
    return conv_weight(ddx, dy, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups)


@primitive(promotes=True)
def conv_weight(
    x: Any, dy: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int = 1
) -> Any:
    """The adjoint of conv with respect to the kernels.

    Math: dW = dY Xᵀ, top of this file;  with ddw the cotangent, dx = conv_input(dy, ddw),  ddy = conv(x, ddw)
    Shapes: x (N, C, *images), dy (N, O, *places) → dw (O, C/G, *size)
    Args:
        size: of the kernel, which x and dy do not tell where the stride leaves a remainder.
        stride, padding, dilation, groups: those of conv.
    Raises:
        ShapeError: dy has not the shape of conv's result.
    """
    columns = _columns(x, size, stride, padding, dilation, groups)  # (G, C/G·K, N·L)
    dw = xp(x).matmul(_rows_of_images(dy, groups), columns.swapaxes(1, 2))  # (G, O/G, C/G·K)
    return dw.reshape(dy.shape[1], x.shape[1] // groups, *size)  # (O, C/G, *size)


@conv_weight.check
def conv_weight_check(
    x: Any, dy: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> None:
    _check_images("conv_weight: x", x, len(size))
    _check_images("conv_weight: dy", dy, len(size))
    _check_numbers("conv_weight", len(size), stride, padding, dilation, groups)
    shape = (dy.shape[1], x.shape[1] // groups, *size)
    _check_result("conv_weight", dy, x.shape, shape, stride, padding, dilation, groups)


@conv_weight.vjp("x")
def conv_weight_dx(
    ddw: Any, dy: Any, x_shape: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    size = tuple(x_shape[2:])
    return conv_input(dy, ddw, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_weight.vjp("dy")
def conv_weight_ddy(ddw: Any, x: Any, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    return conv(x, ddw, stride=stride, padding=padding, dilation=dilation, groups=groups)


# The three matrices, group by group -----------------------------------------------------------------------------------


def _columns(x: Any, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    """X: every patch a column, (G, C/G·K, N·L)."""
    rank = len(kernel_size)
    padded = pad(x, widths=((0, 0), (0, 0), *((p, p) for p in padding)))
    patches = windows(
        padded, kernel_size=kernel_size, stride=stride, dilation=dilation
    )  # (N, C, *places, *kernel_size)
    n, channels, *places = patches.shape[: 2 + rank]
    patches = patches.transpose(1, *range(2 + rank, 2 + 2 * rank), 0, *range(2, 2 + rank))
    return patches.reshape(groups, channels // groups * prod(kernel_size), n * prod(places))


def _rows(w: Any, groups: int) -> Any:
    """W: every kernel a row, (G, O/G, C/G·K)."""
    return w.reshape(groups, len(w) // groups, prod(w.shape[1:]))


def _rows_of_images(y: Any, groups: int) -> Any:
    """Y: every channel a row, (G, O/G, N·L)."""
    n, o, *places = y.shape
    return y.swapaxes(0, 1).reshape(groups, o // groups, n * prod(places))


def _places(size: Any, kernel_size: Any, stride: Sizes, padding: Sizes, dilation: Sizes) -> Sizes:
    """How often the kernel fits along each axis."""
    each = zip(size, kernel_size, stride, padding, dilation, strict=True)
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in each)


# Errors ---------------------------------------------------------------------------------------------------------------

AXES = {1: "L", 2: "H, W", 3: "D, H, W"}


def _check_numbers(name: str, rank: int, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> None:
    for what, sizes, least in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)):
        if not isinstance(sizes, tuple) or len(sizes) != rank or min(sizes) < least:
            raise ArgumentError(
                f"{name}: {what}: got {sizes!r}, expected a tuple of {rank} numbers ≥ {least}, one for each of the "
                f"axes ({AXES.get(rank, '…')})"
            )
    if groups < 1:
        raise ArgumentError(f"{name}: groups: got {groups}, expected at least 1")


def _check_images(what: str, x: Any, rank: int) -> None:
    missing = rank + 2 - x.ndim
    if not missing:
        return
    fixes = {
        1: "a single image is a batch of one: x[None]; a batch of images without channels has one: x[:, None]",
        2: "a single image without channels is a batch of one with one channel: x[None, None]",
    }
    raise ShapeError(
        f"{what}: got shape {x.shape}, expected (N, C, {AXES.get(rank, '…')})",
        fix=fixes.get(missing, f"reshape it to batch, channels, and {rank} axes"),
    )


def _check_sizes(
    name: str, x_shape: Any, w_shape: Any, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> None:
    channels, results, layer = x_shape[1], w_shape[0], f"Conv{len(stride)}d"
    if channels % groups or results % groups:
        raise ArgumentError(
            f"{name}: groups: got {groups}, which does not divide both the {channels} channels of x and the {results} "
            f"of the result",
            fix=f"{layer}(in_channels, out_channels, …, groups={groups}) needs multiples of {groups} for both",
        )
    if w_shape[1] * groups != channels:
        raise ShapeError(
            f"{name}: x has {channels} channels, but the weight, of shape {tuple(w_shape)} with groups={groups}, takes "
            f"{w_shape[1] * groups}",
            fix=f"{layer}(in_channels={channels}, …), or give it images with {w_shape[1] * groups} channels",
        )
    reach = tuple(d * (k - 1) + 1 for k, d in zip(w_shape[2:], dilation, strict=True))
    padded = tuple(n + 2 * p for n, p in zip(x_shape[2:], padding, strict=True))
    if any(r > n for r, n in zip(reach, padded, strict=True)) or min(w_shape[2:]) < 1:
        least = tuple(max(0, -(-(r - n) // 2)) for r, n in zip(reach, x_shape[2:], strict=True))
        raise ShapeError(
            f"{name}: a kernel of {tuple(w_shape[2:])} with dilation {dilation} reaches over {reach}, but the images "
            f"of {tuple(x_shape[2:])} with padding {padding} have {padded} only",
            fix=f"a smaller kernel, or a padding of at least {least}",
        )


def _check_result(
    name: str, dy: Any, x_shape: Any, w_shape: Any, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> None:
    _check_sizes(name, x_shape, w_shape, stride, padding, dilation, groups)
    expected = (x_shape[0], w_shape[0], *_places(x_shape[2:], w_shape[2:], stride, padding, dilation))
    if dy.shape != expected:
        raise ShapeError(
            f"{name}: dy: got shape {dy.shape}, expected {expected}, the shape of conv's result for images of shape "
            f"{tuple(x_shape)} and a weight of shape {tuple(w_shape)}"
        )
