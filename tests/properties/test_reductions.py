"""Reductions over any axes: NumPy's values, and gradients computed line by line.

The oracle moves the reduced axes to the end, flattens them, and takes each line by itself.
"""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minidl
from minidl import ops
from minidl.functional import vjp

LINES = {
    # name → (value of a line, its gradient)
    "sum": (np.sum, np.ones_like),
    "mean": (np.mean, lambda x: np.full_like(x, 1 / x.size)),
    "max": (np.max, lambda x: (x == x.max()) / np.sum(x == x.max())),
    "min": (np.min, lambda x: (x == x.min()) / np.sum(x == x.min())),
    "logsumexp": (lambda x: np.log(np.sum(np.exp(x))), lambda x: np.exp(x) / np.sum(np.exp(x))),
    "var": (np.var, lambda x: 2 * (x - x.mean()) / x.size),
}


@st.composite
def cases(draw, min_side=1):
    """An array with ties, some of its axes (in any order, positive or negative), and keepdims."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=min_side, max_side=4))
    axes = draw(st.permutations(range(len(shape))))[: draw(st.integers(0, len(shape)))]
    axes = tuple(a - len(shape) * draw(st.booleans()) for a in axes)
    forms = [axes] + ([axes[0]] if len(axes) == 1 else []) + ([None] if len(axes) == len(shape) else [])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = np.asarray(rng.integers(-4, 5, size=shape) / 4)
    return x, axes, draw(st.sampled_from(forms)), draw(st.booleans()), rng


def by_lines(function, x, axes):
    """`function` applied to each line of reduced elements; results of the line's shape, or scalars."""
    axes = [a % x.ndim for a in axes]
    kept = [a for a in range(x.ndim) if a not in axes]
    moved = x.transpose(kept + axes)
    lines = moved.reshape(*moved.shape[: len(kept)], -1)
    out = [np.asarray(function(line)) for line in lines.reshape(-1, lines.shape[-1])]
    if out and out[0].shape == ():
        return np.array(out).reshape(moved.shape[: len(kept)])
    return np.array(out).reshape(moved.shape).transpose(np.argsort(kept + axes))


@pytest.mark.parametrize("name", LINES)
@given(case=cases())
def test_values_and_gradients(name, case):
    x, axes, axis, keepdims, rng = case
    value, gradient = LINES[name]
    params = {"axis": axis, "keepdims": keepdims} | ({"correction": 0} if name == "var" else {})
    expected = by_lines(value, x, axes)
    full = tuple(1 if i in {a % x.ndim for a in axes} else n for i, n in enumerate(x.shape))
    expected = expected.reshape(full) if keepdims else expected
    u = np.asarray(rng.normal(size=expected.shape))
    for mode in ("fast", "reference"):
        with minidl.mode(mode):
            y, g = vjp(lambda x: getattr(ops, name)(x, **params), x, u)
        assert y.shape == expected.shape and g.shape == x.shape
        np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-13)
        slopes = by_lines(gradient, x, axes) if x.size else x
        np.testing.assert_allclose(g.data, u.reshape(full) * slopes, rtol=1e-12, atol=1e-13)


@given(case=cases(min_side=0))
def test_sums_are_linear_and_expansion_is_their_adjoint(case):
    """Empty lines too: ⟨u, Σx⟩ = ⟨expand(u), x⟩."""
    x, _, axis, _, rng = case
    y = ops.sum(x, axis=axis, keepdims=True)
    u = np.asarray(rng.normal(size=y.shape))
    _, g = vjp(lambda x: ops.sum(x, axis=axis, keepdims=True), x, u)
    assert np.sum(u * y) == pytest.approx(np.sum(g.data * x), abs=1e-10)
    np.testing.assert_array_equal(g.data, np.broadcast_to(u, x.shape))
    v = np.asarray(rng.normal(size=x.shape))
    _, back = vjp(lambda u: ops.expand(u, shape=x.shape), u, v)
    np.testing.assert_allclose(back.data, ops.sum(v, axis=axis, keepdims=True), atol=1e-12)


@given(case=cases(), correction=st.integers(0, 3))
def test_variance(case, correction):
    x, axes, axis, keepdims, _ = case
    n = int(np.prod([x.shape[a] for a in axes]))
    assume(n > correction)
    y = ops.var(x, axis=axis, keepdims=keepdims, correction=correction)
    np.testing.assert_allclose(y, np.var(x, axis=axis, keepdims=keepdims, ddof=correction), rtol=1e-12, atol=1e-13)
    same = minidl.tensor(x).var(dim=axis, correction=correction, keepdim=keepdims)
    np.testing.assert_array_equal(same.data, y)


@given(case=cases())
def test_logsumexp_does_not_overflow_and_softmax_is_its_gradient(case):
    x, axes, axis, _, _ = case
    assume(len(axes) > 0)
    for shift in (0.0, 1000.0, -1000.0):
        y, g = vjp(lambda x: ops.logsumexp(x, axis=axis, keepdims=True).sum(), x + shift)
        expected = np.sum(np.log(np.sum(np.exp(x), axis=axes, keepdims=True)) + shift)
        np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(g.data.sum(axis=axes), np.ones(g.data.sum(axis=axes).shape), rtol=1e-12)


@given(case=cases())
def test_methods_in_pytorchs_words(case):
    x, _, axis, keepdims, _ = case
    t = minidl.tensor(x)
    for method, operation in [("sum", ops.sum), ("mean", ops.mean), ("amax", ops.max), ("amin", ops.min)]:
        y = getattr(t, method)(dim=axis, keepdim=keepdims)
        np.testing.assert_array_equal(y.data, operation(x, axis=axis, keepdims=keepdims))
    if isinstance(axis, tuple):
        np.testing.assert_array_equal(t.sum(list(axis)).data, x.sum(axis))


@given(case=cases(), wrong=st.sampled_from([5, -6, (0, 0), 1.5, "x"]))
def test_axes_that_are_not_there(case, wrong):
    x = case[0]
    assume(x.ndim > 0)
    for operation in (ops.sum, ops.mean, ops.max, ops.logsumexp, ops.var):
        with pytest.raises((ValueError, TypeError)) as caught:
            operation(minidl.tensor(x), axis=wrong)
        assert isinstance(caught.value, minidl.errors.MinidlError)
        assert operation.name in str(caught.value) and "axis=" in str(caught.value)
