"""Derivatives as functions of functions: against formulas, against each other, and against torch.func."""

import math

import numpy as np
import pytest

import minidl
from minidl import errors, nn, ops
from minidl.functional import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

X = np.array([0.5, -1.2, 2.0])


def close(a, b, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=1e-13)


def test_grad_and_value():
    close(grad(lambda x: (x**3).sum())(X), 3 * X**2)
    value, gradient = value_and_grad(lambda x: (x**3).sum())(minidl.tensor(X))
    close(value, np.sum(X**3))
    close(gradient, 3 * X**2)
    assert not value.requires_grad and not gradient.requires_grad


def test_several_arguments():
    def f(x, w, b):
        return (x * w + b).tanh().sum()

    s = 1 - np.tanh(X * 2 + 1) ** 2
    args = (X, np.full(3, 2.0), np.ones(3))
    gx, gb = grad(f, argnums=(0, 2))(*args)
    close(gx, 2 * s)
    close(gb, s)
    close(grad(f, 1)(*args), X * s)
    close(grad(f, -1)(*args), s)
    (only,) = grad(f, [1])(*args)
    close(only, X * s)


def test_other_arguments_are_handed_on_as_they_are():
    def f(x, name, scale, labels, options):
        assert name == "tanh" and scale == 0.1 and type(scale) is float and options == {"a": None}
        assert isinstance(labels, minidl.Tensor) and labels.dtype == np.int64
        return (getattr(x, name)() * scale)[labels].sum()

    close(grad(f)(X, "tanh", 0.1, np.array([0, 0, 2]), {"a": None}), 0.1 * (1 - np.tanh(X) ** 2) * [2, 0, 1])


def test_arguments_that_do_not_matter():
    gx, gw = grad(lambda x, w: (x * 2).sum(), (0, 1))(X, np.ones((2, 2)))
    close(gx, [2, 2, 2])
    close(gw, np.zeros((2, 2)))
    close(grad(lambda x: minidl.tensor(1.0))(X), np.zeros(3))
    assert jacobian(lambda x, w: x * 1, (X, np.ones(2)))[1].shape == (3, 2)
    close(jvp(lambda x: minidl.tensor([1.0, 2.0]), X, X)[1], [0, 0])
    close(hessian(lambda x: x.sum(), X), np.zeros((3, 3)))


def test_integers():
    with pytest.raises(errors.DTypeError, match=r"argument 0: got int64 \(2,\).*floating[\s\S]*argnums"):
        grad(lambda n: (n * 1.5).sum())(np.array([1, 2]))
    value, (gx, gn) = vjp(lambda x, n: x[n], (X, np.array([0, 0])), np.array([1.0, 2.0]))
    close(gx, [3, 0, 0])
    assert value.tolist() == [0.5, 0.5] and gn.dtype == np.int64 and gn.tolist() == [0, 0]


def test_vjp():
    value, product = vjp(lambda x: x * x, X, np.array([1.0, 10.0, 100.0]))
    close(value, X * X)
    close(product, 2 * X * [1, 10, 100])
    (a, b), (gx, gw) = vjp(lambda x, w: (x * w, x.sum()), (X, X + 1), (np.ones(3), 5.0))
    close(a, X * (X + 1))
    close(b, X.sum())
    close(gx, X + 1 + 5)
    close(gw, X)
    close(vjp(lambda x: x.sum(), X)[1], np.ones(3))


def test_jvp():
    v = np.array([1.0, -2.0, 0.5])
    value, tangent = jvp(lambda x: x.exp().reshape(3, 1) * x, X, v)
    e = np.exp(X)
    close(value, e[:, None] * X)
    close(tangent, (e * v)[:, None] * X + e[:, None] * v)
    _, tangent = jvp(lambda x, w: x * w, (X, X + 1), (v, 2 * v))
    close(tangent, v * (X + 1) + X * 2 * v)


def test_jvp_and_vjp_are_adjoint(rng):
    w = rng.normal(size=(4, 3))

    def f(x):
        return ops.layer_norm(minidl.tensor(w) @ x.tanh(), minidl.tensor(w[:, 0]))

    v, u = rng.normal(size=3), rng.normal(size=4)
    close(np.sum(u * jvp(f, X, v)[1].data), np.sum(v * vjp(f, X, u)[1].data))


