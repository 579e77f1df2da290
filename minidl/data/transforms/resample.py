"""Images at another size or turned: every new pixel is a mean of old ones near to where it comes from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, ShapeError
from minidl.random import Generator

from .base import Transform, fill_for, height_and_width, interval

INTERPOLATIONS = ("nearest", "bilinear")


class Resize(Transform):
    """Images at another size.

    Shapes: (…, H, W) → (…, size[0], size[1])
    Args:
        size: (height, width); or one number, for the shorter side, and the longer one follows in proportion.
        interpolation: `"bilinear"` or `"nearest"`.
        antialias: when shrinking, take the mean of all old pixels that a new one covers, not just of its neighbours.
    """

    def __init__(self, size: Any, interpolation: str = "bilinear", antialias: bool = True) -> None:
        both = height_and_width("Resize", size)
        self.size = both if isinstance(size, tuple | list) and len(size) == 2 else both[:1]
        self.interpolation, self.antialias = _interpolation("Resize", interpolation), antialias

    def apply(self, x: np.ndarray) -> np.ndarray:
        h, w = x.shape[-2:]
        size = self.size
        if len(size) == 1:  # (short, long) in proportion
            size = (size[0], int(size[0] * w / h)) if h <= w else (int(size[0] * h / w), size[0])
        return resize(x, size, self.interpolation, self.antialias)


class RandomResizedCrop(Transform):
    """A window of random area and proportions, brought to one size: how networks for ImageNet are trained.

    Shapes: (…, H, W) → (…, size[0], size[1])
    Args:
        size: a number, or (height, width).
        scale: the window's part of the image's area, drawn from (from, to).
        ratio: its width by its height, drawn from (from, to) on a logarithmic scale.
        interpolation, antialias: as in Resize.
    Source: C. Szegedy et al., Going deeper with convolutions (2015), section 6; of ten attempts none may fit, and then
        it is the largest window in the middle that has such proportions.
    """

    def __init__(
        self,
        size: Any,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: str = "bilinear",
        antialias: bool = True,
        *,
        generator: Generator | None = None,
    ) -> None:
        name = type(self).__name__
        self.size, self.generator = height_and_width(name, size), generator
        self.scale, self.ratio = interval(name, "scale", scale, 0), interval(name, "ratio", ratio, 0)
        if self.ratio[0] == 0:
            raise ArgumentError(f"{name}: ratio: got {ratio!r}, expected numbers above 0")
        self.interpolation, self.antialias = _interpolation(name, interpolation), antialias

    def window(self, height: int, width: int) -> tuple[int, int, int, int]:
        """(top, left, height, width) of the part to take, drawn."""
        rng = self.rng
        for _ in range(10):
            area = height * width * rng.uniform(*self.scale)
            ratio = math.exp(rng.uniform(*np.log(self.ratio)))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < w <= width and 0 < h <= height:
                return int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1)), h, w
        h, w = min(height, round(width / self.ratio[0])), min(width, round(height * self.ratio[1]))
        return (height - h) // 2, (width - w) // 2, h, w

    def change(self, x: np.ndarray) -> np.ndarray:
        i, j, h, w = self.window(*x.shape[-2:])
        return resize(x[..., i : i + h, j : j + w], self.size, self.interpolation, self.antialias)


class RandomRotation(Transform):
    """Each image turned about its centre, counter-clockwise, by an angle drawn for it.

    Shapes: (…, H, W) → (…, H, W)
    Args:
        degrees: the angle is drawn from ±degrees, or from (from, to).
        interpolation: `"nearest"` or `"bilinear"`.
        fill: what comes from outside of the image: a number, or one for each channel.
    """

    def __init__(
        self, degrees: Any, interpolation: str = "nearest", fill: Any = 0, *, generator: Generator | None = None
    ) -> None:
        name = type(self).__name__
        if isinstance(degrees, int | float):
            if degrees < 0:
                raise ArgumentError(f"{name}: degrees: got {degrees!r}, expected a number ≥ 0 or (from, to)")
            degrees = (-degrees, degrees)
        self.degrees = interval(name, "degrees", degrees, -math.inf)
        self.interpolation, self.fill, self.generator = _interpolation(name, interpolation), fill, generator

    def change(self, x: np.ndarray) -> np.ndarray:
        angle = np.radians(self.rng.uniform(*self.degrees))
        i, j = _from_centre(x)
        sine, cosine = math.sin(angle), math.cos(angle)
        from_i, from_j = cosine * i + sine * j, cosine * j - sine * i
        fill = fill_for("RandomRotation", self.fill, len(x), np.float64)
        return sample_at(x[None], from_i[None], from_j[None], self.interpolation, fill)[0]


class RandomAffine(Transform):
    """Turn, shift and stretch each image, by amounts drawn anew for each.

    Math: the pixel at p comes from the place q = s R(α) p + t of the old image, with p and q counted from its centre,
    and from the four pixels around q in proportion to their nearness (bilinear interpolation). Outside is 0.
    Shapes: (…, H, W) → (…, H, W)
    Args:
        degrees: α is drawn from ±degrees. shift: both parts of t, in pixels, from ±shift. scale: s from 1 ± scale.
        generator: where the draws come from; default: see the package's head.
    """

    def __init__(
        self, degrees: float = 0.0, shift: float = 0.0, scale: float = 0.0, *, generator: Generator | None = None
    ) -> None:
        if degrees < 0 or shift < 0 or not 0 <= scale < 1:
            raise ArgumentError(
                f"RandomAffine: got degrees {degrees}, shift {shift}, scale {scale}, expected degrees and shift ≥ 0 "
                "and scale in [0, 1)"
            )
        self.degrees, self.shift, self.scale, self.generator = degrees, shift, scale, generator

    def apply(self, x: np.ndarray) -> np.ndarray:
        if x.ndim == 3:
            return self.apply(x[None])[0]
        draw = self.rng.uniform(-1, 1, (4, len(x), 1, 1))
        angle, stretch = np.radians(self.degrees) * draw[0], 1 + self.scale * draw[1]  # (N, 1, 1)
        sine, cosine = stretch * np.sin(angle), stretch * np.cos(angle)
        i, j = _from_centre(x)
        from_i = cosine * i - sine * j + self.shift * draw[2]  # (N, H, W)
        from_j = sine * i + cosine * j + self.shift * draw[3]
        return sample_at(x, from_i, from_j, "bilinear", np.zeros((1, 1, 1)))


def resize(x: np.ndarray, size: tuple[int, ...], interpolation: str = "bilinear", antialias: bool = True) -> np.ndarray:
    """Images (…, H, W) at the size (h, w).

    Math: y = A x Bᵀ, where A (h, H) and B (w, W) hold the weights of old rows and columns in new ones.
    """
    (h, w), (high, wide) = size, x.shape[-2:]
    if not (high and wide and h and w):
        raise ShapeError(f"resize: images: got {high} × {wide} pixels for {h} × {w}, expected at least 1 × 1 for both")
    if interpolation == "nearest":
        return np.ascontiguousarray(x[..., (np.arange(h) * high // h)[:, None], np.arange(w) * wide // w])
    exact = x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
    rows, columns = (triangles(*pair, antialias).astype(exact) for pair in ((h, high), (w, wide)))
    return rounded_to(rows @ x.astype(exact) @ columns.T, x.dtype)


def triangles(new: int, old: int, antialias: bool) -> np.ndarray:
    """How much of each old pixel is in each new one, (new, old): a triangle around where the new one's middle falls.

    It reaches as far as the next old pixel: linear interpolation. With antialias, when shrinking, as far as the next
    new one. At the border the rest of it is scaled up to 1.
    """
    middle = (np.arange(new)[:, None] + 0.5) * (old / new)
    reach = max(old / new, 1.0) if antialias else 1.0
    weights = np.maximum(1 - np.abs(np.arange(old) + 0.5 - middle) / reach, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def sample_at(x: np.ndarray, i: np.ndarray, j: np.ndarray, interpolation: str, fill: np.ndarray) -> np.ndarray:
    """The values of x (N, C, H, W) at the places i, j (N, H, W), counted from its centre; beyond the border, `fill`."""
    h, w = x.shape[-2:]
    i, j = i + (h - 1) / 2, j + (w - 1) / 2
    exact = x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
    fill = fill.astype(exact)
    framed = np.pad(x.astype(exact) - fill, ((0, 0), (0, 0), (1, 1), (1, 1)))
    i, j = np.clip(i, -1, h) + 1, np.clip(j, -1, w) + 1  # places in `framed`; further out it is `fill` too
    each = np.arange(len(x))[:, None, None]

    def at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return np.moveaxis(framed[each, :, row, column], -1, 1)  # (N, H, W, C) → (N, C, H, W)

    if interpolation == "nearest":
        return rounded_to(at(np.rint(i).astype(int), np.rint(j).astype(int)) + fill, x.dtype)
    top, left = np.minimum(i.astype(int), h), np.minimum(j.astype(int), w)
    down, right = (i - top).astype(exact)[:, None], (j - left).astype(exact)[:, None]  # (N, 1, H, W)
    upper = (1 - right) * at(top, left) + right * at(top, left + 1)
    lower = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
    return rounded_to((1 - down) * upper + down * lower + fill, x.dtype)


def rounded_to(y: np.ndarray, dtype: Any) -> np.ndarray:
    """Floats as numbers of this dtype: integers are rounded, and kept in their range."""
    if np.dtype(dtype).kind in "iu":
        y = np.clip(np.rint(y), np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.ascontiguousarray(y, dtype)


def _from_centre(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of pixels: (H, 1) and (W,)."""
    h, w = x.shape[-2:]
    return np.arange(h)[:, None] - (h - 1) / 2, np.arange(w) - (w - 1) / 2


def _interpolation(name: str, interpolation: str) -> str:
    if interpolation not in INTERPOLATIONS:
        raise ArgumentError(f"{name}: interpolation: got {interpolation!r}, expected 'nearest' or 'bilinear'")
    return interpolation
