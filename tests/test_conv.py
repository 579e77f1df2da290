"""Convolution: against PyTorch, for any number of threads, interpreted, and its errors."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import ops
from minidl.errors import ArgumentError, ShapeError

from .witnesses import pullback


def settings(count, seed=0, ranks=(2,)):
    """Random images of `ranks` axes in turn, kernels and parameters of conv."""
    rng = np.random.default_rng(seed)
    for trial in range(count):
        groups = int(rng.choice([1, 1, 2, 3]))
        n, c, o = int(rng.integers(0, 12)), groups * int(rng.integers(1, 6)), groups * int(rng.integers(1, 8))
        if trial % 5 == 0:  # each channel alone
            groups, o = c, c * int(rng.integers(1, 3))
        rank = ranks[trial % len(ranks)]
        kernel, stride, padding, dilation = (rng.integers(low, 5 - low, rank).tolist() for low in (1, 1, 0, 1))
        size = [
            max(1, d * (k - 1) + 1 - 2 * p) + int(rng.integers(0, 12 if rank < 3 else 4))
            for k, p, d in zip(kernel, padding, dilation, strict=True)
        ]
        how = {"stride": tuple(stride), "padding": tuple(padding), "dilation": tuple(dilation), "groups": groups}
        yield rng.normal(size=(n, c, *size)), rng.normal(size=(o, c // groups, *kernel)), how


@pytest.mark.oracle
def test_conv_agrees_with_pytorch():
    import torch

    for x, w, how in settings(120, ranks=(1, 2, 2, 3)):
        tx, tw = (torch.from_numpy(a).requires_grad_() for a in (x, w))
        ty = getattr(torch.nn.functional, f"conv{x.ndim - 2}d")(tx, tw, **how)
        dy = np.random.default_rng(1).normal(size=tuple(ty.shape))
        expected = [ty.detach(), *torch.autograd.grad(ty, (tx, tw), torch.from_numpy(dy))]
        for mode in ("fast", "plain"):
            with minidl.mode(mode):
                y = ops.conv(x, w, **how)
            dx, dw = pullback("conv", [x, w], how, (dy,), mode).values()
            for a, b in zip((y, dx, dw), expected, strict=True):
                np.testing.assert_allclose(a, b.numpy(), rtol=1e-10, atol=1e-10, err_msg=f"{x.shape} {w.shape} {how}")


@pytest.mark.parametrize("size", [(16, 16), (256,)])
def test_bits_do_not_depend_on_the_number_of_threads(size):
    numba = pytest.importorskip("numba")
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("one thread only")
    rng, rank = np.random.default_rng(0), len(size)
    x, w = rng.normal(size=(32, 6, *size)).astype("f4"), rng.normal(size=(20, 6, *(3,) * rank)).astype("f4")
    dy = rng.normal(size=(32, 20, *size)).astype("f4")
    how = {"stride": (1,) * rank, "padding": (1,) * rank, "dilation": (1,) * rank, "groups": 1}
    results, before = [], numba.get_num_threads()
    for threads in (1, 2):
        numba.set_num_threads(threads)
        results.append([ops.conv(x, w, **how), *pullback("conv", [x, w], how, (dy,), "fast").values()])
    numba.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


INTERPRETED = """
import numpy as np
from minidl.kernels.cpu import conv as fast, pool
from minidl.kernels.reference import conv as definition, pool as pool_definition
from tests.test_conv import settings

for x, w, how in settings(60, seed=2, ranks=(1, 2, 2)):
    y = definition.conv(x, w, **how)
    for name, args, size in [
        ("conv", (x, w), {}),
        ("conv_input", (y, w), {"size": x.shape[2:]}),
        ("conv_weight", (x, y), {"size": w.shape[2:]}),
    ]:
        a, b = (getattr(page, name)(*args, **size, **how) for page in (fast, definition))
        assert np.allclose(a, b, rtol=1e-10, atol=1e-10), (name, x.shape, w.shape, how)

x = np.random.default_rng(0).normal(size=(2, 3, 6, 7))
for k, s, p in [(2, 2, 0), (3, 2, 1)]:
    how = {"kernel_size": (k, k), "stride": (s, s), "padding": (p, p), "ceil_mode": False}
    for name, more in [("max_pool", {"dilation": (1, 1)}), ("avg_pool", {"count_include_pad": True})]:
        y, residuals = getattr(pool, name)(x, **how, **more)
        (dx,) = getattr(pool, name + "_backward")(y, *residuals, **how, **more)
        assert np.allclose(y, getattr(pool_definition, name)(x, **how, **more))
        assert np.allclose(dx, getattr(pool_definition, name + "_backward")(y, x, **how, **more)[0])
"""


def test_kernels_can_be_stepped_through():
    """Without compilation, registers are slices of arrays: they mean what they say, and none reaches too far."""
    pytest.importorskip("numba")
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INTERPRETED],
        check=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        timeout=60,
    )


PLAIN = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}


def refused(error, *words, x=(2, 3, 5, 5), w=(4, 3, 3, 3), **how):
    with pytest.raises(error) as caught:
        ops.conv(np.zeros(x), np.zeros(w), **PLAIN | how)
    for word in words:
        assert word in str(caught.value)


def test_errors_say_what_came_and_what_to_do():
    refused(ShapeError, "x has 1 channels", "takes 3", "Conv2d(in_channels=1", x=(2, 1, 5, 5))
    refused(ArgumentError, "groups: got 2", "3 channels of x", "multiples of 2", groups=2)
    refused(ShapeError, "kernel of (3, 3)", "(2, 5)", "padding of at least (1, 0)", x=(2, 3, 2, 5))
    refused(ShapeError, "reaches over (7, 7)", dilation=(3, 3))
    refused(ShapeError, "got shape (3, 5, 5), expected (N, C, H, W)", "x[None]", x=(3, 5, 5))
    refused(ShapeError, "got shape (5, 5)", "x[None, None]", x=(5, 5))
    refused(ShapeError, "weight: got shape (3, 3)", w=(3, 3))
    refused(ArgumentError, "stride: got (0, 1)", stride=(0, 1))
    refused(ArgumentError, "padding: got 1, expected a tuple of 2 numbers", padding=1)
    refused(ArgumentError, "dilation: got (1,)", "(H, W)", dilation=(1,))
    refused(ShapeError, "got shape (2, 3, 5, 5), expected (N, C, D, H, W)", w=(4, 3, 3, 3, 3))
    refused(ShapeError, "got shape (2, 3, 5, 5), expected (N, C, L)", w=(4, 3, 3))
    refused(ArgumentError, "groups: got 0", groups=0)
    with pytest.raises(ShapeError, match=r"dy: got shape \(1, 4, 3, 3\), expected \(1, 4, 3, 4\)"):
        ops.conv_input(np.zeros((1, 4, 3, 3)), np.zeros((4, 2, 3, 3)), size=(5, 6), **PLAIN)
    with pytest.raises(ShapeError, match=r"dy: got shape \(1, 4, 3, 3\), expected \(1, 4, 3, 4\)"):
        ops.conv_weight(np.zeros((1, 2, 5, 6)), np.zeros((1, 4, 3, 3)), size=(3, 3), **PLAIN)
