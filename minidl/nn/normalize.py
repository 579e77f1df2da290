"""Normalisation layers that look at one sample at a time. (Batch norms, and instance norms, are in `batch_norm`.)"""

from __future__ import annotations

from typing import Any

from minidl.creation import ones, zeros
from minidl.errors import ArgumentError, ShapeError
from minidl.tensor import Parameter, as_tensor

from . import functional as F
from . import init
from .module import Module

__all__ = [
    "GroupNorm",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


class LayerNorm(Module):
    """Each sample normalised over its last axes, then scaled and shifted.

    Shapes: (…, *normalized_shape) → the same; weight and bias of normalized_shape.
    Args:
        normalized_shape: the sizes of the axes to normalise over; a number stands for one axis.
        eps: added to the variance.
        elementwise_affine: whether there is a weight, and a bias unless `bias` is False.
    Initial values: weight 1, bias 0.
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        sizes = _sizes(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = sizes, eps, elementwise_affine
        self.weight = Parameter(ones(sizes, device=device, dtype=dtype)) if elementwise_affine else None
        self.bias = Parameter(zeros(sizes, device=device, dtype=dtype)) if elementwise_affine and bias else None

    def reset_parameters(self) -> None:
        """Back to the initial values."""
        reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Each sample divided by the root of its mean square over its last axes, then scaled: a layer norm with no mean.

    Shapes: (…, *normalized_shape) → the same; weight of normalized_shape.
    Args:
        normalized_shape: the sizes of the axes to normalise over; a number stands for one axis.
        eps: added to the mean square; None: the machine epsilon of the input's dtype.
        elementwise_affine: whether there is a weight.
    Raises (when called):
        ShapeError: the input ends in other axes.
    Initial values: weight 1.
    Source: B. Zhang, R. Sennrich, Root mean square layer normalization (2019).
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        sizes = _sizes(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = sizes, eps, elementwise_affine
        self.weight = Parameter(ones(sizes, device=device, dtype=dtype)) if elementwise_affine else None

    def reset_parameters(self) -> None:
        """Back to the initial values."""
        reset(self.weight, None)

    def forward(self, input: Any) -> Any:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Each group of channels of each sample normalised, then each channel scaled and shifted.

    Shapes: (N, C, …) → the same; weight and bias (C,).
    Args:
        num_groups: how many groups, a divisor of the channels. 1: a layer norm over all but the batch; C: an instance
            norm.
        num_channels: C.
        eps: added to the variance.
        affine: whether there is a weight, and a bias unless `bias` is False.
    Raises:
        ArgumentError: num_groups does not divide num_channels.
        ShapeError (when called): another number of channels.
    Initial values: weight 1, bias 0.
    Source: Y. Wu, K. He, Group normalization (2018).
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ArgumentError(
                f"GroupNorm: num_groups: got {num_groups}, expected a divisor of num_channels {num_channels}",
                fix=_divisors(num_channels),
            )
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = Parameter(ones(num_channels, device=device, dtype=dtype)) if affine else None
        self.bias = Parameter(zeros(num_channels, device=device, dtype=dtype)) if affine and bias else None

    def reset_parameters(self) -> None:
        """Back to the initial values."""
        reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        x = as_tensor(input)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm: input: got shape {x.shape}, expected (N, C, …) with C = {self.num_channels}",
                fix=f"make it with num_channels={x.shape[1]}" if x.ndim > 1 else "add a batch axis, x[None]",
            )
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Each value divided by a power of the mean square of its neighbours among the channels.

    Math: y[c] = x[c] · (k + α · (Σ x² over `size` channels around c) / size)^(−β)
    Shapes: (N, C, L) or with more places → the same.
    Args:
        size: how many channels, of which half (rounded down) come before c.
        alpha, beta, k: α, β and k.
    Raises (when called):
        ShapeError: fewer than three axes.
    Source: A. Krizhevsky, I. Sutskever, G. E. Hinton, ImageNet classification with deep convolutional neural networks
        (2012), section 3.3.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Any:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def reset(weight: Parameter | None, bias: Parameter | None) -> None:
    """A scale back to 1, a shift back to 0."""
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)


def _sizes(normalized_shape: Any) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


def _divisors(number: int) -> str:
    return f"use one of {[n for n in range(1, number + 1) if number % n == 0]}" if 0 < number <= 1024 else ""
