"""Losses with a margin: what is on the right side by enough costs nothing.

Where a margin is just met, there is a kink, and its slope is taken as 0, which is that of what costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl import ops
from minidl.array import xp
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.ops.index import check_range
from minidl.tensor import as_tensor

from .distance import pairwise_distance
from .reduction import check_reduction, class_weight, finish, same_shape, weighted

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

# One score ------------------------------------------------------------------------------------------------------------


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """For distances: the input itself where the target is 1 (be near), max(0, margin − input) where it is −1 (be far).

    Shapes: input and target broadcast. A target that is neither gets the sum of both, as in PyTorch.
    """
    x, t = as_tensor(input), as_tensor(target)
    near = ops.where(t.data == -1, 0.0, x)
    far = ops.where(t.data == 1, 0.0, ops.relu(margin - x))
    return finish("hinge_embedding_loss", near + far, reduction, size_average, reduce)


def soft_margin_loss(
    input: Any, target: Any, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Any:
    """log(1 + e^(−target · input)), for targets 1 and −1: a margin without a corner, and without overflow.

    Shapes: input and target broadcast
    """
    z = as_tensor(target) * as_tensor(input)
    loss = ops.softplus(-z, threshold=float("inf"))
    return finish("soft_margin_loss", loss, reduction, size_average, reduce)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """max(0, margin − target · (input1 − input2)): the first is to rank higher where the target is 1, lower where −1.

    Shapes: the three broadcast, and have equally many axes
    Raises:
        ShapeError: they have not.
    """
    x1, x2, t = as_tensor(input1), as_tensor(input2), as_tensor(target)
    if not x1.ndim == x2.ndim == t.ndim:
        raise ShapeError(
            f"margin_ranking_loss: got input1 {x1.shape}, input2 {x2.shape} and target {t.shape}, expected "
            "equally many axes",
            fix="reshape the target to the inputs' shape",
        )
    return finish("margin_ranking_loss", ops.relu(margin - t * (x1 - x2)), reduction, size_average, reduce)


# A score for each class -----------------------------------------------------------------------------------------------


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """Σ max(0, margin − x[target] + x꜀)ᵖ / C over the other classes: the right score is to lead by a margin.

    Shapes: input (N, C) and target (N,) of class numbers; or (C,) and ()
    Args:
        p: 1 or 2. weight: (C,), how much a target of each class counts; a constant.
    Raises:
        ShapeError, DTypeError, LabelError: the target has another shape, is not of integers, or names no class.
        ArgumentError: another p.
    Source: K. Crammer, Y. Singer, On the algorithmic implementation of multiclass kernel-based vector machines,
        JMLR 2 (2001), 265–292, whose maximum over the classes is a sum here.
    """
    name = "multi_margin_loss"
    if p not in (1, 2):
        raise ArgumentError(f"{name}: p: got {describe(p)}, expected 1 or 2")
    x, t = as_tensor(input), as_tensor(target)
    if x.ndim not in (1, 2) or t.shape not in [x.shape[:-1], *[(1,)] * (x.ndim == 1)]:
        raise ShapeError(
            f"{name}: got input {x.shape} and target {t.shape}, expected (N, C) and (N,), or (C,) and ()",
            fix="class numbers, not one-hot rows: target.argmax(1)" if t.shape == x.shape else "",
        )
    _check_integers(name, t)
    rows, classes = ops.reshape(x, shape=(-1, x.shape[-1])) if x.ndim == 1 else x, x.shape[-1]
    i = t.data.reshape(-1, 1)  # (N, 1)
    check_range(f"{name}: target, for {classes} classes", t.data, classes, "labels count from 0")
    short = ops.relu(margin - ops.take_along_axis(rows, i, axis=1) + rows)  # (N, C)
    short = short if p == 1 else short * short
    w = class_weight(name, weight, x, classes)
    short = short if w is None else short * w[i]
    loss = ops.sum(ops.where(i == xp(i).arange(classes), 0.0, short), axis=1) / classes  # (N,)
    return finish(name, ops.reshape(loss, shape=t.shape), reduction, size_average, reduce)


def multilabel_margin_loss(
    input: Any, target: Any, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Any:
    """Σ max(0, 1 − (xᵢ − xⱼ)) / C over the classes i that are targets and those j that are not.

    Shapes: input (N, C) or (C,); target of its shape: class numbers, up to the first that is negative
    Raises:
        ShapeError, DTypeError, LabelError: the target has another shape, is not of integers, or names no class.
    """
    name = "multilabel_margin_loss"
    x, t = as_tensor(input), as_tensor(target)
    if x.ndim not in (1, 2):
        raise ShapeError(f"{name}: input: got shape {x.shape}, expected (N, C) or (C,)")
    same_shape(name, x, t)
    _check_integers(name, t)
    module, classes = xp(t.data), x.shape[-1]
    counts = module.cumprod(t.data >= 0, axis=-1).astype(bool)  # (…, C): what stands before the first negative one
    i = module.where(counts, t.data, 0)
    check_range(
        f"{name}: target, for {classes} classes", i, classes, "labels count from 0, and a negative one ends them"
    )
    named = counts[..., None] & (i[..., None] == module.arange(classes))  # (…, C, C): place, class
    others = ~named.any(axis=-2)  # (…, C)
    lead = ops.unsqueeze(ops.take_along_axis(x, i, axis=-1), axis=-1) - ops.unsqueeze(x, axis=-2)  # (…, C, C)
    pairs = counts[..., None] & others[..., None, :]
    loss = ops.sum(ops.where(pairs, ops.relu(1 - lead), 0.0), axis=(-2, -1)) / classes  # (…)
    return finish(name, loss, reduction, size_average, reduce)


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """The mean over the classes of the binary cross-entropy of sigmoid(input): each class is a question of its own.

    Shapes: input of logits (…, C); target and weight broadcast to it
    """
    name = "multilabel_soft_margin_loss"
    loss = weighted(name, ops.bce_with_logits(as_tensor(input), as_tensor(target)), weight)  # (…, C)
    return finish(name, ops.mean(loss, axis=-1), reduction, size_average, reduce)


# Vectors --------------------------------------------------------------------------------------------------------------


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """1 − cos(input1, input2) where the target is 1 (be alike), max(0, cos − margin) where it is −1 (be not).

    Shapes: inputs (N, D), one of which may have size 1, and target (N,); or (D,) and ()
    Raises:
        ShapeError: others. Where the target is neither 1 nor −1 the loss is 0.
    """
    name = "cosine_embedding_loss"
    x1, x2, t = as_tensor(input1), as_tensor(input2), as_tensor(target)
    if t.ndim > 1 or not x1.ndim == x2.ndim == t.ndim + 1:
        raise ShapeError(
            f"{name}: got input1 {x1.shape}, input2 {x2.shape} and target {t.shape}, expected (N, D), (N, D) and (N,), "
            "or (D,), (D,) and ()",
            fix="give one target, 1 or -1, for each pair of vectors",
        )
    eps = 1e-12  # as in PyTorch: a vector of zeros has the cosine 0, and a slope
    squares = (ops.sum(x1 * x1, axis=-1) + eps) * (ops.sum(x2 * x2, axis=-1) + eps)
    cos = ops.sum(x1 * x2, axis=-1) / ops.sqrt(squares)  # (N,)
    loss = ops.where(t.data == 1, 1 - cos, 0.0) + ops.where(t.data == -1, ops.relu(cos - margin), 0.0)
    return finish(name, loss, reduction, size_average, reduce)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) − d(anchor, negative) + margin), with d the distance in the p-norm.

    Shapes: the three (…, D), or what broadcasts to it with as many axes → (…)
    Args:
        margin: above 0. eps: added to the differences, see `pairwise_distance`.
        swap: where the positive is nearer to the negative than the anchor is, let it take the anchor's part.
    Raises:
        ShapeError: they have not equally many axes. ArgumentError: the margin is not above 0.
    Source: V. Balntas et al., Learning local feature descriptors with triplets, BMVC 2016, section 2.1 (swap).
    """

    def distance(a: Any, b: Any) -> Any:
        return pairwise_distance(a, b, p, eps)

    check_reduction("triplet_margin_loss", reduction, size_average, reduce)
    return _triplet("triplet_margin_loss", anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The same with any distance, from two tensors to one distance for each pair; `pairwise_distance` by default."""
    name, distance = "triplet_margin_with_distance_loss", distance_function or pairwise_distance
    return _triplet(name, anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(
    name: str, anchor: Any, positive: Any, negative: Any, distance: Any, margin: float, swap: bool, reduction: str
) -> Any:
    check_margin(name, margin)
    a, near, far = as_tensor(anchor), as_tensor(positive), as_tensor(negative)
    if not a.ndim == near.ndim == far.ndim:
        raise ShapeError(
            f"{name}: got anchor {a.shape}, positive {near.shape} and negative {far.shape}, expected equally many axes",
            fix="give a missing axis the size 1: tensor.unsqueeze(0)",
        )
    to_far = distance(a, far)
    if swap:
        to_far = ops.minimum(to_far, distance(near, far))
    return finish(name, ops.relu(margin + distance(a, near) - to_far), reduction)


def check_margin(name: str, margin: float) -> None:
    """A margin above 0; without one, all points in one place would be a solution."""
    if not margin > 0:
        raise ArgumentError(f"{name}: margin: got {describe(margin)}, expected a number above 0")


def _check_integers(name: str, target: Any) -> None:
    if target.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: target: got {describe(target)}, expected integer class labels", fix="convert it with .long()"
        )
