"""Vector registers as values that Numba can compute with.

LLVM vectorises the innermost loop of a kernel, and then each sum over an outer loop goes to memory and back.
Convolution needs a tile of a dozen sums or more that stay in registers while the taps go by. So this file adds a type
to Numba's language: a row of one register, or of WIDE registers. The functions are ordinary Python, which says what
they mean and which runs when Numba is switched off; further down stands what the compiler writes in their place.

A tile of 4 rows has 4 · WIDE sums, WIDE values and a factor. With AVX-512 (32 registers of 64 bytes) WIDE is 4;
without, it is 3, because 12 + 3 + 1 are the 16 registers (of 32 bytes) that AVX2 has.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.core.codegen import get_host_cpu_features
from numba.core.datamodel.models import PrimitiveModel
from numba.core.typing import signature
from numba.extending import lower_builtin, register_model, type_callable

from .jit import OPTIONS

# For what compiled code alone calls: without an entrance from Python it takes half the time to compile.
part = numba.njit(**{**OPTIONS, "cache": False}, no_cpython_wrapper=True, no_cfunc_wrapper=True)

BYTES = 64 if "+avx512f" in (numba.config.CPU_FEATURES or get_host_cpu_features()) else 32
WIDE = 4 if BYTES == 64 else 3


class Row(types.Type):
    """The type of `count` registers of a scalar type."""

    def __init__(self, scalar: Any, count: int) -> None:
        self.scalar, self.count, self.lanes = scalar, count, BYTES * 8 // scalar.bitwidth
        super().__init__(name=f"row({scalar}, {count} x {self.lanes})")


@register_model(Row)
class RowModel(PrimitiveModel):
    """In memory and in registers: an array of vectors."""

    def __init__(self, manager: Any, row: Row) -> None:
        vector = ir.VectorType(manager[row.scalar].get_value_type(), row.lanes)
        super().__init__(manager, row, ir.ArrayType(vector, row.count))


def wide(x: np.ndarray) -> Any:
    """Zeros: WIDE registers for elements like those of x."""
    return np.zeros(WIDE * BYTES // x.itemsize, x.dtype)


def load(x: np.ndarray, i: int) -> Any:
    """One register, from x[i] on."""
    return x[i : i + BYTES // x.itemsize].copy()


def store(register: Any, x: np.ndarray, i: int) -> None:
    """Write one register to x[i] and on."""
    x[i : i + len(register)] = register


def gather(x: np.ndarray, places: np.ndarray, t: int, i: int) -> Any:
    """WIDE registers: register k from x[places[t + k] + i] on."""
    return np.concatenate([load(x, p + i) for p in places[t : t + WIDE]])


def scatter(row: Any, x: np.ndarray, places: np.ndarray, t: int, i: int) -> None:
    """Write register k to x[places[t + k] + i] and on."""
    for p, register in zip(places[t : t + WIDE], row.reshape(WIDE, -1)):
        x[p + i : p + i + len(register)] = register


def fma(a: Any, x: Any, y: Any) -> Any:
    """a · x + y; `a` is a number, or one register, which meets every register of x."""
    return np.tile(a, len(x) // np.size(a)) * x + y


def get(x: np.ndarray, i: int) -> Any:
    """x[i] for i ≥ 0: the test for an index that counts from the end would keep LLVM from vectorising a loop."""
    return x[i]


def put(value: Any, x: np.ndarray, i: int) -> None:
    """x[i] = value, for i ≥ 0."""
    x[i] = value


def add_totals(row: Any, x: np.ndarray, i: int) -> None:
    """x[i + k] += the sum of register k."""
    x[i : i + WIDE] += row.reshape(WIDE, -1).sum(axis=1)


# What the compiler writes for them ------------------------------------------------------------------------------------


@type_callable(wide)
def _(context):
    return lambda x: Row(x.dtype, WIDE)


@lower_builtin(wide, types.Array)
def _(context, builder, call, args):
    return ir.Constant(context.get_value_type(call.return_type), None)


@type_callable(load)
def _(context):
    return lambda x, i: Row(x.dtype, 1)


@lower_builtin(load, types.Array, types.Integer)
def _(context, builder, call, args):
    pointer = _pointer(context, builder, call.args[0], args[0], args[1])
    return _loaded(context, builder, call.return_type, [pointer])


@type_callable(store)
def _(context):
    return lambda register, x, i: types.none


@lower_builtin(store, Row, types.Array, types.Integer)
def _(context, builder, call, args):
    (row, kind, _), (value, x, i) = call.args, args
    vector = builder.extract_value(value, 0)
    pointer = builder.bitcast(_pointer(context, builder, kind, x, i), vector.type.as_pointer())
    builder.store(vector, pointer, align=row.scalar.bitwidth // 8)
    return context.get_dummy_value()


@type_callable(gather)
def _(context):
    return lambda x, places, t, i: Row(x.dtype, WIDE)


@lower_builtin(gather, types.Array, types.Array, types.Integer, types.Integer)
def _(context, builder, call, args):
    return _loaded(context, builder, call.return_type, _pointers(context, builder, call.args, args))


@type_callable(scatter)
def _(context):
    return lambda row, x, places, t, i: types.none


@lower_builtin(scatter, Row, types.Array, types.Array, types.Integer, types.Integer)
def _(context, builder, call, args):
    (row, *kinds), (value, *rest) = call.args, args
    for k, pointer in enumerate(_pointers(context, builder, kinds, rest)):
        vector = builder.extract_value(value, k)
        builder.store(vector, builder.bitcast(pointer, vector.type.as_pointer()), align=row.scalar.bitwidth // 8)
    return context.get_dummy_value()


@type_callable(get)
def _(context):
    return lambda x, i: x.dtype


@lower_builtin(get, types.Array, types.Integer)
def _(context, builder, call, args):
    return builder.load(_pointer(context, builder, call.args[0], *args))


@type_callable(put)
def _(context):
    return lambda value, x, i: signature(types.none, x.dtype, x, i)  # the value is converted


@lower_builtin(put, types.Number, types.Array, types.Integer)
def _(context, builder, call, args):
    builder.store(args[0], _pointer(context, builder, call.args[1], *args[1:]))
    return context.get_dummy_value()


@type_callable(fma)
def _(context):
    return lambda a, x, y: y


@lower_builtin(fma, types.Float, Row, Row)
@lower_builtin(fma, Row, Row, Row)
def _(context, builder, call, args):
    row, (a, x, y) = call.args[1], args
    vector = context.get_value_type(row).element
    if isinstance(call.args[0], Row):
        a = builder.extract_value(a, 0)
    else:
        a = context.cast(builder, a, call.args[0], row.scalar)
        first = builder.insert_element(ir.Constant(vector, ir.Undefined), a, ir.IntType(32)(0))
        a = builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), row.lanes), None))
    name = f"llvm.fmuladd.v{row.lanes}f{row.scalar.bitwidth}"
    fmuladd = get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    return _filled(
        context,
        builder,
        row,
        [
            builder.call(fmuladd, [a, builder.extract_value(x, k), builder.extract_value(y, k)])
            for k in range(row.count)
        ],
    )


@type_callable(add_totals)
def _(context):
    return lambda row, x, i: types.none


@lower_builtin(add_totals, Row, types.Array, types.Integer)
def _(context, builder, call, args):
    (row, kind, _), (value, x, i) = call.args, args
    for k in range(row.count):
        vector, n = builder.extract_value(value, k), row.lanes
        while n > 1:  # one half on the other, until one element is left
            n //= 2
            halves = [ir.Constant(ir.VectorType(ir.IntType(32), n), list(range(s, s + n))) for s in (0, n)]
            vector = builder.fadd(*[builder.shuffle_vector(vector, vector, half) for half in halves])
        place = _pointer(context, builder, kind, x, builder.add(i, i.type(k)))
        builder.store(builder.fadd(builder.load(place), builder.extract_element(vector, ir.IntType(32)(0))), place)
    return context.get_dummy_value()


def _pointer(context: Any, builder: Any, kind: Any, array: Any, i: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [i])


def _pointers(context: Any, builder: Any, kinds: Any, args: Any) -> list[Any]:
    x, places, t, i = args
    found = [builder.load(_pointer(context, builder, kinds[1], places, builder.add(t, t.type(k)))) for k in range(WIDE)]
    return [_pointer(context, builder, kinds[0], x, builder.add(place, i)) for place in found]


def _loaded(context: Any, builder: Any, row: Row, pointers: list[Any]) -> Any:
    vector = context.get_value_type(row).element.as_pointer()
    return _filled(
        context,
        builder,
        row,
        [builder.load(builder.bitcast(p, vector), align=row.scalar.bitwidth // 8) for p in pointers],
    )


def _filled(context: Any, builder: Any, row: Row, vectors: list[Any]) -> Any:
    whole = ir.Constant(context.get_value_type(row), ir.Undefined)
    for k, vector in enumerate(vectors):
        whole = builder.insert_value(whole, vector, k)
    return whole
