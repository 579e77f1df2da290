"""Softmax and the norms beyond the samples: infinities, large offsets, long rows, and the errors."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn, ops
from minidl.errors import AxisError, ShapeError
from minidl.functional import vjp
from minidl.nn import functional as F

INF, NAN = np.inf, np.nan
each_mode = pytest.mark.parametrize("mode", ["fast", "plain", "textbook"])


@each_mode
def test_softmax_at_the_ends(mode):
    """−∞ gets nothing, a row of −∞ is all zeros, +∞ and NaN make the row NaN, as in PyTorch but for the zeros."""
    x = np.array([[0, -INF, 0], [-INF, -INF, -INF], [0, INF, 0], [0, NAN, 0], [1e4, -1e4, 1e4], [-1e4, -1e4, 0]])
    y = [[0.5, 0, 0.5], [0, 0, 0], [NAN] * 3, [NAN] * 3, [0.5, 0, 0.5], [0, 0, 1]]
    with minidl.mode(mode), np.errstate(invalid="ignore"):  # kernels without Numba mention ∞ − ∞
        np.testing.assert_array_equal(ops.softmax(minidl.tensor(x)).data, y)
        with np.errstate(divide="ignore"):
            expected = np.log(y)
        expected[4:, :2] = [[np.log(0.5), np.log(0.5) - 2e4], [-1e4, -1e4]]  # where the probability itself is too small
        np.testing.assert_allclose(ops.log_softmax(minidl.tensor(x)).data, expected, rtol=1e-15)


@each_mode
def test_a_row_of_nothing_has_no_gradient(mode):
    x = np.full((2, 3), -INF)
    with minidl.mode(mode):
        _, (g,) = vjp(ops.softmax, (x,), np.array([[1.0, 2, 3], [4, 5, 6]]))
    np.testing.assert_array_equal(g.data, np.zeros((2, 3)))


@pytest.mark.parametrize("columns", [1, 31, 32, 33, 64, 1000])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_softmax_finds_the_largest_wherever_it_stands(columns, place):
    """A wrong maximum shows as an overflow."""
    x = np.zeros((3, columns))
    x[:, int(place * (columns - 1))] = 1e4
    y = ops.softmax(x)
    assert y.sum() == 3
    assert (y.argmax(axis=1) == int(place * (columns - 1))).all()


@pytest.mark.parametrize("mode", ["fast", "plain"])
@pytest.mark.parametrize("norm", ["layer_norm", "batch_norm"])
@pytest.mark.parametrize("shape", [(40, 50), (8, 5, 60)])
def test_a_large_offset_costs_no_more_digits_than_it_must(norm, mode, shape, rng):
    """Against float64 on the same numbers: what was lost in rounding the input to float32 is not counted."""
    x = (rng.normal(size=shape) + 100).astype(np.float32)
    axis = -1 if norm == "layer_norm" else 1
    w, b = rng.normal(size=(2, shape[axis]))
    us = [rng.normal(size=shape)] + [rng.normal(size=shape[1])] * 2 * (norm == "batch_norm")

    def gradients(mode, dtype):
        inputs = tuple(np.asarray(a, dtype) for a in (x, w, b))
        cotangents = tuple(np.asarray(u, dtype) for u in us)
        with minidl.mode(mode):
            y, gs = vjp(getattr(ops, norm), inputs, cotangents if len(us) > 1 else cotangents[0])
        return [y[0] if isinstance(y, tuple) else y, *gs]

    for found, exact in zip(gradients(mode, np.float32), gradients("reference", np.float64), strict=True):
        scale = np.abs(exact.data).max()
        np.testing.assert_allclose(found.data / scale, exact.data / scale, rtol=0, atol=5e-5)


@each_mode
def test_batch_norm_gives_the_statistics_of_each_channel(mode, rng):
    x = rng.normal(size=(4, 3, 5)) * [[1], [2], [3]]
    with minidl.mode(mode):
        y, mean, var = (a.data for a in ops.batch_norm(minidl.tensor(x), eps=0.0))
    np.testing.assert_allclose(mean, x.mean(axis=(0, 2)), rtol=1e-12)
    np.testing.assert_allclose(var, x.var(axis=(0, 2)), rtol=1e-12)
    np.testing.assert_allclose(y.mean(axis=(0, 2)), 0, atol=1e-15)
    np.testing.assert_allclose(y.std(axis=(0, 2)), 1, rtol=1e-12)


@each_mode
def test_the_norms_do_not_see_a_shift_or_a_stretch(mode, rng):
    """So their gradient is orthogonal to both: Σ dx = 0 and Σ dx ∘ x̂ = 0 over what is normalised."""
    x, u = rng.normal(size=(2, 6, 4, 5))
    with minidl.mode(mode):
        layer_y, (layer,) = vjp(lambda x: ops.layer_norm(x, eps=0.0), (x,), u)
        (batch_y, _, _), (batch,) = vjp(lambda x: ops.batch_norm(x, eps=0.0), (x,), (u, np.zeros(4), np.zeros(4)))
    for g, y, axis in ((layer, layer_y, -1), (batch, batch_y, (0, 2))):
        np.testing.assert_allclose(g.data.sum(axis=axis), 0, atol=1e-13)
        np.testing.assert_allclose((g.data * y.data).sum(axis=axis), 0, atol=1e-13)


def test_the_norms_say_which_shape_does_not_fit():
    x = np.ones((2, 3, 4))
    with pytest.raises(
        ShapeError, match=r"layer_norm: weight has shape \(3,\)[^$]*fix: make it with LayerNorm\(\[4\]\)"
    ):
        ops.layer_norm(x, np.ones(3))
    with pytest.raises(
        ShapeError, match=r"batch_norm: bias has shape \(4,\)[^$]*fix: make it with BatchNorm\S*\(num_fea"
    ):
        ops.batch_norm(x, None, np.ones(4))
    with pytest.raises(ShapeError, match=r"got shape \(3,\), expected \(N, C, …\)"):
        ops.batch_norm(np.ones(3))
    with pytest.raises(ShapeError, match="at least one value"):
        ops.batch_norm(np.ones((0, 3)))
    for operation in (ops.softmax, ops.log_softmax):
        with pytest.raises(AxisError, match="softmax: axis: got 3, expected -3 to 2"):
            operation(x, axis=3)


# The norms among each other -------------------------------------------------------------------------------------------


@each_mode
def test_layer_norm_is_the_rms_norm_of_what_is_centred(mode, rng):
    x, w, u = rng.normal(size=(5, 4)), rng.normal(size=4), rng.normal(size=(5, 4))
    with minidl.mode(mode):
        one, ones = vjp(lambda x, w: ops.layer_norm(x, w, eps=0.1), (x, w), u)
        other, others = vjp(lambda x, w: ops.rms_norm(x - ops.mean(x, axis=-1, keepdims=True), w, eps=0.1), (x, w), u)
    for a, b in ((one, other), *zip(ones, others, strict=True)):
        np.testing.assert_allclose(a.data, b.data, rtol=0, atol=1e-13)


@each_mode
def test_rms_norm_does_not_see_a_stretch(mode, rng):
    """But a shift; its gradient is orthogonal to x alone."""
    x, u = rng.normal(size=(2, 6, 5))
    with minidl.mode(mode):
        y, (g,) = vjp(lambda x: ops.rms_norm(x, eps=0.0), (x,), u)
        again = ops.rms_norm(minidl.tensor(3 * x), eps=0.0)
    np.testing.assert_allclose(again.data, y.data, rtol=1e-14)
    np.testing.assert_allclose((g.data * x).sum(axis=-1), 0, atol=1e-13)
    np.testing.assert_allclose((y.data**2).mean(axis=-1), 1, rtol=1e-13)
    assert np.abs(g.data.sum(axis=-1)).min() > 1e-3


def test_group_norm_lies_between_layer_norm_and_instance_norm(rng):
    x, w, b = rng.normal(size=(3, 4, 5)), rng.normal(size=4), rng.normal(size=4)
    one = F.group_norm(x, 1).numpy()
    np.testing.assert_allclose(one, F.layer_norm(x, (4, 5)).numpy(), rtol=0, atol=1e-14)
    each = F.group_norm(x, 4, w, b).numpy()
    np.testing.assert_allclose(each, F.instance_norm(x, weight=w, bias=b).numpy(), rtol=0, atol=1e-14)
    for n in range(3):  # a batch norm of one sample
        alone = F.batch_norm(x[n : n + 1], None, None, w, b, training=True).numpy()
        np.testing.assert_allclose(each[n : n + 1], alone, rtol=0, atol=1e-14)


def test_a_group_of_channels_is_normalised_together(rng):
    x = rng.normal(size=(2, 6, 3)) * 5 + 2
    y = F.group_norm(x, 2, eps=0.0).numpy().reshape(2, 2, 9)
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-14)
    np.testing.assert_allclose(y.std(axis=-1), 1, rtol=1e-13)


def test_normalize_of_nothing_is_nothing():
    x = minidl.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    y = F.normalize(x)
    y.sum().backward()
    assert y.tolist() == [[0, 0], [np.float32(0.6), np.float32(0.8)]] and np.isfinite(x.grad.numpy()).all()
    assert F.normalize(minidl.tensor([[0.0, 2.0, 2.0]]), p=0).tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_response_of_neighbours_by_hand(size, rng):
    x = rng.normal(size=(2, 4, 3))
    y = F.local_response_norm(x, size, alpha=0.3, beta=0.5, k=0.7).numpy()
    for c in range(4):
        near = x[:, max(c - size // 2, 0) : c + (size - 1) // 2 + 1]
        np.testing.assert_allclose(y[:, c], x[:, c] / (0.7 + 0.3 / size * (near**2).sum(axis=1)) ** 0.5, rtol=1e-13)
    assert F.local_response_norm(x[:0], size).shape == (0, 4, 3)


def test_an_unused_number_of_features_is_told():
    with pytest.warns(UserWarning, match="4 channels and num_features is 3"):
        nn.InstanceNorm1d(3)(np.ones((2, 4, 5), np.float32))


def test_batch_norm_keeps_channels_last_in_memory_where_they_lie_so(rng):
    w, b, dy = rng.normal(size=5), rng.normal(size=5), rng.normal(size=(9, 5, 4, 3))
    x = np.moveaxis(rng.normal(size=(9, 4, 3, 5)), -1, 1)
    found = vjp(ops.batch_norm, (x, w, b), (dy, np.ones(5), np.ones(5)))
    with minidl.mode("plain"):
        expected = vjp(ops.batch_norm, (x, w, b), (dy, np.ones(5), np.ones(5)))
    for ys, es in zip(found, expected, strict=True):
        for y, e in zip(ys, es, strict=True):
            np.testing.assert_allclose(y.data, e.data, rtol=1e-11, atol=1e-11)


def test_a_large_offset_costs_batch_norm_no_digits(rng):
    x = rng.normal(size=(300, 4)) + np.array([0, 1e4, -1e6, 1e2])
    x[:40, 0] = 1e3  # the first rows are no sample of the rest
    for wide, y in ((x, ops.batch_norm(x)[0]), (x.astype(np.float32), ops.batch_norm(x.astype(np.float32))[0])):
        wide = wide.astype(np.float64)
        expected = (wide - wide.mean(axis=0)) / np.sqrt(wide.var(axis=0) + 1e-5)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6 if y.dtype == np.float64 else 0.05)
