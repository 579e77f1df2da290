"""Attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl import ops
from minidl.array import is_float
from minidl.errors import ShapeError
from minidl.tensor import as_tensor

from .dropout import check_probability, keep_mask

__all__ = [
    "scaled_dot_product_attention",
]


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(Q Kᵀ · scale + mask) V.

    Shapes: query (…, T, D), key (…, S, D), value (…, S, E) → (…, T, E); the batch axes broadcast.
    Args:
        attn_mask: broadcastable to (…, T, S): boolean, **true where a query may attend** (MultiheadAttention has it
            the other way round, as PyTorch), or a number that is added, which gets a gradient: a learned bias.
        dropout_p: the probability of dropping a weight; unlike a module this knows nothing of training and evaluation.
        is_causal: query t attends to the keys s ≤ t alone; together with a mask, both hold.
        scale: default 1/√D.
        enable_gqa: grouped heads: query (…, H, T, D), key (…, G, S, D) and value (…, G, S, E), where G divides H; query
            heads 0 to H/G − 1 share the first head of keys and values, the next H/G the second, and so on.
    Raises:
        ShapeError, DTypeError: an argument does not fit the others. ArgumentError: dropout_p is no probability.
    Source: A. Vaswani et al., Attention is all you need (2017), equation 1; for grouped heads, J. Ainslie et al., GQA
        (2023), section 2.2.
    """
    q, k, v = as_tensor(query), as_tensor(key), as_tensor(value)
    if enable_gqa:
        k, v = _shared_heads("key", k, q), _shared_heads("value", v, q)
    q, k, v = _same_batch(q, k, v)
    check_probability("scaled_dot_product_attention", dropout_p)
    keep = keep_mask(q, (*q.shape[:-1], k.shape[-2]), dropout_p) if dropout_p > 0 else None  # (…, T, S)
    mask = None if attn_mask is None else as_tensor(attn_mask)
    if mask is not None and is_float(mask.dtype):
        mask = mask.to(dtype=q.dtype)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    return ops.attention(q, k, v, mask, keep, scale=scale, causal=is_causal, p=dropout_p)


def _shared_heads(name: str, x: Any, q: Any) -> Any:
    """(…, G, S, D) → (…, H, S, D): each head once for every query head of its group; its gradient is their sum."""
    if q.ndim < 3 or x.ndim < 3 or x.shape[-3] < 1 or q.shape[-3] % x.shape[-3]:
        raise ShapeError(
            f"scaled_dot_product_attention: {name}: got shape {x.shape} for a query of {q.shape}, expected "
            "(…, G, S, features) and (…, H, T, features), where G divides H",
            fix="heads stand before places: x.transpose(-3, -2)",
        )
    *batch, groups, places, size = x.shape
    repeats = q.shape[-3] // groups
    x = ops.expand(ops.unsqueeze(x, axis=-3), shape=(*batch, groups, repeats, places, size))
    return ops.reshape(x, shape=(*batch, groups * repeats, places, size))


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
