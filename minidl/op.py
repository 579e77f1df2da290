"""How an operation is written: `@primitive` with one named rule per input, or `@fused` with one backward for all.

```python
@primitive                                     # a forward on raw arrays
def tanh(x):
    return xp(x).tanh(x)

@tanh.vjp("x")                                 # the rule for x: it asks for what it needs by name
def tanh_dx(dy, y):
    return dy * (1 - y * y)

@fused                                         # a body written in operations: output, and residuals for backward
def softplus(x):
    e = exp(x)
    return log(1 + e), (e,)

@softplus.backward                             # derived by hand; gets the cotangent, then the residuals
def softplus_backward(dy, e):
    return (dy * e / (1 + e),)
```

Both take arrays to arrays and tensors to tensors. Arrays are positional, everything else is keyword-only. Rules and
fused bodies use only operators and operations, so that the same text runs on arrays (fast) and on tensors
(recorded, hence differentiable again).
"""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .array import device_of, is_array, is_float, promote, xp
from .config import Settings, current
from .dispatch import Kernel, find
from .errors import (
    AnomalyError,
    ArgumentError,
    DeviceError,
    DTypeError,
    GraphError,
    MinidlError,
    ShapeError,
    describe,
    layer_path,
)
from .graph import Aval, Node
from .tensor import Tensor

REGISTRY: dict[str, Operation] = {}
LIBRARY = "minidl.ops."  # operations defined under here have pages of kernels


class Operation:
    """What primitives and fused operations share: calling, recording, errors. Use the decorators to make one."""

    def __init__(self, body: Callable[..., Any], *, broadcasts: bool, promotes: bool | None, real: bool) -> None:
        parameters = inspect.signature(body).parameters.values()
        inputs = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        self.variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self.body = body
        self.name = body.__name__
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
            arrays.append(a)
            edges.append(edge)
        if not traced:
            return self._run(arrays, params, settings.mode)[0]
        if settings.mode == "textbook" and isinstance(self, Fused):
            return self._textbook(args, params)
        if not recorded:
            y, _, _ = self._run(arrays, params, settings.mode)
            if settings.anomaly:
                self._check_finite(y, arrays, _source_note())
            return tuple(map(Tensor, y)) if type(y) is tuple else Tensor(y)
        return self._record(arrays, edges, params, settings)

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
        try:
            if self.promotes and _mixed(arrays, self.real):
                arrays[:] = promote(arrays, real=self.real)
            if self.checker is not None:
                self.checker(*arrays, **params)
            kernel = find(self, arrays, params, mode)
            if kernel is None and self.real:
                with np.errstate(all="ignore"):
                    y, residuals = self._body(arrays, params)
            elif kernel is None:
                y, residuals = self._body(arrays, params)
            elif kernel.backward is None:
                y, residuals = kernel.forward(*arrays, **params), None
            else:
                y, residuals = kernel.forward(*arrays, **params)
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            if isinstance(error, MinidlError):
                raise
            raise self._explain(arrays, params, error) from error
        return y, residuals, kernel

    def _record(self, arrays: list[Any], edges: list[Any], params: dict[str, Any], settings: Settings) -> Any:
        node = Node(self, edges, params)
        y, residuals, node.kernel = self._run(arrays, params, settings.mode)
        ys = tuple(map(_as_array, y)) if type(y) is tuple else (_as_array(y),)
        node.outputs = tuple([Aval(each.shape, each.dtype, xp(each)) for each in ys])
        self._save(node, arrays, ys, residuals)
        if settings.anomaly:
            node.note = _source_note()
            self._check_finite(y, arrays, node.note)
            node.lock_kept()
        if settings.tape is not None:
            settings.tape.append(node)
        tensors = [Tensor(each, (node, i) if is_float(each.dtype) else None) for i, each in enumerate(ys)]
        return tuple(tensors) if type(y) is tuple else tensors[0]

    def conform(self, g: Any, aval: Aval, node: Node, position: int) -> Any:
        """A contribution in the shape and dtype of the input it belongs to; un-broadcasts where that is due."""
        if g.shape != aval.shape:
            if not self.broadcasts:
                raise GraphError(
                    f"backward of {self.name!r} returned shape {tuple(g.shape)} for input "
                    f"{self.names(len(node.edges))[position]}, which has shape {aval.shape}{node.note}",
                    fix="the rule must return a gradient of its input's shape",
                )
            g = sum_to(g, aval.shape)
        return g if g.dtype == aval.dtype else REGISTRY["cast"](g, dtype=aval.dtype)

    def tensors(self, node: Node) -> list[Any]:
        """The node's inputs as the tensors they were, so that a replay hangs on to the same graph."""
        assert node.inputs is not None
        return [_rebuild(a, e) for a, e in zip(node.inputs, node.edges, strict=True)]

    # What primitives and fused operations do each in their own way ---------------------------------------------

    def _body(self, arrays: list[Any], params: dict[str, Any]) -> tuple[Any, Any]:
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
        got += "".join(f", {k}={v!r}" for k, v in params.items())
        devices = {device_of(a) for a in arrays if is_array(a)}
        if len(devices) > 1:
            return DeviceError(f"{self.name}: inputs on different devices; got {got}", fix="move them with .to(device)")
        fix = ""
        if self.broadcasts:
            fix = "shapes broadcast from the right: each pair of sizes must be equal, or one of them 1"
        kind = DTypeError if isinstance(error, TypeError) else ShapeError
        return kind(f"{self.name}: got {got}: {error}", fix=fix)

    def _check_finite(self, y: Any, arrays: list[Any], note: str) -> None:
        ys = y if type(y) is tuple else (y,)
        good = [_finite(a) for a in arrays]
        if all(map(_finite, ys)) or not all(good):
            return
        raise AnomalyError(f"forward of {self.name!r} made a NaN or an infinity{note}")


