"""What a transform is, and transforms made of transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minidl.data.streams import numpy_stream
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.random import Generator
from minidl.tensor import Tensor


class Transform:
    """The base of transforms of images: define `change`, which gets one image (C, H, W) and returns a new one.

    A transform that draws takes its numbers from `self.rng`. One for which images need not be taken one by one defines
    `apply` instead, which gets (C, H, W) or (N, C, H, W).
    """

    generator: Generator | None = None

    @property
    def rng(self) -> np.random.Generator:
        """The stream to draw from: `self.generator`, else the current one."""
        return numpy_stream(self.generator)

    def __call__(self, *inputs: Any) -> Any:
        """An image, a batch of images, or a tuple or list that begins with one; several arguments are a tuple.

        Raises:
            ShapeError: not three or four axes. DTypeError: no array.
        """
        if not inputs:
            raise ArgumentError(f"{type(self).__name__}: got nothing to change")
        return self.call(inputs[0] if len(inputs) == 1 else inputs)

    def call(self, sample: Any) -> Any:
        """The same, of one sample."""
        if isinstance(sample, tuple | list):
            parts = [self.call(sample[0]), *sample[1:]]
            return type(sample)(*parts) if hasattr(sample, "_fields") else type(sample)(parts)
        if isinstance(sample, Tensor):
            return Tensor(self.apply(self.checked(sample.data)))
        return self.apply(self.checked(sample))

    def checked(self, x: Any) -> np.ndarray:
        """The array that `apply` gets."""
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "biuf":
            raise DTypeError(
                f"{type(self).__name__}: images: got {describe(x)}, expected an array of numbers in main memory",
                fix="transform images before they go to a GPU" if hasattr(x, "__cuda_array_interface__") else "",
            )
        if x.ndim not in (3, 4):
            raise ShapeError(
                f"{type(self).__name__}: images: got shape {x.shape}, expected (C, H, W) or (N, C, H, W)",
                fix="add the axis of channels: x[None]" if x.ndim == 2 else "",
            )
        return x

    def apply(self, x: np.ndarray) -> np.ndarray:
        if x.ndim == 3:
            return self.change(x)
        if not len(x):
            return self.change(np.zeros(x.shape[1:], x.dtype))[None][:0]
        return np.stack([self.change(image) for image in x])

    def change(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} has no change(); write one")

    def __repr__(self) -> str:
        shown = (bool, int, float, str, tuple, list)
        options = {k: v for k, v in vars(self).items() if not k.startswith("_") and isinstance(v, shown)}
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in options.items())})"


class Compose:
    """Transforms one after the other.

    Args:
        transforms: anything that can be called with what the one before returns.
    """

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        self.transforms = _callables("Compose", transforms)

    def __call__(self, *inputs: Any) -> Any:
        sample = inputs[0] if len(inputs) == 1 else inputs
        for each in self.transforms:
            sample = each(sample)
        return sample

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", *(f"      {each}" for each in self.transforms), ")"])


class RandomApply(Transform):
    """A list of transforms, applied with probability p or left out; for each image of a batch by itself.

    Args:
        transforms: one after the other. p: the probability. generator: decides whether, not what they draw.
    """

    def __init__(
        self, transforms: Sequence[Callable[..., Any]], p: float = 0.5, *, generator: Generator | None = None
    ) -> None:
        self.transforms = _callables("RandomApply", transforms)
        self.p, self.generator = probability("RandomApply", p), generator

    def change(self, x: np.ndarray) -> np.ndarray:
        return Compose(self.transforms)(x) if self.rng.random() < self.p else x


class RandomChoice:
    """One of several transforms, drawn at each call, for all that the call gets: such as MixUp or CutMix.

    Args:
        transforms: of which one is applied. p: their probabilities, in proportion; default: all alike.
    """

    def __init__(
        self,
        transforms: Sequence[Callable[..., Any]],
        p: Sequence[float] | None = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        self.transforms, self.generator = _callables("RandomChoice", transforms), generator
        self.p = [1.0] * len(self.transforms) if p is None else list(p)
        if not self.transforms or len(self.p) != len(self.transforms) or not sum(self.p) > 0 or min(self.p) < 0:
            raise ArgumentError(f"RandomChoice: p: got {p}, expected {len(self.transforms)} numbers ≥ 0, not all 0")

    def __call__(self, *inputs: Any) -> Any:
        which = numpy_stream(self.generator).choice(len(self.p), p=np.array(self.p) / sum(self.p))
        return self.transforms[which](*inputs)


class Lambda:
    """A function as a transform; it gets what it is given, tuples and all.

    Args:
        lambd: the function.
    """

    def __init__(self, lambd: Callable[..., Any]) -> None:
        (self.lambd,) = _callables("Lambda", [lambd])

    def __call__(self, *inputs: Any) -> Any:
        return self.lambd(*inputs)

    def __repr__(self) -> str:
        return f"Lambda({getattr(self.lambd, '__name__', self.lambd)})"


def probability(name: str, p: float) -> float:
    """A checked p."""
    if not isinstance(p, int | float) or not 0 <= p <= 1:
        raise ArgumentError(f"{name}: p: got {p!r}, expected a probability, 0 to 1")
    return p


def height_and_width(name: str, size: Any) -> tuple[int, int]:
    """A checked size: one number for both, or (height, width)."""
    sizes = (size,) if isinstance(size, int) else tuple(size) if isinstance(size, tuple | list) else ()
    if len(sizes) not in (1, 2) or not all(isinstance(each, int | np.integer) and each > 0 for each in sizes):
        raise ArgumentError(f"{name}: size: got {size!r}, expected a whole number ≥ 1 or (height, width)")
    return int(sizes[0]), int(sizes[-1])


def interval(name: str, argument: str, value: Any, low: float) -> tuple[float, float]:
    """A checked range (from, to) with both from `low` on."""
    if not isinstance(value, tuple | list) or len(value) != 2 or not low <= value[0] <= value[1]:
        raise ArgumentError(f"{name}: {argument}: got {value!r}, expected (from, to) with {low} ≤ from ≤ to")
    return float(value[0]), float(value[1])


def fill_for(name: str, fill: Any, channels: int, dtype: Any) -> np.ndarray:
    """What fills new pixels, (C, 1, 1): a number, or one for each channel."""
    values = np.asarray(fill, np.float64).reshape(-1)
    if values.size not in (1, channels):
        raise ArgumentError(f"{name}: fill: got {fill!r}, expected a number or one for each of {channels} channels")
    return np.broadcast_to(values, channels).astype(dtype)[:, None, None]


def _callables(name: str, transforms: Any) -> list[Callable[..., Any]]:
    wrong = (
        transforms
        if not isinstance(transforms, list | tuple)
        else next((each for each in transforms if not callable(each)), None)
    )
    if wrong is not None:
        raise DTypeError(f"{name}: got {describe(wrong)}, expected a list of things that can be called")
    return list(transforms)
