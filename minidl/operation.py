"""What every operation does, whatever its rule: take arrays or tensors, run, record, and explain what went wrong."""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .array import device_of, first_bad, is_array, promote, xp
from .config import Settings, current
from .dispatch import Kernel, find
from .errors import (
    AnomalyError,
    ArgumentError,
    AxisError,
    DeviceError,
    DTypeError,
    GraphError,
    LabelError,
    MinidlError,
    ShapeError,
    describe,
    layer_path,
)
from .graph import Node
from .tensor import Tensor, raw

REGISTRY: dict[str, Operation] = {}
LIBRARY = "minidl.ops."  # operations defined under here have pages of kernels


class Operation:
    """What primitives and fused operations share: calling, recording, errors. Use the decorators to make one."""

    has_body_of_operations = False  # whether the body can run on tensors, as a graph of its own
    returns_residuals = False  # whether it returns, beside the output, what backward needs

    def __init__(self, body: Callable[..., Any], *, broadcasts: bool, promotes: bool | None, real: bool) -> None:
        parameters = inspect.signature(body).parameters.values()
        inputs = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self.body = body
        self.name = body.__name__
        self._check_signature(inputs, [p.name for p in parameters if p.kind is p.VAR_KEYWORD])
        self.inputs = tuple(p.name for p in inputs)
        self.optional = tuple(p.name for p in inputs if p.default is None)
        self.arity = None if self.variadic else len(inputs)
        self.keywords = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}
        self.broadcasts, self.real = broadcasts, real
        self.promotes = broadcasts or real if promotes is None else promotes
        self.checker: Callable[..., None] | None = None
        library = body.__module__.startswith(LIBRARY)
        self.page = body.__module__.removeprefix(LIBRARY) if library else None
        self.__name__, self.__qualname__, self.__module__ = body.__name__, body.__qualname__, body.__module__
        self.__doc__, self.__wrapped__ = body.__doc__, body
        REGISTRY[self.name if library else f"{body.__module__}.{self.name}"] = self

    def _check_signature(self, inputs: list[inspect.Parameter], catch_all: list[str]) -> None:
        wrong = catch_all + [p.name for p in inputs if p.default not in (p.empty, None)]
        if wrong or bool(inputs) is (self.variadic is not None):
            raise ArgumentError(
                f"{self.name}: got the signature {inspect.signature(self.body)}, expected arrays first (either named "
                "ones or one *xs), then keyword-only parameters",
                fix="write f(x, w=None, *, keyword=1): None makes an array optional; after the * stands what is none",
            )

    def __repr__(self) -> str:
        return f"<operation {self.name}{inspect.signature(self.body)}>"

    def names(self, count: int) -> list[str]:
        """The names of `count` inputs: `x, w, b`, or `xs[0], xs[1], …`."""
        return [f"{self.variadic}[{i}]" for i in range(count)] if self.variadic else list(self.inputs[:count])

    def check(self, function: Callable[..., None]) -> Callable[..., None]:
        """Decorator: `function(*inputs, **params)` runs before the operation and raises on bad arguments."""
        self.checker = function
        return function

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Arrays to arrays, tensors to tensors; recorded where a tensor requires a gradient."""
        if len(args) != self.arity and self.arity is not None:
            args = self._bind(args, params)
        if self.defaults:
            params = {**self.defaults, **params}
        settings = current.get()
        if settings.batching is not None:
            y = settings.batching(self, args, params)
            if y is not NotImplemented:
                return y
        arrays, edges = [], []
        traced = recorded = False
        for a in args:
            edge = None
            if isinstance(a, Tensor):
                traced = True
                if settings.recording:
                    edge = a.edge or ((a, 0) if a.is_variable else None)
                    recorded = recorded or edge is not None
                a = a.data
            elif self.broadcasts and isinstance(a, list | tuple):
                a = raw(a)
            arrays.append(a)
            edges.append(edge)
        if not traced:
            return self._run(arrays, params, settings.mode)[0]
        if recorded and not (settings.mode == "textbook" and self.has_body_of_operations):
            return self._record(arrays, edges, params, settings)
        if settings.mode == "textbook" and self.has_body_of_operations:
            return self._textbook(args, params)
        y, _, _ = self._run(arrays, params, settings.mode)
        if settings.anomaly:
            self._check_finite(y, arrays, params, _source_note())
        return tuple(map(Tensor, y)) if type(y) is tuple else Tensor(y)

    def _bind(self, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, ...]:
        """Inputs given by name, or left out because they are optional, in their places."""
        if len(args) > len(self.inputs):
            raise DTypeError(f"{self.name}: got {len(args)} positional arguments, expected {', '.join(self.inputs)}")
        rest = []
        for name in self.inputs[len(args) :]:
            if name not in params and name not in self.optional:
                raise DTypeError(f"{self.name}: argument {name!r} is missing")
            rest.append(params.pop(name, None))
        return (*args, *rest)

    def _run(self, arrays: list[Any], params: dict[str, Any], mode: str) -> tuple[Any, Any, Kernel | None]:
        """Raw arrays → output, residuals, and the kernel that ran."""
        came = arrays
        try:
            if self.promotes and _mixed(arrays):
                came = list(arrays)
                arrays[:] = promote(arrays, real=self.real)
            if self.checker is not None:
                self.checker(*arrays, **params)
            kernel = None if self.page is None else find(self, arrays, params, mode)
            if kernel is not None:
                y = kernel.forward(*arrays, **params)
                return (y, None, kernel) if kernel.backward is None else (*y, kernel)
            if self.real:
                with np.errstate(all="ignore"):
                    y = self.body(*arrays, **params)
            else:
                y = self.body(*arrays, **params)
            return (*self._pair(y), None) if self.returns_residuals else (y, None, None)
        except (ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
            if isinstance(error, MinidlError):
                raise
            raise self._explain(came, params, error) from error

    def _record(self, arrays: list[Any], edges: list[Any], params: dict[str, Any], settings: Settings) -> Any:
        node = Node(self, edges, params)
        y, residuals, node.kernel = self._run(arrays, params, settings.mode)
        result: Any
        if type(y) is np.ndarray:  # nearly always: one output, and it is an array
            node.outputs = ((y.shape, y.dtype, np),)
            self._save(node, arrays, (y,), residuals)
            result = Tensor(y, (node, 0) if y.dtype.kind in "fc" else None)
        else:
            ys = tuple(map(_as_array, y)) if type(y) is tuple else (_as_array(y),)
            node.outputs = tuple([(each.shape, each.dtype, xp(each)) for each in ys])
            self._save(node, arrays, ys, residuals)
            tensors = [Tensor(each, (node, i) if each.dtype.kind in "fc" else None) for i, each in enumerate(ys)]
            result = tuple(tensors) if type(y) is tuple else tensors[0]
        if settings.anomaly:
            node.note = _source_note()
            self._check_finite(y, arrays, params, node.note)
            node.lock_kept()
        if settings.tape is not None:
            settings.tape.append(node)
        return result

    def conform(self, g: Any, shape: tuple[int, ...], dtype: Any, node: Node, position: int) -> Any:
        """A contribution in the shape and dtype of the input it belongs to; un-broadcasts where that is due."""
        if g.shape != shape:
            if not self.broadcasts:
                raise GraphError(
                    f"backward of {self.name!r} returned shape {tuple(g.shape)} for input "
                    f"{self.names(len(node.edges))[position]}, which has shape {shape}{node.note}",
                    fix="the rule must return a gradient of its input's shape",
                )
            g = sum_to(g, shape)
        return g if g.dtype == dtype else REGISTRY["cast"](g, dtype=dtype)

    def tensors(self, node: Node) -> list[Any]:
        """The node's inputs as the tensors they were, so that a replay hangs on to the same graph."""
        assert node.inputs is not None
        return [rebuild(a, e) for a, e in zip(node.inputs, node.edges, strict=True)]

    # What primitives and fused operations do each in their own way ---------------------------------------------

    def _textbook(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _pair(self, result: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def _save(self, node: Node, arrays: list[Any], ys: tuple[Any, ...], residuals: Any) -> None:
        raise NotImplementedError

    def pull(self, node: Node, dys: list[Any], wanted: Sequence[bool], create_graph: bool) -> Sequence[Any]:
        raise NotImplementedError

    # Errors ------------------------------------------------------------------------------------------------------

    def _explain(self, arrays: list[Any], params: dict[str, Any], error: Exception) -> MinidlError:
        """NumPy's complaint, with the operation, its arguments and the likely fix."""
        names = self.names(len(arrays))
        got = ", ".join(f"{n}: {describe(a)}" for n, a in zip(names, arrays, strict=True))
        got += "".join(f", {k}={describe(v) if is_array(v) else repr(v)}" for k, v in params.items())
        devices = {device_of(a) for a in arrays if is_array(a)}
        if len(devices) > 1:
            return DeviceError(f"{self.name}: inputs on different devices; got {got}", fix="move them with .to(device)")
        kinds = ((np.exceptions.AxisError, AxisError), (IndexError, LabelError), (ValueError, ShapeError))
        kind: type[MinidlError] = next((ours for numpys, ours in kinds if isinstance(error, numpys)), DTypeError)
        fix = ""
        if self.broadcasts and kind is ShapeError:
            if _broadcast(arrays):
                kind = ArgumentError  # the shapes are not to blame
            else:
                fix = "shapes broadcast from the right: each pair of sizes must be equal, or one of them 1"
        return kind(f"{self.name}: got {got}: {error}", fix=fix)

    def _check_finite(self, y: Any, arrays: list[Any], params: dict[str, Any], note: str) -> None:
        bad = first_bad(y if type(y) is tuple else (y,), [*arrays, *params.values()])
        if bad:
            raise AnomalyError(f"forward of {self.name!r} made {bad}{note}")


def sum_to(dy: Any, shape: tuple[int, ...]) -> Any:
    """The adjoint of broadcasting `shape` to `dy.shape`: sum over the axes that were stretched."""
    added = len(dy.shape) - len(shape)
    stretched = [added + i for i, size in enumerate(shape) if size == 1 and dy.shape[added + i] != 1]
    summed = REGISTRY["sum"](dy, axis=(*range(added), *stretched), keepdims=False)
    return REGISTRY["reshape"](summed, shape=shape)


def _mixed(arrays: list[Any]) -> bool:
    """Whether `promote` has something to do: a quick look, since it mostly has not."""
    first: Any = None
    if len(arrays) == 2 and type(arrays[0]) is type(arrays[1]) is np.ndarray:
        first = arrays[0].dtype
        return arrays[1].dtype is not first or first.kind not in "fc"
    for a in arrays:
        dtype = getattr(a, "dtype", first)  # Python numbers follow the arrays
        if dtype is not first and (first is not None or dtype.kind not in "fc"):
            return True
        first = dtype
    return first is None


def _broadcast(arrays: list[Any]) -> bool:
    try:
        np.broadcast_shapes(*[getattr(a, "shape", ()) for a in arrays])
    except ValueError:
        return False
    return True


def _as_array(y: Any) -> Any:
    """NumPy's 0-d results are bare numbers; the graph holds arrays."""
    return np.asarray(y) if isinstance(y, np.generic | float | int) else y


def rebuild(value: Any, edge: Any) -> Any:
    """A saved array as the tensor it was; constants, numbers and None as they are."""
    if edge is None:
        return value
    return edge[0] if isinstance(edge[0], Tensor) else Tensor(value, edge)


def _source_note() -> str:
    """`at file:line: text` of the first caller outside the library, and the layer, as the end of a message."""
    frame = sys._getframe(1)
    while frame.f_back is not None and f"{frame.f_globals.get('__name__')}.".startswith("minidl."):
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, line).strip()
    layer = layer_path()
    return f"\n  at {file}:{line}: {text}" + (f"\n  in layer {layer}" if layer else "")
