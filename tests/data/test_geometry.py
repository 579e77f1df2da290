"""Flips, crops, borders, erasing: against NumPy's own words for the same, and in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from minidl.data import transforms as T
from minidl.random import Generator

N = 2000


@pytest.fixture
def image(rng):
    return rng.uniform(size=(3, 6, 7)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_flips(dtype, rng):
    x = rng.integers(0, 255, (3, 4, 5)).astype(dtype)
    np.testing.assert_array_equal(T.RandomHorizontalFlip(1.0)(x), np.flip(x, 2))
    np.testing.assert_array_equal(T.RandomVerticalFlip(1.0)(x), np.flip(x, 1))
    np.testing.assert_array_equal(T.RandomVerticalFlip(0.0)(x), x)
    assert T.RandomHorizontalFlip(1.0)(x).dtype == dtype


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_flips_happen_as_often_as_asked(p):
    x = np.broadcast_to(np.arange(2.0), (N, 1, 2, 2))
    flipped = T.RandomHorizontalFlip(p, generator=Generator(1))(x)[:, 0, 0, 0]
    assert abs(flipped.mean() - p) < 4 * (p * (1 - p) / N) ** 0.5


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize(
    ("padding", "sides"),
    [(2, (2, 2, 2, 2)), ((1, 3), (1, 3, 1, 3)), ([0, 1, 2, 3], (0, 1, 2, 3))],
)
def test_pad(mode, padding, sides, image):
    left, top, right, bottom = sides
    expected = np.pad(image, ((0, 0), (top, bottom), (left, right)), mode=mode)
    np.testing.assert_array_equal(T.Pad(padding, padding_mode=mode)(image), expected)


def test_pad_with_a_colour(image):
    result = T.Pad(1, fill=(1, 2, 3))(np.stack([image, image]))
    np.testing.assert_array_equal(result[:, :, 0, 4], [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(result[1, :, 1:-1, 1:-1], image)


def test_centre_crop(image):
    np.testing.assert_array_equal(T.CenterCrop((4, 3))(image), image[:, 1:5, 2:5])
    np.testing.assert_array_equal(T.CenterCrop((2, 10))(image), np.pad(image[:, 2:4], ((0, 0), (0, 0), (1, 2))))


def test_random_crops_are_windows_and_all_are_as_likely():
    x = np.arange(5 * 6.0).reshape(1, 5, 6)
    crops = T.RandomCrop((3, 4), generator=Generator(2))(np.broadcast_to(x, (N, 1, 5, 6)))
    i, j = np.divmod(crops[:, 0, 0, 0].astype(int), 6)
    windows = np.lib.stride_tricks.sliding_window_view(x[0], (3, 4))
    np.testing.assert_array_equal(crops[:, 0], windows[i, j])
    counts = np.bincount(i * 3 + j, minlength=9)
    assert ((counts - N / 9) ** 2 / (N / 9)).sum() < 26  # χ² with 8 degrees of freedom: 1 in 1,000


def test_random_crops_with_a_border(image):
    crop = T.RandomCrop((6, 7), padding=(1, 2), fill=9, generator=Generator(0))
    padded = np.pad(image, ((0, 0), (2, 2), (1, 1)), constant_values=9)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 6, 7)).reshape(-1, 3, 6, 7)
    seen = {int(np.flatnonzero((windows == crop(image)).all((1, 2, 3)))[0]) for _ in range(200)}
    assert seen == set(range(15))
    small = T.RandomCrop((9, 8), pad_if_needed=True, padding_mode="edge", generator=Generator(0))
    assert small(image).shape == (3, 9, 8)
    assert T.RandomCrop(6)(image[:, :, :6]).tolist() == image[:, :, :6].tolist()


def test_erasing():
    x = np.ones((N, 2, 20, 30))
    result = T.RandomErasing(0.7, (0.1, 0.2), (0.5, 2), value=(0, 5), generator=Generator(3))(x)
    erased = result[:, 0] == 0
    np.testing.assert_array_equal(result[:, 1], np.where(erased, 5, 1))
    touched = erased.any((1, 2))
    assert abs(touched.mean() - 0.7) < 4 * (0.7 * 0.3 / N) ** 0.5
    h, w = erased.any(2).sum(1)[touched], erased.any(1).sum(1)[touched]
    np.testing.assert_array_equal(erased.sum((1, 2))[touched], h * w)  # a rectangle
    assert ((h * w / 600 > 0.08) & (h * w / 600 < 0.225)).all()
    assert ((h / w > 0.4) & (h / w < 2.5)).all()
    assert abs((h * w / 600).mean() - 0.15) < 0.01
    assert abs(np.log(h / w).mean()) < 0.1


def test_erasing_that_cannot_fit_leaves_the_image():
    x = np.ones((1, 3, 3))
    np.testing.assert_array_equal(T.RandomErasing(1.0, (1, 1), (1, 1))(x), x)
    noise = T.RandomErasing(1.0, value="random", generator=Generator(0))(np.zeros((1, 9, 9)))
    assert 0 < np.count_nonzero(noise) < 81
