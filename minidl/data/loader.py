"""From a dataset to batches of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import count, takewhile
from typing import Any

from minidl.errors import ArgumentError, DTypeError, StateDictError, describe
from minidl.random import Generator, default_generator

from .dataset import IterableDataset
from .fetch import END, Fetcher, Job, StreamFetcher
from .samplers import BatchSampler, RandomSampler, SequentialSampler
from .streams import ORDER, Stream, draw_seed, drawing_from
from .workers import made_ahead

STATE = {"epoch", "position", "seed", "generator", "samplers"}


class DataLoader:
    """Walks over a dataset in batches; iterate it once for each epoch.

    An iteration begins by drawing one number, the epoch's seed, and everything random in the epoch follows from it: the
    order, and a stream for each item and each batch, from which the library's transforms draw. So the same seed gives
    the same batches whatever the number of workers. Draw from `minidl.data.current_generator()` in a dataset or a
    transform of your own, and that holds for it too.

    With workers, threads get the next batches ready. The order stays; an exception arrives where the batch would have,
    with its traceback and a note that names the item; leaving the loop early ends the threads. In them, operations of
    minidl run in mode "plain". Why threads and not processes: see `minidl/data/workers.py`.

    Args:
        dataset: anything with `len()` and items by number; or an IterableDataset.
        batch_size: how many items a batch has; the last may have fewer. None: items as they are, each by itself.
        shuffle: whether to go in random order.
        sampler: the numbers of the items in the order to take them (any iterable), instead of `shuffle`.
        batch_sampler: lists of numbers, each a batch, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
        num_workers: how many threads; 0: batches are made when they are asked for.
        collate_fn: list of items → batch; default: `collate`.
        pin_memory: accepted, without effect.
        drop_last: leave out the last batch if it is smaller.
        transform: batch → batch, such as augmentation; called last.
        generator: where the seeds come from; default: the library's stream (`minidl.manual_seed`).
        prefetch_factor: how many batches each worker may be ahead; default 2.
        persistent_workers: accepted, without effect: a thread starts in less time than a batch takes.
    Raises:
        ArgumentError: numbers out of range; arguments that exclude each other. DTypeError: no dataset.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[..., Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        transform: Callable[[Any], Any] | None = None,
        generator: Generator | None = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ) -> None:
        by_number = hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
        if not by_number and not isinstance(dataset, IterableDataset):
            raise DTypeError(
                f"DataLoader: dataset: got {describe(dataset)}, expected len() and items by number",
                fix="derive from IterableDataset if it can only be iterated",
            )
        if isinstance(dataset, IterableDataset) and (shuffle or sampler is not None or batch_sampler is not None):
            argument = "shuffle" if shuffle else "sampler" if sampler is not None else "batch_sampler"
            raise ArgumentError(f"DataLoader: {argument}: got one for an IterableDataset, which has its own order")
        _check(batch_size, shuffle, sampler, batch_sampler, drop_last)
        _check_workers(num_workers, prefetch_factor, persistent_workers)
        self.dataset, self.batch_size, self.shuffle, self.drop_last = dataset, batch_size, bool(shuffle), drop_last
        self.num_workers, self.prefetch_factor = num_workers, prefetch_factor or 2
        self.collate_fn, self.transform, self.generator = collate_fn, transform, generator
        self.sampler: Any = sampler
        self.batch_sampler: Any = batch_sampler
        if isinstance(dataset, IterableDataset):
            pass  # has no numbers to sample
        elif batch_sampler is None:
            self.sampler = (
                sampler if sampler is not None else (RandomSampler if shuffle else SequentialSampler)(dataset)
            )
            if batch_size is not None:
                self.batch_sampler = BatchSampler(self.sampler, batch_size, drop_last)
        else:
            self.batch_size = getattr(batch_sampler, "batch_size", None)
        self.epoch = 0
        self._position, self._seed = 0, None  # type: tuple[int, int | None]
        self._resuming = False
        self._before: list[dict[str, Any]] = []

    def __len__(self) -> int:
        """The number of batches, if the dataset and the sampler have a length."""
        if isinstance(self.dataset, IterableDataset):
            n = len(self.dataset)  # type: ignore[arg-type]
            size = self.batch_size or 1
            return n // size if self.drop_last else -(-n // size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        if self._resuming and self._seed is not None:
            seed, start = self._seed, self._position
        else:
            if self._seed is not None:
                self.epoch += 1  # the last one was left early
            seed, start = draw_seed(self.generator or default_generator), 0
            self._before = self._sampler_states()
        self._resuming, self._seed, self._position = False, seed, start
        return self._counted(self._batches(seed, start), seed, start)

    # An epoch ------------------------------------------------------------------------------------------------------

    def _batches(self, seed: int, start: int) -> Iterator[Any]:
        options = (self.dataset, seed, self.batch_size is not None or self.batch_sampler is not None)
        workers = self.num_workers
        if isinstance(self.dataset, IterableDataset):
            fetch: Fetcher = (
                stream := StreamFetcher(
                    *options, self.collate_fn, self.transform, batch_size=self.batch_size, drop_last=self.drop_last
                )
            )
            size = self.batch_size or 1
            stream.skip(start * size)
            jobs: Iterator[Job] = (Job(batch, batch * size, None) for batch in count(start))
            workers = min(workers, 1)  # what can only be iterated has one order: one thread reads ahead
        else:
            fetch = Fetcher(*options, self.collate_fn, self.transform)
            jobs = self._jobs(seed, start)
        if not workers:
            yield from takewhile(lambda batch: batch is not END, (fetch(job) for job in jobs))
            return
        made: Any = made_ahead(fetch, jobs, workers, self.num_workers * self.prefetch_factor)
        with closing(made):
            yield from takewhile(lambda batch: batch is not END, made)

    def _jobs(self, seed: int, start: int) -> Iterator[Job]:
        """The numbers of the items of each batch from number `start` on."""
        stream, batched = Stream(seed, ORDER), self.batch_sampler is not None
        groups: Iterator[Any] = iter(self.batch_sampler if batched else self.sampler)
        place = 0
        for batch in count():
            with drawing_from(stream):  # for samplers without a generator of their own
                keys: Any = next(groups, END)
            if keys is END:
                return
            if batch >= start:
                yield Job(batch, place, keys)
            place += len(keys) if batched else 1

    def _counted(self, batches: Any, seed: int, start: int) -> Iterator[Any]:
        """The batches; `state_dict` knows of the iteration that began last."""
        with closing(batches):
            for number, batch in enumerate(batches, start + 1):
                if self._seed == seed:
                    self._position = number
                yield batch
        if self._seed == seed:
            self.epoch += 1
            self._position, self._seed = 0, None

    # Where it is -----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Where the iteration is: epochs finished, batches given in this one, and what its randomness follows from.

        Plain numbers and strings. The library's own stream is not part of it: `minidl.get_rng_state` gives that.
        """
        return {
            "epoch": self.epoch,
            "position": self._position,
            "seed": self._seed,
            "generator": None if self.generator is None else self.generator.get_state(),
            "samplers": self._sampler_states() if self._seed is None else self._before,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another loader of the same kind was: the next iteration gives the batches that it did not.

        Batches given before are not made again; an IterableDataset must pass over their items.

        Raises:
            StateDictError: not what `state_dict` gives, or of a loader with other samplers.
        """
        if not isinstance(state, dict) or set(state) != STATE:
            keys = sorted(map(str, state)) if isinstance(state, dict) else describe(state)
            raise StateDictError(f"DataLoader: state_dict: got {keys}, expected the keys {sorted(STATE)}")
        streams = self._sampler_streams()
        if len(streams) != len(state["samplers"]) or (self.generator is None) != (state["generator"] is None):
            raise StateDictError(
                "DataLoader: state_dict: it is of a loader with other generators",
                fix="give generators to this one, and to its samplers, as that one had them",
            )
        for stream, saved in zip(streams, state["samplers"], strict=True):
            stream.set_state(saved)
        if self.generator is not None:
            self.generator.set_state(state["generator"])
        self.epoch, self._position, self._seed = state["epoch"], state["position"], state["seed"]
        self._before, self._resuming = list(state["samplers"]), True

    def _sampler_streams(self) -> list[Generator]:
        """The generators that were given to the samplers."""
        samplers = (self.batch_sampler, getattr(self.batch_sampler, "sampler", self.sampler))
        found = [getattr(sampler, "generator", None) for sampler in samplers]
        return [each for each in found if isinstance(each, Generator)]

    def _sampler_states(self) -> list[dict[str, Any]]:
        return [stream.get_state() for stream in self._sampler_streams()]


