"""A batch norm after `eval()` is a scale and a shift of each channel: the layer before it can take them over.

With s = γ/√(σ² + ε), the norm of w ∗ x + b is (s w) ∗ x + s (b − μ) + β: another convolution, or linear layer.
"""

from __future__ import annotations

import copy
from typing import Any

from minidl import ops
from minidl.config import no_grad
from minidl.errors import ArgumentError, ShapeError
from minidl.tensor import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A convolution that does what `conv` and then the batch norm `bn` do; both stay as they are.

    Args:
        conv, bn: the layers, after `eval()`.
        transpose: whether the convolution is a transposed one, whose outputs lie along axis 1 of the weight.
    Raises:
        ArgumentError: one of them is in training. ShapeError: other numbers of channels.
    """
    return _fused("fuse_conv_bn_eval", conv, bn, fuse_conv_bn_weights, transpose)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A linear layer that does what `linear` and then the batch norm `bn` do; both stay as they are.

    Args:
        linear, bn: the layers, after `eval()`.
    Raises:
        ArgumentError: one of them is in training. ShapeError: other numbers of features.
    """
    return _fused("fuse_linear_bn_eval", linear, bn, fuse_linear_bn_weights)


def fuse_conv_bn_weights(
    conv_w: Any,
    conv_b: Any,
    bn_rm: Any,
    bn_rv: Any,
    bn_eps: float,
    bn_w: Any,
    bn_b: Any,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """The weight and the bias of the two together.

    Args:
        conv_w, conv_b: weight and bias of the convolution; no bias: None.
        bn_rm, bn_rv, bn_eps: running mean and variance of the norm, and its ε.
        bn_w, bn_b: its scale and shift, or None.
        transpose: whether the outputs lie along axis 1 of the weight.
    Raises:
        ShapeError: other numbers of channels.
    """
    axis = 1 if transpose else 0
    if conv_w.ndim <= axis or bn_rm.shape != conv_w.shape[axis : axis + 1]:
        raise ShapeError(
            f"fuse: weight has shape {conv_w.shape}, with its outputs along axis {axis}, but the norm has "
            f"{bn_rm.shape[0]} channels",
            fix="pass the norm that follows the layer; transpose=True is for transposed convolutions",
        )
    with no_grad():
        scale = (1 if bn_w is None else bn_w) / ops.sqrt(bn_rv + bn_eps)  # (O,)
        bias = (-bn_rm if conv_b is None else conv_b - bn_rm) * scale  # (O,)
        bias = bias if bn_b is None else bias + bn_b
        shape = tuple(scale.shape[0] if i == axis else 1 for i in range(conv_w.ndim))
        weight = conv_w * ops.reshape(scale, shape=shape)
    return Parameter(weight, conv_w.requires_grad), Parameter(
        bias, (conv_w if conv_b is None else conv_b).requires_grad
    )


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """As `fuse_conv_bn_weights`, of a linear layer."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _fused(name: str, layer: Any, bn: Any, weights: Any, *transpose: bool) -> Any:
    if layer.training or bn.training:
        raise ArgumentError(f"{name}: got layers in training, in which a batch norm depends on the batch", fix="eval()")
    if bn.running_mean is None:
        raise ArgumentError(
            f"{name}: bn: got a {type(bn).__name__} without running statistics, which has no fixed scale"
        )
    fused = copy.deepcopy(layer)
    statistics = bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    fused.weight, fused.bias = weights(layer.weight, layer.bias, *statistics, *transpose)
    return fused
