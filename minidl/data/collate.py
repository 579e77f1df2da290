"""How items become a batch: stacked, part by part, and padded where their lengths differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minidl.array import DEFAULT, xp
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import Tensor


def collate(items: list[Any]) -> Any:
    """Items as one batch: tensors, arrays and numbers stacked; tuples, lists and dictionaries part by part.

    Python floats become float32, integers int64; texts stay a list. What the items are made of, the batch is made of:
    tuples, named tuples, lists, dictionaries. Also found as `default_collate`.

    Raises:
        ShapeError: arrays of different shapes, or sequences of different lengths.
        ArgumentError: no items; dictionaries with different keys.
        DTypeError: items of any other type, or of several.
    """
    return _collate(list(items), "")


def _collate(items: list[Any], where: str) -> Any:
    """`where` is the place inside the items, such as `[0]['image']`."""
    what = f"collate: part {where}: got" if where else "collate: got"
    if not items:
        raise ArgumentError("collate: got no items, expected at least one")
    first = items[0]
    if _is_array(first):
        arrays = [_array(item) for item in items]
        if not all(map(_is_array, items)):
            raise _mixed(what, items)
        shapes = {tuple(a.shape) for a in arrays}
        if len(shapes) > 1:
            raise ShapeError(
                f"{what} items of shapes {', '.join(map(str, sorted(shapes)[:4]))}, expected one shape",
                fix="pad or crop them in the dataset, or pass a collate_fn such as pad_collate",
            )
        if arrays[0].dtype.kind not in "biufc":
            raise DTypeError(f"{what} {describe(arrays[0])}, expected numbers", fix="make numbers of them first")
        return Tensor(xp(*arrays).stack(arrays))
    if isinstance(first, bool | int | float):
        if not all(isinstance(item, bool | int | float | np.generic) for item in items):
            raise _mixed(what, items)
        return Tensor(np.array(items, DEFAULT if isinstance(first, float) else None))
    if isinstance(first, str | bytes):
        if not all(isinstance(item, str | bytes) for item in items):
            raise _mixed(what, items)
        return items
    if isinstance(first, Mapping):
        for item in items:
            if not isinstance(item, Mapping) or item.keys() != first.keys():
                keys = sorted(map(repr, item)) if isinstance(item, Mapping) else describe(item)
                raise ArgumentError(
                    f"{what} an item with {keys}, expected the keys of the first: {sorted(map(repr, first))}",
                    fix="give every item the same keys, or pass a collate_fn",
                )
        return {key: _collate([item[key] for item in items], f"{where}[{key!r}]") for key in first}
    if isinstance(first, tuple | list):
        if not all(isinstance(item, tuple | list) for item in items):
            raise _mixed(what, items)
        if len({len(item) for item in items}) > 1:
            raise ShapeError(f"{what} items with different numbers of parts", fix="pass a collate_fn")
        parts = [_collate(list(part), f"{where}[{i}]") for i, part in enumerate(zip(*items, strict=True))]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    raise DTypeError(
        f"{what} items like {describe(first)}, expected tensors, arrays, numbers, texts, and tuples, lists and "
        "dictionaries of them",
        fix="pass a collate_fn",
    )


def convert(item: Any) -> Any:
    """An item as it is, its arrays as tensors: what a DataLoader does with `batch_size=None`."""
    if isinstance(item, np.ndarray | np.generic) and item.dtype.kind in "biufc":
        return Tensor(np.asarray(item))
    if isinstance(item, Mapping):
        return {key: convert(value) for key, value in item.items()}
    if isinstance(item, tuple | list):
        parts = [convert(part) for part in item]
        return type(item)(*parts) if hasattr(item, "_fields") else type(item)(parts)
    return item


def pad_collate(items: list[Any], padding_value: float | Sequence[float] = 0, *, batch_first: bool = True) -> Any:
    """Sequences of unequal length as one batch, and how long each was.

    An item is a sequence, or a tuple of parts. Every part with at least one axis is a sequence, and is padded at its
    end, along its first axis, to the longest; the other parts go through `collate`. After the parts come the lengths,
    one tensor for each part that was padded: the order in which `ctc_loss` takes them.

    Shapes: items (Tᵢ, …) → (N, max Tᵢ, …) and lengths int64 (N,); without `batch_first` (max Tᵢ, N, …)
    Args:
        items: as many as the batch has.
        padding_value: what the end is filled with; several, if each padded part has its own, such as `(0, -100)`.
    Raises:
        ShapeError: parts that differ in more than their first size. ArgumentError: not as many padding values as parts.
    """
    if not items:
        raise ArgumentError("pad_collate: got no items, expected at least one")
    tuples = [item if isinstance(item, tuple) else (item,) for item in items]
    if len({len(item) for item in tuples}) > 1:
        raise ShapeError("pad_collate: got items with different numbers of parts", fix="pass a collate_fn of your own")
    parts: list[Any] = []
    lengths: list[Tensor] = []
    sequences = [i for i, part in enumerate(tuples[0]) if _is_sequence(part)]
    values = list(padding_value) if isinstance(padding_value, Sequence) else [padding_value] * len(sequences)
    if len(values) != len(sequences) or not sequences:
        raise ArgumentError(
            f"pad_collate: padding_value: got {padding_value!r}, and the items have {len(sequences)} parts to pad",
            fix="" if sequences else "use collate: there is nothing to pad",
        )
    for i, part in enumerate(zip(*tuples, strict=True)):
        if i in sequences:
            parts.append(_pad([np.asarray(_array(s)) for s in part], values[len(lengths)], batch_first, i))
            lengths.append(Tensor(np.array([len(_array(s)) for s in part], np.int64)))
        else:
            parts.append(_collate(list(part), f"[{i}]"))
    return (*parts, *lengths)


def _pad(arrays: list[np.ndarray], value: float, batch_first: bool, part: int) -> Tensor:
    shapes = {a.shape[1:] for a in arrays}
    if len(shapes) > 1 or any(a.ndim == 0 for a in arrays):
        raise ShapeError(
            f"pad_collate: part [{part}]: got shapes {', '.join(str(a.shape) for a in arrays[:4])}, expected them to "
            "differ in the first size only"
        )
    batch = np.full((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), value, np.result_type(*arrays))
    for row, array in zip(batch, arrays, strict=True):
        row[: len(array)] = array
    return Tensor(batch if batch_first else np.ascontiguousarray(batch.swapaxes(0, 1)))


def _is_array(item: Any) -> bool:
    return isinstance(item, Tensor | np.ndarray | np.generic) or hasattr(item, "__cuda_array_interface__")


def _is_sequence(part: Any) -> bool:
    if isinstance(part, list):
        return all(isinstance(number, bool | int | float) for number in part)
    return _is_array(part) and len(part.shape) > 0


def _array(item: Any) -> Any:
    return item.data if isinstance(item, Tensor) else item


def _mixed(what: str, items: list[Any]) -> DTypeError:
    kinds = ", ".join(sorted({type(item).__name__ for item in items}))
    return DTypeError(f"{what} items of several types: {kinds}, expected one", fix="or pass a collate_fn")
