"""Embeddings and bags of them: what the comparison with PyTorch does not show."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.creation import ones, randn
from minidl.functions import allclose, equal
from minidl.nn import functional as F


def by_hand(table, index, ends, mode):
    """The definition, bag by bag."""
    rows = []
    for first, last in pairwise(ends):
        bag = table[index[first:last]]
        rows.append(getattr(bag, mode)(axis=0) if len(bag) else np.zeros(table.shape[1]))
    return np.array(rows)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("offsets", [[0], [0, 0, 3], [0, 2, 2, 7], [0, 7], [0, 1, 2, 3, 4, 5, 6]], ids=str)
def test_bags_against_the_definition(mode, offsets, rng):
    table, index = rng.normal(size=(5, 3)), rng.integers(0, 5, size=7)
    found = F.embedding_bag(index, table, minidl.tensor(offsets), mode=mode)
    np.testing.assert_allclose(found.numpy(), by_hand(table, index, [*offsets, 7], mode), rtol=1e-14)


def test_a_bag_of_nothing_has_no_gradient():
    for mode in ("sum", "mean", "max"):
        layer = nn.EmbeddingBag(3, 2, mode=mode, padding_idx=0)
        y = layer(minidl.tensor([[0, 0], [0, 1]]))
        assert y[0].tolist() == [0, 0]
        y.sum().backward()
        assert layer.weight.grad[0].tolist() == [0, 0] and layer.weight.grad[1].tolist() == [1, 1]


def test_rows_after_the_last_offset_are_left_out():
    layer = nn.EmbeddingBag(3, 2, mode="sum", include_last_offset=True)
    y = layer(minidl.tensor([0, 1, 2]), minidl.tensor([0, 2]))
    assert allclose(y[0], layer.weight[0] + layer.weight[1])


def test_no_bags_and_empty_bags():
    layer = nn.EmbeddingBag(3, 2)
    assert layer(np.zeros((0, 4), np.int64)).shape == (0, 2)
    assert layer(np.zeros((4, 0), np.int64)).tolist() == [[0, 0]] * 4
    assert nn.EmbeddingBag(3, 2, mode="max")(np.zeros((4, 0), np.int64)).tolist() == [[0, 0]] * 4


@pytest.mark.parametrize("scaled", ["embedding", "sum", "mean"])
def test_gradients_by_frequency(scaled):
    """Each row's gradient, over how often the row was picked."""
    index, w = minidl.tensor([[0, 0, 0, 1]]), ones(3, 1).requires_grad_()
    if scaled == "embedding":
        F.embedding(index, w, scale_grad_by_freq=True).sum().backward()
    else:
        (F.embedding_bag(index, w, mode=scaled, scale_grad_by_freq=True) * (4 if scaled == "mean" else 1)).backward()
    assert w.grad.tolist() == [[1], [1], [0]]


def test_frequency_leaves_the_values_as_they_are():
    layer = nn.Embedding(4, 3, scale_grad_by_freq=True)
    i = minidl.tensor([1, 1, 3])
    assert equal(layer(i), layer.weight[i])


def test_only_the_rows_that_are_picked_are_shortened():
    layer = nn.Embedding(4, 3, max_norm=1.0)
    with minidl.no_grad():
        layer.weight.fill_(2.0)
        layer.weight[1] = 0.1
    y = layer(minidl.tensor([0, 1, 0]))
    assert allclose(layer.weight.detach().norm(dim=1), [1, 0.03**0.5, 12**0.5, 12**0.5], rtol=1e-5)
    assert allclose(y[0], y[2]) and allclose(y[1], np.full(3, 0.1))
    y.sum().backward()
    assert layer.weight.grad[:, 0].tolist() == [2, 1, 0, 0]


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_from_pretrained(kind):
    table = randn(4, 3)
    layer = kind.from_pretrained(table)
    assert layer.weight.data is table.data and not layer.weight.requires_grad
    assert kind.from_pretrained(table, freeze=False).weight.requires_grad
    assert kind.from_pretrained(table.numpy().astype(np.float64), padding_idx=-1).padding_idx == 3
    before = minidl.get_rng_state()
    kind.from_pretrained(table)
    assert minidl.get_rng_state() == before  # nothing is drawn


def test_second_derivatives_of_bags():
    w, f = randn(4, 2, dtype="float64").requires_grad_(), randn(2, 3, dtype="float64").requires_grad_()
    y = F.embedding_bag(minidl.tensor([[0, 1, 1], [2, 0, 3]]), w, mode="sum", per_sample_weights=f)
    (y**2).sum().backward(create_graph=True)
    first = w.grad
    w.grad = f.grad = None
    (first * first).sum().backward()
    assert w.grad.numpy().any() and f.grad.numpy().any()