def test_jacobian_and_hessian():
    w = np.arange(6.0).reshape(2, 3)
    close(jacobian(lambda x: minidl.tensor(w) @ x, X), w)
    j = jacobian(lambda x: x.reshape(3, 1) * x, X)
    assert j.shape == (3, 3, 3)
    close(j, np.einsum("ik,j->ijk", np.eye(3), X) + np.einsum("jk,i->ijk", np.eye(3), X))
    close(hessian(lambda x: (x**4).sum() + x[0] * x[1], X), np.diag(12 * X**2) + np.eye(3)[[1, 0, 2]] * [1, 1, 0])
    jx, jw = jacobian(lambda x, w: x * w, (X, X + 1))
    close(jx, np.diag(X + 1))
    close(jw, np.diag(X))


def test_empty_and_scalar_shapes():
    assert jacobian(lambda x: x[:0] * 2, X).shape == (0, 3)
    assert jacobian(lambda x: x.sum(), X).shape == (3,)
    assert jacobian(lambda x: x * x, np.array(3.0)).tolist() == 6
    assert hessian(lambda x: x**3, np.array(2.0)).item() == 12


def test_hvp_is_hessian_times_v(rng):
    v = rng.normal(size=3)

    def f(x):
        return (x.exp() * x.reshape(3, 1)).softmax(-1).log().sum()

    value, product = hvp(f, X, v)
    close(value, f(minidl.tensor(X)))
    close(product, hessian(f, X).data @ v, rtol=1e-10)


def test_third_order():
    f = lambda x: (x.tanh() * x).sum()  # noqa: E731

    def each(x):  # the derivatives of t ↦ t tanh t
        t, s = np.tanh(x), 1 - np.tanh(x) ** 2
        return t + x * s, 2 * s * (1 - x * t), 2 * s * (-3 * t + x * (3 * t * t - 1))

    def summed(g):
        return lambda x: grad(g)(x).sum()

    total = f
    for derivative in each(X):
        total = summed(total)
        close(total(minidl.tensor(X)), derivative.sum())
    fourth = grad(grad(grad(grad(lambda x: x**6))))
    close(fourth(np.array(1.5)), 360 * 1.5**2)
    close(jacobian(lambda x: hessian(f, x), X)[1, 1, 1], each(X)[2][1])
    close(jvp(grad(grad(lambda x: x**3)), np.array(2.0), np.array(1.0))[1], 6)


def test_results_join_the_graph_of_the_arguments():
    x = minidl.tensor(X, requires_grad=True)
    penalty = (grad(lambda x: (x**3).sum())(x) ** 2).sum()
    penalty.backward()
    close(x.grad, 36 * X**3)


def test_results_join_the_graph_of_what_the_function_holds():
    w = minidl.tensor(X, requires_grad=True)
    for derivative in (
        grad(lambda x: (w * x * x).sum()),
        lambda x: vjp(lambda x: w * x * x, x, np.ones(3))[1],
        lambda x: jvp(lambda x: w * x * x, x, np.ones(3))[1],
        lambda x: jacobian(lambda x: w * x * x, x).sum(0),
        lambda x: hvp(lambda x: (w * x * x * x).sum(), x, np.ones(3))[1] / 3,
    ):
        w.grad = None
        derivative(X).sum().backward()
        close(w.grad, 2 * X)
    with minidl.no_grad():
        assert not grad(lambda x: (w * x * x).sum())(X).requires_grad


def test_a_gradient_penalty_reaches_parameters():
    minidl.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    x = np.ones((5, 3), np.float32)
    slope = grad(lambda x: critic(x).sum())(x)
    ((slope * slope).sum(-1) - 1).square().mean().backward()
    assert all(np.abs(p.grad.data).max() > 0 for name, p in critic.named_parameters() if name != "2.bias")


