"""Pooling: against PyTorch, and at the kinks that the samples keep away from."""

import numpy as np
import pytest

import minidl
from minidl import ops
from minidl.errors import ArgumentError, ShapeError

from .witnesses import pullback

INF = np.inf
MODES = ("fast", "plain", "textbook", "reference")
TWO = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1)}
THREE = {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1), "dilation": (1, 1)}


def settings(count, seed=0):
    """Random images and parameters of max_pool, with a flag for avg_pool."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        kernel, stride, dilation = (rng.integers(1, high, 2).tolist() for high in (5, 5, 3))
        padding = [int(rng.integers(0, k // 2 + 1)) for k in kernel]
        size = [
            max(1, d * (k - 1) + 1 - 2 * p) + int(rng.integers(0, 9))
            for k, p, d in zip(kernel, padding, dilation, strict=True)
        ]
        how = {"kernel_size": tuple(kernel), "stride": tuple(stride), "padding": tuple(padding)}
        x = rng.normal(size=(int(rng.integers(1, 4)), int(rng.integers(1, 4)), *size))
        yield x, {**how, "ceil_mode": bool(rng.integers(2))}, tuple(dilation), bool(rng.integers(2))


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["max_pool", "avg_pool"])
def test_pooling_agrees_with_pytorch(kind):
    import torch

    for x, how, dilation, count_include_pad in settings(60):
        how.update({"dilation": dilation} if kind == "max_pool" else {"count_include_pad": count_include_pad})
        tx = torch.from_numpy(x).requires_grad_()
        ty = getattr(torch.nn.functional, f"{kind}2d")(tx, **how)
        dy = np.random.default_rng(1).normal(size=tuple(ty.shape))
        (tdx,) = torch.autograd.grad(ty, tx, torch.from_numpy(dy))
        for mode in ("fast", "plain"):
            with minidl.mode(mode):
                y = getattr(ops, kind)(x, **how)
            dx = pullback(kind, [x], how, (dy,), mode)[0]
            np.testing.assert_allclose(y, ty.detach().numpy(), rtol=1e-12, atol=1e-12, err_msg=f"{x.shape} {how}")
            np.testing.assert_allclose(dx, tdx.numpy(), rtol=1e-12, atol=1e-12, err_msg=f"{x.shape} {how}")


def gradient(x, dy, how, mode):
    return pullback("max_pool", [np.asarray(x, float)], how, (np.asarray(dy, float),), mode)[0]


@pytest.mark.parametrize("mode", MODES)
def test_the_first_of_equals_takes_all(mode):
    x = [[[[1, 3, 0, 0], [3, 2, 0, 0]]]]
    np.testing.assert_array_equal(gradient(x, [[[[5, 7]]]], TWO, mode), [[[[0, 5, 7, 0], [0, 0, 0, 0]]]])
    x = np.zeros((1, 1, 3, 3))  # four windows that overlap in the middle
    np.testing.assert_array_equal(gradient(x, [[[[1, 2], [3, 4]]]], THREE, mode), [[[[1, 2, 0], [3, 4, 0], [0, 0, 0]]]])


@pytest.mark.parametrize("mode", MODES)
def test_padding_never_wins(mode):
    """In a window of nothing but −∞, the first pixel of the image is chosen, not the padding before it."""
    x = np.full((1, 1, 3, 3), -INF)
    np.testing.assert_array_equal(gradient(x, [[[[1, 2], [3, 4]]]], THREE, mode), [[[[1, 2, 0], [3, 4, 0], [0, 0, 0]]]])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_nan_is_passed_on(mode, how, place):
    x = np.zeros((1, 1, 2, 2))
    x[0, 0, *place] = np.nan
    with minidl.mode(mode):
        np.testing.assert_array_equal(ops.max_pool(x, **how), [[[[np.nan]]]])


@pytest.mark.parametrize("mode", MODES)
def test_a_dilated_window_around_the_image(mode):
    """Its places lie in the padding on both sides: −∞, and nobody gets a gradient."""
    how = {"kernel_size": (1, 2), "stride": (1, 1), "padding": (0, 3), "dilation": (1, 5)}
    x = [[[[1, 2, 3]]]]
    with minidl.mode(mode):
        y = ops.max_pool(np.array(x, float), **how)
    np.testing.assert_array_equal(y, [[[[3, -INF, -INF, 1]]]])
    np.testing.assert_array_equal(gradient(x, [[[[1, 2, 3, 4]]]], how, mode), [[[[4, 0, 1]]]])


def test_errors_say_what_came_and_what_to_do():
    x, none = np.zeros((1, 2, 4, 4)), {"padding": (0, 0)}
    for pool, more in ((ops.max_pool, {"dilation": (1, 1)}), (ops.avg_pool, {})):
        with pytest.raises(ArgumentError, match=r"(?s)padding: got \(2, 0\).*at most 1"):
            pool(x, kernel_size=(3, 3), stride=(1, 1), padding=(2, 0), **more)
        with pytest.raises(ShapeError, match=r"(?s)windows of \(5, 5\).*\(4, 4\).*smaller kernel_size"):
            pool(x, kernel_size=(5, 5), stride=(1, 1), **none, **more)
        with pytest.raises(ShapeError, match=r"(?s)got shape \(2, 4, 4\).*x\[None\]"):
            pool(x[0], kernel_size=(2, 2), stride=(2, 2), **none, **more)
        with pytest.raises(ArgumentError, match="stride: got 2, expected numbers"):
            pool(x, kernel_size=(2, 2), stride=2, **none, **more)
