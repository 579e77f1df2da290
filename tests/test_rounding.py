"""Steps, remainders and their kin, where samples do not reach: at the steps, by 0, by infinities, in every dtype."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import minidl
from minidl import ops
from minidl.errors import ArgumentError
from minidl.functional import grad

STEPS = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round, "sign": np.sign}
POINTS = [-2.5, -1.5, -1.0, -0.5, -0.0, 0.0, 0.3, 0.5, 1.0, 1.5, 2.5, 1e300, -np.inf, np.inf, np.nan]


@pytest.mark.parametrize("name", STEPS)
def test_steps_have_slope_0_everywhere(name):
    x = minidl.tensor(POINTS, dtype="float64", requires_grad=True)
    y = getattr(ops, name)(x)
    np.testing.assert_array_equal(y.detach().numpy(), STEPS[name](np.array(POINTS)))
    y.backward(np.arange(1.0, len(POINTS) + 1))
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros(len(POINTS)))
    second = grad(lambda x: grad(lambda x: (x * getattr(ops, name)(x)).sum())(x).sum())
    np.testing.assert_array_equal(second(np.array(POINTS[:11])).numpy(), np.zeros(11))


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "float32", "float16"])
def test_steps_keep_the_dtype(name, dtype):
    x = np.array([0, 1, 1]).astype(dtype)
    for y in (getattr(ops, name)(x), getattr(ops, name)(minidl.tensor(x)).numpy()):
        assert y.dtype == x.dtype and y.tolist() == x.tolist()
    assert not minidl.tensor(x).floor().requires_grad


@pytest.mark.parametrize("mode", ["plain", "fast", "textbook", "reference"])
def test_steps_in_every_mode(mode):
    with minidl.mode(mode):
        x = minidl.tensor([-1.5, 2.5], requires_grad=True)
        (x * x.floor() + x.round()).sum().backward()
    assert x.grad.tolist() == [-2, 2]


@pytest.mark.parametrize("decimals", [-2, -1, 0, 1, 3])
def test_rounding_to_decimals(decimals):
    x = np.array([123.4567, -55.5555, 0.05, 15.0, 25.0, 0.125])
    np.testing.assert_array_equal(ops.round(x, decimals=decimals), np.round(x, decimals))
    whole = np.array([15, 25, -149, 150])
    assert ops.round(whole, decimals=decimals).tolist() == np.round(whole, decimals).tolist()


@pytest.mark.parametrize("w", [3.0, -3.0, 0.1, -0.1, np.inf])
def test_quotient_and_remainder_belong_together(w):
    """Python's: x = w (x // w) + x % w, and the remainder has the sign of w. (0.1 is above a tenth: 1 // 0.1 = 9.)"""
    x = np.array([-7.5, -3.0, -1.0, 0.0, 1.0, 3.0, 7.5])
    q, r = ops.floor_divide(x, w), ops.remainder(x, w)
    assert q.tolist() == [each // w for each in x.tolist()] and r.tolist() == [each % w for each in x.tolist()]


def test_the_slope_of_a_remainder_at_its_steps_is_that_of_the_right_side():
    """Where x is a whole multiple of w: y = 0, and the quotient is x / w itself."""
    x = minidl.tensor([-2.0, 0.0, 2.0, 4.0], requires_grad=True)
    w = minidl.tensor([2.0, 2.0, 2.0, 2.0], requires_grad=True)
    (x % w).sum().backward()
    assert x.grad.tolist() == [1, 1, 1, 1] and w.grad.tolist() == [1, 0, -1, -2]


def test_floats_divided_by_0_are_quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = minidl.tensor([-1.0, 0.0, 1.0])
        assert np.isnan((x % 0.0).numpy()).all() and np.isnan((x % 0).numpy()).all()
        assert (x // 0).tolist()[::2] == [-np.inf, np.inf] and np.isnan((x // 0)[1].item())
        assert np.isnan((np.inf % x).numpy()).all()


@pytest.mark.parametrize("divide", [lambda a, b: a % b, lambda a, b: a // b], ids=["%", "//"])
def test_integers_divided_by_0_are_an_error(divide):
    i, zero = minidl.tensor([1, 2]), minidl.tensor([1, 0])
    for call in (lambda: divide(i, zero), lambda: divide(i, 0), lambda: divide(5, zero)):
        with pytest.raises(ArgumentError, match=r"w: got integers with a 0 among them[\s\S]*NaN"):
            call()
    assert divide(i, zero.float()).dtype == np.float32


@pytest.mark.parametrize(
    ("x", "w", "dtype"),
    [
        (np.int64([7]), 2, "int64"),
        (np.int32([7]), np.int64([2]), "int64"),
        (np.uint8([7]), 2, "uint8"),
        (np.int64([7]), 2.0, "float32"),
        (np.float32([7]), np.int64([2]), "float32"),
        (np.float64([7]), np.float32([2]), "float64"),
        (np.float16([7]), 2, "float16"),
        (7, np.float32([2]), "float32"),
        (7.0, np.int64([2]), "float32"),
    ],
)
def test_dtypes_of_quotients_and_remainders(x, w, dtype):
    one, two = (minidl.tensor(a) if isinstance(a, np.ndarray) else a for a in (x, w))
    assert (one // two).dtype == dtype and (one // two).tolist() == [3]
    assert (one % two).dtype == dtype and (one % two).tolist() == [1]


def test_a_quotient_belongs_to_the_graph_and_passes_nothing_on():
    x = minidl.tensor([5.0, -5.0], requires_grad=True)
    w = minidl.tensor([[2.0], [3.0]], requires_grad=True)
    (x * (x // w)).sum().backward()
    assert x.grad.tolist() == [3, -5] and w.grad.tolist() == [[0], [0]]
    assert (5 // w).requires_grad and (w // 2).requires_grad


REAL = [
    "expm1",
    "log1p",
    "log2",
    "log10",
    "rsqrt",
    "reciprocal",
    "sin",
    "cos",
    "tan",
    "atan",
    "elu",
    "softplus",
    "silu",
]


@pytest.mark.parametrize("name", [*REAL, "mish"])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_real_functions_make_float32_of_integers(name, dtype):
    x = np.array([1, 1, 0]).astype(dtype)
    y = getattr(ops, name)(minidl.tensor(x))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.numpy(), getattr(ops, name)(x.astype(np.float32)))


@pytest.mark.parametrize(
    ("name", "at", "y", "dx"),
    [
        ("log1p", -1.0, -np.inf, np.inf),
        ("log1p", -2.0, np.nan, -1.0),
        ("log2", 0.0, -np.inf, np.inf),
        ("log10", 0.0, -np.inf, np.inf),
        ("rsqrt", 0.0, np.inf, -np.inf),
        ("rsqrt", -1.0, np.nan, np.nan),
        ("reciprocal", 0.0, np.inf, -np.inf),
        ("expm1", -np.inf, -1.0, 0.0),
        ("expm1", 800.0, np.inf, np.inf),
        ("atan", np.inf, np.pi / 2, 0.0),
        ("atan", -1e200, -np.pi / 2, 0.0),
        ("sin", np.inf, np.nan, np.nan),
    ],
)
def test_ends_of_domains_are_quiet(name, at, y, dx):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = minidl.tensor(np.array(at), requires_grad=True)
        value = getattr(ops, name)(x)
        value.backward()
    np.testing.assert_allclose([value.item(), x.grad.item()], [y, dx])


def test_small_values_keep_their_digits():
    x = np.array([1e-20, -1e-20, 1e-10])
    np.testing.assert_allclose(ops.expm1(x), x + x * x / 2, rtol=1e-15)
    np.testing.assert_allclose(ops.log1p(x), x - x * x / 2, rtol=1e-15)
    assert ops.log2(2.0 ** np.arange(-5, 6)).tolist() == list(range(-5, 6))
    assert ops.log10(10.0 ** np.arange(0, 6)).tolist() == list(range(6))
