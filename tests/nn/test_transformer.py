"""Transformers and multi-head attention: what the comparison with PyTorch, layer by layer, does not say."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn import functional as F

SMALL = {"dim_feedforward": 12, "dropout": 0.0, "batch_first": True}


@pytest.fixture
def model():
    minidl.manual_seed(0)
    return nn.Transformer(8, 2, 2, 2, **SMALL, dtype="float64")


def draw(rng, *shape):
    return minidl.tensor(rng.normal(size=shape))


# Causal attention -----------------------------------------------------------------------------------------------------


def test_is_causal_is_the_causal_mask(rng, model):
    src, tgt = draw(rng, 2, 5, 8), draw(rng, 2, 4, 8)
    square = nn.Transformer.generate_square_subsequent_mask
    ahead = np.triu(np.ones((4, 5), bool), 1)
    flags = {"src_is_causal": True, "tgt_is_causal": True, "memory_is_causal": True}
    by_flag = model(src, tgt, **flags).detach().numpy()
    by_mask = model(src, tgt, square(5), square(4), ahead).detach().numpy()
    np.testing.assert_allclose(by_flag, by_mask, atol=1e-12)
    np.testing.assert_allclose(model(src, tgt, square(5), square(4), ahead, **flags).detach().numpy(), by_flag)
    assert abs(by_flag - model(src, tgt).detach().numpy()).max() > 0.01


def test_the_square_mask():
    mask = nn.Transformer.generate_square_subsequent_mask(3, dtype="float64")
    assert mask.tolist() == [[0, -np.inf, -np.inf], [0, 0, -np.inf], [0, 0, 0]] and mask.dtype == "float64"
    assert nn.Transformer.generate_square_subsequent_mask(2, "cpu").dtype == "float32"


def test_later_places_do_not_count(rng, model):
    src, tgt = draw(rng, 2, 5, 8), rng.normal(size=(2, 4, 8))
    before = model(src, minidl.tensor(tgt), tgt_is_causal=True).detach().numpy()
    tgt[:, 2:] += 1
    after = model(src, minidl.tensor(tgt), tgt_is_causal=True).detach().numpy()
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert (abs(before[:, 2:] - after[:, 2:]).max(-1) > 0.001).all()


def test_padding_does_not_count(rng, model):
    src, tgt, padding = (
        rng.normal(size=(2, 5, 8)),
        draw(rng, 2, 4, 8),
        np.array([[False] * 5, [False] * 3 + [True] * 2]),
    )
    masks = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
    before = model(minidl.tensor(src), tgt, **masks).detach().numpy()
    src[1, 3:] = 100.0
    np.testing.assert_allclose(model(minidl.tensor(src), tgt, **masks).detach().numpy(), before, atol=1e-12)
    alone = model(minidl.tensor(src[1:, :3]), tgt[1:]).detach().numpy()
    np.testing.assert_allclose(alone, before[1:], atol=1e-12)


# Layers in rows -------------------------------------------------------------------------------------------------------


def test_layers_are_copies():
    """Of their own memory; in an encoder they begin equal, in a Transformer each draws its own values."""
    layer = nn.TransformerEncoderLayer(8, 2, **SMALL)
    stack = nn.TransformerEncoder(layer, 2)
    weights = [each.linear1.weight for each in (layer, *stack.layers)]
    assert len({id(w) for w in weights}) == 3
    np.testing.assert_array_equal(weights[1].detach().numpy(), weights[2].detach().numpy())
    with minidl.no_grad():
        weights[1].fill_(0.0)
    assert weights[0].detach().numpy().any() and weights[2].detach().numpy().any()
    first, second = nn.Transformer(8, 2, 2, 1, **SMALL).encoder.layers
    assert (first.linear1.weight.detach().numpy() != second.linear1.weight.detach().numpy()).all()


@pytest.mark.parametrize("kind", ["Encoder", "Decoder"])
def test_a_module_as_activation_stays_in_every_copy(kind):
    layer = getattr(nn, f"Transformer{kind}Layer")(8, 2, **SMALL, activation=nn.Sigmoid())
    stack = getattr(nn, f"Transformer{kind}")(layer, 2)
    assert "(activation): Sigmoid()" in repr(stack) and isinstance(stack.layers[1].activation, nn.Sigmoid)
    assert getattr(nn, f"Transformer{kind}Layer")(8, 2, activation="gelu").activation is F.gelu


def test_custom_parts(rng):
    class Twice(nn.Module):
        def forward(self, tgt, memory, *masks):
            assert masks == (None, None, None, None, True, False)
            return 2 * memory[:, : tgt.shape[1]]

    class Same(nn.Module):
        def forward(self, src, mask, padding, causal):
            return src

    model = nn.Transformer(8, 2, custom_encoder=Same(), custom_decoder=Twice(), batch_first=True)
    src = rng.normal(size=(2, 5, 8))
    y = model(minidl.tensor(src), minidl.tensor(src[:, :3]), tgt_is_causal=True)
    np.testing.assert_array_equal(y.numpy(), 2 * src[:, :3])
    assert not list(model.parameters())


def test_no_layers_pass_everything_on(rng):
    x = draw(rng, 3, 2, 8)
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4), 0)
    assert stack(x) is x and stack.num_layers == 0


def test_dropout_is_for_training(rng):
    x = draw(rng, 3, 2, 8)
    layer = nn.TransformerDecoderLayer(8, 2, 16, dropout=0.5, dtype="float64")
    assert {m.p for m in layer.modules() if isinstance(m, nn.Dropout)} == {0.5}
    assert layer.self_attn.dropout == layer.multihead_attn.dropout == 0.5
    minidl.manual_seed(0)
    once = layer(x, x).detach().numpy()
    assert abs(once - layer(x, x).detach().numpy()).max() > 0.01
    minidl.manual_seed(0)
    np.testing.assert_array_equal(layer(x, x).detach().numpy(), once)
    layer.eval()
    np.testing.assert_array_equal(layer(x, x).detach().numpy(), layer(x, x).detach().numpy())


def test_parts_take_their_arguments():
    layer = nn.TransformerEncoderLayer(8, 2, 5, 0.2, "gelu", 1e-3, True, True, False, dtype="float64")
    assert layer.norm1.eps == layer.norm2.eps == 1e-3 and layer.norm_first and layer.self_attn.batch_first
    assert layer.self_attn.in_proj_bias is None and layer.linear1.bias is None and layer.norm1.bias is None
    assert {p.dtype for p in layer.parameters()} == {np.dtype("float64")}


# Multi-head attention -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{"add_bias_kv": True}, {"add_zero_attn": True}, {"add_bias_kv": True, "add_zero_attn": True}]
)
def test_what_is_put_at_the_end_is_never_hidden(rng, more):
    """By no mask, and with weights or without; where all keys are padding, it is all that is seen."""
    layer = nn.MultiheadAttention(8, 2, batch_first=True, **more, dtype="float64")
    x, padding = draw(rng, 2, 4, 8), np.array([[False] * 4, [True] * 4])
    y, weights = layer(x, x, x, padding, is_causal=True)
    np.testing.assert_allclose(layer(x, x, x, padding, False, is_causal=True)[0].detach().numpy(), y.detach().numpy())
    w = weights.detach().numpy()
    assert w.shape == (2, 4, 4 + len(more)) and (w[:, :, 4:] > 0).all()
    assert not w[1, :, :4].any() and not w[0, :, :4][np.triu(np.ones((4, 4), bool), 1)].any()
    np.testing.assert_allclose(w.sum(-1), 1)


def test_zeros_at_the_end_are_somewhere_to_look(rng):
    layer = nn.MultiheadAttention(4, 1, add_zero_attn=True, bias=False, dtype="float64")
    x = draw(rng, 3, 1, 4)
    y, weights = layer(x, x, x, np.ones((1, 3), bool))
    assert weights.detach().numpy()[..., 3].tolist() == [[1.0] * 3] and not y.detach().numpy().any()


def test_equal_arguments_are_projected_at_once(rng):
    layer = nn.MultiheadAttention(8, 2, dtype="float64")
    x = draw(rng, 3, 2, 8)
    once = layer(x, x, x)[0].detach().numpy()
    np.testing.assert_allclose(layer(x, x + 0, x + 0)[0].detach().numpy(), once, atol=1e-13)


# PyTorch --------------------------------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_weights_of_pytorch_give_the_same_in_evaluation(rng, model):
    """With dropout, which evaluation leaves out, in float32, without gradients."""
    import torch

    torch.manual_seed(0)
    theirs = torch.nn.Transformer(8, 2, 2, 2, 12, 0.3, "gelu", batch_first=True, norm_first=True).eval()
    ours = nn.Transformer(8, 2, 2, 2, 12, 0.3, "gelu", batch_first=True, norm_first=True).eval()
    ours.load_state_dict(theirs.state_dict())
    src, tgt = rng.normal(size=(3, 6, 8)).astype("float32"), rng.normal(size=(3, 4, 8)).astype("float32")
    with minidl.no_grad(), torch.no_grad():
        expected = theirs(torch.tensor(src), torch.tensor(tgt)).numpy()
        np.testing.assert_allclose(ours(src, tgt).numpy(), expected, atol=1e-5)


DRAWN = {
    "Transformer": lambda nn: nn.Transformer(24, 4, 1, 1, 40, batch_first=True),
    "TransformerEncoderLayer": lambda nn: nn.TransformerEncoderLayer(24, 4, 40),
    "TransformerDecoderLayer": lambda nn: nn.TransformerDecoderLayer(24, 4, 40),
    "MultiheadAttention": lambda nn: nn.MultiheadAttention(400, 4, add_bias_kv=True),
}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
@pytest.mark.parametrize("make", DRAWN.values(), ids=DRAWN)
def test_initial_values_have_the_same_spread(make):
    import torch

    minidl.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = make(nn), make(torch.nn)
    for (name, p), (_, t) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        a, b = p.detach().numpy(), t.detach().numpy()
        within = 4 * (2 / a.size) ** 0.5
        assert a.std() == pytest.approx(b.std(), rel=within, abs=1e-12), name
        assert abs(a.mean() - b.mean()) <= within * b.std() + 1e-12, name
        np.testing.assert_allclose(np.abs(a).max(), np.abs(b).max(), rtol=0.25, atol=1e-12, err_msg=name)
