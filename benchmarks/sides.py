"""The ways to run one case: minidl in a mode, PyTorch, and the optimizers of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any, NamedTuple

import numpy as np

import minidl
from minidl.graph import backpropagate
from minidl.op import REGISTRY

from .torch_ops import TORCH

# Updates in place are no operations; they are run as a user would: (class in `optim`, its options, arrays, and how
# often one is read or written: Adam reads p, g, m, v and writes p, m, v).
UPDATES: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "adam_step": ("Adam", {"lr": 1e-3}, 4, 7),
    "sgd_step": ("SGD", {"lr": 1e-3, "momentum": 0.9}, 3, 5),
}


class Pair(NamedTuple):
    """One side's way to run a case: `forward()` returns the outputs, `backward()` the gradients."""

    forward: Callable[[], Sequence[Any]]
    backward: Callable[[], Sequence[Any]]


def side(name: str, inputs: Sequence[Any], params: dict[str, Any], mode: str) -> Pair:
    """An operation, or an update, in one of minidl's modes."""
    context = copy_context()  # the mode is set once in a context of its own: no `with` in the timed call
    context.run(minidl.mode(mode).__enter__)
    if name in UPDATES:
        return _update(name, minidl, minidl.from_numpy, inputs, context.run)
    operation = REGISTRY[name]
    args = [minidl.tensor(a, requires_grad=True) if is_float(a) else a for a in inputs]
    targets = [x.own_edge() for x in args if isinstance(x, minidl.Tensor)]
    start: list[Any] = []  # where the backward pass starts; made by its first call

    def outputs() -> Sequence[Any]:
        y = context.run(operation, *args, **params)
        return y if isinstance(y, tuple) else (y,)

    def backward() -> Sequence[Any]:
        if not start:
            y = outputs()[0]
            start.append((y.own_edge(), _cotangent(y).astype(y.dtype)))
        return context.run(backpropagate, start, targets=targets, retain_graph=True)

    return Pair(lambda: [y.data for y in outputs()], backward)


def torch_side(name: str, inputs: Sequence[Any], params: dict[str, Any], torch: Any) -> Pair:
    """The same in PyTorch, eager, as it comes."""
    if name in UPDATES:
        return _update(name, torch, torch.from_numpy, inputs, lambda function: function())
    args = [torch.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a for a in inputs]
    leaves = [x.requires_grad_() for x in args if torch.is_tensor(x) and x.is_floating_point()]
    start: list[Any] = []

    def outputs() -> Sequence[Any]:
        y = TORCH[name](torch, *args, **params)
        return y if isinstance(y, tuple) else (y,)

    def backward() -> Sequence[Any]:
        if not start:
            y = outputs()[0]
            start.extend((y, torch.from_numpy(_cotangent(y))))
        return torch.autograd.grad(start[0], leaves, start[1], retain_graph=True, allow_unused=True)

    return Pair(lambda: [y.detach() for y in outputs()], backward)


def _update(name: str, library: Any, from_numpy: Any, inputs: Sequence[Any], run: Callable[..., Any]) -> Pair:
    """One text for both libraries: the step of an optimizer over one parameter."""
    optimizer, options, *_ = UPDATES[name]
    p, g = (from_numpy(a.copy()) for a in inputs)
    p.requires_grad_().grad = g
    steps = getattr(library.optim, optimizer)([p], **options)

    def forward() -> Sequence[Any]:
        run(steps.step)
        return [p.detach().numpy()]

    return Pair(forward, tuple)


def is_float(a: Any) -> bool:
    """Whether the input has a derivative."""
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def _cotangent(y: Any) -> np.ndarray:
    return np.asarray(np.random.default_rng(1).standard_normal(tuple(y.shape)), np.float32)
