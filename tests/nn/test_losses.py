"""Losses as functions and layers: PyTorch's signatures, kinks, extreme inputs, what is ignored, second derivatives."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import ArgumentError
from minidl.functional import grad, vjp
from minidl.nn import functional as F

FUNCTIONS = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "pairwise_distance",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]
LAYERS = sorted(name for name in nn.__all__ if name.endswith("Loss"))


def parameters(function):
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.oracle
@pytest.mark.parametrize("name", [*FUNCTIONS, *LAYERS])
def test_arguments_order_and_defaults_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    ours, theirs = (getattr(m, name) for m in ((F, torch.nn.functional) if name in FUNCTIONS else (nn, torch.nn)))
    if name == "pairwise_distance":  # which has no signature of its own
        assert [p[0] for p in parameters(ours)] == ["x1", "x2", "p", "eps", "keepdim"]
    else:
        assert parameters(ours) == parameters(theirs)


def test_every_layer_has_its_place_in_the_oracle():
    from .configurations import ctc, loss, loss_binary, loss_margin, loss_number

    text = "".join(inspect.getsource(page) for page in (ctc, loss, loss_binary, loss_margin, loss_number))
    assert len(LAYERS) == 21 and all(f"nn.{name}(" in text for name in LAYERS)


# Kinks and ties -------------------------------------------------------------------------------------------------------


def slope(function, x):
    return grad(lambda x: function(x).sum())(np.asarray(x, float)).numpy().tolist()


def test_a_margin_that_is_just_met_has_slope_0():
    one = np.ones(1)
    assert slope(lambda x: F.hinge_embedding_loss(x, -one), [1.0]) == [0]
    assert slope(lambda x: F.margin_ranking_loss(x, 0 * one, one, margin=1.0), [1.0]) == [0]
    assert slope(lambda x: F.multi_margin_loss(x, 0), [1.0, 0.0]) == [0, 0]
    assert slope(lambda x: F.multilabel_margin_loss(x, np.array([0, -1])), [1.0, 0.0]) == [0, 0]
    assert slope(lambda x: F.l1_loss(x, one), [1.0]) == [0]
    assert slope(lambda x: F.smooth_l1_loss(x, one, beta=0.0), [1.0]) == [0]
    assert slope(lambda x: F.cosine_embedding_loss(x, np.array([0.0, 1.0]), -1), [1.0, 0.0]) == [0, 0]


def test_a_vector_of_zeros_has_a_cosine_and_equal_vectors_a_distance():
    assert np.isfinite(slope(lambda x: F.cosine_embedding_loss(x, np.ones(2), 1), [0.0, 0.0])).all()
    assert np.isfinite(slope(lambda x: F.pairwise_distance(x, np.ones(2)), [1.0, 1.0])).all()
    assert slope(lambda x: F.pairwise_distance(x, np.ones(2), eps=0.0), [1.0, 1.0]) == [0, 0]


def test_a_variance_below_eps_is_raised_and_keeps_its_slope():
    loss, (g,) = vjp(
        lambda v: F.gaussian_nll_loss(np.zeros(2), np.full(2, 0.5), v, eps=0.25, reduction="none"),
        (np.array([0.0, 0.25]),),
        np.ones(2),
    )
    np.testing.assert_allclose(loss.numpy(), 0.5 * (np.log(0.25) + 1))
    np.testing.assert_allclose(g.numpy(), 0.5 * (1 / 0.25 - 0.25 / 0.25**2))


# Extreme inputs: no overflow, and no warning, which would fail the test -----------------------------------------------

HUGE = np.array([[1e4, -1e4, 0.0], [-3e4, 3e4, 88.0]], np.float32)
SIGN = np.array([[1, -1, 1], [-1, 1, -1]], np.float32)

EXTREME = {
    "cross_entropy": lambda x: F.cross_entropy(x, np.array([1, 0]), np.ones(3, np.float32), label_smoothing=0.1),
    "cross_entropy of probabilities": lambda x: F.cross_entropy(x, np.full((2, 3), 1 / 3, np.float32)),
    "focal_loss": lambda x: F.focal_loss(x, np.array([1, 1]), gamma=0.5),
    "sigmoid_focal_loss": lambda x: F.sigmoid_focal_loss(x, SIGN > 0, reduction="mean"),
    "bce": lambda x: F.binary_cross_entropy(x.sigmoid(), (SIGN < 0).astype(np.float32)),
    "bce_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, (SIGN < 0).astype(np.float32)),
    "soft_margin_loss": lambda x: F.soft_margin_loss(x, -SIGN),
    "multilabel_soft_margin_loss": lambda x: F.multilabel_soft_margin_loss(x, (SIGN < 0).astype(np.float32)),
    "kl_div": lambda x: F.kl_div(x.log_softmax(1), np.full((2, 3), 1 / 3, np.float32), reduction="batchmean"),
    "huber_loss": lambda x: F.huber_loss(x, SIGN),
    "triplet_margin_loss": lambda x: F.triplet_margin_loss(x, -x, SIGN),
    "cosine_embedding_loss": lambda x: F.cosine_embedding_loss(x, SIGN, np.array([1, -1])),
    "ctc_loss": lambda x: F.ctc_loss(x[:, None].log_softmax(2), [[1]], (2,), (1,)),
}


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_inputs(name):
    x = minidl.tensor(HUGE).requires_grad_()
    loss = EXTREME[name](x)
    loss.backward()
    assert loss.dtype == x.grad.dtype == np.float32
    assert np.isfinite(loss.item()) and np.isfinite(x.grad.numpy()).all()


# Classes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_mean_over_what_is_left_is_nan_where_nothing_is(smoothing):
    x, t = np.zeros((2, 3)), np.full(2, -100)
    assert np.isnan(F.cross_entropy(x, t, label_smoothing=smoothing).item())
    assert np.isnan(F.nll_loss(x, t).item()) and np.isnan(F.focal_loss(x, t).item())
    assert np.isnan(F.cross_entropy(x, np.zeros(2, int), np.array([0.0, 1.0, 1.0])).item())  # weights of 0
    assert F.cross_entropy(x, t, reduction="sum").item() == 0
    assert F.cross_entropy(x, t, reduction="none").tolist() == [0, 0]
    assert slope(lambda x: F.cross_entropy(x, t, reduction="sum"), x) == [[0, 0, 0]] * 2


def test_what_is_ignored_does_not_count_even_where_it_is_impossible():
    x = np.array([[0.0, 0.0], [-np.inf, 0.0]])
    for loss in (F.cross_entropy, F.focal_loss):
        assert loss(x, np.array([1, -100])).item() == pytest.approx(loss(x[:1], np.array([1])).item())


def test_simple_cases_are_the_operation_itself():
    """Nothing to weigh, to smooth or to ignore: one node, for which there is a kernel."""
    x = minidl.tensor(np.zeros((2, 3))).requires_grad_()
    assert F.cross_entropy(x, np.array([0, 1])).grad_fn.operation.name == "cross_entropy"
    assert F.cross_entropy(x, np.array([0, -100])).grad_fn.operation.name != "cross_entropy"
    assert F.mse_loss(x, np.zeros((2, 3))).grad_fn.operation.name == "mse"


def test_one_hot_probabilities_are_class_numbers():
    rng = np.random.default_rng(0)
    x, t, w = rng.normal(size=(4, 3, 2)), rng.integers(0, 3, size=(4, 2)), rng.random(3)
    onehot = np.moveaxis(np.eye(3)[t], -1, 1)
    for how in ({}, {"label_smoothing": 0.2}, {"weight": w, "reduction": "sum"}):
        np.testing.assert_allclose(F.cross_entropy(x, onehot, **how).item(), F.cross_entropy(x, t, **how).item())


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focal_losses_are_their_formulas(gamma):
    rng = np.random.default_rng(1)
    x, t, w = rng.normal(size=(5, 4)), rng.integers(0, 4, size=5), rng.random(4)
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    p = p[np.arange(5), t]
    found = F.focal_loss(x, t, w, gamma=gamma, reduction="none").numpy()
    np.testing.assert_allclose(found, -w[t] * (1 - p) ** gamma * np.log(p))
    if gamma == 0:
        assert F.focal_loss(x, t, w, gamma=0).item() == pytest.approx(F.cross_entropy(x, t, w).item())

    for yes in ((x > 0).astype(float), rng.random((5, 4))):  # the second as torchvision has it for soft targets
        s = 1 / (1 + np.exp(-x))
        surprise = -yes * np.log(s) - (1 - yes) * np.log(1 - s)
        modulation = (1 - (s * yes + (1 - s) * (1 - yes))) ** gamma
        found = F.sigmoid_focal_loss(x, yes, alpha=-1, gamma=gamma)
        np.testing.assert_allclose(found.numpy(), modulation * surprise)
        found = F.sigmoid_focal_loss(x, yes, 0.3, gamma, "sum")
        np.testing.assert_allclose(found.item(), (modulation * surprise * (0.3 * yes + 0.7 * (1 - yes))).sum())


def test_focal_loss_of_two_classes_is_that_of_a_sigmoid():
    x, t = np.random.default_rng(2).normal(size=6), np.array([0, 1, 1, 0, 1, 0])
    two = np.stack([0 * x, x], axis=1)
    np.testing.assert_allclose(
        F.focal_loss(two, t, reduction="none").numpy(), F.sigmoid_focal_loss(x, t, alpha=-1).numpy(), rtol=1e-12
    )


# Weights, dtypes, old arguments ---------------------------------------------------------------------------------------


def test_weights_are_state_and_follow_the_input():
    layer = nn.CrossEntropyLoss(np.array([1.0, 2.0]))
    assert list(layer.state_dict()) == ["weight"] and not list(layer.parameters())
    assert layer(np.zeros((2, 2), np.float32), np.array([0, 1])).dtype == np.float32
    both = nn.BCEWithLogitsLoss(np.ones(2, np.float32), pos_weight=np.ones(2, np.float32))
    assert list(both.state_dict()) == ["weight", "pos_weight"]
    assert nn.BCEWithLogitsLoss().state_dict() == {}
    assert F.binary_cross_entropy_with_logits(*np.zeros((2, 2), np.float32), np.ones(2)).dtype == np.float32


@pytest.mark.parametrize("old", ["size_average", "reduce"])
@pytest.mark.parametrize("name", [*FUNCTIONS, *LAYERS])
def test_deprecated_arguments_are_refused(name, old):
    function = getattr(F, name, None) or getattr(nn, name)
    if old not in inspect.signature(function).parameters:
        return
    inputs = {
        "margin_ranking_loss": [np.ones(2)] * 3,
        "cosine_embedding_loss": [np.ones(2), np.ones(2), np.ones(())],
        "triplet_margin_loss": [np.ones(2)] * 3,
        "multi_margin_loss": [np.ones(2), np.array(0)],
        "multilabel_margin_loss": [np.ones(2), np.array([0, 1])],
    }.get(name, [np.ones((2, 2))] * 2)
    with pytest.raises(ArgumentError, match=rf"{name}: {old}: got bool True[^$]*fix: write reduction="):
        function(*([] if name in LAYERS else inputs), **{old: True})


# Second derivatives of compositions -----------------------------------------------------------------------------------

TWICE = {
    "cross_entropy": lambda x: F.cross_entropy(x, np.array([1, 0]), np.array([1.0, 2.0, 0.5]), label_smoothing=0.1),
    "cross_entropy of probabilities": lambda x: F.cross_entropy(x, x.softmax(1)),
    "focal_loss": lambda x: F.focal_loss(x, np.array([1, -100]), gamma=1.5),
    "sigmoid_focal_loss": lambda x: F.sigmoid_focal_loss(x, (SIGN > 0) * 1.0, reduction="sum"),
    "bce": lambda x: F.binary_cross_entropy(x.sigmoid(), x.softmax(1)),
    "bce_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, x.sigmoid(), pos_weight=np.ones(3) * 2),
    "kl_div": lambda x: F.kl_div(x.log_softmax(1), x.sigmoid(), reduction="batchmean"),
    "huber_loss": lambda x: F.huber_loss(x, 0.1 * SIGN, delta=0.7),
    "gaussian_nll_loss": lambda x: F.gaussian_nll_loss(x, SIGN, x.exp(), full=True),
    "poisson_nll_loss": lambda x: F.poisson_nll_loss(x, x.exp() + 2, full=True),
    "multi_margin_loss": lambda x: F.multi_margin_loss(x, np.array([0, 2]), p=2),
    "triplet_margin_loss": lambda x: F.triplet_margin_loss(x, x * x, x.exp(), margin=5.0),
    "cosine_embedding_loss": lambda x: F.cosine_embedding_loss(x, x.exp(), np.array([1, 1])),
    "ctc_loss": lambda x: F.ctc_loss(x[:, None].log_softmax(2), [[1]], (2,), (1,)),
}


@pytest.mark.parametrize("name", TWICE)
def test_second_derivatives(name):
    rng = np.random.default_rng(5)
    x, v, h = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), 1e-5
    first = grad(TWICE[name])
    _, found = vjp(first, x, v)
    difference = (first(x + h * v).numpy() - first(x - h * v).numpy()) / (2 * h)
    np.testing.assert_allclose(found.numpy(), difference, rtol=1e-6, atol=1e-7)
