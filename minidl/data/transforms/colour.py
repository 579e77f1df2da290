"""The values of pixels: as floats, normalized, in other colours, with noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import DEFAULT
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.random import Generator
from minidl.tensor import Tensor

from .base import Transform, interval
from .resample import rounded_to

GREY = np.array([0.2989, 0.587, 0.114])  # how bright red, green and blue look: ITU-R BT.601
ALMOST_256 = 256 - 1e-3  # by which 1.0 becomes 255, and each of the 256 values has an equal part of [0, 1]


class ToTensor(Transform):
    """An image as cameras and Pillow have it, channels last, to a Tensor with the channels first.

    Shapes: (H, W, C) or (H, W) → (C, H, W). A batch (N, H, W, C) → (N, C, H, W)
    dtypes: uint8 → float32, divided by 255; others keep theirs. For images whose channels come first: `ToDtype`.
    """

    def call(self, sample: Any) -> Any:
        if isinstance(sample, tuple | list):
            return super().call(sample)
        x = np.asarray(sample.data if isinstance(sample, Tensor) else sample)
        if x.ndim not in (2, 3, 4) or x.dtype.kind not in "buif":
            raise ShapeError(f"ToTensor: images: got {describe(x)}, expected (H, W), (H, W, C) or (N, H, W, C)")
        x = np.moveaxis(x if x.ndim > 2 else x[:, :, None], -1, -3)
        return Tensor(np.ascontiguousarray(to_dtype(x, DEFAULT, True) if x.dtype == np.uint8 else x))


class ToDtype(Transform):
    """Another dtype.

    Args:
        dtype: the new one.
        scale: whether 0 to 255 of uint8 becomes 0 to 1 of floats, and back.
    """

    def __init__(self, dtype: Any = DEFAULT, scale: bool = False) -> None:
        self.scale = scale
        try:
            self.dtype = np.dtype(dtype)
        except TypeError as error:
            raise DTypeError(f"ToDtype: dtype: got {describe(dtype)}, expected a dtype such as 'float32'") from error
        if scale and self.dtype != np.uint8 and self.dtype.kind != "f":
            raise ArgumentError(f"ToDtype: scale: got True for {self.dtype}, expected uint8 or floats to scale to")

    def apply(self, x: np.ndarray) -> np.ndarray:
        return to_dtype(x, self.dtype, self.scale)


class Normalize(Transform):
    """From every channel its mean taken away, and divided by its standard deviation.

    Shapes: (…, C, H, W) → (…, C, H, W)
    Args:
        mean, std: one number for each channel, in the scale of the images.
    Raises:
        DTypeError: images of integers. ArgumentError: a standard deviation of 0; not as many numbers as channels.
    """

    def __init__(self, mean: Any, std: Any) -> None:
        self.mean, self.std = (np.asarray(each, np.float64).reshape(-1).tolist() for each in (mean, std))
        if not all(self.std):
            raise ArgumentError(f"Normalize: std: got {self.std}, expected numbers other than 0")

    def apply(self, x: np.ndarray) -> np.ndarray:
        check_floats("Normalize", x)
        for name, each in (("mean", self.mean), ("std", self.std)):
            if len(each) not in (1, x.shape[-3]):
                raise ArgumentError(f"Normalize: {name}: got {len(each)} numbers, expected {x.shape[-3]}, the channels")
        mean, std = (np.array(each, x.dtype)[:, None, None] for each in (self.mean, self.std))
        return (x - mean) / std


class Grayscale(Transform):
    """Brightness instead of colour.

    Math: 0.2989 R + 0.587 G + 0.114 B
    Shapes: (…, 3, H, W) → (…, num_output_channels, H, W); an image with one channel keeps its values
    Args:
        num_output_channels: 1, or 3 that are alike.
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        if num_output_channels not in (1, 3):
            raise ArgumentError(f"Grayscale: num_output_channels: got {num_output_channels!r}, expected 1 or 3")
        self.num_output_channels = num_output_channels

    def apply(self, x: np.ndarray) -> np.ndarray:
        grey_ = rounded_to(grey("Grayscale", x), x.dtype)
        return np.repeat(grey_, self.num_output_channels, axis=-3)


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed, in random order, each by a factor drawn for the image.

    Math: brightness: b x; contrast: c x + (1 − c) mean(grey x); saturation: s x + (1 − s) grey x; hue: the angle in HSV
        plus h turns. After each, values are cut off at 0 and 1 (uint8: 255).
    Shapes: (3, H, W) → (3, H, W); with one channel, saturation and hue change nothing
    Args:
        brightness, contrast, saturation: a factor from [max(0, 1 − a), 1 + a], or from (from, to).
        hue: a part of the circle from ±hue, at most 0.5; or from (from, to).
    """

    def __init__(
        self,
        brightness: Any = 0,
        contrast: Any = 0,
        saturation: Any = 0,
        hue: Any = 0,
        *,
        generator: Generator | None = None,
    ) -> None:
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)
        self.hue = _factors("hue", hue, middle=0.0)
        self.generator = generator

    def change(self, x: np.ndarray) -> np.ndarray:
        rng = self.rng
        if len(x) not in (1, 3):
            raise ShapeError(f"ColorJitter: images: got {len(x)} channels, expected 1 or 3")
        if x.dtype != np.uint8:
            check_floats("ColorJitter", x)
        y = x / np.float32(255) if x.dtype == np.uint8 else x
        for which in rng.permutation(4):
            change, factors = self._changes()[which]
            if factors is not None:
                y = np.clip(change(y, y.dtype.type(rng.uniform(*factors))), 0, 1)
        return rounded_to(255 * y, x.dtype) if x.dtype == np.uint8 else y

    def _changes(self) -> Any:
        return (
            (adjust_brightness, self.brightness),
            (adjust_contrast, self.contrast),
            (adjust_saturation, self.saturation),
            (adjust_hue, self.hue),
        )


class GaussianNoise(Transform):
    """Normal noise added to every pixel.

    Args:
        mean, sigma: of the noise. clip: keep values between 0 and 1.
    Raises:
        DTypeError: images of integers.
    """

    def __init__(
        self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True, *, generator: Generator | None = None
    ) -> None:
        if sigma < 0:
            raise ArgumentError(f"GaussianNoise: sigma: got {sigma!r}, expected a number ≥ 0")
        self.mean, self.sigma, self.clip, self.generator = mean, sigma, clip, generator

    def apply(self, x: np.ndarray) -> np.ndarray:
        check_floats("GaussianNoise", x)
        y = x + self.rng.normal(self.mean, self.sigma, x.shape).astype(x.dtype)
        return np.clip(y, 0, 1) if self.clip else y


def adjust_brightness(x: np.ndarray, factor: Any) -> np.ndarray:
    """Nearer to black, or further away."""
    return factor * x


def adjust_contrast(x: np.ndarray, factor: Any) -> np.ndarray:
    """Nearer to the mean grey, or further away."""
    return factor * x + (1 - factor) * grey("ColorJitter", x).mean()


def adjust_saturation(x: np.ndarray, factor: Any) -> np.ndarray:
    """Nearer to each pixel's grey, or further away."""
    return factor * x + (1 - factor) * grey("ColorJitter", x)


