"""The graph of what was computed, and the backward pass through it.

An *edge* is a pair (node, i): "output i of that node". A leaf (a tensor that the user made, with
`requires_grad=True`) is its own node. Nodes point only to what they were computed from, so the graph hangs from its
outputs and goes when they go; there is no global tape.

Why the order of numbers is a topological order: a node is numbered when it is made, and it can only be made from
values that exist already. So every path through the graph goes strictly downwards in numbers, and taking the
reachable nodes from the highest number to the lowest meets each one after everything that was computed from it:
its cotangent is complete, because all contributions have arrived. That is also why they are added and not
overwritten: the derivative of a sum of paths is the sum over the paths.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .array import xp
from .config import Scope
from .errors import AnomalyError, GraphError
from .mutation import Lock, clock

Tensor: Any = None  # bound by tensor.py, which stands above this module

_numbers = itertools.count()


class Aval(NamedTuple):
    """What is known of a value without its numbers: enough to make a zero, or to check a gradient."""

    shape: tuple[int, ...]
    dtype: Any
    module: Any  # numpy or cupy


class Node:
    """One operation that ran: what it was computed from, and what its backward needs."""

    __slots__ = (
        "edges",  # one per input: (parent, output index), or None for constants
        "freed",
        "hooks",  # output index → functions on its cotangent
        "inputs",  # raw inputs, where backward may have to replay the operation
        "kernel",  # the kernel pair that ran, or None for the body
        "lock",
        "note",  # anomaly mode: source line and layer
        "number",
        "operation",
        "outputs",  # one Aval per output
        "params",
        "refill",  # checkpointing: brings the saved values back by computing them again
        "residuals",  # what a fused body, or a kernel, keeps for its backward
        "saved",  # name → value that a primitive's rules ask for
        "time",  # the clock when the values were saved; see mutation.py
    )

    def __init__(self, operation: Any, edges: Sequence[Any], params: dict[str, Any]) -> None:
        self.number = next(_numbers)
        self.operation = operation
        self.edges = edges
        self.params = params
        self.time = clock.now
        self.saved: dict[str, Any] | None = None
        self.inputs: Sequence[Any] | None = None
        self.residuals: tuple[Any, ...] | None = None
        self.kernel: Any = None
        self.outputs: tuple[Aval, ...] = ()
        self.hooks: dict[int, list[Callable[[Any], Any]]] | None = None
        self.refill: Callable[[], None] | None = None
        self.freed = False
        self.note = ""
        self.lock: Lock | None = None

    def __repr__(self) -> str:
        return f"<{self.operation.name}>"

    def kept(self) -> list[tuple[str, Any]]:
        """Every array held for backward, with the best name there is for it."""
        named = list((self.saved or {}).items())
        named += zip(self.operation.names(len(self.inputs or ())), self.inputs or (), strict=True)
        named += [("a residual", r) for r in self.residuals or ()]
        flat = [(n, each) for n, v in named for each in (v if isinstance(v, tuple) else (v,))]
        return [(n, v) for n, v in flat if hasattr(v, "dtype") and getattr(v, "ndim", 0) >= 0]

    def lock_kept(self) -> None:
        """Anomaly mode: nobody writes to these until backward has used them."""
        self.lock = Lock(v for _, v in self.kept())

    def free(self) -> None:
        """Let go of everything that backward needed."""
        self.saved = self.inputs = self.residuals = self.lock = self.refill = None
        self.freed = True

    def pull(self, dys: list[Any], wanted: Sequence[bool], create_graph: bool) -> Sequence[Any]:
        """Cotangents of the outputs → cotangents of the wanted inputs (None elsewhere)."""
        if self.freed:
            raise GraphError(
                f"backward: the values that {self.operation.name!r} saved were freed by an earlier backward pass",
                fix="pass retain_graph=True to the first backward(), or compute the forward pass again",
            )
        if self.refill is not None:
            self.refill()
        if clock.now != self.time:
            self._check_unchanged()
        try:
            return self.operation.pull(self, dys, wanted, create_graph)
        except Exception as error:
            error.add_note(f"in the backward pass of {self.operation.name!r}{self.note}")
            raise

    def _check_unchanged(self) -> None:
        for name, value in self.kept():
            if isinstance(value, np.generic) or not clock.changed(value, self.time):
                continue
            raise GraphError(
                f"{self.operation.name}: {name} ({value.dtype} {value.shape}) was changed in place after the forward "
                "pass had saved it; the gradient would be wrong",
                fix="change a copy (x = x + 1, or x.clone()), or change it after backward()",
            )


def topological(roots: Iterable[Any]) -> list[Node]:
    """Every node that the roots were computed from, outputs first; iterative, so any depth is fine."""
    found: set[Node] = set()
    stack = [node for node in roots if isinstance(node, Node)]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(e[0] for e in node.edges if e is not None and type(e[0]) is Node)
    return sorted(found, key=lambda node: node.number, reverse=True)


def backpropagate(
    outputs: Sequence[tuple[Any, Any]],
    *,
    targets: Sequence[Any] | None = None,
    create_graph: bool = False,
    retain_graph: bool = False,
) -> list[Any]:
    """The backward pass: reverse-mode accumulation of vector-Jacobian products.

    Args:
        outputs: pairs (edge, cotangent): where to start, and with what.
        targets: edges whose cotangents are wanted; None: add every leaf's cotangent to its `.grad`.
        create_graph: cotangents are tensors, and computing with them is recorded.
        retain_graph: keep what the nodes saved, for another pass.
    Returns:
        The cotangents of the targets (None where the outputs do not depend on one); [] without targets.
    """
    with Scope(recording=create_graph, tape=None), np.errstate(all="ignore"):
        flow = _Flow(create_graph)
        for edge, cotangent in outputs:
            flow.add(edge, cotangent, owned=False)
        order = topological(edge[0] for edge, _ in outputs)
        leads = None if targets is None else _leading(order, targets)
        for node in order:
            dys = flow.take(node)
            if dys is None or (leads is not None and node not in leads):
                continue
            wanted = [e is not None and (leads is None or _leads(e, leads)) for e in node.edges]
            if any(wanted):
                contributions = node.pull(dys, wanted, create_graph)
                flow.spread(node, contributions, wanted, dys)
                if not retain_graph:
                    node.free()
        if targets is None:
            for leaf, gradient in flow.finish_leaves():
                leaf.accumulate(gradient)
            return []
        return [flow.result(edge) for edge in targets]


def _leading(order: list[Node], targets: Sequence[Any]) -> set[Any]:
    """The nodes and leaves from which a target can be reached, the targets' own nodes among them."""
    leads: set[Any] = {id(e[0]) if type(e[0]) is not Node else e[0] for e in targets}
    for node in reversed(order):
        if any(e is not None and _leads(e, leads) for e in node.edges):
            leads.add(node)
    return leads


