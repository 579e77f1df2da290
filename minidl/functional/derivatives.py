"""Derivatives as functions of functions: grad, vjp, jvp, jacobian, hessian, hvp.

Everything here is built from two walks through the graph that a function leaves when it runs: down with cotangents
(`minidl.graph`), up with tangents (`forward.py`).

| function | from them |
| --- | --- |
| `vjp(f, x, v)` | Jᵀv: one walk down |
| `jvp(f, x, v)` | Jv: one walk up |
| `grad(f)` | Jᵀ1 of a scalar f |
| `jacobian(f, x)` | Jᵀe for every unit cotangent e, its rows; or Je for every unit direction, its columns |
| `hvp(f, x, v)` | the derivative of ⟨∇f, v⟩ |
| `hessian(f, x)` | the Jacobian of the gradient |

All results are part of a graph where the inputs were, or anything else that the function computes with; so the
functions nest to any order, and a gradient penalty reaches the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from minidl import ops
from minidl.array import is_array, is_float, xp
from minidl.config import Scope, current
from minidl.errors import ArgumentError, DTypeError, GraphError, ShapeError, describe
from minidl.graph import backpropagate
from minidl.tensor import Tensor, as_tensor, raw

from .batching import innermost, lifted, like
from .forward import push

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "linearize", "value_and_grad", "vjp"]


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function of the same arguments.

    Args:
        function: tensors, and anything else → a tensor with one element.
        argnums: with respect to which argument(s).
    Returns:
        A function that gives one gradient, or a tuple of them if `argnums` is a sequence; zeros where the result does
        not depend on the argument.
    Raises (when called):
        GraphError: the result is not a scalar.
        DTypeError: an argument to differentiate by is not floating.
    """
    value_and_gradient = value_and_grad(function, argnums)
    return lambda *args: value_and_gradient(*args)[1]


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """As `grad`, but the function returned gives (value, gradient)."""
    several = not isinstance(argnums, int)
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def value_and_gradient(*args: Any) -> tuple[Any, Any]:
        values: list[Any] = [Tensor(a) if is_array(a) else a for a in args]
        for i in positions:
            if not -len(args) <= i < len(args):
                raise ArgumentError(f"grad: argnums: got {i}, but the function was given {len(args)} argument(s)")
            values[i] = x = as_tensor(args[i])
            if not is_float(x.dtype):
                raise DTypeError(
                    f"grad: argument {i}: got {describe(args[i])}; only floating dtypes have gradients",
                    fix="convert it with .float(), or leave it out of argnums",
                )
        for i, x in zip(positions, _variables([values[i] for i in positions]), strict=True):
            values[i] = x
        inputs = [values[i] for i in positions]
        with Scope(recording=True):
            y = function(*values)
        if not isinstance(y, Tensor) or y.numel() != 1:
            raise GraphError(f"grad: the function returned {describe(y)}, expected a scalar", fix="use jacobian")
        nested = _is_nested(args, [y], inputs)
        gradients = _pull([y], inputs, [None], nested)
        _spend(inputs)
        return (y if nested else y.detach()), tuple(gradients) if several else gradients[0]

    return value_and_gradient


def vjp(function: Callable[..., Any], args: Any, v: Any = None) -> tuple[Any, Any]:
    """The value of `function`, and the vector-Jacobian product Jᵀv.

    Args:
        function: tensors → a tensor, or a tuple of them.
        args: its argument, or a tuple of them.
        v: the cotangent, of the output's shape (a tuple, for several outputs); may be left out for a scalar.
    Returns:
        (value, product): the product is a tuple if `args` is.
    """
    args_tuple = args if isinstance(args, tuple) else (args,)
    inputs = _variables(args_tuple)
    with Scope(recording=True):
        y = function(*inputs)
    ys = _tensors("vjp", y, several=True)
    vs = v if isinstance(v, tuple) else (v,) * len(ys) if v is None else (v,)
    cotangents = [c if c is None else u for c, u in zip(vs, _matched("vjp", vs, ys), strict=True)]
    nested = _is_nested((*args_tuple, *vs), ys, inputs)
    products = tuple(_pull(ys, inputs, cotangents, nested))
    _spend(inputs)
    value = y if nested else tuple(each.detach() for each in ys) if isinstance(y, tuple) else y.detach()
    return value, products if isinstance(args, tuple) else products[0]


