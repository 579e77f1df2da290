"""Averaged weights: PyTorch's values, the plain definitions, batch norm measured anew."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.optim.swa_utils import (
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)


def model():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def wander(net, rng):
    for tensor in (*net.parameters(), *net.buffers()):
        if tensor.dtype == "float32":
            tensor.data[...] = rng.normal(size=tensor.shape)


AVERAGES = {
    "mean": lambda lib: {},
    "mean of lists": lambda lib: {"multi_avg_fn": lib.get_swa_multi_avg_fn()},
    "exponential": lambda lib: {"avg_fn": lib.get_ema_avg_fn(0.7)},
    "exponential of lists": lambda lib: {"multi_avg_fn": lib.get_ema_multi_avg_fn(0.7)},
    "own": lambda lib: {"avg_fn": lambda a, p, n: a * 0.5 + p * (1 / (n + 2))},
}


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "use_buffers"),
    # PyTorch's lists have no mean of integers, and batch norm counts its batches with one.
    [(name, use) for name in AVERAGES for use in (False, True) if not (use and name == "mean of lists")],
)
def test_averages_as_pytorch(name, use_buffers, rng):
    import torch

    ours, theirs = model(), torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    mine = AveragedModel(ours, use_buffers=use_buffers, **AVERAGES[name](optim.swa_utils))
    judge = torch.optim.swa_utils.AveragedModel(
        theirs, use_buffers=use_buffers, **AVERAGES[name](torch.optim.swa_utils)
    )
    for _ in range(4):
        wander(ours, rng)
        theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()})
        mine.update_parameters(ours)
        judge.update_parameters(theirs)
    expected = judge.state_dict()
    assert list(mine.state_dict()) == list(expected)
    for key, value in mine.state_dict().items():
        np.testing.assert_allclose(value.numpy(), expected[key].numpy(), rtol=1e-5, atol=1e-6)


def test_the_mean_is_the_mean_and_the_model_is_left_alone(rng):
    net = model()
    averaged, seen = AveragedModel(net), []
    for _ in range(5):
        wander(net, rng)
        seen.append(net[0].weight.detach().numpy().copy())
        averaged.update_parameters(net)
    np.testing.assert_allclose(averaged.module[0].weight.detach().numpy(), np.mean(seen, axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(net[0].weight.detach().numpy(), seen[-1])
    np.testing.assert_array_equal(averaged.module[1].running_mean.numpy(), net[1].running_mean.numpy())
    x = minidl.tensor(rng.normal(size=(6, 3)).astype(np.float32))
    np.testing.assert_array_equal(averaged.eval()(x).detach().numpy(), averaged.module(x).detach().numpy())


def test_the_exponential_average_forgets(rng):
    averages, values = [minidl.zeros(3)], [minidl.ones(3)]
    update = get_ema_multi_avg_fn(0.5)
    for _ in range(4):
        update(averages, values, 1)
    np.testing.assert_allclose(averages[0].numpy(), 1 - 0.5**4)
    assert not averages[0].requires_grad
    assert get_ema_avg_fn(1.0)(averages[0], values[0], 1).numpy() == pytest.approx(1 - 0.5**4)
    get_swa_multi_avg_fn()(averages, values, minidl.tensor(1))
    np.testing.assert_allclose(averages[0].numpy(), 1 - 0.5**5)


def test_batch_norm_is_measured_anew(rng):
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)).eval()
    batches = [minidl.tensor(rng.normal(2.0, 3.0, size=(8, 3)).astype(np.float32)) for _ in range(5)]
    update_bn([(batch, None) for batch in batches], net)
    means = np.mean([batch.numpy().mean(axis=0) for batch in batches], axis=0)
    np.testing.assert_allclose(net[0].running_mean.numpy(), means, rtol=1e-5)
    assert (net[0].momentum, net[0].training, net.training) == (0.1, False, False)
    update_bn(iter(batches), net, device="cpu")
    np.testing.assert_allclose(net[0].running_mean.numpy(), means, rtol=1e-5)
    plain = nn.Linear(3, 2)
    update_bn([batches[0], "not looked at"], plain)
    assert plain.training


def test_a_twin_is_saved_like_any_module(rng, tmp_path):
    net = model()
    averaged = AveragedModel(net, device="cpu")
    averaged.update_parameters(net)
    minidl.save(averaged.state_dict(), tmp_path / "twin.safetensors")
    again = AveragedModel(model())
    again.load_state_dict(minidl.load(tmp_path / "twin.safetensors"))
    assert again.n_averaged.item() == 1
    np.testing.assert_array_equal(again.module[0].weight.detach().numpy(), net[0].weight.detach().numpy())
