"""Losses of yes or no: each place a question of its own."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.errors import ShapeError
from minidl.tensor import as_tensor, raw

from .loss import check_gamma
from .reduction import finish, same_shape, weighted

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "sigmoid_focal_loss",
]


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """−t log(input) − (1 − t) log(1 − input), each logarithm cut off at −100.

    Shapes: input of probabilities and target (…), of one shape; weight, a constant, broadcasts to it.
    Raises:
        ShapeError: the shapes do not fit. ArgumentError: an input outside 0 … 1.
    """
    x, t = as_tensor(input), as_tensor(target)
    same_shape("binary_cross_entropy", x, t)
    loss = weighted("binary_cross_entropy", ops.bce(x, t), weight)
    return finish("binary_cross_entropy", loss, reduction, size_average, reduce)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """The binary cross-entropy of sigmoid(input), with all digits however large the input.

    Math: −p t log σ(x) − (1 − t) log(1 − σ(x))
    Shapes: input of logits and target (…), of one shape; weight and pos_weight, constants, broadcast to it.
    Args:
        pos_weight: p, how often a yes counts.
    Raises:
        ShapeError: the shapes do not fit.
    """
    name = "binary_cross_entropy_with_logits"
    x, t = as_tensor(input), as_tensor(target)
    same_shape(name, x, t)
    p: Any = None if pos_weight is None else raw(pos_weight).astype(x.dtype, copy=False)
    loss = ops.bce_with_logits(x, t, p)
    if loss.shape != x.shape:
        raise ShapeError(f"{name}: pos_weight: got shape {p.shape}, expected one that broadcasts to {x.shape}")
    return finish(name, weighted(name, loss, weight), reduction, size_average, reduce)


def sigmoid_focal_loss(
    inputs: Any, targets: Any, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "none"
) -> Any:
    """The binary cross-entropy of sigmoid(inputs), where what is already predicted well counts less.

    Math: −αₜ (1 − pₜ)^γ log pₜ, with pₜ the probability given to the truth, and αₜ = α for a yes, 1 − α for a no
    Shapes: inputs of logits and targets (…), of one shape
    Args:
        alpha: from 0 to 1; below 0, both count alike. gamma: from 0 on; 0 is the cross-entropy.
    Source: T.-Y. Lin et al., Focal loss for dense object detection, ICCV 2017, equation 5; name and arguments are
        torchvision's.
    """
    name = "sigmoid_focal_loss"
    check_gamma(name, gamma)
    x, t = as_tensor(inputs), as_tensor(targets)
    same_shape(name, x, t)
    surprise = ops.bce_with_logits(x, t)
    yes = ops.exp(-ops.softplus(-x, threshold=float("inf")))  # σ(x), and then 1 − σ(x), with all digits of both
    no = ops.exp(-ops.softplus(x, threshold=float("inf")))
    loss = surprise * (yes * (1 - t) + no * t) ** gamma
    if alpha >= 0:
        loss = loss * (alpha * t + (1 - alpha) * (1 - t))
    return finish(name, loss, reduction)
