"""Multi-head attention: projections around the operation `attention`."""

from __future__ import annotations

import math
from typing import Any

from minidl import ops
from minidl.array import is_float, xp
from minidl.creation import empty, zeros
from minidl.errors import ArgumentError, DTypeError, ShapeError
from minidl.tensor import Parameter, Tensor, as_tensor

from . import functional as F
from . import init
from .functional.dropout import check_probability
from .linear import Linear
from .module import Module

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention in several heads, each in a space of its own, projected back to one.

    Math: head = softmax(Q Wqᵀ (K Wkᵀ)ᵀ / √D) V Wvᵀ;  y = [head₁ … head_H] Woᵀ + bo
    Shapes: T queries, S keys and values, N samples, E = embed_dim, H = num_heads, D = E/H:
        query (T, N, E), key (S, N, kdim), value (S, N, vdim) → y (T, N, E), weights (N, T, S);
        N comes first with batch_first, and may be left out.
        in_proj_weight (3E, E) holds Wq, Wk, Wv; with a kdim or vdim other than E they are q_proj_weight,
        k_proj_weight, v_proj_weight; in_proj_bias (3E,); out_proj is a Linear(E, E).
    Args:
        dropout: the probability of dropping an attention weight, in training.
        bias: whether the projections have biases.
        add_bias_kv: a learned key and a learned value, bias_k and bias_v (1, 1, E), at the end of every sequence.
        add_zero_attn: a key and a value of zeros at the end of every sequence: somewhere to look when there is nothing
            to see. What is put at the end is never masked, not even by is_causal, and has its columns in the weights.
        kdim, vdim: lengths of keys and values, E by default.
    Raises:
        ArgumentError: num_heads does not divide embed_dim. ShapeError (when called): inputs or masks that do not fit.
    Initial values: projections U(−a, a), a = √(6 / (fan_in + fan_out)); out_proj.weight as a Linear's; biases 0; bias_k
        and bias_v N(0, 2 / (fan_in + fan_out)).
    Source: A. Vaswani et al., Attention is all you need (2017), section 3.2.2.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            heads = ", ".join(str(h) for h in range(1, embed_dim + 1) if embed_dim % h == 0)
            raise ArgumentError(
                f"MultiheadAttention: num_heads: got {num_heads}, which does not divide {embed_dim}, the embed_dim",
                fix=f"use {heads} heads, or another embed_dim" if heads else "use an embed_dim of 1 or more",
            )
        check_probability("MultiheadAttention: dropout", dropout)
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn

        def matrix(rows: int, columns: int) -> Parameter:
            return Parameter(empty(rows, columns, device=device, dtype=dtype))

        self.in_proj_weight = None
        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = matrix(3 * embed_dim, embed_dim)
        else:
            self.q_proj_weight = matrix(embed_dim, embed_dim)
            self.k_proj_weight = matrix(embed_dim, self.kdim)
            self.v_proj_weight = matrix(embed_dim, self.vdim)
        self.in_proj_bias = Parameter(zeros(3 * embed_dim, device=device, dtype=dtype)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, device=device, dtype=dtype)
        self.bias_k, self.bias_v = [
            Parameter(empty(1, 1, embed_dim, device=device, dtype=dtype)) if add_bias_kv else None for _ in "kv"
        ]
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        for name, parameter in self.named_parameters(recurse=False):
            if name in ("bias_k", "bias_v"):
                init.xavier_normal_(parameter)
            elif name != "in_proj_bias":
                init.xavier_uniform_(parameter)
        self.out_proj.reset_parameters()
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The attended values and, if asked for, the weights.

        Args:
            key_padding_mask: (N, S): boolean, **true where a key is padding and not to be attended to**, or a number
                that is added to the scores.
            need_weights: give the weights too; without them a faster kernel runs.
            attn_mask: (T, S) or (N·H, T, S): boolean, **true where a query may not attend**, or a number.
            average_attn_weights: the mean of the heads' weights (N, T, S) instead of all of them, (N, H, T, S).
            is_causal: query t attends to keys s ≤ t alone; together with a mask, both hold. No hint, as in PyTorch: it
                needs no mask beside it.
        """
        same = query is key is value
        query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
        self._check(query, key, value)
        single = query.ndim == 2
        axis = 0 if self.batch_first else 1
        xs = [ops.unsqueeze(x, axis=axis) if single else x for x in ((query,) if same else (query, key, value))]
        if not self.batch_first:
            xs = [ops.swapaxes(x, 0, 1) for x in xs]  # (N, T, E)
        q, k, v = self._project(xs)
        s = k.shape[1]
        q, k, v = self._split(q), self._split(self._more(k, self.bias_k)), self._split(self._more(v, self.bias_v))
        mask = self._mask(attn_mask, key_padding_mask, q, s, k.shape[2] - s, is_causal)  # q: (N, H, T, D)
        is_causal = is_causal and k.shape[2] == s  # else it is in the mask
        p = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            weights = _weights(q, k, mask, is_causal)  # (N, H, T, S)
            weights = F.dropout(weights, p, self.training)
            o = weights @ v  # (N, H, T, D)
            weights = ops.mean(weights, axis=1) if average_attn_weights else weights
            weights = ops.squeeze(weights, axis=0) if single else weights
        else:
            o = F.scaled_dot_product_attention(q, k, v, mask, p, is_causal)  # (N, H, T, D)
        y = self.out_proj(ops.flatten(ops.swapaxes(o, 1, 2), start=2))  # (N, T, E)
        y = y if self.batch_first else ops.swapaxes(y, 0, 1)
        return (ops.squeeze(y, axis=axis) if single else y), weights

    def _check(self, query: Any, key: Any, value: Any) -> None:
        sizes = {"query": self.embed_dim, "key": self.kdim, "value": self.vdim}
        for (name, size), x in zip(sizes.items(), (query, key, value), strict=True):
            if x.ndim not in (2, 3) or x.ndim != query.ndim or x.shape[-1] != size:
                batch = "N, length" if self.batch_first else "length, N"
                argument = {"query": "embed_dim", "key": "kdim", "value": "vdim"}[name]
                features = x.ndim in (2, 3) and x.shape[-1] != size
                raise ShapeError(
                    f"MultiheadAttention: {name}: got shape {x.shape}, expected ({batch}, {size}) or (length, {size}), "
                    "for all three alike",
                    fix=f"make it with {argument}={x.shape[-1]}" if features else "give all three the same axes",
                )
        if key.shape[:-1] != value.shape[:-1]:
            raise ShapeError(
                f"MultiheadAttention: value: got shape {value.shape} for a key of {key.shape}",
                fix="each key has one value: all axes but the features must be equal",
            )
        batch_axis = 0 if self.batch_first else 1
        if query.ndim == 3 and query.shape[batch_axis] != key.shape[batch_axis]:
            raise ShapeError(
                f"MultiheadAttention: got query {query.shape} and key {key.shape}, expected equal batches",
                fix=f"batches stand at axis {batch_axis}; see batch_first",
            )

    def _project(self, xs: list[Any]) -> Any:
        """Queries, keys and values (N, T or S, E); in one product where they come from the same x."""
        e = self.embed_dim
        if len(xs) == 1 and self.in_proj_weight is not None:
            return ops.split(F.linear(xs[0], self.in_proj_weight, self.in_proj_bias), e, axis=-1)
        if self.in_proj_weight is not None:
            weights = ops.split(self.in_proj_weight, e)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = (None,) * 3 if self.in_proj_bias is None else ops.split(self.in_proj_bias, e)
        return [F.linear(x, w, b) for x, w, b in zip(xs, weights, biases, strict=True)]

    def _more(self, x: Any, bias: Any) -> Any:
        """(N, S, E) → (N, S + 0 to 2, E): with the learned key or value, and with zeros."""
        n, _, e = x.shape
        rows = [] if bias is None else [ops.expand(bias, shape=(n, 1, e))]
        if self.add_zero_attn:
            rows.append(zeros(n, 1, e, device=x.device, dtype=x.dtype))
        return ops.concatenate(x, *rows, axis=1) if rows else x

    def _split(self, x: Any) -> Any:
        """(N, T, E) → (N, H, T, D): each head its part of the features."""
        return ops.swapaxes(ops.reshape(x, shape=(*x.shape[:2], self.num_heads, self.head_dim)), 1, 2)

    def _mask(self, attn_mask: Any, key_padding_mask: Any, q: Any, s: int, more: int, causal: bool) -> Any:
        """All masks as one, in the convention of `attention`: true where a query may attend, or a number to add."""
        n, h, t, _ = q.shape
        masks = []
        if attn_mask is not None:
            m = _mask_tensor("attn_mask", attn_mask, q, {(t, s): (t, s), (n * h, t, s): (n, h, t, s)})
            masks.append(m)  # (T, S) or (N, H, T, S)
        if key_padding_mask is not None:
            shapes: dict[tuple[int, ...], tuple[int, ...]] = {(n, s): (n, 1, 1, s)}
            if n == 1:
                shapes[(s,)] = (1, 1, 1, s)  # of the one sample
            masks.append(_mask_tensor("key_padding_mask", key_padding_mask, q, shapes))  # (N, 1, 1, S)
        if causal and more:
            masks.append(Tensor(~_triangle(q, s)))  # (T, S)
        if more:  # what is put at the end is never masked
            masks = [ops.pad(m, widths=((0, 0),) * (m.ndim - 1) + ((0, more),), value=0) for m in masks]
        mask = None
        for m in masks:
            m = ~m if m.dtype == bool else m
            mask = m if mask is None else _both(mask, m)
        return mask


def _both(a: Any, b: Any) -> Any:
    """Two masks, each of booleans, true: may attend, or of numbers to add."""
    if a.dtype == bool:
        return a & b if b.dtype == bool else ops.where(a, b, -math.inf)
    return ops.where(b, a, -math.inf) if b.dtype == bool else a + b


def _triangle(q: Any, s: int) -> Any:
    """Booleans (T, S), true where s ≤ t."""
    return xp(q.data).tri(q.shape[-2], s, dtype=bool)


def _mask_tensor(name: str, mask: Any, q: Any, shapes: dict[tuple[int, ...], tuple[int, ...]]) -> Any:
    """A mask, checked, in q's dtype if it is of numbers; `shapes`: those it may have → those it is brought to."""
    m = as_tensor(mask)
    if m.dtype != bool and not is_float(m.dtype):
        raise DTypeError(f"MultiheadAttention: {name}: got {m.dtype}, expected bool or floating", fix="use .bool()")
    if m.shape not in shapes:
        raise ShapeError(f"MultiheadAttention: {name}: got shape {m.shape}, expected {' or '.join(map(str, shapes))}")
    m = ops.reshape(m, shape=shapes[m.shape])
    return m if m.dtype == bool else m.to(dtype=q.dtype)


def _weights(q: Any, k: Any, mask: Any, causal: bool) -> Any:
    """softmax(q kᵀ / √D + mask) written out, where the weights themselves are wanted."""
    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ ops.mT(k)  # (N, H, T, S)
    if mask is not None:
        scores = ops.where(mask, scores, -math.inf) if mask.dtype == bool else scores + mask
    if causal:
        scores = ops.where(Tensor(_triangle(q, k.shape[-2])), scores, -math.inf)
    return ops.softmax(scores, axis=-1)
