"""Normalisation."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.config import no_grad
from minidl.errors import ArgumentError, ShapeError
from minidl.tensor import as_tensor

__all__ = [
    "batch_norm",
    "layer_norm",
]


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each sample normalised over its last axes, then scaled and shifted.

    Args:
        normalized_shape: the sizes of these axes, which are also the shape of weight and bias.
    Raises:
        ShapeError: the input ends in other axes.
    """
    x = as_tensor(input)
    sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not sizes or x.shape[-len(sizes) :] != sizes:
        raise ShapeError(f"layer_norm: input has shape {x.shape}, expected it to end in {sizes}, the normalized_shape")
    return ops.layer_norm(x, weight, bias, dims=len(sizes), eps=eps)


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
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError("batch_norm: running_mean and running_var are None, but needed unless training")
        scale = 1 / ops.sqrt(running_var + eps)  # (C,)
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale  # (C,)
        shape = (1, x.shape[1], *(1,) * (x.ndim - 2))
        return x * ops.reshape(scale, shape=shape) + ops.reshape(shift, shape=shape)
    count = x.numel() // max(x.shape[1], 1)
    if count <= 1:
        raise ShapeError(
            f"batch_norm: expected more than 1 value per channel when training, got input of shape {x.shape}",
            fix="use larger batches (drop_last=True drops a last one of 1), or call eval() first",
        )
    y, mean, var = ops.batch_norm(x, weight, bias, eps=eps)
    with no_grad():
        for running, batch in ((running_mean, mean), (running_var, var * (count / (count - 1)))):
            if running is not None:
                as_tensor(running).copy_((1 - momentum) * running + momentum * batch)
    return y
