"""Nonlinear functions as layers; `minidl.nn.functional` has their formulas."""

from __future__ import annotations

from typing import Any

from minidl.creation import full
from minidl.errors import ArgumentError, ShapeError
from minidl.tensor import Parameter

from . import functional as F
from . import init
from .functional.activation import check_order
from .functional.inplace import refuse_inplace
from .module import Module

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]

# Rectifiers -----------------------------------------------------------------------------------------------------------


class ReLU(Module):
    """max(x, 0)."""

    def __init__(self, inplace: bool = False) -> None:
        refuse_inplace("ReLU", inplace)

    def forward(self, input: Any) -> Any:
        return F.relu(input)


class LeakyReLU(Module):
    """x where it is positive, else negative_slope · x."""

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        refuse_inplace("LeakyReLU", inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Any) -> Any:
        return F.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """x where it is positive, else w · x, with w learned: one for all, or one for each channel (axis 1).

    Shapes: (N, C, …) → (N, C, …); weight (num_parameters,).
    Args:
        num_parameters: 1, or the number of channels.
        init: the initial value. Weight decay would pull w towards 0: leave it out for this layer.
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: str | None = None, dtype: Any = None
    ) -> None:
        if num_parameters < 1:
            raise ArgumentError(f"PReLU: num_parameters: got {num_parameters}, expected at least 1")
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(full((num_parameters,), float(init), device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        """The initial value again."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """A leaky ReLU whose slope is drawn for each element in training; in evaluation it is the mean.

    Raises:
        ArgumentError: lower is above upper; `inplace` is not False.
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        refuse_inplace("RReLU", inplace)
        check_order("RReLU", "lower", lower, "upper", upper)
        self.lower, self.upper = lower, upper

    def forward(self, input: Any) -> Any:
        return F.rrelu(input, self.lower, self.upper, self.training)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}"


class Threshold(Module):
    """x where it is above the threshold, else `value`."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        refuse_inplace("Threshold", inplace)
        self.threshold, self.value = threshold, value

    def forward(self, input: Any) -> Any:
        return F.threshold(input, self.threshold, self.value)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}"


# With an exponential on the negative side -----------------------------------------------------------------------------


class ELU(Module):
    """x where it is positive, else α(eˣ − 1)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        refuse_inplace("ELU", inplace)
        self.alpha = alpha

    def forward(self, input: Any) -> Any:
        return F.elu(input, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class SELU(Module):
    """An ELU, scaled such that mean 0 and variance 1 pass through layers unchanged; goes with `AlphaDropout`."""

    def __init__(self, inplace: bool = False) -> None:
        refuse_inplace("SELU", inplace)

    def forward(self, input: Any) -> Any:
        return F.selu(input)


class CELU(Module):
    """x where it is positive, else α(e^(x/α) − 1), with slope 1 on both sides of 0."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        refuse_inplace("CELU", inplace)
        self.alpha = alpha

    def forward(self, input: Any) -> Any:
        return F.celu(input, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


# Smooth ---------------------------------------------------------------------------------------------------------------


class GELU(Module):
    """x · Φ(x); with approximate="tanh", its approximation by a hyperbolic tangent."""

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ArgumentError(f"GELU: approximate: got {approximate!r}, expected 'none' or 'tanh'")
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x · σ(x), also called swish."""

    def __init__(self, inplace: bool = False) -> None:
        refuse_inplace("SiLU", inplace)

    def forward(self, input: Any) -> Any:
        return F.silu(input)


class Mish(Module):
    """x · tanh(softplus(x))."""

    def __init__(self, inplace: bool = False) -> None:
        refuse_inplace("Mish", inplace)

    def forward(self, input: Any) -> Any:
        return F.mish(input)


class Softplus(Module):
    """ln(1 + e^(βx)) / β; where βx > threshold, x."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Any) -> Any:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Any) -> Any:
        return F.tanh(input)


class Tanhshrink(Module):
    """x − tanh x."""

    def forward(self, input: Any) -> Any:
        return F.tanhshrink(input)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, input: Any) -> Any:
        return F.sigmoid(input)


class LogSigmoid(Module):
    """ln σ(x)."""

    def forward(self, input: Any) -> Any:
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Any) -> Any:
        return F.softsign(input)


class GLU(Module):
    """a · σ(b), with a and b the two halves of the input along `dim`."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


# Of straight pieces ---------------------------------------------------------------------------------------------------


class Hardtanh(Module):
    """x, limited to [min_val, max_val].

    Raises:
        ArgumentError: min_val is not below max_val; `inplace` is not False.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        name = type(self).__name__
        refuse_inplace(name, inplace)
        if not min_val < max_val:
            raise ArgumentError(f"{name}: min_val, max_val: got {min_val} and {max_val}, expected min_val < max_val")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input: Any) -> Any:
        return F.hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


class ReLU6(Hardtanh):
    """min(max(x, 0), 6)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return ""


class Hardsigmoid(Module):
    """relu6(x + 3) / 6."""

    def __init__(self, inplace: bool = False) -> None:
        refuse_inplace("Hardsigmoid", inplace)

    def forward(self, input: Any) -> Any:
        return F.hardsigmoid(input)


class Hardswish(Module):
    """x · relu6(x + 3) / 6."""

    def __init__(self, inplace: bool = False) -> None:
        refuse_inplace("Hardswish", inplace)

    def forward(self, input: Any) -> Any:
        return F.hardswish(input)


class Hardshrink(Module):
    """0 where −λ ≤ x ≤ λ, else x."""

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Module):
    """x, drawn towards 0 by λ."""

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


# Along an axis --------------------------------------------------------------------------------------------------------


class Softmax(Module):
    """eˣ / Σ eˣ along `dim`."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Module):
    """e⁻ˣ / Σ e⁻ˣ along `dim`."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        return F.softmin(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Softmax over the channels of each pixel.

    Shapes: (N, C, H, W) or (C, H, W), the same out.
    """

    def forward(self, input: Any) -> Any:
        if input.ndim not in (3, 4):
            raise ShapeError(f"Softmax2d: input: got shape {input.shape}, expected (N, C, H, W) or (C, H, W)")
        return F.softmax(input, -3)


class LogSoftmax(Module):
    """x − log Σ eˣ along `dim`."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, input: Any) -> Any:
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
