"""Arrangements, picking and placing: adjoints, repeated places, nothing at all, views."""

import numpy as np
import pytest

import minidl
from minidl import ops
from minidl.errors import LabelError

same = np.testing.assert_array_equal


def leaf(data):
    return minidl.tensor(np.array(data, float), requires_grad=True)


@pytest.mark.parametrize("offset", [-2, -1, 0, 1, 2])
def test_diag_embed_is_the_adjoint_of_diagonal(offset, rng):
    x = rng.normal(size=(2, 3, 3))
    y = rng.normal(size=(2, 3 - abs(offset)))
    left = np.sum(ops.diagonal(x, offset, -2, -1) * y)
    np.testing.assert_allclose(left, np.sum(x * ops.diag_embed(y, offset)))


def test_the_way_back_is_the_way_there(rng):
    x = rng.normal(size=(2, 3, 4))
    same(ops.flip(ops.flip(x, (0, 2)), (0, 2)), x)
    same(ops.roll(ops.roll(x, 3, 1), -3, 1), x)
    same(ops.rot90(ops.rot90(x, 3, (1, 2)), 1, (1, 2)), x)
    same(ops.movedim(ops.movedim(x, (0, 1), (2, 0)), (2, 0), (0, 1)), x)
    same(np.stack(ops.unbind(x, 1), 1), x)
    same(ops.tril(x) + ops.triu(x, 1), x)


def test_turns_without_a_copy():
    x = minidl.tensor([[1.0, 2.0]])
    for y in (x.flip(1), x.rot90(2), x.movedim(0, 1), x.select(0, 0), x.narrow(1, 0, 1), x.unflatten(1, (2, 1))):
        assert np.shares_memory(x.data, y.data)


def test_each_window_takes_its_gradient_back():
    x = leaf([1.0, 2.0, 3.0, 4.0])
    x.unfold(0, 3, 1).sum().backward()
    assert x.grad.tolist() == [1, 2, 2, 1]
    assert x.detach().unfold(0, 2, 2).tolist() == [[1, 2], [3, 4]]
    assert x.detach().unfold(0, 0, 1).shape == (5, 0)


def test_the_last_of_several_in_one_place_stays_and_takes_the_gradient():
    x, src = leaf([1.0, 2.0, 3.0]), leaf([10.0, 20.0, 30.0])
    y = x.scatter(0, minidl.tensor([1, 1, 0]), src)
    assert y.tolist() == [30, 20, 3]
    (y * minidl.tensor([1.0, 2.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [0, 0, 4] and src.grad.tolist() == [0, 2, 1]
    y = x.index_copy(0, minidl.tensor([2, 2]), src[:2])
    assert y.tolist() == [1, 2, 20]


def test_all_in_one_place_add_up():
    x, src = leaf([1.0, 2.0]), leaf([[10.0, 20.0, 30.0], [7.0, 7.0, 7.0]])
    y = x.reshape(1, 2).scatter_add(1, minidl.tensor([[1, 1]]), src)  # of a larger src, the corner
    assert y.tolist() == [[1, 32]]
    (y * minidl.tensor([1.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [1, 3] and src.grad.tolist() == [[3, 3, 0], [0, 0, 0]]


def test_no_places():
    x, src = leaf([1.0, 2.0]), leaf([5.0])
    none = minidl.tensor(np.zeros(0, int))
    for y in (
        x.scatter(0, none, src),
        x.scatter(0, none, 1.0),
        x.scatter_add(0, none, src),
        x.index_copy(0, none, src[:0]),
        x.index_add(0, none, src[:0]),
        x.index_fill(0, none, 7.0),
        x.masked_scatter(minidl.tensor([False, False]), src[:0]),
    ):
        assert y.tolist() == [1, 2]
    assert x.gather(0, none).shape == x.index_select(0, none).shape == x.take(none).shape == (0,)
    assert x.masked_select(minidl.tensor([False, False])).shape == (0,)
    assert x.detach().nonzero().shape == (2, 1) and (x.detach() * 0).nonzero().shape == (0, 1)


def test_a_mask_may_have_more_axes_than_what_it_picks_from():
    x = leaf([1.0, 2.0])
    y = x.masked_select(minidl.tensor([[True, False], [True, True]]))
    assert y.tolist() == [1, 1, 2]
    y.sum().backward()
    assert x.grad.tolist() == [2, 1]


def test_indices_that_count_from_the_end_are_refused_where_pytorch_refuses_them():
    x = minidl.tensor([1.0, 2.0])
    assert x.take(minidl.tensor([-1])).tolist() == [2]
    for wrong in (x.gather, x.index_select):
        with pytest.raises(LabelError, match="count from 0"):
            wrong(0, minidl.tensor([-1]))


def test_copies_of_nothing():
    x = minidl.tensor([[1.0, 2.0]])
    assert x.repeat(0, 1).shape == (0, 2) and x.repeat_interleave(0).shape == (0,)
    assert x.repeat_interleave(minidl.tensor([0, 0]), 1).shape == (1, 0)
    assert minidl.meshgrid(minidl.tensor(np.zeros(0)), [1.0])[0].shape == (0, 1)
