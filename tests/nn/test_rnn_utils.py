"""Packing and padding."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.creation import ones, randn
from minidl.errors import ArgumentError, ShapeError
from minidl.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence, pad_sequence


def test_the_example_of_the_page():
    padded = minidl.tensor([[10.0, 20.0, 30.0], [11.0, 21.0, 0.0], [12.0, 0.0, 0.0]])
    packed = pack_padded_sequence(padded, [3, 2, 1])
    assert packed.data.tolist() == [10, 20, 30, 11, 21, 12]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices is None and packed.unsorted_indices is None
    assert PackedSequence._fields == ("data", "batch_sizes", "sorted_indices", "unsorted_indices")


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("lengths", [[4, 2, 1], [2, 4, 4], [1, 1, 1], [1, 2, 4]], ids=str)
def test_there_and_back(lengths, first):
    x = randn(3, 6, 2) if first else randn(6, 3, 2)
    packed = pack_padded_sequence(x, minidl.tensor(lengths), first, enforce_sorted=False)
    assert packed.data.shape == (sum(lengths), 2)
    y, back = pad_packed_sequence(packed, first, padding_value=-1.0)
    assert back.tolist() == lengths and back.dtype == np.int64
    for n, length in enumerate(lengths):
        a, b = (x[n], y[n]) if first else (x[:, n], y[:, n])
        np.testing.assert_array_equal(b[:length].numpy(), a[:length].numpy())
        assert (b[length:].numpy() == -1).all() and len(b) == max(lengths)


def test_total_length():
    packed = pack_padded_sequence(ones(2, 2, 1), [2, 1])
    y, _ = pad_packed_sequence(packed, total_length=4)
    assert y.shape == (4, 2, 1) and y.numpy().sum() == 3
    with pytest.raises(ArgumentError, match="total_length: got 1, expected at least 2"):
        pad_packed_sequence(packed, total_length=1)


def test_gradients_go_where_the_values_were():
    x = randn(3, 2, 2).requires_grad_()
    packed = pack_padded_sequence(x, [1, 3], enforce_sorted=False)
    y, _ = pad_packed_sequence(packed, padding_value=5.0, total_length=4)
    (y * y).sum().backward()
    kept = np.array([[[1], [1]], [[0], [1]], [[0], [1]]])
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.detach().numpy() * kept)


def test_trailing_axes_are_free():
    flat = pack_padded_sequence(randn(4, 2), [4, 1])
    assert flat.data.shape == (5,) and pad_packed_sequence(flat)[0].shape == (4, 2)
    deep = pack_padded_sequence(randn(4, 2, 3, 5), [4, 1])
    assert deep.data.shape == (5, 3, 5) and pad_packed_sequence(deep, padding_value=1.0)[0].shape == (4, 2, 3, 5)


@pytest.mark.parametrize("side", ["right", "left"])
def test_pad_sequence(side):
    rows = [ones(2, 3).requires_grad_(), ones(4, 3)]
    y = pad_sequence(rows, padding_value=7.0, padding_side=side)
    assert y.shape == (4, 2, 3)
    padding = y[2:, 0] if side == "right" else y[:2, 0]
    assert (padding.detach().numpy() == 7).all()
    assert pad_sequence(rows, batch_first=True).shape == (2, 4, 3)
    y.sum().backward()
    assert (rows[0].grad.numpy() == 1).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pack_padded_sequence(ones(3, 2), [1, 2]), ArgumentError, "pass enforce_sorted=False"),
        (lambda: pack_padded_sequence(ones(3, 2), [3, 0]), ArgumentError, "got [3, 0], expected each from 1 to 3"),
        (lambda: pack_padded_sequence(ones(3, 2), [4, 1]), ArgumentError, "expected each from 1 to 3"),
        (lambda: pack_padded_sequence(ones(3, 0), []), ArgumentError, "expected each from 1 to 3"),
        (lambda: pack_padded_sequence(ones(3, 2), [3]), ShapeError, "got 1 lengths for a batch of 2"),
        (lambda: pack_padded_sequence(ones(3), [3]), ShapeError, "expected (T, N, …)"),
        (lambda: pad_packed_sequence(ones(3)), ArgumentError, "expected a PackedSequence"),
        (lambda: pad_sequence([]), ArgumentError, "got none"),
        (lambda: pad_sequence([ones(2)], padding_side="both"), ArgumentError, "'right' or 'left'"),
        (lambda: pad_sequence([ones(2, 1), ones(2, 2)]), ShapeError, "stack"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_clipping_is_found_where_pytorch_has_it():
    from minidl.optim import clip

    assert nn.utils.clip_grad_norm_ is clip.clip_grad_norm_
    assert nn.utils.clip_grad_value_ is clip.clip_grad_value_
    with pytest.raises(AttributeError, match="clip_grad_nothing"):
        nn.utils.clip_grad_nothing  # noqa: B018
