"""Resizing and turning: quarter turns, ramps, and PyTorch's interpolation as the judge."""

from __future__ import annotations

import numpy as np
import pytest

from minidl.data import transforms as T
from minidl.data.transforms.resample import resize, sample_at
from minidl.random import Generator


@pytest.fixture
def image(rng):
    return rng.uniform(size=(3, 6, 6)).astype(np.float32)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3, -1])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_quarter_turns(quarter, interpolation, image):
    turn = T.RandomRotation((90 * quarter, 90 * quarter), interpolation)
    np.testing.assert_allclose(turn(image), np.rot90(image, quarter, (1, 2)), atol=1e-6)


def test_what_comes_from_outside_is_filled(image):
    turned = T.RandomRotation((45, 45), "bilinear", fill=(1, 2, 3))(0 * image)
    np.testing.assert_allclose(turned[:, 0, 0], [1, 2, 3])
    np.testing.assert_allclose(turned[:, 3, 3], 0, atol=1e-6)
    assert T.RandomRotation((45, 45), fill=7)(np.zeros((1, 5, 5), np.uint8))[0, 0, 0] == 7


def test_angles_are_from_the_range():
    """The mean of a ramp turned by α and multiplied with the ramp says cos α."""
    y, x = np.mgrid[-10:11, -10:11].astype(float)
    disc = (x * x + y * y < 81)[None]
    turned = T.RandomRotation((20, 60), "bilinear", generator=Generator(0))(np.repeat(x[None, None], 400, 0))
    angle = np.degrees(np.arctan2(-(turned * y * disc).sum((1, 2, 3)), (turned * x * disc).sum((1, 2, 3))))
    assert (angle > 19.9).all() and (angle < 60.1).all()
    assert abs(angle.mean() - 40) < 4 * (40 / 12**0.5) / 20
    assert turned[angle.argmax(), 0, 4, 10] > 0  # counter-clockwise: what was on the right goes up


def test_resize_of_a_ramp_and_sizes():
    ramp = np.broadcast_to(np.arange(8.0), (1, 4, 8))
    np.testing.assert_allclose(T.Resize((2, 4), antialias=False)(ramp)[0, 0], [0.5, 2.5, 4.5, 6.5])
    np.testing.assert_array_equal(T.Resize((2, 4), "nearest")(ramp)[0, 0], [0, 2, 4, 6])
    assert T.Resize(2)(ramp).shape == (1, 2, 4)
    assert T.Resize(6)(ramp.swapaxes(1, 2)).shape == (1, 12, 6)
    assert T.Resize((3, 5))(ramp.astype(np.uint8)).dtype == np.uint8
    assert T.Resize((9, 9))(np.full((1, 3, 3), 200, np.uint8)).tolist() == np.full((1, 9, 9), 200).tolist()


def test_windows_of_random_size_and_proportion():
    crop = T.RandomResizedCrop(4, (0.1, 0.5), (0.5, 2.0), generator=Generator(0))
    i, j, h, w = np.array([crop.window(40, 50) for _ in range(1000)]).T
    assert (i >= 0).all() and (j >= 0).all() and (i + h <= 40).all() and (j + w <= 50).all()
    area, ratio = h * w / 2000, w / h
    assert area.min() > 0.09 and area.max() < 0.54 and ratio.min() > 0.47 and ratio.max() < 2.2
    assert abs(area.mean() - 0.3) < 0.02 and abs(np.log(ratio).mean()) < 0.1
    assert T.RandomResizedCrop((3, 5))(np.zeros((2, 8, 8), np.float32)).shape == (2, 3, 5)


@pytest.mark.parametrize(
    ("size", "ratio", "expected"),
    [((10, 100), (1, 1), (0, 45, 10, 10)), ((100, 10), (1, 2), (45, 0, 10, 10)), ((10, 15), (2, 3), (1, 0, 8, 15))],
)
def test_if_no_window_fits_it_is_the_middle(size, ratio, expected):
    assert T.RandomResizedCrop(4, (1.0, 1.0), ratio).window(*size) == expected


@pytest.mark.oracle
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("size", [(3, 4), (11, 13), (5, 20), (1, 1), (6, 7)])
def test_resize_as_pytorch(size, antialias, rng):
    torch = pytest.importorskip("torch")
    x = rng.uniform(size=(2, 3, 6, 7))
    expected = torch.nn.functional.interpolate(torch.tensor(x), size, mode="bilinear", antialias=antialias)
    np.testing.assert_allclose(resize(x, size, "bilinear", antialias), expected.numpy(), atol=1e-12)
    nearest = torch.nn.functional.interpolate(torch.tensor(x), size, mode="nearest")
    np.testing.assert_array_equal(resize(x, size, "nearest"), nearest.numpy())


@pytest.mark.oracle
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_places_between_pixels_as_pytorch(mode, rng):
    torch = pytest.importorskip("torch")
    x, place = rng.uniform(size=(2, 3, 5, 6)), rng.uniform(-4, 4, size=(2, 2, 7, 8))
    grid = np.stack([place[1] * 2 / 6, place[0] * 2 / 5], axis=-1)  # x first, in halves of the image
    expected = torch.nn.functional.grid_sample(torch.tensor(x), torch.tensor(grid), mode, "zeros", align_corners=False)
    result = sample_at(x, place[0], place[1], mode, np.zeros((1, 1, 1)))
    np.testing.assert_allclose(result, expected.numpy(), atol=1e-12)
