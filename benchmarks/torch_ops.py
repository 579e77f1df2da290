"""PyTorch's word for each operation: `TORCH[name](torch, *inputs, **params)`, in minidl's order of arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SAME = (
    "add sub mul div pow maximum minimum neg exp log sqrt abs erf tanh sigmoid relu where "
    "matmul"
).split()  # fmt: skip


def _functional(name: str, **fixed: Any) -> Callable[..., Any]:
    return lambda torch, *xs, **params: getattr(torch.nn.functional, name)(*xs, **fixed, **params)


def _along_axis(name: str) -> Callable[..., Any]:
    return lambda torch, x, *, axis: getattr(torch, name)(x, dim=axis)


def _layer_norm(torch: Any, x: Any, w: Any, b: Any, *, dims: int, eps: float) -> Any:
    return torch.nn.functional.layer_norm(x, x.shape[-dims:], w, b, eps)


def _batch_norm(torch: Any, x: Any, w: Any, b: Any, *, eps: float) -> Any:
    return torch.nn.functional.batch_norm(x, None, None, w, b, training=True, eps=eps)


def _conv(torch: Any, x: Any, w: Any, **params: Any) -> Any:
    return getattr(torch.nn.functional, f"conv{x.ndim - 2}d")(x, w, **params)


def _conv_input(torch: Any, dy: Any, w: Any, *, size: Any, **params: Any) -> Any:
    shape = (len(dy), w.shape[1] * params["groups"], *size)
    return getattr(torch.nn.grad, f"conv{len(size)}d_input")(shape, w, dy, **params)


def _conv_weight(torch: Any, x: Any, dy: Any, *, size: Any, **params: Any) -> Any:
    shape = (dy.shape[1], x.shape[1] // params["groups"], *size)
    return getattr(torch.nn.grad, f"conv{len(size)}d_weight")(x, shape, dy, **params)


def _lstm(torch: Any, x: Any, h: Any, c: Any, *weights: Any, **params: Any) -> Any:
    *weights, _ = weights  # no lengths
    y, h_n, c_n = torch.lstm(x, (h[None], c[None]), weights, True, 1, 0.0, True, False, False)
    return y, h_n[0], c_n[0]


def _recurrent(name: str) -> Callable[..., Any]:
    def run(torch: Any, x: Any, h: Any, *weights: Any) -> Any:
        *weights, _ = weights  # no lengths
        y, h_n = getattr(torch, name)(x, h[None], weights, True, 1, 0.0, True, False, False)
        return y, h_n[0]

    return run


def _attention(torch: Any, q: Any, k: Any, v: Any, mask: Any, keep: Any, *, scale: float, causal: bool) -> Any:
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, scale=scale)


def _getitem_adjoint(torch: Any, dy: Any, *, index: Any, shape: Any) -> Any:
    return dy.new_zeros(shape).index_put_((torch.from_numpy(index),), dy, accumulate=True)


def _windows_adjoint(torch: Any, dy: Any, *, size: Any, stride: Any, dilation: Any) -> Any:
    n, c, ho, wo, kh, kw = dy.shape
    columns = dy.permute(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, ho * wo)
    return torch.nn.functional.fold(columns, size, (kh, kw), dilation=dilation, stride=stride)


TORCH: dict[str, Callable[..., Any]] = {
    **{name: lambda torch, *xs, _name=name: getattr(torch, _name)(*xs) for name in SAME},
    **{name: _along_axis(name) for name in ("sum", "mean", "var", "logsumexp", "softmax", "log_softmax")},
    "max": lambda torch, x, *, axis: torch.amax(x, dim=axis),
    "min": lambda torch, x, *, axis: torch.amin(x, dim=axis),
    "gelu": _functional("gelu"),
    "elu": _functional("elu"),
    "softplus": _functional("softplus"),
    "silu": _functional("silu"),
    "mish": _functional("mish"),
    "mse": _functional("mse_loss"),
    "cross_entropy": _functional("cross_entropy"),
    "affine": _functional("linear"),
    "clip": lambda torch, x, *, low, high: torch.clip(x, low, high),
    "dropout": lambda torch, x, keep, *, p: x * keep / (1 - p),
    "layer_norm": _layer_norm,
    "rms_norm": lambda torch, x, w, *, dims, eps: torch.nn.functional.rms_norm(x, x.shape[-dims:], w, eps),
    "batch_norm": _batch_norm,
    "embedding": lambda torch, w, i: torch.nn.functional.embedding(i, w),
    "embedding_adjoint": lambda torch, dy, i, *, size: dy.new_zeros(size, dy.shape[1]).index_add_(0, i, dy),
    "getitem_adjoint": _getitem_adjoint,
    "take_along_axis": lambda torch, x, i, *, axis: torch.take_along_dim(x, i, axis),
    "put_along_axis": lambda torch, dy, i, *, axis, size: dy.new_zeros(len(dy), size).scatter_add_(axis, i, dy),
    "conv": _conv,
    "conv_input": _conv_input,
    "conv_weight": _conv_weight,
    "windows_adjoint": _windows_adjoint,
    "max_pool": _functional("max_pool2d"),
    "avg_pool": _functional("avg_pool2d"),
    "rnn": _recurrent("rnn_tanh"),
    "gru": _recurrent("gru"),
    "lstm": _lstm,
    "attention": _attention,
}
