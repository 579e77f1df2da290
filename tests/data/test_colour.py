"""Values of pixels: scales, means, greys; Python's colorsys is the judge of hues."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

import minidl
from minidl.data import transforms as T
from minidl.data.transforms.colour import adjust_hue
from minidl.random import Generator


@pytest.fixture
def image(rng):
    return rng.uniform(size=(3, 5, 4)).astype(np.float32)


def test_to_tensor(rng):
    photo = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
    result = T.ToTensor()(photo)
    assert isinstance(result, minidl.Tensor) and result.dtype == np.float32
    np.testing.assert_array_equal(result.data, photo.transpose(2, 0, 1).astype(np.float32) / 255)
    assert T.ToTensor()(photo[:, :, 0]).shape == (1, 5, 4)
    assert T.ToTensor()(photo[None]).shape == (1, 3, 5, 4)
    np.testing.assert_array_equal(T.ToTensor()((photo / 2, 1))[0].data, photo.transpose(2, 0, 1) / 2)


def test_to_tensor_takes_pillow_images():
    image = pytest.importorskip("PIL.Image").new("RGB", (4, 5), (255, 51, 0))
    np.testing.assert_array_equal(T.ToTensor()(image).data[:, 0, 0], np.float32([1, 0.2, 0]))


def test_dtypes_and_scales():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    scaled = T.ToDtype("float32", scale=True)(every)
    assert scaled.dtype == np.float32 and (scaled.min(), scaled.max()) == (0, 1)
    np.testing.assert_array_equal(T.ToDtype(np.uint8, scale=True)(scaled), every)
    np.testing.assert_array_equal(T.ToDtype("float64")(every), every.astype(np.float64))
    uniform = np.random.default_rng(0).uniform(size=(1, 256, 400)).astype(np.float32)
    counts = np.bincount(T.ToDtype(np.uint8, True)(uniform).ravel(), minlength=256)
    assert counts.min() > 300 and counts.max() < 500  # each of the 256 values has an equal part


def test_normalize_and_grey(image):
    mean, std = np.float32([0.1, 0.2, 0.3]), np.float32([1, 2, 3])
    expected = (image - mean[:, None, None]) / std[:, None, None]
    np.testing.assert_array_equal(T.Normalize(mean, std)(image), expected)
    np.testing.assert_array_equal(T.Normalize(0.5, 2)(image), (image - 0.5) / 2)
    expected = 0.2989 * image[0] + 0.587 * image[1] + 0.114 * image[2]
    np.testing.assert_allclose(T.Grayscale()(image)[0], expected, rtol=1e-6)
    np.testing.assert_allclose(T.Grayscale(3)(image), [expected] * 3, rtol=1e-6)
    white = T.Grayscale()(np.full((3, 1, 1), 255, np.uint8))
    assert white.dtype == np.uint8 and white.item() == 255


@pytest.mark.parametrize("turns", [0, 0.1, -0.3, 0.5])
def test_hue(turns, image):
    image[:, 0, 0] = 0.3  # grey has no hue
    image[:, 0, 1] = 0
    expected = np.empty_like(image)
    for i, j in np.ndindex(image.shape[1:]):
        h, s, v = colorsys.rgb_to_hsv(*image[:, i, j].tolist())
        expected[:, i, j] = colorsys.hsv_to_rgb((h + turns) % 1, s, v)
    np.testing.assert_allclose(adjust_hue(image, np.float32(turns)), expected, atol=1e-5)


def only(**factors):
    return T.ColorJitter(**{name: (value, value) for name, value in factors.items()})


def test_jitter_one_by_one(image):
    grey = T.Grayscale()(image)
    np.testing.assert_allclose(only(brightness=1.5)(image), np.minimum(1.5 * image, 1), rtol=1e-6)
    expected = np.clip(1.7 * image - 0.7 * grey.mean(), 0, 1)
    np.testing.assert_allclose(only(contrast=1.7)(image), expected, atol=1e-6)
    np.testing.assert_allclose(only(saturation=0.0)(image), np.repeat(grey, 3, 0), atol=1e-6)
    np.testing.assert_allclose(only(hue=0.25)(image), adjust_hue(image, np.float32(0.25)), atol=1e-6)
    np.testing.assert_array_equal(T.ColorJitter()(image), image)


def test_jitter_of_bytes_and_greys(rng):
    photo = rng.integers(0, 256, (3, 4, 4), dtype=np.uint8)
    result = only(brightness=0.5)(photo)
    assert result.dtype == np.uint8
    np.testing.assert_allclose(result, photo * 0.5, atol=0.51)
    np.testing.assert_array_equal(only(saturation=2.0, hue=0.3)(photo[:1]), photo[:1])


def test_jitter_draws_from_the_range_in_every_order():
    x = np.full((2000, 1, 1, 1), 0.25)
    factors = T.ColorJitter(brightness=0.5, generator=Generator(0))(x).ravel() / 0.25
    assert 0.5 <= factors.min() < 0.51 and 1.49 < factors.max() <= 1.5
    assert abs(factors.mean() - 1) < 4 * (1 / 12**0.5) / 2000**0.5
    x = np.broadcast_to(np.array([0.9, 0.1]).reshape(1, 1, 2), (200, 1, 1, 2))
    results = T.ColorJitter((1.5, 1.5), (0.5, 0.5), generator=Generator(0))(x)
    assert len(np.unique(results[:, 0, 0, 0].round(6))) == 2  # cut off before or after the contrast is halved


def test_noise(image):
    x = np.full((1, 100, 100), 0.5, np.float32)
    noisy = T.GaussianNoise(0.1, 0.05, generator=Generator(0))(x)
    assert noisy.dtype == np.float32
    assert abs(noisy.mean() - 0.6) < 4 * 0.05 / 100 and abs(noisy.std() - 0.05) < 0.002
    assert T.GaussianNoise(sigma=2.0)(x).max() == 1 and T.GaussianNoise(sigma=2.0, clip=False)(x).max() > 1
