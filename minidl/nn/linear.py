"""The dense layer, and layers that only pass values on."""

from __future__ import annotations

import math
from typing import Any

from minidl import ops
from minidl.creation import empty
from minidl.tensor import Parameter, as_tensor

from . import functional as F
from . import init
from .module import Module

__all__ = ["Flatten", "Identity", "Linear"]


class Linear(Module):
    """y = x Wᵀ + b, over the last axis.

    Shapes: (…, in_features) → (…, out_features); weight (out_features, in_features), bias (out_features,).
    Args:
        bias: whether there is a b.
    Initial values: U(−1/√in, 1/√in), both.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, device: str | None = None, dtype: Any = None
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        self.bias = Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        fan_in_uniform_(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def fan_in_uniform_(weight: Parameter, bias: Parameter | None) -> None:
    """PyTorch's initial values of dense and convolution layers: U(−1/√fan_in, 1/√fan_in), weight and bias.

    For the weight that is `kaiming_uniform_` with a = √5: gain √(2/6) times √3 is 1.
    """
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    fan_in, _ = init.fan_in_and_out(weight)
    if bias is not None:
        bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
        init.uniform_(bias, -bound, bound)


class Flatten(Module):
    """Axes `start_dim` to `end_dim` as one; by default all but the batch."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        return ops.flatten(as_tensor(input), start=self.start_dim, end=self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """Gives back what it gets; takes any arguments, so that it can stand where another layer stood."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, input: Any) -> Any:
        return input
