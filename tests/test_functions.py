"""PyTorch's functions at the top level."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minidl
from minidl import functions as f
from minidl.creation import arange, ones, randn
from minidl.errors import ArgumentError, ShapeError

from . import functions_arrays

X = np.array([[1.0, 4.0, 2.0], [-3.0, 0.5, 2.0]])


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (lambda: f.add(X, 1.0), X + 1),
        (lambda: f.sub(X, X[0]), X - X[0]),
        (lambda: f.mul(X, 2), X * 2),
        (lambda: f.div(X, X), X / X),
        (lambda: f.remainder(X, 1.5), X % 1.5),
        (lambda: f.remainder(-7, minidl.tensor(X)), -7 % X),
        (lambda: f.floor_divide(X, 1.5), X // 1.5),
        (lambda: f.pow(X, 2), X**2),
        (lambda: f.neg(X), -X),
        (lambda: f.exp(X), np.exp(X)),
        (lambda: f.expm1(X), np.expm1(X)),
        (lambda: f.log1p(abs(X)), np.log1p(abs(X))),
        (lambda: f.log2([8.0, 1.0]), np.float32([3, 0])),
        (lambda: f.log10([1000.0, 1.0]), np.float32([3, 0])),
        (lambda: f.rsqrt(abs(X)), abs(X) ** -0.5),
        (lambda: f.reciprocal(X), 1 / X),
        (lambda: f.square(X), X * X),
        (lambda: f.sin(X), np.sin(X)),
        (lambda: f.cos(X), np.cos(X)),
        (lambda: f.tan(X), np.tan(X)),
        (lambda: f.atan(X), np.arctan(X)),
        (lambda: f.arctan(X), np.arctan(X)),
        (lambda: f.sign(X), np.sign(X)),
        (lambda: f.floor(X), np.floor(X)),
        (lambda: f.ceil(X), np.ceil(X)),
        (lambda: f.trunc(X), np.trunc(X)),
        (lambda: f.round(X), np.round(X)),
        (lambda: f.round(X * 1.234, decimals=1), np.round(X * 1.234, 1)),
        (lambda: f.erf([0.0]), np.float32([0])),
        (lambda: f.log(abs(X)), np.log(abs(X))),
        (lambda: f.sqrt(abs(X)), np.sqrt(abs(X))),
        (lambda: f.abs(X), abs(X)),
        (lambda: f.tanh(X), np.tanh(X)),
        (lambda: f.sigmoid(X), 1 / (1 + np.exp(-X))),
        (lambda: f.relu(X), np.maximum(X, 0)),
        (lambda: f.clamp(X, 0, 2), np.clip(X, 0, 2)),
        (lambda: f.clamp(X, max=1.0), np.minimum(X, 1)),
        (lambda: f.clamp_min(X, 1.0), np.maximum(X, 1)),
        (lambda: f.clamp_max(X, 1.0), np.minimum(X, 1)),
        (lambda: f.maximum(X, 1.0), np.maximum(X, 1)),
        (lambda: f.minimum(X, X[0]), np.minimum(X, X[0])),
        (lambda: f.where(X > 1, X, 0.0), np.where(X > 1, X, 0)),
        (lambda: f.where(minidl.tensor(X) > 1, X, -X), np.where(X > 1, X, -X)),
        (lambda: f.isnan(X / X - 1), np.isnan(X)),
        (lambda: f.isfinite([1.0, np.inf]), np.array([True, False])),
        (lambda: f.isinf([1.0, -np.inf]), np.array([False, True])),
        (lambda: f.sum(X), X.sum()),
        (lambda: f.sum(X, 0), X.sum(0)),
        (lambda: f.sum(X, dim=(0, 1), keepdim=True), X.sum(keepdims=True)),
        (lambda: f.mean(X, 1), X.mean(1)),
        (lambda: f.var(X, 1), X.var(1, ddof=1)),
        (lambda: f.var(X, correction=0), X.var()),
        (lambda: f.max(X), X.max()),
        (lambda: f.min(X), X.min()),
        (lambda: f.max(X, 1).values, X.max(1)),
        (lambda: f.max(X, 1).indices, X.argmax(1)),
        (lambda: f.min(X, 1, keepdim=True)[0], X.min(1, keepdims=True)),
        (lambda: f.max(X, minidl.tensor(X[0])), np.maximum(X, X[0])),
        (lambda: f.min(X, minidl.tensor(X[0])), np.minimum(X, X[0])),
        (lambda: f.argmax(X), X.argmax()),
        (lambda: f.argmax(X, 0), X.argmax(0)),
        (lambda: f.argmin(X, 1, keepdim=True), X.argmin(1, keepdims=True)),
        (lambda: f.logsumexp(X, 1), np.log(np.exp(X).sum(1))),
        (lambda: f.softmax(X, 1), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
        (lambda: f.log_softmax(X, 0), X - np.log(np.exp(X).sum(0))),
        (lambda: f.reshape(X, (3, -1)), X.reshape(3, 2)),
        (lambda: f.flatten(X), X.ravel()),
        (lambda: f.flatten(X[None], 0, 1), X),
        (lambda: f.transpose(X, 0, 1), X.T),
        (lambda: f.permute(X[None], (2, 0, 1)), X[None].transpose(2, 0, 1)),
        (lambda: f.squeeze(X[None, :, None]), X),
        (lambda: f.squeeze(X[None], 1), X[None]),
        (lambda: f.unsqueeze(X, -1), X[..., None]),
        (lambda: f.cat([X, X], 1), np.concatenate([X, X], 1)),
        (lambda: f.concat((X, X[:1])), np.concatenate([X, X[:1]])),
        (lambda: f.stack([X, X], -1), np.stack([X, X], -1)),
        (lambda: f.split(X, 2, 1)[1], X[:, 2:]),
        (lambda: f.split(X, [1, 2], dim=1)[1], X[:, 1:]),
        (lambda: f.chunk(X, 2, 1)[0], X[:, :2]),
        (lambda: f.matmul(X, X.T), X @ X.T),
        *functions_arrays.ROWS,
    ],
)
def test_values(ours, expected):
    ours = ours()
    assert isinstance(ours, minidl.Tensor)
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-12)
    assert ours.dtype == expected.dtype


def test_gradients_pass_through():
    x = minidl.tensor(X, requires_grad=True)
    (f.sum(f.where(x > 0, f.exp(x), f.tanh(x))) + f.cat([x, x]).sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.where(X > 0, np.exp(X), 1 - np.tanh(X) ** 2) + 2)


def test_comparison():
    a = minidl.tensor([1.0, 2.0])
    assert f.equal(a, a.clone()) and not f.equal(a, a[:1]) and not f.equal(a, a + 1)
    assert f.allclose(a, a + 1e-9) and not f.allclose(a, a + 1e-2) and f.allclose(a, a + 1e-2, atol=0.1)
    nan = minidl.tensor([np.nan])
    assert not f.allclose(nan, nan) and f.allclose(nan, nan, equal_nan=True)
    assert f.allclose(a.requires_grad_(), [1, 2]) and isinstance(f.allclose(a, a), bool)


SHAPES = {"a": 2, "b": 3, "c": 4, "i": 2, "j": 3, "k": 4}


@pytest.mark.parametrize(
    "equation",
    [
        "ij,jk->ik",
        "ij, jk",
        "ij->ji",
        "ji",
        "ij->",
        "i,j->ij",
        "i,i",
        "aij,ajk->aik",
        "ijk,j,k->i",
        "ab,cb",
        "...->...",
    ],
)
def test_einsum(equation, rng):
    terms = equation.replace(" ", "").split("->")[0].split(",")
    arrays = [rng.normal(size=[SHAPES[c] for c in term.replace("...", "ab")]) for term in terms]
    np.testing.assert_allclose(f.einsum(equation, *arrays).numpy(), np.einsum(equation, *arrays))
    np.testing.assert_allclose(f.einsum(equation, arrays).numpy(), np.einsum(equation, *arrays))


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("...ij,...jk->...ik", [(5, 2, 3), (5, 3, 4)]),
        ("...ij,...jk->...ik", [(6, 5, 2, 3), (5, 3, 4)]),
        ("...ij,...jk->...ik", [(6, 1, 2, 3), (5, 3, 4)]),
        ("...ij,jk", [(6, 5, 2, 3), (3, 4)]),
        ("i...,i...", [(2, 3), (2, 1)]),
        ("...i->...", [(2, 3)]),
        ("...,...", [(2, 3), ()]),
    ],
)
def test_einsum_with_an_ellipsis(equation, shapes, rng):
    arrays = [rng.normal(size=shape) for shape in shapes]
    tensors = [minidl.tensor(a, requires_grad=True) for a in arrays]
    y = f.einsum(equation, *tensors)
    np.testing.assert_allclose(y.detach().numpy(), np.einsum(equation, *arrays))
    y.sum().backward()
    assert all(t.grad.shape == t.shape for t in tensors)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: f.einsum("ij->ik", ones(2, 2)), ArgumentError, "ij->ik"),
        (lambda: f.einsum("ij,jk", ones(2, 2)), ArgumentError, "2 operands"),
        (lambda: f.einsum("ijk", ones(2, 2)), ShapeError, "(2, 2)"),
        (lambda: f.einsum("ij,jk->ik", ones(2, 3), ones(4, 5)), ShapeError, "einsum"),
        (lambda: f.cat([]), ArgumentError, "expected a list of at least one tensor"),
        (lambda: f.stack(randn(2)), ArgumentError, "expected a list"),
        (lambda: f.stack([randn(2), arange(3)]), ShapeError, "stack"),
        (lambda: f.cat([randn(2, 1), randn(3, 2)], dim=0), ShapeError, "concatenate"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_names():
    assert sorted(f.__all__) == f.__all__
    assert all(callable(getattr(f, name)) for name in f.__all__)
