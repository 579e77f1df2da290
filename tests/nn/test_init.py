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


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (0, 0.02, -2, 2), (1, 0.5, 0.9, 1.3), (0, 1, 4, 9), (0, 2, -50, -11), (0, 1, 3, np.inf)],
)
def test_truncated_normal(mean, std, a, b):
    """The moments are the density's, integrated; no value lies outside; a seed repeats all."""
    minidl.manual_seed(0)
    values = filled("trunc_normal_", (200, 200), mean=mean, std=std, a=a, b=b).astype(np.float64)
    assert a - 1e-6 * abs(a) <= values.min() and values.max() <= b + 1e-6 * abs(b)
    z = np.linspace(max(a, mean - 12 * std), min(b, mean + 12 * std), 200001)
    density = np.exp(-0.5 * ((z - mean) / std) ** 2 - np.max(-0.5 * ((z - mean) / std) ** 2))
    density /= density.sum()
    expected = (density * z).sum()
    spread = ((density * z * z).sum() - expected**2) ** 0.5
    assert values.mean() == pytest.approx(expected, abs=4 * spread / 200)
    assert values.std() == pytest.approx(spread, rel=0.03)
    minidl.manual_seed(0)
    assert np.array_equal(filled("trunc_normal_", (200, 200), mean=mean, std=std, a=a, b=b), values)
    assert filled("trunc_normal_", (0, 3), mean=mean, std=std, a=a, b=b).size == 0


def test_sparse():
    minidl.manual_seed(1)
    values = filled("sparse_", (30, 400), sparsity=0.11, std=0.5)
    assert ((values == 0).sum(0) == 4).all()  # of 30 rows 3.3, rounded up
    assert (values == 0).sum(1).std() < 3 * (400 * 0.13 * 0.87) ** 0.5 and (values == 0).any(1).all()
    assert values[values != 0].std() == pytest.approx(0.5, rel=0.03)
    assert (filled("sparse_", (3, 4), sparsity=1.0) == 0).all() and (filled("sparse_", (3, 4), sparsity=0) != 0).all()


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("eye_", (3, 5), {}),
        ("eye_", (5, 3), {}),
        ("dirac_", (3, 5, 4), {}),
        ("dirac_", (5, 3, 3, 2), {}),
        ("dirac_", (6, 2, 3, 1), {"groups": 2}),
        ("dirac_", (4, 3, 2, 3, 5), {"groups": 4}),
    ],
)
def test_identities_are_those_of_pytorch(name, shape, options):
    import torch

    expected = getattr(torch.nn.init, name)(torch.nn.Parameter(torch.zeros(shape)), **options)
    np.testing.assert_array_equal(filled(name, shape, **options), expected.detach().numpy())


def test_identities_pass_their_inputs_on(rng):
    x = minidl.tensor(rng.normal(size=(2, 4, 5, 6)).astype(np.float32))
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
    nn.init.dirac_(layer.weight, groups=2)
    np.testing.assert_allclose(layer(x).detach().numpy(), x.numpy(), atol=1e-6)
    dense = nn.Linear(6, 6, bias=False)
    nn.init.eye_(dense.weight)
    np.testing.assert_allclose(dense(x).detach().numpy(), x.numpy(), atol=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["conv", "conv_transpose"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_convolution_has_the_gain_of_what_is_linear(kind, axes):
    import torch

    assert nn.init.calculate_gain(f"{kind}{axes}d") == torch.nn.init.calculate_gain(f"{kind}{axes}d") == 1


def test_constants():
    assert (filled("zeros_") == 0).all() and (filled("ones_") == 1).all()
    assert (filled("constant_", val=0.25) == 0.25).all()


def test_filling_is_not_recorded_and_keeps_the_parameter():
    p = nn.Parameter(np.empty((3, 2), np.float32))
    memory = p.data
    names = (
        "uniform_",
        "normal_",
        "orthogonal_",
        "zeros_",
        "xavier_normal_",
        "kaiming_uniform_",
        "trunc_normal_",
        "eye_",
    )
    for name in names:
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
    for name in ("uniform_", "normal_", "orthogonal_", "xavier_uniform_", "kaiming_normal_", "trunc_normal_"):
        for _ in range(2):
            generator = minidl.random.Generator(3)
            draws.append(getattr(nn.init, name)(p, generator=generator).detach().numpy().copy())
        np.testing.assert_array_equal(draws[-1], draws[-2])
    assert minidl.random.get_rng_state() == state
