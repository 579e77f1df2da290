"""How each operation treats a batch: a rule by name, the body of a fused operation, or a loop over the samples.

| rule | operations | how |
| --- | --- | --- |
| pointwise | those that broadcast | the samples' axes are aligned from the right, the batch stays in front |
| along axes | reductions, softmax, cumulative sums, … | every axis number grows by one |
| images | convolution, pooling, windows | batch × N images are as good as N |
| shapes, products, picking | reshape, transpose, matmul, einsum, getitem, … | one each, below |
| body | any other fused operation | its body is written in operations, each of which has a rule |
| loop | any other | sample by sample; right, and slow |

`rule_of(name)` says which. A rule gets the tensors, the level, and the keywords; a tensor that is batched at that level
has the batch as its first axis; the result too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, TypeGuard

from minidl import ops
from minidl.array import axis_of
from minidl.config import Scope, current
from minidl.op import REGISTRY, Fused
from minidl.tensor import Tensor, as_tensor

from .batching import Batched, Level, lifted, sample_by_sample
from .forward import POINTWISE

RULES: dict[str, Callable[..., Any]] = {}
LOOK_AT_VALUES = {"ctc_loss"}  # fused operations whose bodies do: lengths and labels decide what they compute


def interpret(operation: Any, args: Any, params: dict[str, Any]) -> Any:
    """An operation inside `vmap`: by its rule where an argument is batched; NotImplemented where none is."""
    numbers = [a.level for a in args if isinstance(a, Batched)]
    if not numbers:
        return NotImplemented
    level = max(numbers)
    rule = RULES.get(operation.name) if operation.page is not None else None
    if rule is None and isinstance(operation, Fused) and operation.name not in LOOK_AT_VALUES:
        return operation.body(*[a if a is None else as_tensor(a) for a in args], **params)[0]
    y = NotImplemented if rule is None else rule(operation, args, level, **params)
    if y is NotImplemented:
        return sample_by_sample(lambda *each: operation(*each, **params), args, level)
    return tuple(Batched(each, level) for each in y) if isinstance(y, tuple) else Batched(y, level)


def rule_of(name: str) -> str:
    """ "rule", "body" or "loop": how the operation of that name treats a batch."""
    if name in RULES:
        return "rule"
    return "body" if isinstance(REGISTRY[name], Fused) and name not in LOOK_AT_VALUES else "loop"


def rule(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: the rule for these operations."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def _here(a: Any, level: Level) -> TypeGuard[Batched]:
    """Whether a is batched at this level."""
    return isinstance(a, Batched) and a.level == level


def _aligned(args: Any, level: Level) -> list[Any]:
    """The tensors behind, the samples' axes aligned from the right, so that they broadcast as the samples would."""
    ndim = max((len(a.shape) for a in args if hasattr(a, "shape")), default=0)
    found = []
    for a in args:
        if _here(a, level):
            missing = (1,) * (ndim - a.ndim)
            a = ops.reshape(a.behind, shape=(level.size, *missing, *a.shape)) if missing else a.behind
        found.append(a)
    return found


def _tensor(a: Any) -> Any:
    return a if a is None else as_tensor(a)


def _all_behind(args: Any, level: Level) -> list[Any]:
    """The tensors behind, after every one has got a batch."""
    return [lifted(as_tensor(a), level).behind for a in args]


@rule(*POINTWISE)
def pointwise(operation: Any, args: Any, level: Level, **params: Any) -> Any:
    """Broadcasting does it, once the axes are aligned."""
    return operation(*_aligned(args, level), **params)


@rule("cast", "cholesky", "cofactor", "det", "eigh", "inv", "logabsdet", "move", "pinv", "qr", "svd")
def as_it_is(operation: Any, args: Any, level: Level, **params: Any) -> Any:
    """Each number by itself, or any number of matrices: one axis more in front changes nothing."""
    return operation(args[0].behind, **params)


@rule("logsumexp", "max", "mean", "min", "norm", "prod", "std", "sum", "var")
def reduction(operation: Any, args: Any, level: Level, axis: Any, **params: Any) -> Any:
    """Over the samples' axes: None means all of them, and not the batch."""
    x = args[0]
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    shifted = tuple(axis_of(f"{operation.name}: axis", a, x.ndim) + 1 for a in axes)
    return operation(x.behind, axis=shifted, **params)


