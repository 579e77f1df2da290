"""Borders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minidl import ops
from minidl.errors import ArgumentError, ShapeError
from minidl.tensor import as_tensor

__all__ = [
    "pad",
]


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """A border around the last axes.

    Math: what stands where, with a border of 2 around a b c d:
        constant 0 0 | a b c d | 0 0,  reflect c b | a b c d | c b,  replicate a a | a b c d | d d,
        circular c d | a b c d | a b
    Shapes: constant: any; else all axes but the channels, and the batch if there is one: (N, C, *size) or (C, *size).
    Args:
        pad: (before, after) for the last axis, then for the one before it, and so on; below 0 it crops. Where the
            border repeats the image, "reflect" and "replicate" repeat what is cropped, "circular" what is left.
        mode: `"constant"`, `"reflect"`, `"replicate"` or `"circular"`.
        value: the border's value if it is constant, 0 by default.
    Raises:
        ArgumentError: an odd number of sizes, more of them than axes, another mode, or a value with it.
        ShapeError: axes that do not fit the mode, a border that reaches beyond what it repeats, or nothing left.
    """
    x, sizes = as_tensor(input), tuple(pad)
    if len(sizes) % 2 or len(sizes) > 2 * x.ndim:
        raise ArgumentError(f"pad: pad: got {sizes}, expected pairs (before, after) for at most {x.ndim} axes")
    pairs = [(sizes[i], sizes[i + 1]) for i in range(0, len(sizes), 2)]
    first = x.ndim - len(pairs)  # the first axis that is padded
    widths = [(0, 0)] * first + pairs[::-1]
    for axis, (before, after) in enumerate(widths):
        if x.shape[axis] + min(before, 0) + min(after, 0) < 0 and mode in ("constant", "circular"):
            raise ShapeError(f"pad: pad: {(before, after)} crops more than the {x.shape[axis]} of axis {axis}")
    if mode == "constant":
        border = tuple((max(b, 0), max(a, 0)) for b, a in widths)
        return ops.pad(_cropped(x, widths), widths=border, value=0.0 if value is None else value)
    _check(x, mode, value, first)
    if mode == "circular":
        x = _cropped(x, widths)
    for axis in range(first, x.ndim):
        before, after = (max(w, 0) for w in widths[axis])
        if before or after:
            x = _repeating(x, axis, before, after, mode)
    if mode != "circular":
        x = _cropped(x, widths)
    if 0 in x.shape[1:]:
        raise ShapeError(f"pad: pad: {sizes} leaves images of {x.shape[first:]}, which are none")
    return x


def _cropped(x: Any, widths: Sequence[tuple[int, int]]) -> Any:
    """Without what negative widths take away."""
    if all(w >= 0 for each in widths for w in each):
        return x
    return x[tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(widths, x.shape, strict=True))]


def _repeating(x: Any, axis: int, before: int, after: int, mode: str) -> Any:
    """x between copies of its own parts: what is differentiated is slices, put side by side."""
    n = x.shape[axis]

    def part(start: int, stop: int, step: int = 1) -> Any:
        return x[(slice(None),) * axis + (slice(start, stop),)][(slice(None),) * axis + (slice(None, None, step),)]

    def edge(at: int, times: int) -> Any:
        return ops.expand(part(at, at + 1), shape=(*x.shape[:axis], times, *x.shape[axis + 1 :]))

    most = {"reflect": n - 1, "circular": n}.get(mode, before + after if n else 0)
    if max(before, after) > most:
        raise ShapeError(
            f"pad: pad: got {(before, after)} for axis {axis}, expected at most {most}: {mode!r} repeats the {n} that "
            f"are there once"
        )
    if mode == "reflect":
        borders = part(1, 1 + before, -1), part(n - 1 - after, n - 1, -1)
    elif mode == "circular":
        borders = part(n - before, n), part(0, after)
    else:
        borders = edge(0, before), edge(n - 1, after)
    return ops.concatenate(borders[0], x, borders[1], axis=axis)


def _check(x: Any, mode: str, value: float | None, first: int) -> None:
    if mode not in ("reflect", "replicate", "circular"):
        raise ArgumentError(f"pad: mode: got {mode!r}, expected 'constant', 'reflect', 'replicate' or 'circular'")
    if value:
        raise ArgumentError(
            f"pad: value: got {value}, but {mode!r} takes its values from the image", fix="leave it out"
        )
    if first not in (1, 2) or not 1 <= x.ndim - first <= 3:
        raise ShapeError(
            f"pad: {mode!r} pads all axes after the channels, so that pairs for {x.ndim - first} axes take (C, …) or "
            f"(N, C, …); got shape {x.shape}",
            fix="give sizes for every axis but the channels, 0 where there is no border",
        )
