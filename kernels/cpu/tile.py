"""Products of matrices inside a kernel: a tile that stays in registers, operands in panels, and threads.

LLVM vectorises the innermost loop of a kernel; a sum over an outer loop goes to memory and back at every step, and
less than half of the multiply-add rate is left. So this file writes the innermost part of a product itself: 4 rows × 2
registers of the result stay in registers while k runs. For each k there are 2 loads of b and 4 of a for 8 multiply-
adds; 8 sums, 2 values and a factor fit into the 16 registers of AVX2. Measured alone, on one core with AVX-512: 140 to
155 GFLOP/s, where OpenBLAS has 130 to 148 for large matrices, and the plain loop 63.

b comes in *panels*: columns in groups of `panel(b)`, the width of a tile, each group stored row after row, the last one
filled up with zeros. What a tile reads then lies in the order in which it is read.

A tile of 4 registers loads 8 times for 16 multiply-adds instead of 6 times for 8. Where there are 32 registers, it
is faster: 163 to 174 GFLOP/s instead of 131 to 135 for 32 × 256 × 1024 (OpenBLAS 72 to 102; PyTorch 146 to 148). It
wants wide matrices, since panels are filled up with zeros. `wide` chooses it; a panel goes with its tile.

`tile` and `panel` are ordinary Python, which says what they mean and which runs when Numba is switched off; below
stands what the compiler writes in their place.
"""

from __future__ import annotations

from itertools import pairwise
from threading import Thread
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.cgutils import alloca_once_value, for_range, get_or_insert_function
from numba.core.codegen import get_host_cpu_features
from numba.extending import lower_builtin, type_callable

from .jit import OPTIONS, thread_count

BYTES = 64 if "+avx512f" in (numba.config.CPU_FEATURES or get_host_cpu_features()) else 32  # of a register
ROWS, REGISTERS = 4, 2
WIDE = 4 if BYTES == 64 else REGISTERS  # AVX-512 has 32 registers
BLOCK = 128  # rows of a panel that serve all rows of a product before the next do: 16 KiB, half of a first-level cache


def panel(x: np.ndarray) -> int:
    """The width of a panel of elements like those of x."""
    return REGISTERS * BYTES // x.itemsize


def wide_panel(x: np.ndarray) -> int:
    """The width of a wide panel of elements like those of x."""
    return WIDE * BYTES // x.itemsize


def tile(
    a: Any, a0: int, down: int, right: int, b: Any, b0: int, c: Any, c0: int, width: int, inner: int, more: bool
) -> None:
    """c[i, j] = Σₖ a[i, k] b[k, j] for 4 rows i and one panel's columns j; k counts to `inner`. If `more`, += for =.

    All three are one-dimensional, contiguous arrays. a begins at a0, and goes `down` to the next i, `right` to the next
    k; b is a panel that begins at b0; c begins at c0, and goes `width` to the next i.
    """
    _sum_of_rows(panel(b), a, a0, down, right, b, b0, c, c0, width, inner, more)


def wide_tile(
    a: Any, a0: int, down: int, right: int, b: Any, b0: int, c: Any, c0: int, width: int, inner: int, more: bool
) -> None:
    """The same, with a wide panel."""
    _sum_of_rows(wide_panel(b), a, a0, down, right, b, b0, c, c0, width, inner, more)


def _sum_of_rows(
    w: int, a: Any, a0: int, down: int, right: int, b: Any, b0: int, c: Any, c0: int, width: int, inner: int, more: bool
) -> None:
    for i in range(ROWS):
        row = c[c0 + i * width : c0 + i * width + w]
        row[:] = row if more else 0
        for k in range(inner):
            row += a[a0 + i * down + k * right] * b[b0 + k * w : b0 + (k + 1) * w]


@type_callable(panel)
@type_callable(wide_panel)
def _(context):
    return lambda x: types.intp


