"""Patches as columns, and back."""

from __future__ import annotations

from math import prod
from typing import Any

from minidl import ops
from minidl.errors import ShapeError
from minidl.tensor import as_tensor

from .sizes import batched, numbers

__all__ = [
    "fold",
    "unfold",
]


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every patch of the images as a column: the matrix that a convolution multiplies.

    Shapes: (N, C, H, W) → (N, C·KH·KW, L), or without N; L patches, line by line.
    Args:
        kernel_size, dilation, padding, stride: a number, or one for rows and one for columns.
    Raises:
        ArgumentError: a size or a step below 1, a negative padding.
        ShapeError: an axis is missing, or the patch is larger than the padded images.
    """
    x, single = batched("unfold: input", input, 2)
    k, d, p, s = _sizes("unfold", kernel_size, dilation, padding, stride)
    x = ops.pad(x, widths=((0, 0), (0, 0), *((n, n) for n in p)))
    y = ops.windows(x, kernel_size=k, stride=s, dilation=d)  # (N, C, H', W', KH, KW)
    n, c, *places = y.shape[:4]
    y = ops.reshape(ops.transpose(y, axes=(0, 1, 4, 5, 2, 3)), shape=(n, c * prod(k), prod(places)))
    return ops.squeeze(y, axis=0) if single else y


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns added back to where `unfold` takes them from: its adjoint, not its inverse, for patches may overlap.

    Shapes: (N, C·KH·KW, L) → (N, C, H, W), or without N; (H, W) = output_size.
    Args:
        kernel_size, dilation, padding, stride: those of unfold.
    Raises:
        ArgumentError: a size or a step below 1, a negative padding.
        ShapeError: the columns are not those of images of this size.
    """
    y, (h, w) = as_tensor(input), numbers("fold: output_size", output_size, 2, least=1)
    k, d, p, s = _sizes("fold", kernel_size, dilation, padding, stride)
    single = y.ndim == 2
    if single:
        y = ops.unsqueeze(y, axis=0)
    padded = h + 2 * p[0], w + 2 * p[1]
    places = [(n - r * (m - 1) - 1) // t + 1 for n, m, r, t in zip(padded, k, d, s, strict=True)]
    if y.ndim != 3 or y.shape[1] % prod(k) or y.shape[2] != prod(places) or min(places) < 1:
        raise ShapeError(
            f"fold: input: got shape {tuple(input.shape)}, expected (N, C·{prod(k)}, {prod(places)}): images of "
            f"{(h, w)} have {' · '.join(map(str, places))} patches of {k[0]} × {k[1]}",
            fix="give output_size, kernel_size, dilation, padding and stride as unfold had them",
        )
    y = ops.reshape(y, shape=(y.shape[0], y.shape[1] // prod(k), *k, *places))
    y = ops.transpose(y, axes=(0, 1, 4, 5, 2, 3))  # (N, C, H', W', KH, KW)
    x = ops.windows_adjoint(y, size=padded, stride=s, dilation=d)[:, :, p[0] : p[0] + h, p[1] : p[1] + w]
    return ops.squeeze(x, axis=0) if single else x


def _sizes(name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> list[tuple[int, ...]]:
    given = (("kernel_size", kernel_size, 1), ("dilation", dilation, 1), ("padding", padding, 0), ("stride", stride, 1))
    return [numbers(f"{name}: {what}", value, 2, least=least) for what, value, least in given]
