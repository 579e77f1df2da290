"""Module.summary: what it says, and that nothing is changed by asking."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.random import get_rng_state

from .state_dict_models import MODELS

TABLE = """\
layer    kind         output        parameters  bytes  activations
──────────────────────────────────────────────────────────────────
(model)  Sequential   (2, 4)
  0      Conv2d       (2, 3, 4, 4)          57  228 B        384 B
  1      BatchNorm2d  (2, 3, 4, 4)           6   24 B        384 B
  2      ReLU         (2, 3, 4, 4)                           384 B
  3      Flatten      (2, 48)
  4      Dropout      (2, 48)
  5      Linear       (2, 4)               196  784 B         32 B
──────────────────────────────────────────────────────────────────
for inputs of (2, 2, 4, 4): 259 parameters (259 trainable)
1.0 KiB of parameters, 32 B of buffers, 1.2 KiB of activations"""


def convolutional():
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(48, 4)
    )


class Text(nn.Module):
    """Everything that a run could change: statistics, vectors, lengths of rows, random numbers, itself."""

    def __init__(self):
        self.embed = nn.Embedding(10, 4, max_norm=0.1)
        self.norm = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))
        self.rnn = nn.LSTM(4, 5)
        self.tied = nn.ModuleList([nn.Linear(5, 5)] * 2)
        self.batch = nn.BatchNorm1d(5, momentum=None)
        self.unused = nn.Linear(100, 100).requires_grad_(False)
        self.calls = 0
        self.last = None

    def forward(self, i, scale):
        self.calls += 1
        y, (h, c) = self.rnn(self.norm(self.embed(i)))
        for layer in self.tied:
            y = layer(y) * scale
        self.last = self.batch(y.reshape(-1, 5))
        with minidl.no_grad():
            self.norm.bias.fill_(minidl.rand(1).item())
        return {"last": self.last, "state": (h, c)}


def test_the_table():
    assert str(convolutional().summary((2, 2, 4, 4))) == TABLE


def test_the_fields():
    summary = Text().summary((3, 2), (1,), dtypes=["int64", None])
    rows = {row.path: row for row in summary.rows}
    assert rows[""].kind == "Text" and rows[""].output_shape == ((6, 5), (1, 2, 5), (1, 2, 5))
    assert rows["embed"].output_shape == (3, 2, 4) and rows["embed"].parameters == 40
    assert rows["rnn"].output_shape == ((3, 2, 5), (1, 2, 5), (1, 2, 5))
    assert rows["tied.0"].calls == 2 and rows["tied.0"].parameters == 30 and rows["tied.0"].activation_bytes == 240
    assert rows["tied"].calls == 0 and rows["tied"].output_shape is None and "tied.1" not in rows
    assert rows["unused"].calls == 0 and rows["unused"].parameter_bytes == 40400
    model = Text()
    assert summary.parameters == sum(p.numel() for p in model.parameters())
    assert summary.trainable_parameters == summary.parameters - 10100
    assert summary.parameter_bytes == 4 * summary.parameters
    assert summary.buffer_bytes == sum(b.data.nbytes for b in model.buffers())
    assert summary.activation_bytes == sum(row.activation_bytes for row in summary.rows)
    assert summary.input_shapes == [(3, 2), (1,)] and repr(summary) == str(summary) and "× 2" in str(summary)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_changed(training):
    model, seen = Text().train(training), []
    model.register_forward_hook(lambda m, args, y: seen.append(m))
    model(minidl.tensor([[1, 2]]), minidl.tensor([1.0]))
    seen.clear()
    model.norm.eval()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    modes, calls, last, stream = [m.training for m in model.modules()], model.calls, model.last, get_rng_state()
    pending = (model.norm.bias * model.batch.running_mean[:4]).sum() + (model.embed.weight**2).sum()
    model.summary((3, 2), (1,), dtypes=["int64", None])
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert [m.training for m in model.modules()] == modes and get_rng_state() == stream
    assert model.calls == calls and model.last is last and seen == []
    pending.backward()  # nothing that it has saved was touched


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_every_kind_of_model(make):
    model = make(nn)
    inputs = [minidl.tensor(x if x.dtype.kind == "i" else x.astype(np.float32)) for x in MODELS[make]]
    summary = model.summary(*inputs)
    y = model(*inputs)
    shapes = tuple(each.shape for each in (y if isinstance(y, tuple) else (y,)))
    assert summary.rows[0].output_shape == (shapes if isinstance(y, tuple) else shapes[0])
    assert summary.parameters == sum(p.numel() for p in model.parameters())
    assert summary.activation_bytes > 0 and len(str(summary).splitlines()) == len(summary.rows) + 5


def test_a_batch_of_one_and_examples():
    model = convolutional()
    assert model.summary((1, 2, 4, 4)).rows[-1].output_shape == (1, 4)
    x = minidl.tensor(np.ones((2, 2, 4, 4), np.float32))
    assert str(model.summary(x)) == str(model.summary(x.numpy())) == TABLE


def test_dtypes_follow_the_parameters():
    summary = convolutional().double().summary((2, 2, 4, 4))
    assert summary.parameter_bytes == 8 * 259 and summary.rows[1].activation_bytes == 2 * 384
    assert nn.ReLU().summary((2, 3)).rows[0].activation_bytes == 24


def test_inputs_and_parameters_take_no_memory():
    """A terabyte of input, and a model of another: told at once."""
    layer = nn.Identity()
    assert layer.summary((2**20, 2**18)).rows[0].output_shape == (2**20, 2**18)
    wide = nn.Linear(1, 1)
    wide.weight = nn.Parameter(np.broadcast_to(np.zeros((), np.float32), (2**14, 2**14)))
    wide.bias = None
    assert wide.summary((0, 2**14)).parameter_bytes == 2**30


def test_the_model_may_be_copied_as_before():
    model = convolutional()
    model.summary((2, 2, 4, 4))
    assert model._hooks is None and all(m._hooks is None for m in copy.deepcopy(model).modules())
