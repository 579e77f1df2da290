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
from operator import attrgetter
from typing import Any

import numpy as np

from .array import first_bad
from .config import Settings, current
from .errors import AnomalyError, GraphError, describe
from .mutation import Lock, clock

Tensor: Any = None  # bound by tensor.py, which stands above this module

_numbers = itertools.count()


class Node:
    """One operation that ran: what it was computed from, and what its backward needs."""

    # Defaults on the class, so that making a node sets only what is known then. An output is described by
    # (shape, dtype, numpy or cupy): enough to make a zero, or to check a gradient.
    outputs: Sequence[tuple[tuple[int, ...], Any, Any]] = ()
    plan: Any = None  # of a primitive: which rules it runs in backward
    saved: dict[str, Any] | None = None  # name → value that a primitive's rules ask for
    inputs: Sequence[Any] | None = None  # raw inputs, where backward may have to replay the operation
    residuals: tuple[Any, ...] | None = None  # what a fused body, or a kernel, keeps for its backward
    kernel: Any = None  # the kernel pair that ran; None: the body
    hooks: dict[int, list[Callable[[Any], Any]]] | None = None  # output index → functions on its cotangent
    retained: dict[int, Any] | None = None  # output index → weak reference to the tensor that keeps its gradient
    refill: Callable[[], None] | None = None  # checkpointing: brings the saved values back by computing them again
    freed = False
    note = ""  # anomaly mode: source line and layer
    lock: Lock | None = None  # anomaly mode: holds the saved arrays read-only

    def __init__(self, operation: Any, edges: Sequence[Any], params: dict[str, Any]) -> None:
        self.number = next(_numbers)
        self.operation = operation
        self.edges = edges  # one per input: (parent, output index), or None for constants
        self.needs = tuple([edge is not None for edge in edges])
        self.params = params
        self.time = clock.now  # when the values were saved; see mutation.py

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
        self.saved = self.inputs = self.residuals = None
        if self.lock is not None or self.refill is not None:
            self.lock = self.refill = None
        self.freed = True

    def check_usable(self) -> None:
        """What was saved must be there (checkpointing brings it back), and as it was."""
        if self.freed:
            raise GraphError(
                f"backward: the values that {self.operation.name!r} saved were freed by an earlier backward pass",
                fix="pass retain_graph=True to the first backward(), or compute the forward pass again",
            )
        if self.refill is not None:
            self.refill()
        if clock.now != self.time:
            self._check_unchanged()

    def pull(self, dys: list[Any], wanted: Sequence[bool], create_graph: bool) -> Sequence[Any]:
        """Cotangents of the outputs → cotangents of the wanted inputs (None elsewhere)."""
        self.check_usable()
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
    stack = [node for node in roots if type(node) is Node]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            for edge in node.edges:
                if edge is not None and type(edge[0]) is Node:
                    stack.append(edge[0])
    return sorted(found, key=attrgetter("number"), reverse=True)


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
    now = current.get()
    token = current.set(Settings(bool(create_graph), now.mode, now.anomaly, None, now.batching, now.levels))
    try:
        with np.errstate(all="ignore"):
            return _run(outputs, targets, create_graph, retain_graph)
    finally:
        current.reset(token)


def _run(
    outputs: Sequence[tuple[Any, Any]], targets: Sequence[Any] | None, create_graph: bool, retain_graph: bool
) -> list[Any]:
    flow = _Flow(create_graph, set(targets or ()))
    for edge, cotangent in outputs:
        flow.add(edge, cotangent)
    order = topological(edge[0] for edge, _ in outputs)
    leads = None if targets is None else _leading(order, targets)
    for node in order:
        dys = flow.take(node)
        if dys is None:
            continue
        wanted = node.needs if leads is None else [e is not None and e[0] in leads for e in node.edges]
        if True in wanted:
            flow.spread(node, node.pull(dys, wanted, create_graph), wanted, dys)
            if not retain_graph:
                node.free()
    if targets is not None:
        return [flow.target_gradient(edge) for edge in targets]
    for leaf, gradient in flow.leaf_gradients():
        leaf.accumulate(gradient)
    return []


def _leading(order: list[Node], targets: Sequence[Any]) -> set[Any]:
    """The nodes and leaves through which a target can be reached, the targets' own among them."""
    leads = {edge[0] for edge in targets}
    for node in reversed(order):
        if any(e is not None and e[0] in leads for e in node.edges):
            leads.add(node)
    return leads


