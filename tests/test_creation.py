"""PyTorch's makers of tensors."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import creation
from minidl.creation import (
    arange,
    empty,
    eye,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    zeros,
    zeros_like,
)
from minidl.errors import ArgumentError, DeviceError, DTypeError


@pytest.mark.parametrize("make", [empty, zeros, ones, rand, randn])
def test_sizes_dtypes_and_gradients(make):
    assert make(2, 3).shape == make((2, 3)).shape == make([2, 3]).shape == (2, 3)
    assert make().shape == make(()).shape == ()
    assert make(0, 3).shape == (0, 3)
    assert make(2).dtype == np.float32 and not make(2).requires_grad
    assert make(2, dtype=minidl.float64).dtype == np.float64
    assert make(2, requires_grad=True).requires_grad
    assert make(np.int64(2), device="cpu").device == "cpu"


def test_values():
    assert zeros(2).tolist() == [0, 0] and ones(2).tolist() == [1, 1]
    assert eye(2).tolist() == [[1, 0], [0, 1]] and eye(1, 2).tolist() == [[1, 0]]
    assert linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1] and linspace(0, 1, 5).dtype == np.float32


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(True, "bool"), (2, "int64"), (0.5, "float32"), (minidl.tensor(1), "int64"), (np.float64(1), "float64")],
)
def test_full_takes_the_dtype_of_its_value(value, dtype):
    assert full((2, 1), value).dtype == dtype
    assert full((2, 1), value).shape == (2, 1)
    assert full((), value, dtype="float64").dtype == np.float64


def test_arange():
    assert arange(3).tolist() == [0, 1, 2] and arange(3).dtype == np.int64
    assert arange(1, 7, 2).tolist() == [1, 3, 5]
    assert arange(3, 0, -1).tolist() == [3, 2, 1]
    assert arange(0.0, 1.0, 0.5).tolist() == [0, 0.5] and arange(1.5).dtype == np.float32
    assert arange(2, dtype=minidl.float64, requires_grad=True).requires_grad


def test_random_draws():
    generator = minidl.random.Generator(0)
    x = rand(10_000, generator=generator)
    assert 0 <= x.numpy().min() < 0.001 and 0.999 < x.numpy().max() < 1
    assert rand(10_000, dtype=minidl.float16, generator=generator).numpy().max() < 1  # rounding up would reach it
    x = randn(10_000, generator=generator).numpy()
    assert abs(x.mean()) < 0.05 and x.std() == pytest.approx(1, abs=0.05)
    x = randint(2, 5, (1000,), generator=generator)
    assert set(x.tolist()) == {2, 3, 4} and x.dtype == np.int64
    assert set(randint(2, (50,), generator=generator).tolist()) == {0, 1}
    assert randint(9, 3, dtype="int32").shape == (3,)
    assert sorted(randperm(6, generator=generator).tolist()) == list(range(6))


def test_a_seed_means_the_same_numbers_in_every_dtype():
    for make in (rand, randn):
        a = make(5, dtype="float64", generator=minidl.random.Generator(4)).numpy()
        b = make(5, generator=minidl.random.Generator(4)).numpy()
        np.testing.assert_array_equal(a.astype(np.float32), b)
    minidl.manual_seed(1)
    a = [randn(2), rand(2), randint(9, (2,)), randperm(4), randn_like(randn(1)), rand_like(randn(1))]
    minidl.manual_seed(1)
    b = [randn(2), rand(2), randint(9, (2,)), randperm(4), randn_like(randn(1)), rand_like(randn(1))]
    assert [x.tolist() for x in a] == [x.tolist() for x in b]


def test_like():
    x = zeros(2, 3, dtype="float64")
    for make in (zeros_like, ones_like, rand_like, randn_like, lambda x, **o: full_like(x, 7, **o)):
        y = make(x)
        assert y.shape == (2, 3) and y.dtype == np.float64 and not y.requires_grad
        assert make(x, dtype="float32", requires_grad=True).requires_grad
        assert make(x, dtype="float32").dtype == np.float32
    assert full_like(arange(2), 7).tolist() == [7, 7]
    assert zeros_like(np.ones(2)).dtype == np.float64


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: zeros(-1), ArgumentError, "size: got int -1"),
        (lambda: zeros(2.0), ArgumentError, "size: got float 2.0"),
        (lambda: ones((2, "3")), ArgumentError, "size: got str '3'"),
        (lambda: zeros(2, dtype="text"), DTypeError, "dtype: got"),
        (lambda: rand(2, dtype="int64"), DTypeError, "use randint"),
        (lambda: randn(2, dtype=bool), DTypeError, "use randint"),
        (lambda: randint(3, 3, (2,)), ArgumentError, "expected low < high"),
        (lambda: arange(0, 3, 0), ArgumentError, "step: got 0"),
        (lambda: zeros(2, device="tpu"), DeviceError, "tpu"),
        (lambda: zeros(2, dtype=int, requires_grad=True), DTypeError, "only floating dtypes"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_names():
    assert sorted(creation.__all__) == creation.__all__
    assert all(callable(getattr(creation, name)) for name in creation.__all__)
