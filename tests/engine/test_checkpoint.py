"""Checkpointing changes when things are computed, and nothing else: the same bits, for less memory."""

import numpy as np
import pytest

import minidl
from minidl import errors, nn, ops
from minidl.functional import checkpoint, grad, jacobian
from minidl.random import default_generator


def leaf(seed=0, shape=(4, 6)):
    return minidl.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def dropout(x, p=0.5):
    keep = default_generator.numpy.random(x.shape) >= p
    return ops.dropout(x, keep, p=p)


def block(x, w):
    return dropout((x @ w).tanh(), 0.3).softmax(-1) * x


def gradients(run, *leaves):
    for each in leaves:
        each.grad = None
    minidl.manual_seed(11)
    y = run(*leaves)
    between = default_generator.numpy.random()  # somebody else draws before backward
    y.sum().backward()
    after = default_generator.numpy.random()
    return [y.data, np.array([between, after]), *(each.grad.data for each in leaves)]


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook", "reference"])
def test_the_same_bits_with_and_without(mode):
    x, w = leaf(0), leaf(1, (6, 6))
    with minidl.mode(mode):
        plain = gradients(lambda x, w: block(block(x, w), w), x, w)
        once = gradients(lambda x, w: checkpoint(lambda x, w: block(block(x, w), w), x, w), x, w)
        each = gradients(lambda x, w: checkpoint(block, checkpoint(block, x, w), w), x, w)
        nested = gradients(
            lambda x, w: checkpoint(lambda x, w: block(checkpoint(block, x, w), w), x, w),
            *(x, w),
        )
    for other in (once, each, nested):
        for a, b in zip(plain, other, strict=True):
            assert np.array_equal(a, b)


def test_parameters_in_closures():
    minidl.manual_seed(3)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.4), nn.LayerNorm(8), nn.Linear(8, 2))
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    results = []
    for run in (model, lambda x: checkpoint(model, x)):
        minidl.manual_seed(4)
        y = run(minidl.tensor(x))
        assert y.requires_grad
        y.square().sum().backward()
        results.append([p.grad.data for p in model.parameters()])
        for p in model.parameters():
            p.grad = None
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b)


def test_arguments_and_results_of_any_kind():
    x = leaf(0, (3,))

    def function(x, scale, names, w=None):
        return {"y": (x * scale).exp(), "rest": [x.sum(), len(names)]}, scale

    result, scale = checkpoint(function, x, 2.0, ("a", "b"))
    assert scale == 2.0 and result["rest"][1] == 2
    (result["y"].sum() * result["rest"][0]).backward()
    close = np.exp(2 * x.data)
    np.testing.assert_allclose(x.grad.data, 2 * close * x.data.sum() + close.sum())


def test_only_one_of_several_results_is_used():
    x = leaf(0, (3,))
    checkpoint(lambda x: (x.exp(), x.tanh()), x)[0].sum().backward()
    np.testing.assert_allclose(x.grad.data, np.exp(x.data))
    x.grad = None
    first, second = checkpoint(lambda x: (x.exp(), x.tanh()), x)
    second.sum().backward()
    first.sum().backward()
    np.testing.assert_allclose(x.grad.data, np.exp(x.data) + 1 - np.tanh(x.data) ** 2)


@pytest.mark.parametrize(
    "function", [block, lambda x, w: (x @ w).sigmoid() ** 3, lambda x, w: ops.layer_norm(x @ w, w[0])]
)
def test_higher_derivatives(function):
    x, w = leaf(0, (2, 3)).detach(), leaf(1, (3, 3)).detach()

    def second(function):
        minidl.manual_seed(1)
        penalty = grad(lambda x, w: (grad(lambda x: function(x, w).sum())(x) ** 2).sum(), (0, 1))
        return penalty(x, w)

    for a, b in zip(second(function), second(lambda x, w: checkpoint(function, x, w)), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-13)


def test_create_graph_and_retain_graph():
    x = leaf(0, (3,))
    y = checkpoint(lambda x: (x * x * x).sum(), x)
    y.backward(retain_graph=True)
    y.backward(create_graph=True)
    np.testing.assert_allclose(x.grad.data, 6 * x.data**2)
    g, x.grad = x.grad, None
    g.sum().backward()
    np.testing.assert_allclose(x.grad.data, 6 * x.data)
    again = checkpoint(lambda x: (x * x).sum(), x)
    again.backward()
    with pytest.raises(errors.GraphError, match="freed"):
        again.backward()


def test_derivatives_inside():
    x = leaf(0, (3,))
    y = checkpoint(lambda x: grad(lambda x: (x**3).sum())(x) * x, x)
    np.testing.assert_allclose(y.data, 3 * x.data**3)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.data, 9 * x.data**2)
    np.testing.assert_allclose(
        jacobian(lambda x: checkpoint(lambda x: x.exp(), x), x.data).data, np.diag(np.exp(x.data))
    )


def test_the_second_run_is_the_only_one_and_only_when_needed():
    calls = []

    def function(x):
        calls.append(minidl.is_grad_enabled())
        return x.exp().sum()

    y = checkpoint(function, leaf())
    assert calls == [True]
    y.backward()
    assert calls == [True, True]
    with minidl.no_grad():
        assert not checkpoint(function, leaf()).requires_grad
    assert calls == [True, True, False]
    checkpoint(function, leaf().detach())
    assert len(calls) == 4


def test_the_stream_of_random_numbers_goes_on_as_if_nothing_had_been():
    draws = []
    for run in (block, lambda x, w: checkpoint(block, x, w)):
        minidl.manual_seed(5)
        run(leaf(0), leaf(1, (6, 6))).sum().backward()
        draws.append(default_generator.numpy.random(3).tolist())
    assert draws[0] == draws[1]

    def breaks(x):
        default_generator.numpy.random()
        if len(calls) > 1:
            raise ZeroDivisionError
        calls.append(1)
        return x.exp()

    calls = [1]
    calls.clear()
    y = checkpoint(breaks, leaf()).sum()
    calls.append(1)
    state = minidl.get_rng_state()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert minidl.get_rng_state() == state


@pytest.mark.parametrize(
    "second",
    [
        lambda x: x.exp().log(),
        lambda x: x.log(),
        lambda x: x[:2].exp(),
    ],
    ids=["more", "another", "smaller"],
)
def test_a_function_that_does_something_else_the_second_time(second):
    calls = []

    def function(x):
        calls.append(1)
        return (x.exp() if len(calls) == 1 else second(x)).sum()

    y = checkpoint(function, leaf(0, (3,)))
    with pytest.raises(errors.GraphError, match=r"checkpoint: .*second time[\s\S]*same each time"):
        y.backward()