def _leads(edge: Any, leads: set[Any]) -> bool:
    return (edge[0] if type(edge[0]) is Node else id(edge[0])) in leads


class _Flow:
    """Cotangents on their way: summed where paths meet."""

    def __init__(self, create_graph: bool) -> None:
        self.create_graph = create_graph
        self.sums: dict[tuple[int, int], Any] = {}  # (id of node or leaf, output) → sum so far
        self.owned: set[tuple[int, int]] = set()  # sums in memory of our own, which may be added to in place
        self.leaves: dict[int, Any] = {}
        self.done: dict[tuple[int, int], Any] = {}

    def add(self, edge: Any, contribution: Any, *, owned: bool) -> None:
        node, index = edge
        key = (id(node), index)
        if type(node) is not Node:
            self.leaves[id(node)] = node
        before = self.sums.get(key)
        if before is None:
            self.sums[key] = contribution
            if owned:
                self.owned.add(key)
        elif self.create_graph or key not in self.owned:
            self.sums[key] = before + contribution  # += on arrays would write into somebody else's memory
            self.owned.add(key)
        else:
            before += contribution
            self.sums[key] = before  # NumPy's 0-d results are immutable numbers, for which += makes a new one

    def take(self, node: Node) -> list[Any] | None:
        """The complete cotangents of a node's outputs, hooks applied, zeros where nothing arrived."""
        dys = [self.sums.pop((id(node), i), None) for i in range(len(node.outputs))]
        if all(dy is None for dy in dys):
            return None
        for i, dy in enumerate(dys):
            if dy is None:
                shape, dtype, module = node.outputs[i]
                zeros = module.zeros(shape, dtype)
                dys[i] = Tensor(zeros) if self.create_graph else zeros
            else:
                if node.hooks and i in node.hooks:
                    dys[i] = dy = run_hooks(node.hooks[i], dy)
                self.done[id(node), i] = dy
        return dys

    def spread(self, node: Node, contributions: Sequence[Any], wanted: Sequence[bool], dys: list[Any]) -> None:
        for position, (edge, g) in enumerate(zip(node.edges, contributions, strict=True)):
            if g is None or not wanted[position]:
                continue
            g = node.operation.conform(g, _aval(edge), node, position)
            if node.note:
                _check_finite(node, position, g, dys)
            leaf = type(edge[0]) is not Node
            self.add(edge, g, owned=leaf and not self.create_graph and _fresh(g, contributions, dys, node))

    def finish_leaves(self) -> Iterable[tuple[Any, Any]]:
        for key, leaf in self.leaves.items():
            gradient = self.sums[key, 0]
            if not self.create_graph and (key, 0) not in self.owned:
                gradient = gradient.copy()  # a leaf's .grad is its own memory: people write to it
            yield leaf, run_hooks(leaf.hooks, gradient)

    def result(self, edge: Any) -> Any:
        key = (id(edge[0]), edge[1])
        return self.done[key] if key in self.done else self.sums.get(key)


def _aval(edge: Any) -> Aval:
    node, index = edge
    if type(node) is Node:
        return node.outputs[index]
    return Aval(node.data.shape, node.data.dtype, xp(node.data))


def _fresh(g: Any, contributions: Sequence[Any], dys: list[Any], node: Node) -> bool:
    """Whether `g` is an array that nobody else holds, so that it may be added to in place."""
    if not isinstance(g, np.ndarray) or g.base is not None or not g.flags.writeable:
        return False
    shared = sum(c is g for c in contributions) > 1 or any(dy is g for dy in dys)
    return not shared and not any(value is g for _, value in node.kept())


def run_hooks(hooks: list[Callable[[Any], Any]] | None, gradient: Any) -> Any:
    """Pass the gradient through the hooks, as tensors; a hook may return another one."""
    for hook in hooks or ():
        tensor = gradient if isinstance(gradient, Tensor) else Tensor(gradient)
        changed = hook(tensor)
        if changed is not None:
            gradient = changed if isinstance(gradient, Tensor) else changed.data
    return gradient


def _check_finite(node: Node, position: int, g: Any, dys: list[Any]) -> None:
    arrays = [v.data if isinstance(v, Tensor) else v for v in (g, *dys)]
    finite = [bool(xp(a).isfinite(a).all()) for a in arrays]
    if not finite[0] and all(finite[1:]):
        name = node.operation.names(len(node.edges))[position]
        raise AnomalyError(
            f"backward of {node.operation.name!r} made a NaN or an infinity in the gradient of {name}{node.note}"
        )
