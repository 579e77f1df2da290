"""Multi-head attention: projections around the operation `attention`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

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
        kdim, vdim: lengths of keys and values, E by default.
    Raises:
        ArgumentError: num_heads does not divide embed_dim. ShapeError (when called): inputs or masks that do not fit.
    Initial values: projections U(−a, a), a = √(6 / (fan_in + fan_out)); out_proj.weight as a Linear's; biases 0.
    Source: A. Vaswani et al., Attention is all you need (2017), section 3.2.2.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ArgumentError(f"MultiheadAttention: num_heads: got {num_heads}, which does not divide {embed_dim}")
        check_probability("MultiheadAttention: dropout", dropout)
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.dropout, self.batch_first = dropout, batch_first

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
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        for name, parameter in self.named_parameters(recurse=False):
            if name != "in_proj_bias":
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
            is_causal: query t attends to keys s ≤ t alone; together with a mask, both hold.
        """
        same = query is key is value
        query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
        self._check(query, key, value)
        single = query.ndim == 2
        axis = 0 if self.batch_first else 1
        xs = [ops.unsqueeze(x, axis=axis) if single else x for x in ((query,) if same else (query, key, value))]
        if not self.batch_first:
            xs = [ops.swapaxes(x, 0, 1) for x in xs]  # (N, T, E)
        q, k, v = [self._split(x) for x in self._project(xs)]  # (N, H, T or S, D)
        mask = self._mask(attn_mask, key_padding_mask, q, k)
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
                raise ShapeError(
                    f"MultiheadAttention: {name}: got shape {x.shape}, expected ({batch}, {size}) or (length, {size}), "
                    "for all three alike"
                )
        if key.shape[:-1] != value.shape[:-1]:
            raise ShapeError(f"MultiheadAttention: value: got shape {value.shape} for a key of {key.shape}")
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

    def _split(self, x: Any) -> Any:
        """(N, T, E) → (N, H, T, D): each head its part of the features."""
        return ops.swapaxes(ops.reshape(x, shape=(*x.shape[:2], self.num_heads, self.head_dim)), 1, 2)

    def _mask(self, attn_mask: Any, key_padding_mask: Any, q: Any, k: Any) -> Any:
        """Both masks as one, in the convention of `attention`: true where a query may attend, or a number to add."""
        (n, h, t, _), s = q.shape, k.shape[2]
        masks = []
        if attn_mask is not None:
            m = _mask_tensor("attn_mask", attn_mask, q, {(t, s): (t, s), (n * h, t, s): (n, h, t, s)})
            masks.append(m)  # (T, S) or (N, H, T, S)
        if key_padding_mask is not None:
            shapes: dict[tuple[int, ...], tuple[int, ...]] = {(n, s): (n, 1, 1, s)}
            if n == 1:
                shapes[(s,)] = (1, 1, 1, s)  # of the one sample
            masks.append(_mask_tensor("key_padding_mask", key_padding_mask, q, shapes))  # (N, 1, 1, S)
        allowed = [~m for m in masks if m.dtype == bool]
        added = [m for m in masks if m.dtype != bool]
        if len(allowed) + len(added) < 2:
            return (allowed + added or [None])[0]
        if not added:
            return allowed[0] & allowed[1]
        return ops.where(allowed[0], added[0], -math.inf) if allowed else added[0] + added[1]


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
        t, s = scores.shape[-2:]
        scores = ops.where(Tensor(xp(q.data).asarray(np.tri(t, s, dtype=bool))), scores, -math.inf)
    return ops.softmax(scores, axis=-1)
