"""Where things stand: waves, rotations, and what distance adds to the scores."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn import functional as F

# Encodings that are added ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, 7])
def test_waves(size):
    waves = F.sinusoidal_positions(5, size, dtype="float64").numpy()
    for t in range(5):
        for i in range(size):
            angle = t / 10000 ** ((i - i % 2) / size)
            assert waves[t, i] == pytest.approx(np.cos(angle) if i % 2 else np.sin(angle), abs=1e-15)
    assert F.sinusoidal_positions(5, size).dtype == "float32"
    assert F.sinusoidal_positions(0, size).shape == (0, size)


def test_looking_back_by_a_distance_is_a_rotation_of_the_waves():
    waves = F.sinusoidal_positions(9, 6, dtype="float64").numpy()
    ahead = [[3 * 10000 ** (-i / 3) for i in range(3)]]
    cosines_first = waves[:, [1, 0, 3, 2, 5, 4]]  # cos a + i sin a
    turned = minidl.ops.rotary(cosines_first, np.array(ahead), interleaved=True)
    np.testing.assert_allclose(turned[:6], cosines_first[3:], atol=1e-14)


@pytest.mark.parametrize("make", [nn.PositionalEncoding, nn.LearnedPositionalEncoding])
@pytest.mark.parametrize("shape, first", [((3, 4), False), ((3, 2, 4), False), ((2, 3, 4), True), ((3, 4), True)])
def test_encodings_are_added_place_by_place(rng, make, shape, first):
    layer = make(4, max_len=6, batch_first=first).eval()
    x = rng.normal(size=shape)
    table = (layer.pe if make is nn.PositionalEncoding else layer.weight).detach().numpy()
    y = layer(minidl.tensor(x)).detach().numpy()
    rows = table[:3] if first or len(shape) == 2 else table[:3, None]
    np.testing.assert_allclose(y, x + rows, atol=1e-7)
    assert y.dtype == "float64"
    assert repr(layer) == f"{make.__name__}(4, dropout=0.1, max_len=6, batch_first={first})"


def test_what_encodings_save_and_learn():
    waves, learned = nn.PositionalEncoding(4, max_len=6), nn.LearnedPositionalEncoding(4, max_len=6)
    assert not waves.state_dict() and [name for name, _ in waves.named_buffers()] == ["pe"]
    assert not list(waves.parameters())
    assert list(learned.state_dict()) == ["weight"]
    learned.eval()(minidl.ones(3, 2, 4)).sum().backward()
    np.testing.assert_array_equal(learned.weight.grad.numpy(), np.repeat([[2.0] * 4, [0.0] * 4], 3, axis=0))
    spread = nn.LearnedPositionalEncoding(64, max_len=500).weight.detach().numpy().std()
    assert spread == pytest.approx(0.02, rel=0.05)


def test_encodings_drop_in_training_only():
    layer = nn.PositionalEncoding(8, dropout=0.5)
    x = minidl.ones(50, 2, 8)
    assert 0.3 < (layer(x).numpy() == 0).mean() < 0.7
    assert (layer.eval()(x).numpy() != 0).mean() > 0.9


# Rotations ------------------------------------------------------------------------------------------------------------


def turned(x, places, base, interleaved):
    """Pairs as complex numbers, times e^(i · place · rate)."""
    d = x.shape[-1]
    y = np.empty(x.shape)
    for m in range(d // 2):
        i, j = (2 * m, 2 * m + 1) if interleaved else (m, m + d // 2)
        z = (x[..., i] + 1j * x[..., j]) * np.exp(1j * places * base ** (-2 * m / d))
        y[..., i], y[..., j] = z.real, z.imag
    return y


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("base", [10000.0, 50.0])
@pytest.mark.parametrize(
    "places",
    [None, np.array([7, 0, 3, 3, 90]), np.linspace(0, 2, 5), np.arange(10).reshape(2, 1, 5)],
    ids=["counted", "integers", "between", "by sample"],
)
def test_rotary(rng, interleaved, base, places):
    x = rng.normal(size=(2, 3, 5, 6))
    expected = turned(x, np.arange(5) if places is None else places, base, interleaved)
    given = places if places is None else minidl.tensor(places)
    layer = nn.RotaryEmbedding(6, base, interleaved)
    np.testing.assert_allclose(layer(minidl.tensor(x), given).numpy(), expected, atol=1e-12)
    assert not layer.state_dict() and repr(layer) == f"RotaryEmbedding(6, base={base}, interleaved={interleaved})"


def test_rotary_far_away_in_float32(rng):
    """Whole turns are taken off before anything is rounded to float32."""
    x = rng.normal(size=(1, 8))
    y = F.rotary(minidl.tensor(x.astype("float32")), [123456])
    assert y.dtype == "float32"
    np.testing.assert_allclose(y.numpy(), turned(x, np.array([123456]), 10000.0, False), atol=3e-6)


def test_attention_with_rotary_positions_does_not_see_where_a_text_begins(rng):
    q, k, v = (minidl.tensor(rng.normal(size=(2, 5, 8))) for _ in range(3))

    def attend(start):
        places = np.arange(start, start + 5)
        return F.scaled_dot_product_attention(F.rotary(q, places), F.rotary(k, places), v).numpy()

    np.testing.assert_allclose(attend(0), attend(40), atol=1e-12)
    assert abs(attend(0) - F.scaled_dot_product_attention(q, k, v).numpy()).max() > 0.01


# Biases ---------------------------------------------------------------------------------------------------------------


def bucket(distance, bidirectional, buckets, furthest):
    """T5's rule for one distance, in integers: distance / near ≥ (furthest / near)^(n / steps), to a power."""
    first = 0
    if bidirectional:
        buckets //= 2
        first, distance = (buckets if distance > 0 else 0), abs(distance)
    else:
        distance = max(-distance, 0)
    near = buckets // 2
    if distance < near:
        return first + distance
    steps = buckets - near
    reached = [n for n in range(steps) if distance**steps * near**n >= furthest**n * near**steps]
    return first + near + reached[-1]


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("buckets, furthest", [(32, 128), (8, 20), (4, 3), (64, 256), (32, 64), (54, 64)])
def test_buckets(bidirectional, buckets, furthest):
    distances = np.arange(-600, 600)
    expected = [bucket(int(d), bidirectional, buckets, furthest) for d in distances]
    found = F.relative_position_bucket(distances, bidirectional, buckets, furthest)
    assert found.tolist() == expected and found.dtype == "int64"
    if bidirectional:  # distance 0 counts as before
        assert set(expected) == set(range(buckets)) - {buckets // 2}
    else:
        assert set(expected) == set(range(buckets))


def test_buckets_of_t5():
    """Near ones alone; 8 to 11, 12 to 15, 16 to 22, … together; from 128 on the last."""
    found = F.relative_position_bucket([0, -1, -7, -8, -11, -12, -15, -16, -22, -23, -127, -10000, 1, 7, 8, 5000])
    assert found.tolist() == [0, 1, 7, 8, 8, 9, 9, 10, 10, 11, 15, 15, 17, 23, 24, 31]


def test_slopes():
    np.testing.assert_array_equal(F.alibi_slopes(8).numpy(), [2.0**-h for h in range(1, 9)])
    np.testing.assert_allclose(F.alibi_slopes(16, dtype="float64").numpy(), [2 ** (-h / 2) for h in range(1, 17)])
    more = [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]  # what a model of 12 heads has beside those of 8
    np.testing.assert_allclose(F.alibi_slopes(12, dtype="float64").numpy(), [2.0**-h for h in range(1, 9)] + more)
    assert F.alibi_slopes(1).tolist() == [2.0**-8]


def test_alibi_is_the_papers_under_a_causal_mask(rng):
    """There the bias is slope · (s − t), or, the same to softmax, slope · s."""
    q, k, v = (minidl.tensor(rng.normal(size=(2, 4, 6, 3))) for _ in range(3))
    bias = F.alibi_bias(4, 6, dtype="float64")
    slopes = F.alibi_slopes(4, dtype="float64").numpy()
    assert bias.shape == (4, 6, 6) and F.alibi_bias(4, 2, 5).shape == (4, 2, 5)
    paper = slopes[:, None, None] * np.arange(6.0)  # (H, 1, S)
    ours = F.scaled_dot_product_attention(q, k, v, bias, is_causal=True)
    theirs = F.scaled_dot_product_attention(q, k, v, paper, is_causal=True)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-13)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_relative_bias(bidirectional):
    layer = nn.RelativePositionBias(3, 8, 20, bidirectional)
    bias, weight = layer(4, 9).detach().numpy(), layer.weight.detach().numpy()
    assert bias.shape == (3, 4, 9) and layer(5).shape == (3, 5, 5) and list(layer.state_dict()) == ["weight"]
    for t in range(4):
        for s in range(9):
            np.testing.assert_array_equal(bias[:, t, s], weight[bucket(s - t, bidirectional, 8, 20)])
    assert repr(layer) == f"RelativePositionBias(3, num_buckets=8, max_distance=20, bidirectional={bidirectional})"


