"""PyTorch's functions at the top level (`minidl.exp`, `minidl.cat`, …): thin names over the methods and operations.

Every one of them takes tensors, arrays, numbers or lists, and gives tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import ops
from .errors import ArgumentError, describe
from .tensor import Tensor, as_tensor

__all__ = [
    "abs",
    "allclose",
    "argmax",
    "argmin",
    "cat",
    "chunk",
    "clamp",
    "concat",
    "einsum",
    "equal",
    "exp",
    "flatten",
    "isfinite",
    "isnan",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "permute",
    "relu",
    "reshape",
    "sigmoid",
    "softmax",
    "split",
    "sqrt",
    "squeeze",
    "stack",
    "sum",
    "tanh",
    "transpose",
    "unsqueeze",
    "var",
    "where",
]

# Element by element ---------------------------------------------------------------------------------------------------


def exp(input: Any) -> Any:
    """eˣ."""
    return as_tensor(input).exp()


def log(input: Any) -> Any:
    """The natural logarithm."""
    return as_tensor(input).log()


def sqrt(input: Any) -> Any:
    """√x."""
    return as_tensor(input).sqrt()


def abs(input: Any) -> Any:
    """|x|."""
    return as_tensor(input).abs()


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return as_tensor(input).tanh()


def sigmoid(input: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    return as_tensor(input).sigmoid()


def relu(input: Any) -> Any:
    """max(x, 0)."""
    return as_tensor(input).relu()


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """Limited to [min, max]."""
    return as_tensor(input).clamp(min, max)


def maximum(input: Any, other: Any) -> Any:
    """The larger one, element by element."""
    return as_tensor(input).maximum(other)


def minimum(input: Any, other: Any) -> Any:
    """The smaller one, element by element."""
    return as_tensor(input).minimum(other)


def where(condition: Any, input: Any, other: Any) -> Any:
    """`input` where the condition is true, else `other`."""
    return ops.where(as_tensor(condition), input, other)


def isnan(input: Any) -> Any:
    """Where elements are NaN."""
    return as_tensor(input).isnan()


def isfinite(input: Any) -> Any:
    """Where elements are neither infinite nor NaN."""
    return as_tensor(input).isfinite()


# Comparison -----------------------------------------------------------------------------------------------------------


def equal(input: Any, other: Any) -> bool:
    """Whether both have the same shape and the same elements."""
    x, w = as_tensor(input), as_tensor(other)
    return x.shape == w.shape and bool((x == w).all())


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |input − other| ≤ atol + rtol · |other| everywhere."""
    x, w = as_tensor(input).detach().cpu().numpy(), as_tensor(other).detach().cpu().numpy()
    return np.allclose(x, w, rtol=rtol, atol=atol, equal_nan=equal_nan)


# Reductions -----------------------------------------------------------------------------------------------------------


def sum(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The sum over `dim` (an axis, several, or None for all)."""
    return as_tensor(input).sum(dim, keepdim)


def mean(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The mean over `dim`."""
    return as_tensor(input).mean(dim, keepdim)


def var(input: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> Any:
    """The variance over `dim`, divided by n − correction."""
    return as_tensor(input).var(dim, correction=correction, keepdim=keepdim)


def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest value of all; over an axis `dim`, (values, indices); with a second tensor, `maximum`."""
    return maximum(input, dim) if isinstance(dim, Tensor) else as_tensor(input).max(dim, keepdim)


def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest value of all; over an axis `dim`, (values, indices); with a second tensor, `minimum`."""
    return minimum(input, dim) if isinstance(dim, Tensor) else as_tensor(input).min(dim, keepdim)


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the largest value, the first of ties."""
    return as_tensor(input).argmax(dim, keepdim)


def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the smallest value, the first of ties."""
    return as_tensor(input).argmin(dim, keepdim)


def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """log Σ eˣ over `dim`, without overflow."""
    return as_tensor(input).logsumexp(dim, keepdim)


def softmax(input: Any, dim: int) -> Any:
    """eˣ / Σ eˣ along `dim`."""
    return as_tensor(input).softmax(dim)


def log_softmax(input: Any, dim: int) -> Any:
    """x − log Σ eˣ along `dim`."""
    return as_tensor(input).log_softmax(dim)


# Shape ----------------------------------------------------------------------------------------------------------------


def reshape(input: Any, shape: Sequence[int]) -> Any:
    """The same elements in another shape; one size may be −1."""
    return as_tensor(input).reshape(shape)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Axes `start_dim` to `end_dim` as one."""
    return as_tensor(input).flatten(start_dim, end_dim)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    return as_tensor(input).transpose(dim0, dim1)


def permute(input: Any, dims: Sequence[int]) -> Any:
    """The axes in another order."""
    return as_tensor(input).permute(dims)


def squeeze(input: Any, dim: Any = None) -> Any:
    """Without the axes of size 1, or without `dim` if its size is 1."""
    return as_tensor(input).squeeze(dim)


def unsqueeze(input: Any, dim: int) -> Any:
    """With a new axis of size 1 at `dim`."""
    return as_tensor(input).unsqueeze(dim)


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors side by side along an axis that they have."""
    return ops.concatenate(*_several("cat", tensors), axis=dim)


concat = cat


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape along a new axis."""
    return ops.stack(_several("stack", tensors), axis=dim)


def split(input: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Pieces of one size along `dim` (the last may be smaller), or of the sizes listed."""
    return as_tensor(input).split(split_size_or_sections, dim)


def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` pieces of one size along `dim` (the last may be smaller)."""
    return as_tensor(input).chunk(chunks, dim)


def _several(name: str, tensors: Any) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not len(tensors):
        raise ArgumentError(f"{name}: tensors: got {describe(tensors)}, expected a list of at least one tensor")
    return [as_tensor(each) for each in tensors]


# Products -------------------------------------------------------------------------------------------------------------


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
