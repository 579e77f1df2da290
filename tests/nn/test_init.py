"""Initial values: bounds, variances, seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import ArgumentError, ShapeError


def filled(name, shape=(200, 100), **options):
    return getattr(nn.init, name)(nn.Parameter(np.empty(shape, np.float32)), **options).detach().numpy()


@pytest.mark.parametrize(
    ("name", "options", "bound"),
    [
        ("uniform_", {"a": -0.5, "b": 0.5}, 0.5),
        ("xavier_uniform_", {"gain": 2.0}, 2 * math.sqrt(6 / 300)),
        ("kaiming_uniform_", {}, math.sqrt(2) * math.sqrt(3 / 100)),
        ("kaiming_uniform_", {"a": math.sqrt(5)}, 1 / math.sqrt(100)),
        ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "linear"}, math.sqrt(3 / 200)),
    ],
)
def test_uniform(name, options, bound):
    values = filled(name, **options)
    assert abs(values).max() <= np.nextafter(np.float32(bound), np.float32(9))
    assert abs(values).max() > 0.999 * bound
    assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert abs(values.mean()) < 0.02 * bound


@pytest.mark.parametrize(
    ("name", "options", "mean", "std"),
    [
        ("normal_", {"mean": 2.0, "std": 0.1}, 2.0, 0.1),
        ("xavier_normal_", {}, 0.0, math.sqrt(2 / 300)),
        ("kaiming_normal_", {}, 0.0, math.sqrt(2 / 100)),
        ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "tanh"}, 0.0, 5 / 3 / math.sqrt(200)),
    ],
)
def test_normal(name, options, mean, std):
    values = filled(name, **options)
    assert values.std() == pytest.approx(std, rel=0.02)
    assert values.mean() == pytest.approx(mean, abs=0.03 * std)
    assert (abs(values - mean) > 2 * std).mean() == pytest.approx(0.0455, abs=0.01)


def test_a_filter_counts_its_field():
    assert nn.init.fan_in_and_out(np.empty((8, 4, 3, 2))) == (24, 48)
    assert filled("kaiming_normal_", (64, 32, 3, 3)).std() == pytest.approx(math.sqrt(2 / 288), rel=0.02)


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (16, 2, 3, 3)], ids=str)
def test_orthogonal(shape):
    q = filled("orthogonal_", shape, gain=3.0).reshape(shape[0], -1)
    product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-4)
    assert filled("orthogonal_", (0, 3)).size == 0


def test_constants():
    assert (filled("zeros_") == 0).all() and (filled("ones_") == 1).all()
    assert (filled("constant_", val=0.25) == 0.25).all()


def test_filling_is_not_recorded_and_keeps_the_parameter():
    p = nn.Parameter(np.empty((3, 2), np.float32))
    memory = p.data
    for name in ("uniform_", "normal_", "orthogonal_", "zeros_", "xavier_normal_", "kaiming_uniform_"):
        assert getattr(nn.init, name)(p) is p
    assert p.is_leaf and p.requires_grad and p.data is memory


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: nn.init.kaiming_normal_(p, mode="fan"), ArgumentError, "'fan_in' or 'fan_out'"),
        (lambda p: nn.init.kaiming_normal_(p, nonlinearity="swish"), ArgumentError, "expected one of linear"),
        (lambda p: nn.init.xavier_normal_(p[0].detach()), ShapeError, "at least 2 axes"),
        (lambda p: nn.init.orthogonal_(p[0].detach()), ShapeError, "at least 2 axes"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.Parameter(np.empty((2, 2), np.float32)))


def test_layers_without_inputs_or_outputs():
    assert nn.Linear(0, 3).bias.tolist() == [0, 0, 0]
    assert filled("xavier_uniform_", (0, 0)).size == 0


def test_a_seed_gives_the_same_model():
    def make():
        minidl.manual_seed(5)
        return nn.Sequential(nn.Linear(3, 3), nn.LSTM(2, 2), nn.MultiheadAttention(4, 2), nn.Embedding(3, 2))

    a, b = make().state_dict(), make().state_dict()
    assert all(np.array_equal(a[name].numpy(), b[name].numpy()) for name in a)
    other = nn.Linear(3, 3).weight.detach().numpy()
    assert not np.array_equal(other, a["0.weight"].numpy())


def test_a_generator_of_ones_own_leaves_the_library_s_stream_alone():
    state = minidl.random.get_rng_state()
    p = nn.Parameter(np.empty((4, 4), np.float32))
    draws = []
    for name in ("uniform_", "normal_", "orthogonal_", "xavier_uniform_", "kaiming_normal_"):
        for _ in range(2):
            generator = minidl.random.Generator(3)
            draws.append(getattr(nn.init, name)(p, generator=generator).detach().numpy().copy())
        np.testing.assert_array_equal(draws[-1], draws[-2])
    assert minidl.random.get_rng_state() == state