def jvp(function: Callable[..., Any], args: Any, v: Any) -> tuple[Any, Any]:
    """The value of `function`, and the Jacobian-vector product Jv: the change of the value along v.

    Computed in forward mode, one walk up the graph; see `forward.py`.

    Args:
        function: tensors → a tensor, or a tuple of them.
        args: its argument, or a tuple of them.
        v: the direction, of the arguments' shapes.
    Returns:
        (value, product), each a tuple if the function gives one.
    """
    value, along = linearize(function, args, name="jvp")
    return value, along(v)


def linearize(function: Callable[..., Any], args: Any, *, name: str = "linearize") -> tuple[Any, Callable[[Any], Any]]:
    """The value of `function` at `args`, and v ↦ Jv there: the function runs once, for any number of directions.

    Args:
        function: tensors → a tensor, or a tuple of them.
        args: its argument, or a tuple of them.
    Returns:
        (value, along): `along(v)` takes directions of the arguments' shapes and gives tangents of the value's.
    """
    args_tuple = args if isinstance(args, tuple) else (args,)
    inputs = _variables(args_tuple)
    with Scope(recording=True):
        y = function(*inputs)
    ys = _tensors(name, y, several=True)
    inside = _is_nested(args_tuple, ys, inputs)

    def along(v: Any) -> Any:
        vs = v if isinstance(v, tuple) else (v,)
        found = _matched(name, vs, inputs)
        nested = inside or (current.get().recording and any(each.requires_grad for each in found))
        directions = {}
        for x, t in zip(inputs, found, strict=True):
            if x.requires_grad:
                t = innermost(_lifted(t.to(dtype=x.dtype)))
                directions[x.own_edge()] = t if nested else t.data
        tangents = []
        for each, t in zip(ys, push(ys, directions, nested), strict=True):
            tangents.append(like(each, _zeros(each) if t is None else t))
        return tuple(tangents) if isinstance(y, tuple) else tangents[0]

    values = ys if inside else tuple(each.detach() for each in ys)
    return values if isinstance(y, tuple) else values[0], along


STRATEGIES = ("reverse-mode", "forward-mode")


def jacobian(function: Callable[..., Any], args: Any, strategy: str = "reverse-mode") -> Any:
    """The matrix of all derivatives: shape (*output, *input); a tuple of them if `args` is a tuple.

    Args:
        function: tensors → a tensor.
        args: its argument, or a tuple of them.
        strategy: `"reverse-mode"`, one walk down for each element of the output; `"forward-mode"`, one walk up for
            each element of the input: cheaper where there are fewer of these.
    Raises:
        ArgumentError: another strategy.
    """
    if strategy not in STRATEGIES:
        raise ArgumentError(f"jacobian: strategy: got {strategy!r}, expected 'reverse-mode' or 'forward-mode'")
    args_tuple = args if isinstance(args, tuple) else (args,)
    jacobians = (_columns if strategy == "forward-mode" else _rows)(function, args_tuple)
    return jacobians if isinstance(args, tuple) else jacobians[0]


