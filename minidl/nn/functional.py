"""PyTorch's functional names over `minidl.ops`, with PyTorch's words, axes and conventions.

Where an operation speaks mathematics, its name here speaks PyTorch: the class axis of `cross_entropy` is 1, `pad`
counts from the last axis, a boolean mask is true where attention may go. Arrays are taken as constants; the results
are tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl import ops
from minidl.array import is_float, to_device, xp
from minidl.config import no_grad
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.random import default_generator
from minidl.tensor import Tensor, as_tensor

__all__ = [
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "cross_entropy",
    "dropout",
    "embedding",
    "gelu",
    "layer_norm",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "one_hot",
    "pad",
    "relu",
    "scaled_dot_product_attention",
    "sigmoid",
    "softmax",
    "tanh",
]

# Activations ----------------------------------------------------------------------------------------------------------


def relu(input: Any) -> Any:
    """max(x, 0)."""
    return ops.relu(as_tensor(input))


def gelu(input: Any, approximate: str = "none") -> Any:
    """x · Φ(x); with approximate="tanh", its approximation by a hyperbolic tangent."""
    return ops.gelu(as_tensor(input), approximate=approximate)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return ops.tanh(as_tensor(input))


def sigmoid(input: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    return ops.sigmoid(as_tensor(input))


def softmax(input: Any, dim: int) -> Any:
    """eˣ / Σ eˣ along `dim`."""
    return ops.softmax(as_tensor(input), axis=dim)


def log_softmax(input: Any, dim: int) -> Any:
    """x − log Σ eˣ along `dim`."""
    return ops.log_softmax(as_tensor(input), axis=dim)


# Layers ---------------------------------------------------------------------------------------------------------------


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """x Wᵀ + b: input (…, in), weight (out, in), bias (out,) → (…, out)."""
    return ops.affine(as_tensor(input), weight, bias)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of images with filters.

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C/groups, KH, KW), bias (O,) → (N, O, H', W') or (O, H', W').
    Args:
        stride, dilation: a number, or one for each axis.
        padding: a number, one for each axis, `"valid"` (none), or `"same"` (H' = H; stride 1; an odd rest goes to the
            right and to the bottom).
    Raises:
        ArgumentError, ShapeError: arguments that make no sense, or do not fit together.
    """
    x, stride, dilation = as_tensor(input), pair("stride", stride), pair("dilation", dilation)
    single = x.ndim == 3
    if single:
        x = ops.unsqueeze(x, axis=0)
    if isinstance(padding, str):
        sides = same_padding(padding, tuple(weight.shape[2:]), stride, dilation)
        if any(before != after for before, after in sides) and x.ndim == 4:
            x = ops.pad(x, widths=((0, 0), (0, 0), *((0, after - before) for before, after in sides)))
        padding = tuple(before for before, _ in sides)
    y = ops.conv2d(
        x, weight, stride=stride, padding=pair("padding", padding), dilation=dilation, groups=groups
    )  # (N, O, H', W')
    if bias is not None:
        y = y + ops.reshape(bias, shape=(1, -1, 1, 1))
    return ops.squeeze(y, axis=0) if single else y


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest value in each window; the first of ties gets the gradient.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, H', W') or (C, H', W').
    Args:
        kernel_size, padding, dilation: a number, or one for each axis; `stride` too (default: kernel_size).
        ceil_mode: let windows reach over the right and the lower edge.
    """
    return _pooled(
        ops.max_pool2d,
        input,
        kernel_size=pair("kernel_size", kernel_size),
        stride=pair("stride", kernel_size if stride is None else stride),
        padding=pair("padding", padding),
        dilation=pair("dilation", dilation),
        ceil_mode=ceil_mode,
    )


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, H', W') or (C, H', W').
    Args:
        kernel_size, padding: a number, or one for each axis; `stride` too (default: kernel_size).
        ceil_mode: let windows reach over the right and the lower edge.
        count_include_pad: whether the zeros of the padding count as values.
    """
    return _pooled(
        ops.avg_pool2d,
        input,
        kernel_size=pair("kernel_size", kernel_size),
        stride=pair("stride", kernel_size if stride is None else stride),
        padding=pair("padding", padding),
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )


