"""Datasets: things with a length and an item for each number; and how to split them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError, describe
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor, as_tensor


class Dataset:
    """The base of all datasets: define `__len__` and `__getitem__`.

    A dataset that can index many items faster than one by one also defines `gather`; a DataLoader then uses that,
    unless it was given a `collate_fn`.
    """

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__(); write one")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__(); write one")

    gather: Any = None  # indices (an array of integers) → a whole batch; None: there is no such short cut

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset:
    """The base of datasets that can only be iterated, such as a stream of lines: define `__iter__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__(); write one")

    def __add__(self, other: Any) -> ChainDataset:
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Tensors that belong together row by row, such as images and their labels.

    Args:
        tensors: tensors or arrays with the same first size; item i is a tuple of their i-th rows.
    Raises:
        ShapeError: sizes that differ, or a 0-d tensor. ArgumentError: no tensors.
    """

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise ArgumentError("TensorDataset: got no tensors, expected at least one")
        self.tensors = tuple(as_tensor(t) for t in tensors)
        sizes = [t.shape[0] if t.shape else None for t in self.tensors]
        if None in sizes or len(set(sizes)) > 1:
            shapes = ", ".join(str(t.shape) for t in self.tensors)
            raise ShapeError(f"TensorDataset: got shapes {shapes}, expected the same first size for all")

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        i = _place(type(self).__name__, index, len(self))
        return tuple(Tensor(t.data[i]) for t in self.tensors)

    def gather(self, indices: np.ndarray) -> tuple[Tensor, ...]:
        """The rows at `indices`, one indexing for each tensor."""
        return tuple(Tensor(t.data[indices]) for t in self.tensors)


class Subset(Dataset):
    """Some items of a dataset, in the order given.

    Args:
        dataset: where they are taken from.
        indices: integers, in the range of `dataset`.
    Raises:
        LabelError: an index out of range. DTypeError: not integers.
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray | Tensor) -> None:
        array = np.asarray(indices.data if isinstance(indices, Tensor) else indices)
        if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
            raise DTypeError(f"Subset: indices: got {describe(array)}, expected a list of integers")
        outside = array[(array < 0) | (array >= len(dataset))]
        if outside.size:
            raise LabelError(f"Subset: indices: got {outside[0]}, expected 0 to {len(dataset) - 1}")
        self.dataset, self.indices = dataset, array.astype(np.int64)
        if getattr(dataset, "gather", None) is not None:
            self.gather = lambda places: dataset.gather(self.indices[places])

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(self.indices[_place("Subset", index, len(self))])]


class ConcatDataset(Dataset):
    """Several datasets, one after the other; `a + b` makes one.

    Args:
        datasets: each with `len()` and items by number.
    Raises:
        ArgumentError: no datasets. DTypeError: one that can only be iterated.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("ConcatDataset: datasets: got none, expected at least one")
        for i, each in enumerate(self.datasets):
            if not hasattr(each, "__len__") or not hasattr(each, "__getitem__"):
                raise DTypeError(
                    f"ConcatDataset: datasets[{i}]: got {describe(each)}, expected len() and items by number",
                    fix="use ChainDataset for datasets that can only be iterated",
                )
        self.cumulative_sizes = np.cumsum([len(each) for each in self.datasets]).tolist()

    def __len__(self) -> int:
        return int(self.cumulative_sizes[-1])

    def __getitem__(self, index: int) -> Any:
        place = _place("ConcatDataset", index, len(self))
        which = bisect_right(self.cumulative_sizes, place)
        return self.datasets[which][place - (self.cumulative_sizes[which - 1] if which else 0)]


class StackDataset(Dataset):
    """Datasets of equal length side by side: item i has the i-th of each.

    Args:
        args: the datasets, whose items make a tuple; or
        kwargs: the datasets by name, whose items make a dictionary.
    Raises:
        ArgumentError: both, or none. ShapeError: lengths that differ.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ArgumentError(
                f"StackDataset: got {len(args)} datasets by place and {len(kwargs)} by name, expected one kind"
            )
        self.datasets: Any = kwargs or args
        lengths = [len(each) for each in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ShapeError(f"StackDataset: got datasets of {lengths} items, expected the same number for all")

    def __len__(self) -> int:
        first = next(iter(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets))
        return len(first)

    def __getitem__(self, index: int) -> Any:
        place = _place("StackDataset", index, len(self))
        if isinstance(self.datasets, dict):
            return {name: each[place] for name, each in self.datasets.items()}
        return tuple(each[place] for each in self.datasets)


class ChainDataset(IterableDataset):
    """Datasets that can only be iterated, one after the other.

    Raises:
        DTypeError: something that cannot be iterated.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        for i, each in enumerate(self.datasets):
            if not hasattr(each, "__iter__"):
                raise DTypeError(f"ChainDataset: datasets[{i}]: got {describe(each)}, expected something to iterate")

    def __iter__(self) -> Iterator[Any]:
        for each in self.datasets:
            yield from each

    def __len__(self) -> int:
        return sum(len(each) for each in self.datasets)


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Cut a dataset into parts at random, without overlap.

    Args:
        dataset: what to split.
        lengths: how many items each part gets; or fractions that add up to 1: each part is rounded down, and the
            items left over go to the first parts, one each.
        generator: where the random order comes from; default: the library's stream (`minidl.manual_seed`).
    Raises:
        ArgumentError: lengths that do not add up.
    """
    n = len(dataset)
    if any(isinstance(each, float) for each in lengths):
        if not all(0 <= each <= 1 for each in lengths) or not math.isclose(sum(lengths), 1):
            raise ArgumentError(f"random_split: lengths: got fractions {list(lengths)}, expected them to add up to 1")
        sizes = [math.floor(n * each + 1e-9) for each in lengths]  # 0.29 · 100 is 28.999999999999996
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    else:
        sizes = [int(each) for each in lengths]
        if any(size < 0 for size in sizes) or sum(sizes) != n:
            raise ArgumentError(f"random_split: lengths: got {sizes}, expected them to add up to the dataset's {n}")
    order = (generator or default_generator).numpy.permutation(n)
    ends = np.cumsum(sizes)
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def stratified_split(labels: Any, fraction: float = 0.2, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Hold out a fraction of the items of every class, so that both parts have the classes in the same proportions.

    Args:
        labels: one class for each item.
        fraction: how much to hold out; of each class the nearest whole number of items.
        seed: another seed holds out other items. It is a number of its own, so that a model's seed leaves the split.
    Returns:
        (indices kept, indices held out), each sorted.
    Raises:
        ArgumentError: a fraction outside (0, 1).
    """
    if not 0 < fraction < 1:
        raise ArgumentError(f"stratified_split: fraction: got {fraction!r}, expected a number between 0 and 1")
    labels = np.asarray(labels.data if isinstance(labels, Tensor) else labels)
    rng = Generator(seed).numpy
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        held_out[members[: round(fraction * len(members))]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _place(name: str, index: int, size: int) -> int:
    """A Python index as a place from 0 on."""
    i = int(index)
    if not -size <= i < size:  # an IndexError, by which Python's `for` knows the end
        raise LabelError(f"{name}: index: got {index}, expected {-size} to {size - 1}")
    return i % size
