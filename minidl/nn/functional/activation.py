"""Functions of one number, and of the numbers along an axis.

At the kinks the slopes are PyTorch's: the flat part owns its ends (relu, hardtanh, hardsigmoid, hardswish, threshold
and the two shrinks have slope 0 there), and where no part is flat the negative side owns 0 (leaky_relu, prelu, elu).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl import ops
from minidl.array import DEFAULT, axis_of, to_device
from minidl.errors import ArgumentError, ShapeError
from minidl.random import default_generator
from minidl.tensor import Tensor, as_tensor

from .inplace import refuse_inplace

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

# Rectifiers -----------------------------------------------------------------------------------------------------------


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0)."""
    refuse_inplace("relu", inplace)
    return ops.relu(as_tensor(input))


def relu6(input: Any, inplace: bool = False) -> Any:
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x where it is positive, else negative_slope · x."""
    refuse_inplace("leaky_relu", inplace)
    return ops.prelu(as_tensor(input), float(negative_slope))


def prelu(input: Any, weight: Any) -> Any:
    """x where it is positive, else w · x, with one w for all, or one for each channel.

    Shapes: (N, C, …) → (N, C, …); weight (), (1,) or (C,). An input with one axis has one channel.
    Raises:
        ShapeError: the weight has another shape.
    """
    x, w = as_tensor(input), as_tensor(weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if w.ndim > 1 or w.numel() not in (1, channels):
        raise ShapeError(
            f"prelu: weight: got shape {w.shape}, expected (1,) or ({channels},)",
            fix=f"PReLU({channels}): axis 1 of the input {x.shape} counts the channels",
        )
    if w.ndim:
        w = w.reshape((1, -1) + (1,) * (x.ndim - 2) if x.ndim > 1 else w.shape[: x.ndim])
    return ops.prelu(x, w)


def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Any:
    """A leaky ReLU whose slope is drawn for each element from U(lower, upper); in evaluation it is their mean.

    Source: B. Xu et al., Empirical evaluation of rectified activations in convolutional network (2015), section 2.4.
    Raises:
        ArgumentError: lower is above upper.
    """
    refuse_inplace("rrelu", inplace)
    check_order("rrelu", "lower", lower, "upper", upper)
    x = as_tensor(input)
    if not training:
        return ops.prelu(x, (lower + upper) / 2)
    return ops.prelu(x, _like(default_generator.numpy.uniform(lower, upper, x.shape), x))


# With an exponential on the negative side -----------------------------------------------------------------------------


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where it is positive, else α(eˣ − 1)."""
    refuse_inplace("elu", inplace)
    return ops.elu(as_tensor(input), alpha=alpha)


