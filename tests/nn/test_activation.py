"""Activations where the tables do not reach: extreme values, kinks, infinities, dtypes, randomness."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import minidl
from minidl import nn, ops
from minidl.functional import grad
from minidl.nn import functional as F
from minidl.nn.functional.activation import SELU_ALPHA, SELU_SCALE

EVERY = {
    "celu": F.celu,
    "elu": F.elu,
    "gelu": F.gelu,
    "glu": lambda x: F.glu(x[..., None] * np.ones(2, x.dtype))[..., 0],
    "hardshrink": F.hardshrink,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardtanh": F.hardtanh,
    "leaky_relu": F.leaky_relu,
    "logsigmoid": F.logsigmoid,
    "mish": F.mish,
    "prelu": lambda x: F.prelu(x, np.full(1, 0.25, x.dtype)),
    "relu": F.relu,
    "relu6": F.relu6,
    "rrelu": F.rrelu,
    "selu": F.selu,
    "sigmoid": F.sigmoid,
    "silu": F.silu,
    "softmax": lambda x: F.softmax(x, 0),
    "softmin": lambda x: F.softmin(x, 0),
    "softplus": F.softplus,
    "softplus, β = −2": lambda x: F.softplus(x, -2.0),
    "softshrink": F.softshrink,
    "softsign": F.softsign,
    "tanh": F.tanh,
    "tanhshrink": F.tanhshrink,
    "threshold": lambda x: F.threshold(x, 0.1, 20),
}


def slope(function, x, u=None):
    """(values, gradients) for the cotangent u, ones by default."""
    x = minidl.tensor(x, requires_grad=True)
    y = function(x)
    y.backward(np.ones(y.shape, y.dtype) if u is None else u)
    return y.detach().numpy(), x.grad.numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EVERY)
def test_extreme_values_stay_finite_without_warnings(name, dtype):
    """Forward, backward, and the gradient of the gradient. GELU cubes its argument, so that it goes less far."""
    largest = {"gelu": 1e12, "mish": 1e38, "softplus, β = −2": 1e37}.get(name, 3e38)
    half = np.array([0.0, 1e-30, 1e-3, 18.0, 19.9, 20.1, 88.0, 89.0, 104.0, 709.0, 746.0, 1e4, largest])
    x = np.concatenate([-half[::-1], half]).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, dx = slope(EVERY[name], x)
        again = grad(lambda x: (grad(lambda x: EVERY[name](x).sum())(x) * minidl.tensor(x.data / largest)).sum())
        ddx = again(minidl.tensor(x)).numpy()
    for values in (y, dx, ddx):
        assert values.dtype == dtype and np.isfinite(values).all()


@pytest.mark.oracle
@pytest.mark.parametrize("name", [name for name in EVERY if name != "glu"])
def test_slopes_at_kinks_and_infinities_are_those_of_pytorch(name):
    import torch

    there = {"softplus, β = −2": lambda x: torch.nn.functional.softplus(x, -2.0)}
    there["prelu"] = lambda x: torch.nn.functional.prelu(x, torch.full((1,), 0.25, dtype=x.dtype))
    there["threshold"] = lambda x: torch.nn.functional.threshold(x, 0.1, 20)
    there |= {key: lambda x, key=key: getattr(torch.nn.functional, key)(x, 0) for key in ("softmax", "softmin")}
    x = np.array([-6.0, -3.0, -1.0, -0.5, -0.1, -0.0, 0.0, 0.1, 0.5, 1.0, 3.0, 6.0, 20.0])
    t = torch.tensor(x, requires_grad=True)
    y = there.get(name, getattr(torch.nn.functional, name, None))(t)
    u = np.linspace(0.5, 2, len(x))
    y.backward(torch.tensor(u))
    ours, dx = slope(EVERY[name], x, u)
    np.testing.assert_allclose(ours, y.detach().numpy(), rtol=1e-7, atol=1e-15)  # 1/6 is a float32 there
    np.testing.assert_allclose(dx, t.grad.numpy(), rtol=1e-7, atol=1e-15)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["hardsigmoid", "hardswish"])
@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0, 100.0])
def test_the_ones_with_a_sixth(name, scale, rng):
    import torch

    x = scale * rng.normal(size=(5, 7))
    x[0, :2] = -3, 3
    theirs = torch.tensor(x, requires_grad=True)
    u = rng.normal(size=x.shape)
    y = getattr(torch.nn.functional, name)(theirs)
    y.backward(torch.tensor(u))
    ours, dx = slope(getattr(F, name), x, u)
    np.testing.assert_allclose(ours, y.detach().numpy(), rtol=1e-7, atol=1e-15)
    np.testing.assert_allclose(dx, theirs.grad.numpy(), rtol=1e-6, atol=1e-7)
    modules = getattr(nn, name.capitalize()), getattr(torch.nn, name.capitalize())
    assert repr(modules[0]()) == repr(modules[1](inplace=False))
    np.testing.assert_array_equal(modules[0]()(minidl.tensor(x)).numpy(), ours)
    exact = np.clip(x + 3, 0, 6) / 6 * (x if name == "hardswish" else 1)
    np.testing.assert_allclose(ours, exact, rtol=1e-15)


@pytest.mark.parametrize("name", EVERY)
def test_arrays_are_taken_as_constants(name):
    x = np.array([-2.0, 0.5])
    y = EVERY[name](x)
    assert isinstance(y, minidl.Tensor) and not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), EVERY[name](minidl.tensor(x)).numpy())


@pytest.mark.parametrize("name", EVERY)
def test_a_nan_stays_one(name):
    y, _ = slope(EVERY[name], np.array([np.nan, 1.0]))
    assert np.isnan(y[0])


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [
        ("celu", -1.0, np.inf),
        ("elu", -1.0, np.inf),
        ("selu", -1.7580993408473766, np.inf),
        ("leaky_relu", -np.inf, np.inf),
        ("relu6", 0.0, 6.0),
        ("hardtanh", -1.0, 1.0),
        ("hardsigmoid", 0.0, 1.0),
        ("softplus", 0.0, np.inf),
        ("logsigmoid", -np.inf, 0.0),
        ("softshrink", -np.inf, np.inf),
        ("hardshrink", -np.inf, np.inf),
        ("tanhshrink", -np.inf, np.inf),
    ],
)
def test_limits(name, below, above):
    y, _ = slope(EVERY[name], np.array([-np.inf, np.inf]))
    assert y.tolist() == [below, above]


def test_logsigmoid_keeps_its_digits_where_the_sigmoid_has_none():
    x = np.array([-800.0, -40.0, 40.0])
    y, dx = slope(F.logsigmoid, x)
    np.testing.assert_allclose(y, [-800, -40, -np.exp(-40)], rtol=1e-14)
    np.testing.assert_allclose(dx, [1, 1, 0], atol=1e-15)


def test_softplus_is_a_line_beyond_its_threshold():
    x = np.array([1.0, 2.0, 2.0 + 1e-9, 3.0])
    y, dx = slope(lambda x: F.softplus(x, beta=1.5, threshold=3.0), x)
    assert y[:2] == pytest.approx(np.log1p(np.exp(1.5 * x[:2])) / 1.5) and y[2:].tolist() == x[2:].tolist()
    assert dx[:2] == pytest.approx(1 / (1 + np.exp(-1.5 * x[:2]))) and dx[2:].tolist() == [1, 1]


@pytest.mark.parametrize("name", sorted({n.split(",")[0] for n in EVERY} - {"relu", "prelu", "glu"}))
def test_integers_become_float32(name):
    x = np.array([-3, 0, 2])
    y, expected = EVERY[name](minidl.tensor(x)), EVERY[name](minidl.tensor(x.astype(np.float32)))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.numpy(), expected.numpy())


def test_selu_has_the_fixed_point_that_gave_it_its_constants():
    """E[selu(x)] = 0 and E[selu(x)²] = 1 for x ~ N(0, 1), by Gauss–Hermite quadrature of each side's smooth piece."""
    z, w = np.polynomial.legendre.leggauss(200)
    z, w = 10 * (z + 1), 10 * w
    moments = [0.0, 0.0]
    for side in (z, -z):
        y = ops.elu(side, alpha=SELU_ALPHA, scale=SELU_SCALE)
        density = np.exp(-side * side / 2) / np.sqrt(2 * np.pi)
        moments = [m + np.sum(w * density * y**k) for k, m in enumerate(moments, 1)]
    assert moments == pytest.approx([0, 1], abs=1e-12)


