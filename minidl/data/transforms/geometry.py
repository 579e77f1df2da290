"""Pixels moved, left out and added, but never mixed: flips, crops, borders, and a patch erased."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, ShapeError
from minidl.random import Generator

from .base import Transform, fill_for, height_and_width, interval, probability

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


class RandomHorizontalFlip(Transform):
    """Left and right exchanged, with probability p.

    Shapes: (…, H, W) → (…, H, W)
    """

    def __init__(self, p: float = 0.5, *, generator: Generator | None = None) -> None:
        self.p, self.generator = probability(type(self).__name__, p), generator

    def change(self, x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x[..., ::-1]) if self.rng.random() < self.p else x


class RandomVerticalFlip(RandomHorizontalFlip):
    """Up and down exchanged, with probability p.

    Shapes: (…, H, W) → (…, H, W)
    """

    def change(self, x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x[..., ::-1, :]) if self.rng.random() < self.p else x


class Pad(Transform):
    """A border added.

    Shapes: (…, H, W) → (…, top + H + bottom, left + W + right)
    Args:
        padding: one width for all sides; (left and right, top and bottom); or (left, top, right, bottom).
        fill: the new pixels' value, or one for each channel.
        padding_mode: `"constant"`: `fill`; `"edge"`: the nearest pixel; `"reflect"`: the image mirrored at its
            outermost pixels; `"symmetric"`: the same, and these repeated.
    """

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        self.padding, self.fill = sides("Pad", padding), fill
        self.padding_mode = _mode("Pad", padding_mode)

    def apply(self, x: np.ndarray) -> np.ndarray:
        return pad("Pad", x, self.padding, self.fill, self.padding_mode)


class CenterCrop(Transform):
    """The middle of the image; of an image that is smaller, all of it in a border of zeros.

    Shapes: (…, H, W) → (…, size[0], size[1])
    """

    def __init__(self, size: Any) -> None:
        self.size = height_and_width("CenterCrop", size)

    def apply(self, x: np.ndarray) -> np.ndarray:
        h, w = self.size
        high, wide = max(h - x.shape[-2], 0), max(w - x.shape[-1], 0)
        if high or wide:
            x = pad("CenterCrop", x, (wide // 2, high // 2, (wide + 1) // 2, (high + 1) // 2), 0, "constant")
        top, left = round((x.shape[-2] - h) / 2), round((x.shape[-1] - w) / 2)
        return x[..., top : top + h, left : left + w].copy()


class RandomCrop(Transform):
    """A window of the image at a random place; with a border around the image, this shifts it.

    Shapes: (…, H, W) → (…, size[0], size[1])
    Args:
        size: of the window: a number, or (height, width).
        padding: added before, as in Pad; None: nothing.
        pad_if_needed: add what is missing if the image is smaller than the window, on both sides.
        fill, padding_mode: as in Pad.
    Raises:
        ShapeError: an image smaller than the window.
    """

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
        *,
        generator: Generator | None = None,
    ) -> None:
        self.size = height_and_width("RandomCrop", size)
        self.padding = None if padding is None else sides("RandomCrop", padding)
        self.pad_if_needed, self.fill, self.generator = pad_if_needed, fill, generator
        self.padding_mode = _mode("RandomCrop", padding_mode)

    def change(self, x: np.ndarray) -> np.ndarray:
        (h, w), old = self.size, x.shape
        left, top, right, bottom = self.padding or (0, 0, 0, 0)
        if self.pad_if_needed:
            high, wide = max(h - old[-2] - top - bottom, 0), max(w - old[-1] - left - right, 0)
            left, top, right, bottom = left + wide, top + high, right + wide, bottom + high
        if left or top or right or bottom:
            x = pad("RandomCrop", x, (left, top, right, bottom), self.fill, self.padding_mode)
        if x.shape[-2] < h or x.shape[-1] < w:
            raise ShapeError(
                f"RandomCrop: images: got {old[-2]} × {old[-1]} pixels, expected at least {h} × {w}",
                fix="pass padding=, pad_if_needed=True, or a smaller size",
            )
        i, j = self.rng.integers(x.shape[-2] - h + 1), self.rng.integers(x.shape[-1] - w + 1)
        return x[..., i : i + h, j : j + w].copy()


class RandomErasing(Transform):
    """A rectangle at a random place overwritten, with probability p.

    Shapes: (…, H, W) → (…, H, W)
    Args:
        p: the probability.
        scale: the rectangle's part of the image's area, drawn from (from, to).
        ratio: its height by its width, drawn from (from, to) on a logarithmic scale.
        value: what is written: a number, one for each channel, or `"random"`: normal noise.
    Source: Z. Zhong, L. Zheng, G. Kang, S. Li, Y. Yang, Random erasing data augmentation (2017), algorithm 1, with ten
        attempts at a rectangle that fits.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: Any = 0,
        *,
        generator: Generator | None = None,
    ) -> None:
        name = type(self).__name__
        self.p, self.value, self.generator = probability(name, p), value, generator
        self.scale, self.ratio = interval(name, "scale", scale, 0), interval(name, "ratio", ratio, 0)
        if self.scale[1] > 1:
            raise ArgumentError(f"{name}: scale: got {scale!r}, expected parts of the image, at most 1")
        if self.ratio[0] == 0:
            raise ArgumentError(f"{name}: ratio: got {ratio!r}, expected numbers above 0")
        if isinstance(value, str) and value != "random":
            raise ArgumentError(f"{name}: value: got {value!r}, expected a number, one for each channel, or 'random'")

    def change(self, x: np.ndarray) -> np.ndarray:
        rng = self.rng
        if rng.random() >= self.p:
            return x
        height, width = x.shape[-2:]
        for _ in range(10):
            area = height * width * rng.uniform(*self.scale)
            ratio = math.exp(rng.uniform(*np.log(self.ratio)))
            h, w = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if h < height and w < width:
                i, j = rng.integers(height - h + 1), rng.integers(width - w + 1)
                y = x.copy()
                if isinstance(self.value, str):
                    y[:, i : i + h, j : j + w] = rng.normal(size=(len(x), h, w))
                else:
                    y[:, i : i + h, j : j + w] = fill_for("RandomErasing", self.value, len(x), x.dtype)
                return y
        return x


