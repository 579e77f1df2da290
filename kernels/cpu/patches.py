"""Products of patches and matrices, and turned blocks: what convolution does in registers.

A matrix product takes its left factor from places at equal distances. The patches of an image lie elsewhere: row i
begins at rows[i], where patch i has its corner, and goes on in runs, one for each line of the kernel, at columns[0],
columns[1], and so on from there. `sums` multiplies such rows by a panel, a matrix as wide as one register or two.
TALL · 2 sums stay in registers while all runs go by: with AVX-512 8 · 2, and 2 values and a factor, of 32 registers;
with AVX2 6 · 2 + 3 of 16. So for each k there are 2 loads of the panel and 8 of numbers for 16 multiply-adds: enough to
keep both units at work, and few enough that the panel may come from the second-level cache. Alone it does 170 to 180
GFLOP/s (float32, AVX-512), in runs of 1, 21 and 64 numbers alike.

`turn` transposes a block that is as wide as a register, in log₂ steps that exchange halves: between images, where the
pixels of a channel follow on one another, and rows of patches, where the channels of a pixel do.

Both are ordinary Python here, which says what they mean and which runs when Numba is switched off; below stands what
the compiler writes in their place.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.cgutils import alloca_once_value, for_range, get_or_insert_function
from numba.extending import lower_builtin, type_callable

from .jit import OPTIONS
from .vector import BYTES, get, put

part = numba.njit(**{**OPTIONS, "cache": False}, no_cpython_wrapper=True, no_cfunc_wrapper=True)

TALL = 8 if BYTES == 64 else 6  # rows of a product at a time


def panel_width(x: np.ndarray, columns: int) -> int:
    """2 registers of elements like those of x, or 1 if there are no more columns."""
    lanes = BYTES // x.itemsize
    return lanes if columns <= lanes else 2 * lanes


def sums(
    a: Any, a0: int, rows: Any, r: int, columns: Any, t: int, count: int, inner: int, b: Any, b0: int, c: Any, c0: int,
    w: int, more: bool,
) -> None:  # fmt: skip
    """c[i, j] = Σₛ Σₖ a[rows[r + i] + columns[t + s] + k] · b[s · inner + k, j] for i < TALL, s < count, k < inner.

    If `more`, += for =. All are one-dimensional, contiguous arrays; a is counted from a0, and b and c are matrices w
    wide, the width of a panel, that begin at b0 and c0.
    """
    for i in range(TALL):
        row = c[c0 + i * w : c0 + (i + 1) * w]
        row[:] = row if more else 0
        for s in range(count):
            at = a0 + rows[r + i] + columns[t + s]
            row += a[at : at + inner] @ b[b0 + s * inner * w : b0 + (s + 1) * inner * w].reshape(inner, w)


def turn(x: Any, sources: Any, s: int, i: int, y: Any, targets: Any, t: int, k: int) -> None:
    """y[targets[t + n] + k + m] = x[sources[s + m] + i + n] for all m and n below the width of a register."""
    lanes = BYTES // x.itemsize
    block = np.stack([x[p + i : p + i + lanes] for p in sources[s : s + lanes]])
    for n, p in enumerate(targets[t : t + lanes]):
        y[p + k : p + k + lanes] = block[:, n]


@part
def turned(x, sources, s0, s1, i, y, targets, t0, t1, k):
    """The same for s0 ≤ m < s1 and t0 ≤ n < t1, in blocks; the last ones overlap those before."""
    lanes = BYTES // x.itemsize
    if s1 - s0 >= lanes and t1 - t0 >= lanes:
        for s in range(s0, s1, lanes):
            s = min(s, s1 - lanes)
            for t in range(t0, t1, lanes):
                t = min(t, t1 - lanes)
                turn(x, sources, s, i + t, y, targets, t, k + s)
    else:
        for s in range(s0, s1):
            for t in range(t0, t1):
                put(get(x, get(sources, s) + i + t), y, get(targets, t) + k + s)


# What the compiler writes for them ------------------------------------------------------------------------------------

Array, Integer = types.Array, types.Integer


@type_callable(sums)
def _(context):
    return lambda a, a0, rows, r, columns, t, count, inner, b, b0, c, c0, w, more: types.none


@lower_builtin(
    sums, Array, Integer, Array, Integer, Array, *[Integer] * 3, Array, Integer, Array, *[Integer] * 2, types.Boolean
)
def _(context, builder, call, args):
    *_, width, _ = args
    lanes = _vector(context, call.args[0])[0].count
    with builder.if_else(builder.icmp_signed("==", width, width.type(lanes))) as (narrow, full):
        with narrow:
            _sums(context, builder, call, args, 1)
        with full:
            _sums(context, builder, call, args, 2)
    return context.get_dummy_value()


def _sums(context: Any, builder: Any, call: Any, args: Any, panel: int) -> None:
    """The tile in TALL rows of `panel` registers."""
    a, a0, rows, r, columns, t, count, inner, b, b0, c, c0, _, more = _pointers(context, builder, call, args)
    vector, align = _vector(context, call.args[0])
    index, bits = a0.type, align * 8
    lane0, width = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None), index(panel * vector.count)
    name = f"llvm.fmuladd.v{vector.count}f{bits}"
    fmuladd = get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)

    def registers(start, count):
        places = [builder.gep(start, [index(n * vector.count)]) for n in range(count)]
        return [builder.bitcast(place, vector.as_pointer()) for place in places]

    corners = [builder.load(builder.gep(rows, [builder.add(r, index(i))])) for i in range(TALL)]
    starts = [builder.gep(a, [builder.add(a0, corner)]) for corner in corners]
    homes = registers(builder.gep(c, [c0]), TALL * panel)
    zero = ir.Constant(vector, None)
    totals = [alloca_once_value(builder, builder.select(more, builder.load(p, align=align), zero)) for p in homes]

    def step(k, row):
        values = [builder.load(p, align=align) for p in registers(row, panel)]
        for i in range(TALL):
            number = builder.load(builder.gep(starts[i], [k]))
            lane = builder.insert_element(ir.Constant(vector, ir.Undefined), number, index(0))
            factor = builder.shuffle_vector(lane, lane, lane0)  # the number in every lane
            for total, value in zip(totals[i * panel :], values):
                builder.store(builder.call(fmuladd, [factor, value, builder.load(total)]), total)

    def place(run):
        return builder.load(builder.gep(columns, [builder.add(t, run.index)]))

    with builder.if_else(builder.icmp_signed("==", inner, index(1))) as (single, several):
        with single, for_range(builder, count) as run:  # one loop is faster than two, of which one ends at once
            step(place(run), builder.gep(b, [builder.add(b0, builder.mul(run.index, width))]))
        with several, for_range(builder, count) as run:
            first, start = builder.add(b0, builder.mul(builder.mul(run.index, inner), width)), place(run)
            with for_range(builder, inner) as loop:
                row = builder.gep(b, [builder.add(first, builder.mul(loop.index, width))])
                step(builder.add(start, loop.index), row)
    for p, total in zip(homes, totals):
        builder.store(builder.load(total), p, align=align)


@type_callable(turn)
def _(context):
    return lambda x, sources, s, i, y, targets, t, k: types.none


@lower_builtin(turn, Array, Array, Integer, Integer, Array, Array, Integer, Integer)
def _(context, builder, call, args):
    x, sources, s, i, y, targets, t, k = _pointers(context, builder, call, args)
    vector, align = _vector(context, call.args[0])
    lanes, index = vector.count, s.type

    def home(array, table, first, n, offset):
        place = builder.load(builder.gep(table, [builder.add(first, index(n))]))
        return builder.bitcast(builder.gep(array, [builder.add(place, offset)]), vector.as_pointer())

    block = [builder.load(home(x, sources, s, n, i), align=align) for n in range(lanes)]
    half = lanes // 2
    while half:  # rows m and m + half exchange every second group of `half` lanes
        low = [n + lanes - half if n & half else n for n in range(lanes)]
        high = [n + lanes if n & half else n + half for n in range(lanes)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), lanes), each) for each in (low, high)]
        for m in range(lanes):
            if not m & half:
                pair = block[m], block[m + half]
                block[m], block[m + half] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        half //= 2
    for n in range(lanes):
        builder.store(block[n], home(y, targets, t, n, k), align=align)
    return context.get_dummy_value()


def _pointers(context: Any, builder: Any, call: Any, args: Any) -> list[Any]:
    """Arrays as pointers to their first element; numbers as they are."""
    return [
        context.make_array(kind)(context, builder, value).data if isinstance(kind, Array) else value
        for kind, value in zip(call.args, args)
    ]


def _vector(context: Any, array: Any) -> tuple[Any, int]:
    """A register for elements like those of the array, and how many bytes an element has."""
    size = array.dtype.bitwidth // 8
    return ir.VectorType(context.get_value_type(array.dtype), BYTES // size), size
