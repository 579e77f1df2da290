"""Every index that NumPy understands: the same elements, and each cotangent back where its element was taken from.

The oracle indexes the numbers of the elements, and adds the cotangents up at the numbers that come out.
"""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import ops
from minidl.functional import vjp

shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def taken_from(shape, index):
    """The numbers of the elements that an index takes."""
    return np.arange(int(np.prod(shape))).reshape(shape)[index]


def scattered(u, numbers, shape):
    return np.bincount(np.ravel(numbers), np.ravel(u), minlength=int(np.prod(shape))).reshape(shape)


@st.composite
def basic(draw):
    shape = draw(shapes)
    return shape, draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=6))


@st.composite
def arrays(draw):
    """Integer arrays for the first axes, slices and numbers for the others, in any order that NumPy takes."""
    shape = draw(shapes)
    count = draw(st.integers(1, len(shape)))
    index = list(draw(hnp.integer_array_indices(shape[:count], result_shape=hnp.array_shapes(max_dims=3, max_side=4))))
    for size in shape[count:]:
        step = draw(st.sampled_from([None, -1, 2]))
        index.append(draw(st.one_of(st.just(slice(None, None, step)), st.integers(-size, size - 1))))
    if draw(st.booleans()):
        index.insert(draw(st.integers(0, len(index))), draw(st.sampled_from([None, Ellipsis])))
    return shape, tuple(index)


@st.composite
def masks(draw):
    shape = draw(shapes)
    count = draw(st.integers(1, len(shape)))
    return shape, draw(hnp.arrays(bool, shape[:count]))


each_index = pytest.mark.parametrize("indices", [basic(), arrays(), masks()], ids=["basic", "arrays", "masks"])


def values(shape, seed=5):
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


@each_index
@given(data=st.data())
def test_getitem_and_its_gradient(indices, data):
    shape, index = data.draw(indices)
    x = values(shape)
    numbers = taken_from(shape, index)
    u = values(numbers.shape, 6)
    y, gradient = vjp(lambda x: x[index], x, u)
    assert y.shape == numbers.shape
    np.testing.assert_array_equal(y.data, x[index])
    np.testing.assert_allclose(gradient.data, scattered(u, numbers, shape), atol=1e-13)
    assert minidl.tensor(x)[index].tolist() == x[index].tolist()


@each_index
@given(data=st.data())
def test_the_adjoint_is_an_adjoint_and_linear_again(indices, data):
    """⟨u, x[i]⟩ = ⟨adjoint(u), x⟩, and the gradient of the adjoint by u is v[i]."""
    shape, index = data.draw(indices)
    x, v = values(shape), values(shape, 7)
    u = values(taken_from(shape, index).shape, 6)
    back = ops.getitem_adjoint(u, index=index, shape=shape)
    assert np.sum(u * x[index]) == pytest.approx(np.sum(back * x), abs=1e-12)
    _, gradient = vjp(lambda u: ops.getitem_adjoint(u, index=index, shape=shape), u, v)
    np.testing.assert_array_equal(gradient.data, v[index])


@each_index
@given(data=st.data())
def test_modes_agree(indices, data):
    shape, index = data.draw(indices)
    u = values(taken_from(shape, index).shape, 6)
    results = []
    for mode in ("plain", "fast", "reference"):
        with minidl.mode(mode):
            results.append([t.data for t in vjp(lambda x: x[index] * x[index], values(shape), u)[0:2]])
    for other in results[1:]:
        np.testing.assert_allclose(other[0], results[0][0], rtol=1e-13)
        np.testing.assert_allclose(other[1], results[0][1], rtol=1e-13, atol=1e-13)


@each_index
@given(data=st.data(), value=st.floats(-2, 2))
def test_setitem_is_numpys(indices, data, value):
    shape, index = data.draw(indices)
    expected, x = values(shape), minidl.tensor(values(shape))
    expected[index] = value
    x[index] = value
    np.testing.assert_array_equal(x.data, expected)
    rows = values(taken_from(shape, index).shape, 8)
    expected[index] = rows
    x[index] = minidl.tensor(rows)
    np.testing.assert_array_equal(x.data, expected)


@given(basic())
def test_basic_indices_share_memory(case):
    shape, index = case
    x = minidl.tensor(values(shape))
    y = x[index]
    assert y.numel() == 0 or np.shares_memory(x.data, y.data)
    with minidl.no_grad():
        y.fill_(9)
    np.testing.assert_array_equal(x.data[index], np.full(y.shape, 9.0))


@given(data=st.data(), shape=shapes)
def test_take_along_axis_and_back(data, shape):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    rows = list(shape)
    rows[axis] = data.draw(st.integers(0, 5))
    i = data.draw(hnp.arrays(np.int64, tuple(rows), elements=st.integers(0, shape[axis] - 1)))
    x, u = values(shape), values(i.shape, 6)
    y, gradient = vjp(lambda x: ops.take_along_axis(x, i, axis=axis), x, u)
    np.testing.assert_array_equal(y.data, np.take_along_axis(x, i, axis))
    numbers = np.take_along_axis(np.arange(x.size).reshape(shape), i, axis)
    np.testing.assert_allclose(gradient.data, scattered(u, numbers, shape), atol=1e-13)
    back = ops.put_along_axis(u, i, axis=axis, size=shape[axis])
    np.testing.assert_allclose(back, gradient.data, atol=1e-13)


@given(i=hnp.arrays(np.int64, hnp.array_shapes(max_dims=3, min_side=0), elements=st.integers(0, 4)))
def test_embedding(i):
    w, u = values((5, 3)), values((*i.shape, 3), 6)
    y, gradient = vjp(lambda w: ops.embedding(w, i), w, u)
    np.testing.assert_array_equal(y.data, w[i])
    expected = np.stack([np.bincount(i.ravel(), u[..., d].ravel(), minlength=5) for d in range(3)], axis=1)
    np.testing.assert_allclose(gradient.data, expected, atol=1e-13)


@given(data=st.data(), shape=shapes)
def test_an_index_outside_is_refused(data, shape):
    axis = data.draw(st.integers(0, len(shape) - 1))
    wrong = data.draw(st.sampled_from([shape[axis], -shape[axis] - 1, 10**6]))
    index = (slice(None),) * axis + (wrong,)
    with pytest.raises(IndexError, match=rf"getitem.*{wrong}.*out of bounds"):
        minidl.tensor(values(shape))[index]
