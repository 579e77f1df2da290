"""Rows of a table, and numbers as rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import ops
from minidl.array import xp
from minidl.config import no_grad
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import Tensor, as_tensor

from .normalize import length

__all__ = [
    "embedding",
    "embedding_bag",
    "one_hot",
]


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """Rows of a table: input (…) of integers, weight (V, D) → (…, D).

    Args:
        padding_idx: the row that gets no gradient; it may be counted from the end.
        max_norm: rows longer than this are brought to this length first, in place.
        norm_type: p, where the length is ‖row‖ₚ.
        scale_grad_by_freq: divide each row's gradient by how often the row was picked.
        sparse: must be False; gradients are arrays.
    """
    i, w = as_tensor(input), as_tensor(weight)
    _refuse_sparse("embedding", sparse)
    if max_norm is not None:
        _shorten(w, i.data, max_norm, norm_type)
    y = ops.embedding(w, i)  # (…, D)
    if not y.requires_grad:
        return y
    if scale_grad_by_freq:
        counts = xp(i.data).bincount(i.data.reshape(-1), minlength=w.shape[0])[i.data]  # (…)
        scaled = y / counts[..., None].astype(y.dtype)
        y = y.detach() + (scaled - scaled.detach())  # the values of y with the gradient of scaled
    if padding_idx is None:
        return y
    padding = ops.unsqueeze(i == padding_idx % w.shape[0], axis=-1)  # (…, 1)
    return ops.where(padding, y.detach(), y)


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """Rows of a table, reduced by bags: their sum, mean or maximum.

    Shapes: input (B, N) of integers, B bags of N rows each; or (L,), with offsets (B,) of integers, the places where
        the bags begin. weight (V, D) → (B, D); zeros for a bag of nothing.
    Args:
        max_norm, norm_type, scale_grad_by_freq, sparse: as for `embedding`.
        mode: "sum", "mean" or "max".
        per_sample_weights: a factor for each row, of the input's shape; only for the sum.
        include_last_offset: offsets is (B + 1,), and its last number is the end of the last bag.
        padding_idx: the row that counts as not there; it may be counted from the end.
    Raises:
        ShapeError, ArgumentError, DTypeError, LabelError: arguments that do not fit each other, and say which.
    """
    i, w = as_tensor(input), as_tensor(weight)
    ends = _check_bags(i, offsets, mode, per_sample_weights, include_last_offset, scale_grad_by_freq)
    places = i.data.reshape(-1)[: ends[-1]]  # (L,)
    factors = None if per_sample_weights is None else as_tensor(per_sample_weights).reshape(-1)[: ends[-1]]  # (L,)
    bags = xp(places).asarray(np.repeat(np.arange(len(ends) - 1), np.diff(ends)))  # (L,) the number of each row's bag
    if padding_idx is not None:
        there = places != padding_idx % w.shape[0]
        places, bags = places[there], bags[there]
        factors = None if factors is None else factors[there]
    rows = embedding(places, w, None, max_norm, norm_type, scale_grad_by_freq, sparse)  # (L, D)
    if mode == "max":
        return _largest(rows, bags, len(ends) - 1)
    rows = rows if factors is None else rows * ops.unsqueeze(factors, axis=-1)
    total = ops.embedding_adjoint(rows, bags, size=len(ends) - 1)  # (B, D): the rows of each bag, summed
    if mode == "sum":
        return total
    counts = xp(bags).bincount(bags, minlength=len(ends) - 1).clip(1)[:, None]  # (B, 1)
    return total / counts.astype(total.dtype)


def _largest(rows: Any, bags: Any, count: int) -> Any:
    """The largest of the rows of each bag: the bags side by side, padded with −∞ to one length."""
    sizes = xp(bags).bincount(bags, minlength=count)  # (B,)
    first = sizes.cumsum() - sizes  # (B,)
    turn = xp(bags).arange(bags.size) - first[bags]  # (L,) each row's place in its bag
    index, shape = (bags, turn), (count, max(int(sizes.max(initial=0)), 1))
    laid = ops.getitem_adjoint(rows, index=index, shape=(*shape, rows.shape[-1]))  # (B, K, D)
    there = xp(bags).arange(shape[1]) < sizes[:, None]  # (B, K)
    top = ops.max(ops.where(there[..., None], laid, -float("inf")), axis=1)  # (B, D)
    return ops.where((sizes > 0)[:, None], top, 0.0)


def _check_bags(i: Any, offsets: Any, mode: str, factors: Any, include_last: bool, by_frequency: bool) -> Any:
    """Where the bags begin, and where the last one ends: (B + 1,)."""
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(f"embedding_bag: mode: got {mode!r}, expected 'sum', 'mean' or 'max'")
    if factors is not None and mode != "sum":
        raise ArgumentError(f"embedding_bag: per_sample_weights: given with mode={mode!r}", fix="use mode='sum'")
    if by_frequency and mode == "max":
        raise ArgumentError("embedding_bag: scale_grad_by_freq: got True with mode='max'", fix="use 'sum' or 'mean'")
    if i.dtype.kind not in "iu":
        raise DTypeError(f"embedding_bag: input: got {describe(i)}, expected integers", fix="convert it with .long()")
    if factors is not None and tuple(factors.shape) != i.shape:
        raise ShapeError(
            f"embedding_bag: per_sample_weights has shape {tuple(factors.shape)}, expected the input's, {i.shape}"
        )
    if i.ndim == 2:
        if offsets is not None:
            raise ArgumentError(
                f"embedding_bag: offsets: given with an input of shape {i.shape}, whose rows are the bags",
                fix="leave them out, or flatten the input",
            )
        return np.arange(i.shape[0] + 1) * i.shape[1]
    if i.ndim != 1 or offsets is None:
        raise ShapeError(
            f"embedding_bag: input: got shape {i.shape}, expected (B, N), or (L,) with offsets",
            fix="pass offsets, the places where the bags begin" if i.ndim == 1 else "",
        )
    starts = np.asarray(as_tensor(offsets).numpy())
    ends = starts if include_last else np.append(starts, i.shape[0])
    if starts.ndim != 1 or starts.dtype.kind not in "iu" or ends.size == 0:
        raise ShapeError(f"embedding_bag: offsets: got {describe(starts)}, expected integers of shape (B,)")
    if ends[0] != 0 or (np.diff(ends) < 0).any() or ends[-1] > i.shape[0]:
        raise ArgumentError(
            f"embedding_bag: offsets: got {starts.tolist()}, expected numbers from 0 on that do not fall, and at most "
            f"{i.shape[0]}, the length of the input"
        )
    return ends


def _shorten(w: Any, i: Any, max_norm: float, norm_type: float) -> None:
    """The rows that are picked brought to length max_norm, in place, where they are longer."""
    picked = xp(i).unique(i)
    with no_grad():
        rows = w.detach()[picked]  # (U, D)
        norms = length(rows, norm_type, (1,))  # (U, 1)
        w[picked] = ops.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)


def _refuse_sparse(name: str, sparse: bool) -> None:
    if sparse:
        raise ArgumentError(
            f"{name}: sparse: got True, and gradients are arrays here, with zeros for rows that were not picked",
            fix="leave it out",
        )


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
