"""What a model is made of, and what it makes of an input of a given shape, told before anything has run.

The shapes are found by running a stand-in: a copy of the model whose parameters are zeros that take no memory until
somebody writes to them, in eval mode, without gradients and without hooks, on inputs that are one zero seen through the
shape asked for. Whatever it does, the model, its buffers, its mode and the stream of random numbers stay as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minidl.array import DEFAULT, as_dtype, is_array, is_float, xp
from minidl.config import Scope
from minidl.errors import ArgumentError, describe
from minidl.random import get_rng_state, set_rng_state
from minidl.tensor import Buffer, Parameter, Tensor

from .hooks import Hooks

__all__ = ["Row", "Summary", "summarize"]


class Row(NamedTuple):
    """One layer: where it is, what it gives, what it holds."""

    path: str  # the dotted path; "" for the model itself
    kind: str  # its class
    output_shape: Any  # of the last call; a tuple of shapes for several outputs; None: it was not called
    calls: int
    parameters: int  # numbers in its own parameters, not in those of the layers inside; shared ones count once
    parameter_bytes: int
    activation_bytes: int  # of its outputs, those that are in memory of their own


class Summary:
    """A table of a model's layers; `str()` of it is for reading.

    Attributes:
        rows: a `Row` for each layer, parents first.
        input_shapes: the shapes that the model was asked about.
        parameters, trainable_parameters: how many numbers there are in them.
        parameter_bytes, buffer_bytes, activation_bytes: sums.
    """

    def __init__(self, rows: list[Row], input_shapes: list[tuple[int, ...]], trainable: int, buffer_bytes: int) -> None:
        self.rows, self.input_shapes = rows, input_shapes
        self.parameters = sum(row.parameters for row in rows)
        self.trainable_parameters = trainable
        self.parameter_bytes = sum(row.parameter_bytes for row in rows)
        self.buffer_bytes = buffer_bytes
        self.activation_bytes = sum(row.activation_bytes for row in rows)

    def __str__(self) -> str:
        cells = [["layer", "kind", "output", "parameters", "bytes", "activations"]]
        cells += [self._line(row) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(_justified(line, widths)).rstrip() for line in cells]
        rule = "─" * max(map(len, lines))
        inputs = ", ".join(map(str, self.input_shapes))
        return "\n".join(
            [
                lines[0],
                rule,
                *lines[1:],
                rule,
                f"for inputs of {inputs}: {self.parameters:,} parameters ({self.trainable_parameters:,} trainable)",
                f"{_size(self.parameter_bytes)} of parameters, {_size(self.buffer_bytes)} of buffers, "
                f"{_size(self.activation_bytes)} of activations",
            ]
        )

    __repr__ = __str__

    def _line(self, row: Row) -> list[str]:
        name = "  " * (row.path.count(".") + 1) + row.path.rpartition(".")[2] if row.path else "(model)"
        times = f" × {row.calls}" if row.calls > 1 else ""
        return [
            name,
            row.kind,
            "–" if row.output_shape is None else f"{row.output_shape}{times}",
            f"{row.parameters:,}" if row.parameters else "",
            _size(row.parameter_bytes) if row.parameters else "",
            _size(row.activation_bytes) if row.activation_bytes else "",
        ]


def summarize(module: Any, *inputs: Any, dtypes: Any = None) -> Summary:
    """What `Module.summary` gives; see there."""
    if not inputs:
        raise ArgumentError(
            "summary: got no inputs, expected a shape for each", fix="e.g. model.summary((1, 3, 32, 32))"
        )
    arrays = _stand_in_inputs(module, inputs, dtypes)
    twin = _stand_in(module)
    calls: dict[int, _Calls] = {id(each): _Calls() for each in twin.modules()}
    owners: dict[int, Any] = {}  # the memory seen so far, held so that no other takes its place
    for each in arrays:
        _new_bytes(each, owners)
    for each in twin.modules():
        each.register_forward_hook(lambda layer, args, output: calls[id(layer)].add(output, owners))
    state = get_rng_state()
    try:
        with Scope(recording=False, mode="fast", anomaly=False, tape=None):
            twin(*arrays)
    finally:
        set_rng_state(state)
    seen: set[int] = set()
    rows = []
    for (path, layer), each in zip(module.named_modules(), twin.modules(), strict=True):
        own = [p for p in layer.parameters(recurse=False) if id(p) not in seen]
        seen.update(map(id, own))
        call, count = calls[id(each)], sum(p.numel() for p in own)
        size = sum(p.data.nbytes for p in own)
        rows.append(Row(path, type(layer).__name__, call.shape, call.count, count, size, call.bytes))
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return Summary(rows, [tuple(a.shape) for a in arrays], trainable, sum(b.data.nbytes for b in module.buffers()))


class _Calls:
    """What was seen of one layer."""

    def __init__(self) -> None:
        self.count, self.shape, self.bytes = 0, None, 0

    def add(self, output: Any, owners: dict[int, Any]) -> None:
        self.count += 1
        self.shape = _shape(output)
        self.bytes += sum(_new_bytes(tensor, owners) for tensor in _tensors(output))


def _stand_in_inputs(module: Any, inputs: tuple[Any, ...], dtypes: Any) -> list[Any]:
    """Tensors and arrays as they are; for a shape, one zero that is seen everywhere."""
    dtypes = dtypes if isinstance(dtypes, list | tuple) else [dtypes] * len(inputs)
    if len(dtypes) != len(inputs):
        raise ArgumentError(f"summary: dtypes: got {len(dtypes)}, expected one for each of {len(inputs)} inputs")
    first = next((p.data for p in module.parameters() if is_float(p.dtype)), None)
    arrays = []
    for given, dtype in zip(inputs, dtypes, strict=True):
        if isinstance(given, Tensor) or is_array(given):
            arrays.append(Tensor(given.data if isinstance(given, Tensor) else given))
            continue
        if not isinstance(given, tuple | list) or not all(isinstance(n, int) and n >= 0 for n in given):
            raise ArgumentError(
                f"summary: got {describe(given)}, expected the shape of an input, or an example of it",
                fix="e.g. model.summary((1, 3, 32, 32))",
            )
        own = DEFAULT if first is None else first.dtype
        module_of = np if first is None else xp(first)
        zero = module_of.zeros((), own if dtype is None else as_dtype(dtype))
        arrays.append(Tensor(module_of.broadcast_to(zero, tuple(given))))
    return arrays


def _stand_in(module: Any) -> Any:
    """A copy of the model: zeros for parameters, copies of all else, no hooks, in eval mode."""
    memo: dict[int, Any] = {}
    for layer in module.modules():
        for tensor in vars(layer).values():
            if isinstance(tensor, Parameter):
                memo[id(tensor)] = Parameter(xp(tensor.data).zeros(tensor.shape, tensor.dtype), False)
            elif isinstance(tensor, Tensor) and not isinstance(tensor, Buffer):
                memo[id(tensor)] = Tensor(tensor.data.copy())  # it may be a result, which cannot be copied
        if layer._hooks is not None:
            memo[id(layer._hooks)] = Hooks()  # what the user's hooks hold on to is not copied
    twin = copy.deepcopy(module, memo)
    for layer in twin.modules():
        layer._hooks = None
    return twin.eval()


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, dict):
        for each in output.values():
            yield from _tensors(each)
    elif isinstance(output, tuple | list):
        for each in output:
            yield from _tensors(each)


def _shape(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output.shape
    shapes = tuple(tensor.shape for tensor in _tensors(output))
    return shapes if shapes else "?"


def _new_bytes(tensor: Tensor, owners: dict[int, Any]) -> int:
    """The tensor's bytes, if it is the first that is seen of its memory."""
    owner = tensor.data
    while isinstance(getattr(owner, "base", None), type(owner)):
        owner = owner.base
    if id(owner) in owners:
        return 0
    owners[id(owner)] = owner
    return int(tensor.data.nbytes)


def _justified(line: list[str], widths: list[int]) -> list[str]:
    """Text to the left, numbers to the right."""
    return [cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))]


def _size(count: int) -> str:
    """Bytes for reading: 512 B, 1.5 KiB, 44.7 MiB."""
    value, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{count} B" if units[0] == "B" else f"{value:.1f} {units[0]}"
