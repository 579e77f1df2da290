"""The functional names, where layers do not reach them."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minidl
import minidl.nn.functional as F
from minidl.creation import arange, ones, randn, zeros
from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError
from minidl.functions import allclose, equal


def test_everything_takes_arrays_and_gives_tensors():
    x = np.ones((1, 2, 4, 4), np.float32)
    row = np.ones(2, np.float32)
    results = [
        F.relu(x),
        F.gelu(x),
        F.tanh(x),
        F.sigmoid(x),
        F.softmax(x, 1),
        F.log_softmax(x, dim=-1),
        F.linear(x, np.ones((3, 4), np.float32)),
        F.conv2d(x, np.ones((3, 2, 1, 1), np.float32), np.ones(3, np.float32)),
        F.max_pool2d(x, 2),
        F.avg_pool2d(x, 2),
        F.layer_norm(x, 4),
        F.batch_norm(x, row, row),
        F.batch_norm(x, None, None, training=True),
        F.batch_norm(x, row, row, training=True),
        F.embedding(np.array([0, 1]), np.ones((2, 3))),
        F.dropout(x),
        F.dropout(x, training=False),
        F.scaled_dot_product_attention(x, x, x),
        F.cross_entropy(row, 1),
        F.mse_loss(x, x),
        F.pad(x, (1, 1)),
        F.one_hot([1, 2]),
    ]
    assert all(isinstance(y, minidl.Tensor) and not y.requires_grad for y in results)
    assert all(y.dtype == np.float32 for y in results[:14])


def test_running_statistics_given_as_arrays_are_moved_in_place():
    mean, var = np.zeros(2, np.float32), np.ones(2, np.float32)
    x = np.array([[1.0, 2.0], [3.0, 6.0]], np.float32)
    F.batch_norm(x, mean, var, training=True, momentum=0.5)
    np.testing.assert_allclose(mean, [1, 2])
    np.testing.assert_allclose(var, [1.5, 4.5])


def test_pad_counts_from_the_last_axis():
    x = ones(2, 3)
    assert F.pad(x, (1, 0)).tolist() == [[0, 1, 1, 1]] * 2
    assert F.pad(x, (0, 0, 1, 0), value=5.0)[0].tolist() == [5, 5, 5]
    assert F.pad(arange(4), (-1, -1)).tolist() == [1, 2]
    assert F.pad(x, (2, -1)).tolist() == [[0, 0, 1, 1]] * 2
    assert F.pad(x, ()).shape == (2, 3)


def test_one_hot():
    assert F.one_hot(minidl.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(np.array([[1]]), 2).shape == (1, 1, 2)
    assert F.one_hot(minidl.tensor(1), 3).tolist() == [0, 1, 0]


def test_attention_dropout_knows_no_training():
    q = randn(2, 3, 4)
    k = randn(1, 5, 4)
    minidl.manual_seed(0)
    a = F.scaled_dot_product_attention(q, k, k, dropout_p=0.5)
    minidl.manual_seed(0)
    b = F.scaled_dot_product_attention(q, k, k, dropout_p=0.5)
    assert a.shape == (2, 3, 4) and equal(a, b)
    assert not equal(a, F.scaled_dot_product_attention(q, k, k))


def test_a_mask_and_causality_both_hold():
    q = randn(4, 2)
    mask = minidl.tensor(np.array([True, False, True, True]))
    both = minidl.tensor(np.tri(4, dtype=bool)) & mask
    a = F.scaled_dot_product_attention(q, q, q, mask, is_causal=True)
    assert allclose(a, F.scaled_dot_product_attention(q, q, q, both))


def test_a_mask_of_another_precision_changes_no_dtype():
    q = randn(4, 2)
    assert F.scaled_dot_product_attention(q, q, q, np.zeros((4, 4))).dtype == np.float32


def test_padding_idx_counts_from_the_end_and_differentiates_twice():
    w = randn(3, 2, dtype="float64").requires_grad_()
    i = np.array([0, 2, 2])
    (F.embedding(i, w, -1) ** 3).sum().backward(create_graph=True)
    gradient = w.grad
    assert gradient[2].tolist() == [0, 0]
    w.grad = None
    gradient.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 6 * w.detach().numpy() * [[1], [0], [0]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.pad(ones(2), (1,)), ArgumentError, "expected pairs (before, after) for at most 1 axes"),
        (lambda: F.pad(ones(2), (1, 1, 1, 1)), ArgumentError, "for at most 1 axes"),
        (lambda: F.pad(ones(2), (1, 1), mode="mirror"), ArgumentError, "mode: got 'mirror'"),
        (lambda: F.one_hot(ones(2)), DTypeError, "expected integers"),
        (lambda: F.one_hot(minidl.tensor([3]), 3), LabelError, "got 3"),
        (lambda: F.one_hot(minidl.tensor([-1])), LabelError, "got -1"),
        (lambda: F.batch_norm(ones(2, 3), None, None), ArgumentError, "running_mean and running_var are None"),
        (lambda: F.batch_norm(ones(2), None, None), ShapeError, "expected (N, C, …)"),
        (lambda: F.layer_norm(ones(2), ()), ShapeError, "expected it to end in ()"),
        (lambda: F.dropout(ones(2), -0.1), ArgumentError, "from 0 to 1"),
        (
            lambda: F.scaled_dot_product_attention(ones(2, 2), ones(2, 2), ones(2, 2), dropout_p=2.0),
            ArgumentError,
            "p:",
        ),
        (
            lambda: F.scaled_dot_product_attention(ones(2, 2, 2), ones(3, 2, 2), ones(3, 2, 2)),
            ShapeError,
            "batch axes",
        ),
        (lambda: F.cross_entropy(zeros(()), minidl.tensor(0)), ShapeError, "cross_entropy"),
        (lambda: F.cross_entropy(zeros(2, 3), minidl.tensor([0, 1]), reduction="all"), ArgumentError, "reduction"),
        (lambda: F.mse_loss(zeros(2), zeros(3)), ShapeError, "(3,)"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