def _pooled(operation: Any, input: Any, **params: Any) -> Any:
    x = as_tensor(input)
    if x.ndim == 3:
        return ops.squeeze(operation(ops.unsqueeze(x, axis=0), **params), axis=0)
    return operation(x, **params)


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """Rows of a table: input (…) of integers, weight (V, D) → (…, D).

    Args:
        padding_idx: the row that gets no gradient; it may be counted from the end.
    """
    i, w = as_tensor(input), as_tensor(weight)
    y = ops.embedding(w, i)  # (…, D)
    if padding_idx is None or not y.requires_grad:
        return y
    padding = ops.unsqueeze(i == padding_idx % w.shape[0], axis=-1)  # (…, 1)
    return ops.where(padding, y.detach(), y)


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Each value switched off with probability p, the others scaled by 1/(1 − p); unchanged unless training.

    Raises:
        ArgumentError: p is no probability.
    """
    check_probability("dropout", p)
    x = as_tensor(input)
    return ops.dropout(x, _keep(x, x.shape, p), p=p) if training and p > 0 else x


def check_probability(name: str, p: float) -> None:
    """0 ≤ p ≤ 1."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"{name}: p: got {p!r}, expected a probability, from 0 to 1")


def _keep(x: Tensor, shape: tuple[int, ...], p: float) -> Any:
    """A mask that is true with probability 1 − p, where `x` is."""
    draw = np.asarray(default_generator.numpy.random(shape, dtype=np.float32))
    return to_device(np.asarray(draw >= p), x.device)


# Normalisation --------------------------------------------------------------------------------------------------------


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


# Attention ------------------------------------------------------------------------------------------------------------


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """softmax(Q Kᵀ · scale + mask) V.

    Shapes: query (…, T, D), key (…, S, D), value (…, S, E) → (…, T, E); the batch axes broadcast.
    Args:
        attn_mask: broadcastable to (…, T, S): boolean, **true where a query may attend** (MultiheadAttention has it
            the other way round, as PyTorch), or a number that is added.
        dropout_p: the probability of dropping a weight; unlike a module this knows nothing of training and evaluation.
        is_causal: query t attends to the keys s ≤ t alone; together with a mask, both hold.
        scale: default 1/√D.
    """
    q, k, v = _same_batch(as_tensor(query), as_tensor(key), as_tensor(value))
    check_probability("scaled_dot_product_attention", dropout_p)
    keep = _keep(q, (*q.shape[:-1], k.shape[-2]), dropout_p) if dropout_p > 0 else None  # (…, T, S)
    mask = None if attn_mask is None else as_tensor(attn_mask)
    if mask is not None and is_float(mask.dtype):
        mask = mask.to(dtype=q.dtype)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    return ops.attention(q, k, v, mask, keep, scale=scale, causal=is_causal, p=dropout_p)


def _same_batch(*xs: Any) -> list[Any]:
    """Matrices with their batch axes broadcast; left alone where that cannot be, for the operation to complain."""
    batches = {x.shape[:-2] for x in xs}
    if len(batches) == 1:
        return list(xs)
    try:
        batch = np.broadcast_shapes(*batches)
    except ValueError:
        return list(xs)
    return [ops.expand(x, shape=(*batch, *x.shape[-2:])) for x in xs]


# Losses ---------------------------------------------------------------------------------------------------------------


