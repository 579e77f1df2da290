"""The dense layer, and layers that only pass values on."""

from __future__ import annotations

import math
from typing import Any

from minidl import ops
from minidl.creation import empty
from minidl.errors import ArgumentError, DTypeError, describe
from minidl.tensor import Parameter, as_tensor

from . import functional as F
from . import init
from .module import Module

__all__ = ["Bilinear", "Flatten", "Identity", "Linear", "Unflatten"]


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


class Bilinear(Module):
    """y = x₁ᵀ W x₂ + b, over the last axes: linear in each of two inputs.

    Shapes: (…, in1_features), (…, in2_features) → (…, out_features); weight (out_features, in1_features, in2_features),
        bias (out_features,).
    Args:
        bias: whether there is a b.
    Initial values: U(−1/√in1, 1/√in1), both.
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if in1_features < 1:
            raise ArgumentError(f"Bilinear: in1_features: got {in1_features}, expected at least 1")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(empty(out_features, in1_features, in2_features, device=device, dtype=dtype))
        self.bias = Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Any, input2: Any) -> Any:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


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


class Unflatten(Module):
    """The axis `dim` as several, of `unflattened_size`; one of them may be −1."""

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        if not isinstance(unflattened_size, tuple | list) or not all(isinstance(n, int) for n in unflattened_size):
            raise DTypeError(
                f"Unflatten: unflattened_size: got {describe(unflattened_size)}, expected a tuple of sizes"
            )
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Any:
        return ops.unflatten(as_tensor(input), self.dim, tuple(self.unflattened_size))

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Identity(Module):
    """Gives back what it gets; takes any arguments, so that it can stand where another layer stood."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, input: Any) -> Any:
        return input
