"""Samplers: which items, how often, in which order; where nothing is random, PyTorch's are the judge."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)
from minidl.random import Generator

MAKE = {
    "random": lambda g: RandomSampler(range(30), generator=g),
    "with replacement": lambda g: RandomSampler(range(30), True, 40, g),
    "more than there are": lambda g: RandomSampler(range(30), num_samples=70, generator=g),
    "subset": lambda g: SubsetRandomSampler(list(range(5, 25)), g),
    "weighted": lambda g: WeightedRandomSampler(np.arange(30.0), 50, generator=g),
    "weighted, once each": lambda g: WeightedRandomSampler(np.arange(30.0), 20, False, g),
}


@pytest.mark.parametrize("name", MAKE)
def test_orders_follow_from_the_seed(name):
    make = MAKE[name]
    sampler = make(Generator(1))
    first, second = list(sampler), list(sampler)
    assert first != second
    assert len(sampler) == len(first) == len(second)
    assert all(type(i) is int and 0 <= i < 30 for i in first)
    assert list(make(Generator(1))) == first
    minidl.manual_seed(1)
    assert list(make(None)) == first


@given(n=st.integers(1, 20), count=st.integers(1, 50), seed=st.integers(0, 99))
def test_without_replacement_every_item_comes_before_any_comes_again(n, count, seed):
    order = list(RandomSampler(range(n), num_samples=count, generator=Generator(seed)))
    for start in range(0, count, n):
        part = order[start : start + n]
        assert len(set(part)) == len(part)


def test_with_replacement_all_are_as_likely():
    counts = np.bincount(list(RandomSampler(range(10), True, 20000, Generator(0))), minlength=10)
    assert ((counts - 2000) ** 2 / 2000).sum() < 28  # χ² with 9 degrees of freedom: 1 in 1,000
    assert len(RandomSampler(range(10))) == 10 and list(RandomSampler([])) == []


def test_subset():
    assert sorted(SubsetRandomSampler(np.array([7, 3, 9]))) == [3, 7, 9]


def test_weights_are_probabilities():
    weights = np.array([1, 0, 2, 5])
    counts = np.bincount(list(WeightedRandomSampler(weights, 20000, generator=Generator(0))), minlength=4)
    assert counts[1] == 0
    expected = 20000 * weights[[0, 2, 3]] / 8
    assert ((counts[[0, 2, 3]] - expected) ** 2 / expected).sum() < 14  # χ² with 2 degrees of freedom


def test_weights_without_replacement():
    """Every order of two has the probability wᵢ/Σw · wⱼ/(Σw − wᵢ)."""
    weights = np.array([1.0, 0, 2, 5])
    sampler = WeightedRandomSampler(weights, 2, False, Generator(0))
    orders = [tuple(sampler) for _ in range(4000)]
    for i, j in itertools.permutations([0, 2, 3], 2):
        p = weights[i] / 8 * weights[j] / (8 - weights[i])
        assert abs(orders.count((i, j)) / 4000 - p) < 4 * (p * (1 - p) / 4000) ** 0.5
    assert sorted(WeightedRandomSampler(weights, 3, False)) == [0, 2, 3]


@given(n=st.integers(0, 40), replicas=st.integers(1, 5), drop_last=st.booleans(), shuffle=st.booleans())
def test_distributed_shares_make_up_the_whole(n, replicas, drop_last, shuffle):
    samplers = [DistributedSampler(range(n), replicas, rank, shuffle, 3, drop_last) for rank in range(replicas)]
    shares = [list(sampler) for sampler in samplers]
    assert {len(share) for share in shares} == {len(samplers[0])} == {samplers[0].num_samples}
    order = [i for row in zip(*shares, strict=True) for i in row]  # as all ranks made it
    assert len(set(order[:n])) == min(n, len(order))
    assert order[n:] == (order * 5)[: len(order[n:])]  # repeated from the beginning
    if not shuffle:
        assert order[:n] == list(range(n))[: len(order)]


def test_distributed_epochs():
    a, b = (DistributedSampler(range(50), 2, rank) for rank in (0, 1))
    first = list(a)
    assert list(a) == first and not set(first) & set(b)
    a.set_epoch(1)
    assert list(a) != first
    assert list(DistributedSampler(range(50), 2, 0, seed=1)) == list(a)


@pytest.mark.oracle
@pytest.mark.parametrize("n", [0, 1, 7, 10])
@pytest.mark.parametrize("drop_last", [False, True])
def test_as_pytorch(n, drop_last):
    data = pytest.importorskip("torch.utils.data")
    assert list(SequentialSampler(range(n))) == list(data.SequentialSampler(range(n)))
    for size in (1, 3, 10):
        ours, theirs = BatchSampler(range(n), size, drop_last), data.BatchSampler(range(n), size, drop_last)
        assert (list(ours), len(ours)) == (list(theirs), len(theirs))
    for replicas, rank in ((1, 0), (3, 0), (3, 2), (4, 3)):
        if n:
            options = {"num_replicas": replicas, "rank": rank, "shuffle": False, "drop_last": drop_last}
            ours, theirs = DistributedSampler(range(n), **options), data.DistributedSampler(range(n), **options)
            assert (list(ours), len(ours)) == (list(theirs), len(theirs))


def test_in_a_loader():
    dataset = TensorDataset(np.arange(12))
    by_batch = DataLoader(dataset, batch_sampler=[[3, 1], [5], [0, 2, 4]])
    assert [b[0].data.tolist() for b in by_batch] == [[3, 1], [5], [0, 2, 4]] and len(by_batch) == 3
    loader = DataLoader(dataset, 5, sampler=RandomSampler(dataset, generator=Generator(2)), drop_last=True)
    assert [len(b[0]) for b in loader] == [5, 5] and len(loader) == 2
    shares = [DataLoader(dataset, 2, sampler=DistributedSampler(dataset, 3, rank)) for rank in range(3)]
    assert sorted(i for loader in shares for b in loader for i in b[0].data) == list(range(12))
    with pytest.raises(NotImplementedError, match=r"Sampler has no __iter__\(\)"):
        iter(Sampler())
