"""Samplers: in which order a DataLoader takes the items, and how often each.

Every one that draws, draws a single number when its iteration begins, and makes its whole order from that: from its own
`generator`, else from the epoch's stream inside a DataLoader, else from the library's (`minidl.manual_seed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, describe
from minidl.random import Generator
from minidl.tensor import Tensor

from .streams import draw_seed


class Sampler:
    """The base of all samplers: define `__iter__`, which gives the numbers of items, and `__len__` if it is known."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__(); write one")


class SequentialSampler(Sampler):
    """All items, first to last.

    Args:
        data_source: anything with `len()`.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Items at random.

    Args:
        data_source: anything with `len()`.
        replacement: draw each item from all of them, so that some come twice and some not at all.
        num_samples: how many; default: as many as there are. Without replacement, more of them begin a new
            permutation when one is used up.
        generator: where the draws come from; default: see the page's head.
    Raises:
        ArgumentError: `num_samples` that is not a whole number ≥ 1.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise ArgumentError(f"RandomSampler: replacement: got {replacement!r}, expected True or False")
        if num_samples is not None:
            _check_count("RandomSampler", "num_samples", num_samples)
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples

    @property
    def num_samples(self) -> int:
        """How many items an iteration gives; by default as many as the source has now."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, left = len(self.data_source), self.num_samples
        rng = Generator(draw_seed(self.generator)).numpy
        if left and not n:
            raise ArgumentError(f"RandomSampler: got an empty data_source, of which {left} items cannot be drawn")
        while left:
            part = rng.integers(n, size=min(left, 4096)) if self.replacement else rng.permutation(n)[:left]
            yield from part.tolist()
            left -= len(part)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Some items, each once, in random order.

    Args:
        indices: which.
        generator: where the order comes from; default: see the page's head.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        order = Generator(draw_seed(self.generator)).numpy.permutation(len(self.indices))
        for i in order:
            yield int(self.indices[i])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Items at random, each with a weight of its own: against classes of unequal size.

    Args:
        weights: one for each item, ≥ 0; they need not add up to 1.
        num_samples: how many items an iteration gives.
        replacement: draw each from all. Without it, from those not drawn yet.
        generator: where the draws come from; default: see the page's head.
    Derivation: without replacement. Let item i wait for an exponential time with rate wᵢ. The first to come is i with
        probability wᵢ / Σw; and as waiting has no memory, the next is drawn in the same way from the others. So the
        `num_samples` shortest times, in order, are the sample.
    Raises:
        ArgumentError: weights that are negative, not finite, or all 0; fewer above 0 than are to be drawn.
    Source: P. S. Efraimidis, P. G. Spirakis, Weighted random sampling with a reservoir (2006).
    """

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        array = np.asarray(weights.data if isinstance(weights, Tensor) else weights, np.float64)
        name = type(self).__name__
        _check_count(name, "num_samples", num_samples)
        if array.ndim != 1 or not array.size:
            raise ArgumentError(f"{name}: weights: got {describe(array)}, expected one number for each item")
        wrong = ~(np.isfinite(array) & (array >= 0))
        if wrong.any():
            i = int(np.argmax(wrong))
            raise ArgumentError(f"{name}: weights: got {array[i]} for item {i}, expected finite numbers ≥ 0")
        above = int(np.count_nonzero(array))
        if not above or (not replacement and above < num_samples):
            needed = 1 if replacement else num_samples
            raise ArgumentError(
                f"{name}: weights: got {above} above 0, expected at least {needed} to draw {num_samples} from",
                fix="" if replacement else "draw fewer, or with replacement=True",
            )
        self.weights, self.num_samples, self.replacement, self.generator = array, num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        rng = Generator(draw_seed(self.generator)).numpy
        if self.replacement:
            order = rng.choice(len(self.weights), self.num_samples, p=self.weights / self.weights.sum())
        else:
            with np.errstate(divide="ignore"):  # a weight of 0 waits for ever
                order = np.argsort(rng.exponential(size=len(self.weights)) / self.weights)[: self.num_samples]
        yield from order.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Another sampler's numbers, in lists: a batch each.

    Args:
        sampler: any iterable of numbers.
        batch_size: how many make a batch; the last may have fewer.
        drop_last: leave out the last if it is smaller.
    Raises:
        ArgumentError: a batch size below 1.
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool = False) -> None:
        _check_count("BatchSampler", "batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ArgumentError(f"BatchSampler: drop_last: got {drop_last!r}, expected True or False")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        batch: list[Any] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


class DistributedSampler(Sampler):
    """The share of one of several processes that train together.

    All make the same order, from `seed` and the epoch, and take every `num_replicas`-th of it, beginning at `rank`.
    Call `set_epoch` before each epoch, or all epochs have the same order.

    Args:
        dataset: anything with `len()`.
        num_replicas: how many processes there are.
        rank: which of them this is, from 0 on.
        shuffle: whether the order is random.
        seed: the same number in every process.
        drop_last: give each an equal share by leaving out items at the end; otherwise by repeating the first ones.
    Raises:
        ArgumentError: `num_replicas` or `rank` is missing or out of range.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        name = type(self).__name__
        if num_replicas is None or rank is None:
            missing = "num_replicas" if num_replicas is None else "rank"
            raise ArgumentError(
                f"{name}: {missing}: got None, expected a whole number",
                fix="say how many processes there are and which this one is: num_replicas=4, rank=0",
            )
        _check_count(name, "num_replicas", num_replicas)
        if not isinstance(rank, int) or not 0 <= rank < num_replicas:
            raise ArgumentError(f"{name}: rank: got {rank!r}, expected 0 to {num_replicas - 1}")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last, self.epoch = shuffle, seed, drop_last, 0

    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.num_replicas if self.drop_last else -(-n // self.num_replicas)

    @property
    def num_samples(self) -> int:
        """The number of items in one process's share."""
        return len(self)

    def __iter__(self) -> Iterator[int]:
        n, total = len(self.dataset), len(self) * self.num_replicas
        order = Generator(self.seed + self.epoch).numpy.permutation(n) if self.shuffle else np.arange(n)
        return iter(np.resize(order, total)[self.rank :: self.num_replicas].tolist())  # resize begins again at the end

    def set_epoch(self, epoch: int) -> None:
        """Which order comes next."""
        self.epoch = epoch


def _check_count(name: str, argument: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{name}: {argument}: got {value!r}, expected a whole number ≥ 1")