def test_nothing_outside_is_touched():
    x, w = minidl.tensor(X, requires_grad=True), minidl.tensor(X, requires_grad=True)
    for derivative in (grad, hessian):
        derivative(lambda x: (x * x * w).sum())(x) if derivative is grad else hessian(lambda x: (x * w).sum(), x)
    assert x.grad is None and w.grad is None
    hidden = x * 2
    grad(lambda z: (z * hidden.detach()).sum())(X)
    hidden.sum().backward()  # its graph was not freed


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook", "reference"])
def test_in_every_mode(mode, rng):
    x = rng.normal(size=(2, 4))
    f = lambda x: (ops.layer_norm(x) * x.softmax(-1)).sum()  # noqa: E731
    expected = hessian(f, x)
    with minidl.mode(mode):
        close(hessian(f, x), expected, rtol=1e-9)


@pytest.mark.oracle
def test_torch_func_agrees(rng):
    import torch
    from torch.func import grad as theirs
    from torch.func import jacrev
    from torch.func import vjp as their_vjp

    a = rng.normal(size=(4, 3))

    def function(lib):
        w = lib.tensor(a)
        return lambda x: (w @ x.tanh()).softmax(0).log() * x.sum().sigmoid()

    def scalar(lib):
        return lambda x: (function(lib)(x) ** 2).sum()

    v, u, x = rng.normal(size=3), rng.normal(size=4), torch.tensor(X)
    slopes = jacrev(function(torch))(x)
    curvature = jacrev(theirs(scalar(torch)))
    close(grad(scalar(minidl))(X), theirs(scalar(torch))(x))
    close(jacobian(function(minidl), X), slopes)
    close(hessian(scalar(minidl), X), curvature(x), rtol=1e-10)
    close(hvp(scalar(minidl), X, v)[1], curvature(x) @ torch.tensor(v), rtol=1e-10)
    close(jvp(function(minidl), X, v)[1], slopes @ torch.tensor(v))
    close(vjp(function(minidl), X, u)[1], their_vjp(function(torch), x)[1](torch.tensor(u))[0])
    close(jacobian(lambda x: hessian(scalar(minidl), x), X), jacrev(curvature)(x), rtol=1e-9)
    mixed = grad(lambda x: jvp(scalar(minidl), x, minidl.tensor(v))[1])(X)
    close(mixed, curvature(x) @ torch.tensor(v), rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "kind", "fragments"),
    [
        (lambda: grad(lambda x: x * 2)(X), errors.GraphError, ("grad", "float64 (3,)", "scalar", "jacobian")),
        (lambda: grad(lambda x: 1.0)(X), errors.GraphError, ("float 1.0", "scalar")),
        (lambda: grad(lambda x: x.sum(), 1)(X), errors.ArgumentError, ("argnums", "got 1", "1 argument")),
        (lambda: vjp(lambda x: x * 2, X, np.ones(2)), errors.ShapeError, ("vjp: v", "float64 (2,)", "(3,)")),
        (lambda: vjp(lambda x: x * 2, X), errors.GraphError, ("scalar", "(3,)")),
        (lambda: vjp(lambda x: (x, x), X, (X,)), errors.ShapeError, ("vjp: v", "got 1", "expected 2")),
        (lambda: vjp(lambda x: [x], X, X), errors.DTypeError, ("vjp", "list", "tuple")),
        (lambda: jvp(lambda x: x * 2, X, np.ones(2)), errors.ShapeError, ("jvp: v", "(2,)", "(3,)")),
        (lambda: jvp(lambda x: [x], X, X), errors.DTypeError, ("jvp", "list", "tuple")),
        (lambda: jacobian(lambda x: (x, x), X), errors.DTypeError, ("jacobian", "tuple", "one tensor")),
        (lambda: jacobian(lambda x: x, X, "forward"), errors.ArgumentError, ("strategy", "'forward'", "forward-mode")),
        (lambda: jacobian(lambda x: None, X), errors.DTypeError, ("jacobian", "None", "one tensor")),
        (lambda: hvp(lambda x: x.sum(), X, 1.0), errors.ShapeError, ("hvp: v", "()", "(3,)")),
    ],
)
def test_mistakes(call, kind, fragments):
    with pytest.raises(kind) as caught:
        call()
    for fragment in fragments:
        assert fragment in str(caught.value), str(caught.value)


def test_a_float_argument_is_worth_its_digits():
    assert grad(lambda x, s: (x * s).sum())(np.ones(1), math.pi).item() == math.pi
