"""MixUp and CutMix: which pixels come from whom, and labels in the same proportion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import minidl
from minidl.data import DataLoader, TensorDataset, collate
from minidl.data.transforms import CutMix, MixUp, RandomChoice
from minidl.random import Generator


def numbered(n=5, side=8):
    """Image i has the value i everywhere, and is of class i."""
    return np.broadcast_to(np.arange(n, dtype=np.float32).reshape(n, 1, 1, 1), (n, 2, side, side)), np.arange(n)


@pytest.mark.parametrize("kind", [MixUp, CutMix])
def test_labels_say_what_the_images_are_made_of(kind):
    """The mean of image i is λ i + (1 − λ)(i − 1), and so is the mean of its classes."""
    images, labels = numbered()
    mix = kind(alpha=1.0, num_classes=5, generator=Generator(0))
    parts = []
    for _ in range(200):
        x, p = mix(images, labels)
        assert (x.shape, x.dtype, p.shape, p.dtype) == ((5, 2, 8, 8), np.float32, (5, 5), np.float32)
        np.testing.assert_allclose(x.data.mean((1, 2, 3)), p.data @ np.arange(5), atol=1e-5)
        np.testing.assert_allclose(p.data.sum(1), 1, rtol=1e-6)
        own = p.data[2, 2]
        np.testing.assert_allclose(p.data, own * np.eye(5) + (1 - own) * np.roll(np.eye(5), 1, 0), atol=1e-6)
        parts.append(own)
    np.testing.assert_array_equal(images, numbered()[0])
    assert min(parts) < 0.5 and max(parts) > 0.9


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_parts_have_the_beta_distribution(alpha):
    images, labels = numbered(2, 1)
    mix = MixUp(alpha=alpha, num_classes=2, generator=Generator(1))
    parts = np.array([mix(images, labels)[1].data[0, 0] for _ in range(3000)])
    deviation = (1 / (4 * (2 * alpha + 1))) ** 0.5
    assert abs(parts.mean() - 0.5) < 4 * deviation / 3000**0.5
    assert abs(parts.std() - deviation) < 0.03 * deviation


def test_cutmix_pastes_one_rectangle_for_the_batch():
    images, labels = numbered(4, 16)
    mix = CutMix(num_classes=4, generator=Generator(2))
    corners = []
    for _ in range(300):
        x, p = mix(images, labels)
        pasted = x.data[1, 0] == 0
        np.testing.assert_array_equal(x.data[3, 1] == 2, pasted)
        np.testing.assert_array_equal(x.data[0, 0] == 3, pasted)  # the first gets the last one's
        assert pasted.sum() == pasted.any(0).sum() * pasted.any(1).sum()
        np.testing.assert_allclose(p.data[1, 0], pasted.mean(), atol=1e-6)
        corners.append(pasted[0, 0])
    assert 0.05 < np.mean(corners) < 0.6


class Batch(NamedTuple):
    images: minidl.Tensor
    labels: minidl.Tensor


def test_probabilities_named_tuples_and_dtypes():
    images, labels = numbered()
    soft = np.eye(5)[labels]
    x, p = MixUp(generator=Generator(3))(images.astype(np.float64), soft)
    assert (x.dtype, p.dtype) == (np.float64, np.float64)
    batch = MixUp(num_classes=5)(Batch(minidl.tensor(images), minidl.tensor(labels)))
    assert isinstance(batch, Batch) and batch.labels.shape == (5, 5)


def test_in_a_loader():
    images, labels = numbered(8)
    mix = RandomChoice([CutMix(num_classes=8), MixUp(num_classes=8)])
    by_transform = DataLoader(TensorDataset(images, labels), 4, transform=mix, generator=Generator(0))
    items = list(zip(images, labels, strict=True))
    by_collate = DataLoader(items, 4, collate_fn=lambda batch: mix(collate(batch)), generator=Generator(0))
    for (x, p), (x2, p2) in zip(by_transform, by_collate, strict=True):
        np.testing.assert_array_equal(x.data, x2.data)
        np.testing.assert_array_equal(p.data, p2.data)
        assert p.shape == (4, 8)


class Fixed(Generator):
    """λ, and the rectangle's middle, as given."""

    def __init__(self, part, *middle):
        self.part, self.middle, self.numpy = part, list(middle), self

    def beta(self, a, b):
        return self.part

    def integers(self, high):
        return self.middle.pop(0)


@pytest.mark.parametrize(
    ("middle", "rows", "columns"), [((8, 8), (4, 12), (4, 12)), ((1, 15), (0, 5), (11, 16)), ((0, 4), (0, 4), (0, 8))]
)
def test_cutmix_has_sides_as_the_paper_says(middle, rows, columns):
    """λ = 3/4: half of each side, cut off at the border, and labels by what is left (equation 2)."""
    images, labels = numbered(2, 16)
    x, p = CutMix(num_classes=2, generator=Fixed(0.75, *middle))(images, labels)
    expected = np.ones((16, 16))
    expected[slice(*rows), slice(*columns)] = 0
    np.testing.assert_array_equal(x.data[1, 0], expected)
    np.testing.assert_allclose(p.data[1], [1 - expected.mean(), expected.mean()])
