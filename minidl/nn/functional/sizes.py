"""Sizes of kernels, strides and borders: one number for all axes, or one for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.errors import ArgumentError, describe


def pair(name: str, value: Any) -> tuple[int, int]:
    """A number for both axes of an image, or one for each.

    Raises:
        ArgumentError: neither.
    """
    both = (value, value) if isinstance(value, int | np.integer) else value
    if not isinstance(both, tuple | list) or len(both) != 2 or not all(isinstance(v, int | np.integer) for v in both):
        raise ArgumentError(f"{name}: got {describe(value)}, expected an integer or two of them")
    return int(both[0]), int(both[1])


def same_padding(
    padding: str, kernel_size: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int]
) -> list[tuple[int, int]]:
    """(before, after) for each axis, from the words `"same"` and `"valid"`.

    Raises:
        ArgumentError: another word, or "same" with a stride, which cannot keep the size.
    """
    if padding == "valid":
        return [(0, 0), (0, 0)]
    if padding != "same":
        raise ArgumentError(f"padding: got {padding!r}, expected numbers, 'same' or 'valid'")
    if stride != (1, 1):
        raise ArgumentError(f"padding: 'same' keeps the size, which stride {stride} cannot", fix="give it in numbers")
    totals = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]
