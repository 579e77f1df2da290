"""Losses: a number for each place that says how wrong it is; then their mean, their sum, or all of them ("none").

C: classes.  "…": places.
"""

from __future__ import annotations

from math import prod
from typing import Any

from minidl.array import is_float
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.op import fused

from .elementwise import exp
from .index import check_range, put_along_axis, take_along_axis
from .normalize import log_softmax
from .reduce import sum
from .shape import expand, reshape

__all__ = [
    "cross_entropy",
    "mse",
]


@fused(real=True, promotes=False)
def cross_entropy(x: Any, target: Any, *, reduction: str = "mean") -> Any:
    """How many nats the true class comes as a surprise to the scores: −log softmax(x)[target].

    Math: lossₙ = log Σ꜀ e^(xₙ꜀) − xₙ[targetₙ]
    Shapes: x (…, C), target (…) → loss (), or (…) with reduction="none". The classes are the last axis.
    Args:
        x: logits, any real numbers: no softmax before.
        target: integers, 0 … C − 1. It has no gradient.
        reduction: "mean", "sum" or "none". The mean over no places is NaN, as there is none.
    Raises:
        DTypeError: x is not of floats, or target not of integers. ShapeError: target has not x's shape without C.
        LabelError: a target outside 0 … C − 1. ArgumentError: another reduction.
    Derivation: ∂/∂xᵣ log Σ eˣ = e^(xᵣ) / Σ eˣ = softmax(x)ᵣ, and ∂/∂xᵣ x[target] = 1 where r = target, else 0. Hence
        dx = (softmax(x) − onehot(target)) · dloss
        The error of a prediction is its own gradient: the probability given to each class, minus what was true.
    Source: C. M. Bishop, Pattern Recognition and Machine Learning (2006), equations 4.108 and 4.109.
    """
    logp = log_softmax(x)  # (…, C)
    i = target[..., None]  # (…, 1)
    loss = -reshape(take_along_axis(logp, i, axis=-1), shape=target.shape)  # (…)
    return _reduce(loss, reduction), (logp, i)


@cross_entropy.check
def cross_entropy_check(x: Any, target: Any, *, reduction: str) -> None:
    _check_reduction("cross_entropy", reduction)
    if not is_float(x.dtype):
        raise DTypeError(f"cross_entropy: input: got {describe(x)}, expected floats", fix="convert it with .float()")
    if not hasattr(target, "dtype") or target.dtype.kind not in "iu":
        fix = "take target.argmax(-1)" if getattr(target, "shape", ()) == x.shape else "convert it with .long()"
        raise DTypeError(f"cross_entropy: target: got {describe(target)}, expected integer class labels", fix=fix)
    if x.ndim == 0 or target.shape != x.shape[:-1]:
        first = x.ndim > 1 and target.shape == (x.shape[0], *x.shape[2:])
        raise ShapeError(
            f"cross_entropy: input has shape {x.shape}, target {target.shape}, expected {x.shape[:-1]}: "
            "one label for each row of class scores",
            fix="the classes are the last axis here: move axis 1 there" if first else "",
        )
    classes = x.shape[-1]
    check_range(
        f"cross_entropy: target, for {classes} classes",
        target,
        classes,
        "labels count from 0; give the last layer as many outputs as there are classes",
    )


@cross_entropy.backward
def cross_entropy_backward(dy: Any, logp: Any, i: Any, *, reduction: str) -> Any:
    """dx = (softmax(x) − onehot(target)) · dloss"""
    dloss = reshape(_spread(dy, i.shape[:-1], reduction), shape=i.shape)  # (…, 1)
    at_target = put_along_axis(dloss, i, axis=-1, size=logp.shape[-1])  # (…, C): onehot(target) · dloss
    return exp(logp) * dloss - at_target, None  # (…, C)


@fused(real=True)
def mse(x: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The squared error.

    Math: lossₙ = (xₙ − targetₙ)²;  dx = 2 (x − target) · dloss,  dtarget = −dx
    Shapes: x and target (…), of one shape → loss (), or (…) with reduction="none"
    Args:
        reduction: "mean", "sum" or "none". The mean over no places is NaN, as there is none.
    Raises:
        ShapeError: the shapes differ; they do not broadcast, since (N, 1) against (N,) is mostly a mistake.
        ArgumentError: another reduction.
    """
    error = x - target  # (…)
    return _reduce(error * error, reduction), (error,)


@mse.check
def mse_check(x: Any, target: Any, *, reduction: str) -> None:
    _check_reduction("mse", reduction)
    if x.shape != target.shape:
        same = prod(x.shape) == prod(target.shape)
        raise ShapeError(
            f"mse: input has shape {x.shape}, target {target.shape}: they must be equal",
            fix=f"reshape the target: target.reshape({', '.join(map(str, x.shape))})" if same else "",
        )


@mse.backward
def mse_backward(dy: Any, error: Any, *, reduction: str, needs: tuple[bool, ...]) -> Any:
    """dx = 2 (x − target) · dloss;  dtarget = −dx"""
    dx = 2 * error * _spread(dy, error.shape, reduction)  # (…)
    return dx, -dx if needs[1] else None


def _check_reduction(name: str, reduction: str) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"{name}: reduction: got {reduction!r}, expected 'mean', 'sum' or 'none'")


def _reduce(loss: Any, reduction: str) -> Any:
    """One number of all, or all as they are."""
    if reduction == "none":
        return loss
    total = sum(loss)
    return total / prod(loss.shape) if reduction == "mean" else total


def _spread(dy: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """The adjoint of `_reduce`: what each place's loss gets of dy."""
    if reduction == "none":
        return dy
    return expand(dy / prod(shape) if reduction == "mean" else dy, shape=shape)
