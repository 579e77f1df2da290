"""L-BFGS: PyTorch's steps and evaluations, its state, and minima found."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl.errors import StateDictError
from minidl.optim import LBFGS
from minidl.optim.line_search import Point, strong_wolfe
from minidl.tensor import Parameter

from . import pick, to_torch


def quadratic(rng):
    root = rng.normal(size=(5, 5))
    curve, slope = root @ root.T + 0.1 * np.eye(5), rng.normal(size=5)
    return [(5,)], lambda tensor: lambda p: 0.5 * (p @ tensor(curve) @ p) - (tensor(slope) * p).sum()


def rosenbrock(rng):
    return [(), ()], lambda tensor: lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2


def logistic(rng):
    x, signs = rng.normal(size=(20, 3)), rng.choice([-1.0, 1.0], size=20)
    return [(3,), ()], lambda tensor: lambda w, b: (1 + (-(tensor(signs) * (tensor(x) @ w + b))).exp()).log().mean()


def quartic(rng):
    target = rng.normal(size=(2, 3))
    return [(2, 3)], lambda tensor: lambda p: ((p - tensor(target)) ** 4).sum() + ((p * p).sum() - 1) ** 2


def closure_of(optimizer, loss, params):
    def closure():
        optimizer.zero_grad()
        value = loss(*params)
        value.backward()
        return value

    return closure


@pytest.mark.oracle
@pytest.mark.parametrize("number", range(15))
@pytest.mark.parametrize("problem", [quadratic, rosenbrock, logistic, quartic])
def test_steps_as_pytorch(problem, number, rng):
    import torch

    shapes, build = problem(rng)
    arrays = [np.asarray(rng.normal(size=s)) for s in shapes]
    search = pick(rng, None, "strong_wolfe", "strong_wolfe")
    steep = search is None and problem is not logistic
    options = {
        "lr": pick(rng, 1e-3, 5e-4) if steep else pick(rng, 1.0, 0.5),
        "max_iter": pick(rng, 1, 3, 6),
        "max_eval": pick(rng, None, 4),
        "history_size": pick(rng, 2, 100),
        "tolerance_change": pick(rng, 1e-9, 1e-2),
        "tolerance_grad": pick(rng, 1e-7, 1e-2),
        "line_search_fn": search,
    }
    ours, theirs = [Parameter(a.copy()) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    mine, judge = LBFGS(ours, **options), torch.optim.LBFGS(theirs, **options)
    my_loss, their_loss = build(minidl.tensor), build(torch.tensor)
    for step in range(3):
        if step == 1 and number % 2:
            mine = LBFGS(ours)
            mine.load_state_dict(judge.state_dict())
        elif step == 1:
            saved = to_torch(mine.state_dict())
            judge = torch.optim.LBFGS(theirs)
            judge.load_state_dict(saved)
        value = mine.step(closure_of(mine, my_loss, ours))
        judged = judge.step(closure_of(judge, their_loss, theirs))
        np.testing.assert_allclose(value.item(), judged.item(), rtol=1e-7, atol=1e-12)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-6, atol=1e-8)
        state, expected = mine.state[ours[0]], judge.state[theirs[0]]
        assert (state["n_iter"], state["func_evals"]) == (expected["n_iter"], expected["func_evals"])
        for name in ("t", "prev_loss", "ro", "old_stps", "d"):
            if name in expected:
                assert len(np.atleast_1d(state[name])) == len(np.atleast_1d(expected[name])), name


@pytest.mark.parametrize("problem", [quadratic, rosenbrock, logistic])
def test_finds_the_minimum(problem, rng):
    shapes, build = problem(rng)
    params = [Parameter(np.asarray(rng.normal(size=s))) for s in shapes]
    optimizer = LBFGS(params, max_iter=200, tolerance_change=1e-14, line_search_fn="strong_wolfe")
    first = optimizer.step(closure_of(optimizer, build(minidl.tensor), params)).item()
    last = optimizer.step(closure_of(optimizer, build(minidl.tensor), params)).item()
    assert last < first
    assert all(abs(p.grad.data).max() < 1e-5 for p in params)


def test_at_the_minimum_nothing_moves(rng):
    p = Parameter(np.zeros(3))
    optimizer = LBFGS([p])
    optimizer.step(closure_of(optimizer, lambda p: (p * p).sum(), [p]))
    assert not p.data.any()
    assert optimizer.state[p] == {"func_evals": 1, "n_iter": 0}


def test_goes_on_from_its_file(rng, tmp_path):
    def run(optimizer, params):
        optimizer.step(closure_of(optimizer, lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2, params))

    first = [Parameter(np.array(v)) for v in (-1.0, 1.5)]
    straight = LBFGS(first, max_iter=5, line_search_fn="strong_wolfe")
    run(straight, first)
    minidl.save(straight.state_dict(), tmp_path / "state.safetensors")
    second = [Parameter(p.data.copy()) for p in first]
    resumed = LBFGS(second)
    resumed.load_state_dict(minidl.load(tmp_path / "state.safetensors"))
    run(straight, first)
    run(resumed, second)
    assert [p.item() for p in first] == [p.item() for p in second]


def test_a_state_of_another_size(rng):
    p, q = Parameter(np.ones(3)), Parameter(np.ones(4))
    optimizer = LBFGS([p])
    optimizer.step(closure_of(optimizer, lambda p: (p**4).sum(), [p]))
    with pytest.raises(StateDictError, match=r"has shape \(3,\), expected \(4,\)"):
        LBFGS([q]).load_state_dict(optimizer.state_dict())


def test_a_parameter_without_a_gradient_stays(rng):
    p, q = Parameter(np.ones(3)), Parameter(np.ones(2))
    optimizer = LBFGS([p, q])
    optimizer.step(closure_of(optimizer, lambda p: ((p - 2) ** 2).sum(), [p]))
    np.testing.assert_allclose(p.data, 2, atol=1e-6)
    assert (q.data == 1).all()


@pytest.mark.parametrize("first", [1e-3, 1.0, 40.0])
def test_the_line_search_finds_what_wolfe_asks_for(first):
    def at(t):
        return Point(t, np.cos(t) + 0.1 * t, None, -np.sin(t) + 0.1)

    start = Point(0.3, *at(0.3)[1:])._replace(t=0.0)
    found, evaluations = strong_wolfe(lambda t: at(0.3 + t)._replace(t=t), start, first, reach=1.0)
    assert found.loss <= start.loss + 1e-4 * found.t * start.slope
    assert abs(found.slope) <= -0.9 * start.slope
    assert evaluations <= 26


@pytest.mark.oracle
@pytest.mark.parametrize("number", range(120))
def test_the_line_search_is_pytorchs(number, rng):
    """Across a gorge, where it has to turn back, hesitate and give up; and over hills."""
    import torch
    from torch.optim.lbfgs import _strong_wolfe

    at, tilt, far = 10 ** rng.uniform(-1, 1), rng.uniform(-0.5, 0.8), 10 ** rng.uniform(-3, 2)
    width, hills = 10 ** rng.uniform(-5, -1), pick(rng, 0.0, 0.3, 2.0)

    def f(t):
        return np.hypot(t - at, width) + tilt * t + hills * np.sin(9 * t)

    def slope(t):
        return (t - at) / np.hypot(t - at, width) + tilt + 9 * hills * np.cos(9 * t)

    def judged(x, t, d):
        return float(f(float(t))), torch.tensor([slope(float(t))], dtype=torch.float64)

    one, steps = torch.ones(1, dtype=torch.float64), pick(rng, 1, 2, 3, 5, 8, 25)
    loss, gradient, t, evaluations = _strong_wolfe(
        judged,
        None,
        far,
        one,
        f(0.0),
        torch.tensor([slope(0.0)], dtype=torch.float64),
        torch.tensor(slope(0.0), dtype=torch.float64),
        max_ls=steps,
    )
    found, used = strong_wolfe(
        lambda t: Point(t, f(t), slope(t), slope(t)),
        Point(0.0, f(0.0), slope(0.0), slope(0.0)),
        far,
        reach=1.0,
        max_steps=steps,
    )
    assert used == evaluations
    np.testing.assert_allclose([found.t, found.loss, found.gradient], [float(t), loss, gradient.item()], rtol=1e-6)
