"""Layers: what the comparison with PyTorch does not show, and what they say to bad input."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.creation import arange, ones, rand, randint, randn, zeros
from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError
from minidl.functions import allclose, equal


def test_linear():
    layer = nn.Linear(3, 2)
    assert layer.weight.shape == (2, 3) and layer.bias.shape == (2,)
    assert layer.weight.dtype == np.float32 and layer.weight.is_leaf and layer.weight.requires_grad
    x = randn(4, 3)
    assert allclose(layer(x), x @ layer.weight.T + layer.bias)
    assert nn.Linear(3, 2, bias=False).bias is None
    assert nn.Linear(3, 2, dtype="float64").bias.dtype == np.float64


def test_layers_take_arrays_as_constants():
    layer = nn.Linear(3, 2)
    x = np.ones((4, 3), np.float32)
    assert equal(layer(x), layer(minidl.tensor(x)))
    for other in (nn.ReLU(), nn.Flatten(), nn.LayerNorm(3), nn.Dropout(), nn.Softmax(1)):
        assert isinstance(other(x), minidl.Tensor)


@pytest.mark.parametrize("reset", ["Linear", "Conv2d", "LSTM", "MultiheadAttention", "Embedding"])
def test_reset_parameters_draws_anew(reset):
    arguments = {"Conv2d": (2, 2, 3), "MultiheadAttention": (4, 2)}.get(reset, (3, 3))
    layer = getattr(nn, reset)(*arguments)
    before = {name: value.numpy().copy() for name, value in layer.state_dict().items()}
    layer.reset_parameters()
    for name, value in layer.state_dict().items():
        zero = not before[name].any()
        assert np.array_equal(value.numpy(), before[name]) == zero, name


def test_padding_same_keeps_the_size():
    for kernel in (1, 2, 3, (4, 5)):
        assert nn.Conv2d(1, 2, kernel, padding="same")(randn(1, 1, 7, 6)).shape == (1, 2, 7, 6)


def test_depthwise_convolution_keeps_channels_apart():
    layer = nn.Conv2d(3, 3, 3, groups=3, bias=False)
    x = randn(1, 3, 5, 5)
    y = layer(x)
    x[0, 1] = 0.0
    changed = [not equal(layer(x)[0, c], y[0, c]) for c in range(3)]
    assert changed == [False, True, False]


def test_dropout_keeps_the_mean_and_follows_the_seed():
    layer, x = nn.Dropout(0.3), ones(100, 100)
    minidl.manual_seed(3)
    y = layer(x).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert y.mean() == pytest.approx(1, abs=0.03)
    minidl.manual_seed(3)
    assert np.array_equal(layer(x).numpy(), y)
    assert not np.array_equal(layer(x).numpy(), y)
    assert layer.eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert not nn.Dropout(1.0)(x).numpy().any()


def test_dropout_passes_the_gradient_where_it_kept():
    x = ones(50).requires_grad_()
    y = nn.Dropout(0.5)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())
    assert nn.Dropout(0.5)(ones(())).shape == ()


def test_embedding_of_padding():
    layer = nn.Embedding(4, 3, padding_idx=-1)
    assert layer.padding_idx == 3 and not layer.weight[3].detach().numpy().any()
    i = minidl.tensor([0, 3, 3, 1])
    assert equal(layer(i), layer.weight.detach()[i])
    layer(i).sum().backward()
    assert layer.weight.grad[:, 0].tolist() == [1, 1, 0, 0]
    assert nn.Embedding(4, 3).weight.detach().numpy().all()


# Batch norm -----------------------------------------------------------------------------------------------------------


def test_batch_norm_normalises_and_remembers():
    layer = nn.BatchNorm1d(3, momentum=None)
    batches = [randn(8, 3) * 2 + 5 for _ in range(4)]
    for x in batches:
        y = layer(x)
        assert allclose(y.mean(0), zeros(3), atol=1e-5) and allclose(y.var(0, correction=0), ones(3), atol=1e-4)
    means = np.mean([x.numpy().mean(0) for x in batches], axis=0)
    variances = np.mean([x.numpy().var(0, ddof=1) for x in batches], axis=0)
    assert allclose(layer.running_mean, means, atol=1e-5) and allclose(layer.running_var, variances, rtol=1e-4)
    assert layer.num_batches_tracked.item() == 4
    layer.eval()
    before = layer.running_mean.numpy().copy()
    x = batches[0]
    assert allclose(layer(x), (x - means) / np.sqrt(variances + 1e-5), atol=1e-4)
    assert np.array_equal(layer.running_mean.numpy(), before) and layer.num_batches_tracked.item() == 4


def test_batch_norm_resets():
    layer = nn.BatchNorm2d(2)
    layer(randn(2, 2, 3, 3))
    nn.init.constant_(layer.weight, 3)
    layer.reset_parameters()
    assert layer.running_mean.tolist() == [0, 0] and layer.running_var.tolist() == [1, 1]
    assert layer.num_batches_tracked.item() == 0 and layer.weight.tolist() == [1, 1]
    bare = nn.BatchNorm2d(2, affine=False, track_running_stats=False)
    bare.reset_parameters()
    assert list(bare.state_dict()) == [] and bare.running_mean is None
    assert list(nn.BatchNorm2d(2, bias=False, track_running_stats=False).state_dict()) == ["weight"]


def test_layer_norm_resets():
    layer = nn.LayerNorm(2)
    nn.init.constant_(layer.weight, 3)
    layer.reset_parameters()
    assert layer.weight.tolist() == [1, 1] and layer.bias.tolist() == [0, 0]
    assert nn.LayerNorm((2, 3)).weight.shape == (2, 3)


def test_running_statistics_have_no_graph():
    layer = nn.BatchNorm1d(2)
    layer(randn(4, 2).requires_grad_())
    assert not layer.running_mean.requires_grad and layer.running_mean.is_leaf


def test_a_training_step_after_the_statistics_moved():
    layer = nn.BatchNorm1d(2)
    x = randn(4, 2).requires_grad_()
    y = layer(x)
    layer(randn(4, 2))  # moves the statistics, in place, before y is differentiated
    (y * y).sum().backward()
    assert x.grad.shape == (4, 2)


# Recurrent and attention ----------------------------------------------------------------------------------------------


def test_lstm_layouts():
    layer = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True)
    x = randn(2, 5, 3)
    y, (h, c) = layer(x)
    assert y.shape == (2, 5, 8) and h.shape == c.shape == (4, 2, 4)
    assert equal(y[:, -1, :4], h[2]) and equal(y[:, 0, 4:], h[3])  # ends of the last layer's two directions
    single, (h1, _) = layer(x[0])
    assert single.shape == (5, 8) and h1.shape == (4, 4) and allclose(single, y[0], atol=1e-6)
    swapped = nn.LSTM(3, 4, 2, bidirectional=True)
    swapped.load_state_dict(layer.state_dict())
    assert allclose(swapped(x.transpose(0, 1))[0].transpose(0, 1), y, atol=1e-6)


def test_lstm_goes_on_from_its_state():
    layer = nn.LSTM(2, 3)
    x = randn(6, 1, 2)
    whole, last = layer(x)
    _, state = layer(x[:4])
    second, end = layer(x[4:], state)
    assert allclose(whole[4:], second, atol=1e-6) and allclose(last[0], end[0], atol=1e-6)


def test_lstm_drops_between_layers_in_training():
    minidl.manual_seed(0)
    layer = nn.LSTM(3, 8, 2, dropout=0.5)
    x = randn(4, 2, 3)
    assert not equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert equal(layer(x)[0], layer(x)[0])
    with pytest.warns(UserWarning, match="only one layer"):
        nn.LSTM(3, 8, dropout=0.5)


def test_packed_sequences_are_independent_of_padding():
    layer = nn.LSTM(2, 3, bidirectional=True)
    rows = [randn(n, 2) for n in (2, 5, 3)]
    padded = nn.utils.rnn.pad_sequence(rows, padding_value=100.0)
    packed = nn.utils.rnn.pack_padded_sequence(padded, [2, 5, 3], enforce_sorted=False)
    y, (h, _) = layer(packed)
    y, lengths = nn.utils.rnn.pad_packed_sequence(y)
    assert lengths.tolist() == [2, 5, 3]
    for n, row in enumerate(rows):
        alone, (h_alone, _) = layer(row)
        assert allclose(y[: len(row), n], alone, atol=1e-6) and not y[len(row) :, n].detach().numpy().any()
        assert allclose(h[:, n], h_alone, atol=1e-6)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize(("t", "s"), [(5, 5), (3, 5), (5, 3)])
def test_attention_is_causal_with_a_mask_or_without(t, s, need_weights):
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    q, k = randn(2, t, 4), randn(2, s, 4)
    mask = minidl.tensor(~np.tri(t, s, dtype=bool))
    a, weights = layer(q, k, k, need_weights=need_weights, is_causal=True)
    b, _ = layer(q, k, k, need_weights=need_weights, attn_mask=mask)
    assert allclose(a, b, atol=1e-6)
    assert (weights is not None) == need_weights
    k[:, 2:] = 9.0  # the future of the first two
    assert allclose(layer(q, k, k, need_weights=need_weights, is_causal=True)[0][:, :2], a[:, :2], atol=1e-6)


def test_attention_weights_are_probabilities():
    layer = nn.MultiheadAttention(6, 3)
    q, k = randn(4, 2, 6), randn(5, 2, 6)
    padding = minidl.tensor([[False] * 5, [False, True, False, True, True]])
    y, weights = layer(q, k, k, key_padding_mask=padding)
    assert y.shape == (4, 2, 6) and weights.shape == (2, 4, 5)
    assert allclose(weights.sum(-1), ones(2, 4), atol=1e-6)
    assert not weights[1][:, [1, 3, 4]].detach().numpy().any()
    _, each = layer(q, k, k, average_attn_weights=False)
    assert each.shape == (2, 3, 4, 5)


def test_where_nothing_may_be_attended_to_comes_the_bias_alone():
    layer = nn.MultiheadAttention(4, 2)
    x = randn(3, 1, 4).requires_grad_()
    for need_weights in (True, False):
        y, _ = layer(x, x, x, attn_mask=np.ones((3, 3), bool), need_weights=need_weights)
        assert allclose(y[:, 0], zeros(3, 4))  # out_proj's bias starts at 0
        y.sum().backward()
        assert not x.grad.numpy().any()


def test_attention_drops_weights_in_training():
    minidl.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = randn(6, 2, 4)
    for need_weights in (True, False):
        layer.train()
        assert not equal(layer(x, x, x, need_weights=need_weights)[0], layer(x, x, x, need_weights=need_weights)[0])
        layer.eval()
        a, b = (layer(x, x, x, need_weights=need_weights)[0] for _ in range(2))
        assert equal(a, b)


# Text and shapes, without PyTorch to compare with ---------------------------------------------------------------------

TEXTS = [
    (nn.Linear(2, 3, bias=False), "Linear(in_features=2, out_features=3, bias=False)"),
    (nn.Conv2d(2, 4, 3), "Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1))"),
    (
        nn.Conv2d(2, 4, (1, 2), padding="same", dilation=2, groups=2, bias=False),
        "Conv2d(2, 4, kernel_size=(1, 2), stride=(1, 1), padding=same, dilation=(2, 2), groups=2, bias=False)",
    ),
    (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
    (nn.AvgPool2d((2, 3), 1), "AvgPool2d(kernel_size=(2, 3), stride=1, padding=0)"),
    (nn.Flatten(), "Flatten(start_dim=1, end_dim=-1)"),
    (nn.Identity(1, two=2), "Identity()"),
    (nn.LSTM(2, 3), "LSTM(2, 3)"),
    (
        nn.LSTM(2, 3, 2, bias=False, batch_first=True, dropout=0.1, bidirectional=True),
        "LSTM(2, 3, num_layers=2, bias=False, batch_first=True, dropout=0.1, bidirectional=True)",
    ),
    (nn.Embedding(3, 4), "Embedding(3, 4)"),
    (nn.Embedding(3, 4, padding_idx=-1), "Embedding(3, 4, padding_idx=2)"),
    (nn.LayerNorm((3, 4)), "LayerNorm((3, 4), eps=1e-05, elementwise_affine=True, bias=True)"),
    (
        nn.BatchNorm1d(3, momentum=None),
        "BatchNorm1d(3, eps=1e-05, momentum=None, affine=True, bias=True, track_running_stats=True)",
    ),
    (nn.Dropout(0.2), "Dropout(p=0.2, inplace=False)"),
    (nn.GELU("tanh"), "GELU(approximate='tanh')"),
    (nn.Softmax(1), "Softmax(dim=1)"),
    (nn.LogSoftmax(-1), "LogSoftmax(dim=-1)"),
    (nn.CrossEntropyLoss(), "CrossEntropyLoss()"),
]


@pytest.mark.parametrize(("layer", "text"), TEXTS, ids=lambda x: x.split("(")[0] if isinstance(x, str) else None)
def test_text(layer, text):
    assert repr(layer) == text


SHAPES = [
    (nn.Tanh(), (2, 3), (2, 3)),
    (nn.Sigmoid(), (2, 3), (2, 3)),
    (nn.LogSoftmax(1), (2, 3), (2, 3)),
    (nn.Identity(), (2, 3), (2, 3)),
    (nn.Flatten(), (2, 3, 4), (2, 12)),
    (nn.Flatten(0), (2, 3), (6,)),
    (nn.Conv2d(2, 4, 3, stride=2, padding=1), (1, 2, 7, 7), (1, 4, 4, 4)),
    (nn.Conv2d(2, 4, (2, 4), padding="same"), (2, 5, 6), (4, 5, 6)),
    (nn.Conv2d(2, 4, 3, padding="valid"), (2, 5, 6), (4, 3, 4)),
    (nn.MaxPool2d(2), (3, 5, 4), (3, 2, 2)),
    (nn.AvgPool2d(2, ceil_mode=True), (1, 3, 5, 4), (1, 3, 3, 2)),
    (nn.LSTM(2, 3, bidirectional=True), (4, 1, 2), (4, 1, 6)),
    (nn.LSTM(2, 3), (4, 2), (4, 3)),
]


@pytest.mark.parametrize(("layer", "given", "expected"), SHAPES)
def test_shapes(layer, given, expected):
    y = layer(randn(*given))
    y = y[0] if isinstance(y, tuple) else y
    assert y.shape == expected


def test_a_class_for_each_place_of_an_image():
    x, target = randn(2, 3, 4, 5), randint(3, (2, 4, 5))
    losses = nn.CrossEntropyLoss(reduction="none")(x, target)
    assert losses.shape == (2, 4, 5)
    assert allclose(losses[1, 2, 3], nn.CrossEntropyLoss()(x[1, :, 2, 3], target[1, 2, 3]), atol=1e-6)


@pytest.mark.parametrize("kinds", ["bool and bool", "bool and float", "float and float"])
def test_masks_of_two_kinds_mean_the_same(kinds):
    layer = nn.MultiheadAttention(4, 2, kdim=3, vdim=5)
    inputs = randn(2, 4), randn(3, 3), randn(3, 5)  # one sample, without a batch axis
    attn_mask, padding = np.array([[False, True, False], [False, False, True]]), np.array([False, False, True])
    expected = layer(*inputs, attn_mask=attn_mask | padding)

    def kind(mask, name):
        return np.where(mask, -np.inf, 0.0) if name == "float" else mask

    first, second = kinds.split(" and ")
    result = layer(*inputs, attn_mask=kind(attn_mask, first), key_padding_mask=kind(padding, second))
    assert all(allclose(a, b, atol=1e-6) for a, b in zip(result, expected, strict=True))


# Bad input ------------------------------------------------------------------------------------------------------------

MAKE = [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ArgumentError, "groups: got 2, which does not divide in_channels 3"),
    (lambda: nn.Conv2d(3, 3, 3, padding_mode="mirror"), ArgumentError, "padding_mode: got 'mirror'"),
    (lambda: nn.Conv2d(3, 3, 3, padding="same", stride=2), ArgumentError, "'same' keeps the size, which stride (2, 2)"),
    (lambda: nn.Conv2d(3, 3, 3, padding="full"), ArgumentError, "got 'full', expected numbers, 'same' or 'valid'"),
    (lambda: nn.Conv2d(3, 3, (3, 3, 3)), ArgumentError, "kernel_size: got tuple (3, 3, 3), expected an integer or two"),
    (lambda: nn.Conv2d(3, 3, 2.5), ArgumentError, "kernel_size: got float 2.5"),
    (lambda: nn.Dropout(1.5), ArgumentError, "p: got 1.5, expected a probability"),
    (lambda: nn.Dropout(0.5, inplace=True), ArgumentError, "leave it out"),
    (lambda: nn.ReLU(inplace=True), ArgumentError, "leave it out"),
    (lambda: nn.GELU("fast"), ArgumentError, "approximate: got 'fast', expected 'none' or 'tanh'"),
    (lambda: nn.Embedding(3, 2, padding_idx=3), ArgumentError, "padding_idx: got 3, expected one of 3 rows"),
    (lambda: nn.LSTM(3, 2, proj_size=2), ArgumentError, "proj_size: got 2, expected 0 (none) to 1"),
    (lambda: nn.LSTM(3, 0), ArgumentError, "hidden_size: got 0, expected at least 1"),
    (lambda: nn.LSTM(3, 2, 2, dropout=2.0), ArgumentError, "LSTM: dropout: p: got 2.0"),
    (lambda: nn.MultiheadAttention(5, 2), ArgumentError, "num_heads: got 2, which does not divide 5"),
    (lambda: nn.MSELoss(reduction="average"), ArgumentError, "MSELoss: reduction: got 'average'"),
    (lambda: nn.CrossEntropyLoss(reduction=None), ArgumentError, "expected 'mean', 'sum' or 'none'"),
]


@pytest.mark.parametrize(("make", "error", "message"), MAKE)
def test_layers_that_cannot_be_made(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()


BOOLS = np.zeros((3, 3), bool)
CALL = [
    (lambda: nn.Linear(3, 2)(ones(4, 5)), ShapeError, "Linear(in_features=5)"),
    (lambda: nn.LayerNorm(3)(ones(4, 5)), ShapeError, "expected it to end in (3,)"),
    (lambda: nn.LayerNorm((2, 3))(ones(3)), ShapeError, "expected it to end in (2, 3)"),
    (lambda: nn.BatchNorm1d(3)(ones(2, 4)), ShapeError, "make it with BatchNorm1d(4)"),
    (lambda: nn.BatchNorm1d(3)(ones(2, 3, 4, 4)), ShapeError, "expected (N, C) or (N, C, L)"),
    (lambda: nn.BatchNorm2d(3)(ones(2, 3)), ShapeError, "expected (N, C, H, W)"),
    (lambda: nn.BatchNorm1d(3)(ones(1, 3)), ShapeError, "expected more than 1 value per channel when training"),
    (lambda: nn.BatchNorm2d(3)(ones(1, 3, 1, 1)), ShapeError, "call eval() first"),
    (lambda: nn.Embedding(3, 2)(minidl.tensor([3])), LabelError, "got 3"),
    (lambda: nn.Embedding(3, 2)(ones(2)), DTypeError, "expected integers"),
    (lambda: nn.LSTM(3, 2)(ones(4, 2, 5)), ShapeError, "got sequences of 5 features, expected 3 (input_size)"),
    (lambda: nn.LSTM(3, 2)(ones(3)), ShapeError, "expected (T, N, 3) or (T, 3)"),
    (lambda: nn.LSTM(3, 2, batch_first=True)(ones(3)), ShapeError, "expected (N, T, 3) or (T, 3)"),
    (lambda: nn.LSTM(3, 2)(ones(4, 1, 3), (ones(1, 2), ones(1, 2))), ShapeError, "h_0: got shape (1, 2), expected"),
    (lambda: nn.LSTM(3, 2)(ones(4, 1, 3), (ones(1, 1, 2), ones(1, 1, 3))), ShapeError, "c_0: got shape (1, 1, 3)"),
    (lambda: nn.LSTM(3, 2)(ones(4, 1, 3), ones(1, 1, 2)), ArgumentError, "expected a pair (h_0, c_0)"),
    (lambda: attend(ones(3, 2, 5)), ShapeError, "query: got shape (3, 2, 5), expected (length, N, 4)"),
    (lambda: attend(ones(3, 2, 4), ones(3, 4)), ShapeError, "key: got shape (3, 4)"),
    (lambda: attend(ones(3, 2, 4), ones(3, 2, 4), ones(2, 2, 4)), ShapeError, "value: got shape (2, 2, 4) for a key"),
    (lambda: attend(ones(3, 2, 4), ones(3, 3, 4)), ShapeError, "expected equal batches"),
    (lambda: attend(ones(4, 1, 4), attn_mask=BOOLS), ShapeError, "attn_mask: got shape (3, 3), expected (4, 4) or"),
    (lambda: attend(ones(3, 2, 4), key_padding_mask=BOOLS), ShapeError, "key_padding_mask: got shape (3, 3)"),
    (lambda: attend(ones(3, 4), attn_mask=zeros(3, 3).long()), DTypeError, "got int64, expected bool or floating"),
    (lambda: nn.CrossEntropyLoss()(ones(2, 3), minidl.tensor([0, 3])), LabelError, "got 3"),
    (lambda: nn.CrossEntropyLoss()(ones(2, 3), minidl.tensor([0, 1, 2])), ShapeError, "the target has no class axis"),
    (lambda: nn.CrossEntropyLoss()(ones(2, 3), ones(2, 3).long()), ShapeError, "target.argmax(1)"),
    (lambda: nn.CrossEntropyLoss()(ones(2, 3), ones(2)), DTypeError, "expected integer"),
    (lambda: nn.MSELoss()(ones(2, 1), ones(2)), ShapeError, "(2, 1)"),
    (lambda: nn.Conv2d(3, 4, 3)(ones(1, 2, 5, 5)), ShapeError, "2"),
    (lambda: nn.Conv2d(3, 4, 7)(ones(1, 3, 5, 5)), ShapeError, "kernel"),
    (lambda: nn.Conv2d(3, 4, 3)(ones(5, 5)), ShapeError, "(5, 5)"),
    (lambda: nn.MaxPool2d(3)(ones(1, 1, 2, 2)), ShapeError, "(3, 3)"),
    (lambda: nn.AvgPool2d(2, padding=2)(ones(1, 1, 4, 4)), ArgumentError, "padding"),
    (lambda: nn.MaxPool2d((1, 2, 3))(ones(1, 1, 4, 4)), ArgumentError, "kernel_size: got tuple (1, 2, 3)"),
]


def attend(q, k=None, v=None, **masks):
    k = q if k is None else k
    return nn.MultiheadAttention(4, 2)(q, k, k if v is None else v, **masks)


@pytest.mark.parametrize(("call", "error", "message"), CALL)
def test_layers_that_cannot_be_called(call, error, message):
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert caught.value.layer  # the layer is named


# In every mode --------------------------------------------------------------------------------------------------------


def everything():
    """Layers of all families in one model."""

    class Model(nn.Module):
        def __init__(self):
            self.embed = nn.Embedding(9, 6, padding_idx=0)
            self.lstm = nn.LSTM(6, 3, bidirectional=True, batch_first=True)
            self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
            self.norm = nn.LayerNorm(6)
            self.conv = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2))
            self.head = nn.Sequential(nn.AvgPool2d((1, 3)), nn.Flatten(), nn.Linear(4, 3), nn.GELU(), nn.Linear(3, 3))

        def forward(self, i):
            x, _ = self.lstm(self.embed(i))
            x = self.norm(x + self.attention(x, x, x, is_causal=True, need_weights=False)[0])  # (N, 4, 6)
            return self.head(self.conv(x.unsqueeze(1)))

    minidl.manual_seed(1)
    return Model().double()


@pytest.mark.parametrize("mode", ["plain", "textbook", "reference"])
def test_a_model_is_the_same_in_every_mode(mode):
    i, target = randint(9, (3, 4), generator=minidl.Generator(0)), arange(3)

    def gradients():
        model = everything()
        loss = nn.CrossEntropyLoss()(model(i), target)
        loss.backward()
        return [loss.detach(), *(p.grad for p in model.parameters()), *model.buffers()]

    expected = gradients()
    with minidl.mode(mode):
        for a, b in zip(gradients(), expected, strict=True):
            assert allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_model_learns():
    minidl.manual_seed(0)
    x = rand(64, 2)
    target = (x.numpy().sum(1) > 1).astype(np.int64)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.BatchNorm1d(16), nn.Linear(16, 2))
    for _ in range(150):
        model.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), target)
        loss.backward()
        with minidl.no_grad():
            for p in model.parameters():
                p.sub_(p.grad, alpha=0.5)
    assert loss.item() < 0.1
