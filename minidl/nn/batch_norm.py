"""Norms with statistics for each channel: batch norms, over all samples; instance norms, over each sample."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from minidl.creation import ones, zeros
from minidl.errors import ShapeError
from minidl.tensor import Buffer, Parameter, Tensor, as_tensor

from . import functional as F
from .module import Module
from .normalize import reset

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
]


class _ChannelNorm(Module):
    """What batch and instance norms are: scale, shift and running statistics for each channel."""

    axes: ClassVar[dict[int, str]]  # how many an input may have, and their letters
    optional_state = ("num_batches_tracked",)

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        device: str | None,
        dtype: Any,
    ) -> None:
        n, kind = num_features, dict[str, Any](device=device, dtype=dtype)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(ones(n, **kind)) if affine else None
        self.bias = Parameter(zeros(n, **kind)) if affine and bias else None
        self.running_mean: Any = None
        self.running_var: Any = None
        self.num_batches_tracked: Any = None
        if track_running_stats:
            self.running_mean = Buffer(zeros(n, **kind))
            self.running_var = Buffer(ones(n, **kind))
            self.num_batches_tracked = Buffer(zeros((), dtype="int64", device=device))

    def reset_running_stats(self) -> None:
        """Forget the batches seen so far."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Back to the initial values."""
        self.reset_running_stats()
        reset(self.weight, self.bias)

    def _channels(self, x: Tensor) -> int:
        """How many the input has, if it has the right axes."""
        if x.ndim not in self.axes:
            kind: Any = type(self)
            fixes = []
            if x.ndim + 1 in kind.axes:
                fixes = ["add a batch axis, x[None]"]
            for other in kind.__base__.__subclasses__():
                if x.ndim in other.axes:
                    fixes.append(f"use {other.__name__}, which takes {other.axes[x.ndim]}")
            raise ShapeError(
                f"{kind.__name__}: input: got shape {x.shape}, expected {self._expected()}", fix="; or ".join(fixes)
            )
        return x.shape[self._letters(x).index("C")]

    def _letters(self, x: Tensor) -> list[str]:
        return self.axes[x.ndim].strip("()").split(", ")

    def _expected(self) -> str:
        return " or ".join(self.axes.values())

    def _mismatch(self, x: Tensor) -> ShapeError:
        return ShapeError(
            f"{type(self).__name__}: input: got shape {x.shape}, expected {self._expected()} "
            f"with C = {self.num_features}",
            fix=f"make it with {type(self).__name__}({self._channels(x)})",
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    """What batch norms are; they differ in the axes of their input."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, device, dtype)

    def forward(self, input: Any) -> Any:
        x = as_tensor(input)
        if self._channels(x) != self.num_features:
            raise self._mismatch(x)
        tracked, momentum = self.track_running_stats, self.momentum
        if self.training and tracked:
            self.num_batches_tracked.add_(1)
        if momentum is None:
            momentum = 1 / max(self.num_batches_tracked.item(), 1) if tracked else 0.0
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training or not tracked,
            momentum=momentum,
            eps=self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Each channel normalised over the batch, and over the sequence if there is one.

    In training by the batch's own mean and variance, and the running ones move; after `eval()` by the running ones.
    Shapes: (N, C) or (N, C, L) → the same; weight, bias and running statistics (C,).
    Args:
        num_features: C, the number of channels.
        eps: added to the variance.
        momentum: the share of the newest batch in the running statistics; None: the mean of all batches so far.
        affine: whether there is a weight, and a bias unless `bias` is False.
        track_running_stats: whether there are running statistics; without them every batch is judged by its own.
    Raises (when called):
        ShapeError: another number of axes or channels; training with a single value per channel.
    Initial values: weight 1, bias 0, running mean 0, running variance 1.
    Source: S. Ioffe, C. Szegedy, Batch normalization (2015), algorithms 1 and 2.
    """

    axes: ClassVar[dict[int, str]] = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    """Each channel normalised over the batch and the image.

    Shapes: (N, C, H, W) → the same.
    Args, Raises, Initial values, Source: as BatchNorm1d.
    """

    axes: ClassVar[dict[int, str]] = {4: "(N, C, H, W)"}


class BatchNorm3d(_BatchNorm):
    """Each channel normalised over the batch and the volume.

    Shapes: (N, C, D, H, W) → the same.
    Args, Raises, Initial values, Source: as BatchNorm1d.
    """

    axes: ClassVar[dict[int, str]] = {5: "(N, C, D, H, W)"}


class _InstanceNorm(_ChannelNorm):
    """What instance norms are; they differ in the axes of their input."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, device, dtype)

    def forward(self, input: Any) -> Any:
        x = as_tensor(input)
        if self._channels(x) != self.num_features:
            if self.affine or self.track_running_stats:
                raise self._mismatch(x)
            warnings.warn(
                f"{type(self).__name__}: the input has {self._channels(x)} channels and num_features is "
                f"{self.num_features}, which is not used without affine",
                stacklevel=4,
            )
        alone = "N" not in self._letters(x)
        y = F.instance_norm(
            x[None] if alone else x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            use_input_stats=self.training or not self.track_running_stats,
            momentum=self.momentum or 0.0,
            eps=self.eps,
        )
        return y[0] if alone else y


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample normalised over its own sequence.

    By its own mean and variance, unless there are running ones: then as a batch norm, by these after `eval()`.
    Shapes: (N, C, L) or (C, L) → the same; weight, bias and running statistics (C,).
    Args:
        num_features: C, the number of channels.
        eps: added to the variance.
        momentum: the share of the newest batch in the running statistics.
        affine: whether there is a weight, and a bias unless `bias` is False. Not by default.
        track_running_stats: whether there are running statistics. Not by default.
    Raises (when called):
        ShapeError: another number of axes or channels; a single value per channel.
    Initial values: weight 1, bias 0, running mean 0, running variance 1.
    Source: D. Ulyanov, A. Vedaldi, V. Lempitsky, Instance normalization (2016).
    """

    axes: ClassVar[dict[int, str]] = {2: "(C, L)", 3: "(N, C, L)"}


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each sample normalised over its own image.

    Shapes: (N, C, H, W) or (C, H, W) → the same.
    Args, Raises, Initial values, Source: as InstanceNorm1d.
    """

    axes: ClassVar[dict[int, str]] = {3: "(C, H, W)", 4: "(N, C, H, W)"}


class InstanceNorm3d(_InstanceNorm):
    """Each channel of each sample normalised over its own volume.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → the same.
    Args, Raises, Initial values, Source: as InstanceNorm1d.
    """

    axes: ClassVar[dict[int, str]] = {4: "(C, D, H, W)", 5: "(N, C, D, H, W)"}
