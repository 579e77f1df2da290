"""Convolution layers: of sounds, pictures and volumes, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minidl.creation import empty
from minidl.errors import ArgumentError, ShapeError
from minidl.tensor import Parameter

from . import functional as F
from .functional.sizes import numbers, same_padding
from .linear import fan_in_uniform_
from .module import Module

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _Conv(Module):
    """A convolution of images with `rank` axes."""

    rank = 0
    transposed = False

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
        name, rank = type(self).__name__, self.rank
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ArgumentError(
                f"{name}: padding_mode: got {padding_mode!r}, expected 'zeros', 'reflect', 'replicate' or 'circular'"
            )
        for what, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels < 0:
                raise ArgumentError(f"{name}: {what}: got {channels}, expected at least 0")
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{name}: groups: got {groups}, which does not divide in_channels {in_channels} and out_channels "
                f"{out_channels}"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = numbers(f"{name}: kernel_size", kernel_size, rank, least=1)
        self.stride = numbers(f"{name}: stride", stride, rank, least=1)
        self.dilation = numbers(f"{name}: dilation", dilation, rank, least=1)
        if isinstance(padding, str):
            self.padding: Any = padding
            sides = same_padding(padding, self.kernel_size, self.stride, self.dilation)
        else:
            self.padding = numbers(f"{name}: padding", padding, rank, least=0)
            sides = [(p, p) for p in self.padding]
        self._border = [width for side in reversed(sides) for width in side]  # for F.pad: the last axis first
        self.output_padding, self.padding_mode = (0,) * rank, padding_mode
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(empty((first, second // groups, *self.kernel_size), device=device, dtype=dtype))
        self.bias = Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        fan_in_uniform_(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        padding, convolve = self.padding, getattr(F, f"conv{self.rank}d")
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._border, self.padding_mode), 0
        return convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        none, once = (0,) * self.rank, (1,) * self.rank
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += f", padding={self.padding}" if self.padding != none else ""
        text += f", dilation={self.dilation}" if self.dilation != once else ""
        text += f", output_padding={self.output_padding}" if self.output_padding != none else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        text += ", bias=False" if self.bias is None else ""
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class Conv1d(_Conv):
    """Sounds cross-correlated with learned filters; arguments as `Conv2d`.

    Shapes: (N, C, L) or (C, L) → (N, O, L') or (O, L'), L' = (L + 2P − D·(K − 1) − 1) // S + 1;
        weight (O, C/groups, K), bias (O,).
    """

    rank = 1


class Conv2d(_Conv):
    """Images cross-correlated with learned filters.

    Shapes: (N, C, H, W) or (C, H, W) → (N, O, H', W') or (O, H', W'), H' = (H + 2P − D·(K − 1) − 1) // S + 1;
        weight (O, C/groups, KH, KW), bias (O,).
    Args:
        in_channels, out_channels: C and O.
        kernel_size, stride, padding, dilation: K, S, P, D: a number, or one for each axis; `padding` may also be
            "same" or "valid".
        groups: channels in that many groups, each with filters of its own; groups = C is a depthwise convolution.
        bias: whether a number is added to each output channel.
        padding_mode: what the border is made of, "zeros", or the image itself: "reflect", "replicate", "circular", as
            in `functional.pad`.
    Raises:
        ArgumentError: sizes that make no sense, channels that `groups` does not divide, another padding_mode.
        ShapeError: images with other channels, or smaller than the kernel.
    Initial values: U(−1/√fan_in, 1/√fan_in), fan_in = C/groups · KH · KW, weight and bias.
    """

    rank = 2


class Conv3d(_Conv):
    """Volumes cross-correlated with learned filters; arguments as `Conv2d`.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, O, D', H', W') or (O, D', H', W'), each size as for `Conv2d`;
        weight (O, C/groups, KD, KH, KW), bias (O,).
    """

    rank = 3


class _ConvTranspose(_Conv):
    """The adjoint of a convolution, as a layer: C and O have changed places."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ArgumentError(f"{name}: padding_mode: got {padding_mode!r}, expected 'zeros': its padding cuts off")
        if isinstance(padding, str):
            raise ArgumentError(f"{name}: padding: got {padding!r}, expected numbers")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device=device, dtype=dtype
        )
        self.output_padding = numbers(f"{name}: output_padding", output_padding, self.rank, least=0)

    def forward(self, input: Any, output_size: Sequence[int] | None = None) -> Any:
        """With `output_size`, of the images alone or of the whole output, in the place of `output_padding`."""
        more = self.output_padding if output_size is None else self._more(input, tuple(output_size))
        convolve = getattr(F, f"conv_transpose{self.rank}d")
        return convolve(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def _more(self, input: Any, output_size: tuple[int, ...]) -> tuple[int, ...]:
        """The output_padding that gives this size."""
        size = output_size[-self.rank :]
        if len(output_size) not in (self.rank, input.ndim):
            raise ShapeError(
                f"{type(self).__name__}: output_size: got {output_size}, expected {self.rank} sizes, or {input.ndim}"
            )
        each = zip(input.shape[-self.rank :], self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        least = tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in each)
        most = tuple(n + s - 1 for n, s in zip(least, self.stride, strict=True))
        if any(not low <= n <= high for low, n, high in zip(least, size, most, strict=True)):
            raise ShapeError(
                f"{type(self).__name__}: output_size: got {output_size}, expected sizes from {least} to {most}: images "
                f"of these have {tuple(input.shape[-self.rank :])} places"
            )
        return tuple(n - low for n, low in zip(size, least, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """Each value of a sound spread out by a learned filter; arguments as `ConvTranspose2d`.

    Shapes: (N, C, L) or (C, L) → (N, O, L') or (O, L'), L' = (L − 1)·S − 2P + D·(K − 1) + output_padding + 1;
        weight (C, O/groups, K), bias (O,).
    """

    rank = 1


class ConvTranspose2d(_ConvTranspose):
    """Each pixel spread out by a learned filter: the adjoint of a `Conv2d` from O to C channels, plus a bias.

    Shapes: (N, C, H, W) or (C, H, W) → (N, O, H', W') or (O, H', W'),
        H' = (H − 1)·S − 2P + D·(K − 1) + output_padding + 1; weight (C, O/groups, KH, KW), bias (O,).
    Args:
        in_channels, out_channels: C and O.
        kernel_size, stride, padding, dilation, groups: those of the convolution that it is the adjoint of.
        output_padding: rows and columns more, where the stride leaves the size open; or give `output_size` to the call.
        bias: whether a number is added to each output channel.
        padding_mode: only "zeros".
    Raises:
        ArgumentError: sizes that make no sense, channels that `groups` does not divide, another padding_mode.
        ShapeError: images with other channels, or an output_size that the stride does not reach.
    Initial values: U(−1/√fan_in, 1/√fan_in), fan_in = O/groups · KH · KW, weight and bias.
    """

    rank = 2


class ConvTranspose3d(_ConvTranspose):
    """Each voxel spread out by a learned filter; arguments as `ConvTranspose2d`.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, O, D', H', W') or (O, D', H', W'), each size as for
        `ConvTranspose2d`; weight (C, O/groups, KD, KH, KW), bias (O,).
    """

    rank = 3
