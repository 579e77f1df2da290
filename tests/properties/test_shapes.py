"""Operations that only move elements: there and back is the identity, and the gradient goes the way back."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import ops
from minidl.functional import vjp

seeds = st.integers(0, 2**32 - 1)
shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


def values(seed, shape):
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


def moved(function, x, seed):
    """The result and the gradient for a random cotangent; the numbers of the elements say where each one went."""
    y = function(minidl.tensor(x))
    u = values(seed + 1, y.shape)
    _, gradient = vjp(function, x, u)
    numbers = np.asarray(function(minidl.tensor(np.arange(x.size).reshape(x.shape))).data, int)
    np.testing.assert_array_equal(y.data.ravel(), x.ravel()[numbers.ravel()] if x.size else y.data.ravel())
    expected = np.bincount(numbers.ravel(), u.ravel(), minlength=x.size).reshape(x.shape)
    np.testing.assert_allclose(gradient.data, expected, atol=1e-13)
    return y


@given(data=st.data(), shape=shapes, seed=seeds)
def test_reshape(data, shape, seed):
    x, n = values(seed, shape), int(np.prod(shape))
    sizes = [data.draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0]))] if n else [0]
    sizes.append(n // sizes[0] if n else 3)
    if n and data.draw(st.booleans()):
        sizes[data.draw(st.integers(0, 1))] = -1
    y = moved(lambda x: x.reshape(*sizes), x, seed)
    np.testing.assert_array_equal(y.reshape(shape).data, x)
    np.testing.assert_array_equal(y.data, x.reshape(sizes))


@given(data=st.data(), shape=shapes, seed=seeds)
def test_permute_and_back(data, shape, seed):
    x, n = values(seed, shape), len(shape)
    order = data.draw(st.permutations(range(n)))
    signed = [a - n * data.draw(st.booleans()) for a in order]
    y = moved(lambda x: x.permute(*signed), x, seed)
    np.testing.assert_array_equal(y.data, x.transpose(order))
    np.testing.assert_array_equal(y.permute(*np.argsort(order).tolist()).data, x)
    a, b = data.draw(st.integers(-n, n - 1)), data.draw(st.integers(-n, n - 1))
    np.testing.assert_array_equal(moved(lambda x: x.transpose(a, b), x, seed).data, np.swapaxes(x, a, b))
    np.testing.assert_array_equal(moved(lambda x: x.T, x, seed).data, x.T)


@given(data=st.data(), shape=shapes, seed=seeds)
def test_unsqueeze_squeeze_flatten(data, shape, seed):
    x, n = values(seed, shape), len(shape)
    axis = data.draw(st.integers(-n - 1, n))
    y = moved(lambda x: x.unsqueeze(axis), x, seed)
    np.testing.assert_array_equal(y.data, np.expand_dims(x, axis))
    np.testing.assert_array_equal(moved(lambda x: x.unsqueeze(axis).squeeze(axis), x, seed).data, x)
    np.testing.assert_array_equal(moved(lambda x: x.squeeze(), x, seed).data, np.squeeze(x))
    start = data.draw(st.integers(0, n - 1))
    end = data.draw(st.integers(start, n - 1))
    flat = moved(lambda x: x.flatten(start, end - n), x, seed)
    assert flat.shape == (*shape[:start], int(np.prod(shape[start : end + 1])), *shape[end + 1 :])


@given(data=st.data(), shape=shapes, seed=seeds)
def test_split_and_concatenate(data, shape, seed):
    x = values(seed, shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    size = data.draw(st.integers(1, 5))

    def turned(x):
        pieces = ops.split(x, size, axis=axis)[::-1]
        return ops.concatenate(*pieces, axis=axis) if pieces else x

    parts = [x.take(range(i, min(i + size, shape[axis])), axis) for i in range(0, shape[axis], size)]
    expected = np.concatenate(parts[::-1], axis=axis) if parts else x
    np.testing.assert_array_equal(moved(turned, x, seed).data, expected)
    total = shape[axis]
    cut = data.draw(st.integers(0, total))
    first, second = minidl.tensor(x).split([cut, total - cut], dim=axis)
    np.testing.assert_array_equal(ops.concatenate(first, second, axis=axis).data, x)
    assert first.shape[axis] == cut
    for chunks in (1, 2, 3):
        pieces = minidl.tensor(x).chunk(chunks, dim=axis)
        assert len(pieces) <= chunks
        np.testing.assert_array_equal(ops.concatenate(*pieces, axis=axis).data if pieces else x, x)


@given(data=st.data(), shape=shapes, seed=seeds, count=st.integers(1, 4))
def test_stack_and_take_apart(data, shape, seed, count):
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    xs = [values(seed + i, shape) for i in range(count)]
    y = ops.stack([minidl.tensor(x) for x in xs], axis=axis)
    np.testing.assert_array_equal(y.data, np.stack(xs, axis=axis))
    u = values(seed, y.shape)
    _, gradients = vjp(lambda *xs: ops.stack(xs, axis=axis), tuple(xs), u)
    for i, g in enumerate(gradients):
        np.testing.assert_array_equal(g.data, u.take(i, axis))


@given(data=st.data(), shape=shapes, seed=seeds)
def test_pad_and_crop(data, shape, seed):
    x = values(seed, shape)
    widths = tuple((data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in shape)
    inside = tuple(slice(before, before + n) for (before, _), n in zip(widths, shape, strict=True))
    y, _ = vjp(lambda x: ops.pad(x, widths=widths, value=1.5), x, values(seed, np.pad(x, widths).shape))
    np.testing.assert_array_equal(y.data, np.pad(x, widths, constant_values=1.5))
    u = values(seed, y.shape)
    _, gradient = vjp(lambda x: ops.pad(x, widths=widths, value=1.5), x, u)
    np.testing.assert_array_equal(gradient.data, u[inside])
    np.testing.assert_array_equal(moved(lambda x: ops.pad(x, widths=widths)[inside], x, seed).data, x)


@given(data=st.data(), shape=shapes, seed=seeds)
def test_expand(data, shape, seed):
    narrow = tuple(1 if data.draw(st.booleans()) else n for n in shape)
    front = data.draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
    x = values(seed, narrow)
    y = moved(lambda x: x.expand(*front, *shape), x, seed)
    np.testing.assert_array_equal(y.data, np.broadcast_to(x, (*front, *shape)))
    kept = [-1 if data.draw(st.booleans()) and a == b else b for a, b in zip(narrow, shape, strict=True)]
    assert minidl.tensor(x).expand(*front, *kept).shape == (*front, *shape)
