"""Rows of a table, and numbers as rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import ops
from minidl.array import xp
from minidl.errors import DTypeError, describe
from minidl.tensor import Tensor, as_tensor

__all__ = [
    "embedding",
    "one_hot",
]


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
