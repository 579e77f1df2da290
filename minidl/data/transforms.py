"""Images changed a little at random, so that a model sees more than the data holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.errors import ArgumentError, ShapeError
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor


class RandomAffine:
    """Turn, shift and stretch each image of a batch, by amounts drawn anew for each.

    Math: the pixel at p comes from the place q = s R(α) p + t of the old image, with p and q counted from its centre,
    and from the four pixels around q in proportion to their nearness (bilinear interpolation). Outside is 0.
    Shapes: (N, C, H, W) → (N, C, H, W)
    Args:
        degrees: α is drawn from ±degrees. shift: both parts of t, in pixels, from ±shift. scale: s from 1 ± scale.
        generator: where the draws come from; default: the library's stream.
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

    def __call__(self, images: Any) -> Tensor:
        x = images.data if isinstance(images, Tensor) else np.asarray(images)
        if x.ndim != 4:
            raise ShapeError(f"RandomAffine: images: got shape {x.shape}, expected (N, C, H, W)")
        n, _, h, w = x.shape
        draw = (self.generator or default_generator).numpy.uniform(-1, 1, (4, n, 1, 1))
        angle, stretch = np.radians(self.degrees) * draw[0], 1 + self.scale * draw[1]  # (N, 1, 1)
        sine, cosine = stretch * np.sin(angle), stretch * np.cos(angle)
        centre_i, centre_j = (h - 1) / 2, (w - 1) / 2
        i, j = np.arange(h)[:, None] - centre_i, np.arange(w) - centre_j  # (H, 1), (W,)
        from_i = cosine * i - sine * j + self.shift * draw[2] + centre_i  # (N, H, W)
        from_j = sine * i + cosine * j + self.shift * draw[3] + centre_j
        return Tensor(_interpolate(x, from_i, from_j))


def _interpolate(x: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """The values of x (N, C, H, W) at the places i, j (N, H, W), between pixels and beyond the border."""
    h, w = x.shape[2:]
    framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    i, j = np.clip(i, -1, h) + 1, np.clip(j, -1, w) + 1  # places in `framed`; further out it is 0 too
    top, left = np.minimum(i.astype(int), h), np.minimum(j.astype(int), w)
    down, right = (i - top).astype(x.dtype)[:, None], (j - left).astype(x.dtype)[:, None]  # (N, 1, H, W)
    each = np.arange(len(x))[:, None, None]

    def at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return np.moveaxis(framed[each, :, row, column], -1, 1)  # (N, H, W, C) → (N, C, H, W)

    upper = (1 - right) * at(top, left) + right * at(top, left + 1)
    lower = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
    return np.ascontiguousarray((1 - down) * upper + down * lower)
