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
    "dirac_",
    "eye_",
    "fan_in_and_out",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
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


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal draws, those outside [a, b] drawn again.

    Derivation: a draw z from a density g is kept with probability φ(z) / (c g(z)), c = max φ/g, which leaves φ cut to
        the interval. Of two g, the normal itself and the uniform on the interval, the one that keeps more is taken:
        a narrow or far interval would hardly ever be hit by normal draws.
    Source: J. von Neumann, Various techniques used in connection with random digits (1951).
    Raises:
        ArgumentError: a is not below b, std is not positive, or [a, b] begins more than 8 std from the mean.
    """
    low, high = ((limit - mean) / std if std > 0 else math.nan for limit in (a, b))
    nearest = min(max(0.0, low), high)
    if not low < high or not abs(nearest) <= 8:
        raise ArgumentError(
            f"trunc_normal_: got mean {mean}, std {std}, a {a}, b {b}, expected a < b, a positive std, and an interval "
            "that begins within 8 std of the mean",
            fix="a and b are the ends themselves, not counted in std",
        )
    low, high = max(low, nearest - 9), min(high, nearest + 9)  # further out lies less than 10⁻¹⁸ of the whole
    rng = (generator or default_generator).numpy
    peak = math.exp(-nearest * nearest / 2)
    if (high - low) * peak < math.sqrt(2 * math.pi):  # φ's largest value times the width is less than 1

        def draw(n: int) -> Any:
            z = rng.uniform(low, high, n)
            return z[rng.random(n) * peak < np.exp(-z * z / 2)]

    else:

        def draw(n: int) -> Any:
            z = rng.standard_normal(n)
            return z[(low <= z) & (z <= high)]

    kept: list[Any] = [np.empty(0)]
    missing = tensor.numel()
    while missing > 0:
        kept.append(draw(2 * missing + 16)[:missing])
        missing -= len(kept[-1])
    return _fill(tensor, np.clip(mean + std * np.concatenate(kept), a, b).reshape(tensor.shape))


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
    return _fill(tensor, (gain * q).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """A matrix of normal draws, in each column of which a share `sparsity` of the rows, rounded up, is 0.

    Source: J. Martens, Deep learning via Hessian-free optimization (2010), section 5.
    Raises:
        ShapeError: no matrix. ArgumentError: the share is not between 0 and 1.
    """
    if tensor.ndim != 2:
        raise ShapeError(f"sparse_: tensor: got shape {tensor.shape}, expected 2 axes")
    if not 0 <= sparsity <= 1:
        raise ArgumentError(f"sparse_: sparsity: got {sparsity}, expected a share, from 0 to 1")
    rng = (generator or default_generator).numpy
    rows, columns = tensor.shape
    places = rng.permuted(np.tile(np.arange(rows)[:, None], (1, columns)), axis=0)  # each column in an order of its own
    return _fill(tensor, np.where(places < math.ceil(sparsity * rows), 0.0, std * rng.standard_normal((rows, columns))))


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, as far as the shape goes: a dense layer that passes its inputs on.

    Raises:
        ShapeError: no matrix.
    """
    if tensor.ndim != 2:
        raise ShapeError(f"eye_: tensor: got shape {tensor.shape}, expected 2 axes")
    return _fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """1 in the middle of the filter from channel i to channel i, else 0: a convolution that passes its inputs on.

    Shapes: (O, I, L), (O, I, H, W) or (O, I, D, H, W).
    Args:
        groups: of the convolution; each passes on as many of its channels as it has inputs and outputs for.
    Raises:
        ShapeError: another number of axes. ArgumentError: the groups do not divide O.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ShapeError(f"dirac_: tensor: got shape {tensor.shape}, expected 3, 4 or 5 axes: (out, in, …)")
    outputs, inputs, *field = tensor.shape
    if groups < 1 or outputs % groups:
        raise ArgumentError(f"dirac_: groups: got {groups}, expected a divisor of the {outputs} output channels")
    values = np.zeros(tensor.shape)
    each = outputs // groups
    for group in range(groups):
        for channel in range(min(each, inputs)):
            values[(group * each + channel, channel, *[size // 2 for size in field])] = 1.0
    return _fill(tensor, values)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a nonlinearity wants its weights larger, so that the signal keeps its size.

    | nonlinearity | gain |
    | --- | --- |
    | linear, sigmoid; conv1d, conv2d, conv3d, and conv_transpose of each | 1 |
    | tanh | 5/3 |
    | relu | √2 |
    | leaky_relu | √(2 / (1 + param²)), param 0.01 by default |
    | selu | 3/4 |

    Raises:
        ArgumentError: another name.
    """
    gains = dict.fromkeys(["linear", "sigmoid"], 1.0)
    gains |= {f"{kind}{axes}d": 1.0 for kind in ("conv", "conv_transpose") for axes in (1, 2, 3)}
    gains |= {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 0.75}
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


def _fill(tensor: Tensor, values: Any) -> Tensor:
    with no_grad():
        return tensor.copy_(values.astype(tensor.dtype))


def _glorot(tensor: Tensor, gain: float) -> float:
    fans = sum(fan_in_and_out(tensor))
    return gain * math.sqrt(2.0 / fans) if fans else 0.0


def _he(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"kaiming: mode: got {mode!r}, expected 'fan_in' or 'fan_out'")
    fan = fan_in_and_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0
