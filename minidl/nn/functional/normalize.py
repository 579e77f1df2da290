"""Normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import ops
from minidl.array import axis_of, is_float
from minidl.config import no_grad
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import as_tensor

from .pool import avg_pool2d

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each sample normalised over its last axes, then scaled and shifted.

    Args:
        normalized_shape: the sizes of these axes, which are also the shape of weight and bias.
    Raises:
        ShapeError: the input ends in other axes.
    """
    x = as_tensor(input)
    dims = _last_axes("layer_norm", x, normalized_shape)
    return ops.layer_norm(x, weight, bias, dims=dims, eps=eps)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """Each sample divided by the root of its mean square over its last axes, then scaled.

    Args:
        normalized_shape: the sizes of these axes, which are also the shape of weight.
        eps: added to the mean square; None: the smallest ε of the input's dtype with 1 + ε ≠ 1.
    Raises:
        ShapeError: the input ends in other axes.
    """
    x = as_tensor(input)
    if not is_float(x.dtype):
        raise DTypeError(f"rms_norm: input: got {describe(x)}, expected floats", fix="convert it with .float()")
    dims = _last_axes("rms_norm", x, normalized_shape)
    return ops.rms_norm(x, weight, dims=dims, eps=float(np.finfo(x.dtype).eps) if eps is None else eps)