def test_rrelu_draws_a_slope_for_each_element():
    minidl.manual_seed(3)
    x = -np.ones((100, 50), np.float32)
    y, dx = slope(lambda x: F.rrelu(x, 0.2, 0.4, training=True), x)
    assert dx.dtype == np.float32 and np.array_equal(y, -dx)
    assert 0.2 <= dx.min() < 0.202 and 0.398 < dx.max() <= 0.4
    assert dx.mean() == pytest.approx(0.3, abs=0.003) and dx.std() == pytest.approx(0.2 / 12**0.5, rel=0.05)
    minidl.manual_seed(3)
    layer = nn.RReLU(0.2, 0.4)
    assert np.array_equal(layer(minidl.tensor(x)).numpy(), y)
    assert not np.array_equal(layer(minidl.tensor(x)).numpy(), y)
    assert np.allclose(layer.eval()(minidl.tensor(x)).numpy(), -0.3)
    assert layer(minidl.tensor(-x)).tolist() == (-x).tolist()


def test_the_largest_of_a_gumbel_softmax_is_distributed_as_the_softmax():
    minidl.manual_seed(5)
    logits = minidl.tensor([0.0, 1.0, -1.0, 0.5])
    p = F.softmax(logits, 0).numpy()
    rows = minidl.tensor(np.tile(logits.numpy()[:, None], (1, 20000)))
    for tau in (0.3, 2.0):
        y = F.gumbel_softmax(rows, tau, dim=0).numpy()
        assert y.dtype == np.float32 and y.min() >= 0
        np.testing.assert_allclose(y.sum(0), 1, rtol=1e-5)
        shares = np.bincount(y.argmax(0), minlength=4) / 20000
        np.testing.assert_allclose(shares, p, atol=4 * 0.5 / 20000**0.5)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_a_hard_gumbel_softmax_is_one_class_with_the_slopes_of_the_smooth_one(dim, rng):
    x, u = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
    minidl.manual_seed(6)
    soft, smooth = slope(lambda x: F.gumbel_softmax(x, 0.7, dim=dim), x, u)
    minidl.manual_seed(6)
    hard, through = slope(lambda x: F.gumbel_softmax(x, tau=0.7, hard=True, dim=dim), x, u)
    np.testing.assert_allclose(hard, soft == soft.max(dim, keepdims=True), atol=1e-15)
    np.testing.assert_array_equal(through, smooth)
    assert np.abs(smooth).max() > 0.01