def _rows(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Jᵀe for each unit cotangent e."""
    inputs = _variables(args)
    with Scope(recording=True):
        (y,) = _tensors("jacobian", function(*inputs))
    nested = _is_nested(args, [y], inputs)
    rows = [_pull([y], inputs, [e], nested, retain=True) for e in _units(y)]
    _spend(inputs)
    jacobians = []
    for i, x in enumerate(inputs):
        column = ops.stack([row[i] for row in rows]) if rows else Tensor(xp(x.data).zeros(0, x.dtype))
        jacobians.append(ops.reshape(column, shape=(*y.shape, *x.shape)))  # (*output, *input)
    return tuple(jacobians)


def _columns(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Je for each unit direction e."""
    y, along = linearize(function, args, name="jacobian")
    _tensors("jacobian", y)
    xs = [as_tensor(a) for a in args]
    still = [Tensor(xp(x.data).zeros(x.shape, x.dtype)) for x in xs]
    jacobians = []
    for i, x in enumerate(xs):
        columns = [along((*still[:i], e, *still[i + 1 :])) for e in _units(x)]
        matrix = ops.stack(columns, axis=-1) if columns else Tensor(xp(y.data).zeros((*y.shape, 0), y.dtype))
        jacobians.append(ops.reshape(matrix, shape=(*y.shape, *x.shape)))  # (*output, *input)
    return tuple(jacobians)


def _units(x: Tensor) -> Iterator[Tensor]:
    """Every e of x's shape that is 1 at one place and 0 elsewhere."""
    for i in range(x.numel()):
        e = xp(x.data).zeros(x.shape, x.dtype)
        e.reshape(-1)[i] = 1
        yield Tensor(e)


def hessian(function: Callable[..., Any], x: Any) -> Tensor:
    """The second derivatives of a scalar function: shape (*x, *x)."""
    return jacobian(grad(function), x)


def hvp(function: Callable[..., Any], x: Any, v: Any) -> tuple[Any, Tensor]:
    """The value of a scalar function, and its Hessian times v, at the cost of about two backward passes."""
    inputs = _variables((x,))
    with Scope(recording=True):
        value, gradient = value_and_grad(function)(inputs[0])
    nested = _is_nested((x, v), [value], inputs)
    (product,) = _pull([gradient], inputs, _matched("hvp", (v,), inputs), nested)
    _spend(inputs)
    return value if nested else value.detach(), product


def _zeros(x: Tensor) -> Any:
    array = innermost(x).data
    return xp(array).zeros_like(array)


def _tensors(name: str, y: Any, *, several: bool = False) -> tuple[Tensor, ...]:
    """What a function returned, as a tuple of tensors."""
    ys = y if several and isinstance(y, tuple) else (y,)
    if not all(isinstance(each, Tensor) for each in ys):
        expected = "a tensor, or a tuple of them" if several else "one tensor"
        raise DTypeError(f"{name}: the function returned {describe(y)}, expected {expected}")
    return ys


def _matched(name: str, vs: Sequence[Any], xs: Sequence[Tensor]) -> list[Tensor]:
    """Cotangents or directions, one for each of `xs`, of its shape (None: left out, for a scalar)."""
    if len(vs) != len(xs):
        raise ShapeError(f"{name}: v: got {len(vs)} array(s), expected {len(xs)}", fix="pass a tuple, one for each")
    found = [x if v is None else as_tensor(v) for v, x in zip(vs, xs, strict=True)]
    for v, x in zip(found, xs, strict=True):
        if v.shape != x.shape:
            raise ShapeError(f"{name}: v: got {describe(v)}, expected shape {x.shape}")
    return found


def _is_nested(args: Sequence[Any], ys: Iterable[Tensor], inputs: Sequence[Tensor]) -> bool:
    """Whether results must be part of a graph: because an argument is, or something else that `ys` hang on."""
    if not current.get().recording:
        return False
    if any(isinstance(a, Tensor) and a.requires_grad for a in args):
        return True
    ends = {id(x.own_edge()[0]) for x in inputs if x.requires_grad}
    stack, seen = [y.own_edge()[0] for y in ys if y.requires_grad], set(ends)
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        if isinstance(node, Tensor):
            if not node.is_spent:
                return True  # a leaf that is not ours
            continue
        seen.add(id(node))
        stack += [edge[0] for edge in node.edges if edge is not None]
    return False


def _variables(args: Sequence[Any]) -> list[Any]:
    """Each floating argument as a tensor of its own to differentiate by, still hanging on its old graph."""
    inputs = []
    for a in args:
        x = as_tensor(a)
        if not is_float(x.dtype):
            inputs.append(x)
        elif x.requires_grad and current.get().recording:
            inputs.append(_lifted(ops.reshape(x, shape=x.shape)))
        else:
            inputs.append(_lifted(x.detach()).requires_grad_())
    return inputs


def _lifted(x: Tensor) -> Tensor:
    """Inside `vmap`, one for each sample, so that each gets a derivative of its own."""
    for level in current.get().levels:
        x = lifted(x, level)
    return x


def _spend(inputs: Sequence[Tensor]) -> None:
    """Results may still hang on these leaves, but nobody will ask for their gradients any more."""
    for x in inputs:
        if x.is_variable:
            innermost(x).is_spent = True


def _pull(
    ys: Sequence[Tensor],
    inputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    nested: bool,
    *,
    retain: bool = False,
) -> list[Tensor]:
    """Cotangents of `ys` → cotangents of `inputs`; zeros where nothing depends on one."""
    create_graph = nested or any(isinstance(c, Tensor) and c.requires_grad for c in cotangents)
    starts = [
        (y.own_edge(), y._cotangent(c, create_graph)) for y, c in zip(ys, cotangents, strict=True) if y.requires_grad
    ]
    known = [x for x in inputs if x.requires_grad]
    found = backpropagate(
        starts, targets=[x.own_edge() for x in known], create_graph=create_graph, retain_graph=create_graph or retain
    )
    gradients = {id(x): g for x, g in zip(known, found, strict=True)}
    results = []
    for x in inputs:
        g = gradients.get(id(x))
        if g is None:
            g = _zeros(x)
        elif not isinstance(g, Tensor) or not g.requires_grad:
            g = raw(g).copy()  # it may be somebody's cotangent, or the gradient of another input too
        results.append(like(x, g))
    return results
