"""Checkpointing: memory for time. What backward needs is thrown away, and computed again when it is asked for."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from .array import is_array
from .config import Scope, current
from .errors import ArgumentError, GraphError, describe
from .graph import Node
from .mutation import clock
from .random import get_rng_state, set_rng_state
from .tensor import Tensor

__all__ = ["checkpoint", "checkpoint_sequential"]


def checkpoint(function: Callable[..., Any], *args: Any) -> Any:
    """Run `function(*args)` without keeping what its backward needs; compute that again when it is asked for.

    Memory falls from every intermediate value to the arguments alone, for one more forward pass. Random numbers
    are drawn again as they were. Works for results of any kind, parameters in closures, and higher derivatives.

    Source: T. Chen et al., Training deep nets with sublinear memory cost (2016), section 3.
    """
    settings = current.get()
    if not settings.recording:
        return function(*args)
    state, began, mode = get_rng_state(), clock.now, settings.mode
    tape: list[Node] = []
    with Scope(tape=tape):
        result = function(*args)
    # Weak references, because the nodes hold `refill`: what held them in turn would be a cycle.
    nodes, ran = [weakref.ref(node) for node in tape], _trace(tape)

    def refill() -> None:
        before, now = get_rng_state(), clock.now
        again: list[Node] = []
        set_rng_state(state)
        try:
            with Scope(recording=True, mode=mode, anomaly=False, tape=again):
                function(*args)
        finally:
            set_rng_state(before)
        _check_unchanged(args, again, began, now)
        if _trace(again) != ran:
            raise GraphError(
                f"checkpoint: {len(again)} operations ran the second time, {len(ran)} the first, or others did",
                fix="the function must do the same each time: no state that it changes itself",
            )
        for reference, new in zip(nodes, again, strict=True):
            old = reference()
            if old is not None:
                old.saved, old.inputs, old.residuals, old.time = new.saved, new.inputs, new.residuals, new.time
                old.refill = None

    for node in tape:
        node.saved = node.inputs = node.residuals = node.lock = None
        node.refill = refill
    return result


def _trace(tape: list[Node]) -> list[Any]:
    """What ran, without its values."""
    return [(node.operation, node.outputs) for node in tape]


def _check_unchanged(args: Sequence[Any], again: list[Node], began: int, now: int) -> None:
    """Nothing that the second run of a checkpoint read may have been written to since the first."""
    read = [(f"argument {i}", a.data if isinstance(a, Tensor) else a) for i, a in enumerate(args)]
    leaves = [edge[0] for node in again for edge in node.edges if edge is not None and isinstance(edge[0], Tensor)]
    read += [("a leaf", leaf.data) for leaf in leaves]
    read += [(f"{name} of {node.operation.name!r}", value) for node in again for name, value in node.kept()]
    for name, value in read:
        if is_array(value) and clock.changed(value, began) and not clock.changed(value, now):
            raise GraphError(
                f"checkpoint: {name} ({describe(value)}) was changed in place after the forward pass; run again, the "
                "function would give other values, and the gradient would be wrong",
                fix="change a copy (x = x + 1, or x.clone()), or change it after backward()",
            )


def checkpoint_sequential(functions: Any, segments: int, input: Any) -> Any:
    """A chain of functions in `segments` pieces, each but the last one checkpointed.

    With √L pieces of a chain of L layers, memory grows with √L and not with L, for one more forward pass.

    Args:
        functions: a Sequential, or a list of functions of one argument.
        segments: how many pieces of equal length; the last one takes what is left over.
        input: what the first function is given.
    Raises:
        ArgumentError: `segments` is not from 1 to the number of functions.
    Source: T. Chen et al., Training deep nets with sublinear memory cost (2016), section 3; PyTorch's function of this
        name, which does not checkpoint the last piece either, since backward would ask for it at once.
    """
    chain = list(functions)
    if not 1 <= segments <= len(chain):
        raise ArgumentError(
            f"checkpoint_sequential: segments: got {segments}, expected 1 to {len(chain)}, the number of functions"
        )
    size = len(chain) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(_composed(chain[start : start + size]), input)
    return _composed(chain[size * (segments - 1) :])(input)


def _composed(chain: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        for function in chain:
            value = function(value)
        return value

    return run
