"""Products."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.tensor import as_tensor

__all__ = [
    "einsum",
    "matmul",
]


def matmul(input: Any, other: Any) -> Any:
    """The matrix product, with NumPy's rules for batches and vectors."""
    return ops.matmul(as_tensor(input), as_tensor(other))


def einsum(equation: str, *operands: Any) -> Any:
    """Sums of products by Einstein's convention: a letter that the result lacks is summed over.

    `"ij,jk->ik"` is the matrix product; see `ops.einsum_of` for every spelling.
    """
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    return ops.einsum_of(equation, *map(as_tensor, operands))
