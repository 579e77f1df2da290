"""Lion and LAMB, which PyTorch does not have, beside a second reading of their papers."""

from __future__ import annotations

import numpy as np
import pytest

from minidl.optim import LAMB, Lion
from minidl.optim.muon import orthogonalized

from . import parameters, pick, set_gradients


def lion(x, gradients, lr, betas, weight_decay, maximize):
    """Chen et al. 2023, algorithm 2, line by line: update, then apply with decay, then track."""
    m = np.zeros_like(x)
    for g in gradients:
        g = g * (-1 if maximize else 1)
        update = np.sign((1 - betas[0]) * g + betas[0] * m)
        x = x - lr * (update + weight_decay * x)
        m = (1 - betas[1]) * g + betas[1] * m
    return x, {"exp_avg": m}


def lamb(x, gradients, lr, betas, weight_decay, maximize, eps):
    """You et al. 2020, algorithm 2, with the averages written out as sums over all past gradients."""
    past = [g * (-1 if maximize else 1) for g in gradients]
    m = v = None
    for t in range(1, len(past) + 1):
        ages = [t - 1 - i for i in range(t)]
        m = sum((1 - betas[0]) * betas[0] ** age * g for age, g in zip(ages, past, strict=False))
        v = sum((1 - betas[1]) * betas[1] ** age * g**2 for age, g in zip(ages, past, strict=False))
        r = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
        whole = r + weight_decay * x
        phi, length = np.sqrt(np.sum(x**2)), np.sqrt(np.sum(whole**2))
        trust = phi / length if phi > 0 and length > 0 else 1.0
        x = x - lr * trust * whole
    return x, {"step": len(past), "exp_avg": m, "exp_avg_sq": v}


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize(("kind", "paper"), [(Lion, lion), (LAMB, lamb)])
def test_is_its_paper(kind, paper, number, rng):
    options = {
        "lr": float(10 ** rng.uniform(-3, -1)),
        "betas": pick(rng, (0.9, 0.99), (0.0, 0.5), (0.95, 0.98)),
        "weight_decay": pick(rng, 0.0, 0.1),
        "maximize": bool(rng.integers(2)),
    }
    if kind is LAMB:
        options["eps"] = pick(rng, 1e-6, 0.1)
    params = parameters(rng)
    if number % 3 == 0:
        params[0].data[...] = 0  # a tensor that starts at 0 has no norm to go by
    before, given = [p.data.copy() for p in params], []
    optimizer = kind(params, **options)
    for _ in range(6):
        set_gradients(params, rng)
        given.append([p.grad.data.copy() for p in params])
        optimizer.step()
    for p, x, gradients in zip(params, before, zip(*given, strict=True), strict=True):
        value, state = paper(x, gradients, **options)
        np.testing.assert_allclose(p.data, value, rtol=1e-10)
        assert optimizer.state[p].keys() == state.keys()
        for name, expected in state.items():
            np.testing.assert_allclose(optimizer.state[p][name], expected, rtol=1e-10)


def test_lion_steps_by_one_length_and_lamb_by_a_part_of_the_norm(rng):
    (p, q) = parameters(rng, shapes=((4, 3), (4, 3)))
    set_gradients([p, q], rng)
    before, norm = p.data.copy(), np.linalg.norm(q.data)
    old = q.data.copy()
    Lion([p], lr=0.25).step()
    LAMB([q], lr=0.25, weight_decay=0.0).step()
    np.testing.assert_allclose(abs(p.data - before), 0.25)
    assert np.linalg.norm(q.data - old) == pytest.approx(0.25 * norm)


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5), (1, 6)])
def test_an_orthogonalized_matrix_keeps_its_singular_vectors(shape, rng):
    u = rng.normal(size=shape)
    left, values, right = np.linalg.svd(u, full_matrices=False)
    exact = orthogonalized(u, (1.5, -0.5, 0.0), 60, 1e-7)  # Newton's and Schulz's own coefficients go all the way
    np.testing.assert_allclose(exact, left @ right, atol=1e-10)
    fast = orthogonalized(u, (3.4445, -4.775, 2.0315), 5, 1e-7)
    np.testing.assert_allclose(left @ np.diag(np.diag(left.T @ fast @ right.T)) @ right, fast, atol=1e-10)
    rough = np.linalg.svd(fast, compute_uv=False)[values / np.linalg.norm(values) > 0.1]
    assert ((rough > 0.5) & (rough < 1.3)).all()


def test_half_precision_is_orthogonalized_in_single(rng):
    u = rng.normal(size=(4, 3)).astype("float16")
    found = orthogonalized(u, (3.4445, -4.775, 2.0315), 5, 1e-7)
    assert found.dtype == "float16"
    wide = orthogonalized(u.astype("float32"), (3.4445, -4.775, 2.0315), 5, 1e-7)
    np.testing.assert_array_equal(found, wide.astype("float16"))