def pad(name: str, x: np.ndarray, padding: tuple[int, ...], fill: Any, mode: str) -> np.ndarray:
    """The images (…, H, W) in a border of (left, top, right, bottom) pixels."""
    left, top, right, bottom = padding
    widths = [(0, 0)] * (x.ndim - 2) + [(top, bottom), (left, right)]
    if mode != "constant":
        return np.pad(x, widths, mode=mode)  # type: ignore[call-overload]
    h, w = x.shape[-2:]
    y = np.empty((*x.shape[:-2], top + h + bottom, left + w + right), x.dtype)
    y[...] = fill_for(name, fill, x.shape[-3], x.dtype)
    y[..., top : top + h, left : left + w] = x
    return y


def sides(name: str, padding: Any) -> tuple[int, ...]:
    """A checked border: (left, top, right, bottom)."""
    widths = (padding,) if isinstance(padding, int) else tuple(padding) if isinstance(padding, tuple | list) else ()
    if len(widths) not in (1, 2, 4) or not all(isinstance(each, int) and each >= 0 for each in widths):
        raise ArgumentError(f"{name}: padding: got {padding!r}, expected 1, 2 or 4 whole numbers ≥ 0")
    return widths * (4 // len(widths))


def _mode(name: str, mode: str) -> str:
    if mode not in PADDING_MODES:
        raise ArgumentError(f"{name}: padding_mode: got {mode!r}, expected one of {', '.join(PADDING_MODES)}")
    return mode
