"""Sizes of kernels, strides and borders: one number for all axes, or one for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import ops
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import as_tensor

AXES = {1: "L", 2: "H, W", 3: "D, H, W"}  # sounds, pictures, volumes
WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 6: "six"}


def numbers(name: str, value: Any, rank: int, *, least: int | None = None) -> tuple[int, ...]:
    """A number for all `rank` axes of an image, or one for each; `least` is what each must be at least.

    Raises:
        ArgumentError: neither, or a smaller one.
    """
    each = (value,) * rank if isinstance(value, int | np.integer) else value
    if (
        not isinstance(each, tuple | list)
        or len(each) != rank
        or not all(isinstance(v, int | np.integer) for v in each)
    ):
        raise ArgumentError(f"{name}: got {describe(value)}, expected an integer or {WORDS[rank]} of them")
    if least is not None and min(each) < least:
        raise ArgumentError(f"{name}: got {value}, expected at least {least}")
    return tuple(int(v) for v in each)


def batched(name: str, value: Any, rank: int) -> tuple[Any, bool]:
    """Images with a batch axis, and whether it had to be added: (C, …) is a batch of one.

    Raises:
        ShapeError: axes are missing, or there are too many.
    """
    x = as_tensor(value)
    if x.ndim == rank + 1:
        return ops.unsqueeze(x, axis=0), True
    if x.ndim != rank + 2:
        axes = AXES[rank]
        raise ShapeError(
            f"{name}: got shape {x.shape}, expected (N, C, {axes}) or (C, {axes})",
            fix="a single image without channels is a batch of one with one channel: x[None, None]"
            if x.ndim == rank
            else f"reshape it to batch, channels, and ({axes})",
        )
    return x, False


def same_padding(
    padding: str, kernel_size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> list[tuple[int, int]]:
    """(before, after) for each axis, from the words `"same"` and `"valid"`.

    Raises:
        ArgumentError: another word, or "same" with a stride, which cannot keep the size.
    """
    if padding == "valid":
        return [(0, 0)] * len(kernel_size)
    if padding != "same":
        raise ArgumentError(f"padding: got {padding!r}, expected numbers, 'same' or 'valid'")
    if max(stride) > 1:
        raise ArgumentError(f"padding: 'same' keeps the size, which stride {stride} cannot", fix="give it in numbers")
    totals = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]
