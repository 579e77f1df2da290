"""Every layer against PyTorch's, with the same weights: outputs, gradients, buffers, names, text."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest

import minidl
from minidl import nn

from .configurations import configurations

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
    pytest.mark.filterwarnings("ignore:Support for mismatched"),
    pytest.mark.filterwarnings("ignore:Full backward hook is firing"),
    pytest.mark.filterwarnings("ignore:reduction\\W+'mean' divides"),
    pytest.mark.filterwarnings("ignore:LSTM with projections"),
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True"),
]

CASES = [
    pytest.param(make, i, id=f"{make.__name__}-{i}") for make, count in configurations().items() for i in range(count)
]


def test_there_are_enough():
    assert len(CASES) >= 6000  # layers, losses and functions; optimizers and schedules have theirs in tests/optim


@pytest.mark.parametrize(("make", "number"), CASES)
def test_layer(make, number):
    import torch

    seed = crc32(f"{make.__name__}-{number}".encode())
    dtype, tolerance = ("float32", 1e-4) if number % 4 == 3 else ("float64", 1e-10)
    ours, inputs, run = make(np.random.default_rng(seed), nn)
    theirs, _, run_theirs = make(np.random.default_rng(seed), torch.nn)
    rng = np.random.default_rng(seed + 1)
    if ours is not None:
        assert ours.training == theirs.training
        same_structure(ours, theirs)
        give_values(rng, ours, theirs, dtype)
    xs = [as_input(x, dtype, minidl.tensor) for x in inputs]
    their_xs = [as_input(x, dtype, torch.tensor) for x in inputs]

    ys, their_ys = tensors(run(ours, *xs)), tensors(run_theirs(theirs, *their_xs))
    assert len(ys) == len(their_ys)
    for y, t in zip(ys, their_ys, strict=True):
        close(y.detach().numpy(), t.detach().numpy(), tolerance)

    backpropagate(rng, ys, their_ys)
    leaves, their_leaves = list(xs), list(their_xs)
    if ours is not None:
        leaves += [p for _, p in ours.named_parameters()]
        their_leaves += [p for _, p in theirs.named_parameters()]
        for (name, b), (_, t) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
            close(b.numpy(), t.numpy(), tolerance, name)
    for x, t in zip(leaves, their_leaves, strict=True):
        if x is None or not x.requires_grad:
            continue
        assert (x.grad is None) == (t.grad is None)
        if x.grad is not None:
            assert x.grad.dtype == dtype
            close(x.grad.numpy(), t.grad.numpy(), tolerance)


def same_structure(ours, theirs):
    """Names, their order, shapes, dtypes, defaults in the text."""
    state, their_state = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(their_state)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    for name, value in state.items():
        assert value.shape == tuple(their_state[name].shape)
        assert str(value.dtype) == str(their_state[name].dtype).removeprefix("torch.")
    assert repr(ours) == repr(theirs).replace("NonDynamicallyQuantizableLinear", "Linear")


def give_values(rng, ours, theirs, dtype):
    """The same random values in every parameter and buffer, by way of PyTorch's state_dict."""
    import torch

    theirs.to(getattr(torch, dtype))
    with torch.no_grad():
        for name, t in theirs.state_dict().items():
            if t.is_floating_point():
                draw = rng.normal(size=t.shape)
                t.copy_(torch.tensor(np.abs(draw) + 0.5 if name.endswith("running_var") else draw))
    assert repr(ours.to(dtype=dtype).load_state_dict(theirs.state_dict())) == "<All keys matched successfully>"


def as_input(x, dtype, tensor):
    if x is None:
        return None
    return tensor(x.astype(dtype)).requires_grad_() if x.dtype.kind == "f" else tensor(x)


def tensors(result):
    """All tensors of nested tuples, packed sequences, None."""
    if isinstance(result, tuple | list):
        return [t for each in result for t in tensors(each)]
    return [] if result is None else [result]


def backpropagate(rng, ys, their_ys):
    """From every output at once, with random cotangents."""
    import torch

    total, their_total = 0.0, 0.0
    for y, t in zip(ys, their_ys, strict=True):
        if t.requires_grad:
            u = rng.normal(size=y.shape)
            total = total + (y * minidl.tensor(u.astype(y.dtype))).sum()
            their_total = their_total + (t * torch.tensor(u, dtype=t.dtype)).sum()
        assert y.requires_grad == t.requires_grad
    if isinstance(total, minidl.Tensor):
        total.backward()
        their_total.backward()


def close(a, b, tolerance, name=""):
    """Equal, relative to the largest value."""
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    scale = max(1.0, float(np.abs(b).max(initial=0)))
    np.testing.assert_allclose(a / scale, b / scale, rtol=0, atol=tolerance, err_msg=name)


# Where the numbers are random, their distribution ---------------------------------------------------------------------

DRAWN = {
    "Linear": lambda nn: nn.Linear(64, 80),
    "Bilinear": lambda nn: nn.Bilinear(30, 20, 40),
    "Conv2d": lambda nn: nn.Conv2d(16, 24, 3, groups=2),
    "LSTM": lambda nn: nn.LSTM(24, 32, 2, bidirectional=True),
    "LSTM with projection": lambda nn: nn.LSTM(24, 32, 2, proj_size=16),
    "GRU": lambda nn: nn.GRU(24, 32, 2, bidirectional=True),
    "RNN": lambda nn: nn.RNN(24, 40, 2),
    "LSTMCell": lambda nn: nn.LSTMCell(24, 32),
    "MultiheadAttention": lambda nn: nn.MultiheadAttention(48, 4),
    "MultiheadAttention with kdim": lambda nn: nn.MultiheadAttention(48, 4, kdim=32, vdim=20),
    "Embedding": lambda nn: nn.Embedding(60, 50, padding_idx=3),
    "LayerNorm": lambda nn: nn.LayerNorm(20),
    "BatchNorm2d": lambda nn: nn.BatchNorm2d(20),
}


