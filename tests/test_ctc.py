"""CTC beyond the samples: all paths counted one by one, what does not fit, long sequences, and second derivatives."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest

import minidl
from minidl import ops
from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError
from minidl.functional import vjp
from minidl.nn import functional as F

each_mode = pytest.mark.parametrize("mode", ["fast", "plain", "textbook", "reference"])


def read(path, blank):
    """Merge repeats, then drop blanks."""
    return [label for label, _ in groupby(path) if label != blank]


def by_enumeration(logp, labels, blank):
    """−log of the sum over every path that reads as the labels, and its derivative by every logp[t, k]. (T, C)"""
    steps, classes = logp.shape
    total, through = 0.0, np.zeros(logp.shape)
    for path in product(range(classes), repeat=steps):
        if read(path, blank) == labels:
            p = np.exp(sum(logp[t, k] for t, k in enumerate(path)))
            total += p
            for t, k in enumerate(path):
                through[t, k] += p
    return -np.log(total), -through / total


@each_mode
@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("labels", [[], [1], [1, 1], [1, 3], [3, 1, 3], [1, 1, 3], [3, 3]])
def test_every_path_counted(mode, blank, labels):
    logp = np.random.default_rng(len(labels) + blank).normal(size=(5, 4))  # 4⁵ paths; not normalised, nor need it be
    expected, slope = by_enumeration(logp, labels, blank)
    targets = np.array([[*labels, 9, 9]])
    with minidl.mode(mode):
        loss, (dlogp,) = vjp(
            lambda x: ops.ctc_loss(x, targets, np.array([5]), np.array([len(labels)]), blank=blank),
            (logp[:, None],),
            np.ones(1),
        )
    np.testing.assert_allclose(loss.data, [expected], rtol=1e-12)
    np.testing.assert_allclose(dlogp.data[:, 0], slope, rtol=0, atol=1e-12)


@each_mode
def test_steps_beyond_the_length_do_not_count(mode):
    logp = np.random.default_rng(0).normal(size=(6, 1, 3))
    with minidl.mode(mode):
        whole, (g,) = vjp(
            lambda x: ops.ctc_loss(x, np.array([[1, 2]]), np.array([4]), np.array([2])), (logp,), np.ones(1)
        )
        cut = ops.ctc_loss(logp[:4], np.array([[1, 2]]), np.array([4]), np.array([2]))
    np.testing.assert_allclose(whole.data, cut, rtol=1e-14)
    assert not g.data[4:].any() and g.data[:4].any()


@each_mode
@pytest.mark.parametrize(("steps", "labels"), [(1, [1, 2]), (2, [1, 1]), (0, [1])])
def test_labels_that_do_not_fit(mode, steps, labels):
    """No path reads as they do: the loss is ∞ and has no direction; quietly, and the sequence beside it is as ever."""
    logp = np.random.default_rng(0).normal(size=(3, 2, 3))
    targets, lengths = np.array([labels, [1] * len(labels)]), np.array([len(labels), 1])
    with minidl.mode(mode):
        loss, (g,) = vjp(
            lambda x: ops.ctc_loss(x, targets, np.array([steps, 3]), lengths), (logp,), np.array([0.7, 1.0])
        )
        alone, (g_alone,) = vjp(
            lambda x: ops.ctc_loss(x, targets[1:], np.array([3]), lengths[1:]), (logp[:, 1:],), np.ones(1)
        )
    assert loss.data[0] == np.inf and not g.data[:, 0].any()
    np.testing.assert_allclose(loss.data[1:], alone.data)
    np.testing.assert_allclose(g.data[:, 1:], g_alone.data)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_zero_infinity(zero_infinity):
    x = minidl.tensor(np.zeros((2, 2, 3), np.float32)).requires_grad_()
    loss = F.ctc_loss(
        x.log_softmax(-1), np.array([[1, 1], [1, 2]]), (2, 2), (2, 2), reduction="none", zero_infinity=zero_infinity
    )
    loss.sum().backward()
    np.testing.assert_allclose(loss.detach().numpy(), [0 if zero_infinity else np.inf, np.log(9)], rtol=1e-6)
    assert not x.grad.numpy()[:, 0].any() and x.grad.numpy()[:, 1].any()


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook"])
def test_impossible_classes(mode):
    """A logarithm of −∞ bars the paths through it, and makes no NaN."""
    with np.errstate(divide="ignore"):
        logp = np.log([[[0.5, 0.5, 0.0]], [[0.25, 0.25, 0.5]]])
    with minidl.mode(mode):
        loss, (g,) = vjp(lambda x: ops.ctc_loss(x, np.array([[2]]), np.array([2]), np.array([1])), (logp,), np.ones(1))
    np.testing.assert_allclose(loss.data, [-np.log(0.25)])  # blank, then 2
    np.testing.assert_allclose(g.data[:, 0], [[-1, 0, 0], [0, 0, -1]], atol=1e-15)


def test_long_sequences_do_not_underflow():
    x = minidl.tensor(np.random.default_rng(0).normal(size=(400, 1, 5)).astype(np.float32)).requires_grad_()
    loss = F.ctc_loss(x.log_softmax(-1), np.arange(60)[None] % 4 + 1, (400,), (60,), reduction="sum")
    loss.backward()
    assert np.exp(-np.float32(loss.item())) == 0  # the probability itself would be 0
    np.testing.assert_allclose(x.grad.numpy().sum(-1), 0, atol=1e-4)  # softmax − shares, two distributions
    assert np.isfinite(loss.item()) and (np.abs(x.grad.numpy()) <= 1).all()


def test_it_trains():
    """A network that may say anything learns to say 1, 2, 1."""
    x = minidl.tensor(np.zeros((6, 1, 3), np.float32)).requires_grad_()
    for _ in range(40):
        x.grad = None
        F.ctc_loss(x.log_softmax(-1), np.array([[1, 2, 1]]), (6,), (3,)).backward()
        with minidl.no_grad():
            x -= 3.0 * x.grad
    assert read(x.detach().numpy()[:, 0].argmax(-1).tolist(), 0) == [1, 2, 1]


def test_targets_padded_in_a_row_or_alone_are_the_same():
    x = np.random.default_rng(0).normal(size=(5, 2, 4))
    padded = F.ctc_loss(x, np.array([[1, 2, 3], [3, 0, 0]]), (5, 4), (3, 1), reduction="none")
    in_a_row = F.ctc_loss(x, [1, 2, 3, 3], [5, 4], [3, 1], reduction="none")
    alone = [F.ctc_loss(x[:, 0], [1, 2, 3], 5, 3, reduction="none"), F.ctc_loss(x[:4, 1], [3], 4, 1, reduction="none")]
    assert padded.tolist() == in_a_row.tolist()
    assert [a.shape for a in alone] == [(), ()]
    np.testing.assert_allclose(padded.numpy(), [a.item() for a in alone])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint64])
def test_labels_and_lengths_of_every_integer_dtype(dtype):
    x = np.random.default_rng(0).normal(size=(3, 2, 4))
    rows, steps, lengths = np.array([[1, 2], [3, 0]]), np.array([3, 2]), np.array([2, 0])
    expected = ops.ctc_loss(x, rows, steps, lengths)
    found = ops.ctc_loss(x, rows.astype(dtype), steps.astype(dtype), lengths.astype(dtype))
    np.testing.assert_array_equal(found, expected)
    assert np.isfinite(found).all()


X = np.zeros((3, 2, 4))
GOOD = np.array([[1, 2], [3, 1]]), np.array([3, 3]), np.array([2, 2])


@pytest.mark.parametrize(
    ("x", "arrays", "blank", "error", "says"),
    [
        (X[0], GOOD, 0, ShapeError, r"log_probs: got shape \(2, 4\)[^$]*steps, batch, classes"),
        (X[:0], GOOD, 0, ShapeError, "at least one step"),
        (X.astype(int), GOOD, 0, DTypeError, "log_probs: got int64"),
        (X, GOOD, 4, ArgumentError, "blank: got 4, expected a class, 0 to 3"),
        (X, GOOD, -1, ArgumentError, "blank: got -1"),
        (X, (GOOD[0] * 1.0, *GOOD[1:]), 0, DTypeError, "targets: got float64"),
        (X, (GOOD[0][:1], *GOOD[1:]), 0, ShapeError, r"targets: got shape \(1, 2\), expected \(2, L\)"),
        (X, (GOOD[0], GOOD[1][:1], GOOD[2]), 0, ShapeError, r"input_lengths: got shape \(1,\), expected \(2,\)"),
        (X, (GOOD[0], np.array([3, 4]), GOOD[2]), 0, LabelError, r"input_lengths: got 4 at position \(1,\)"),
        (X, (GOOD[0], GOOD[1], np.array([3, 2])), 0, LabelError, r"target_lengths: got 3 at position \(0,\)"),
        (X, (np.array([[1, 4], [3, 1]]), *GOOD[1:]), 0, LabelError, r"got 4 at position \(0, 1\)"),
        (X, (np.array([[1, 0], [3, 1]]), *GOOD[1:]), 0, LabelError, r"got the blank, 0, at position \(0, 1\)"),
    ],
)
def test_bad_input(x, arrays, blank, error, says):
    for mode in ("fast", "plain", "textbook"):
        with minidl.mode(mode), pytest.raises(error, match=says):
            ops.ctc_loss(minidl.tensor(x), *arrays, blank=blank)