@lower_builtin(panel, types.Array)
def _(context, builder, signature, args):
    return context.get_constant(types.intp, REGISTERS * BYTES * 8 // signature.args[0].dtype.bitwidth)


@lower_builtin(wide_panel, types.Array)
def _(context, builder, signature, args):
    return context.get_constant(types.intp, WIDE * BYTES * 8 // signature.args[0].dtype.bitwidth)


@type_callable(tile)
@type_callable(wide_tile)
def _(context):
    return lambda a, a0, down, right, b, b0, c, c0, width, inner, more: types.none


Array, Integer = types.Array, types.Integer
OPERANDS = Array, *[Integer] * 3, Array, Integer, Array, *[Integer] * 3, types.Boolean


@lower_builtin(tile, *OPERANDS)
def _(context, builder, signature, args):
    return _write_tile(context, builder, signature, args, REGISTERS)


@lower_builtin(wide_tile, *OPERANDS)
def _(context, builder, signature, args):
    return _write_tile(context, builder, signature, args, WIDE)


def _write_tile(context: Any, builder: Any, signature: Any, args: Any, count: int) -> Any:
    """The tile with `count` registers in a row."""
    a, a0, down, right, b, b0, c, c0, width, inner, more = (
        context.make_array(kind)(context, builder, value).data if isinstance(kind, Array) else value
        for kind, value in zip(signature.args, args)
    )
    scalar, index = signature.args[6].dtype, a0.type
    lanes = BYTES * 8 // scalar.bitwidth
    vector = ir.VectorType(context.get_value_type(scalar), lanes)
    lane0 = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
    name = f"llvm.fmuladd.v{lanes}f{scalar.bitwidth}"
    fmuladd = get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)

    def at(array, *offsets):
        for offset in offsets:
            array = builder.gep(array, [offset])
        return array

    def registers(array):
        return [builder.bitcast(at(array, index(n * lanes)), vector.as_pointer()) for n in range(count)]

    def load(pointer):
        return builder.load(pointer, align=scalar.bitwidth // 8)

    homes = [p for i in range(ROWS) for p in registers(at(c, c0, builder.mul(width, index(i))))]
    zero = ir.Constant(vector, None)
    sums = [alloca_once_value(builder, builder.select(more, load(p), zero)) for p in homes]
    with for_range(builder, inner) as loop:
        values = [load(p) for p in registers(at(b, b0, builder.mul(loop.index, index(count * lanes))))]
        for i in range(ROWS):
            number = builder.load(at(a, a0, builder.mul(down, index(i)), builder.mul(right, loop.index)))
            first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, index(0))
            factor = builder.shuffle_vector(first, first, lane0)  # the number in every lane
            for total, value in zip(sums[i * count :], values):
                builder.store(builder.call(fmuladd, [factor, value, builder.load(total)]), total)
    for p, total in zip(homes, sums):
        builder.store(builder.load(total), p, align=scalar.bitwidth // 8)
    return context.get_dummy_value()


# Whole products, and matrices in panels; for use in kernels -----------------------------------------------------------

# Called by compiled code alone: without the entrance from Python, and not in the cache, compilation is twice as fast.
part = numba.njit(**{**OPTIONS, "cache": False}, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@part
def product(a, a0, down, right, b, b0, c, c0, width, rows, inner, more):
    """c[i, j] = Σₖ a[i, k] b[k, j] for `rows` rows (in whole tiles) and one panel b, or += if `more`; see `tile`."""
    for k in range(0, max(inner, 1), BLOCK):
        for i in range(0, rows, ROWS):
            start, b1, c1 = a0 + i * down + k * right, b0 + k * panel(b), c0 + i * width
            tile(a, start, down, right, b, b1, c, c1, width, min(BLOCK, inner - k), more or k > 0)


@part
def wide_product(a, a0, down, right, b, b0, c, c0, width, rows, inner, more):
    """The same with a wide panel, half as many rows of which serve at a time."""
    for k in range(0, max(inner, 1), BLOCK // 2):
        for i in range(0, rows, ROWS):
            start, b1, c1 = a0 + i * down + k * right, b0 + k * wide_panel(b), c0 + i * width
            wide_tile(a, start, down, right, b, b1, c, c1, width, min(BLOCK // 2, inner - k), more or k > 0)


@part
def up(count, step):
    """The next multiple of step."""
    return -(-count // step) * step


@part
def panels(x, first, count, factor, rows, y, wide=False):
    """`count` rows of x · factor, from `first` on, in panels of `rows` rows; zeros beside the last column."""
    w = wide_panel(y) if wide else panel(y)
    for column in range(0, x.shape[1], w):
        for i in range(count):
            row, from_x = y[column * rows + i * w :], x[first + i, column:]
            for j in range(min(w, len(from_x))):
                row[j] = from_x[j] * factor
            for j in range(len(from_x), w):
                row[j] = 0


@part
def transposed(x, y, wide=False):
    """xᵀ in panels."""
    w, columns = wide_panel(y) if wide else panel(y), x.shape[1]
    for row in range(0, len(x), w):
        for first in range(0, columns, 16):  # 16 at a time: what is read and what is written stays in the cache
            for i in range(w):
                to_y = y[row * columns + first * w + i :]
                for j in range(min(16, columns - first)):
                    to_y[j * w] = x[row + i, first + j] if row + i < len(x) else 0


@part
def unpanel(y, rows, factor, x, first, count):
    """The converse of `panels`."""
    w = panel(y)
    for column in range(0, x.shape[1], w):
        for i in range(count):
            row, to_x = y[column * rows + i * w :], x[first + i, column:]
            for j in range(min(w, len(to_x))):
                to_x[j] = row[j] * factor


# Threads --------------------------------------------------------------------------------------------------------------

ALONE = 1 << 23  # multiply-adds, 0.1 to 0.2 ms: this thread is done with them before another one has started


def share(kernel: Any, tasks: int, work: int, *args: Any) -> None:
    """kernel(begin, end, *args) over all tasks, shared among threads where the multiply-adds are many.

    These are Python's threads, which run at once because compiled code lets go of the interpreter. Starting one takes
    40 µs, a `prange` 3 µs; but a large kernel inside a `prange` is compiled a second time, which took 3 s for each.
    """
    strips = max(1, min(tasks, thread_count())) if work > ALONE else 1
    bounds = [strip * tasks // strips for strip in range(strips + 1)]
    threads = [Thread(target=kernel, args=(begin, end, *args)) for begin, end in pairwise(bounds[1:])]
    for thread in threads:
        thread.start()
    kernel(0, bounds[1], *args)
    for thread in threads:
        thread.join()
