"""What PyTorch has saved is loaded by name, gives the same outputs and gradients, and goes back."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn

from .state_dict_models import MODELS

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated"),
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True"),
]

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_there_and_back(model, dtype, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    inputs, rng = MODELS[model], np.random.default_rng(1)
    theirs = lived_in(model(torch.nn).to(getattr(torch, dtype)), rng)
    save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    ours = model(nn).to(dtype=dtype)
    result = ours.load_state_dict(minidl.load(tmp_path / "theirs.safetensors"))
    assert repr(result) == "<All keys matched successfully>" and list(ours.state_dict()) == list(theirs.state_dict())

    learn(rng, ours, theirs, inputs, dtype)
    with minidl.no_grad():
        for p in ours.parameters():
            p.sub_(p.grad, alpha=0.01)
    minidl.save(ours.state_dict(), tmp_path / "ours.safetensors")
    other = model(torch.nn).to(getattr(torch, dtype)).eval()
    other.load_state_dict(load_file(tmp_path / "ours.safetensors"))
    same(outputs(ours.eval(), inputs, dtype, minidl.tensor), outputs(other, inputs, dtype, torch.tensor), dtype)


def lived_in(model, rng):
    """The model with values that no initialiser gives: a norm's weight is not 1, a running mean not 0."""
    import torch

    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.add_(torch.tensor(0.1 * np.abs(rng.normal(size=value.shape)), dtype=value.dtype))
    return model


def learn(rng, ours, theirs, inputs, dtype):
    """The same outputs, gradients and buffers in training, and the same outputs after it."""
    import torch

    ys = outputs(ours.train(), inputs, dtype, minidl.tensor)
    ts = outputs(theirs.train(), inputs, dtype, torch.tensor)
    same(ys, ts, dtype)
    us = [rng.normal(size=y.shape).astype(dtype) for y in ys]
    sum((y * minidl.tensor(u)).sum() for y, u in zip(ys, us, strict=True)).backward()
    sum((t * torch.tensor(u)).sum() for t, u in zip(ts, us, strict=True)).backward()
    gradients = {name: p.grad for name, p in theirs.named_parameters()}
    for name, p in ours.named_parameters():
        same([p.grad], [gradients[name]], dtype)
    buffers = dict(theirs.named_buffers())
    for name, b in ours.named_buffers():
        same([b], [buffers[name]], dtype)
    same(outputs(ours.eval(), inputs, dtype, minidl.tensor), outputs(theirs.eval(), inputs, dtype, torch.tensor), dtype)


def outputs(model, inputs, dtype, tensor):
    result = model(*[tensor(x.astype(dtype) if x.dtype.kind == "f" else x) for x in inputs])
    return list(result) if isinstance(result, tuple) else [result]


def same(ys, ts, dtype):
    for y, t in zip(ys, ts, strict=True):
        a, b = y.detach().numpy(), t.detach().numpy()
        assert a.shape == b.shape and a.dtype == b.dtype
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        np.testing.assert_allclose(a / scale, b / scale, rtol=0, atol=TOLERANCE[dtype])


def test_there_are_many_kinds():
    assert len(MODELS) >= 10
