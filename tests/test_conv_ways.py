"""The ways of a convolution, each against the body in float64, on shapes that it might not be chosen for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

numba = pytest.importorskip("numba")
pytestmark = pytest.mark.skipif(  # interpreted, these sizes take minutes; the last test steps through small ones
    bool(numba.config.DISABLE_JIT), reason="sizes for compiled kernels"
)

import minidl  # noqa: E402
from minidl.kernels.cpu import conv as fast  # noqa: E402
from minidl.kernels.cpu import conv_depthwise, conv_patches, conv_plan, conv_rows, winograd  # noqa: E402
from minidl.ops.conv import conv, conv_input, conv_weight  # noqa: E402

# images, kernels, stride, padding, dilation, groups
SHAPES = [
    ((3, 20, 13, 17), (37, 20, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # panels and blocks that are not full
    ((2, 64, 20, 20), (40, 64, 5, 5), (2, 2), (2, 2), (1, 1), 1),  # phases; runs of one tap
    ((2, 256, 9, 9), (33, 256, 1, 1), (1, 1), (0, 0), (1, 1), 1),  # runs in pieces
    ((33, 32, 4, 4), (16, 32, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # several images in a band, and a last band of fewer
    ((2, 3, 150, 100), (33, 3, 7, 7), (2, 2), (3, 3), (1, 1), 1),  # several bands for an image, the last one shorter
    ((2, 36, 30, 31), (48, 18, 3, 3), (2, 1), (2, 2), (1, 2), 2),  # groups, dilation
    ((2, 16, 20, 20), (48, 16, 1, 1), (3, 2), (0, 2), (1, 2), 1),  # phases without a tap
    ((1, 4, 3, 3), (20, 4, 2, 2), (1, 1), (4, 4), (2, 2), 1),  # bands that are padding only
]
ALONE = [
    ((3, 20, 13, 17), (3, 3), (1, 1), (1, 1), (1, 1)),
    ((9, 5, 6, 7), (3, 3), (2, 3), (1, 0), (2, 1)),  # fewer channels than a register holds
    ((2, 17, 200, 70), (3, 3), (3, 2), (0, 2), (1, 2)),
    ((33, 32, 4, 4), (1, 2), (1, 1), (0, 1), (1, 1)),
]
TILED = [
    ((2, 16, 12, 12), 16, (1, 1)),
    ((3, 20, 13, 17), 37, (1, 1)),
    ((33, 32, 10, 9), 40, (0, 2)),  # several images in a band, and a last band of fewer
    ((1, 200, 50, 51), 33, (2, 0)),  # several bands for an image, the last one shorter; rows in pieces
]


def case(image, kernel, stride, padding, dilation, groups, dtype):
    rng = np.random.default_rng(0)
    each = zip(image[2:], kernel[2:], stride, padding, dilation, strict=True)
    size = tuple((n + 2 * p - r * (k - 1) - 1) // s + 1 for n, k, s, p, r in each)
    shapes = image, kernel, (image[0], kernel[0], *size)
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return *(rng.normal(size=shape).astype(dtype) for shape in shapes), how


def truth(x, w, dy, how):
    """The body's results in float64."""
    x, w, dy = (a.astype(np.float64) for a in (x, w, dy))
    with minidl.mode("plain"):
        return (
            conv(x, w, **how),
            conv_input(dy, w, size=x.shape[2:], **how),
            conv_weight(x, dy, size=w.shape[2:], **how),
        )


