"""Forward mode: tangents flow up the graph that cotangents flow down.

A function that ran has left its graph: nodes, numbered in the order in which they were computed. Backward takes them
from the last to the first; here they are taken from the first to the last. A node gets the tangents of its inputs,
which say how fast each input changes along a direction, and makes those of its outputs. One walk gives Jv, at the
cost of about one forward pass; reverse mode would need one pass for each element of the output.

No operation has a rule for this, because its backward says it already. There are four cases:

| operation | its tangent is | why |
| --- | --- | --- |
| pointwise | Σᵢ ruleᵢ(tᵢ), by its backward rules | dx = dy · a has the matrix diag(a), its own transpose |
| linear in each input | Σᵢ f(…, tᵢ, …) | the derivative of a linear map is the map |
| fused | that of its body | the body is a graph of its own |
| any other | the transpose of its backward | u ↦ Jᵀu is linear, and *its* backward is t ↦ Jt: two passes, locally |

Source: R. Wengert, A simple automatic derivative evaluation program (1964), for the walk; J. Townsend, A new trick for
calculating Jacobian vector products (2017), for the last line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minidl import ops
from minidl.config import Scope
from minidl.graph import Node, backpropagate
from minidl.op import Primitive
from minidl.tensor import Tensor

POINTWISE = {
    "abs", "add", "atan", "bce", "clip", "cos", "div", "dropout", "elu", "erf", "exp", "expm1", "gelu", "huber", "log",
    "log10", "log1p", "log2", "maximum", "minimum", "mul", "neg", "pow", "reciprocal", "relu", "remainder", "rsqrt",
    "sigmoid", "sin", "softplus", "sqrt", "sub", "tan", "tanh", "where",
}  # fmt: skip
LINEAR = {
    "cast", "conv", "conv_input", "conv_weight", "cumsum", "einsum", "embedding",
    "embedding_adjoint", "expand", "getitem", "getitem_adjoint", "matmul", "mean", "move", "pad", "put_along_axis",
    "reshape", "sum", "take_along_axis", "transpose", "windows", "windows_adjoint",
}  # fmt: skip

Edge = tuple[Any, int]


def push(ys: Sequence[Tensor], directions: Mapping[Edge, Any], nested: bool) -> list[Any]:
    """Tangents of the inputs → tangents of `ys`; None where one does not depend on them.

    Args:
        ys: results of a function that ran, with its graph.
        directions: for each input, the edge of its tensor → its tangent: a tensor if `nested`, else an array.
        nested: whether the tangents shall be part of a graph, too.
    """
    known = dict(directions)
    with Scope(recording=nested, tape=None), np.errstate(all="ignore"):
        for node in _from_inputs([y.edge[0] for y in ys if y.edge is not None], {edge[0] for edge in directions}):
            tangents = [None if edge is None else known.get(edge) for edge in node.edges]
            if any(t is not None for t in tangents):
                node.check_usable()
                for i, t in enumerate(_through(node, tangents, nested)):
                    if t is not None:
                        known[node, i] = t
    return [known.get(y.own_edge()) if y.requires_grad else None for y in ys]


def _from_inputs(roots: Iterable[Node], ends: set[Any]) -> list[Node]:
    """The nodes between the ends and the roots, in the order in which they were computed."""
    found: set[Node] = set()
    stack = [node for node in roots if type(node) is Node and node not in ends]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            parents = [edge[0] for edge in node.edges if edge is not None]
            stack += [parent for parent in parents if type(parent) is Node and parent not in ends]
    return sorted(found, key=lambda node: node.number)


def _through(node: Node, tangents: list[Any], nested: bool) -> list[Any]:
    """The tangents of a node's outputs."""
    operation = node.operation
    if not isinstance(operation, Primitive):
        return _through_body(node, tangents, nested)
    values = operation.saved_tensors(node) if nested else node.saved or {}
    parts = None
    if operation.page is not None and operation.name in POINTWISE:
        parts = [operation.apply_rule(i, t, values, node.params) for i, t in enumerate(tangents) if t is not None]
    elif operation.page is not None and operation.name in LINEAR:
        parts = _linear(operation, tangents, values, node)
    if parts is None:
        return _transposed(node, tangents, values, nested)
    shape, dtype, _ = node.outputs[0]
    return [_fitted(sum(parts[1:], start=parts[0]), shape, dtype)]


def _linear(operation: Any, tangents: list[Any], values: Any, node: Node) -> list[Any] | None:
    """f(…, tᵢ, …) for each input that moves; None where a value that it takes was not kept."""
    moving = [i for i, t in enumerate(tangents) if t is not None]
    params = {**node.params, "value": 0.0} if operation.name == "pad" else node.params
    parts = []
    for i in moving:
        name = operation.inputs[i] if operation.variadic is None else ""
        if operation.variadic is not None:
            kept = values.get(operation.variadic)
            if kept is None:
                return None
            args = [tangents[i] if j == i else each for j, each in enumerate(kept)]
        else:
            if any(n not in values for n in operation.inputs if n != name):
                return None
            args = [tangents[i] if n == name else values[n] for n in operation.inputs]
        parts.append(operation(*args, **params))
    return parts


def _through_body(node: Node, tangents: list[Any], nested: bool) -> list[Any]:
    """A fused operation: through the graph of its body."""
    if nested:
        xs = node.operation.tensors(node)
        directions = {edge: t for edge, t in zip(node.edges, tangents, strict=True) if t is not None}
    else:
        assert node.inputs is not None
        pairs = list(zip(node.inputs, tangents, strict=True))
        xs = [a if t is None else Tensor(a).requires_grad_() for a, t in pairs]
        directions = {(x, 0): t for x, t in zip(xs, tangents, strict=True) if t is not None}
    with Scope(recording=True):
        y, _ = node.operation.body(*xs, **node.params)
    ys = y if isinstance(y, tuple) else (y,)
    found = push(ys, directions, nested)
    return [
        t if t is None else _fitted(t, shape, dtype) for t, (shape, dtype, _) in zip(found, node.outputs, strict=True)
    ]


def _transposed(node: Node, tangents: list[Any], values: Any, nested: bool) -> list[Any]:
    """Jt as the adjoint of u ↦ Jᵀu, for this one operation."""
    shape, dtype, module = node.outputs[0]
    u = Tensor(module.zeros(shape, dtype)).requires_grad_()
    starts = []
    with Scope(recording=True):
        for i, t in enumerate(tangents):
            if t is not None:
                g = node.operation.apply_rule(i, u, values, node.params)
                g = node.operation.conform(g, tuple(t.shape), t.dtype, node, i)
                starts += [(g.own_edge(), t)] if g.requires_grad else []
    return backpropagate(starts, targets=[(u, 0)], create_graph=nested, retain_graph=nested)


def _fitted(t: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A tangent in the shape and dtype of the value that it belongs to."""
    t = t if t.dtype == dtype else ops.cast(t, dtype=dtype)
    return t if tuple(t.shape) == shape else ops.expand(t, shape=shape)
