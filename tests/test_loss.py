"""Losses beyond the samples: extreme logits, empty batches, and what they say about bad labels."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import ops
from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError
from minidl.functional import vjp

each_mode = pytest.mark.parametrize("mode", ["fast", "plain", "textbook", "reference"])


@each_mode
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits_keep_their_digits(mode, dtype):
    """Only differences of logits count, so an offset of ±10⁴ may cost nothing but the rounding of the logits."""
    small = np.array([[0.0, -1.0, -2.5], [0.0, 0.0, -8.0], [-3.0, 0.0, 0.0]])
    target = np.array([0, 1, 0])
    expected = np.log(np.exp(small).sum(axis=1)) - small[np.arange(3), target]
    probability = np.exp(small) / np.exp(small).sum(axis=1, keepdims=True)
    onehot = np.eye(3)[target]
    for offset in (0.0, 1e4, -1e4):
        x = (small + offset).astype(dtype)  # exact: these differences are multiples of 2⁻¹
        with minidl.mode(mode):
            y, (g,) = vjp(lambda x: ops.cross_entropy(x, target, reduction="none"), (x,), np.ones(3, dtype))
        close = {"rtol": 20 * np.finfo(dtype).eps, "atol": 2 * np.finfo(dtype).eps}
        if mode == "reference":  # log Σ eˣ as it is defined keeps the digits of the largest logit
            close = {"rtol": 1e-6 if dtype == np.float32 else 1e-11}
        np.testing.assert_allclose(y.data, expected, **close)
        np.testing.assert_allclose(g.data, probability - onehot, **close)


@pytest.mark.parametrize("mode", ["fast", "plain"])
@pytest.mark.parametrize("axis", [0, 1])
def test_log_softmax_of_extreme_logits_keeps_its_digits(mode, axis):
    small = np.array([[0.0, -1.0, -2.5], [0.0, 0.0, -8.0], [-3.0, 0.0, 0.0]])
    expected = small - np.log(np.exp(small).sum(axis=axis, keepdims=True))
    for offset in (1e4, -1e4):
        with minidl.mode(mode):
            y = ops.log_softmax((small + offset).astype(np.float32), axis=axis)
        np.testing.assert_allclose(y, expected, rtol=2e-6)


@each_mode
def test_a_hopeless_and_a_certain_prediction(mode):
    x = np.array([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]], np.float32)
    target = np.array([1, 0])
    with minidl.mode(mode):
        y, (g,) = vjp(lambda x: ops.cross_entropy(x, target, reduction="none"), (x,), np.ones(2, np.float32))
    np.testing.assert_array_equal(y.data, [2e4, 0])
    np.testing.assert_array_equal(g.data, [[1, -1, 0], [0, 0, 0]])


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook"])
def test_impossible_classes_have_probability_zero(mode):
    x = np.array([[0.0, -np.inf, 0.0]])
    with minidl.mode(mode):
        y, (g,) = vjp(lambda x: ops.cross_entropy(x, np.array([0])), (x,), np.array(1.0))
    np.testing.assert_allclose(y.data, np.log(2))
    np.testing.assert_allclose(g.data, [[-0.5, 0, 0.5]])


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook"])
@pytest.mark.parametrize("classes", [3, 5000])
def test_nan_logits_give_a_nan_loss(mode, classes):
    x = np.zeros((2, classes))
    x[0, -1] = np.nan
    with minidl.mode(mode):
        y = ops.cross_entropy(x, np.array([0, 0]), reduction="none")
    assert np.isnan(y).tolist() == [True, False]


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook"])
@pytest.mark.parametrize(("reduction", "expected"), [("sum", 0.0), ("mean", np.nan), ("none", np.zeros(0))])
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_an_empty_batch(mode, loss, reduction, expected):
    """Nothing adds up to 0, has no mean, and passes back nothing; without a warning."""
    x = np.zeros((0, 4), np.float32)
    target = np.zeros(0, int) if loss == "cross_entropy" else x
    with minidl.mode(mode):
        v = np.zeros((0, 4)[: 1 + (loss == "mse")] if reduction == "none" else (), np.float32)
        y, (g,) = vjp(lambda x: getattr(ops, loss)(x, target, reduction=reduction), (x,), v)
    np.testing.assert_array_equal(y.data, np.broadcast_to(np.float32(0) + expected, v.shape) if v.ndim == 0 else v)
    assert y.dtype == g.dtype == np.float32
    assert g.shape == (0, 4)


@each_mode
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint64])
def test_labels_of_every_integer_dtype(mode, dtype):
    x = np.arange(12.0).reshape(3, 4)
    with minidl.mode(mode):
        found = ops.cross_entropy(x, np.array([0, 3, 1], dtype))
    np.testing.assert_allclose(found, ops.cross_entropy(x, np.array([0, 3, 1])))


X = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("x", "target", "error", "says"),
    [
        (X, np.array([0, 3]), LabelError, r"3 classes: got 3 at position \(1,\) \(1 of 2 outside\), expected 0 to 2"),
        (X, np.array([-1, 3]), LabelError, r"got -1 at position \(0,\) \(2 of 2 outside\)"),
        (X[None], np.array([[1, 7]]), LabelError, r"got 7 at position \(0, 1\)[^$]*fix: labels count from 0"),
        (X, np.array([0.0, 1.0]), DTypeError, r"target: got float64 \(2,\)[^$]*fix: convert it with .long\(\)"),
        (X, X, DTypeError, r"expected integer class labels[^$]*fix: take target.argmax\(-1\)"),
        (X.astype(int), np.array([0, 1]), DTypeError, r"input: got int64 \(2, 3\), expected floats"),
        (X, np.array([0, 1, 2]), ShapeError, r"input has shape \(2, 3\), target \(3,\), expected \(2,\)"),
        (np.zeros((2, 3, 4)), np.zeros((2, 4), int), ShapeError, "the classes are the last axis here: move axis 1"),
        (np.zeros(()), np.zeros((), int), ShapeError, "one label for each row"),
    ],
)
def test_cross_entropy_says_what_is_wrong_with_its_inputs(x, target, error, says):
    for mode in ("fast", "plain", "textbook"):
        with minidl.mode(mode), pytest.raises(error, match=says):
            ops.cross_entropy(minidl.tensor(x), minidl.tensor(target))


def test_mse_does_not_broadcast():
    with pytest.raises(
        ShapeError, match=r"\(3, 1\), target \(3,\)[^$]*fix: reshape the target: target.reshape\(3, 1\)"
    ):
        ops.mse(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ShapeError, match="must be equal"):
        ops.mse(np.zeros((3, 1)), np.zeros((3, 4)))


@pytest.mark.parametrize("operation", [ops.cross_entropy, ops.mse])
def test_an_unknown_reduction(operation):
    with pytest.raises(ArgumentError, match="reduction: got 'avg', expected 'mean', 'sum' or 'none'"):
        operation(X, X, reduction="avg")


# Numbers, yes and no --------------------------------------------------------------------------------------------------


@each_mode
def test_huber_at_its_seams(mode):
    """The parabola meets its tangents without a kink; infinite errors pull like any other outlier."""
    x = np.array([-np.inf, -2.0, -0.5, 0.0, 0.5, 2.0, np.inf])
    with minidl.mode(mode):
        y, (g,) = vjp(lambda x: ops.huber(x, delta=0.5), (x,), np.ones(7))
    np.testing.assert_allclose(y.data, [np.inf, 0.875, 0.125, 0, 0.125, 0.875, np.inf])
    np.testing.assert_array_equal(g.data, [-0.5, -0.5, -0.5, 0, 0.5, 0.5, 0.5])


@each_mode
def test_bce_of_certain_predictions(mode):
    """A logarithm is cut off at −100, a slope at 10¹²; a wrong certainty can be unlearned, a right one has slope 0."""
    x, t = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])
    with minidl.mode(mode):
        y, (dx, dt) = vjp(ops.bce, (x, t), np.ones(4))
    np.testing.assert_array_equal(y.data, [100, 100, 0, 0])
    np.testing.assert_array_equal(dx.data, [-1e12, 1e12, 0, 0])
    np.testing.assert_array_equal(dt.data, [100, -100, 100, -100])


@each_mode
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bce_with_logits_keeps_its_digits(mode, dtype):
    """Where σ rounds to 0 or 1, the surprise is still |x|, or still e^−|x|."""
    x = np.array([1000.0, -1000.0, 60.0, -60.0], dtype)
    t = np.array([0.0, 1.0, 1.0, 0.0], dtype)
    with minidl.mode(mode):
        y, (g,) = vjp(lambda x: ops.bce_with_logits(x, t), (x,), np.ones(4, dtype))
    np.testing.assert_allclose(y.data, [1000, 1000, np.exp(-60), np.exp(-60)], rtol=1e-6)
    np.testing.assert_allclose(g.data, [1, -1, 0, 0], atol=1e-6)


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook"])
def test_bce_passes_nan_on_and_refuses_what_is_no_probability(mode):
    with minidl.mode(mode):
        assert np.isnan(ops.bce(np.array([np.nan, 0.5]), np.ones(2))).tolist() == [True, False]
        with pytest.raises(ArgumentError, match=r"got 1.5 at position \(1,\), expected probabilities[^$]*with_logits"):
            ops.bce(np.array([0.5, 1.5]), np.ones(2))


def test_huber_without_a_delta():
    with pytest.raises(ArgumentError, match="delta: got int 0, expected a number above 0"):
        ops.huber(X, delta=0)
