"""One batch, from the numbers of its items to what the training loop gets; the same in every thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, takewhile
from typing import Any, NamedTuple

import numpy as np

from .collate import collate, convert
from .streams import BATCH, ITEM, Stream, drawing_from

END = object()  # instead of a batch: there are no more


class Job(NamedTuple):
    """Batch number `batch` of the epoch, whose first item is the epoch's item number `place`."""

    batch: int
    place: int
    keys: Any  # the numbers of its items; one number if there are no batches; None for an iterable dataset


class Fetcher:
    """Makes batches of a dataset with `len()` and items by number.

    Args:
        dataset: the items. seed: the epoch's. batched: False for items as they are.
        collate_fn, transform: as in DataLoader.
    """

    def __init__(
        self, dataset: Any, seed: int, batched: bool, collate_fn: Callable[..., Any] | None, transform: Any
    ) -> None:
        self.dataset, self.seed, self.batched = dataset, seed, batched
        self.gather = getattr(dataset, "gather", None) if collate_fn is None and batched else None
        self.collate_fn, self.transform = collate_fn or (collate if batched else convert), transform

    def __call__(self, job: Job) -> Any:
        stream = Stream(self.seed, BATCH, job.batch)
        if self.gather is None:
            items = self.items(job)
            if items is END:
                return END
        try:
            with drawing_from(stream):
                if self.gather is None:
                    batch = self.collate_fn(items)
                else:
                    batch = self.gather(np.asarray(job.keys, np.int64))
                return batch if self.transform is None else self.transform(batch)
        except Exception as error:
            error.add_note(f"DataLoader: in batch {job.batch} of the epoch, made of {_of(job)}")
            raise

    def items(self, job: Job) -> Any:
        if not self.batched:
            return self.item(job, 0, job.keys)
        return [self.item(job, i, key) for i, key in enumerate(job.keys)]

    def item(self, job: Job, i: int, key: Any) -> Any:
        try:
            with drawing_from(Stream(self.seed, ITEM, job.place + i)):
                return self.dataset[int(key) if isinstance(key, np.integer) else key]
        except Exception as error:
            error.add_note(f"DataLoader: at item {key!r} of the dataset, in batch {job.batch} of the epoch")
            raise


class StreamFetcher(Fetcher):
    """Makes batches of an iterable dataset, one after the other.

    Args (besides Fetcher's):
        batch_size: how many items make one. drop_last: whether a smaller last one is left out.
    """

    def __init__(self, *args: Any, batch_size: int | None, drop_last: bool) -> None:
        super().__init__(*args)
        self.gather, self.batch_size, self.drop_last = None, batch_size, drop_last
        with drawing_from(Stream(self.seed, ITEM)):
            self.iterator: Iterator[Any] = iter(self.dataset)

    def items(self, job: Job) -> Any:
        if not self.batched:
            return self.item(job, 0, None)
        numbered = (self.item(job, i, None) for i in range(self.batch_size or 0))
        items = list(takewhile(lambda item: item is not END, numbered))
        too_few = not items or (self.drop_last and len(items) < (self.batch_size or 0))
        return END if too_few else items

    def item(self, job: Job, i: int, key: Any) -> Any:
        place = job.place + i
        try:
            with drawing_from(Stream(self.seed, ITEM, place)):
                return next(self.iterator, END)
        except Exception as error:
            error.add_note(f"DataLoader: at item {place} that the dataset gave, in batch {job.batch} of the epoch")
            raise

    def skip(self, count: int) -> None:
        """Take `count` items and drop them."""
        for place in range(count):
            self.item(Job(0, 0, None), place, None)


def _of(job: Job) -> str:
    if job.keys is None:
        return f"items from {job.place} on"
    keys = job.keys if isinstance(job.keys, list | tuple | np.ndarray) else [job.keys]
    shown = ", ".join(str(key) for key in islice(keys, 8))
    return f"items {shown}{', …' if len(keys) > 8 else ''}"
