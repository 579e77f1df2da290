"""Normalisation layers."""

from __future__ import annotations

from typing import Any, ClassVar

from minidl.creation import ones, zeros
from minidl.errors import ShapeError
from minidl.tensor import Buffer, Parameter, as_tensor

from . import functional as F
from . import init
from .module import Module

__all__ = ["BatchNorm1d", "BatchNorm2d", "LayerNorm"]


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
        sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = sizes, eps, elementwise_affine
        self.weight = Parameter(ones(sizes, device=device, dtype=dtype)) if elementwise_affine else None
        self.bias = Parameter(zeros(sizes, device=device, dtype=dtype)) if elementwise_affine and bias else None

    def reset_parameters(self) -> None:
        """Back to the initial values."""
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class _BatchNorm(Module):
    """What both are; they differ in the axes of their input."""

    axes: ClassVar[dict[int, str]]  # how many an input may have, and their letters
    optional_state = ("num_batches_tracked",)

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
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        x = as_tensor(input)
        self._check(x)
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

    def _check(self, x: Any) -> None:
        expected = " or ".join(self.axes.values())
        if x.ndim not in self.axes:
            raise ShapeError(f"{type(self).__name__}: input: got shape {x.shape}, expected {expected}")
        if x.shape[1] != self.num_features:
            raise ShapeError(
                f"{type(self).__name__}: input: got shape {x.shape}, expected {expected} with C = {self.num_features}",
                fix=f"make it with {type(self).__name__}({x.shape[1]})",
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
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


def _reset(weight: Parameter | None, bias: Parameter | None) -> None:
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)