def _check(batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool) -> None:
    """What can be said with one argument must not be said with another one too."""
    if shuffle and sampler is not None:
        raise ArgumentError("DataLoader: got both shuffle and a sampler, which decide the same thing")
    if batch_sampler is not None:
        given = {"batch_size": batch_size != 1, "shuffle": shuffle, "sampler": sampler is not None}
        also = [name for name, it_is in {**given, "drop_last": drop_last}.items() if it_is]
        if also:
            raise ArgumentError(f"DataLoader: got both a batch_sampler and {', '.join(also)}, which it decides itself")
    elif batch_size is None:
        if drop_last:
            raise ArgumentError("DataLoader: drop_last: got True without batches (batch_size=None)")
    elif not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
        raise ArgumentError(f"DataLoader: batch_size: got {batch_size!r}, expected a whole number ≥ 1")


def _check_workers(num_workers: Any, prefetch_factor: Any, persistent_workers: bool) -> None:
    if not isinstance(num_workers, int) or num_workers < 0:
        raise ArgumentError(f"DataLoader: num_workers: got {num_workers!r}, expected a whole number ≥ 0")
    if prefetch_factor is not None and (not isinstance(prefetch_factor, int) or prefetch_factor < 1):
        raise ArgumentError(f"DataLoader: prefetch_factor: got {prefetch_factor!r}, expected a whole number ≥ 1")
    if num_workers == 0 and (prefetch_factor is not None or persistent_workers):
        argument = "prefetch_factor" if prefetch_factor is not None else "persistent_workers"
        raise ArgumentError(f"DataLoader: {argument}: got one without workers", fix="pass num_workers=1 or more")
