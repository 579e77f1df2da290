"""Borders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minidl import ops
from minidl.errors import ArgumentError
from minidl.tensor import as_tensor

__all__ = [
    "pad",
]


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """A border around the last axes.

    Args:
        pad: (before, after) for the last axis, then for the one before it, and so on; below 0 it crops.
        mode: only `"constant"` so far.
        value: the border's value, 0 by default.
    Raises:
        ArgumentError: an odd number of sizes, more of them than axes, or another mode.
    """
    x, sizes = as_tensor(input), tuple(pad)
    if mode != "constant":
        raise ArgumentError(f"pad: mode: got {mode!r}, expected 'constant'")
    if len(sizes) % 2 or len(sizes) > 2 * x.ndim:
        raise ArgumentError(f"pad: pad: got {sizes}, expected pairs (before, after) for at most {x.ndim} axes")
    pairs = [(sizes[i], sizes[i + 1]) for i in range(0, len(sizes), 2)]
    widths = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    if any(w < 0 for each in pairs for w in each):
        x = x[tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(widths, x.shape, strict=True))]
        widths = [(max(b, 0), max(a, 0)) for b, a in widths]
    return ops.pad(x, widths=tuple(widths), value=0.0 if value is None else value)