@pytest.mark.oracle
@pytest.mark.parametrize("causal", [False, True])
def test_the_gradient_of_a_learned_bias(rng, causal):
    """Through attention, over samples, and over the places of one bucket."""
    import torch

    layer = nn.RelativePositionBias(2, 8, 6, not causal, dtype="float64")
    q, k, v, u = (rng.normal(size=(3, 2, 7, 4)) for _ in range(4))
    o = F.scaled_dot_product_attention(*map(minidl.tensor, (q, k, v)), layer(7), is_causal=causal)
    (o * minidl.tensor(u)).sum().backward()

    weight = torch.tensor(layer.weight.detach().numpy(), requires_grad=True)
    rows = [[bucket(s - t, not causal, 8, 6) for s in range(7)] for t in range(7)]
    bias = weight[torch.tensor(rows)].permute(2, 0, 1)
    if causal:
        bias = bias.masked_fill(~torch.ones(7, 7, dtype=torch.bool).tril(), -torch.inf)
    t = torch.nn.functional.scaled_dot_product_attention(*map(torch.tensor, (q, k, v)), bias)
    (t * torch.tensor(u)).sum().backward()
    np.testing.assert_allclose(o.detach().numpy(), t.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(layer.weight.grad.numpy(), weight.grad.numpy(), atol=1e-12)
    assert np.abs(weight.grad.numpy()).max() > 0.1
