"""Two shapes that NumPy can bring together: the same values as NumPy's, and gradients of each input's own shape.

The oracle knows where each element of the result came from: it broadcasts the numbers of the elements instead of the
elements, and adds the cotangents up at these numbers.
"""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import ops
from minidl.functional import grad, vjp

seeds = st.integers(0, 2**32 - 1)
two_shapes = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0)
three_shapes = hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3, min_side=0)

# operation → NumPy's name for it, and the two partial derivatives
BINARY = {
    "add": (np.add, lambda x, w: (1, 1)),
    "sub": (np.subtract, lambda x, w: (1, -1)),
    "mul": (np.multiply, lambda x, w: (w, x)),
    "div": (np.divide, lambda x, w: (1 / w, -x / w**2)),
    "pow": (np.power, lambda x, w: (w * x ** (w - 1), x**w * np.log(x))),
    "maximum": (np.maximum, lambda x, w: ((x > w) + (x == w) / 2, (w > x) + (x == w) / 2)),
    "minimum": (np.minimum, lambda x, w: ((x < w) + (x == w) / 2, (w < x) + (x == w) / 2)),
}


def draw(seed, *shapes):
    """Positive numbers, some of them equal."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.integers(1, 8, size=shape) / 4) for shape in shapes]


def gathered(contributions, shape):
    """Cotangents added up where their elements came from."""
    numbers = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), contributions.shape)
    return np.bincount(numbers.ravel(), contributions.ravel(), minlength=int(np.prod(shape))).reshape(shape)


@pytest.mark.parametrize("name", BINARY)
@given(shapes=two_shapes, seed=seeds)
def test_two_operands(name, shapes, seed):
    function, partials = BINARY[name]
    x, w, u = draw(seed, *shapes.input_shapes, shapes.result_shape)
    for mode in ("fast", "textbook"):
        with minidl.mode(mode):
            y, gradients = vjp(getattr(ops, name), (x, w), u)
        assert y.shape == shapes.result_shape
        np.testing.assert_array_equal(y.data, function(x, w))
        for a, g, partial in zip((x, w), gradients, partials(x, w), strict=True):
            assert g.shape == a.shape and g.dtype == a.dtype
            np.testing.assert_allclose(g.data, gathered(u * partial, a.shape), rtol=1e-12, atol=1e-13)


@given(shapes=three_shapes, seed=seeds)
def test_where(shapes, seed):
    mask, x, w, u = draw(seed, *shapes.input_shapes, shapes.result_shape)
    mask = mask > 1
    y, (gx, gw) = vjp(lambda x, w: ops.where(mask, x, w), (x, w), u)
    np.testing.assert_array_equal(y.data, np.where(mask, x, w))
    np.testing.assert_allclose(gx.data, gathered(np.where(mask, u, 0), x.shape), atol=1e-13)
    np.testing.assert_allclose(gw.data, gathered(np.where(mask, 0, u), w.shape), atol=1e-13)


@given(shapes=three_shapes, seed=seeds)
def test_expressions_along_a_direction(shapes, seed):
    """A longer expression, against differences of its values: ⟨u, f(x + hd) − f(x − hd)⟩ / 2h."""
    x, w, b, u = draw(seed, *shapes.input_shapes, shapes.result_shape)
    args = (x, w, b)

    def f(x, w, b):
        return ops.tanh(x * w - b) / (w + b) + ops.exp(-x) * b

    _, gradients = vjp(f, args, u)
    rng = np.random.default_rng(seed)
    directions = [np.asarray(rng.choice([-1.0, 1.0], size=a.shape)) for a in args]
    h = 1e-5
    up, down = (f(*(a + s * h * d for a, d in zip(args, directions, strict=True))) for s in (1, -1))
    slope = sum(np.sum(g.data * d) for g, d in zip(gradients, directions, strict=True))
    assert slope == pytest.approx(np.sum(u * (up - down)) / (2 * h), rel=1e-6, abs=1e-7)


@given(shapes=two_shapes, seed=seeds)
def test_gradients_are_tensors_of_a_graph_with_the_same_values(shapes, seed):
    x, w, u = draw(seed, *shapes.input_shapes, shapes.result_shape)
    first = [g.data for g in vjp(lambda x, w: x / w * w.exp(), (x, w), u)[1]]
    leaves = [minidl.tensor(a, requires_grad=True) for a in (x, w)]
    (leaves[0] / leaves[1] * leaves[1].exp()).backward(u, create_graph=True)
    for leaf, g in zip(leaves, first, strict=True):
        np.testing.assert_allclose(leaf.grad.data, g, rtol=1e-12)
        assert leaf.grad.shape == leaf.shape


@given(shapes=two_shapes, seed=seeds)
def test_second_order_broadcasts_as_well(shapes, seed):
    """f = Σ x² w³: ∂²f/∂x∂w summed over w is 6 x w², summed over what x was stretched to."""
    x, w = draw(seed, *shapes.input_shapes)
    mixed = grad(lambda x: (grad(lambda w: (x * x * w * w * w).sum())(minidl.tensor(w))).sum())(x)
    expected = gathered(np.broadcast_to(6 * x * w**2, shapes.result_shape), x.shape)
    np.testing.assert_allclose(mixed.data, expected, rtol=1e-12)


@given(
    shapes=two_shapes,
    seed=seeds,
    dtypes=st.tuples(*[st.sampled_from(["float16", "float32", "float64"])] * 2),
)
def test_each_gradient_has_its_inputs_dtype(shapes, seed, dtypes):
    arrays = draw(seed, *shapes.input_shapes)
    x, w = (minidl.tensor(a, dtype=d, requires_grad=True) for a, d in zip(arrays, dtypes, strict=True))
    y = x * w + w
    y.backward(np.ones(y.shape))
    for leaf, dtype in zip((x, w), dtypes, strict=True):
        assert leaf.grad.dtype == np.dtype(dtype) and leaf.grad.shape == leaf.shape


@given(shapes=two_shapes, seed=seeds)
def test_shapes_that_do_not_fit_are_refused(shapes, seed):
    x, w = draw(seed, *shapes.input_shapes)
    w = np.concatenate([w.reshape(-1, 1)] * 2, axis=1) if w.ndim else np.ones(2)  # (?, 2)
    x = np.concatenate([x.reshape(-1, 1)] * 3, axis=1)  # (?, 3)
    with pytest.raises(minidl.errors.ShapeError, match="broadcast from the right"):
        minidl.tensor(x) + minidl.tensor(w)
