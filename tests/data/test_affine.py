"""RandomAffine: images turned, shifted and stretched."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl.data import RandomAffine
from minidl.errors import ArgumentError, ShapeError
from minidl.random import Generator


class Fixed(Generator):
    """A stream that gives the same number again and again."""

    def __init__(self, *values):
        self.values = values
        self.numpy = self

    def uniform(self, low, high, shape):
        return np.broadcast_to(np.array(self.values).reshape(4, 1, 1, 1), shape)


def apply(images, values, **options):
    return RandomAffine(**options, generator=Fixed(*values))(images)


@pytest.fixture
def images(rng):
    return rng.normal(size=(3, 2, 5, 4)).astype(np.float32)


def test_nothing_asked_for_changes_nothing(images):
    result = RandomAffine()(minidl.tensor(images))
    assert isinstance(result, minidl.Tensor)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.data, images, atol=1e-6)


@pytest.mark.parametrize("shift", [1, 2, 9])
def test_whole_pixels(images, shift):
    down = apply(images, (0, 0, 1, 0), shift=shift)  # the pixel comes from below
    expected = np.zeros_like(images)
    expected[:, :, : max(5 - shift, 0)] = images[:, :, shift:]
    np.testing.assert_allclose(down, expected, atol=1e-6)
    left = apply(images, (0, 0, 0, -1), shift=shift)
    expected = np.zeros_like(images)
    expected[..., shift:] = images[..., : max(4 - shift, 0)]
    np.testing.assert_allclose(left, expected, atol=1e-6)


def test_half_a_pixel_is_a_mean(images):
    result = apply(images, (0, 0, 1, 0), shift=0.5)
    below = np.concatenate([images[:, :, 1:], np.zeros_like(images[:, :, :1])], axis=2)
    np.testing.assert_allclose(result, (images + below) / 2, atol=1e-6)


def test_quarter_turn(rng):
    square = rng.normal(size=(2, 1, 6, 6))
    np.testing.assert_allclose(apply(square, (1, 0, 0, 0), degrees=90), np.rot90(square, -1, (2, 3)), atol=1e-12)
    assert apply(square, (1, 0, 0, 0), degrees=90).dtype == np.float64


def test_stretch():
    ramp = np.broadcast_to(np.arange(5.0), (1, 1, 5, 5))
    result = apply(ramp, (0, -1, 0, 0), scale=0.5)
    np.testing.assert_allclose(result[0, 0, 2], [1, 1.5, 2, 2.5, 3])


def test_every_image_moves_its_own_way_decided_by_the_seed(images):
    same = np.repeat(images[:1], 3, axis=0)
    affine = RandomAffine(10, 0.5, 0.1, generator=Generator(4))
    result = affine(minidl.tensor(same)).data
    assert np.abs(result[0] - result[1]).max() > 0.01
    np.testing.assert_array_equal(result, RandomAffine(10, 0.5, 0.1, generator=Generator(4))(same))
    assert np.abs(result - affine(same)).max() > 0.01
    assert RandomAffine(10)(images[:0]).shape == (0, 2, 5, 4)


def test_errors(images):
    with pytest.raises(ArgumentError, match="scale 1"):
        RandomAffine(scale=1)
    with pytest.raises(ShapeError, match=r"got shape \(5, 4\), expected \(C, H, W\) or \(N, C, H, W\)"):
        RandomAffine(1)(images[0, 0])
    assert RandomAffine(1)(images[0]).shape == (2, 5, 4)