def results(page, x, w, dy, how):
    """The same by one way."""
    sizes, groups = [how[name] for name in ("stride", "padding", "dilation")], how["groups"]
    w = w.reshape(groups, len(w) // groups, *w.shape[1:])
    return (
        page.correlate(x, w, dy.shape[2:], *sizes, False),
        page.correlate(dy, w.swapaxes(1, 2), x.shape[2:], *sizes, True),
        page.weight(x, dy, groups, w.shape[3:], *sizes),
    )


def agree(found, expected, tolerance):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


@pytest.mark.parametrize("dtype, tolerance", [("f4", 1e-5), ("f8", 1e-14)])
@pytest.mark.parametrize("page", [conv_patches, conv_rows], ids=["patches", "rows"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_way_takes_every_shape(shape, page, dtype, tolerance):
    arrays = case(*shape, dtype)
    agree(results(page, *arrays), truth(*arrays), 10 * tolerance)


@pytest.mark.parametrize("dtype, tolerance", [("f4", 1e-5), ("f8", 1e-14)])
@pytest.mark.parametrize("image, kernel, stride, padding, dilation", ALONE, ids=str)
def test_each_channel_alone(image, kernel, stride, padding, dilation, dtype, tolerance):
    arrays = case(image, (image[1], 1, *kernel), stride, padding, dilation, image[1], dtype)
    agree(results(conv_depthwise, *arrays), truth(*arrays), 10 * tolerance)


@pytest.mark.parametrize("image, results, padding", TILED, ids=str)
def test_winograd(image, results, padding):
    x, w, dy, how = case(image, (results, image[1], 3, 3), (1, 1), padding, (1, 1), 1, "f4")
    found = (
        winograd.correlate(x, w, dy.shape[2:], padding),
        winograd.correlate(dy, w.swapaxes(0, 1)[..., ::-1, ::-1], x.shape[2:], tuple(2 - p for p in padding)),
        winograd.weight(x, dy, padding),
    )
    agree(found, truth(x, w, dy, how), 3e-5)


def test_winograd_is_chosen_for_floats_only_and_can_be_turned_off(monkeypatch):
    shape, sizes = (1, 64, 64, 3, 3), ((32, 32), (1, 1), (1, 1), (1, 1))
    monkeypatch.setattr(conv_plan, "WINOGRAD", True)
    assert conv_plan.way(np.dtype("f4"), shape, *sizes) == "winograd"
    assert conv_plan.way(np.dtype("f8"), shape, *sizes) == "patches"
    monkeypatch.setattr(conv_plan, "WINOGRAD", False)
    assert conv_plan.way(np.dtype("f4"), shape, *sizes) == "patches"
    read = "from minidl.kernels.cpu import conv_plan; print(conv_plan.WINOGRAD)"
    off = subprocess.run(
        [sys.executable, "-c", read], env={**os.environ, "MINIDL_WINOGRAD": "0"}, capture_output=True, text=True
    )
    assert off.stdout.strip() == "False", off.stderr


@pytest.mark.parametrize(
    "image, kernel, groups, way",
    [
        ((32, 32, 24, 24), (32, 32, 3, 3), 1, "winograd"),
        ((16, 32, 24, 24), (32, 32, 5, 5), 1, "patches"),
        ((32, 64, 50, 50), (64, 1, 3, 3), 64, "depthwise"),
        ((32, 16, 30, 30), (8, 16, 5, 5), 1, "rows"),
    ],
)
def test_equal_bits_on_any_number_of_threads(image, kernel, groups, way):
    x, w, dy, how = case(image, kernel, (1, 1), (kernel[2] // 2,) * 2, (1, 1), groups, "f4")
    grouped = groups, kernel[0] // groups, *kernel[1:]
    assert conv_plan.way(x.dtype, grouped, dy.shape[2:], *list(how.values())[:3]) == way
    found, before = [], numba.get_num_threads()
    for threads in (1, before):
        numba.set_num_threads(threads)
        found.append(
            [
                fast.conv(x, w, **how),
                fast.conv_input(dy, w, size=x.shape[2:], **how),
                fast.conv_weight(x, dy, size=w.shape[2:], **how),
            ]
        )
    numba.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))
    agree(found[0], truth(x, w, dy, how), 3e-5)


STEPPED = """
import numpy as np
from minidl.kernels.cpu import conv_depthwise, conv_patches, winograd
from tests.test_conv_ways import agree, case, results, truth

for shape in [
    ((2, 5, 6, 7), (18, 5, 3, 2), (2, 1), (1, 1), (1, 2), 1),
    ((1, 4, 5, 4), (6, 2, 2, 2), (1, 1), (0, 1), (1, 1), 2),
]:
    arrays = case(*shape, "f8")
    agree(results(conv_patches, *arrays), truth(*arrays), 1e-13)
arrays = case((2, 17, 5, 4), (17, 1, 3, 3), (2, 1), (1, 1), (1, 1), 17, "f8")
agree(results(conv_depthwise, *arrays), truth(*arrays), 1e-13)
x, w, dy, how = case((2, 3, 6, 5), (4, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1, "f4")
found = winograd.correlate(x, w, (6, 5), (1, 1)), winograd.weight(x, dy, (1, 1))
agree(found, truth(x, w, dy, how)[::2], 1e-5)
"""


def test_the_ways_can_be_stepped_through():
    """Without compilation, registers are slices of arrays: they mean what they say, and none reaches too far."""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STEPPED],
        check=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        timeout=60,
    )