class _Flow:
    """Cotangents on their way: summed where paths meet."""

    def __init__(self, create_graph: bool, targets: set[Any]) -> None:
        self.create_graph = bool(create_graph)
        self.sums: dict[Any, Any] = {}  # edge → sum of what has arrived there
        self.owned: set[Any] = set()  # edges whose sum is in memory of our own, which may be added to in place
        self.targets = targets
        self.kept: dict[Any, Any] = {}  # the targets' complete cotangents

    def add(self, edge: Any, contribution: Any, owned: bool = False) -> None:
        before = self.sums.get(edge)
        if before is None:
            self.sums[edge] = contribution
        elif self.create_graph or edge not in self.owned:
            self.sums[edge] = before + contribution  # += would write into somebody else's memory
            owned = True
        else:
            before += contribution
            self.sums[edge] = before  # NumPy's 0-d results are immutable numbers, for which += makes a new one
        if owned:
            self.owned.add(edge)
        if self.targets and type(edge[0]) is not Node and edge in self.targets:
            self.kept[edge] = self.sums[edge]

    def take(self, node: Node) -> list[Any] | None:
        """The complete cotangents of a node's outputs, hooks applied, zeros where nothing arrived; None: no path."""
        if len(node.outputs) == 1 and node.hooks is None and node.retained is None and not self.targets:
            dy = self.sums.pop((node, 0), None)  # nearly always
            return None if dy is None else [dy]
        dys = [self.sums.pop((node, i), None) for i in range(len(node.outputs))]
        arrived = [i for i, dy in enumerate(dys) if dy is not None]
        if not arrived:
            return None
        if node.hooks is not None:
            for i in arrived:
                dys[i] = run_hooks(node.hooks.get(i), dys[i])
        if node.retained is not None:
            for i, reference in node.retained.items():
                tensor = reference()
                if tensor is not None and i in arrived:
                    tensor.accumulate(_copy(dys[i]))
        for i in arrived:
            if (node, i) in self.targets:
                self.kept[node, i] = dys[i]
        if len(arrived) < len(dys):
            for i, (shape, dtype, module) in enumerate(node.outputs):
                if dys[i] is None:
                    zeros = module.zeros(shape, dtype)
                    dys[i] = Tensor(zeros) if self.create_graph else zeros
        return dys

    def spread(self, node: Node, contributions: Sequence[Any], wanted: Sequence[bool], dys: list[Any]) -> None:
        """Hand a node's contributions on to its inputs."""
        for position, g in enumerate(contributions):
            if not wanted[position]:
                continue
            is_array = type(g) is np.ndarray and not self.create_graph  # nearly always
            if not is_array and (isinstance(g, Tensor) is not self.create_graph or not hasattr(g, "dtype")):
                g = _as_expected(g, node, position, self.create_graph)
            edge = node.edges[position]
            parent = edge[0]
            is_leaf = type(parent) is not Node
            if is_leaf:
                shape, dtype = parent.data.shape, parent.data.dtype
            else:
                shape, dtype, _ = parent.outputs[edge[1]]
            if g.shape != shape or g.dtype is not dtype:
                g = node.operation.conform(g, shape, dtype, node, position)
            if node.note:
                _check_finite(node, position, g, dys)
            before = self.sums.get(edge)
            if before is None and not is_leaf and not self.targets:  # nearly always: the next node on a chain
                self.sums[edge] = g
            else:
                first = is_leaf and before is None and not self.create_graph
                self.add(edge, g, first and _fresh(g, contributions, dys, node))

    def leaf_gradients(self) -> Iterable[tuple[Any, Any]]:
        """Each leaf that was reached, with its complete gradient in memory of its own: people write to `.grad`."""
        for edge, gradient in self.sums.items():
            leaf = edge[0]
            if leaf.hooks:  # hooks may keep what they get, and give back what they keep
                yield leaf, _copy(run_hooks(leaf.hooks, gradient))
            else:
                yield leaf, gradient if edge in self.owned else _copy(gradient)

    def target_gradient(self, edge: Any) -> Any:
        """A target's complete cotangent, or None; the hooks of results have run already."""
        gradient = self.kept.get(edge)
        hooks = None if type(edge[0]) is Node else edge[0].hooks
        return gradient if gradient is None or not hooks else run_hooks(hooks, gradient)


def _fresh(g: Any, contributions: Sequence[Any], dys: list[Any], node: Node) -> bool:
    """Whether `g` is an array that nobody else holds, so that it may be added to in place.

    Of the library's own rules this is known: they keep nothing of what they return but what their node holds.
    """
    if node.operation.page is None or not isinstance(g, np.ndarray) or g.base is not None or not g.flags.writeable:
        return False
    if [c is g for c in contributions].count(True) > 1:
        return False
    for held in (dys, (node.saved or {}).values(), node.inputs or (), node.residuals or ()):
        for each in held:  # comparing with `is`: `in` would ask the arrays whether they are equal
            if each is g or (type(each) is tuple and any(one is g for one in each)):
                return False
    return True


def _copy(gradient: Any) -> Any:
    return gradient.clone() if isinstance(gradient, Tensor) else gradient.copy()


def _as_expected(g: Any, node: Node, position: int, create_graph: bool) -> Any:
    """What a rule returned, as a tensor or an array, whichever this pass is made of; complains if it is neither."""
    if isinstance(g, Tensor):
        return g.data
    if not hasattr(g, "dtype"):
        name = node.operation.names(len(node.edges))[position]
        raise GraphError(
            f"backward of {node.operation.name!r} returned {describe(g)} for input {name}, expected its gradient, an "
            f"array{node.note}",
            fix="return zeros (0.0 * dy) where the gradient is zero; has the rule a return statement?",
        )
    return Tensor(g) if create_graph else g


def run_hooks(hooks: list[Callable[[Any], Any]] | None, gradient: Any) -> Any:
    """Pass the gradient through the hooks, as tensors; a hook may return another one."""
    for hook in tuple(hooks or ()):  # a hook may take itself away
        tensor = gradient if isinstance(gradient, Tensor) else Tensor(gradient)
        returned = hook(tensor)
        if returned is None:
            continue
        changed = returned if isinstance(returned, Tensor) else Tensor(returned)
        if changed.shape != tensor.shape:
            raise GraphError(
                f"register_hook: the hook {getattr(hook, '__name__', hook)!r} returned {describe(returned)}, expected "
                f"the gradient's own shape, {tensor.shape}"
            )
        changed = changed.to(dtype=tensor.dtype)
        gradient = changed if isinstance(gradient, Tensor) else changed.data
    return gradient


def _check_finite(node: Node, position: int, g: Any, dys: list[Any]) -> None:
    arrays = [v.data if isinstance(v, Tensor) else v for v in (g, *dys)]
    bad = first_bad(arrays[:1], arrays[1:])
    if bad:
        name = node.operation.names(len(node.edges))[position]
        raise AnomalyError(f"backward of {node.operation.name!r} made {bad} in the gradient of {name}{node.note}")
