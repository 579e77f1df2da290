"""The backward pass: what adds up where, in which order, how often, and from where to where."""

import numpy as np
import pytest

import minidl
from minidl import errors, ops
from minidl.functional import grad
from minidl.op import fused, primitive


def leaf(*values):
    return minidl.tensor(values[0] if len(values) == 1 else values, dtype="float64", requires_grad=True)


def test_gradients_accumulate_over_passes():
    x = leaf(1.0, 2.0)
    (x * 3).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [5, 7]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]
    x.grad.zero_()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_one_value_used_many_times():
    x = leaf(2.0)
    y = x * x
    z = sum((y * k for k in range(1, 101)), start=y)  # 5051 y
    z.backward()
    assert x.grad.item() == 5051 * 4


def test_diamonds_need_each_node_once_and_after_all_that_used_it():
    calls = []

    @primitive
    def double(x):
        return 2 * x

    @double.vjp("x")
    def double_dx(dy):
        calls.append(float(dy))
        return 2 * dy

    x = leaf(1.0)
    y = double(x)
    left, right = y * 3, y * 5
    short = y * 7
    ((left + right) * 1 + short).backward()
    assert calls == [15.0] and x.grad.item() == 30
    y = double(x)
    for _ in range(30):  # 2³⁰ paths
        y = y + y
    y.backward()
    assert calls == [15.0, 2.0**30] and x.grad.item() == 30 + 2**31


def test_the_order_of_recording_does_not_matter(rng):
    a, b = leaf(0.3), leaf(-0.7)
    parts = [a.exp, b.tanh, lambda: a * b, lambda: a / b]
    for _ in range(5):
        made = {i: parts[i]() for i in rng.permutation(4)}
        a.grad = b.grad = None
        (made[0] * made[1] + made[2] - made[3]).backward()
        expected = [
            np.exp(0.3) * np.tanh(-0.7) - 0.7 + 1 / 0.7,
            np.exp(0.3) * (1 - np.tanh(0.7) ** 2) + 0.3 + 0.3 / 0.7**2,
        ]
        np.testing.assert_allclose([a.grad.item(), b.grad.item()], expected, rtol=1e-14)


@pytest.mark.parametrize("depth", [10_000, 20_000])
def test_deep_chains(depth):
    x = leaf(1.0)
    y = unused = x
    for _ in range(depth):
        y = y + 1
        unused = unused * 1
    y.backward()
    assert x.grad.item() == 1
    del y, unused  # and the chains are taken apart without recursion, after a backward pass and without one


def test_deep_chain_of_second_order():
    def chain(x):
        for _ in range(300):
            x = (x * 1.001).tanh()
        return x

    x = leaf(0.5)
    chain(x).backward(create_graph=True)
    first, x.grad = x.grad, None
    first.backward()
    up, down = (grad(chain)(np.float64(0.5 + h)).item() for h in (1e-5, -1e-5))
    assert x.grad.item() == pytest.approx((up - down) / 2e-5, rel=1e-7)


def test_wide_sums_do_not_write_into_shared_memory():
    u = np.ones(3)
    u.flags.writeable = False
    x = leaf(1.0, 2.0, 3.0)
    y = x + x + x + x * 1 + x
    y.backward(u)
    assert x.grad.tolist() == [5, 5, 5] and u.tolist() == [1, 1, 1]


def test_retain_graph():
    x = leaf(3.0)
    y = (x * x).exp().log()
    y.backward(retain_graph=True)
    once = x.grad.item()
    y.backward()
    assert x.grad.item() == 2 * once
    for again in (y.backward, (y * 2).backward):
        with pytest.raises(errors.GraphError, match=r"freed.*earlier backward pass[\s\S]*retain_graph=True"):
            again()
    assert x.grad.item() == 2 * once


def test_a_part_that_was_freed_says_so():
    x = leaf(3.0)
    shared = x.exp()
    (shared * 2).backward()
    with pytest.raises(errors.GraphError, match="'exp'"):
        (shared * 3).backward()


def test_the_cotangent_to_start_with():
    x = leaf(1.0, 2.0)
    y = x * x
    y.backward(gradient=minidl.tensor([1.0, 10.0]), retain_graph=True)
    y.backward(np.array([1, 1]), retain_graph=True)
    y.backward([0, 1])
    assert x.grad.tolist() == [4, 48] and x.grad.dtype == np.float64
    with pytest.raises(errors.GraphError, match=r"shape \(2,\).*scalar[\s\S]*gradient="):
        (x * x).backward()
    with pytest.raises(errors.ShapeError, match=r"gradient has shape \(3,\), expected .*\(2,\)"):
        (x * x).backward(np.ones(3))
    (x[:1] * 2).backward()  # one element will do, whatever the number of axes


def test_backward_of_a_leaf():
    x = leaf(1.0, 2.0)
    u = minidl.tensor([3.0, 4.0], dtype="float64")
    x.backward(u)
    assert x.grad.tolist() == [3, 4] and not np.shares_memory(x.grad.data, u.data)


