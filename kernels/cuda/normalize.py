"""Layer norm on the GPU: checks, memory and launch arithmetic around `normalize.cu`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from . import compile as door

WARP = 32
PER_THREAD = 16  # elements of a row that a thread should have before the row is spread over more warps
BLOCK = 128  # threads below which a block takes several rows
COLUMN_BLOCK = 256  # threads of a block that sums down columns, 32 wide
ROWS_PER_THREAD = 8  # rows that a thread should have to sum before the rows are split into more chunks
MAX_GRID_Y = 65535  # CUDA's limit on every device (CUDA C++ Programming Guide, table "Technical Specifications")


def layer_norm(x: Any, w: Any, b: Any, *, dims: int = 1, eps: float = 1e-5) -> tuple[Any, tuple[Any, ...]]:
    """y = w (x − mean) / sqrt(var + eps) + b over the last `dims` axes, which hold D elements in R rows.

    Args: x (..., *shape) float32 or float64; w, b of that shape and dtype, or None.
    Returns: y like x, and the residuals (x, w, b, mean, shift, rstd), the last three of shape (R,); a row's mean is
        mean + shift, the second number holding what the first one rounds off.
    Raises: ValueError, TypeError: dims, a shape or a dtype does not fit. A kernel would read past the end of it.
    Source: Ba, Kiros, Hinton, "Layer Normalization", 2016, eq. 4; the corrected two-pass variance is Chan, Golub,
        LeVeque, "Algorithms for Computing the Sample Variance", 1983, eq. 1.7.
    """
    gpu = door.device()
    rows, shape = _split(x, dims)
    columns = prod(shape)
    _fits("w", w, shape, x.dtype)
    _fits("b", b, shape, x.dtype)
    y = gpu.empty(x.shape, x.dtype)
    mean, shift, rstd = (gpu.empty((rows,), x.dtype) for _ in range(3))
    x, w, b = (None if a is None else gpu.contiguous(a) for a in (x, w, b))
    if y.size:
        kernel = gpu.kernel("normalize", "layer_norm", x.dtype)
        grid, block = _row_launch(gpu, kernel, rows, columns)
        sizes = np.int64(rows), np.uint32(columns), x.dtype.type(eps)
        kernel(grid, block, (x, door.pointer(w), door.pointer(b), y, mean, shift, rstd, *sizes))
    return y, (x, w, b, mean, shift, rstd)


def layer_norm_backward(
    dy: Any,
    x: Any,
    w: Any,
    b: Any,
    mean: Any,
    shift: Any,
    rstd: Any,
    *,
    dims: int = 1,
    eps: float = 1e-5,
    needs: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[Any, Any, Any]:
    """dx = rstd (g − mean(g) − x̂ mean(g x̂)) with g = dy w;  dw = Σ dy x̂;  db = Σ dy, summed over the rows.

    Args: dy like x; the residuals of `layer_norm`; needs: which of x, w, b want a gradient. eps is inside rstd already.
    Returns: dx like x; dw, db like w, b; None for what is None or wants none.
    """
    gpu = door.device()
    rows, shape = _split(dy, dims)
    columns = prod(shape)
    _fits("dy", dy, x.shape, x.dtype)
    dx = gpu.empty(dy.shape, dy.dtype) if needs[0] else None
    dw, db = (gpu.zeros(shape, dy.dtype) if a is not None and need else None for a, need in zip((w, b), needs[1:]))
    if not dy.size:
        return dx, dw, db
    dy = gpu.contiguous(dy)
    if dx is not None:
        kernel = gpu.kernel("normalize", "layer_norm_dx", x.dtype)
        grid, block = _row_launch(gpu, kernel, rows, columns)
        sizes = np.int64(rows), np.uint32(columns)
        kernel(grid, block, (dy, x, door.pointer(w), mean, shift, rstd, dx, *sizes))
    if dw is not None or db is not None:
        _column_sums(gpu, dy, x, mean, shift, rstd, dw, db, rows, columns)
    return dx, dw, db


def _column_sums(
    gpu: Any, dy: Any, x: Any, mean: Any, shift: Any, rstd: Any, dw: Any, db: Any, rows: int, columns: int
) -> None:
    """Fill dw and db in two stages: a sum per chunk of rows, then the sum of the chunks, each in a fixed order."""
    kernel = gpu.kernel("normalize", "layer_norm_dw", x.dtype)
    height = min(COLUMN_BLOCK, _limit(gpu, kernel)) // WARP
    tiles = _ceil_div(columns, WARP)
    resident = gpu.multiprocessors * max(1, gpu.threads_per_multiprocessor // (WARP * height))
    chunks = min(_ceil_div(rows, height * ROWS_PER_THREAD), max(1, resident // tiles), MAX_GRID_Y)
    rows_per_chunk = _ceil_div(rows, chunks)
    chunks = _ceil_div(rows, rows_per_chunk)  # after rounding up, fewer may do

    parts = [a if a is None or chunks == 1 else gpu.empty((chunks, columns), a.dtype) for a in (dw, db)]
    sizes = np.int64(rows), np.uint32(columns), np.int64(rows_per_chunk)
    arguments = (dy, x, mean, shift, rstd, *map(door.pointer, parts), *sizes)
    shared = 2 * WARP * height * x.dtype.itemsize
    kernel((tiles, chunks), (WARP, height), arguments, shared_mem=shared)
    if chunks > 1:
        kernel = gpu.kernel("normalize", "sum_chunks", x.dtype)
        threads = min(COLUMN_BLOCK, _limit(gpu, kernel))
        for part, total in zip(parts, (dw, db), strict=True):
            if total is not None:
                grid = (_ceil_div(columns, threads),)
                kernel(grid, (threads,), (part, total, np.uint32(chunks), np.uint32(columns)))


def _row_launch(gpu: Any, kernel: Any, rows: int, columns: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Grid and block of a kernel that works along rows: block (threads per row, rows per block)."""
    limit = _limit(gpu, kernel)
    width = WARP
    while width < limit and width * PER_THREAD < columns:
        width *= 2
    height = max(1, min(BLOCK, limit) // width)
    resident = gpu.multiprocessors * max(1, gpu.threads_per_multiprocessor // (width * height))
    return (min(_ceil_div(rows, height), resident),), (width, height)


def _limit(gpu: Any, kernel: Any) -> int:
    """The largest power of two of threads that a block of this kernel can have; its registers may set the limit."""
    return 1 << (min(kernel.max_threads_per_block, gpu.threads_per_block).bit_length() - 1)


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _split(x: Any, dims: int) -> tuple[int, tuple[int, ...]]:
    """The number of rows R, and the shape of the axes that are normalised."""
    if not 0 <= dims <= x.ndim:
        raise ValueError(f"dims: got {dims}, expected 0 to {x.ndim}, the number of axes of x {x.shape}")
    cut = x.ndim - dims
    return prod(x.shape[:cut]), tuple(x.shape[cut:])


def _fits(name: str, array: Any, shape: tuple[int, ...], dtype: Any) -> None:
    if array is None:
        return
    if tuple(array.shape) != tuple(shape):
        raise ValueError(f"{name}: got shape {tuple(array.shape)}, expected {tuple(shape)}")
    if array.dtype != dtype:
        raise TypeError(f"{name}: got {array.dtype}, expected {dtype}, the dtype of x")
