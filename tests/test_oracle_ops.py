"""Dense layers, normalisation, losses and gelu against PyTorch: outputs and gradients over random configurations."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import ops

pytestmark = pytest.mark.oracle

ROUNDS = 8  # configurations for each operation


def shape_of(rng, axes, low=1, high=7):
    return tuple(int(n) for n in rng.integers(low, high, size=axes))


def matmul(rng, torch):
    i, j, k = shape_of(rng, 3)
    batch = shape_of(rng, int(rng.integers(0, 3)))
    other = tuple(n if rng.random() < 0.6 else 1 for n in batch)[int(rng.integers(0, len(batch) + 1)) :]
    x, w = (*batch, i, j), (*other, j, k)
    if rng.random() < 0.5:
        x, w = (*other, i, j), (*batch, j, k)
    x = x if rng.random() < 0.8 else (j,)
    w = w if rng.random() < 0.8 else (j,)
    return [rng.normal(size=x), rng.normal(size=w)], ops.matmul, torch.matmul


def affine(rng, torch):
    *lead, i, o = shape_of(rng, int(rng.integers(2, 5)), high=20)
    xs = [rng.normal(size=(*lead, i)), rng.normal(size=(o, i)), rng.normal(size=o)][: int(rng.integers(2, 4))]
    return xs, ops.affine, torch.nn.functional.linear


def einsum(rng, torch):
    specs = ["ij,jk->ik", "bij,bkj->bik", "ij,jk,kl->il", "ii->i", "...ij,...jk", "ij,k->i", "iji->j", "ab,cb,dc"]
    spec = specs[int(rng.integers(len(specs)))]
    sizes = dict(zip("abcdijkl", shape_of(rng, 8), strict=True))
    batch = shape_of(rng, int(rng.integers(0, 3)))
    parts = spec.split("->")[0].replace("...", ".").split(",")
    xs = [rng.normal(size=[n for c in part for n in (batch if c == "." else (sizes[c],))]) for part in parts]
    return xs, lambda *xs: ops.einsum_of(spec, *xs), lambda *xs: torch.einsum(spec, *xs)


def softmax(rng, torch):
    x = 5 * rng.normal(size=shape_of(rng, int(rng.integers(1, 4)), high=40))
    axis = int(rng.integers(-x.ndim, x.ndim))
    return [x], lambda x: ops.softmax(x, axis=axis), lambda x: torch.nn.functional.softmax(x, axis)


def log_softmax(rng, torch):
    x = 5 * rng.normal(size=shape_of(rng, int(rng.integers(1, 4)), high=40))
    axis = int(rng.integers(-x.ndim, x.ndim))
    return [x], lambda x: ops.log_softmax(x, axis=axis), lambda x: torch.nn.functional.log_softmax(x, axis)


def layer_norm(rng, torch):
    x = rng.normal(size=shape_of(rng, 3, low=2, high=9))
    dims, eps = int(rng.integers(1, 4)), float(10.0 ** rng.integers(-8, 0))
    last = x.shape[3 - dims :]
    w, b = (rng.normal(size=last) if rng.random() < 0.7 else None for _ in range(2))
    return (
        [x, w, b],
        lambda x, w, b: ops.layer_norm(x, w, b, dims=dims, eps=eps),
        lambda x, w, b: torch.nn.functional.layer_norm(x, last, w, b, eps),
    )


def batch_norm(rng, torch):
    x = rng.normal(size=shape_of(rng, int(rng.integers(2, 5)), low=2, high=9))
    eps = float(10.0 ** rng.integers(-8, 0))
    w, b = (rng.normal(size=x.shape[1]) if rng.random() < 0.7 else None for _ in range(2))
    return (
        [x, w, b],
        lambda x, w, b: ops.batch_norm(x, w, b, eps=eps)[0],
        lambda x, w, b: torch.nn.functional.batch_norm(x, None, None, w, b, True, 0.1, eps),
    )


def batch_statistics(rng, torch):
    x = rng.normal(size=shape_of(rng, int(rng.integers(2, 5)), low=2, high=9))
    axes = [0, *range(2, x.ndim)]
    return (
        [x],
        lambda x: ops.concatenate(*ops.batch_norm(x)[1:]),
        lambda x: torch.cat([x.mean(axes), x.var(axes, correction=0)]),
    )


def cross_entropy(rng, torch):
    *lead, classes = shape_of(rng, int(rng.integers(1, 4)), high=30)
    x = 4 * rng.normal(size=(*lead, classes))
    target = np.asarray(rng.integers(0, classes, size=lead))
    reduction = ("mean", "sum", "none")[int(rng.integers(3))]

    def theirs(x):
        loss = torch.nn.functional.cross_entropy(
            x.reshape(-1, classes), torch.tensor(target).reshape(-1), reduction=reduction
        )
        return loss.reshape(lead) if reduction == "none" else loss

    return [x], lambda x: ops.cross_entropy(x, target, reduction=reduction), theirs


def mse(rng, torch):
    x, target = rng.normal(size=(2, *shape_of(rng, int(rng.integers(0, 4)))))
    reduction = ("mean", "sum", "none")[int(rng.integers(3))]
    return (
        [np.asarray(x), np.asarray(target)],
        lambda x, t: ops.mse(x, t, reduction=reduction),
        lambda x, t: torch.nn.functional.mse_loss(x, t, reduction=reduction),
    )


def gelu(rng, torch):
    approximate = ("none", "tanh")[int(rng.integers(2))]
    x = 10.0 ** rng.uniform(-3, 1) * rng.normal(size=shape_of(rng, 2, high=40))
    return (
        [x],
        lambda x: ops.gelu(x, approximate=approximate),
        lambda x: torch.nn.functional.gelu(x, approximate=approximate),
    )


CASES = [matmul, affine, einsum, softmax, log_softmax, layer_norm, batch_norm, batch_statistics]
CASES += [cross_entropy, mse, gelu]


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_outputs_and_gradients_are_those_of_pytorch(case, number, rng):
    torch = pytest.importorskip("torch")
    xs, ours, theirs = case(rng, torch)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-5)):
        inputs = [None if x is None else np.asarray(x, dtype) for x in xs]
        mine = [None if x is None else minidl.tensor(x, requires_grad=True) for x in inputs]
        other = [None if x is None else torch.tensor(x, requires_grad=True) for x in inputs]
        y, expected = ours(*mine), theirs(*other)
        u = np.random.default_rng(number).normal(size=y.shape).astype(dtype)  # no sum: it is blind to much
        y.backward(minidl.tensor(u))
        expected.backward(torch.tensor(u))
        pairs = [(y, expected)] + [(a.grad, b.grad) for a, b in zip(mine, other, strict=True) if a is not None]
        for found, wanted in pairs:
            wanted = wanted.detach().numpy()
            assert found.dtype == dtype
            assert found.shape == wanted.shape
            scale = max(1.0, float(np.abs(wanted).max(initial=0)))
            np.testing.assert_allclose(found.data / scale, wanted / scale, rtol=0, atol=tolerance)
