"""The calls of a training loop, and groups with options of their own."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl.errors import ArgumentError, GraphError, ShapeError
from minidl.optim import SGD, Optimizer

from . import leaf, parameters, set_gradients


def test_zero_grad(rng):
    params = parameters(rng)
    set_gradients(params, rng)
    memory = params[0].grad.data
    params[1].grad = None
    optimizer = SGD(params)
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad.data is memory
    assert not memory.any()
    assert params[1].grad is None
    optimizer.zero_grad()
    assert all(p.grad is None for p in params)


def test_closure_runs_with_recording_on_and_its_loss_comes_back(rng):
    (p,) = parameters(rng, shapes=((3,),))
    optimizer = SGD([p], lr=0.1)
    before = p.data.copy()

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with minidl.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == pytest.approx((before**2).sum())
    np.testing.assert_allclose(p.data, 0.8 * before)
    assert optimizer.step() is None


def test_the_base_class_is_open_to_other_formulas(rng):
    class SignDescent(Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, p, g, state, group):
            state["count"] = state.get("count", 0) + 1
            p -= group["lr"] * np.sign(g)

    (p,) = parameters(rng, shapes=((3,),))
    before = p.data.copy()
    set_gradients([p], rng)
    optimizer = SignDescent([p], lr=0.5)
    optimizer.step()
    np.testing.assert_array_equal(p.data, before - 0.5 * np.sign(p.grad.data))
    assert optimizer.state_dict()["state"] == {0: {"count": 1}}


def test_a_graph_that_saved_the_old_values_notices_the_step(rng):
    (p,) = parameters(rng, shapes=((3,),))
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    SGD([p], lr=0.1).step()
    with pytest.raises(GraphError, match="changed in place"):
        loss.backward()


def test_groups_have_options_of_their_own(rng):
    a, b, c = parameters(rng)
    optimizer = SGD([{"params": [a]}, {"params": b, "lr": 0.0}], lr=1.0)
    optimizer.add_param_group({"params": (x for x in [c]), "lr": 2.0})
    before = [p.data.copy() for p in (a, b, c)]
    for p in (a, b, c):
        p.grad = minidl.tensor(np.ones(p.shape))
    optimizer.step()
    for p, old, lr in zip((a, b, c), before, (1.0, 0.0, 2.0), strict=True):
        np.testing.assert_allclose(p.data, old - lr)
    optimizer.param_groups[0]["lr"] = 0.5
    optimizer.step()
    np.testing.assert_allclose(a.data, before[0] - 1.5)
    text = repr(optimizer)
    assert "SGD(" in text
    assert "15 numbers in 1 tensors: lr=0.5" in text


def test_a_group_that_is_refused_leaves_the_optimizer_as_it_was():
    p = leaf()
    optimizer = SGD([p])
    with pytest.raises(ArgumentError):
        optimizer.add_param_group({"params": [leaf(), p]})
    assert len(optimizer.param_groups) == 1


def test_a_gradient_of_another_shape():
    p = leaf()
    p.grad = minidl.tensor([1.0])
    with pytest.raises(ShapeError, match=r"shape \(3,\) has a gradient of shape \(1,\)"):
        SGD([p]).step()
