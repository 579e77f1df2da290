"""Losses: a number for each place that says how wrong it is; then their mean, their sum, or all of them ("none").

Two are reduced in the operation itself, because a kernel that reduces need not write what it reduces; for the others
`reduced` does it. Here is what has a derivative worth deriving; the losses that are compositions of these stand in
`minidl/nn/functional`.

C: classes.  "…": places.  ℓ: softplus, log(1 + eˣ).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minidl.array import is_float, xp
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.op import fused, primitive

from .activation import softplus
from .analytic import log1p
from .elementwise import clip, exp, log, maximum, sigmoid
from .index import check_range, put_along_axis, take_along_axis
from .normalize import log_softmax
from .reduce import sum
from .shape import expand, reshape

__all__ = [
    "bce",
    "bce_with_logits",
    "cross_entropy",
    "huber",
    "mse",
]

FLOOR = -100.0  # below it a logarithm is cut off, so that one hopeless prediction does not make the whole mean infinite

# Choosing one of many -------------------------------------------------------------------------------------------------


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
    return reduced(loss, reduction), (logp, i)


@cross_entropy.check
def cross_entropy_check(x: Any, target: Any, *, reduction: str) -> None:
    check_reduction("cross_entropy", reduction)
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


# A number -------------------------------------------------------------------------------------------------------------


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
    return reduced(error * error, reduction), (error,)


@mse.check
def mse_check(x: Any, target: Any, *, reduction: str) -> None:
    check_reduction("mse", reduction)
    check_same_shape("mse", x, target)


@mse.backward
def mse_backward(dy: Any, error: Any, *, reduction: str, needs: tuple[bool, ...]) -> Any:
    """dx = 2 (x − target) · dloss;  dtarget = −dx"""
    dx = 2 * error * _spread(dy, error.shape, reduction)  # (…)
    return dx, -dx if needs[1] else None


@primitive(real=True)
def huber(x: Any, *, delta: float = 1.0) -> Any:
    """Half the square of small errors, and of large ones only their size: an outlier pulls with no more than delta.

    Math: y = c · (x − c/2), c = clip(x, −δ, δ): x²/2 for |x| ≤ δ, else δ · (|x| − δ/2);  dx = dy · c
    Args:
        x: the errors. delta: δ > 0, where the parabola goes over into its tangents.
    Raises:
        ArgumentError: delta is not above 0.
    Derivation: inside, (x²/2)' = x; outside, (δ|x|)' = ±δ. Both are c, so the two pieces meet with one slope, and there
        is no kink in the loss; in its slope there are two.
    Source: P. J. Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35 (1964), section 2.
    """
    size = abs(x) if x.dtype.kind != "c" else x * (1 - 2 * (x.real < 0))
    return xp(x).where(size.real <= delta, 0.5 * x * x, delta * (size - 0.5 * delta))


@huber.check
def huber_check(x: Any, *, delta: float) -> None:
    if not delta > 0:
        raise ArgumentError(f"huber: delta: got {describe(delta)}, expected a number above 0")


@huber.vjp("x")
def huber_dx(dy: Any, x: Any, *, delta: float) -> Any:
    return dy * clip(x, low=-delta, high=delta)


# Yes or no ------------------------------------------------------------------------------------------------------------


@primitive(broadcasts=True, real=True)
def bce(x: Any, target: Any) -> Any:
    """The binary cross-entropy of probabilities, each logarithm cut off at −100.

    Math: y = −t log x − (1 − t) log(1 − x);  dx = dy · (x − t) / (x (1 − x)),  dt = dy · (log(1 − x) − log x)
    At x = 0 and x = 1 the divisor is taken as 10⁻¹²: a hopeless prediction has a steep slope, and not the 0 that is
    beyond the cut, so that training can get away from there.
    Args:
        x: probabilities, 0 … 1. target: t, mostly 0 or 1; what is between is a probability itself.
    Raises:
        ArgumentError: an x outside 0 … 1.
    Derivation: −t/x + (1 − t)/(1 − x), over one denominator.
    Source: C. M. Bishop, Pattern Recognition and Machine Learning (2006), equation 4.90.
    """
    yes, no = xp(x).log(x), xp(x).log1p(-x)
    yes, no = (xp(x).where(part.real < FLOOR, FLOOR, part).astype(x.dtype, copy=False) for part in (yes, no))
    return -target * yes - (1 - target) * no


@bce.check
def bce_check(x: Any, target: Any) -> None:
    if isinstance(x, np.ndarray) and ((x.real < 0) | (x.real > 1)).any():  # a look at a GPU's array would wait for it
        first = tuple(int(a) for a in np.argwhere((x.real < 0) | (x.real > 1))[0])
        raise ArgumentError(
            f"bce: input: got {float(x.real[first]):.6g} at position {first}, expected probabilities, from 0 to 1",
            fix="take binary_cross_entropy_with_logits, or put a sigmoid before",
        )


@bce.vjp("x")
def bce_dx(dy: Any, x: Any, target: Any) -> Any:
    return dy * (x - target) / maximum(x * (1 - x), 1e-12)


@bce.vjp("target")
def bce_dtarget(dy: Any, x: Any) -> Any:
    return dy * (maximum(log1p(-x), FLOOR) - maximum(log(x), FLOOR))


@fused(broadcasts=True, real=True)
def bce_with_logits(x: Any, target: Any, pos_weight: Any = None) -> Any:
    """The binary cross-entropy of σ(x), from x itself: nothing is rounded to 0 or 1 on the way, so nothing is cut off.

    Math: y = p t ℓ(−x) + (1 − t) ℓ(x);  ℓ(−x) = −log σ(x),  ℓ(x) = −log(1 − σ(x))
    Shapes: x, target, pos_weight: any that broadcast
    Args:
        x: logits. target: t, mostly 0 or 1. pos_weight: p, how often a yes is counted; None: once.
    Derivation: ℓ' = σ, hence
        dx = dy · ((1 − t) σ(x) − p t σ(−x)), which for p = 1 is dy · (σ(x) − t): the prediction minus what was true
        dt = dy · (p ℓ(−x) − ℓ(x)),  dp = dy · t · ℓ(−x)
        One ℓ would do, as ℓ(x) = x + ℓ(−x); but for large negative x that sum loses the digits of a small loss.
    Source: C. M. Bishop, Pattern Recognition and Machine Learning (2006), equations 4.90 and 4.91.
    """
    yes, no = softplus(-x, threshold=np.inf), softplus(x, threshold=np.inf)  # how surprising each would be
    t = target if pos_weight is None else pos_weight * target
    return t * yes + (1 - target) * no, (x, target, pos_weight, yes, no)


@bce_with_logits.backward
def bce_with_logits_backward(
    dy: Any, x: Any, target: Any, pos_weight: Any, yes: Any, no: Any, *, needs: tuple[bool, ...]
) -> Any:
    """dx = (σ(x) − t) · dy, if every yes counts once"""
    once = pos_weight is None
    slope = sigmoid(x) - target if once else (1 - target) * sigmoid(x) - pos_weight * target * sigmoid(-x)
    dtarget = dy * ((yes if once else pos_weight * yes) - no) if needs[1] else None
    return dy * slope, dtarget, dy * target * yes if needs[2] else None


# What all share -------------------------------------------------------------------------------------------------------


def check_reduction(name: str, reduction: str) -> None:
    """A reduction that there is; else an error."""
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"{name}: reduction: got {reduction!r}, expected 'mean', 'sum' or 'none'")


def check_same_shape(name: str, x: Any, target: Any) -> None:
    """Input and target of one shape; else an error, for (N, 1) against (N,) would quietly become (N, N)."""
    if x.shape != target.shape:
        same = prod(x.shape) == prod(target.shape)
        raise ShapeError(
            f"{name}: input has shape {x.shape}, target {target.shape}: they must be equal",
            fix=f"reshape the target: target.reshape({', '.join(map(str, x.shape))})" if same else "",
        )


def reduced(loss: Any, reduction: str, weight: Any = None) -> Any:
    """One number of all, or all as they are. The mean divides by how many there are, or by the sum of `weight`."""
    if reduction == "none":
        return loss
    total = sum(loss)
    if reduction == "sum":
        return total
    return total / (prod(loss.shape) if weight is None else sum(weight))


def _spread(dy: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """The adjoint of `reduced`: what each place's loss gets of dy."""
    if reduction == "none":
        return dy
    return expand(dy / prod(shape) if reduction == "mean" else dy, shape=shape)