def selu(input: Any, inplace: bool = False) -> Any:
    """An ELU, scaled such that mean 0 and variance 1 pass through layers unchanged.

    Math: y = s · elu(x; α), s = 1.0507…, α = 1.6733…, the solution of E[y] = 0, E[y²] = 1 for x ~ N(0, 1)
    Source: G. Klambauer et al., Self-normalizing neural networks (2017), equations 2 and 14.
    """
    refuse_inplace("selu", inplace)
    return ops.elu(as_tensor(input), alpha=SELU_ALPHA, scale=SELU_SCALE)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where it is positive, else α(e^(x/α) − 1), with slope 1 on both sides of 0.

    Raises:
        ArgumentError: α is 0.
    """
    refuse_inplace("celu", inplace)
    if alpha == 0:
        raise ArgumentError(f"celu: alpha: got {alpha}, expected another number than 0: x is divided by it")
    return ops.elu(as_tensor(input), alpha=alpha, input_scale=1 / alpha)


# Smooth ---------------------------------------------------------------------------------------------------------------


def gelu(input: Any, approximate: str = "none") -> Any:
    """x · Φ(x); with approximate="tanh", its approximation by a hyperbolic tangent."""
    return ops.gelu(as_tensor(input), approximate=approximate)


def silu(input: Any, inplace: bool = False) -> Any:
    """x · σ(x), also called swish."""
    refuse_inplace("silu", inplace)
    return ops.silu(as_tensor(input))


def mish(input: Any, inplace: bool = False) -> Any:
    """x · tanh(softplus(x))."""
    refuse_inplace("mish", inplace)
    return ops.mish(as_tensor(input))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """ln(1 + e^(βx)) / β; where βx > threshold, x.

    Raises:
        ArgumentError: β is 0.
    """
    return ops.softplus(as_tensor(input), beta=beta, threshold=threshold)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return ops.tanh(as_tensor(input))


def tanhshrink(input: Any) -> Any:
    """x − tanh x."""
    x = as_tensor(input)
    return x - ops.tanh(x)


def sigmoid(input: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    return ops.sigmoid(as_tensor(input))


def logsigmoid(input: Any) -> Any:
    """ln σ(x) = −softplus(−x), exact also where σ(x) is 0 to the last digit."""
    return -ops.softplus(-as_tensor(input), threshold=math.inf)


def softsign(input: Any) -> Any:
    """x / (1 + |x|)."""
    x = as_tensor(input)
    return x / (1 + ops.abs(x))


def glu(input: Any, dim: int = -1) -> Any:
    """One half of the channels, gated by the other: a · σ(b), with a and b the two halves along `dim`.

    Shapes: 2C → C along `dim`.
    Source: Y. Dauphin et al., Language modeling with gated convolutional networks (2017), equation 1.
    Raises:
        AxisError: there is no axis `dim`. ShapeError: its size is odd.
    """
    x = as_tensor(input)
    size = x.shape[axis_of("glu: dim", dim, x.ndim)]
    if size % 2:
        raise ShapeError(f"glu: input: got shape {x.shape}, expected an even size along dim {dim}, to halve it")
    a, b = ops.split(x, [size // 2, size // 2], axis=dim)
    return a * ops.sigmoid(b)


# Of straight pieces ---------------------------------------------------------------------------------------------------


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """x, limited to [min_val, max_val], with slope 0 at both ends (`clamp` has slope 1 there, as in PyTorch).

    Raises:
        ArgumentError: min_val is above max_val.
    """
    refuse_inplace("hardtanh", inplace)
    check_order("hardtanh", "min_val", min_val, "max_val", max_val)
    x = as_tensor(input)
    return ops.where(x <= min_val, float(min_val), ops.where(x >= max_val, float(max_val), x))


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """relu6(x + 3) / 6: a sigmoid of three straight pieces."""
    return relu6(as_tensor(input) + 3, inplace) / 6


def hardswish(input: Any, inplace: bool = False) -> Any:
    """x · hardsigmoid(x).

    Source: A. Howard et al., Searching for MobileNetV3 (2019), section 5.2.
    """
    x = as_tensor(input)
    return x * hardsigmoid(x, inplace)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """x where it is above the threshold, else `value`."""
    refuse_inplace("threshold", inplace)
    x = as_tensor(input)
    return ops.where(x <= threshold, float(value), x)


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """0 where −λ ≤ x ≤ λ, else x."""
    x = as_tensor(input)
    return ops.where((x >= -lambd) & (x <= lambd), 0.0, x)


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """x, drawn towards 0 by λ: what is left when it is limited to [−λ, λ] and that is taken away.

    Raises:
        ArgumentError: λ is negative.
    """
    if not lambd >= 0:
        raise ArgumentError(f"softshrink: lambd: got {lambd}, expected at least 0")
    x = as_tensor(input)
    return x - ops.clip(x, low=-float(lambd), high=float(lambd))


# Along an axis --------------------------------------------------------------------------------------------------------


def softmax(input: Any, dim: int) -> Any:
    """eˣ / Σ eˣ along `dim`."""
    return ops.softmax(as_tensor(input), axis=dim)


def softmin(input: Any, dim: int) -> Any:
    """e⁻ˣ / Σ e⁻ˣ along `dim`."""
    return ops.softmax(-as_tensor(input), axis=dim)


def log_softmax(input: Any, dim: int) -> Any:
    """x − log Σ eˣ along `dim`."""
    return ops.log_softmax(as_tensor(input), axis=dim)


def gumbel_softmax(logits: Any, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A draw from the distribution softmax(x) along `dim`, near enough to one class to be used, smooth enough to learn.

    Math: y = softmax((x + g) / τ), gᵢ = −ln eᵢ with eᵢ exponentially distributed: argmax y is distributed as softmax(x)
    Args:
        tau: the temperature; the lower, the nearer y is to one class, and the steeper its slopes.
        hard: give exactly one class, with the slopes of the smooth y (a straight-through estimator).
        eps: has no effect, as in PyTorch.
    Source: E. Jang, S. Gu, B. Poole, Categorical reparameterization with Gumbel-softmax (2017), equation 2.
    Raises:
        ArgumentError: τ is not positive. AxisError: there is no axis `dim`.
    """
    if not tau > 0:
        raise ArgumentError(f"gumbel_softmax: tau: got {tau}, expected a number above 0")
    x = as_tensor(logits)
    axis = axis_of("gumbel_softmax: dim", dim, x.ndim)
    draws = -np.log(default_generator.numpy.standard_exponential(x.shape))
    y = ops.softmax((x + _like(draws, x)) / tau, axis=axis)
    if not hard:
        return y
    winner = y.detach().argmax(axis, keepdim=True)
    one = ops.put_along_axis(_like(np.ones(winner.shape), x), winner, axis=axis, size=x.shape[axis])
    return one - y.detach() + y


def _like(values: Any, x: Tensor) -> Any:
    """In the dtype of x (float32 where it has integers), on its device."""
    return to_device(values.astype(x.dtype if x.dtype.kind == "f" else DEFAULT), x.device)


def check_order(function: str, low: str, a: float, high: str, b: float) -> None:
    """a ≤ b."""
    if not a <= b:
        raise ArgumentError(f"{function}: {low}, {high}: got {a} and {b}, expected {low} to be the smaller one")
