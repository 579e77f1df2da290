"""Losses of classes: one of many, or a distribution over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import ops
from minidl.array import is_array, is_float, xp
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.ops.index import check_range
from minidl.tensor import as_tensor

from .reduction import check_reduction, class_weight, finish

__all__ = [
    "cross_entropy",
    "focal_loss",
    "kl_div",
    "nll_loss",
]


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """−log softmax(input)[target]: how unlikely the right classes are.

    Math: −Σ꜀ w꜀ t꜀ log softmax(input)꜀, with t the one-hot target, or the probabilities given; smoothed by ε,
        t ← (1 − ε) t + ε/C
    Shapes: input (N, C), (N, C, d₁, …) or (C,) of logits; target of class numbers, without the axis C; or of floats,
        of the input's shape: the probability of each class.
    Args:
        weight: (C,), how much each class counts; a constant. The mean is then Σ loss / Σ weight[target].
        ignore_index: the class number that stands for a place without loss. The mean over no places is NaN.
        reduction: `"mean"`, `"sum"`, or `"none"` for one loss per target.
        label_smoothing: ε, from 0 to 1.
    Raises:
        ShapeError, DTypeError, LabelError: the target has another shape, is not of integers, or names no class.
        ArgumentError: ε is not from 0 to 1, or an ignore_index from 0 on is given with probabilities.
    Source: C. Szegedy et al., Rethinking the inception architecture, CVPR 2016, section 7 (smoothing).
    """
    name = "cross_entropy"
    check_reduction(name, reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"{name}: label_smoothing: got {describe(label_smoothing)}, expected a number from 0 to 1")
    x, t = as_tensor(input), as_tensor(target)
    if t.shape == x.shape and is_float(t.dtype) and x.ndim:
        return _of_probabilities(name, x, t, weight, ignore_index, reduction, label_smoothing)
    x = _classes_last(name, x, t)
    if weight is None and label_smoothing == 0 and _none_is(t.data, ignore_index):
        return ops.cross_entropy(x, t, reduction=reduction)
    kept, i, w = _chosen(name, x, t, weight, ignore_index)
    logp = ops.log_softmax(x)  # (N, …, C)
    loss = _at(logp, i, kept) * -w  # (N, …)
    if label_smoothing:
        each = logp if weight is None else logp * class_weight(name, weight, x, x.shape[-1])
        each = ops.where(kept, ops.sum(each, axis=-1), 0.0)
        loss = (1 - label_smoothing) * loss - (label_smoothing / x.shape[-1]) * each
    return finish(name, loss, reduction, weight=w)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """−input[target], for an input of log-probabilities: behind a log_softmax, the cross-entropy.

    Shapes, Args, Raises: as for `cross_entropy`, but the target is of class numbers only.
    """
    check_reduction("nll_loss", reduction, size_average, reduce)
    x, t = as_tensor(input), as_tensor(target)
    x = _classes_last("nll_loss", x, t)
    kept, i, w = _chosen("nll_loss", x, t, weight, ignore_index)
    return finish("nll_loss", _at(x, i, kept) * -w, reduction, weight=w)


def focal_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    gamma: float = 2.0,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """The cross-entropy of softmax(input), where what is already predicted well counts less.

    Math: −w (1 − p)^γ log p, with p the probability of the target. 1 − p is the sum of the other probabilities, in
        logarithms, so that it keeps its digits where p is nearly 1.
    Shapes, Args, Raises: as for `cross_entropy`; gamma from 0 on, 0 being the cross-entropy itself.
    Source: T.-Y. Lin et al., Focal loss for dense object detection, ICCV 2017, equation 5.
    """
    check_gamma("focal_loss", gamma)
    check_reduction("focal_loss", reduction)
    x, t = as_tensor(input), as_tensor(target)
    x = _classes_last("focal_loss", x, t)
    kept, i, w = _chosen("focal_loss", x, t, weight, ignore_index)
    logp = ops.log_softmax(x)  # (N, …, C)
    loss = _at(logp, i, kept) * -w  # (N, …)
    if gamma:
        chosen = ops.unsqueeze(i, axis=-1) == xp(x.data).arange(x.shape[-1])  # (N, …, C)
        loss = loss * ops.exp(gamma * ops.logsumexp(ops.where(chosen, -float("inf"), logp), axis=-1))
    return finish("focal_loss", loss, reduction, weight=w)


def _classes_last(name: str, x: Any, t: Any) -> Any:
    """(N, C, d₁, …) → (N, d₁, …, C), after a look at whether the target fits."""
    expected = x.shape[:1] * (x.ndim > 1) + x.shape[2:]
    if x.ndim == 0 or t.shape != expected:
        if x.ndim == 0:
            fix = "give it a score for each class: (N, C)"
        elif t.shape == x.shape:
            fix = "class numbers, not one-hot rows: target.argmax(1); or probabilities, in floats"
        elif t.shape == x.shape[:-1]:
            fix = f"the classes are axis 1: input.transpose(1, {x.ndim - 1})"
        elif t.ndim > 1 and t.shape == (*expected, 1):
            fix = "drop the target's last axis: target.squeeze(-1)"
        elif t.ndim > 1 and t.shape == (*expected[:1], 1, *expected[1:]):
            fix = "drop the target's axis 1: target.squeeze(1)"
        else:
            fix = f"give one class number for each place of the input: {expected}"
        raise ShapeError(
            f"{name}: got input {x.shape} and target {t.shape}, expected (N, C, …) and (N, …): the target "
            "has no class axis",
            fix=fix,
        )
    if not is_float(x.dtype):
        raise DTypeError(f"{name}: input: got {describe(x)}, expected floats", fix="convert it with .float()")
    if t.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: target: got {describe(t)}, expected integer class labels", fix="convert it with .long()"
        )
    return x if x.ndim < 3 else ops.transpose(x, axes=(0, *range(2, x.ndim), 1))


def _none_is(t: Any, ignore_index: int) -> bool:
    """Whether no target is to be ignored. On a GPU the look would wait for the device, so there one may be."""
    return isinstance(t, np.ndarray) and not (t == ignore_index).any()


def _chosen(name: str, x: Any, t: Any, weight: Any, ignore_index: int) -> tuple[Any, Any, Any]:
    """Which places count, the class of each, and its weight, the two 0 where it does not count. Constants, (N, …)."""
    classes = x.shape[-1]
    kept = t != ignore_index
    i = ops.where(kept, t, 0)
    if is_array(i.data):  # within vmap there are no values to look at
        fix = f"labels count from 0; ignored ones are {ignore_index}"
        check_range(f"{name}: target, for {classes} classes", i.data, classes, fix)
    w = class_weight(name, weight, x, classes)
    if w is None:
        return kept, i, kept.to(dtype=x.dtype)
    each = ops.embedding(w.reshape(classes, 1), i)  # (N, …, 1)
    return kept, i, ops.where(kept, ops.squeeze(each, axis=-1), 0.0)


def _at(logp: Any, i: Any, kept: Any) -> Any:
    """logp[…, i] where that counts, else 0: (…, C) → (…)."""
    at_i = ops.take_along_axis(logp, ops.unsqueeze(i, axis=-1), axis=-1)  # (…, 1)
    return ops.where(kept, ops.squeeze(at_i, axis=-1), 0.0)


def _of_probabilities(name: str, x: Any, t: Any, weight: Any, ignored: int, reduction: str, smoothing: float) -> Any:
    """Cross-entropy, where the target is a distribution over the classes: −Σ w t log softmax(x)."""
    if ignored >= 0:
        raise ArgumentError(
            f"{name}: ignore_index: got {ignored} with a target of probabilities, which names no class",
            fix="leave it out, or give class numbers",
        )
    axis = min(1, x.ndim - 1)
    classes = x.shape[axis]
    w = class_weight(name, weight, x, classes)
    if smoothing:
        t = (1 - smoothing) * t + smoothing / classes
    if w is not None:
        t = t * w.reshape(-1, *[1] * (x.ndim - 1 - axis))  # (C, 1, …)
    return finish(name, -ops.sum(ops.log_softmax(x, axis=axis) * t, axis=axis), reduction)


def kl_div(
    input: Any,
    target: Any,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """t · (log t − input): summed, the divergence of the input, of log-probabilities, from the target.

    Shapes: input and target broadcast
    Args:
        reduction: `"batchmean"` is the sum over the size of axis 0, which is what mathematics means; `"mean"` divides
            by all places.
        log_target: the target is of log-probabilities too.
    A target of 0 has the loss 0, and no derivative by itself, where 0 is taken.
    """
    x, t = as_tensor(input), as_tensor(target)
    if log_target:
        loss = ops.exp(t) * (t - x)
    else:
        loss = t * (ops.log(ops.where(t.data == 0, 1.0, t)) - x)
    if reduction != "batchmean":
        return finish("kl_div", loss, reduction, size_average, reduce)
    total = finish("kl_div", loss, "sum", size_average, reduce)
    return total / x.shape[0] if x.ndim else total


def check_gamma(name: str, gamma: float) -> None:
    """A focus from 0 on; 0 is none."""
    if not gamma >= 0:
        raise ArgumentError(f"{name}: gamma: got {describe(gamma)}, expected a number from 0 on")
