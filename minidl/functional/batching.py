"""What `vmap` hands to a function: tensors that stand for one sample, and hold a whole batch.

A `Batched` tensor has the shape of one sample. Behind it lies a tensor with one axis more, the first, along which the
samples lie. An operation that meets one calls the rule for its name in `batching_rules.py`, on the tensors behind, and
gives back another. What looks at *values* (`if x > 0`, `.item()`) can have no answer that holds for all samples, and
says so.

Batches nest: what lies behind a batched tensor may be batched too, at a lower level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from minidl import ops
from minidl.errors import GraphError
from minidl.tensor import Tensor, as_tensor


class Level(NamedTuple):
    """One `vmap` that is running: how deep, and how many samples."""

    number: int
    size: int


class Sample:
    """In place of an array: the shape and dtype of one sample, and no values."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, device: str) -> None:
        self.shape, self.dtype, self.device = shape, dtype, device
        self.ndim, self.size = len(shape), int(np.prod(shape))

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise no_values("an array function")

    def __array_ufunc__(self, function: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise no_values(f"numpy.{function.__name__}")

    def __getitem__(self, index: Any) -> NoReturn:
        raise no_values("an index")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise no_values(f".{name}")


def no_values(what: str) -> GraphError:
    """The complaint of a batched tensor that was asked for its values."""
    return GraphError(
        f"vmap: {what} asks for the values of a tensor that stands for a whole batch",
        fix="choose with minidl.where instead of if; keep .item(), in-place changes and raw arrays out of the function",
    )


class Batched(Tensor):
    """A tensor of one sample's shape over `behind`, whose first axis is the batch."""

    def __init__(self, behind: Tensor, level: Level) -> None:
        self.behind, self.level = behind, level

    @property
    def data(self) -> Any:
        """No array, but what is known of one: shape, dtype, device."""
        return Sample(self.behind.shape[1:], self.behind.dtype, self.behind.device)

    @property
    def edge(self) -> Any:  # type: ignore[override]
        """That of the tensor behind."""
        return self.behind.edge

    @property
    def is_variable(self) -> bool:  # type: ignore[override]
        """Whether the tensor behind is a leaf that wants a gradient."""
        return self.behind.is_variable

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for the gradients of all samples."""
        self.behind.requires_grad_(requires_grad)
        return self

    def own_edge(self, name: str = "inputs") -> tuple[Any, int]:
        """The edge at which the whole batch's cotangent arrives."""
        return self.behind.own_edge(name)

    def detach(self) -> Tensor:
        """The same values, outside the graph."""
        return Batched(self.behind.detach(), self.level)

    def clone(self) -> Tensor:
        """A copy, recorded in the graph."""
        return Batched(self.behind.clone(), self.level)

    def contiguous(self) -> Tensor:
        """The same values; how they are laid out is no sample's affair."""
        return self

    def numpy(self) -> NoReturn:
        """Not while it stands for a batch."""
        raise no_values(".numpy()")

    def item(self) -> NoReturn:
        """Not while it stands for a batch."""
        raise no_values(".item()")

    def __bool__(self) -> NoReturn:
        raise no_values("a condition")

    def __repr__(self) -> str:
        return f"batched({self.level.size} × {self.dtype} {self.shape})"

    def _cotangent(self, gradient: Any, create_graph: bool) -> Any:
        if gradient is None and self.numel() == 1:
            gradient = Tensor(np.ones(self.shape, self.dtype))
        if gradient is not None:
            gradient = lifted(as_tensor(gradient).to(dtype=self.dtype), self.level).behind
        return self.behind._cotangent(gradient, create_graph)


def lifted(x: Tensor, level: Level) -> Any:
    """x as a batched tensor of that level: itself, or the same for every sample."""
    if isinstance(x, Batched) and x.level.number >= level.number:
        return x if x.level == level else Batched(lifted(x.behind, level), x.level)
    return Batched(ops.expand(ops.unsqueeze(x, axis=0), shape=(level.size, *x.shape)), level)


def like(x: Tensor, g: Any) -> Any:
    """A gradient, an array or a tensor of the shape of what lies behind x, as x is."""
    if isinstance(x, Batched):
        return Batched(like(x.behind, g), x.level)
    return g if isinstance(g, Tensor) else Tensor(g)


def innermost(x: Tensor) -> Tensor:
    """The tensor that really holds the values."""
    while isinstance(x, Batched):
        x = x.behind
    return x


def sample_by_sample(function: Callable[..., Any], args: Any, level: Level) -> Any:
    """The loop that always works: every sample by itself, then stacked."""
    results = []
    for b in range(level.size):
        at_b = [a.behind[b] if isinstance(a, Batched) and a.level == level else a for a in args]
        results.append(function(*at_b))
    first = results[0]
    if isinstance(first, tuple):
        stacked = [Batched(ops.stack(each), level) for each in zip(*results, strict=True)]
        return type(first)(*stacked) if hasattr(first, "_fields") else tuple(stacked)
    return Batched(ops.stack([as_tensor(r) for r in results]), level)


def _method(name: str) -> Any:
    """A method of tensors that looks at values and has no operation: sample by sample."""

    def method(self: Batched, *args: Any, **options: Any) -> Any:
        others = [a for a in args if isinstance(a, Batched)]
        level = max([self.level, *(a.level for a in others)])
        return sample_by_sample(lambda x, *rest: getattr(x, name)(*rest, **options), (self, *args), level)

    method.__name__ = name
    return method


LOOPED_METHODS = (
    "__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__", "__and__", "__or__", "__xor__", "__invert__",
    "lt", "le", "gt", "ge", "eq", "ne", "logical_and", "logical_or", "logical_xor", "logical_not",
    "any", "all", "isfinite", "isinf", "isnan", "argmax", "argmin", "argsort", "sort", "topk", "median", "kthvalue",
    "quantile", "cummax", "cummin",
)  # fmt: skip
for _name in LOOPED_METHODS:
    setattr(Batched, _name, _method(_name))
Batched.__hash__ = Tensor.__hash__  # type: ignore[method-assign]