def adjust_hue(x: np.ndarray, turns: Any) -> np.ndarray:
    """The hue's angle turned, in HSV.

    Math: with V = max, C = V − min, S = C / V and the hue h in sixths of a circle, channel n of 5, 3, 1 (for red,
        green, blue) is V − C · clip(min(k, 4 − k), 0, 1) with k = (n + h) mod 6.
    Source: A. R. Smith, Color gamut transform pairs (1978), in the form without cases.
    """
    if len(x) == 1:
        return x
    red, green, blue = x
    value = x.max(axis=0)
    chroma = value - x.min(axis=0)
    safe = np.where(chroma > 0, chroma, 1)
    sixths = np.select(
        [value == red, value == green],
        [(green - blue) / safe, 2 + (blue - red) / safe],
        4 + (red - green) / safe,
    )
    k = np.mod(np.array([5, 3, 1])[:, None, None] + sixths + 6 * turns, 6)
    return (value - chroma * np.clip(np.minimum(k, 4 - k), 0, 1)).astype(x.dtype)


def grey(name: str, x: np.ndarray) -> np.ndarray:
    """Brightness, (…, 1, H, W), not rounded."""
    if x.shape[-3] == 1:
        return x
    if x.shape[-3] != 3:
        raise ShapeError(f"{name}: images: got {x.shape[-3]} channels, expected 3 (red, green, blue) or 1")
    weights = GREY.astype(x.dtype if x.dtype.kind == "f" else np.float32)
    return (weights[:, None, None] * x).sum(axis=-3, keepdims=True)


def to_dtype(x: np.ndarray, dtype: Any, scale: bool) -> np.ndarray:
    """Another dtype; scaled between 0 … 255 and 0 … 1 if asked for."""
    dtype = np.dtype(dtype)
    if scale and x.dtype == np.uint8 and dtype.kind == "f":
        return x.astype(dtype) / dtype.type(255)
    if scale and x.dtype.kind == "f" and dtype == np.uint8:
        return (np.clip(x, 0, 1) * x.dtype.type(ALMOST_256)).astype(dtype)
    if scale and x.dtype.kind != dtype.kind:
        raise DTypeError(f"ToDtype: images: got {x.dtype}, which has no scale to {dtype}", fix="pass scale=False")
    return x.astype(dtype)


def check_floats(name: str, x: np.ndarray) -> None:
    """An error for images of integers."""
    if x.dtype.kind != "f":
        raise DTypeError(
            f"{name}: images: got {describe(x)}, expected floats", fix="put ToDtype('float32', scale=True) before it"
        )


def _factors(argument: str, value: Any, middle: float = 1.0) -> tuple[float, float] | None:
    """The range to draw from; None: nothing to do."""
    low, high = (0.0, np.inf) if middle else (-0.5, 0.5)
    if isinstance(value, int | float):
        if not 0 <= value <= high:
            raise ArgumentError(f"ColorJitter: {argument}: got {value!r}, expected a number from 0 to {high}")
        value = (max(middle - value, low), middle + value)
    drawn = interval("ColorJitter", argument, value, low)
    if drawn[1] > high:
        raise ArgumentError(f"ColorJitter: {argument}: got {value!r}, expected at most {high}")
    return None if drawn == (middle, middle) else drawn
