"""Attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl import ops
from minidl.array import is_float
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
    keep = keep_mask(q, (*q.shape[:-1], k.shape[-2]), dropout_p) if dropout_p > 0 else None  # (…, T, S)
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
