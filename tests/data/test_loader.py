"""DataLoader: batches, orders, and the default way to put items together."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import Tensor
from minidl.data import DataLoader, Dataset, Subset, TensorDataset, collate
from minidl.errors import ArgumentError, DTypeError, ShapeError
from minidl.random import Generator


class Listed(Dataset):
    """Items one by one: no `gather`."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


@given(n=st.integers(0, 40), batch_size=st.integers(1, 12), drop_last=st.booleans(), shuffle=st.booleans())
def test_every_item_once(n, batch_size, drop_last, shuffle):
    x = np.arange(n) * 10
    for dataset in (TensorDataset(x), Listed([(value,) for value in x]), Subset(TensorDataset(x), np.arange(n))):
        loader = DataLoader(dataset, batch_size, shuffle, drop_last=drop_last)
        batches = [batch[0].data for batch in loader]
        assert len(batches) == len(loader)
        assert all(len(batch) == batch_size for batch in batches[: -1 if batches else None])
        seen = np.concatenate(batches) if batches else np.zeros(0)
        expected = x[: n - n % batch_size] if drop_last else x
        assert len(seen) == len(expected)
        if not shuffle:
            np.testing.assert_array_equal(seen, expected)
        assert len(set(seen)) == len(seen)
        assert set(seen) <= set(x)


def orders(loader, epochs=3):
    return [[int(i) for batch in loader for i in batch[0].data] for _ in range(epochs)]


def test_each_epoch_has_an_order_of_its_own_decided_by_the_seed():
    dataset = TensorDataset(np.arange(50))
    first = orders(DataLoader(dataset, 8, True, generator=Generator(5)))
    assert first[0] != first[1] != first[2]
    assert first == orders(DataLoader(dataset, 8, True, generator=Generator(5)))
    minidl.manual_seed(5)
    assert first == orders(DataLoader(dataset, 8, True))
    assert orders(DataLoader(dataset, 8)) == [list(range(50))] * 3


def test_fast_path_and_item_by_item_give_the_same_batches(rng):
    x, y = rng.normal(size=(23, 2, 3)).astype("float32"), rng.integers(0, 5, 23)
    fast = DataLoader(TensorDataset(x, y), 5, True, generator=Generator(1))
    slow = DataLoader(Listed(list(zip(x, y, strict=True))), 5, True, generator=Generator(1))
    for a, b in zip(fast, slow, strict=True):
        for one, other in zip(a, b, strict=True):
            assert type(one) is type(other) is Tensor
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one.data, other.data)


def test_a_batch_is_a_copy():
    x = np.zeros(4)
    (batch,) = next(iter(DataLoader(TensorDataset(x), 4)))
    batch.data[:] = 1
    assert not x.any()


def test_sampler_and_collate_fn():
    dataset = TensorDataset(np.arange(10))
    loader = DataLoader(dataset, 2, sampler=[7, 1, 1])
    assert len(loader) == 2
    assert [list(batch[0].data) for batch in loader] == [[7, 1], [1]]
    loader = DataLoader(dataset, 4, collate_fn=lambda items: sum(int(item[0]) for item in items))
    assert list(loader) == [6, 22, 17]


def test_transform_comes_last():
    loader = DataLoader(TensorDataset(np.arange(4)), 2, transform=lambda batch: batch[0] * 10)
    assert [list(batch.data) for batch in loader] == [[0, 10], [20, 30]]


class Pair(NamedTuple):
    image: np.ndarray
    label: int


def test_collate_follows_the_structure_of_the_items():
    def item(i):
        return {
            "pair": Pair(np.full((2,), i, np.float32), i),
            "list": [float(i), bool(i % 2), np.float64(i)],
            "text": f"t{i}",
            "tensor": minidl.tensor([[i]]),
        }

    batch = collate([item(i) for i in range(3)])
    assert isinstance(batch["pair"], Pair)
    assert batch["pair"].image.shape == (3, 2)
    assert (batch["pair"].image.dtype, batch["pair"].label.dtype) == (np.float32, np.int64)
    assert batch["text"] == ["t0", "t1", "t2"]
    assert isinstance(batch["list"], list)
    assert [t.dtype for t in batch["list"]] == [np.float32, np.bool_, np.float64]
    np.testing.assert_array_equal(batch["list"][0].data, [0, 1, 2])
    assert batch["tensor"].shape == (3, 1, 1)


ERRORS = {
    "batch size": (lambda: DataLoader(Listed([1]), 0), ArgumentError, "batch_size: got 0"),
    "batch size as a float": (lambda: DataLoader(Listed([1]), 2.0), ArgumentError, "batch_size: got 2.0"),
    "both": (lambda: DataLoader(Listed([1]), 1, True, sampler=[0]), ArgumentError, "both shuffle and a sampler"),
    "no dataset": (lambda: DataLoader(iter([1])), DTypeError, "expected len() and items by number"),
    "shapes": (lambda: collate([np.zeros(2), np.zeros(3)]), ShapeError, "got items of shapes (2,), (3,)"),
    "lengths": (lambda: collate([(1, 2), (1,)]), ShapeError, "different numbers of parts"),
    "objects": (lambda: collate([object()]), DTypeError, "got items like object"),
    "None": (lambda: collate([None]), DTypeError, "got items like None"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()
