"""The seams of the parallel kernels. The samples are too small to be split, so here the splitting is forced.

A kernel's loop over strips may run on one thread too, and then needs no second compilation: so all samples are run in
strips, serially, and one large array on the threads.
"""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

numba = pytest.importorskip("numba")

import minidl  # noqa: E402
from minidl import ops  # noqa: E402
from minidl.functional import vjp  # noqa: E402
from minidl.kernels.cpu import TABLE  # noqa: E402
from minidl.kernels.cpu.jit import strips_jit  # noqa: E402

from .samples import all_samples  # noqa: E402
from .witnesses import call, cotangents, pullback  # noqa: E402

PAGES = ("activation", "elementwise", "index", "loss", "normalize")
SAMPLES = [s for s in all_samples() if TABLE.get(s.operation) in PAGES]


@pytest.mark.parametrize("strips", [2, 5])
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_every_sample_in_strips(sample, strips, monkeypatch):
    used = []

    def several(count, work):
        used.append(max(1, min(strips, count)))
        return used[-1]

    for page in PAGES:
        module = import_module(f"minidl.kernels.cpu.{page}")
        monkeypatch.setattr(module, "strips_of", several, raising=False)
        monkeypatch.setattr(module, "LEAST", 1, raising=False)
    monkeypatch.setattr(strips_jit, "__call__", lambda self, strips, *args: self.alone(strips, *args))

    inputs = sample.inputs()
    ys = call(sample.operation, inputs, sample.params)
    us = cotangents(ys)
    expected = pullback(sample.operation, inputs, sample.params, us)
    found = pullback(sample.operation, inputs, sample.params, us, "fast")
    for y, e in zip(call(sample.operation, inputs, sample.params, "fast"), ys, strict=True):
        np.testing.assert_allclose(y, e, rtol=1e-11, atol=1e-12)
    for i, e in expected.items():
        np.testing.assert_allclose(found[i], e, rtol=1e-11, atol=1e-12)


def test_a_large_array_has_the_same_bits_on_any_number_of_threads(rng):
    x, u = rng.normal(size=(2, 257, 301)).astype(np.float32)
    most, found = numba.get_num_threads(), []
    try:
        for threads in {1, most}:
            numba.set_num_threads(threads)
            y, (g,) = vjp(ops.softmax, (x,), u)
            found.append((y.data, g.data))
    finally:
        numba.set_num_threads(most)
    for y, g in found:
        np.testing.assert_array_equal(y, found[0][0])
        np.testing.assert_array_equal(g, found[0][1])
    with minidl.mode("plain"):
        y, (g,) = vjp(ops.softmax, (x.astype(np.float64),), u.astype(np.float64))
    np.testing.assert_allclose(found[0][0], y.data, rtol=2e-6)
    np.testing.assert_allclose(found[0][1], g.data, rtol=0, atol=2e-6)


# Where arrays lie ----------------------------------------------------------------------------------------------------


class Neighbours:
    """NumPy, but new arrays lie in a row, 16 bytes apart: too near for the loops that are meant for arrays apart."""

    def __init__(self):
        self.memory, self.used = np.zeros(1 << 24, np.uint8), 0

    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, shape, dtype=np.float64):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        start = self.used + 16
        self.used = -(-(start + size) // 16) * 16
        return self.memory[start : start + size].view(dtype).reshape(shape)

    def empty_like(self, array):
        return self.empty(array.shape, array.dtype)

    def zeros(self, shape, dtype=np.float64):
        array = self.empty(shape, dtype)
        array[...] = 0
        return array

    def copy_of(self, value):
        if not isinstance(value, np.ndarray):
            return value
        array = self.empty(value.shape, value.dtype)
        array[...] = value
        return array


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sample", [s for s in all_samples() if s.operation in TABLE], ids=str)
def test_bits_do_not_depend_on_where_arrays_lie(sample, dtype, monkeypatch):
    """LLVM compiles a loop for arrays that lie apart, and one for neighbours; sums have another order in it."""
    inputs = [a.astype(dtype) if getattr(a, "dtype", None) == np.float64 else a for a in sample.inputs()]
    us = cotangents(call(sample.operation, inputs, sample.params, "fast"))
    ys = call(sample.operation, inputs, sample.params, "fast")
    expected = pullback(sample.operation, inputs, sample.params, us, "fast")  # compiles what there is to compile
    near = Neighbours()
    for page in {*TABLE.values(), "batch_norm"}:
        monkeypatch.setattr(import_module(f"minidl.kernels.cpu.{page}"), "np", near, raising=False)
    inputs, us = [near.copy_of(a) for a in inputs], tuple(near.copy_of(u) for u in us)
    for y, e in zip(call(sample.operation, inputs, sample.params, "fast"), ys, strict=True):
        assert np.array_equal(y, e, equal_nan=True)
    for i, g in pullback(sample.operation, inputs, sample.params, us, "fast").items():
        assert np.array_equal(g, expected[i], equal_nan=True)