@rule("cumprod", "cumsum", "log_softmax", "softmax")
def along_an_axis(operation: Any, args: Any, level: Level, axis: int, **params: Any) -> Any:
    """The axis, counted with the batch."""
    x = args[0]
    return operation(x.behind, axis=axis_of(f"{operation.name}: axis", axis, x.ndim) + 1, **params)


@rule("linear_scan", "put_along_axis", "take_along_axis")
def picked_along_an_axis(operation: Any, args: Any, level: Level, axis: int, **params: Any) -> Any:
    """Both arrays with the batch."""
    shifted = axis_of(f"{operation.name}: axis", axis, args[0].ndim) + 1
    return operation(*_all_behind(args, level), axis=shifted, **params)


# Shapes ---------------------------------------------------------------------------------------------------------------


@rule("reshape")
def reshaped(operation: Any, args: Any, level: Level, shape: Any) -> Any:
    """The batch in front; −1 is found out before, as the batch may be empty of meaning to it."""
    x = args[0]
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if -1 in sizes:
        rest = prod(s for s in sizes if s != -1)
        sizes = tuple(x.numel() // max(rest, 1) if s == -1 else s for s in sizes)
    return operation(x.behind, shape=(level.size, *sizes))


@rule("transpose")
def transposed(operation: Any, args: Any, level: Level, axes: Any) -> Any:
    """The batch stays where it is."""
    x = args[0]
    order = range(x.ndim)[::-1] if axes is None else [axis_of("transpose: axes", a, x.ndim) for a in axes]
    return operation(x.behind, axes=(0, *(a + 1 for a in order)))


@rule("expand")
def expanded(operation: Any, args: Any, level: Level, shape: Any) -> Any:
    """Aligned with the new shape, then stretched."""
    x = args[0]
    behind = ops.reshape(x.behind, shape=(level.size, *(1,) * (len(shape) - x.ndim), *x.shape))
    return operation(behind, shape=(level.size, *shape))


@rule("concatenate")
def concatenated(operation: Any, args: Any, level: Level, axis: int) -> Any:
    """All parts with a batch."""
    return operation(*_all_behind(args, level), axis=axis_of("concatenate: axis", axis, args[0].ndim) + 1)


@rule("pad")
def padded(operation: Any, args: Any, level: Level, widths: Any, **params: Any) -> Any:
    """No border around the batch."""
    return operation(args[0].behind, widths=((0, 0), *widths), **params)


@rule("getitem")
def picked(operation: Any, args: Any, level: Level, index: Any) -> Any:
    """The index after a full slice; not with several arrays apart, whose axes NumPy would move before the batch."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [i for i, part in enumerate(parts) if hasattr(part, "shape") or isinstance(part, list)]
    if any(isinstance(parts[i], Tensor) for i in arrays) or (arrays and arrays[-1] - arrays[0] >= len(arrays)):
        return NotImplemented
    if arrays and any(isinstance(part, int) and not isinstance(part, bool) for part in parts):
        return NotImplemented  # a number is an array of no axes among arrays
    return operation(args[0].behind, index=(slice(None), *parts))


# Products -------------------------------------------------------------------------------------------------------------


@rule("matmul")
def product(operation: Any, args: Any, level: Level) -> Any:
    """Vectors become matrices of one row or column, and the batch is one more axis to broadcast over."""
    x, w = map(_tensor, args)
    row, column = x.ndim == 1, w.ndim == 1
    x = ops.unsqueeze(x, axis=0) if row else x
    w = ops.unsqueeze(w, axis=1) if column else w
    if _here(x, level) and not _here(w, level) and w.ndim == 2:
        y = operation(x.behind, w)  # one large product
    else:
        y = operation(*_aligned((x, w), level))
    y = ops.squeeze(y, axis=-1) if column else y
    return ops.squeeze(y, axis=-1 if column else -2) if row else y


@rule("affine")
def dense(operation: Any, args: Any, level: Level) -> Any:
    """One large product where the weights are shared; else a product for each sample."""
    x, w, b = map(_tensor, args)
    if not _here(w, level) and not _here(b, level):
        return operation(x.behind, w, b)
    y = ops.matmul(x, ops.mT(w))  # by the rule above
    return (y if b is None else ops.add(y, b)).behind


@rule("einsum")
def sum_of_products(operation: Any, args: Any, level: Level, spec: str) -> Any:
    """One letter more."""
    left, right = spec.split("->")
    letter = next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in spec)
    letters = [letter * _here(a, level) + part for a, part in zip(args, left.split(","), strict=True)]
    behind = [a.behind if _here(a, level) else a for a in args]
    return operation(*behind, spec=f"{','.join(letters)}->{letter}{right}")


# Images ---------------------------------------------------------------------------------------------------------------


@rule("avg_pool", "max_pool", "windows", "windows_adjoint")
def images(operation: Any, args: Any, level: Level, **params: Any) -> Any:
    """The batch joins N."""
    return _split(operation(_joined(args[0].behind), **params), level)


def _joined(x: Any) -> Any:
    """(B, N, …) → (B·N, …)."""
    return ops.flatten(x, start=0, end=1)


def _split(y: Any, level: Level) -> Any:
    """(B·N, …) → (B, N, …)."""
    return ops.reshape(y, shape=(level.size, y.shape[0] // level.size, *y.shape[1:]))


@rule("conv", "conv_input")
def convolution(operation: Any, args: Any, level: Level, groups: int, **params: Any) -> Any:
    """Shared weights: the batch joins N. Weights of their own: each sample is a group of channels."""
    x, w = map(_tensor, args)
    if not _here(w, level):
        return _split(operation(_joined(x.behind), w, groups=groups, **params), level)
    x, w = (lifted(a, level).behind for a in (x, w))  # (B, N, C, …), (B, O, C/G, …)
    y = operation(_channels(x), ops.flatten(w, start=0, end=1), groups=level.size * groups, **params)
    return ops.swapaxes(
        ops.reshape(y, shape=(y.shape[0], level.size, y.shape[1] // level.size, *y.shape[2:])), 0, 1
    )  # (B, N, O, …)


@rule("conv_weight")
def convolution_weight(operation: Any, args: Any, level: Level, groups: int, **params: Any) -> Any:
    """Each sample is a group of channels."""
    x, dy = _all_behind(args, level)  # (B, N, C, …), (B, N, O, …)
    dw = operation(_channels(x), _channels(dy), groups=level.size * groups, **params)  # (B·O, C/G, …)
    return ops.reshape(dw, shape=(level.size, dw.shape[0] // level.size, *dw.shape[1:]))


def _channels(x: Any) -> Any:
    """(B, N, C, …) → (N, B·C, …)."""
    return ops.flatten(ops.swapaxes(x, 0, 1), start=1, end=2)


# Tables ---------------------------------------------------------------------------------------------------------------


@rule("embedding")
def rows_of_a_table(operation: Any, args: Any, level: Level) -> Any:
    """A shared table takes any array of numbers; tables of their own are taken apart."""
    return NotImplemented if _here(args[0], level) else operation(args[0], args[1].behind)


@rule("layer_norm")
def normalised(operation: Any, args: Any, level: Level, **params: Any) -> Any:
    """The last axes are the samples' own; scales of their own come after."""
    x, w, b = args
    if not _here(w, level) and not _here(b, level):
        return operation(x.behind, w, b, **params)
    y = Batched(operation(lifted(as_tensor(x), level).behind, **params), level)
    y = y if w is None else ops.mul(y, w)
    return (y if b is None else ops.add(y, b)).behind


@rule("attention")
def attended(operation: Any, args: Any, level: Level, **params: Any) -> Any:
    """The batch is one more of the batch axes."""
    q, k, v, *masks = args
    n = max(as_tensor(a).ndim for a in (q, k, v))
    masks = [m if m is None or not _here(m, level) else _with_axes(m, n, level) for m in masks]
    return operation(*_all_behind((q, k, v), level), *masks, **params)


def _with_axes(mask: Any, ndim: int, level: Level) -> Any:
    return ops.reshape(mask.behind, shape=(level.size, *(1,) * (ndim - mask.ndim), *mask.shape))


@contextmanager
def inside(size: int) -> Iterator[Level]:
    """While a function runs on batched tensors: the next level, of that many samples."""
    levels = current.get().levels
    level = Level(len(levels), size)
    with Scope(batching=interpret, levels=(*levels, level)):
        yield level
