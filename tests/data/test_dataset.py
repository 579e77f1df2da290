"""Datasets and splits."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.data import Dataset, Subset, TensorDataset, random_split, stratified_split
from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError
from minidl.random import Generator


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if not 0 <= index < self.n:
            raise IndexError(index)
        return index, float(index) ** 2


def test_items_of_a_tensor_dataset(rng):
    x, y = rng.normal(size=(4, 2)), np.arange(4)
    dataset = TensorDataset(x, minidl.tensor(y))
    assert len(dataset) == 4
    for i in (0, 3, -1, np.int64(2)):
        a, b = dataset[i]
        np.testing.assert_array_equal(a.data, x[i])
        assert b.item() == y[i]
        assert b.shape == ()
    assert [int(label) for _, label in dataset] == [0, 1, 2, 3]
    a, b = dataset.gather(np.array([2, 0]))
    np.testing.assert_array_equal(a.data, x[[2, 0]])
    np.testing.assert_array_equal(b.data, [2, 0])


def test_subsets_of_subsets(rng):
    x = rng.normal(size=(10, 2))
    inner = Subset(TensorDataset(x), [9, 1, 5, 3])
    outer = Subset(inner, minidl.tensor([2, 0]))
    np.testing.assert_array_equal(outer[0][0].data, x[5])
    np.testing.assert_array_equal(outer[-1][0].data, x[9])
    np.testing.assert_array_equal(outer.gather(np.array([1, 0]))[0].data, x[[9, 5]])
    assert len(Subset(inner, [])) == 0
    plain = Subset(Squares(5), np.array([4, 2]))
    assert plain.gather is None
    assert list(plain) == [(4, 16.0), (2, 4.0)]


@given(
    n=st.integers(0, 60),
    shares=st.lists(st.integers(0, 20), min_size=1, max_size=5).filter(any),
    seed=st.integers(0, 2**32),
)
def test_random_split_is_a_partition(n, shares, seed):
    fractions = [share / sum(shares) for share in shares]
    parts = random_split(Squares(n), fractions, generator=Generator(seed))
    assert sorted(i for part in parts for i in part.indices) == list(range(n))
    assert all(abs(len(part) - n * f) < len(shares) for part, f in zip(parts, fractions, strict=True))


def test_random_split_by_sizes_and_its_randomness():
    def numbers(generator=None):
        return [list(part.indices) for part in random_split(Squares(100), [70, 30], generator=generator)]

    assert [len(part) for part in numbers()] == [70, 30]
    assert numbers(Generator(3)) == numbers(Generator(3))
    assert numbers(Generator(3)) != numbers(Generator(4))
    minidl.manual_seed(3)
    assert numbers() == numbers(Generator(3))
    assert [len(part) for part in random_split(Squares(100), [0.29, 0.71])] == [29, 71]


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=80), fraction=st.floats(0.05, 0.95))
def test_stratified_split_takes_its_share_of_every_class(labels, fraction):
    kept, held_out = stratified_split(labels, fraction)
    assert sorted([*kept, *held_out]) == list(range(len(labels)))
    for label in set(labels):
        assert abs(np.sum(np.array(labels)[held_out] == label) - fraction * labels.count(label)) <= 0.5
    again = stratified_split(minidl.tensor(labels), fraction)
    np.testing.assert_array_equal(held_out, again[1])


def test_another_seed_holds_out_other_items():
    labels = np.arange(100) % 3
    assert not np.array_equal(stratified_split(labels)[1], stratified_split(labels, seed=1)[1])


ERRORS = {
    "no tensors": (TensorDataset, ArgumentError, "got no tensors"),
    "sizes": (lambda: TensorDataset(np.zeros((3, 1)), np.zeros(4)), ShapeError, "got shapes (3, 1), (4,), expected"),
    "0-d": (lambda: TensorDataset(np.zeros(())), ShapeError, "got shapes ()"),
    "index": (lambda: TensorDataset(np.zeros(3))[3], LabelError, "index: got 3, expected -3 to 2"),
    "subset range": (lambda: Subset(Squares(3), [0, 3]), LabelError, "indices: got 3, expected 0 to 2"),
    "subset negative": (lambda: Subset(Squares(3), [-1]), LabelError, "indices: got -1"),
    "subset floats": (lambda: Subset(Squares(3), [0.5]), DTypeError, "expected a list of integers"),
    "subset matrix": (lambda: Subset(Squares(3), [[1]]), DTypeError, "got int64 (1, 1)"),
    "subset index": (lambda: Subset(Squares(3), [1])[1], LabelError, "Subset: index: got 1, expected -1 to 0"),
    "fractions": (lambda: random_split(Squares(3), [0.5, 0.6]), ArgumentError, "expected them to add up to 1"),
    "sizes do not add up": (lambda: random_split(Squares(3), [1, 1]), ArgumentError, "add up to the dataset's 3"),
    "negative size": (lambda: random_split(Squares(3), [4, -1]), ArgumentError, "got [4, -1]"),
    "fraction": (lambda: stratified_split([0, 1], 1.0), ArgumentError, "fraction: got 1.0"),
    "no __len__": (lambda: len(Dataset()), NotImplementedError, "Dataset has no __len__()"),
    "no __getitem__": (lambda: Dataset()[0], NotImplementedError, "Dataset has no __getitem__()"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()