def test_inputs_alone_get_gradients():
    x, w = leaf(2.0), leaf(3.0)
    y = x * w
    z = y.exp()
    z.backward(inputs=[w], retain_graph=True)
    assert x.grad is None and w.grad.item() == pytest.approx(2 * np.exp(6))
    z.backward(inputs=[y, x])
    assert y.grad.item() == pytest.approx(np.exp(6)) and x.grad.item() == pytest.approx(3 * np.exp(6))
    assert not np.shares_memory(x.grad.data, y.grad.data)
    with pytest.raises(errors.GraphError, match="does not require a gradient"):
        (x * 2).backward(inputs=[minidl.tensor(1.0)])


def test_nodes_that_lead_to_no_input_are_not_visited():
    @primitive
    def trap(x):
        return x * 1

    @trap.vjp("x")
    def trap_dx(dy):
        raise AssertionError("visited")

    x, w = leaf(2.0), leaf(3.0)
    (trap(x) * w).backward(inputs=[w])
    assert w.grad.item() == 2


def test_create_graph_differentiates_gradients():
    x = leaf(1.5)
    y = x**4
    y.backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    x.grad = None
    first.backward(create_graph=True)
    second, x.grad = x.grad, None
    second.backward()
    np.testing.assert_allclose([first.item(), second.item(), x.grad.item()], [4 * 1.5**3, 12 * 1.5**2, 24 * 1.5])


def test_a_penalty_on_the_gradient():
    x, w = leaf(0.5, -1.0), leaf(2.0, 3.0)
    y = ((x * w).tanh()).sum()
    y.backward(create_graph=True)
    penalty, (x.grad, w.grad) = (x.grad * x.grad).sum(), (None, None)
    penalty.backward()

    def definition(w):
        s = 1 - np.tanh(x.data * w) ** 2
        return np.sum((w * s) ** 2)

    h = 1e-6
    for i in range(2):
        e = np.eye(2)[i] * h
        assert w.grad[i].item() == pytest.approx((definition(w.data + e) - definition(w.data - e)) / (2 * h), rel=1e-6)


def test_outputs_without_a_cotangent_count_as_zero():
    seen = []

    @fused
    def both(x):
        return (x * 2, x * 3, x * 5), (x,)

    @both.backward
    def both_backward(da, db, dc, x):
        seen.append([np.asarray(d).tolist() for d in (da, db, dc)])
        return (2 * da + 3 * db + 5 * dc,)

    x = leaf(1.0, 1.0)
    a, b, c = both(x)
    (b * 10).sum().backward(retain_graph=True)
    assert seen == [[[0, 0], [10, 10], [0, 0]]] and x.grad.tolist() == [30, 30]
    (a + c).sum().backward()
    assert x.grad.tolist() == [37, 37]
    x.grad = None
    both(x)[1].sum().backward(create_graph=True)
    assert x.grad.tolist() == [3, 3]


def test_integer_outputs_are_constants():
    x = leaf(1.0, 2.0)
    counts = x.to(minidl.int64)
    assert not counts.requires_grad and counts.is_leaf
    with pytest.raises(errors.GraphError, match="not computed from anything that requires a gradient"):
        counts.sum().backward()
    (x * counts).sum().backward()
    assert x.grad.tolist() == [1, 2]


def test_dtypes_come_back():
    narrow = minidl.tensor([1.0, 2.0], requires_grad=True)
    wide, half = leaf(1.0, 2.0), minidl.tensor([1.0, 2.0], dtype="float16", requires_grad=True)
    (narrow * wide * half * np.arange(2)).sum().backward()
    assert [t.grad.dtype.name for t in (narrow, wide, half)] == ["float32", "float64", "float16"]
    narrow.grad = None
    (narrow * wide).sum().backward(create_graph=True)
    assert narrow.grad.dtype == np.float32


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_tensors_have_empty_gradients(shape):
    x = minidl.tensor(np.ones(shape), requires_grad=True)
    ((x * 2).exp().sum() + 1).backward()
    assert x.grad.shape == shape


def test_requires_grad_of_leaves_and_results():
    x = minidl.tensor([1.0])
    assert not (x * 2).requires_grad
    assert x.requires_grad_() is x and x.requires_grad and (x * 2).requires_grad
    x.requires_grad = False
    assert not x.requires_grad
    y = x.requires_grad_() * 2
    assert not y.is_leaf and repr(y.grad_fn) == "<mul>" and y.detach().is_leaf
    with pytest.raises(errors.GraphError, match="'mul'"):
        y.requires_grad_(False)
    with pytest.raises(errors.DTypeError, match=r"int64[\s\S]*float"):
        minidl.tensor([1]).requires_grad_()
    assert ops.add(x, 1).requires_grad and not ops.add(x.detach(), 1).requires_grad
