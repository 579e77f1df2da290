"""Items as batches: PyTorch's default_collate is the judge where the two agree, and sequences of unequal length."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minidl
from minidl import Tensor
from minidl.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    TensorDataset,
    collate,
    default_collate,
    pad_collate,
)
from minidl.errors import ArgumentError, DTypeError, ShapeError

ITEMS = {
    "integers": [1, 2, 3],
    "booleans": [True, False],
    "arrays": [np.arange(6.0).reshape(2, 3), np.ones((2, 3))],
    "bytes of images": [np.full((1, 2), i, np.uint8) for i in range(4)],
    "NumPy numbers": [np.float32(1), np.float32(2.5)],
    "dictionaries": [{"x": np.ones(2), "n": 1}, {"n": 2, "x": np.zeros(2)}],
    "lists in lists": [[[1, 2], [3]], [[4, 5], [6]]],
    "texts": ["a", "b"],
    "texts inside": [{"id": "a", "y": 0}, {"id": "b", "y": 1}],
    "nothing in them": [np.zeros((0, 3)), np.zeros((0, 3))],
}


def plain(batch):
    """As NumPy arrays, which say dtype and shape."""
    if isinstance(batch, dict):
        return {key: plain(value) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        return [plain(part) for part in batch]
    return batch if isinstance(batch, str) else np.asarray(batch.data if isinstance(batch, Tensor) else batch)


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            same(one, other)
    elif isinstance(a, str):
        assert a == b
    else:
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ITEMS)
def test_as_pytorch(name):
    data = pytest.importorskip("torch.utils.data")
    same(plain(default_collate(ITEMS[name])), plain(data.default_collate(ITEMS[name])))


def test_errors_name_the_part():
    items = [({"x": np.zeros(2)}, 1), ({"x": np.zeros(3)}, 2)]
    with pytest.raises(ShapeError, match=re.escape("part [0]['x']: got items of shapes (2,), (3,)")):
        collate(items)
    with pytest.raises(ArgumentError, match=r"got an item with \[\"'b'\"\], expected the keys of the first"):
        collate([{"a": 1}, {"b": 1}])
    with pytest.raises(DTypeError, match="several types: int, str"):
        collate([1, "a"])


def test_items_as_they_are():
    loader = DataLoader([{"x": np.ones(2), "s": "a"}, {"x": np.zeros(3), "s": "b"}], batch_size=None)
    first, second = loader
    assert isinstance(first["x"], Tensor) and first["s"] == "a" and second["x"].shape == (3,)
    assert len(loader) == 2
    assert list(DataLoader([1, 2], None, collate_fn=lambda item: -item)) == [-1, -2]


# Sequences of unequal length ------------------------------------------------------------------------------------------


def test_padding_of_plain_sequences(rng):
    items = [rng.normal(size=(n, 2)).astype(np.float32) for n in (3, 1, 0, 4)]
    padded, lengths = pad_collate(items, -1.0)
    assert padded.dtype == np.float32 and lengths.data.tolist() == [3, 1, 0, 4] and lengths.dtype == np.int64
    for row, item in zip(padded.data, items, strict=True):
        np.testing.assert_array_equal(row[: len(item)], item)
        assert (row[len(item) :] == -1).all()
    turned, _ = pad_collate(items, -1.0, batch_first=False)
    np.testing.assert_array_equal(turned.data, padded.data.swapaxes(0, 1))


def test_padding_part_by_part():
    items = [([1, 2, 3], minidl.tensor([7]), "a", 0), ([4], minidl.tensor([8, 9]), "b", 1)]
    source, target, names, labels, source_lengths, target_lengths = pad_collate(items, (0, -100))
    assert source.data.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert target.data.tolist() == [[7, -100], [8, 9]]
    assert names == ["a", "b"] and labels.data.tolist() == [0, 1]
    assert source_lengths.data.tolist() == [3, 1] and target_lengths.data.tolist() == [1, 2]
    (batch,) = DataLoader(items, 2, collate_fn=lambda items: pad_collate(items, (0, -100)))
    assert batch[0].data.tolist() == source.data.tolist()


# Datasets made of datasets --------------------------------------------------------------------------------------------


class Plain(Dataset):
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class Stream(IterableDataset):
    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


def test_one_after_the_other():
    both = Plain(1, 2) + Plain() + Plain(3)
    assert isinstance(both, ConcatDataset)
    assert (list(both), len(both), both[-1], both[0]) == ([1, 2, 3], 3, 3, 1)
    assert [b.data.tolist() for b in DataLoader(ConcatDataset([both, both]), 4)] == [[1, 2, 3, 1], [2, 3]]
    chain = Stream(1, 2) + Stream(3)
    assert isinstance(chain, ChainDataset) and len(chain) == 3
    assert [b.data.tolist() for b in DataLoader(chain, 2)] == [[1, 2], [3]]
    assert [b.data.tolist() for b in DataLoader(chain, 2, drop_last=True)] == [[1, 2]]
    assert [len(DataLoader(chain, 2, drop_last=last)) for last in (False, True)] == [2, 1]


def test_side_by_side():
    pairs = StackDataset(Plain(1, 2), Plain("a", "b"))
    assert list(pairs) == [(1, "a"), (2, "b")] and len(pairs) == 2
    named = StackDataset(x=TensorDataset(np.arange(2)), y=Plain(5, 6))
    assert named[-1]["x"][0].item() == 1 and named[-1]["y"] == 6
    with pytest.raises(IndexError):
        pairs[2]


def test_a_stream_without_iteration_says_so():
    with pytest.raises(NotImplementedError, match=r"IterableDataset has no __iter__\(\)"):
        iter(IterableDataset())