@pytest.mark.parametrize("make", DRAWN.values(), ids=DRAWN)
def test_initial_values_have_the_same_distribution(make):
    import torch

    minidl.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = make(nn), make(torch.nn)
    for (name, p), (_, t) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        a, b = p.detach().numpy(), t.detach().numpy()
        n = a.size
        assert a.std() == pytest.approx(b.std(), rel=4 * (2 / n) ** 0.5, abs=1e-12), name
        assert abs(a.mean() - b.mean()) <= 4 * (2 / n) ** 0.5 * b.std() + 1e-12, name
        if not isinstance(
            ours, nn.Embedding
        ):  # uniform, so that an end of the interval is reached to within a few parts in n
            assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=20 / n, abs=1e-12), name
        assert p.requires_grad


INITIALIZERS = {
    "uniform_": ((), {"a": -2.0, "b": 1.0}),
    "normal_": ((), {"mean": 1.0, "std": 0.3}),
    "xavier_uniform_": ((), {"gain": 1.5}),
    "xavier_normal_": ((), {}),
    "kaiming_uniform_": ((), {"a": 0.2, "mode": "fan_out"}),
    "kaiming_uniform_ relu": ((), {"nonlinearity": "relu"}),
    "kaiming_normal_": ((), {"mode": "fan_in", "nonlinearity": "tanh"}),
    "kaiming_normal_ leaky": ((), {"a": 0.1}),
    "orthogonal_": ((), {"gain": 2.0}),
    "trunc_normal_": ((), {}),
    "trunc_normal_ cut short": ((1.0, 0.5), {"a": 0.8, "b": 2.0}),
    "zeros_": ((), {}),
    "ones_": ((), {}),
    "constant_": ((0.7,), {}),
}


@pytest.mark.parametrize("shape", [(80, 50), (30, 20, 3, 2)], ids=str)
@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_have_the_same_distribution(name, shape):
    import torch

    minidl.manual_seed(1)
    torch.manual_seed(1)
    args, options = INITIALIZERS[name]
    function = name.split()[0]
    a, b = minidl.nn.Parameter(np.zeros(shape, np.float32)), torch.nn.Parameter(torch.zeros(shape))
    assert getattr(nn.init, function)(a, *args, **options) is a
    getattr(torch.nn.init, function)(b, *args, **options)
    a, b = a.detach().numpy(), b.detach().numpy()
    n = a.size
    assert a.std() == pytest.approx(b.std(), rel=4 * (2 / n) ** 0.5)
    assert abs(a.mean() - b.mean()) <= 4 * (2 / n) ** 0.5 * b.std() + 1e-7
    if "uniform" in name:
        assert a.min() == pytest.approx(b.min(), rel=20 / n)
        assert a.max() == pytest.approx(b.max(), rel=20 / n)


@pytest.mark.parametrize("nonlinearity", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains(nonlinearity):
    import torch

    assert nn.init.calculate_gain(nonlinearity) == pytest.approx(torch.nn.init.calculate_gain(nonlinearity))
    ours = nn.init.calculate_gain("leaky_relu", 0.3)
    assert ours == pytest.approx(torch.nn.init.calculate_gain("leaky_relu", 0.3))


# Whole models ---------------------------------------------------------------------------------------------------------


def model(nn):
    from collections import OrderedDict

    block = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    return nn.Sequential(
        OrderedDict(
            embed=nn.Embedding(7, 4),
            tied=nn.ModuleList([block, block]),
            head=nn.Sequential(nn.LayerNorm(4), nn.Dropout(0.1), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.GELU()),
        )
    )


def test_a_nested_model_has_the_same_names_and_text():
    import torch

    ours, theirs = model(nn), model(torch.nn)
    same_structure(ours, theirs)
    assert [n for n, _ in ours.named_children()] == [n for n, _ in theirs.named_children()]
    assert [n for n, _ in ours.head.named_parameters(prefix="x")] == [
        n for n, _ in theirs.head.named_parameters(prefix="x")
    ]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]


@pytest.mark.parametrize("lengths", [[3, 2, 1], [1, 3, 2], [2, 2, 2], [1, 4, 1]], ids=str)
@pytest.mark.parametrize("first", [False, True])
def test_packing_has_the_same_fields(lengths, first):
    import torch

    x = np.random.default_rng(0).normal(size=(3, 5, 2) if first else (5, 3, 2))
    ours = nn.utils.rnn.pack_padded_sequence(minidl.tensor(x), lengths, first, enforce_sorted=False)
    theirs = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), lengths, first, enforce_sorted=False)
    assert ours._fields == theirs._fields
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("first", [False, True])
def test_pad_sequence(side, first):
    import torch

    rows = [np.random.default_rng(n).normal(size=(n, 2)) for n in (2, 4, 1)]
    ours = nn.utils.rnn.pad_sequence([minidl.tensor(r) for r in rows], first, -1.0, side)
    theirs = torch.nn.utils.rnn.pad_sequence([torch.tensor(r) for r in rows], first, -1.0, side)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