def cross_entropy(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """−log softmax(input)[target]: how unlikely the right classes are.

    Shapes: input (N, C), (N, C, d₁, …) or (C,) of logits; target of class numbers, without the axis C.
    Args:
        reduction: `"mean"`, `"sum"`, or `"none"` for one loss per target.
    Raises:
        ShapeError, DTypeError, LabelError: the target has another shape, is not of integers, or names no class.
    """
    x, t = as_tensor(input), as_tensor(target)
    if x.ndim == 0 or t.shape != x.shape[:1] * (x.ndim > 1) + x.shape[2:]:
        raise ShapeError(
            f"cross_entropy: got input {x.shape} and target {t.shape}, expected (N, C, …) and (N, …): the target "
            "has no class axis",
            fix="class numbers, not one-hot rows: target.argmax(1)" if t.shape == x.shape else "",
        )
    if x.ndim > 2:
        x = ops.transpose(x, axes=(0, *range(2, x.ndim), 1))  # (N, …, C)
    return ops.cross_entropy(x, t, reduction=reduction)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """(input − target)², of one shape; its mean, its sum, or (`"none"`) each."""
    return ops.mse(as_tensor(input), target, reduction=reduction)


# Shape ----------------------------------------------------------------------------------------------------------------


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """A border around the last axes.

    Args:
        pad: (before, after) for the last axis, then for the one before it, and so on; below 0 it crops.
        mode: only `"constant"` so far.
        value: the border's value, 0 by default.
    Raises:
        ArgumentError: an odd number of sizes, more of them than axes, or another mode.
    """
    x, sizes = as_tensor(input), tuple(pad)
    if mode != "constant":
        raise ArgumentError(f"pad: mode: got {mode!r}, expected 'constant'")
    if len(sizes) % 2 or len(sizes) > 2 * x.ndim:
        raise ArgumentError(f"pad: pad: got {sizes}, expected pairs (before, after) for at most {x.ndim} axes")
    pairs = [(sizes[i], sizes[i + 1]) for i in range(0, len(sizes), 2)]
    widths = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    if any(w < 0 for each in pairs for w in each):
        x = x[tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(widths, x.shape, strict=True))]
        widths = [(max(b, 0), max(a, 0)) for b, a in widths]
    return ops.pad(x, widths=tuple(widths), value=0.0 if value is None else value)


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """1 at the place of each number, else 0: (…) → (…, num_classes), of int64.

    Args:
        num_classes: default: the largest number plus 1.
    Raises:
        DTypeError, LabelError: not integers, or outside 0 … num_classes − 1.
    """
    i = as_tensor(tensor).data
    if i.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: got {describe(i)}, expected integers", fix="convert it with .long()")
    classes = num_classes if num_classes >= 0 else int(i.max(initial=-1)) + 1
    ops.check_range("one_hot", i, classes, "raise num_classes")
    return Tensor((i[..., None] == xp(i).arange(classes)).astype(np.int64))


# Pairs ----------------------------------------------------------------------------------------------------------------


def pair(name: str, value: Any) -> tuple[int, int]:
    """A number for both axes of an image, or one for each.

    Raises:
        ArgumentError: neither.
    """
    both = (value, value) if isinstance(value, int | np.integer) else value
    if not isinstance(both, tuple | list) or len(both) != 2 or not all(isinstance(v, int | np.integer) for v in both):
        raise ArgumentError(f"{name}: got {describe(value)}, expected an integer or two of them")
    return int(both[0]), int(both[1])


def same_padding(
    padding: str, kernel_size: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int]
) -> list[tuple[int, int]]:
    """(before, after) for each axis, from the words `"same"` and `"valid"`.

    Raises:
        ArgumentError: another word, or "same" with a stride, which cannot keep the size.
    """
    if padding == "valid":
        return [(0, 0), (0, 0)]
    if padding != "same":
        raise ArgumentError(f"padding: got {padding!r}, expected numbers, 'same' or 'valid'")
    if stride != (1, 1):
        raise ArgumentError(f"padding: 'same' keeps the size, which stride {stride} cannot", fix="give it in numbers")
    totals = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]
