"""Dropout: what is dropped together, what the mean and variance become, what a seed repeats."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn import functional as F

CHANNELS = [  # (layer, shape of the input, how many of its axes count what is dropped together)
    (nn.Dropout1d, (40, 30, 7), 2),
    (nn.Dropout1d, (900, 7), 1),
    (nn.Dropout2d, (40, 30, 3, 2), 2),
    (nn.Dropout2d, (40, 30, 6), 2),
    (nn.Dropout3d, (40, 30, 2, 2, 2), 2),
    (nn.Dropout3d, (900, 2, 2, 2), 1),
    (nn.FeatureAlphaDropout, (40, 30, 5), 2),
    (nn.FeatureAlphaDropout, (40, 30), 2),
    (nn.Dropout, (30, 40), 2),
    (nn.AlphaDropout, (30, 40), 2),
]


@pytest.mark.parametrize("p", [0.2, 0.7])
@pytest.mark.parametrize(("kind", "shape", "axes"), CHANNELS)
def test_channels_are_dropped_whole_and_at_the_rate_p(kind, shape, axes, p):
    minidl.manual_seed(0)
    x = minidl.tensor(np.ones(shape, np.float32), requires_grad=True)
    layer = kind(p)
    y = layer(x)
    values = y.detach().numpy().reshape(*shape[:axes], -1)
    assert y.dtype == np.float32 and (values == values[..., :1]).all()
    dropped, kept = np.unique(values)
    assert (values == dropped).mean() == pytest.approx(p, abs=4 * (p * (1 - p) / np.prod(shape[:axes])) ** 0.5)
    if "Alpha" not in kind.__name__:
        assert dropped == 0 and kept == pytest.approx(1 / (1 - p))
    u = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    y.backward(u)
    scale = np.where(values == dropped, 0, kept - dropped if "Alpha" in kind.__name__ else kept).reshape(
        y.shape[:axes] + (-1,)
    )
    flat = x.grad.numpy().reshape(*shape[:axes], -1) / u.reshape(*shape[:axes], -1)
    assert (flat[np.broadcast_to(scale == 0, flat.shape)] == 0).all()
    survivors = flat[np.broadcast_to(scale != 0, flat.shape)]
    np.testing.assert_allclose(survivors, survivors[0], rtol=1e-5)
    assert layer.eval()(x) is x


@pytest.mark.parametrize("name", ["dropout", "dropout1d", "dropout2d", "dropout3d"])
def test_the_mean_stays(name):
    minidl.manual_seed(1)
    x = np.full(
        {"dropout": (40000,), "dropout1d": (200, 200, 1)}.get(name, (200, 200, 1, 1) + (1,) * name.count("3")), 2.0
    )
    for p in (0.1, 0.5, 0.9):
        y = getattr(F, name)(x, p)
        assert y.numpy().mean() == pytest.approx(2, abs=4 * 2 * (p / (1 - p) / 40000) ** 0.5)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_0_and_variance_1(name, p, rng):
    minidl.manual_seed(2)
    y = getattr(F, name)(rng.normal(size=(400, 500)), p, training=True).numpy()
    assert y.mean() == pytest.approx(0, abs=4 / 200000**0.5)
    assert y.var() == pytest.approx(1, abs=0.02)
    assert getattr(F, name)(np.ones((2, 3)), p).tolist() == np.ones((2, 3)).tolist()  # not in training by default


def test_alpha_dropout_sets_values_to_where_selu_saturates_and_then_shifts_all():
    minidl.manual_seed(0)
    x, p = np.linspace(-2, 3, 1000), 0.4
    y = F.alpha_dropout(x, p, True).numpy()
    limit = F.selu(np.array([-1000.0])).item()
    a = ((1 - p) * (1 + p * limit**2)) ** -0.5
    expected = np.array([a * x - a * p * limit, np.full(1000, a * limit - a * p * limit)])
    np.testing.assert_allclose(np.abs(y - expected).min(0), 0, atol=1e-12)


@pytest.mark.parametrize("kind", sorted(nn.dropout.__all__))
def test_a_seed_repeats_it(kind):
    layer = getattr(nn, kind)(0.5)
    x = minidl.tensor(np.ones({"Dropout3d": (8, 8, 1, 1, 1)}.get(kind, (8, 8, 1)), np.float32))
    minidl.manual_seed(4)
    one, two = layer(x).numpy(), layer(x).numpy()
    minidl.manual_seed(4)
    assert np.array_equal(layer(x).numpy(), one) and not np.array_equal(one, two)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:dropout2d. Received a 3D input")
def test_three_axes_are_a_batch_of_sequences_for_dropout2d_as_in_pytorch():
    import torch

    x = np.ones((50, 40, 6), np.float32)
    for y in (F.dropout2d(x).numpy(), torch.nn.functional.dropout2d(torch.tensor(x)).numpy()):
        assert (y == y[:, :, :1]).all() and 0.4 < (y == 0).mean() < 0.6
    theirs = torch.nn.functional.feature_alpha_dropout(torch.tensor(x), 0.3, True).numpy()
    ours = F.feature_alpha_dropout(x, 0.3, True).numpy()
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=1e-5)
