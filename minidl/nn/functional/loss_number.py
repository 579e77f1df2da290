"""Losses of numbers: how far the input is from the target, or how unlikely the target is under it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl import ops
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import as_tensor

from .reduction import check_reduction, finish, same_shape

__all__ = [
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


def l1_loss(
    input: Any,
    target: Any,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """|input − target|, of one shape; its slope at 0 is taken as 0.

    Args:
        weight: of the input's shape, how much each place counts; the mean is then Σ weight · loss / Σ weight.
    """
    x, t, w = _fitting("l1_loss", input, target, weight)
    loss = ops.abs(x - t)
    return finish("l1_loss", loss if w is None else loss * w, reduction, size_average, reduce, weight=w)


def mse_loss(
    input: Any,
    target: Any,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """(input − target)², of one shape; its mean, its sum, or (`"none"`) each.

    Args:
        weight: as for `l1_loss`.
    """
    check_reduction("mse_loss", reduction, size_average, reduce)
    if weight is None:
        return ops.mse(as_tensor(input), target, reduction=reduction)
    x, t, w = _fitting("mse_loss", input, target, weight)
    return finish("mse_loss", ops.mse(x, t, reduction="none") * w, reduction, weight=w)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """|e| − β/2 for errors e = input − target beyond β, and e²/2β for smaller ones: Huber's loss over β.

    Args:
        beta: from 0 on; for 0 it is `l1_loss`.
    Source: R. Girshick, Fast R-CNN, ICCV 2015, equation 3.
    """
    if not beta >= 0:
        raise ArgumentError(f"smooth_l1_loss: beta: got {describe(beta)}, expected a number from 0 on")
    x, t, _ = _fitting("smooth_l1_loss", input, target)
    loss = ops.huber(x - t, delta=beta) / beta if beta else ops.abs(x - t)
    return finish("smooth_l1_loss", loss, reduction, size_average, reduce)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """e²/2 for errors e = input − target up to δ, and δ · (|e| − δ/2) beyond.

    Args:
        delta: above 0. weight: of the input's shape; the mean divides by the number of places all the same, as
            PyTorch's does here.
    """
    x, t, w = _fitting("huber_loss", input, target, weight)
    loss = ops.huber(x - t, delta=delta)
    return finish("huber_loss", loss if w is None else loss * w, reduction)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: None = None,
    eps: float = 1e-8,
    reduce: None = None,
    reduction: str = "mean",
) -> Any:
    """−log of the probability of counting `target` where λ are expected, without the term log t!.

    Math: λ − t log λ
    Shapes: input and target broadcast
    Args:
        log_input: the input is log λ; else it is λ, and eps is added to it in the logarithm.
        full: add log t!, by Stirling's formula t log t − t + ½ log 2πt, for t > 1.
    """
    x, t = as_tensor(input), as_tensor(target)
    loss = ops.exp(x) - t * x if log_input else x - t * ops.log(x + eps)
    if full:
        many = t.data > 1
        safe = ops.where(many, t, 1.0)
        loss = loss + ops.where(many, t * ops.log(safe) - t + 0.5 * ops.log(2 * math.pi * safe), 0.0)
    return finish("poisson_nll_loss", loss, reduction, size_average, reduce)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """−log of the density of the target under a normal distribution of mean `input` and variance `var`.

    Math: ½ (log v + (input − target)² / v), v = max(var, eps)
    Shapes: input (…); target broadcasts to it; var (…), without the last axis, with one axis of size 1, or a number
    Args:
        full: add ½ log 2π. eps: the smallest variance; a smaller one is raised to it, and gets its gradient all the
            same.
    Raises:
        ShapeError: var has another shape. ArgumentError: a variance below 0.
    """
    x, t = as_tensor(input), as_tensor(target)
    v = as_tensor(np.full(x.shape, var, x.dtype) if isinstance(var, float) else var)
    if isinstance(v.data, np.ndarray) and (v.data < 0).any():
        raise ArgumentError(
            f"gaussian_nll_loss: var: got {v.data.min()}, expected variances, from 0 on",
            fix="let the network give the logarithm of the variance, and take exp() of it",
        )
    if v.shape != x.shape:
        if v.shape == x.shape[:-1] and x.ndim:
            v = ops.unsqueeze(v, axis=-1)
        elif v.ndim != x.ndim or [a for a, b in zip(v.shape, x.shape, strict=True) if a != b] != [1]:
            raise ShapeError(
                f"gaussian_nll_loss: var: got shape {v.shape}, expected {x.shape}, without its last axis or with "
                "one axis of size 1"
            )
    raised = (ops.maximum(v.data, eps) - v.data).astype(v.dtype)  # a constant, so that v's own gradient passes
    v = v + raised
    loss = 0.5 * (ops.log(v) + (x - t) * (x - t) / v)
    return finish("gaussian_nll_loss", loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def _fitting(name: str, input: Any, target: Any, weight: Any = None) -> tuple[Any, Any, Any]:
    """Input, target and weight as tensors of one shape."""
    x, t = as_tensor(input), as_tensor(target)
    same_shape(name, x, t)
    if weight is None:
        return x, t, None
    w = as_tensor(weight)
    if w.shape != x.shape:
        raise ShapeError(f"{name}: weight: got shape {w.shape}, expected the input's, {x.shape}")
    return x, t, w
