"""Gradients kept in bounds: all together, each number, or group by group."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl.errors import AnomalyError
from minidl.optim import SGD, Adam, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm

from . import parameters, pick, set_gradients


def test_clipping_leaves_small_gradients_and_scales_the_rest_by_one_factor(rng):
    params = parameters(rng, "float32")
    set_gradients(params, rng)
    params[1].grad = None
    before = [params[i].grad.data.copy() for i in (0, 2)]
    whole = np.concatenate([g.reshape(-1) for g in before])
    norm = clip_grad_norm_(iter(params), 1e9)
    assert float(norm) == pytest.approx(np.linalg.norm(whole), rel=1e-6)
    assert all((params[i].grad.data == g).all() for i, g in zip((0, 2), before, strict=True))
    clip_grad_norm_(params, 0.25)
    after = np.concatenate([params[i].grad.data.reshape(-1) for i in (0, 2)])
    assert after.dtype == np.float32
    np.testing.assert_allclose(after, 0.25 * whole / np.linalg.norm(whole), rtol=1e-5)
    assert float(clip_grad_norm_([params[1]], 1.0)) == 0.0


def test_clipping_one_tensor_and_by_value(rng):
    (p,) = parameters(rng, shapes=((50,),))
    set_gradients([p], rng)
    before = p.grad.data.copy()
    clip_grad_value_(p, 0.5)
    np.testing.assert_array_equal(p.grad.data, np.clip(before, -0.5, 0.5))
    clip_grad_norm_(p, 0.1)
    assert np.linalg.norm(p.grad.data) == pytest.approx(0.1, rel=1e-4)


def test_a_norm_that_is_not_finite(rng):
    params = parameters(rng)
    set_gradients(params, rng)
    params[1].grad.data[2] = np.inf
    with pytest.raises(AnomalyError, match=r"is inf; the first that is not finite is number 1, of shape \(7,\)"):
        clip_grad_norm_(params, 1.0, error_if_nonfinite=True)


def test_the_two_halves_make_the_whole(rng):
    whole, halves = parameters(rng), parameters(rng)
    set_gradients(whole, rng)
    for a, b in zip(whole, halves, strict=True):
        b.grad = minidl.tensor(a.grad.data.copy())
    norm = clip_grad_norm_(whole, 0.5)
    total = get_total_norm(p.grad for p in halves)
    assert float(total) == float(norm)
    clip_grads_with_norm_(halves, 0.5, total)
    for a, b in zip(whole, halves, strict=True):
        np.testing.assert_array_equal(a.grad.data, b.grad.data)
    assert float(get_total_norm([])) == 0.0
    assert float(get_total_norm(minidl.tensor([3.0, 4.0]))) == 5.0


def test_a_norm_given_as_a_number(rng):
    (p,) = parameters(rng, shapes=((4,),))
    set_gradients([p], rng)
    before = p.grad.data.copy()
    clip_grads_with_norm_(p, 1.0, 3.0)
    np.testing.assert_allclose(p.grad.data, before / 3, rtol=1e-6)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_each_group_is_clipped_by_its_own_norm(kind, rng):
    params, twins = parameters(rng), parameters(rng)
    set_gradients(params, rng)
    for p, twin in zip(params, twins, strict=True):
        twin.data[...] = p.data
        twin.grad = minidl.tensor(p.grad.data.copy())
    bounded = kind([{"params": params[:2], "clip_norm": 0.1}, {"params": params[2:]}], lr=0.5)
    clip_grad_norm_(twins[:2], 0.1)
    bounded.step()
    kind(twins, lr=0.5).step()
    for p, twin in zip(params, twins, strict=True):
        np.testing.assert_array_equal(p.data, twin.data)
    resumed = kind([{"params": params[:2]}, {"params": params[2:]}])
    resumed.load_state_dict(bounded.state_dict())
    assert [group.get("clip_norm") for group in resumed.param_groups] == [0.1, None]


@pytest.mark.oracle
@pytest.mark.parametrize("number", range(60))
def test_clipping_as_pytorch(number, rng):
    import torch

    shapes = [pick(rng, (5, 3), (7,), (), (1, 2, 2)) for _ in range(rng.integers(1, 5))]
    ours = parameters(rng, shapes=shapes)
    set_gradients(ours, rng)
    theirs = [torch.tensor(p.data, requires_grad=True) for p in ours]
    for a, b in zip(ours, theirs, strict=True):
        b.grad = torch.tensor(a.grad.data.copy())
    if number % 4 == 0:
        ours[-1].grad = theirs[-1].grad = None
    limit, norm_type = float(10 ** rng.uniform(-2, 2)), pick(rng, 1.0, 2.0, 3.5, float("inf"))
    if number % 3 == 0:
        clip_grad_value_(ours, limit)
        torch.nn.utils.clip_grad_value_(theirs, limit)
    elif number % 3 == 1:
        norm = clip_grad_norm_(ours, limit, norm_type)
        judge = torch.nn.utils.clip_grad_norm_(theirs, limit, norm_type)
        np.testing.assert_allclose(float(norm), float(judge), rtol=1e-12)
    else:
        part, judged = [[p.grad for p in params if p.grad is not None][:2] for params in (ours, theirs)]
        norm = get_total_norm(part, norm_type)
        judge = torch.nn.utils.get_total_norm(judged, norm_type)
        np.testing.assert_allclose(float(norm), float(judge), rtol=1e-12)
        clip_grads_with_norm_(ours, limit, norm)
        torch.nn.utils.clip_grads_with_norm_(theirs, limit, judge)
    for a, b in zip(ours, theirs, strict=True):
        if b.grad is not None:
            np.testing.assert_allclose(a.grad.data, b.grad.numpy(), rtol=1e-12)