def test_prelu_learns_one_slope_or_one_for_each_channel():
    layer = nn.PReLU(3, init=0.1)
    assert layer.weight.tolist() == np.full(3, 0.1, np.float32).tolist()
    x = np.ones((2, 3, 4), np.float32) * np.array([[-1.0], [1.0], [-2.0]], np.float32)
    layer(minidl.tensor(x)).sum().backward()
    assert layer.weight.grad.tolist() == [-8, 0, -16]
    one = nn.PReLU(dtype="float64")
    one(minidl.tensor(x.astype(np.float64))).sum().backward()
    assert one.weight.dtype == np.float64 and one.weight.grad.tolist() == [-24]
    with minidl.no_grad():
        one.weight.fill_(9.0)
    one.reset_parameters()
    assert one.weight.tolist() == [0.25]


IN_PLACE = [
    "CELU",
    "ELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "Mish",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SELU",
]
IN_PLACE += ["SiLU", "Threshold", *nn.dropout.__all__]


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted({*nn.activation.__all__, *nn.dropout.__all__}))
def test_layers_with_the_argument_inplace_are_those_of_pytorch_and_refuse_it(name):
    import inspect

    import torch

    theirs = inspect.signature(getattr(torch.nn, name).__init__).parameters
    assert (name in IN_PLACE) == ("inplace" in theirs)
    if name in IN_PLACE:
        values = [0.5, 0.5] if name == "Threshold" else []
        assert repr(getattr(nn, name)(*values, inplace=False)) == repr(getattr(torch.nn, name)(*values, inplace=False))
        with pytest.raises(minidl.errors.ArgumentError, match=f"{name}: inplace: got True, expected False"):
            getattr(nn, name)(*values, inplace=True)
