"""Threads that work ahead: the same batches in the same order, errors where they belong, and no thread left."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import pytest

import minidl
from minidl.config import current
from minidl.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    current_generator,
)
from minidl.data import transforms as T
from minidl.errors import StateDictError
from minidl.random import Generator


class Noisy(Dataset):
    """Item i is (i, a number drawn for it); early items take longest."""

    def __init__(self, n=23, fails=()):
        self.n, self.fails = n, fails

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if index in self.fails:
            raise self.fails[index]
        time.sleep(0.0005 * (index % 5 == 0))
        return index, current_generator().numpy.normal()


class Lines(IterableDataset):
    def __init__(self, n=11):
        self.n = n

    def __iter__(self):
        return ((i, current_generator().numpy.normal()) for i in range(self.n))

    def __len__(self):
        return self.n


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("minidl-data")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not threads()


def jitter(batch):
    return batch[0], batch[1] + current_generator().numpy.normal()


def batches(loader, epochs=2):
    return [[part.data.tolist() for part in batch] for _ in range(epochs) for batch in loader]


@pytest.mark.parametrize("dataset", [Noisy(), Lines(), TensorDataset(np.arange(23), np.zeros(23))])
@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 4, 50, None])
def test_workers_change_nothing(dataset, workers, batch_size):
    def make(**options):
        transform = jitter if batch_size else None
        shuffle = not isinstance(dataset, IterableDataset)
        return DataLoader(dataset, batch_size, shuffle, transform=transform, generator=Generator(7), **options)

    def values(loader):
        return [[np.asarray(getattr(part, "data", part)).tolist() for part in b] for _ in (0, 1) for b in loader]

    expected = values(make())
    assert len(expected) == 2 * len(make())
    assert values(make(num_workers=workers, prefetch_factor=3, persistent_workers=True)) == expected


def test_an_item_draws_the_same_whatever_the_batches():
    """Its numbers follow from the epoch's seed and its place in the epoch; every epoch and every item has others."""
    drawn = [[y for b in batches(DataLoader(Noisy(), n, generator=Generator(1)), 1) for y in b[1]] for n in (1, 4, 23)]
    assert drawn[0] == drawn[1] == drawn[2]
    loader = DataLoader(Noisy(), 23, generator=Generator(1))
    (first,), (second,) = batches(loader, 1), batches(loader, 1)
    assert len({*first[1], *second[1]}) == 46
    twice = batches(DataLoader(Noisy(), 4, sampler=[3, 3, 3, 3]), 1)[0]
    assert twice[0] == [3, 3, 3, 3] and len(set(twice[1])) == 4
    assert current_generator() is minidl.random.default_generator