def _last_axes(name: str, x: Any, normalized_shape: Any) -> int:
    """How many axes are normalised over, if the input ends in them."""
    sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not sizes or x.shape[-len(sizes) :] != sizes:
        given = x.shape[-len(sizes) :] if sizes else ()
        raise ShapeError(
            f"{name}: input has shape {x.shape}, expected it to end in {sizes}, the normalized_shape",
            fix=f"make it with normalized_shape={given if len(given) > 1 else given[0]}" if given else "",
        )
    return len(sizes)


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel normalised over the batch (training), or by its running statistics.

    Math: training: y = (x − μ)/√(σ² + ε) ∘ w + b with the batch's own μ and σ², and the running statistics move:
        r ← (1 − momentum) · r + momentum · batch, where the variance is the unbiased one, σ² · n/(n − 1).
    Shapes: input (N, C, …); all others (C,), or None.
    Raises:
        ShapeError: training with a single value per channel, of which no variance can be taken.
    Source: S. Ioffe, C. Szegedy, Batch normalization (2015), algorithms 1 and 2.
    """
    x = as_tensor(input)
    if x.ndim < 2:
        raise ShapeError(f"batch_norm: input has shape {x.shape}, expected (N, C, …)")
    _check_channels("batch_norm", x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError("batch_norm: running_mean and running_var are None, but needed unless training")
        scale = 1 / ops.sqrt(running_var + eps)  # (C,)
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale  # (C,)
        return _per_channel(x, scale, shift)
    count = x.numel() // max(x.shape[1], 1)
    if count <= 1:
        raise ShapeError(
            f"batch_norm: expected more than 1 value per channel when training, got input of shape {x.shape}",
            fix="use larger batches (drop_last=True drops a last one of 1), or call eval() first",
        )
    y, mean, var = ops.batch_norm(x, weight, bias, eps=eps)
    _move(running_mean, mean, momentum)
    _move(running_var, var * (count / (count - 1)), momentum)
    return y


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel of each sample normalised over its own places, or by running statistics.

    It is a batch norm to which every sample's channels are channels of their own. The running statistics move by the
    means over the samples.

    Shapes: input (N, C, …) with at least one further axis; all others (C,), or None.
    Raises:
        ShapeError: a single value per channel, of which no variance can be taken.
    Source: D. Ulyanov, A. Vedaldi, V. Lempitsky, Instance normalization (2016), equation 4.
    """
    x = as_tensor(input)
    if x.ndim < 3:
        raise ShapeError(
            f"instance_norm: input has shape {x.shape}, expected (N, C, L), (N, C, H, W) or (N, C, D, H, W)"
        )
    _check_channels("instance_norm", x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    n, c, *places = x.shape
    count = x.numel() // max(n * c, 1)
    if count <= 1:
        raise ShapeError(
            f"instance_norm: expected more than 1 value per channel, got input of shape {x.shape}",
            fix="give it larger images, or sequences",
        )
    y, mean, var = ops.batch_norm(ops.reshape(x, shape=(1, n * c, *places)), eps=eps)
    _move(running_mean, ops.mean(ops.reshape(mean, shape=(n, c)), axis=0), momentum)
    _move(running_var, ops.mean(ops.reshape(var, shape=(n, c)), axis=0) * (count / (count - 1)), momentum)
    return _per_channel(ops.reshape(y, shape=x.shape), weight, bias)


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each group of channels of each sample normalised, then each channel scaled and shifted.

    It is a layer norm of the groups laid out in a row each: (N, G, C/G · places).

    Shapes: input (N, C, …); weight, bias (C,), or None.
    Args:
        num_groups: G, a divisor of C. 1 is a layer norm over all but the batch, C an instance norm.
    Raises:
        ArgumentError: num_groups does not divide the channels.
        ShapeError: no channel axis; a single value in all; weight or bias is not (C,).
    Source: Y. Wu, K. He, Group normalization (2018), equations 1 to 3.
    """
    x = as_tensor(input)
    if x.ndim < 2:
        raise ShapeError(f"group_norm: input has shape {x.shape}, expected (N, C, …)")
    n, c = x.shape[:2]
    if num_groups < 1 or c % num_groups:
        raise ArgumentError(f"group_norm: num_groups: got {num_groups}, expected a divisor of the {c} channels")
    _check_channels("group_norm", x, weight=weight, bias=bias)
    size = x.numel() // max(n * num_groups, 1)
    if n * size == 1:
        raise ShapeError(f"group_norm: expected more than 1 value per group, got input of shape {x.shape}")
    groups = ops.reshape(x, shape=(n, num_groups, size))
    return _per_channel(ops.reshape(ops.layer_norm(groups, eps=eps), shape=x.shape), weight, bias)


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """Each value divided by a power of the mean square in a window of neighbouring channels.

    Math: y[c] = x[c] · (k + α · (Σ x²[c'] over c − size//2 ≤ c' ≤ c + (size − 1)//2) / size)^(−β), with 0 outside
    Shapes: (N, C, L) or with more places → the same.
    Raises:
        ShapeError: fewer than three axes.
    Source: A. Krizhevsky, I. Sutskever, G. E. Hinton, ImageNet classification with deep convolutional neural networks
        (2012), section 3.3; there α is not divided by the size.
    """
    x = as_tensor(input)
    if x.ndim < 3:
        raise ShapeError(f"local_response_norm: input has shape {x.shape}, expected (N, C, L) or more axes")
    if size < 1:
        raise ArgumentError(f"local_response_norm: size: got {size}, expected at least 1")
    if x.numel() == 0:
        return x
    columns = ops.reshape(x * x, shape=(x.shape[0], 1, x.shape[1], -1))  # (N, 1, C, places)
    padded = ops.pad(columns, widths=((0, 0), (0, 0), (size // 2, (size - 1) // 2), (0, 0)))
    means = avg_pool2d(padded, (size, 1), stride=1)  # (N, 1, C, places)
    return x * ops.reshape((k + alpha * means) ** -beta, shape=x.shape)


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """Vectors along `dim` divided by their length: x / max(‖x‖ₚ, eps).

    Math: ‖x‖ₚ = (Σ |x|ᵖ)^(1/p); the largest |x| for p = ∞, the number of x ≠ 0 for p = 0
    Args:
        p: which length; dim: an axis or several; eps: the least length to divide by.
    Raises:
        ArgumentError: p is negative. AxisError: there is no such axis.
    """
    x = as_tensor(input)
    dims = tuple(axis_of("normalize: dim", d, x.ndim) for d in (dim if isinstance(dim, tuple | list) else (dim,)))
    if not p >= 0:
        raise ArgumentError(f"normalize: p: got {p}, expected a number ≥ 0")
    return x / ops.maximum(length(x, p, dims), eps)


def length(x: Any, p: float, axes: tuple[int, ...]) -> Any:
    """‖x‖ₚ over some axes, which stay as axes of size 1; for p from 0 to ∞."""
    if p == float("inf"):
        return ops.max(ops.abs(x), axis=axes, keepdims=True)
    if p == 0:
        return (x != 0).sum(axes, keepdim=True)
    return ops.norm(x, p=p, axis=axes, keepdims=True)


def _check_channels(name: str, x: Any, **values: Any) -> None:
    """Whether there is one of each of the values for a channel."""
    for which, value in values.items():
        if value is not None and tuple(value.shape) != x.shape[1:2]:
            raise ShapeError(
                f"{name}: {which} has shape {tuple(value.shape)}, expected {x.shape[1:2]}: the input, of shape "
                f"{x.shape}, has {x.shape[1]} channels"
            )


def _per_channel(x: Any, scale: Any, shift: Any) -> Any:
    """x (N, C, …) times scale (C,) plus shift (C,), where they are not None."""
    shape = (1, x.shape[1], *(1,) * (x.ndim - 2))
    x = x if scale is None else x * ops.reshape(scale, shape=shape)
    return x if shift is None else x + ops.reshape(shift, shape=shape)


def _move(running: Any, batch: Any, momentum: float) -> None:
    """A running statistic, if there is one, goes a step towards the newest."""
    if running is not None:
        with no_grad():
            as_tensor(running).copy_((1 - momentum) * running + momentum * batch)
