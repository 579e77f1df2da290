"""Values switched off at random: each by itself, or whole channels; to 0, or to where a SELU saturates.

A channel is dropped as a whole where neighbours tell each other's values (the pixels of a feature map): switching off
single ones would hardly take anything away.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl import ops
from minidl.array import to_device
from minidl.errors import ArgumentError, ShapeError
from minidl.random import default_generator
from minidl.tensor import Tensor, as_tensor

from .activation import SELU_ALPHA, SELU_SCALE
from .inplace import refuse_inplace

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Each value switched off with probability p, the others scaled by 1/(1 − p); unchanged unless training.

    Raises:
        ArgumentError: p is no probability; `inplace` is not False.
    """
    x = as_tensor(input)
    return _drop("dropout", x, x.shape, p, training, inplace)


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Whole channels switched off with probability p, the others scaled by 1/(1 − p); unchanged unless training.

    Shapes: (N, C, L) or (C, L).
    Raises:
        ShapeError: another number of axes. ArgumentError: p is no probability; `inplace` is not False.
    """
    x = as_tensor(input)
    return _drop("dropout1d", x, _channels("dropout1d", x, {3: 2, 2: 1}, "(N, C, L) or (C, L)"), p, training, inplace)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Whole channels switched off with probability p, the others scaled by 1/(1 − p); unchanged unless training.

    Shapes: (N, C, H, W) or (N, C, L): as in PyTorch, three axes are a batch of sequences, not one image.
    Source: J. Tompson et al., Efficient object localization using convolutional networks (2015), section 3.2.
    Raises:
        ShapeError: another number of axes. ArgumentError: p is no probability; `inplace` is not False.
    """
    x = as_tensor(input)
    shape = _channels("dropout2d", x, {4: 2, 3: 2}, "(N, C, H, W) or (N, C, L)")
    return _drop("dropout2d", x, shape, p, training, inplace)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Whole channels switched off with probability p, the others scaled by 1/(1 − p); unchanged unless training.

    Shapes: (N, C, D, H, W) or (C, D, H, W).
    Raises:
        ShapeError: another number of axes. ArgumentError: p is no probability; `inplace` is not False.
    """
    x = as_tensor(input)
    shape = _channels("dropout3d", x, {5: 2, 4: 1}, "(N, C, D, H, W) or (C, D, H, W)")
    return _drop("dropout3d", x, shape, p, training, inplace)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout for SELU: values are switched to where it saturates, then mean and variance are restored.

    Math: y = a · (x · keep + α' · (1 − keep)) + b,  α' = −1.758…, the limit of selu at −∞;
        a = ((1 − p)(1 + p α'²))^(−½),  b = −a p α'
    Derivation: for E[x] = 0, Var x = 1 the mixture has mean p α' and variance (1 − p) + p α'² − p² α'².
    Source: G. Klambauer et al., Self-normalizing neural networks (2017), section 2, "New dropout technique".
    Raises:
        ArgumentError: p is no probability; `inplace` is not False.
    """
    x = as_tensor(input)
    return _alpha_drop("alpha_dropout", x, x.shape, p, training, inplace)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """`alpha_dropout` of whole channels.

    Shapes: (N, C, …).
    Raises:
        ShapeError: fewer than two axes. ArgumentError: p is no probability; `inplace` is not False.
    """
    x = as_tensor(input)
    axes = dict.fromkeys(range(2, x.ndim + 1), 2)
    return _alpha_drop(
        "feature_alpha_dropout",
        x,
        _channels("feature_alpha_dropout", x, axes, "(N, C, …)"),
        p,
        training,
        inplace,
    )


def _channels(name: str, x: Tensor, leading: dict[int, int], expected: str) -> tuple[int, ...]:
    """The shape of one number for each channel: `leading` says how many axes count them, by how many there are."""
    if x.ndim not in leading:
        raise ShapeError(f"{name}: input: got shape {x.shape}, expected {expected}", fix="dropout takes any shape")
    count = leading[x.ndim]
    return (*x.shape[:count], *[1] * (x.ndim - count))


def _drop(name: str, x: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Any:
    check_probability(name, p)
    refuse_inplace(name, inplace)
    return ops.dropout(x, keep_mask(x, shape, p), p=p) if training and p > 0 else x


def _alpha_drop(name: str, x: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Any:
    check_probability(name, p)
    refuse_inplace(name, inplace)
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0.0  # nothing is left whose variance could be restored
    limit = -SELU_ALPHA * SELU_SCALE
    a = 1 / math.sqrt((1 - p) * (1 + p * limit * limit))
    keep = keep_mask(x, shape, p)
    kept = x.dtype if x.dtype.kind == "f" else np.dtype("float32")
    return x * (a * keep).astype(kept) + (a * limit * (~keep - p)).astype(kept)


def check_probability(name: str, p: float) -> None:
    """0 ≤ p ≤ 1."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"{name}: p: got {p!r}, expected a probability, from 0 to 1")


def keep_mask(x: Tensor, shape: tuple[int, ...], p: float) -> Any:
    """A mask that is true with probability 1 − p, where `x` is."""
    draw = np.asarray(default_generator.numpy.random(shape, dtype=np.float32))
    return to_device(np.asarray(draw >= p), x.device)
