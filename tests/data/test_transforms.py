"""What holds for all transforms, and transforms made of transforms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import minidl
from minidl.data import transforms as T
from minidl.random import Generator

RANDOM = {
    "horizontal flip": lambda g: T.RandomHorizontalFlip(generator=g),
    "vertical flip": lambda g: T.RandomVerticalFlip(generator=g),
    "crop": lambda g: T.RandomCrop(5, 2, generator=g),
    "erasing": lambda g: T.RandomErasing(0.9, generator=g),
    "erasing with noise": lambda g: T.RandomErasing(0.9, value="random", generator=g),
    "rotation": lambda g: T.RandomRotation(30, "bilinear", generator=g),
    "affine": lambda g: T.RandomAffine(10, 1, 0.1, generator=g),
    "resized crop": lambda g: T.RandomResizedCrop(5, generator=g),
    "jitter": lambda g: T.ColorJitter(0.4, 0.4, 0.4, 0.2, generator=g),
    "noise": lambda g: T.GaussianNoise(generator=g),
    "apply": lambda g: T.RandomApply([T.Pad(1), T.CenterCrop((6, 7)), lambda x: 1 - x], generator=g),
}
FIXED = {
    "centre": T.CenterCrop(4),
    "centre of more": T.CenterCrop(9),
    "pad": T.Pad((1, 2), fill=0.5),
    "resize": T.Resize(4),
    "normalize": T.Normalize([0.5, 0.4, 0.3], [0.2, 0.2, 0.1]),
    "grey": T.Grayscale(3),
    "float64": T.ToDtype("float64"),
    "compose": T.Compose([T.Pad(1), T.Grayscale()]),
}


@pytest.fixture
def images(rng):
    return rng.uniform(size=(6, 3, 6, 7)).astype(np.float32)


@pytest.mark.parametrize("name", RANDOM)
def test_random_ones(name, images):
    """The same seed, the same result; each image of a batch for itself; the input stays; Tensors give Tensors."""
    make, before = RANDOM[name], images.copy()
    images.flags.writeable = False
    result = make(Generator(3))(images)
    np.testing.assert_array_equal(images, before)
    assert result.dtype == np.float32
    again = make(Generator(3))(minidl.tensor(images))
    assert isinstance(again, minidl.Tensor)
    np.testing.assert_array_equal(again.data, result)
    minidl.manual_seed(3)
    np.testing.assert_array_equal(make(None)(images), result)
    same = make(Generator(4))(np.repeat(images[:1], 24, axis=0))
    assert len(np.unique(same.reshape(24, -1), axis=0)) > 1
    assert make(Generator(0))(images[0]).shape == result.shape[1:]
    assert make(Generator(0))(images[:0]).shape == (0, *result.shape[1:])


@pytest.mark.parametrize("name", FIXED)
def test_fixed_ones_treat_a_batch_as_its_images(name, images):
    before = images.copy()
    batch = FIXED[name](images)
    np.testing.assert_array_equal(images, before)
    assert not np.shares_memory(batch, images)
    for image, result in zip(images, batch, strict=True):
        np.testing.assert_allclose(FIXED[name](image), result, rtol=1e-6)


class Item(NamedTuple):
    image: np.ndarray
    label: int


def test_what_comes_with_an_image_passes(images):
    pad = T.Pad(1)
    image, label, rest = pad(images[0], 3, "x")
    assert (image.shape, label, rest) == ((3, 8, 9), 3, "x")
    assert isinstance(pad([images[0], 3]), list)
    item = pad(Item(images[0], 3))
    assert isinstance(item, Item) and item.image.shape == (3, 8, 9) and item.label == 3
    result = T.Compose([pad, T.Lambda(lambda pair: (pair[0] * 2, -pair[1]))])(images, 3)
    np.testing.assert_array_equal(result[0], 2 * pad(images))
    assert result[1] == -3


def test_random_apply_and_choice_are_as_frequent_as_they_say(images):
    x = images[:1]
    apply = T.RandomApply([T.Lambda(lambda x: x + 1)], p=0.3, generator=Generator(0))
    share = np.mean([apply(x)[0, 0, 0, 0] != x[0, 0, 0, 0] for _ in range(2000)])
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / 2000) ** 0.5
    choice = T.RandomChoice([lambda x: 0, lambda x: 1, lambda x: 2], p=[1, 0, 3], generator=Generator(0))
    counts = np.bincount([choice(x) for _ in range(2000)], minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] / 2000 - 0.25) < 4 * (0.25 * 0.75 / 2000) ** 0.5


def test_repr():
    assert repr(T.RandomHorizontalFlip(0.2)) == "RandomHorizontalFlip(p=0.2)"
    assert repr(T.Pad(2)) == "Pad(padding=(2, 2, 2, 2), fill=0, padding_mode=constant)"
    assert repr(T.Compose([T.CenterCrop(3)])) == "Compose(\n      CenterCrop(size=(3, 3))\n)"
    assert repr(T.MixUp(num_classes=3)) == "MixUp(alpha=1.0, num_classes=3)"
    assert repr(T.Lambda(len)) == "Lambda(len)"


def test_the_base_says_what_is_missing(images):
    with pytest.raises(NotImplementedError, match=r"Transform has no change\(\)"):
        T.Transform()(images)
