"""Images of a batch mixed with one another, and their labels in the same proportion.

Both are for a whole batch of (images, labels): pass them as `transform=` of a DataLoader, or call them on what
`collate` returns. The labels become probabilities, which cross-entropy takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.array import DEFAULT
from minidl.data.streams import numpy_stream
from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError, describe
from minidl.random import Generator
from minidl.tensor import Tensor


class _Mixing:
    """What MixUp and CutMix share: the batch taken apart, λ drawn, labels as probabilities."""

    def __init__(
        self, *, alpha: float = 1.0, num_classes: int | None = None, generator: Generator | None = None
    ) -> None:
        name = type(self).__name__
        if not isinstance(alpha, int | float) or not alpha > 0:
            raise ArgumentError(f"{name}: alpha: got {alpha!r}, expected a number above 0")
        if num_classes is not None and (not isinstance(num_classes, int) or num_classes < 1):
            raise ArgumentError(f"{name}: num_classes: got {num_classes!r}, expected a whole number ≥ 1")
        self.alpha, self.num_classes, self.generator = float(alpha), num_classes, generator

    def __call__(self, *inputs: Any) -> Any:
        """(images, labels) → (images, probabilities); as one tuple or as two arguments.

        Shapes: (N, C, H, W) and integers (N,) or probabilities (N, K) → (N, C, H, W) and (N, K)
        Raises:
            DTypeError: no pair; images that are not floats. ShapeError: sizes that do not fit.
            ArgumentError: integers as labels, without num_classes. LabelError: one out of range.
        """
        name = type(self).__name__
        sample = inputs[0] if len(inputs) == 1 else inputs
        if not isinstance(sample, tuple | list) or len(sample) != 2:
            raise DTypeError(f"{name}: got {describe(sample)}, expected a pair (images, labels)")
        x, labels = (part.data if isinstance(part, Tensor) else np.asarray(part) for part in sample)
        if x.dtype.kind != "f":
            raise DTypeError(
                f"{name}: images: got {describe(x)}, expected floats",
                fix="put ToDtype('float32', scale=True) before it",
            )
        if x.ndim != 4 or len(labels) != len(x):
            raise ShapeError(
                f"{name}: got images {x.shape} and labels {labels.shape}, expected (N, C, H, W) and N labels",
                fix="mix batches, not items: pass it as transform= of the DataLoader",
            )
        rng = numpy_stream(self.generator)
        mixed, part = self.mix(x, float(rng.beta(self.alpha, self.alpha)), rng)
        p = self.probabilities(labels)
        pair = (Tensor(mixed), Tensor((part * p + (1 - part) * np.roll(p, 1, axis=0)).astype(p.dtype)))
        kind: Any = type(sample)
        return kind(*pair) if hasattr(sample, "_fields") else kind(pair)

    def mix(self, x: np.ndarray, part: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Each image with the one before it, and how much of the result is its own."""
        raise NotImplementedError

    def probabilities(self, labels: np.ndarray) -> np.ndarray:
        name = type(self).__name__
        if labels.ndim == 2 and labels.dtype.kind == "f":
            if self.num_classes not in (None, labels.shape[1]):
                raise ShapeError(f"{name}: labels: got {labels.shape}, expected (N, {self.num_classes})")
            return labels
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise DTypeError(f"{name}: labels: got {describe(labels)}, expected integers (N,) or probabilities (N, K)")
        if self.num_classes is None:
            raise ArgumentError(
                f"{name}: num_classes: got None for labels {describe(labels)}", fix="say how many classes there are"
            )
        outside = labels[(labels < 0) | (labels >= self.num_classes)]
        if outside.size:
            raise LabelError(f"{name}: labels: got {outside[0]}, expected 0 to {self.num_classes - 1}")
        return np.eye(self.num_classes, dtype=DEFAULT)[labels]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self.alpha}, num_classes={self.num_classes})"


class MixUp(_Mixing):
    """Each image as a mean of itself and the one before it.

    Math: x̃ᵢ = λ xᵢ + (1 − λ) xᵢ₋₁, and so the labels; λ ~ Beta(α, α), one for the batch
    Args:
        alpha: α; 1: λ is uniform, smaller: images stay nearly as they are, larger: halves.
        num_classes: needed if the labels are integers.
    Source: H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz, mixup: beyond empirical risk minimization (2018).
    """

    def mix(self, x: np.ndarray, part: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        own = x.dtype.type(part)
        return own * x + (1 - own) * np.roll(x, 1, axis=0), part


class CutMix(_Mixing):
    """A rectangle of each image taken from the one before it.

    Math: the rectangle has sides √(1 − λ) of the image's and its middle anywhere, so that a part of it may lie outside;
        labels are mixed by the area that it really covers. λ ~ Beta(α, α), one for the batch
    Args:
        alpha: α. num_classes: needed if the labels are integers.
    Source: S. Yun et al., CutMix: regularization strategy to train strong classifiers with localizable features (2019).
    """

    def mix(self, x: np.ndarray, part: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        h, w = x.shape[-2:]
        i, j = int(rng.integers(h)), int(rng.integers(w))
        half = 0.5 * (1 - part) ** 0.5
        top, bottom = max(i - int(half * h), 0), min(i + int(half * h), h)
        left, right = max(j - int(half * w), 0), min(j + int(half * w), w)
        y = x.copy()
        y[..., top:bottom, left:right] = np.roll(x, 1, axis=0)[..., top:bottom, left:right]
        return y, 1 - (bottom - top) * (right - left) / (h * w)
