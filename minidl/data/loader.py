"""From a dataset to batches of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minidl.array import DEFAULT, xp
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor


class DataLoader:
    """Walks over a dataset in batches; iterate it once for each epoch.

    With `shuffle` every epoch has a new order, drawn when its iteration begins: the same seed gives the same orders.

    Args:
        dataset: anything with `len()` and items by number.
        batch_size: how many items a batch has; the last may have fewer.
        shuffle: whether to go in random order.
        sampler: the numbers of the items in the order to take them (an iterable with a length), instead of `shuffle`.
        drop_last: leave out the last batch if it is smaller.
        collate_fn: list of items → batch; default: `collate`.
        transform: batch → batch, such as augmentation; called last.
        generator: where the order comes from; default: the library's stream (`minidl.manual_seed`).
    Raises:
        ArgumentError: a batch size below 1; `shuffle` with `sampler`.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        sampler: Iterable[int] | None = None,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        transform: Callable[[Any], Any] | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ArgumentError(f"DataLoader: batch_size: got {batch_size!r}, expected a whole number ≥ 1")
        if shuffle and sampler is not None:
            raise ArgumentError("DataLoader: got both shuffle and a sampler, which decide the same thing")
        if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
            raise DTypeError(f"DataLoader: dataset: got {describe(dataset)}, expected len() and items by number")
        self.dataset, self.batch_size, self.shuffle, self.drop_last = dataset, batch_size, shuffle, drop_last
        self.sampler, self.generator = sampler, generator
        self.collate_fn, self.transform = collate_fn, transform

    def __len__(self) -> int:
        """The number of batches."""
        n = len(self.dataset if self.sampler is None else self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        return self._batches(self._order())

    def _order(self) -> np.ndarray:
        if self.sampler is not None:
            return np.fromiter(self.sampler, np.int64)
        if self.shuffle:
            return (self.generator or default_generator).numpy.permutation(len(self.dataset))
        return np.arange(len(self.dataset))

    def _batches(self, order: np.ndarray) -> Iterator[Any]:
        gather = getattr(self.dataset, "gather", None) if self.collate_fn is None else None
        for start in range(0, len(order), self.batch_size):
            indices = order[start : start + self.batch_size]
            if self.drop_last and len(indices) < self.batch_size:
                return
            if gather is not None:
                batch = gather(indices)
            else:
                batch = (self.collate_fn or collate)([self.dataset[int(i)] for i in indices])
            yield batch if self.transform is None else self.transform(batch)


def collate(items: list[Any]) -> Any:
    """Items as one batch: tensors, arrays and numbers stacked; tuples, lists and dictionaries part by part.

    Python floats become float32, integers int64; texts stay a list.

    Raises:
        ShapeError: arrays of different shapes, or sequences of different lengths.
        DTypeError: items of any other type.
    """
    first = items[0]
    if isinstance(first, Tensor | np.ndarray | np.generic) or hasattr(first, "__cuda_array_interface__"):
        arrays = [item.data if isinstance(item, Tensor) else item for item in items]
        shapes = {tuple(a.shape) for a in arrays}
        if len(shapes) > 1:
            raise ShapeError(
                f"collate: got items of shapes {', '.join(map(str, sorted(shapes)[:4]))}, expected one shape",
                fix="pad or crop them in the dataset, or pass a collate_fn",
            )
        return Tensor(xp(*arrays).stack(arrays))
    if isinstance(first, bool | int | float):
        return Tensor(np.array(items, DEFAULT if isinstance(first, float) else None))
    if isinstance(first, str | bytes):
        return items
    if isinstance(first, Mapping):
        return {key: collate([item[key] for item in items]) for key in first}
    if isinstance(first, tuple | list):
        if len({len(item) for item in items}) > 1:
            raise ShapeError("collate: got items with different numbers of parts", fix="pass a collate_fn")
        parts = [collate(list(part)) for part in zip(*items, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    raise DTypeError(
        f"collate: got items like {describe(first)}, expected tensors, arrays, numbers, texts, and tuples, lists and "
        "dictionaries of them",
        fix="pass a collate_fn",
    )
