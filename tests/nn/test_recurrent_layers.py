"""Recurrent layers and cells, where PyTorch cannot be asked: dropout, one mask for all steps, layers out of cells."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.creation import ones, randn
from minidl.errors import ArgumentError
from minidl.nn import functional as F
from minidl.nn.utils import rnn

KINDS = ["RNN", "GRU", "LSTM"]


def same(a, b, tolerance=1e-6):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=0, atol=tolerance)


def parts(state):
    return state if isinstance(state, tuple) else (state,)


# Dropout between layers -----------------------------------------------------------------------------------------------


def glass(p, variational, layers=2, bidirectional=False):
    """A relu network that shows its dropout: the first layer puts out ones, the later ones what they are given."""
    layer = nn.RNN(1, 64, layers, nonlinearity="relu", dropout=p, variational=variational, bidirectional=bidirectional)
    with minidl.no_grad():
        for name, w in layer.named_parameters():
            w.zero_()
            if name.startswith("bias_ih_l0"):
                w.add_(1)
            elif name.startswith("weight_ih") and "l0" not in name:
                w.add_(minidl.eye(*w.shape))
    return layer


@pytest.mark.parametrize("variational", [False, True])
@pytest.mark.parametrize("p", [0.2, 0.7])
def test_dropout_between_layers_has_its_rate_and_its_mean(p, variational):
    minidl.manual_seed(0)
    y = glass(p, variational)(ones(30, 40, 1))[0].detach().numpy()  # (T, N, H)
    kept = y > 0
    np.testing.assert_allclose(y[kept], 1 / (1 - p), rtol=1e-6)
    draws = 40 * 64 * (1 if variational else 30)  # how many of them are independent
    assert abs(kept.mean() - (1 - p)) < 5 * (p * (1 - p) / draws) ** 0.5


def test_one_mask_for_all_steps():
    minidl.manual_seed(1)
    y = glass(0.5, True)(ones(30, 40, 1))[0].detach().numpy()
    assert (y == y[:1]).all()  # over time: the same
    assert not (y[0] == y[0, :1]).all() and not (y[0] == y[0, :, :1]).all()  # over sequences and features: not
    agree = (y[0, :1] == y[0, 1:]).mean()
    assert abs(agree - 0.5) < 5 * (0.25 / (39 * 64)) ** 0.5  # masks of two sequences have nothing to do with each other


def test_ordinary_dropout_draws_at_every_step():
    minidl.manual_seed(2)
    y = glass(0.5, False)(ones(30, 40, 1))[0].detach().numpy()
    agree = (y[1:] == y[:-1]).mean()
    assert abs(agree - 0.5) < 5 * (0.25 / (29 * 40 * 64)) ** 0.5


def test_every_layer_but_the_last_is_dropped():
    minidl.manual_seed(3)
    y = glass(0.5, True, layers=4)(ones(2, 200, 1))[0].detach().numpy()
    kept = y > 0
    np.testing.assert_allclose(y[kept], 8.0)  # three masks, each doubling what it keeps
    assert abs(kept.mean() - 1 / 8) < 5 * (7 / 64 / (200 * 64)) ** 0.5
    assert (glass(0.5, True, layers=4).eval()(ones(2, 20, 1))[0] == 1).all()
    assert not glass(1.0, True)(ones(2, 3, 1))[0].detach().numpy().any()


def test_one_mask_for_all_steps_of_packed_sequences():
    minidl.manual_seed(4)
    lengths = [2, 6, 4]
    packed = rnn.pack_padded_sequence(ones(6, 3, 1), lengths, enforce_sorted=False)
    y, _ = rnn.pad_packed_sequence(glass(0.5, True, bidirectional=True)(packed)[0])
    for n, length in enumerate(lengths):
        values = y[:length, n].detach().numpy()
        assert (values == values[:1]).all() and set(np.unique(values)) == {0.0, 2.0}
        assert not y[length:, n].detach().numpy().any()


@pytest.mark.parametrize("kind", KINDS)
def test_variational_is_an_option_that_shows(kind):
    layer = getattr(nn, kind)(3, 4, 2, dropout=0.5, variational=True)
    assert repr(layer) == f"{kind}(3, 4, num_layers=2, dropout=0.5, variational=True)"
    x = randn(5, 2, 3)
    minidl.manual_seed(5)
    first = layer(x)[0]
    assert not (first == layer(x)[0]).all()
    minidl.manual_seed(5)
    same(first, layer(x)[0], 0)
    assert (layer.eval()(x)[0] == layer(x)[0]).all()


# The function ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, -2, 2])
def test_variational_dropout_shares_its_mask_along_one_axis(axis):
    minidl.manual_seed(6)
    y = F.variational_dropout(ones(8, 9, 10), 0.4, time_axis=axis).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1) / np.float32(0.6)}
    for other in range(3):
        first = np.take(y, [0], axis=other)
        assert (y == first).all() == (other == axis % 3)


def test_variational_dropout_passes_gradients_where_it_passes_values():
    x = randn(5, 2, 3).requires_grad_()
    y = F.variational_dropout(x, 0.5)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy() * x.detach().numpy(), y.detach().numpy(), rtol=1e-6)
    assert F.variational_dropout(x, 0.5, training=False) is x and F.variational_dropout(x, 0.0) is x
    with pytest.raises(ArgumentError, match=r"variational_dropout: p: got 1\.5"):
        F.variational_dropout(x, 1.5)


# Layers and cells are one thing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_a_loop_over_its_cell(kind):
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, kind + "Cell")(3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x = randn(6, 2, 3)
    y, last = layer(x)
    state, ys = None, []
    for step in x:
        state = cell(step, state)
        ys.append(parts(state)[0])
    same(y, minidl.stack(ys))
    for a, b in zip(parts(last), parts(state), strict=True):
        same(a[0], b)
    same(parts(cell(x[0, 0]))[0], y[0, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_two_layers_are_a_layer_on_a_layer(kind):
    both = getattr(nn, kind)(3, 4, 2, bidirectional=True)
    first, second = getattr(nn, kind)(3, 4, bidirectional=True), getattr(nn, kind)(8, 4, bidirectional=True)
    state = both.state_dict()
    first.load_state_dict({name: w for name, w in state.items() if "_l0" in name})
    second.load_state_dict({name.replace("_l1", "_l0"): w for name, w in state.items() if "_l1" in name})
    x = randn(5, 2, 3)
    middle, h0 = first(x)
    y, h1 = second(middle)
    expected, last = both(x)
    same(y, expected)
    for a, b, whole in zip(parts(h0), parts(h1), parts(last), strict=True):
        same(minidl.cat([a, b]), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences_do_not_know_of_each_other(kind):
    layer = getattr(nn, kind)(2, 3, 2, bidirectional=True)
    rows = [randn(n, 2) for n in (2, 5, 3)]
    y, last = layer(rnn.pack_sequence(rows, enforce_sorted=False))
    for n, (row, each) in enumerate(zip(rows, rnn.unpack_sequence(y), strict=True)):
        alone, ends = layer(row)
        same(each, alone)
        for a, b in zip(parts(last), parts(ends), strict=True):
            same(a[:, n], b)


def test_attributes_that_pytorch_has():
    layer = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    assert layer.mode == "LSTM" and nn.GRU(1, 1).mode == "GRU"
    assert nn.RNN(1, 1).mode == "RNN_TANH" and nn.RNN(1, 1, nonlinearity="relu").mode == "RNN_RELU"
    assert [[w.shape for w in ws] for ws in layer.all_weights][:1] == [[(16, 3), (16, 2), (16,), (16,), (2, 4)]]
    assert [id(w) for ws in layer.all_weights for w in ws] == [id(p) for p in layer.parameters()]
    assert layer.flatten_parameters() is None
    assert isinstance(layer, nn.RNNBase) and isinstance(nn.LSTMCell(1, 1), nn.RNNCellBase)
    assert nn.GRUCell(2, 3, bias=False).bias_ih is None


@pytest.mark.parametrize("kind", [*KINDS, "RNNCell", "GRUCell", "LSTMCell"])
def test_reset_parameters_draws_anew(kind):
    layer = getattr(nn, kind)(3, 16)
    before = {name: value.numpy().copy() for name, value in layer.state_dict().items()}
    layer.reset_parameters()
    for name, value in layer.state_dict().items():
        assert not (value.numpy() == before[name]).any() and np.abs(value.numpy()).max() <= 0.25


# Packed sequences -----------------------------------------------------------------------------------------------------


def test_packed_sequences_are_converted_with_their_data():
    packed = rnn.pack_sequence([randn(2), randn(4)], enforce_sorted=False)
    assert packed.to(minidl.float32) is packed and packed.cpu() is packed and packed.float() is packed
    wide = packed.double()
    assert wide.data.dtype == np.float64 and wide.batch_sizes is packed.batch_sizes
    assert wide.sorted_indices.tolist() == [1, 0] and wide.unsorted_indices.tolist() == [1, 0]
    assert packed.half().data.dtype == np.float16 and packed.int().data.dtype == np.int32
    assert packed.long().data.dtype == np.int64 and packed.to(dtype="float64").data.dtype == np.float64
    assert not packed.is_cuda
    layer = nn.GRU(1, 2).double()
    assert layer(rnn.pack_sequence([randn(2, 1), randn(1, 1)]).double())[0].data.dtype == np.float64


def test_unpadding_leaves_what_it_is_given():
    """PyTorch exchanges the axes of its argument, in place."""
    padded = randn(4, 2, 3)
    first, second = rnn.unpad_sequence(padded, [4, 0])
    assert padded.shape == (4, 2, 3) and second.shape == (0, 3)
    same(first, padded[:, 0], 0)


def test_permutations_are_inverted():
    assert rnn.invert_permutation(minidl.tensor([2, 0, 1])).tolist() == [1, 2, 0]
    assert rnn.invert_permutation(None) is None
