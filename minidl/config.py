"""The settings of the moment, in context variables: they follow threads and async tasks by themselves.

Everything an operation has to know before it runs sits in one tuple, so that it costs one look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any, NamedTuple

MODES = ("fast", "plain", "textbook", "reference")


class Settings(NamedTuple):
    """What is in force: `recording` a graph, the `mode`, `anomaly` checks, a `tape` that collects nodes.

    Inside `vmap`, `batching` is what runs an operation that meets a batch, and `levels` are the batches there are.
    """

    recording: bool = True
    mode: str = "fast"
    anomaly: bool = False
    tape: list[Any] | None = None
    batching: Callable[..., Any] | None = None
    levels: tuple[Any, ...] = ()


current: ContextVar[Settings] = ContextVar("minidl_settings", default=Settings())

# The modules whose forward is running, outermost first; errors name the innermost by its dotted path.
layers: ContextVar[tuple[Any, ...]] = ContextVar("minidl_layers", default=())


class Scope(ContextDecorator):
    """A `with` block, or a decorator, under changed settings; restores them on the way out."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes
        self.tokens: list[Token[Settings]] = []

    def _recreate_cm(self) -> Scope:
        return Scope(**self.changes)  # as a decorator: each call has tokens of its own, for it may run in any thread

    def __enter__(self) -> Scope:
        self.tokens.append(current.set(current.get()._replace(**self.changes)))
        return self

    def __exit__(self, *exception: object) -> None:
        current.reset(self.tokens.pop())


def _scope(function: Callable[..., Any] | None, **changes: Any) -> Any:
    """The scope itself, or `function` run inside it: serves both `@no_grad` and `@no_grad()`."""
    return Scope(**changes) if function is None else Scope(**changes)(function)


def no_grad(function: Callable[..., Any] | None = None) -> Any:
    """Record no graph inside the block or the decorated function."""
    return _scope(function, recording=False)


def enable_grad(function: Callable[..., Any] | None = None) -> Any:
    """Record a graph again inside a `no_grad` block."""
    return _scope(function, recording=True)


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require a gradient record a graph at the moment."""
    return current.get().recording


def mode(name: str) -> Scope:
    """Choose how operations run inside the block.

    | mode | what runs |
    | --- | --- |
    | `"fast"` | compiled kernels where there are any, else as `"plain"` (the default) |
    | `"plain"` | the bodies of operations, on arrays |
    | `"textbook"` | the bodies on tensors, so that every primitive shows in the graph |
    | `"reference"` | the float64 definitions, loops and all: slow, and what the others must equal |

    If two modes disagree, the pair of them tells where the bug is.

    Raises:
        ArgumentError: `name` is none of the four.
    """
    if name not in MODES:
        from .errors import ArgumentError  # which stands above this module

        raise ArgumentError(f"mode: got {name!r}, expected one of {', '.join(map(repr, MODES))}")
    return Scope(mode=name)


def detect_anomaly(enabled: bool = True) -> Scope:
    """Find the operation that first makes a NaN or an infinity, forward or backward.

    Inside the block each operation notes the source line that called it and the layer it ran in; its output,
    and later its gradients, are checked; arrays saved for backward are locked against in-place changes.
    This costs a pass over every array: for debugging only.

    Raises (from the operations inside):
        AnomalyError: names operation, source line and layer.
    """
    return Scope(anomaly=enabled)
