"""The vectorised functions of `kernels/cpu/elementary.py`: their stated errors, over the whole range of each float."""

from __future__ import annotations

import math

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from minidl.kernels.cpu import elementary  # noqa: E402

JIT = not numba.config.DISABLE_JIT
LONG = np.longdouble  # wider than float64 on x86; where it is not, the reference itself is off by half an ulp
SLACK = 0.0 if np.finfo(LONG).eps < 1e-18 else 0.5


def over(function):
    """A loop with the options of the kernels."""
    from minidl.kernels.cpu.jit import OPTIONS

    @numba.njit(**{**OPTIONS, "cache": False})
    def loop(x, y):
        for i in range(len(x)):
            y[i] = function(x[i])

    return loop


ULPS = {  # float32, float64
    "exp": (1.0, 1.0),
    "exp_down": (1.0, 1.0),
    "expm1_down": (1.2, 1.2),
    "log": (0.9, 0.9),
    "log1p_up": (2.0, 2.0),
    "tanh": (2.5, 2.6),
    "sigmoid": (2.4, 2.5),
}
LOOPS = {name: over(getattr(elementary, name)) for name in (*ULPS, "erf")}


def computed(name, x):
    y = np.empty_like(x)
    LOOPS[name](x, y)
    return y


def exact(name, x):
    """In a wider float."""
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64 if x.dtype == np.float32 else LONG)
        if name != "sigmoid":
            return getattr(np, name.removesuffix("_down").removesuffix("_up"))(wide)
        e = np.exp(-np.abs(wide))
        return np.where(wide >= 0, 1, e) / (1 + e)


def inputs(dtype, name="exp"):
    """Every sign and exponent; more of them where the functions change; no more than what `name` is for."""
    x = everything(dtype)
    if name == "log1p_up":
        return np.abs(x)[np.abs(x) <= 1]
    if name.endswith("_down"):
        x = -np.abs(x)
        return x[~(x < (-87 if dtype == np.float32 else -708))]
    return x


def everything(dtype):
    if dtype == np.float32:
        bits = np.arange(0, 2**32, 14009 if JIT else 2**22 + 1, dtype=np.uint64).astype(np.uint32)
        return bits.view(np.float32)
    rng = np.random.default_rng(0)
    n = 100_000 if JIT else 500
    spread = np.exp(rng.uniform(-745, 7, n)) * rng.choice([-1, 1], n)
    ends = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 5e-324, -5e-324, 1e308, -1e308])
    return np.concatenate([spread, rng.uniform(-750, 715, n), 3 * rng.normal(size=n), ends])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ULPS)
def test_the_error_is_what_the_table_says(name, dtype):
    x = inputs(dtype, name)
    y, e = computed(name, x), exact(name, x)
    with np.errstate(all="ignore"):
        rounded = e.astype(dtype)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(rounded))
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(y[~finite], rounded[~finite])  # ∞ where the result is too large
    spacing = np.spacing(np.abs(rounded[finite])).astype(e.dtype)  # the smallest denormal, near 0
    error = np.abs(y[finite].astype(e.dtype) - e[finite]) / spacing
    assert error.max() <= ULPS[name][dtype == np.float64] + SLACK


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends(dtype):
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype)
    np.testing.assert_array_equal(computed("exp", x), np.array([np.inf, 0, np.nan, 1, 1], dtype))
    np.testing.assert_array_equal(computed("tanh", x), np.array([1, -1, np.nan, 0, 0], dtype))
    np.testing.assert_array_equal(np.signbit(computed("tanh", x))[3:], [False, True])
    np.testing.assert_array_equal(computed("sigmoid", x), np.array([1, 0, np.nan, 0.5, 0.5], dtype))


@pytest.mark.parametrize(("dtype", "ulps"), [(np.float32, 2.4), (np.float64, 2.7)])
def test_erf(dtype, ulps):
    x = np.concatenate([np.linspace(-7, 7, 2001), np.geomspace(1e-300, 1, 201)]).astype(dtype)
    exact = np.array([math.erf(t) for t in x.astype(np.float64)])  # itself within one ulp
    error = np.abs(computed("erf", x).astype(np.float64) - exact) / np.spacing(np.abs(exact).astype(dtype))
    assert error.max() <= ulps + (dtype == np.float64)
    ends = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype)
    np.testing.assert_array_equal(computed("erf", ends), np.array([1, -1, np.nan, 0, -0.0], dtype))
    assert np.signbit(computed("erf", ends)[-1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_falls_below_the_normal_numbers_is_zero(dtype):
    x = np.array([-np.inf, -1e6, -88 if dtype == np.float32 else -709], dtype)
    np.testing.assert_array_equal(computed("exp_down", x), 0)
    np.testing.assert_array_equal(computed("expm1_down", x), -1)
    np.testing.assert_array_equal(computed("expm1_down", np.array([np.nan, -0.0], dtype)), np.array([np.nan, 0], dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_denormal_results_are_not_flushed_to_zero(dtype):
    smallest = np.finfo(dtype).smallest_subnormal
    x = np.array([np.log(float(smallest)) + 1, np.log(float(np.finfo(dtype).tiny)) - 2], dtype)
    y = computed("exp", x)
    assert (y > 0).all() and (y < np.finfo(dtype).tiny).all()
    np.testing.assert_array_equal(y, computed("sigmoid", x))  # 1 + eˣ is 1 here
    np.testing.assert_allclose(y, np.exp(x.astype(float)), rtol=0, atol=float(smallest))


@pytest.mark.parametrize(("dtype", "cdf", "pdf"), [(np.float32, 1.1e-7, 5e-8), (np.float64, 3.4e-16, 1.2e-16)])
def test_the_normal_distribution(dtype, cdf, pdf):
    @numba.njit
    def loop(x, y, z):
        for i in range(len(x)):
            y[i], z[i] = elementary.normal(x[i])

    x = np.concatenate([np.linspace(-12, 12, 20_001 if JIT else 301), [-40, 40, -1e30, 1e30, np.inf, -np.inf, np.nan]])
    x = x.astype(dtype)
    y, z = np.empty((2, len(x)), dtype)
    loop(x, y, z)
    wide = x.astype(np.float64)
    expected = np.array([0.5 * math.erfc(-t * math.sqrt(0.5)) for t in wide])
    np.testing.assert_allclose(y, expected, rtol=0, atol=cdf)
    tail = (wide > -5) & (wide < 0)  # where Φ is small it keeps its relative precision, but for the rounding of x²
    np.testing.assert_allclose(y[tail], expected[tail], rtol=30 * np.finfo(dtype).eps)
    with np.errstate(over="ignore"):
        density = np.exp(-wide * wide / 2) / math.sqrt(2 * math.pi)
    np.testing.assert_allclose(z, density, rtol=0, atol=pdf)


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
@pytest.mark.parametrize("name", LOOPS)
def test_loops_around_them_are_vectorised(name):
    """Eight or more at once is what they are for; losing it would show nowhere but in the time."""
    for dtype, vector in ((np.float32, "x float>"), (np.float64, "x double>")):
        computed(name, np.zeros(64, dtype))
        signature = next(s for s in LOOPS[name].signatures if s[0].dtype == numba.from_dtype(np.dtype(dtype)))
        assert vector in LOOPS[name].inspect_llvm(signature)
