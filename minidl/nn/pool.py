"""Pooling layers: one value for each window."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .functional.sizes import numbers
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class _MaxPool(Module):
    """The largest value in each window."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def _pooled(self, function: Any, input: Any) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest value in each window of a line; arguments as `functional.max_pool1d`.

    Shapes: (N, C, L) → (N, C, L'), L' = (L + 2P − D·(K − 1) − 1) // S + 1, rounded up if ceil_mode.
    """

    def forward(self, input: Any) -> Any:
        return self._pooled(F.max_pool1d, input)


class MaxPool2d(_MaxPool):
    """The largest value in each window; arguments as `functional.max_pool2d`.

    Shapes: (N, C, H, W) → (N, C, H', W'), H' = (H + 2P − D·(K − 1) − 1) // S + 1, rounded up if ceil_mode.
    """

    def forward(self, input: Any) -> Any:
        return self._pooled(F.max_pool2d, input)


class MaxPool3d(_MaxPool):
    """The largest value in each window of a volume; arguments as `functional.max_pool3d`.

    Shapes: (N, C, D, H, W) → (N, C, D', H', W'), each size as in MaxPool2d.
    """

    def forward(self, input: Any) -> Any:
        return self._pooled(F.max_pool3d, input)


class _MaxUnpool(Module):
    """Values back to the places that they were pooled from."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        rank = int(type(self).__name__[-2])
        self.kernel_size = numbers("kernel_size", kernel_size, rank)
        self.stride = self.kernel_size if stride is None else numbers("stride", stride, rank)
        self.padding = numbers("padding", padding, rank)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The partial inverse of MaxPool1d; arguments as `functional.max_unpool1d`."""

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """The partial inverse of MaxPool2d; arguments as `functional.max_unpool2d`."""

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpool):
    """The partial inverse of MaxPool3d; arguments as `functional.max_unpool3d`."""

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class AvgPool1d(Module):
    """The mean of each window of a line; arguments as `functional.avg_pool1d`.

    Shapes: (N, C, L) → (N, C, L'), L' = (L + 2P − K) // S + 1, rounded up if ceil_mode.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = numbers("AvgPool1d: kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else numbers("AvgPool1d: stride", stride, 1)
        self.padding = numbers("AvgPool1d: padding", padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Any) -> Any:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    """The mean of each window."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def _pooled(self, function: Any, input: Any) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window; arguments as `functional.avg_pool2d`.

    Shapes: (N, C, H, W) → (N, C, H', W'), H' = (H + 2P − K) // S + 1, rounded up if ceil_mode.
    """

    def forward(self, input: Any) -> Any:
        return self._pooled(F.avg_pool2d, input)


class AvgPool3d(_AvgPool):
    """The mean of each window of a volume; arguments as `functional.avg_pool3d`.

    Shapes: (N, C, D, H, W) → (N, C, D', H', W'), each size as in AvgPool2d.
    """

    def forward(self, input: Any) -> Any:
        return self._pooled(F.avg_pool3d, input)


class _LPPool(Module):
    """(Σ xᵖ)^(1/p) of each window."""

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def _pooled(self, function: Any, input: Any) -> Any:
        return function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window of a line; arguments as `functional.lp_pool1d`."""

    def forward(self, input: Any) -> Any:
        return self._pooled(F.lp_pool1d, input)


class LPPool2d(_LPPool):
    """The p-norm of each window; arguments as `functional.lp_pool2d`."""

    def forward(self, input: Any) -> Any:
        return self._pooled(F.lp_pool2d, input)


class LPPool3d(_LPPool):
    """The p-norm of each window of a volume; arguments as `functional.lp_pool3d`."""

    def forward(self, input: Any) -> Any:
        return self._pooled(F.lp_pool3d, input)


class _AdaptivePool(Module):
    """Windows laid out for the size wanted."""

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means, as many along the line as `output_size` says; see `functional.adaptive_avg_pool2d`."""

    def forward(self, input: Any) -> Any:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means, as many as `output_size` says; with 1, global average pooling. See `functional.adaptive_avg_pool2d`."""

    def forward(self, input: Any) -> Any:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptivePool):
    """Means, as many in the volume as `output_size` says; see `functional.adaptive_avg_pool2d`."""

    def forward(self, input: Any) -> Any:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Largest values, as many along the line as `output_size` says; see `functional.adaptive_max_pool2d`."""

    def forward(self, input: Any) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Largest values, as many as `output_size` says; with 1, of the whole. See `functional.adaptive_max_pool2d`."""

    def forward(self, input: Any) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Largest values, as many in the volume as `output_size` says; see `functional.adaptive_max_pool2d`."""

    def forward(self, input: Any) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
