"""Derivatives as functions of functions: grad, vjp, jvp, jacobian, hessian, hvp; and checkpointing.

Everything here is built from one thing, the vector-Jacobian product that the graph computes:

| function | from it |
| --- | --- |
| `vjp(f, x, v)` | Jᵀv: one backward pass |
| `grad(f)` | Jᵀ1 of a scalar f |
| `jacobian(f, x)` | Jᵀe for every unit cotangent e: its rows |
| `jvp(f, x, v)` | g(u) = Jᵀu is linear in u, and the adjoint of a linear map's adjoint is the map: (∂g/∂u)ᵀ v = Jv |
| `hvp(f, x, v)` | the derivative of ⟨∇f, v⟩ |
| `hessian(f, x)` | the Jacobian of the gradient |

All results are part of a graph where the inputs were, so the functions nest to any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import ops
from .array import is_float, xp
from .config import Scope, current
from .errors import GraphError, describe
from .graph import Node, backpropagate
from .random import get_rng_state, set_rng_state
from .tensor import Tensor, as_tensor


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function of the same arguments.

    Args:
        function: tensors → a tensor with one element.
        argnums: with respect to which argument(s).
    Returns:
        A function that gives one gradient, or a tuple of them if `argnums` is a sequence.
    Raises (when called):
        GraphError: the result is not a scalar, or does not depend on the argument.
    """
    value_and_gradient = value_and_grad(function, argnums)
    return lambda *args: value_and_gradient(*args)[1]


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """As `grad`, but the function returned gives (value, gradient)."""
    several = not isinstance(argnums, int)
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def value_and_gradient(*args: Any) -> tuple[Any, Any]:
        nested = _is_nested(args)
        inputs = _variables(args)
        with Scope(recording=True):
            y = function(*inputs)
        if not isinstance(y, Tensor) or y.numel() != 1:
            raise GraphError(f"grad: the function returned {describe(y)}, expected a scalar", fix="use jacobian")
        gradients = _pull([y], [inputs[i] for i in positions], [None], nested)
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
    nested = _is_nested((*args_tuple, v))
    inputs = _variables(args_tuple)
    with Scope(recording=True):
        y = function(*inputs)
    ys = y if isinstance(y, tuple) else (y,)
    cotangents = v if isinstance(v, tuple) else (v,) * len(ys) if v is None else (v,)
    products = tuple(_pull(ys, inputs, cotangents, nested))
    value = y if nested else tuple(each.detach() for each in ys) if isinstance(y, tuple) else y.detach()
    return value, products if isinstance(args, tuple) else products[0]


def jvp(function: Callable[..., Any], args: Any, v: Any) -> tuple[Any, Any]:
    """The value of `function`, and the Jacobian-vector product Jv: the change of the value along v.

    Computed as the adjoint of u ↦ Jᵀu (see the table above), that is with two backward passes.

    Args:
        function: tensors → a tensor.
        args: its argument, or a tuple of them.
        v: the direction, of the arguments' shapes.
    """
    args_tuple, directions = (a if isinstance(a, tuple) else (a,) for a in (args, v))
    nested = _is_nested((*args_tuple, *directions))
    inputs = _variables(args_tuple)
    with Scope(recording=True):
        y = function(*inputs)
        u = Tensor(xp(y.data).zeros_like(y.data)).requires_grad_()
        products = _pull([y], inputs, [u], True, allow_unused=True)
        pairs = [(p, as_tensor(d)) for p, d in zip(products, directions, strict=True) if p.requires_grad]
    if not pairs:
        return y if nested else y.detach(), Tensor(xp(y.data).zeros_like(y.data))
    (product,) = _pull([p for p, _ in pairs], [u], [d for _, d in pairs], nested)
    return y if nested else y.detach(), product


def jacobian(function: Callable[..., Any], args: Any) -> Any:
    """The matrix of all derivatives: shape (*output, *input); a tuple of them if `args` is a tuple.

    One backward pass for each element of the output.
    """
    args_tuple = args if isinstance(args, tuple) else (args,)
    nested = _is_nested(args_tuple)
    inputs = _variables(args_tuple)
    with Scope(recording=True):
        y = function(*inputs)
        rows = []
        for i in range(y.numel()):
            e = xp(y.data).zeros_like(y.data)
            e.flat[i] = 1
            rows.append(_pull([y], inputs, [Tensor(e)], nested, allow_unused=True, retain=True))
    columns = [ops.stack(list(column)) for column in zip(*rows, strict=True)]
    jacobians = tuple(
        ops.reshape(c, shape=(*y.shape, *x.shape)) for c, x in zip(columns, inputs, strict=True)
    )  # (*output, *input)
    return jacobians if isinstance(args, tuple) else jacobians[0]


def hessian(function: Callable[..., Any], x: Any) -> Tensor:
    """The second derivatives of a scalar function: shape (*x, *x)."""
    return jacobian(grad(function), x)


def hvp(function: Callable[..., Any], x: Any, v: Any) -> tuple[Any, Tensor]:
    """The value of a scalar function, and its Hessian times v, at the cost of about two backward passes."""
    nested = _is_nested((x, v))
    inputs = _variables((x,))
    with Scope(recording=True):
        value, gradient = value_and_grad(function)(inputs[0])
    (product,) = _pull([gradient], inputs, [as_tensor(v)], nested)
    return value if nested else value.detach(), product


def checkpoint(function: Callable[..., Any], *args: Any) -> Any:
    """Run `function(*args)` without keeping what its backward needs; compute that again when it is asked for.

    Memory falls from every intermediate value to the arguments alone, for one more forward pass. Random numbers
    are drawn again as they were. Works for results of any kind, parameters in closures, and higher derivatives.

    Source: T. Chen et al., Training deep nets with sublinear memory cost (2016), section 3.
    """
    if not current.get().recording:
        return function(*args)
    state = get_rng_state()
    tape: list[Node] = []
    settings = current.get()
    with Scope(tape=tape):
        result = function(*args)

    def refill() -> None:
        before, again = get_rng_state(), []  # type: ignore[var-annotated]
        set_rng_state(state)
        with Scope(recording=True, mode=settings.mode, anomaly=False, tape=again):
            function(*args)
        set_rng_state(before)
        if len(again) != len(tape):
            raise GraphError(
                f"checkpoint: {len(again)} operations ran the second time, {len(tape)} the first",
                fix="the function must do the same each time: no state that it changes itself",
            )
        for old, new in zip(tape, again, strict=True):
            old.saved, old.inputs, old.residuals, old.time = new.saved, new.inputs, new.residuals, new.time
            old.refill = None

    for node in tape:
        node.saved = node.inputs = node.residuals = None
        node.refill = refill
    return result


def _is_nested(args: Sequence[Any]) -> bool:
    """Whether an argument is part of a graph already, so that results must be as well."""
    recording = current.get().recording
    return recording and any(isinstance(a, Tensor) and a.requires_grad for a in args)


def _variables(args: Sequence[Any]) -> list[Any]:
    """Each floating argument as a tensor of its own to differentiate by, still hanging on its old graph."""
    inputs = []
    for a in args:
        x = as_tensor(a)
        if not is_float(x.dtype):
            inputs.append(x)
        elif x.requires_grad and current.get().recording:
            inputs.append(ops.reshape(x, shape=x.shape))
        else:
            inputs.append(x.detach().requires_grad_())
    return inputs


def _pull(
    ys: Sequence[Tensor],
    inputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    nested: bool,
    *,
    allow_unused: bool = False,
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
            g = xp(x.data).zeros_like(x.data)
        results.append(g if isinstance(g, Tensor) else Tensor(g))
    return results
