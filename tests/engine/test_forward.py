"""Forward mode, operation by operation: tangents and cotangents must agree on ⟨u, Jv⟩ = ⟨Jᵀu, v⟩."""

import numpy as np
import pytest

import minidl
from minidl import nn, ops
from minidl.functional import forward, grad, hessian, jacobian, jvp, linearize, vjp
from minidl.op import REGISTRY, Primitive
from tests.samples import all_samples
from tests.witnesses import call, close, cotangents, floats, inner, pullback

SAMPLES = [s for s in all_samples() if floats(s.inputs())]


def of_floats(sample, inputs):
    """The sample's operation as a function of its floating inputs alone."""

    def function(*xs):
        args = list(inputs)
        for i, x in zip(floats(inputs), xs, strict=True):
            args[i] = x
        return REGISTRY[sample.operation](*args, **sample.params)

    return function


def tangents(sample, inputs, directions, mode="plain"):
    """Jv of a sample's operation along directions of all its floating inputs."""
    with minidl.mode(mode):
        _, found = jvp(of_floats(sample, inputs), tuple(inputs[i] for i in floats(inputs)), tuple(directions))
    return found if isinstance(found, tuple) else (found,)


def drawn(inputs, seed=5):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=inputs[i].shape)) for i in floats(inputs)]


@pytest.mark.parametrize("mode", ["plain", "fast"])
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_forward_is_the_adjoint_of_backward(sample, mode):
    inputs = sample.inputs()
    us = cotangents(call(sample.operation, inputs, sample.params))
    vs = drawn(inputs)
    found = tangents(sample, inputs, vs, mode)
    for t, u in zip(found, us, strict=True):
        assert t.shape == u.shape and t.dtype == u.dtype and not t.requires_grad
    gradients = pullback(sample.operation, inputs, sample.params, us)
    along = inner(list(gradients.values()), [v for v, i in zip(vs, floats(inputs), strict=True) if i in gradients])
    close(inner(us, [t.data for t in found]), along, 1e-10)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.number == 0], ids=str)
def test_one_input_moves_alone(sample):
    """The product along all inputs at once is the sum of those along each."""
    inputs = sample.inputs()
    vs = drawn(inputs)
    together = tangents(sample, inputs, vs)
    alone = [tangents(sample, inputs, [v if i == j else 0 * v for j, v in enumerate(vs)]) for i in range(len(vs))]
    for k, t in enumerate(together):
        close(t.data, sum(each[k].data for each in alone), 1e-10)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.number == 0], ids=str)
def test_tangents_are_part_of_the_graph(sample):
    """The gradient of ⟨u, Jv⟩ is the same, whichever way Jv was computed."""
    inputs = sample.inputs()
    us, vs = cotangents(call(sample.operation, inputs, sample.params)), drawn(inputs)
    function, points = of_floats(sample, inputs), tuple(inputs[i] for i in floats(inputs))

    def up(*xs):
        _, ts = jvp(function, xs, tuple(vs))
        return dot(us, ts if isinstance(ts, tuple) else (ts,))

    def down(*xs):
        _, gs = vjp(function, xs, us if len(us) > 1 else us[0])
        return dot(vs, gs)

    with minidl.mode("plain"):
        for a, b in zip(vjp(up, points)[1], vjp(down, points)[1], strict=True):
            close(a, b, 1e-9)


def dot(us, xs):
    return sum((minidl.tensor(u) * x).sum() for u, x in zip(us, xs, strict=True))


def test_the_tables_hold_primitives_and_no_name_twice():
    assert not forward.POINTWISE & forward.LINEAR
    for name in forward.POINTWISE | forward.LINEAR:
        assert isinstance(REGISTRY[name], Primitive), name


@pytest.mark.parametrize("name", sorted(forward.POINTWISE | forward.LINEAR))
def test_what_is_called_cheap_needs_no_transpose(name, monkeypatch):
    """Pointwise and linear operations go up by their own rules and their own forward."""
    monkeypatch.setattr(forward, "_transposed", None)
    for sample in SAMPLES:
        if sample.operation == name and sample.number == 0:
            tangents(sample, sample.inputs(), drawn(sample.inputs()))


def network(rng):
    minidl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2)).double()
    return model, rng.normal(size=(5, 3))


def test_a_jacobian_has_the_same_rows_and_columns(rng):
    model, x = network(rng)
    for mode in ("fast", "plain", "textbook"):
        with minidl.mode(mode):
            close(jacobian(model, x).detach(), jacobian(model, x, "forward-mode").detach(), 1e-12)
    jx, jw = jacobian(lambda x, w: x @ w, (x, rng.normal(size=3)), strategy="forward-mode")
    assert jx.shape == (5, 5, 3) and jw.shape == (5, 3)


def test_linearize_runs_the_function_once(rng):
    runs = []
    model, x = network(rng)

    def counted(x):
        runs.append(1)
        return model(x)

    y, along = linearize(counted, x)
    v, w = rng.normal(size=x.shape), rng.normal(size=x.shape)
    close((2 * along(v) + along(w)).detach(), along(2 * v + w).detach())
    close(y.detach(), model(x).detach())
    assert len(runs) == 1


def test_forward_over_reverse_over_forward(rng):
    x, v = rng.normal(size=4), rng.normal(size=4)

    def f(x):
        return (x.exp() * x.tanh()).sum() ** 2

    _, product = jvp(grad(f), x, v)
    close(product, hessian(f, x) @ v, 1e-10)
    third = jacobian(lambda x: jvp(grad(f), x, v)[1], x)
    close(third, jacobian(lambda x: hessian(f, x) @ minidl.tensor(v), x), 1e-9)
    inner_twice = jvp(lambda x: jvp(f, x, v)[1], x, v)[1]
    close(inner_twice, v @ hessian(f, x).data @ v, 1e-10)


def test_values_of_a_checkpoint_are_brought_back(rng):
    from minidl.functional import checkpoint

    model, x = network(rng)
    v = rng.normal(size=x.shape)
    close(jvp(lambda x: checkpoint(model, x), x, v)[1].detach(), jvp(model, x, v)[1].detach())


def test_a_gradient_within_leaves_nothing_to_differentiate_by(rng):
    x = rng.normal(size=3)
    penalty = grad(lambda w: (grad(lambda x: (x * x * w).sum())(x) ** 2).sum())
    found = penalty(x + 1)
    assert not found.requires_grad
    close(found, 8 * x * x * (x + 1))
    assert penalty(minidl.tensor(x).requires_grad_()).requires_grad


def test_several_results_and_constants(rng):
    x, v = rng.normal(size=3), rng.normal(size=3)
    (a, b, c), (da, db, dc) = jvp(lambda x: (x * 2, minidl.tensor([1.0]), ops.max(x)), x, v)
    close(da, 2 * v)
    assert db.tolist() == [0] and c.item() == x.max() and dc.item() == v[x.argmax()]
    close(a, 2 * x)
    assert b.tolist() == [1]
