"""Initial values for parameters: PyTorch's functions, which fill a tensor in place and return it.

Why a weight's spread follows its fan: y = Σ w x over n inputs has Var y = n · Var w · E[x²]. For the signal to keep
its size from layer to layer, Var w must be gain²/n, with the gain making up for what the nonlinearity takes away. With
n = fan_in that holds going forward, with n = fan_out for the gradients going back; Glorot takes the mean of both.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.config import no_grad
from minidl.errors import ArgumentError, ShapeError
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "fan_in_and_out",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


@no_grad
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform draws from [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal draws."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform draws whose variance is that of `xavier_normal_`.

    Math: w ~ U(−a, a), a = gain · √(6 / (fan_in + fan_out));  Var w = a²/3
    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks (2010),
        equation 16.
    """
    bound = math.sqrt(3.0) * _glorot(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal draws with a variance between what the forward and the backward pass ask for.

    Math: w ~ N(0, σ²), σ = gain · √(2 / (fan_in + fan_out))
    Source: X. Glorot, Y. Bengio (2010), equation 12.
    """
    return normal_(tensor, 0.0, _glorot(tensor, gain), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform draws whose variance is that of `kaiming_normal_`.

    Math: w ~ U(−b, b), b = gain · √(3 / fan)
    Args:
        a: the slope of the leaky ReLU that follows.
        mode: `"fan_in"` keeps the size of the signal, `"fan_out"` that of the gradients.
        nonlinearity: what follows; see `calculate_gain`.
    Source: K. He et al., Delving deep into rectifiers (2015), equations 10 and 14.
    """
    bound = math.sqrt(3.0) * _he(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal draws that keep the size of a signal through rectifiers.

    Math: w ~ N(0, σ²), σ = gain / √fan
    Args: as `kaiming_uniform_`.
    Source: K. He et al. (2015), equations 10 and 14.
    """
    return normal_(tensor, 0.0, _he(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """A random matrix with orthonormal rows or columns, whichever are fewer; later axes count as columns.

    Derivation: the Q of the QR decomposition of a normal matrix is uniform among the orthogonal ones once the signs
        that the decomposition leaves open are fixed: the diagonal of R is made positive.
    Source: A. Saxe, J. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning (2014).
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_: tensor: got shape {tensor.shape}, expected at least 2 axes")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    draw = (generator or default_generator).numpy.standard_normal((rows, columns))
    q, r = np.linalg.qr(draw if rows >= columns else draw.T)
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    q = q if rows >= columns else q.T
    with no_grad():
        return tensor.copy_((gain * q).reshape(tensor.shape).astype(tensor.dtype))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a nonlinearity wants its weights larger, so that the signal keeps its size.

    | nonlinearity | gain |
    | --- | --- |
    | linear, conv2d, sigmoid | 1 |
    | tanh | 5/3 |
    | relu | √2 |
    | leaky_relu | √(2 / (1 + param²)), param 0.01 by default |
    | selu | 3/4 |

    Raises:
        ArgumentError: another name.
    """
    gains = {"linear": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 0.75}
    gains["leaky_relu"] = math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in gains:
        raise ArgumentError(f"calculate_gain: nonlinearity: got {nonlinearity!r}, expected one of {', '.join(gains)}")
    return gains[nonlinearity]


def fan_in_and_out(tensor: Any) -> tuple[int, int]:
    """How many inputs feed one output of a weight (out, in, …), and how many outputs one input feeds.

    Raises:
        ShapeError: fewer than two axes.
    """
    if tensor.ndim < 2:
        raise ShapeError(f"init: tensor: got shape {tensor.shape}, expected at least 2 axes: (out, in, …)")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _glorot(tensor: Tensor, gain: float) -> float:
    fans = sum(fan_in_and_out(tensor))
    return gain * math.sqrt(2.0 / fans) if fans else 0.0


def _he(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"kaiming: mode: got {mode!r}, expected 'fan_in' or 'fan_out'")
    fan = fan_in_and_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0