def test_augmentation_in_a_dataset_with_workers(rng):
    images = rng.uniform(size=(9, 3, 8, 8)).astype(np.float32)
    change = T.Compose([T.RandomCrop(8, 2), T.RandomHorizontalFlip(), T.ColorJitter(0.5), T.RandomErasing()])

    class Augmented(Dataset):
        def __len__(self):
            return 9

        def __getitem__(self, index):
            return change(images[index])

    loaders = [DataLoader(Augmented(), 2, True, num_workers=n, generator=Generator(0)) for n in (0, 3)]
    for a, b in zip(*loaders, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_arrives_in_its_turn_with_its_traceback(workers):
    loader = DataLoader(Noisy(fails={10: KeyError("lost"), 20: ValueError()}), 4, num_workers=workers)
    seen = []
    with pytest.raises(KeyError, match="lost") as caught:
        for batch in loader:
            seen += batch[0].data.tolist()
    assert seen == list(range(8))
    assert caught.value.__notes__ == ["DataLoader: at item 10 of the dataset, in batch 2 of the epoch"]
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "__getitem__"


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_of_the_other_stages(workers):
    loader = DataLoader(Noisy(), 4, num_workers=workers, transform=lambda batch: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        list(loader)
    assert caught.value.__notes__ == ["DataLoader: in batch 0 of the epoch, made of items 0, 1, 2, 3"]
    with pytest.raises(IndexError) as caught:
        list(DataLoader(TensorDataset(np.arange(3)), 10, num_workers=workers, sampler=[1] * 9 + [5]))
    assert caught.value.__notes__ == ["DataLoader: in batch 0 of the epoch, made of items 1, 1, 1, 1, 1, 1, 1, 1, …"]
    with pytest.raises(RuntimeError):  # not taken for the end
        list(DataLoader(Noisy(fails={5: StopIteration()}), 4, num_workers=workers))

    class Broken(IterableDataset):
        def __iter__(self):
            yield from (0, 1, 2)
            raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged") as caught:
        list(DataLoader(Broken(), 2, num_workers=workers))
    assert caught.value.__notes__ == ["DataLoader: at item 3 that the dataset gave, in batch 1 of the epoch"]


def test_leaving_early_ends_the_threads():
    loader = DataLoader(Noisy(200), 2, num_workers=3)
    for _ in loader:
        assert 0 < len(threads()) <= 3
        break
    assert not threads()
    with pytest.raises(KeyboardInterrupt):
        for _ in loader:
            raise KeyboardInterrupt
    assert not threads()
    iterator = iter(loader)
    next(iterator)
    assert threads()
    iterator.close()
    assert not threads()


def test_the_program_may_end_while_threads_work():
    program = (
        "import time, numpy as np; from minidl.data import DataLoader\n"
        "class Slow:\n    __len__ = lambda self: 99\n"
        "    def __getitem__(self, i):\n        time.sleep(0.01)\n        return i\n"
        "iterator = iter(DataLoader(Slow(), 2, num_workers=2)); next(iterator); print('done')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "done\n" and done.stderr == ""


def test_workers_are_only_so_far_ahead_and_work_at_the_same_time():
    asked = []

    class Counted(Noisy):
        def __getitem__(self, index):
            asked.append(index)
            return index

    iterator = iter(DataLoader(Counted(100), num_workers=2, prefetch_factor=3))
    next(iterator)
    time.sleep(0.05)
    assert len(asked) <= 7
    iterator.close()
    barrier = threading.Barrier(3, timeout=20)

    class Meeting(Noisy):
        def __getitem__(self, index):
            barrier.wait()
            return index

    assert len(list(DataLoader(Meeting(6), num_workers=3))) == 6


def test_settings_reach_the_threads():
    class Settings(Noisy):
        def __getitem__(self, index):
            return current.get().recording, current.get().mode == "plain"

    with minidl.no_grad():
        (batch,) = DataLoader(Settings(2), 2, num_workers=1)
    assert [part.data.tolist() for part in batch] == [[False, False], [True, True]]
    (batch,) = DataLoader(Settings(1), num_workers=0)
    assert [part.data.tolist() for part in batch] == [[True], [False]]


# Where it is ----------------------------------------------------------------------------------------------------------

LOADERS = {
    "shuffled": lambda **o: DataLoader(Noisy(), 4, True, transform=jitter, **o),
    "own generator": lambda **o: DataLoader(Noisy(), 4, True, generator=Generator(3), **o),
    "sampler with a generator": lambda **o: DataLoader(
        Noisy(), 4, sampler=RandomSampler(range(23), generator=Generator(3)), **o
    ),
    "weighted": lambda **o: DataLoader(Noisy(), 4, sampler=WeightedRandomSampler(np.arange(23.0), 23), **o),
    "iterable": lambda **o: DataLoader(Lines(23), 4, **o),
    "fast": lambda **o: DataLoader(TensorDataset(np.arange(23), np.zeros(23)), 4, True, transform=jitter, **o),
}


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("given", [0, 1, 4, 6])
def test_going_on_in_the_middle_of_an_epoch(name, workers, given):
    minidl.manual_seed(1)
    loader = LOADERS[name](num_workers=workers)
    batches(loader, 1)
    iterator = iter(loader)
    for _ in range(given):
        next(iterator)
    state = json.loads(json.dumps(loader.state_dict()))  # plain numbers and strings
    assert (state["epoch"], state["position"]) == (1, given)
    stream = minidl.get_rng_state()
    rest = [[part.data.tolist() for part in batch] for batch in iterator]
    expected = rest + batches(loader, 1)

    minidl.manual_seed(99)
    other = LOADERS[name](num_workers=2 - workers)
    other.load_state_dict(state)
    minidl.set_rng_state(stream)
    assert batches(other, 2) == expected
    assert other.epoch == loader.epoch == 3


def test_state_between_epochs_and_after_leaving_early():
    loader = DataLoader(Noisy(), 4, True, generator=Generator(0))
    batches(loader, 1)
    state = loader.state_dict()
    assert (state["epoch"], state["position"], state["seed"]) == (1, 0, None)
    expected = batches(loader, 1)
    loader.load_state_dict(state)
    assert batches(loader, 1) == expected
    next(iter(loader))
    assert loader.state_dict()["position"] == 1
    next(iter(loader))  # a new epoch: only load_state_dict goes on with an old one
    assert (loader.state_dict()["epoch"], loader.state_dict()["position"]) == (3, 1)


def test_states_that_do_not_fit():
    loader = DataLoader(Noisy(), 4)
    with pytest.raises(StateDictError, match="expected the keys"):
        loader.load_state_dict({"epoch": 1})
    with pytest.raises(StateDictError, match="other generators"):
        loader.load_state_dict(DataLoader(Noisy(), 4, generator=Generator(0)).state_dict())
