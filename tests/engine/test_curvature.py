"""Gauss–Newton and Fisher products against the matrices written out."""

import numpy as np
import pytest

import minidl
from minidl import errors, nn
from minidl.functional import (
    checkpoint_sequential,
    fisher_product,
    functional_call,
    gauss_newton_product,
    hessian,
    jacobian,
)
from minidl.nn import functional as F


@pytest.fixture
def problem(rng):
    """A small classifier as a function of its weights."""
    x, w, v = rng.normal(size=(7, 3)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    return minidl.tensor(x), minidl.tensor(rng.integers(0, 4, size=7)), w, v


def test_gauss_newton(problem):
    x, t, w, v = problem

    def model(w):
        return (x @ w).tanh()

    def loss(z):
        return F.cross_entropy(z, t)

    j = jacobian(model, w).data.reshape(28, 12)
    h = hessian(loss, model(minidl.tensor(w))).data.reshape(28, 28)
    expected = (j.T @ h @ j @ v.reshape(12)).reshape(3, 4)
    np.testing.assert_allclose(gauss_newton_product(model, loss, w, v).data, expected, rtol=1e-10)


def test_gauss_newton_of_a_linear_model_is_the_hessian(problem):
    x, t, w, v = problem
    product = gauss_newton_product(lambda w: x @ w, lambda z: F.cross_entropy(z, t), w, v)
    h = hessian(lambda w: F.cross_entropy(x @ w, t), w).data.reshape(12, 12)
    np.testing.assert_allclose(product.data.reshape(12), h @ v.reshape(12), rtol=1e-10)


def test_gauss_newton_of_several_parameters(problem, rng):
    x, _, w, v = problem
    b, u = rng.normal(size=4), rng.normal(size=4)

    def model(w, b):
        return (x @ w + b).tanh()

    dw, db = gauss_newton_product(model, lambda z: (z * z).sum(), (w, b), (v, u))
    jw, jb = (each.data for each in jacobian(model, (w, b)))
    jv = np.einsum("nkij,ij->nk", jw, v) + np.einsum("nki,i->nk", jb, u)
    np.testing.assert_allclose(dw.data, 2 * np.einsum("nkij,nk->ij", jw, jv), rtol=1e-10)
    np.testing.assert_allclose(db.data, 2 * np.einsum("nki,nk->i", jb, jv), rtol=1e-10)


def test_fisher(problem):
    x, t, w, v = problem

    def logp(w):
        return F.cross_entropy((x @ w).tanh(), t, reduction="none")

    j = jacobian(logp, w).data.reshape(7, 12)
    np.testing.assert_allclose(fisher_product(logp, w, v).data.reshape(12), j.T @ (j @ v.reshape(12)) / 7, rtol=1e-10)


def test_fisher_of_a_mean():
    with pytest.raises(errors.ShapeError, match=r"fisher_product: log_likelihoods returned shape \(\)[\s\S]*none"):
        fisher_product(lambda w: w.sum(), np.ones(3), np.ones(3))


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_checkpointed_segments(segments, rng):
    """The same result and gradients, random masks and all."""
    minidl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 4), nn.Dropout(0.3)).double()
    x = minidl.tensor(rng.normal(size=(5, 3))).requires_grad_()
    found = []
    for run in (model, lambda x: checkpoint_sequential(model, segments, x)):
        model.zero_grad()
        x.grad = None
        minidl.manual_seed(1)
        y = run(x)
        (y * y).sum().backward()
        found.append([y.detach().data, x.grad.data, *(p.grad.data for p in model.parameters())])
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_is_a_function_of_its_parameters(rng):
    model = nn.Linear(3, 2).double()
    x, names = minidl.tensor(rng.normal(size=(4, 3))), ["weight", "bias"]
    values = tuple(p.detach() for p in model.parameters())
    directions = tuple(rng.normal(size=p.shape) for p in values)
    product = gauss_newton_product(
        lambda *ps: functional_call(model, dict(zip(names, ps, strict=True)), x),
        lambda z: (z * z).mean(),
        values,
        directions,
    )
    assert [p.shape for p in product] == [(2, 3), (2,)]
    np.testing.assert_allclose(product[1].data, ((x.data @ directions[0].T + directions[1]).sum(0)) * 2 / 8, rtol=1e-10)
