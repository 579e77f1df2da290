"""Convolution and its two adjoints: a trio closed under differentiation.

N: batch.  C H W: channels, height, width of x.  O H' W': those of y.  KH KW: kernel.  G: groups.
S, P, D: stride, padding, dilation, one of each for rows and columns.  c u v: places in w.  i j: places in y.

    y[n, o, i, j] = Σ_{c,u,v} x[n, c, i·S + u·D − P, j·S + v·D − P] · w[o, c, u, v]        (x is 0 outside its borders)

As matrices: write the patch of x under the kernel, for each place of y, as a column of a matrix X, and the kernels as
the rows of a matrix W. Then

    Y = W X        dX = Wᵀ dY        dW = dY Xᵀ        W (O, C·KH·KW),  X (C·KH·KW, N·H'·W'),  Y (O, N·H'·W')

and as X only copies pixels of x, dx is dX with every entry added back to the pixel that it was copied from.

Why the three are closed. ⟨dy, conv2d(x, w)⟩ is a sum of products dy · x · w, linear in each of the three. Each
operation here holds two of them fixed and is the derivative by the third. So the derivative of any one, by either of
its inputs, is another one, with the new cotangent in the place of the array that was missing.

Why the adjoint for x is a correlation with the flipped kernel. In one dimension, with S = D = 1, the places that touch
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

from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError
from minidl.op import primitive

from .shape import pad, windows, windows_adjoint

__all__ = [
    "conv2d",
    "conv2d_input",
    "conv2d_weight",
]

Pair = tuple[int, int]


@primitive(promotes=True)
def conv2d(
    x: Any, w: Any, *, stride: Pair = (1, 1), padding: Pair = (0, 0), dilation: Pair = (1, 1), groups: int = 1
) -> Any:
    """Every patch of the images, times every kernel: cross-correlation, which deep learning calls convolution.

    Math: Y = W X, top of this file;  dx = conv2d_input(dy, w),  dw = conv2d_weight(x, dy)
    Shapes: x (N, C, H, W), w (O, C/G, KH, KW) → y (N, O, H', W') with H' = ⌊(H + 2P − D·(KH − 1) − 1) / S⌋ + 1, so W'.
    Args:
        stride, padding, dilation: in pixels, for rows and columns; the padding is of zeros, on both sides.
        groups: kernel o sees the C/G channels of its group only, o // (O/G); with G = C each channel goes alone.
    Raises:
        ShapeError: channels do not fit, an axis is missing, or the kernel is larger than the padded images.
        ArgumentError: a stride or dilation below 1, a negative padding, or groups that do not divide the channels.
    """
    n, (o, _, kh, kw) = len(x), w.shape
    columns = _columns(x, (kh, kw), stride, padding, dilation, groups)  # (G, C/G·KH·KW, N·H'·W')
    y = xp(x).matmul(_rows(w, groups), columns)  # (G, O/G, N·H'·W')
    return _images(y, n, o, _places(x.shape[2:], (kh, kw), stride, padding, dilation))  # (N, O, H', W')


@conv2d.check
def conv2d_check(x: Any, w: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
    _check_numbers("conv2d", stride, padding, dilation, groups)
    _check_images("conv2d: x", x)
    if w.ndim != 4:
        raise ShapeError(f"conv2d: weight: got shape {w.shape}, expected (out_channels, in_channels/groups, KH, KW)")
    _check_sizes("conv2d", x.shape, w.shape, stride, padding, dilation, groups)


@conv2d.vjp("x")
def conv2d_dx(dy: Any, w: Any, x_shape: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    return conv2d_input(
        dy, w, size=tuple(x_shape[2:]), stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@conv2d.vjp("w")
def conv2d_dw(dy: Any, x: Any, w_shape: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    return conv2d_weight(
        x, dy, size=tuple(w_shape[2:]), stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@primitive(promotes=True)
def conv2d_input(
    dy: Any,
    w: Any,
    *,
    size: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Any:
    """The adjoint of conv2d with respect to the images; as a layer, transposed convolution.

    Math: dX = Wᵀ dY, top of this file;  with ddx the cotangent, ddy = conv2d(ddx, w),  dw = conv2d_weight(ddx, dy)
    Shapes: dy (N, O, H', W'), w (O, C/G, KH, KW) → dx (N, C, H, W)
    Args:
        size: (H, W), which dy does not tell: a stride that leaves a remainder gives the same H' for several H.
        stride, padding, dilation, groups: those of conv2d.
    Raises:
        ShapeError: dy has not the shape of conv2d's result.
    """
    n, (_, channels, kh, kw) = len(dy), w.shape
    columns = xp(dy).matmul(_rows(w, groups).swapaxes(1, 2), _rows_of_images(dy, groups))  # (G, C/G·KH·KW, N·H'·W')
    columns = columns.reshape(groups * channels, kh, kw, n, *dy.shape[2:])  # (C, KH, KW, N, H', W')
    padded = (size[0] + 2 * padding[0], size[1] + 2 * padding[1])
    dx = windows_adjoint(columns.transpose(3, 0, 4, 5, 1, 2), size=padded, stride=stride, dilation=dilation)
    return dx[:, :, padding[0] : padding[0] + size[0], padding[1] : padding[1] + size[1]]  # (N, C, H, W)


@conv2d_input.check
def conv2d_input_check(
    dy: Any, w: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> None:
    _check_numbers("conv2d_input", stride, padding, dilation, groups)
    _check_images("conv2d_input: dy", dy)
    shape = (len(dy), w.shape[1] * groups, *size)
    _check_result("conv2d_input", dy, shape, w.shape, stride, padding, dilation, groups)


@conv2d_input.vjp("dy")
def conv2d_input_ddy(ddx: Any, w: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    return conv2d(ddx, w, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv2d_input.vjp("w")
def conv2d_input_dw(
    ddx: Any, dy: Any, w_shape: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:
    return conv2d_weight(
        ddx, dy, size=tuple(w_shape[2:]), stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@primitive(promotes=True)
def conv2d_weight(
    x: Any,
    dy: Any,
    *,
    size: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Any:
    """The adjoint of conv2d with respect to the kernels.

    Math: dW = dY Xᵀ, top of this file;  with ddw the cotangent, dx = conv2d_input(dy, ddw),  ddy = conv2d(x, ddw)
    Shapes: x (N, C, H, W), dy (N, O, H', W') → dw (O, C/G, KH, KW)
    Args:
        size: (KH, KW), which x and dy do not tell where the stride leaves a remainder.
        stride, padding, dilation, groups: those of conv2d.
    Raises:
        ShapeError: dy has not the shape of conv2d's result.
    """
    columns = _columns(x, size, stride, padding, dilation, groups)  # (G, C/G·KH·KW, N·H'·W')
    dw = xp(x).matmul(_rows_of_images(dy, groups), columns.swapaxes(1, 2))  # (G, O/G, C/G·KH·KW)
    return dw.reshape(dy.shape[1], x.shape[1] // groups, *size)  # (O, C/G, KH, KW)


@conv2d_weight.check
def conv2d_weight_check(
    x: Any, dy: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> None:
    _check_numbers("conv2d_weight", stride, padding, dilation, groups)
    _check_images("conv2d_weight: x", x)
    _check_images("conv2d_weight: dy", dy)
    shape = (dy.shape[1], x.shape[1] // groups, *size)
    _check_result("conv2d_weight", dy, x.shape, shape, stride, padding, dilation, groups)


@conv2d_weight.vjp("x")
def conv2d_weight_dx(
    ddw: Any, dy: Any, x_shape: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:
    return conv2d_input(
        dy, ddw, size=tuple(x_shape[2:]), stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@conv2d_weight.vjp("dy")
def conv2d_weight_ddy(ddw: Any, x: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    return conv2d(x, ddw, stride=stride, padding=padding, dilation=dilation, groups=groups)


# The three matrices, group by group -----------------------------------------------------------------------------------


def _columns(x: Any, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """X: every patch a column, (G, C/G·KH·KW, N·H'·W')."""
    (ph, pw), (kh, kw), channels = padding, kernel_size, x.shape[1]
    padded = pad(x, widths=((0, 0), (0, 0), (ph, ph), (pw, pw)))
    patches = windows(padded, kernel_size=kernel_size, stride=stride, dilation=dilation)  # (N, C, H', W', KH, KW)
    n, _, rows, columns, _, _ = patches.shape
    return patches.transpose(1, 4, 5, 0, 2, 3).reshape(groups, channels // groups * kh * kw, n * rows * columns)


def _rows(w: Any, groups: int) -> Any:
    """W: every kernel a row, (G, O/G, C/G·KH·KW)."""
    o, c, kh, kw = w.shape
    return w.reshape(groups, o // groups, c * kh * kw)


def _rows_of_images(y: Any, groups: int) -> Any:
    """Y: every channel a row, (G, O/G, N·H'·W')."""
    n, o, rows, columns = y.shape
    return y.swapaxes(0, 1).reshape(groups, o // groups, n * rows * columns)


def _images(y: Any, n: int, o: int, size: Pair) -> Any:
    """Y (G, O/G, N·H'·W') as images again, (N, O, H', W')."""
    return xp(y).ascontiguousarray(y.reshape(o, n, *size).swapaxes(0, 1))


def _places(size: Any, kernel_size: Any, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """(H', W')."""
    each = zip(size, kernel_size, stride, padding, dilation, strict=True)
    height, width = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in each]
    return height, width


# Errors ---------------------------------------------------------------------------------------------------------------


def _check_numbers(name: str, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
    for what, pair, least in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)):
        if not isinstance(pair, tuple) or len(pair) != 2 or min(pair) < least:
            raise ArgumentError(f"{name}: {what}: got {pair!r}, expected a pair of numbers ≥ {least}: (rows, columns)")
    if groups < 1:
        raise ArgumentError(f"{name}: groups: got {groups}, expected at least 1")


def _check_images(what: str, x: Any) -> None:
    if x.ndim == 4:
        return
    fixes = {
        3: "a single image is a batch of one: x[None]; a batch of images without channels has one: x[:, None]",
        2: "a single image without channels is a batch of one with one channel: x[None, None]",
    }
    raise ShapeError(
        f"{what}: got shape {x.shape}, expected (N, C, H, W)",
        fix=fixes.get(x.ndim, "reshape it to batch, channels, height, width"),
    )


def _check_sizes(
    name: str, x_shape: Any, w_shape: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> None:
    channels, results = x_shape[1], w_shape[0]
    if channels % groups or results % groups:
        raise ArgumentError(
            f"{name}: groups: got {groups}, which does not divide both the {channels} channels of x and the {results} "
            f"of the result",
            fix=f"Conv2d(in_channels, out_channels, …, groups={groups}) needs multiples of {groups} for both",
        )
    if w_shape[1] * groups != channels:
        raise ShapeError(
            f"{name}: x has {channels} channels, but the weight, of shape {tuple(w_shape)} with groups={groups}, takes "
            f"{w_shape[1] * groups}",
            fix=f"Conv2d(in_channels={channels}, …), or give it images with {w_shape[1] * groups} channels",
        )
    reach = tuple(d * (k - 1) + 1 for k, d in zip(w_shape[2:], dilation, strict=True))
    padded = tuple(n + 2 * p for n, p in zip(x_shape[2:], padding, strict=True))
    if reach[0] > padded[0] or reach[1] > padded[1] or min(w_shape[2:]) < 1:
        raise ShapeError(
            f"{name}: a kernel of {tuple(w_shape[2:])} with dilation {dilation} reaches over {reach}, but the images "
            f"of {tuple(x_shape[2:])} with padding {padding} have {padded} only",
            fix=f"a smaller kernel, or a padding of at least {_least_padding(x_shape[2:], reach)}",
        )


def _least_padding(size: Any, reach: Any) -> Pair:
    height, width = [max(0, -(-(r - n) // 2)) for n, r in zip(size, reach, strict=True)]
    return height, width


def _check_result(
    name: str, dy: Any, x_shape: Any, w_shape: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> None:
    _check_sizes(name, x_shape, w_shape, stride, padding, dilation, groups)
    expected = (x_shape[0], w_shape[0], *_places(x_shape[2:], w_shape[2:], stride, padding, dilation))
    if dy.shape != expected:
        raise ShapeError(
            f"{name}: dy: got shape {dy.shape}, expected {expected}, the shape of conv2d's result for images of shape "
            f"{tuple(x_shape)} and a weight of shape {tuple(w_shape)}"
        )
