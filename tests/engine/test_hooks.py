"""Hooks see the complete gradient of a leaf or a result, and may replace it; `retain_grad` keeps it."""

import numpy as np
import pytest

import minidl
from minidl import errors
from minidl.op import fused


def leaf(*values):
    return minidl.tensor(list(values), dtype="float64", requires_grad=True)


def test_a_hook_on_a_leaf_sees_the_sum_once():
    x, seen = leaf(1.0, 2.0), []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x * 2 + x * 3 + x).sum().backward()
    assert seen == [[6, 6]] and x.grad.tolist() == [6, 6]
    (x * 2).sum().backward()
    assert seen == [[6, 6], [2, 2]] and x.grad.tolist() == [8, 8]


def test_a_hook_on_a_result_sees_the_sum_once():
    x, seen = leaf(1.0, 2.0), []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 2 + y * 3).sum().backward()
    assert seen == [[5, 5]] and x.grad.tolist() == [10, 10]


@pytest.mark.parametrize(
    "replacement",
    [
        lambda g: g * 10,
        lambda g: minidl.tensor([10.0, 10.0]),
        lambda g: np.array([10.0, 10.0]),
        lambda g: [10.0, 10.0],
        lambda g: minidl.tensor(np.array([10, 10], np.float16)),
    ],
    ids=["computed", "tensor", "array", "list", "other dtype"],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_may_give_back_another_gradient(replacement, create_graph):
    for on_leaf in (True, False):
        x = leaf(1.0, 2.0)
        y = x * 1
        (x if on_leaf else y).register_hook(replacement)
        y.sum().backward(create_graph=create_graph)
        assert x.grad.tolist() == [10, 10] and x.grad.dtype == np.float64


def test_hooks_run_in_order_each_on_what_the_last_one_gave():
    x = leaf(1.0)
    y, order = x * 1, []
    for tensor in (x, y):
        tensor.register_hook(lambda g: (order.append("double"), g * 2)[1])
        tensor.register_hook(lambda g: order.append(f"look {g.item():g}"))
        tensor.register_hook(lambda g: (order.append("add"), g + 1)[1])
    y.sum().backward()
    # The result's hooks come first: it is later in the graph.
    assert order == ["double", "look 2", "add", "double", "look 6", "add"]
    assert x.grad.tolist() == [7]


def test_handles_take_hooks_away():
    x, seen = leaf(1.0), []
    first = x.register_hook(lambda g: seen.append("first"))
    x.register_hook(lambda g: seen.append("second"))
    first.remove()
    first.remove()
    (x * 1).sum().backward()
    assert seen == ["second"]


def test_a_hook_may_take_itself_away():
    x, seen = leaf(1.0), []
    handle = x.register_hook(lambda g: (seen.append("once"), handle.remove())[1])
    x.register_hook(lambda g: seen.append("always"))
    for _ in range(2):
        (x * 1).sum().backward()
    assert seen == ["once", "always", "always"]


def test_what_hooks_keep_and_give_is_not_written_to():
    x, kept, fixed = leaf(1.0), [], minidl.tensor([5.0], dtype="float64")
    x.register_hook(kept.append)
    x.register_hook(lambda g: fixed)
    for _ in range(3):
        (x * 2).sum().backward()
    assert [g.tolist() for g in kept] == [[2], [2], [2]]
    assert fixed.tolist() == [5] and x.grad.tolist() == [15]


def test_hooks_see_graph_values_under_create_graph():
    x, seen = leaf(2.0), []
    y = x * x * x
    x.register_hook(seen.append)
    y.sum().backward(create_graph=True)
    assert seen[0].requires_grad
    x.hooks.clear()
    x.grad = None
    seen[0].backward()
    assert x.grad.tolist() == [12]
    x.register_hook(seen.append)
    (x * 2).sum().backward()
    assert not seen[1].requires_grad


def test_computing_in_a_hook_is_not_recorded_otherwise():
    x, seen = leaf(2.0), []
    x.register_hook(lambda g: seen.append((minidl.is_grad_enabled(), (x * g).requires_grad)))
    (x * x).sum().backward()
    assert seen == [(False, False)]


def test_hooks_run_for_the_inputs_named():
    x, seen = leaf(2.0), []
    y = x * 3
    y.register_hook(lambda g: seen.append("y"))
    x.register_hook(lambda g: g * 10)
    (y * 2).sum().backward(inputs=[x, y])
    assert seen == ["y"] and x.grad.tolist() == [60] and y.grad.tolist() == [2]


def test_a_hook_on_one_of_several_outputs():
    @fused
    def two(x):
        return (x * 2, x * 3), ()

    @two.backward
    def two_backward(da, db):
        return (2 * da + 3 * db,)

    x, seen = leaf(1.0), []
    a, b = two(x)
    b.register_hook(lambda g: (seen.append(g.item()), g * 0)[1])
    a.register_hook(lambda g: seen.append(g.item()))
    (a * 5 + b * 7).sum().backward(retain_graph=True)
    assert sorted(seen) == [5, 7] and x.grad.tolist() == [10]
    a.sum().backward()
    assert seen[2:] == [1]  # nothing arrives at b: its hook is not called


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((2, 1)), 1.0])
def test_a_gradient_of_another_shape_is_refused(wrong):
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: wrong)
    with pytest.raises(errors.GraphError, match=r"hook.*returned.*expected.*\(2,\)"):
        (x * 1).sum().backward()
    assert x.grad is None


def test_a_hook_on_a_constant_is_refused():
    with pytest.raises(errors.GraphError, match="does not require a gradient"):
        minidl.tensor([1.0]).register_hook(print)


def test_retain_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y.retain_grad()  # twice is once
    x.retain_grad()  # leaves do it anyway
    z = y * y
    z.retain_grad()
    z.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [8, 16] and y.grad.tolist() == [4, 8] and z.grad.tolist() == [1, 1]
    z.sum().backward()
    assert y.grad.tolist() == [8, 16]
    assert (x * 2).grad is None


def test_retained_is_what_hooks_made_of_it_whatever_the_order():
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    y.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert y.grad.tolist() == [11] and x.grad.tolist() == [22]


def test_retained_gradients_can_be_differentiated():
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    (y * y).sum().backward(create_graph=True)
    assert y.grad.tolist() == [18] and y.grad.requires_grad
    x.grad = None
    y.grad.sum().backward()  # d(2x²)/dx = 4x
    assert x.grad.tolist() == [12]


@pytest.mark.oracle
def test_pytorch_agrees(rng):
    import torch

    a = rng.normal(size=(3, 2))

    def scenario(x):
        seen = []
        y = x * x
        y.register_hook(lambda g: seen.append(g.tolist()))
        y.retain_grad()
        y.register_hook(lambda g: g * 3)
        x.register_hook(lambda g: g + 1)
        z = (y * y + x).sum()
        z.backward(retain_graph=True)
        z.backward()
        return [*seen, y.grad.tolist(), x.grad.tolist()]

    ours = scenario(minidl.tensor(a, requires_grad=True))
    theirs = scenario(torch.tensor(a, requires_grad=True))
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, yours, rtol=1e-12)