class Rule(NamedTuple):
    """A named rule and what its signature asks for."""

    function: Callable[..., Any]
    wants: tuple[str, ...]
    keywords: tuple[str, ...]


class Primitive(Operation):
    """An operation with one rule per input; see the module's text. Made by `@primitive`."""

    def __init__(self, body: Callable[..., Any], **flags: Any) -> None:
        super().__init__(body, **flags)
        self.rules: dict[str, Rule] = {}
        self._plans: dict[tuple[bool, ...], tuple[str, ...]] = {}

    def vjp(self, *inputs: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: the rule for the inputs named; a vector-Jacobian product.

        The rule's first parameter is the cotangent `dy`. By naming further parameters it asks for `y` (the output),
        any input, `<input>_shape`, or `position` (of the input, for variadic operations); keyword-only parameters get the
        operation's own. What no rule asks for is not kept.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            parameters = list(inspect.signature(function).parameters.values())
            wants = tuple(p.name for p in parameters[1:] if p.kind is p.POSITIONAL_OR_KEYWORD)
            keywords = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
            sources = {*self.inputs, self.variadic or "", "y", "position"}
            unknown = [w for w in wants if w.removesuffix("_shape") not in sources]
            unknown += [k for k in keywords if k not in self.keywords]
            unknown += [n for n in inputs if n not in (*self.inputs, self.variadic)]
            if unknown:
                raise ArgumentError(
                    f"{function.__name__}: {', '.join(unknown)} is no input or keyword of {self.name!r}",
                    fix=f"it has inputs {', '.join(self.inputs) or self.variadic}; keywords {', '.join(self.keywords)}",
                )
            for name in inputs:
                self.rules[name] = Rule(function, wants, keywords)
            return function

        return register

    def _rule(self, position: int) -> Rule:
        name = self.variadic or self.inputs[position]
        if name not in self.rules:
            raise GraphError(
                f"{self.name}: no gradient with respect to {name!r} is defined",
                fix=f'write one with @{self.name}.vjp("{name}"), or detach() that input',
            )
        return self.rules[name]

    def _body(self, arrays: list[Any], params: dict[str, Any]) -> tuple[Any, Any]:
        return self.body(*arrays, **params), None

    def _save(self, node: Node, arrays: list[Any], ys: tuple[Any, ...], residuals: Any) -> None:
        if residuals is not None:
            node.inputs, node.residuals = arrays, residuals
            return
        needs = tuple([e is not None for e in node.edges])
        asked = self._plans.get(needs)
        if asked is None:
            rules = [self._rule(i) for i, need in enumerate(needs) if need]
            asked = self._plans[needs] = tuple({w for rule in rules for w in rule.wants if w != "position"})
        node.saved = {name: self._value(name, arrays, ys) for name in asked}

    def _value(self, name: str, arrays: list[Any], ys: tuple[Any, ...]) -> Any:
        if name == "y":
            return ys[0]
        if name == self.variadic:
            return tuple(arrays)
        if name == f"{self.variadic}_shape":
            return tuple(a.shape for a in arrays)
        if name.endswith("_shape"):
            return _shape(arrays[self.inputs.index(name.removesuffix("_shape"))])
        return arrays[self.inputs.index(name)]

    def pull(self, node: Node, dys: list[Any], wanted: Sequence[bool], create_graph: bool) -> Sequence[Any]:
        """The cotangent of the output → the cotangents of the inputs, rule by rule."""
        saved, (dy,) = node.saved, dys
        if node.residuals is not None:
            if not create_graph:
                return node.kernel.backward(dy, *node.residuals, **node.params)
            saved = self._replay(node)
        elif create_graph:
            saved = self._as_tensors(node)
        assert saved is not None
        gradients = [None] * len(wanted)
        for i, need in enumerate(wanted):
            if need:
                rule = self._rule(i)
                values = [i if name == "position" else saved[name] for name in rule.wants]
                keywords = {name: node.params[name] for name in rule.keywords}
                gradients[i] = rule.function(dy, *values, **keywords)
        return gradients

    def _replay(self, node: Node) -> dict[str, Any]:
        """After a kernel with residuals of its own: what the rules ask for, computed again on tensors."""
        inputs = self.tensors(node)
        wants = {name for rule in self.rules.values() for name in rule.wants if name != "position"}
        ys = (self(*inputs, **node.params),) if "y" in wants else ()
        return {name: self._value(name, inputs, ys) for name in wants}

    def _as_tensors(self, node: Node) -> dict[str, Any]:
        """The saved values as members of the graph: they are its values already."""
        assert node.saved is not None
        tensors = dict(node.saved)
        for name, value in tensors.items():
            if name == "y":
                tensors[name] = Tensor(value, (node, 0))
            elif name == self.variadic:
                tensors[name] = tuple(map(_rebuild, value, node.edges))
            elif name in self.inputs:
                tensors[name] = _rebuild(value, node.edges[self.inputs.index(name)])
        return tensors


class Fused(Operation):
    """An operation with one hand-derived backward for all inputs; see the module's text. Made by `@fused`."""

    def __init__(self, body: Callable[..., Any], **flags: Any) -> None:
        super().__init__(body, **flags)
        self.rule: Callable[..., Any] | None = None
        self.told_needs = False

    def backward(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: `function(*cotangents, *residuals, **params)` returns one gradient per input, or None.

        With a keyword-only parameter `needs` it is told which inputs want one (a tuple of booleans).
        """
        self.rule = function
        self.told_needs = "needs" in inspect.signature(function).parameters
        return function

    def _body(self, arrays: list[Any], params: dict[str, Any]) -> tuple[Any, Any]:
        return self.body(*arrays, **params)

    def _textbook(self, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """The body on tensors: every operation in it shows in the graph."""
        if self.checker is not None:
            self.checker(*[getattr(a, "data", a) if isinstance(a, Tensor) else a for a in args], **params)
        return self.body(*args, **params)[0]

    def _save(self, node: Node, arrays: list[Any], ys: tuple[Any, ...], residuals: Any) -> None:
        node.inputs, node.residuals = arrays, residuals

    def pull(self, node: Node, dys: list[Any], wanted: Sequence[bool], create_graph: bool) -> Sequence[Any]:
        """The cotangents of the outputs → those of the inputs, by the kernel that ran or the hand-derived rule."""
        if self.rule is None:
            raise GraphError(f"{self.name}: no backward is defined", fix=f"write one with @{self.name}.backward")
        residuals, rule, told = node.residuals, self.rule, self.told_needs
        if create_graph:  # replay, so that the residuals are members of the graph and differentiate again
            _, residuals = self.body(*self.tensors(node), **node.params)
        elif node.kernel is not None:
            rule, told = node.kernel.backward, node.kernel.told_needs
        assert residuals is not None
        extra = {"needs": tuple(wanted)} if told else {}
        gradients = rule(*dys, *residuals, **node.params, **extra)
        if not isinstance(gradients, tuple) or len(gradients) != len(wanted):
            raise GraphError(
                f"backward of {self.name!r} returned {len(gradients) if isinstance(gradients, tuple) else 'no tuple of'}"
                f" gradients, expected a tuple of {len(wanted)}: one for each of {', '.join(self.inputs)}"
            )
        return gradients


def primitive(body: Any = None, *, broadcasts: bool = False, promotes: bool | None = None, real: bool = False) -> Any:
    """Make an operation of a forward on raw arrays; give it its rules with `@name.vjp("input")`.

    Args:
        body: `f(x, w, …, *, keyword=…)`: raw arrays in, one raw array out.
        broadcasts: elementwise with NumPy's broadcasting: gradients are summed back to each input's shape.
        promotes: operands are brought to one dtype first (the default where `broadcasts` or `real`).
        real: integers become float32 first, and results outside the domain are quiet NaNs (log, division, …).
    Returns:
        The operation; or, called with flags only, the decorator.
    """
    flags = {"broadcasts": broadcasts, "promotes": promotes, "real": real}
    return Primitive(body, **flags) if body is not None else lambda body: Primitive(body, **flags)


def fused(body: Any = None, *, broadcasts: bool = False, promotes: bool | None = None, real: bool = False) -> Any:
    """Make an operation of a body written in operations; give it its backward with `@name.backward`.

    Args:
        body: `f(x, w, …, *, keyword=…)` → (output or tuple of outputs, tuple of residuals).
        broadcasts, promotes, real: as for `primitive`.
    Returns:
        The operation; or, called with flags only, the decorator.
    """
    flags = {"broadcasts": broadcasts, "promotes": promotes, "real": real}
    return Fused(body, **flags) if body is not None else lambda body: Fused(body, **flags)


def sum_to(dy: Any, shape: tuple[int, ...]) -> Any:
    """The adjoint of broadcasting `shape` to `dy.shape`: sum over the axes that were stretched."""
    added = len(dy.shape) - len(shape)
    stretched = [added + i for i, size in enumerate(shape) if size == 1 and dy.shape[added + i] != 1]
    summed = REGISTRY["sum"](dy, axis=(*range(added), *stretched), keepdims=False)
    return REGISTRY["reshape"](summed, shape=shape)


def _mixed(arrays: list[Any], real: bool) -> bool:
    """Whether `promote` has something to do: a quick look, since it mostly has not."""
    first = getattr(arrays[0], "dtype", None)
    if first is None or first.kind not in "fc":
        return True
    return any(getattr(a, "dtype", first) is not first for a in arrays)


def _as_array(y: Any) -> Any:
    return np.asarray(y) if isinstance(y, np.generic | float | int) else y


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape) if hasattr(value, "shape") else ()


def _rebuild(value: Any, edge: Any) -> Any:
    """A saved array as the tensor it was; constants, numbers and None as they are."""
    if edge is None:
        return value
    return edge[0] if isinstance(edge[0], Tensor) else Tensor(value, edge)


def _finite(value: Any) -> bool:
    if not is_array(value) or not is_float(value.dtype):
        return True
    return bool(xp(value).isfinite(value).all())


def _source_note() -> str:
    """`at file:line: text` of the first caller outside the library, and the layer, as the end of a message."""
    frame = sys._getframe(1)
    while frame.f_back is not None and f"{frame.f_globals.get('__name__')}.".startswith("minidl."):
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, line).strip()
    layer = layer_path()
    return f"\n  at {file}:{line}: {text}" + (f"\n  in layer {layer}" if layer else "")
