"""Random numbers for data: every item of every epoch has a stream of its own.

A DataLoader draws one number for each epoch, the epoch's seed. From it and from what is being made, a stream follows:

| what | key |
| --- | --- |
| the order | (0,) |
| batch b: `gather`, `collate_fn`, `transform` | (1, b) |
| the item at place p of the epoch | (2, p) |

so that a draw depends on nothing else: not on the number of workers, nor on which of them came first, nor on whether
the epoch was begun at its beginning. The key holds the place in the epoch and not the item's number, because an item
that a sampler takes twice should be changed in two ways.

Source: the key is a `spawn_key` of NumPy's SeedSequence, after M. E. O'Neill, Developing a seed_seq alternative (2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

import numpy as np

from minidl.random import Generator, default_generator

ORDER, BATCH, ITEM = 0, 1, 2

_current: ContextVar[Generator | None] = ContextVar("minidl_data_stream", default=None)


def current_generator() -> Generator:
    """The stream to draw from in a dataset or a transform of one's own: that of the item or batch being made.

    Outside a DataLoader it is the library's stream, which `minidl.manual_seed` sets.
    """
    return _current.get() or default_generator


def numpy_stream(generator: Generator | None) -> np.random.Generator:
    """What to draw from: the generator that the user gave, else the current one."""
    return (generator or current_generator()).numpy


def draw_seed(generator: Generator | None) -> int:
    """One number from which a whole stream can be made."""
    return int(numpy_stream(generator).integers(2**63))


class Stream(Generator):
    """The stream with this seed and key, made when somebody draws: most items need none."""

    def __init__(self, seed: int, *key: int) -> None:
        super().__init__(seed)
        self.key = key

    @cached_property
    def numpy(self) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=self.key)))


@contextmanager
def drawing_from(generator: Generator) -> Iterator[None]:
    """Inside the block, `current_generator()` is this one; in this thread only."""
    token = _current.set(generator)
    try:
        yield
    finally:
        _current.reset(token)
