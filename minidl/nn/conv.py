"""The convolution layer."""

from __future__ import annotations

from typing import Any

from minidl.creation import empty
from minidl.errors import ArgumentError
from minidl.tensor import Parameter

from . import functional as F
from .functional.sizes import pair, same_padding
from .linear import fan_in_uniform_
from .module import Module

__all__ = ["Conv2d"]


class Conv2d(Module):
    """Images cross-correlated with learned filters.

    Shapes: (N, C, H, W) or (C, H, W) → (N, O, H', W') or (O, H', W'), H' = (H + 2P − D·(K − 1) − 1) // S + 1;
        weight (O, C/groups, KH, KW), bias (O,).
    Args:
        in_channels, out_channels: C and O.
        kernel_size, stride, padding, dilation: K, S, P, D: a number, or one for each axis; `padding` may also be
            "same" or "valid".
        groups: channels in that many groups, each with filters of its own; groups = C is a depthwise convolution.
        bias: whether a number is added to each output channel.
        padding_mode: only "zeros" so far.
    Raises:
        ArgumentError: sizes that make no sense, channels that `groups` does not divide, another padding_mode.
    Initial values: U(−1/√fan_in, 1/√fan_in), fan_in = C/groups · KH · KW, weight and bias.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ArgumentError(
                f"Conv2d: padding_mode: got {padding_mode!r}, expected 'zeros'", fix="pad the input yourself before it"
            )
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"Conv2d: groups: got {groups}, which does not divide in_channels {in_channels} and out_channels "
                f"{out_channels}"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair("Conv2d: kernel_size", kernel_size)
        self.stride, self.dilation = pair("Conv2d: stride", stride), pair("Conv2d: dilation", dilation)
        self.padding = padding if isinstance(padding, str) else pair("Conv2d: padding", padding)
        if isinstance(padding, str):
            same_padding(padding, self.kernel_size, self.stride, self.dilation)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        self.bias = Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        fan_in_uniform_(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += f", padding={self.padding}" if self.padding != (0, 0) else ""
        text += f", dilation={self.dilation}" if self.dilation != (1, 1) else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        return text + (", bias=False" if self.bias is None else "")
