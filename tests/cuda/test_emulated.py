"""The CUDA kernels without a GPU: launchers and sources run unchanged under the emulator, against the definition."""

import sys
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from minidl.dispatch import compiled
from minidl.kernels.cuda import compile as door
from minidl.kernels.cuda import normalize

from .emulate import EmulatedDevice, EmulationError, Kernels
from .layer_norm_cases import CASES, DTYPES, Case, arrays, check, label

pytestmark = pytest.mark.skipif(Kernels.missing() is not None, reason=str(Kernels.missing()))


@pytest.fixture
def emulate(request, monkeypatch):
    """Put an emulated device behind the door; facts about it as keywords."""

    def start(**facts):
        device = EmulatedDevice(request.config.cache.mkdir("cuda-emulator"), **facts)
        monkeypatch.setattr(door, "device", lambda: device)
        return device

    return start


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=label)
def test_layer_norm(emulate, case, dtype):
    emulate()
    check(normalize, case, dtype)


SMALL = {"multiprocessors": 1, "threads_per_multiprocessor": 128}  # one block at a time: long grid strides
LARGE = {"multiprocessors": 132, "threads_per_multiprocessor": 2048}
NARROW = {"threads_per_block": 64}  # as if the registers did not suffice for more


@pytest.mark.parametrize("case", [Case((33, 7)), Case((200, 40)), Case((9, 1025))], ids=label)
@pytest.mark.parametrize("facts", [SMALL, LARGE, NARROW], ids=["small", "large", "narrow"])
def test_any_device(emulate, facts, case):
    emulate(**facts)
    check(normalize, case, "float32")


def test_strided_arrays(emulate):
    emulate()
    check(normalize, Case((33, 7)), "float32", put=lambda a: np.repeat(a, 2, axis=-1)[..., ::2])
    check(normalize, Case((33, 7)), "float32", put=np.asfortranarray)


def test_only_what_is_needed(emulate):
    device = emulate()
    dy, x, w, b = arrays(Case((5, 7)), "float32").values()
    _, residuals = normalize.layer_norm(x, w, b)
    full = normalize.layer_norm_backward(dy, *residuals)
    for i in range(3):
        device.launched.clear()
        needs = tuple(i == j for j in range(3))
        part = normalize.layer_norm_backward(dy, *residuals, needs=needs)
        assert [a is not None for a in part] == list(needs)
        np.testing.assert_array_equal(part[i], full[i])
        assert [k.name for k in device.launched] == ["layer_norm_dx" if i == 0 else "layer_norm_dw"]


def test_nan_stays_in_its_row(emulate):
    emulate()
    _, x, w, b = arrays(Case((6, 7)), "float32").values()
    clean, _ = normalize.layer_norm(x, w, b)
    x[2, 3] = np.nan
    y, _ = normalize.layer_norm(x, w, b)
    assert np.isnan(y[2]).all()
    np.testing.assert_array_equal(np.delete(y, 2, 0), np.delete(clean, 2, 0))


def test_memory_traffic_is_what_the_header_says(emulate):
    device = emulate()
    rows, columns = 33, 1000
    dy, x, w, b = arrays(Case((rows, columns)), "float32").values()
    _, residuals = normalize.layer_norm(x, w, b)
    normalize.layer_norm_backward(dy, *residuals)
    forward, dx, dw = device.launched
    # x three times, w and b once; y and three numbers per row
    assert forward.bytes_read == 5 * x.nbytes
    assert forward.bytes_written == x.nbytes + 3 * rows * x.itemsize
    # dy, x and w twice; each thread reads the three numbers of its row
    assert 6 * x.nbytes < dx.bytes_read < 6.5 * x.nbytes
    assert dx.bytes_written == x.nbytes
    # dy and x once, and for each element the three numbers of its row, which lie in cache
    assert dw.bytes_read == 5 * x.nbytes
    assert dw.bytes_written == 2 * columns * x.itemsize


def test_wrong_arguments_are_refused_before_a_launch(emulate):
    device = emulate()
    x, w = np.ones((3, 4), np.float32), np.ones(4, np.float32)
    with pytest.raises(ValueError, match=r"w: got shape \(3,\), expected \(4,\)"):
        normalize.layer_norm(x, w[:3], None)
    with pytest.raises(TypeError, match="b: got float64, expected float32"):
        normalize.layer_norm(x, w, w.astype(np.float64))
    with pytest.raises(TypeError, match="dtype: got float16"):
        normalize.layer_norm(x.astype(np.float16), None, None)
    with pytest.raises(ValueError, match="dims: got 3"):
        normalize.layer_norm(x, None, None, dims=3)
    _, residuals = normalize.layer_norm(x, w, None)
    device.launched.clear()
    with pytest.raises(ValueError, match="dy: got shape"):
        normalize.layer_norm_backward(x[:2], *residuals)
    assert not device.launched


def test_the_door_to_cupy(request, monkeypatch):
    """What the door asks of CuPy, asked of a stand-in: the module's text and options, device facts, memory."""
    folder = request.config.cache.mkdir("cuda-emulator")
    facts = {"multiProcessorCount": 3, "maxThreadsPerMultiProcessor": 1024, "maxThreadsPerBlock": 512}

    class RawModule:
        def __init__(self, *, code, options):
            self.get_function = Kernels(code, options, folder, 512).__getitem__

    runtime = SimpleNamespace(getDevice=lambda: 1, getDeviceProperties=lambda index: facts if index == 1 else None)
    memory = {name: getattr(np, name) for name in ("empty", "zeros", "ascontiguousarray")}
    cupy = SimpleNamespace(RawModule=RawModule, cuda=SimpleNamespace(runtime=runtime), **memory)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    for cached in (door._device, door._kernel, door._module):
        monkeypatch.setattr(door, cached.__name__, cache(cached.__wrapped__))
    check(normalize, Case((9, 1025)), "float32")
    check(normalize, Case((), dims=0), "float32")
    device = door.device()
    assert (device.multiprocessors, device.threads_per_multiprocessor, device.threads_per_block) == (3, 1024, 512)


def test_dispatch_finds_the_pair():
    kernel = compiled("layer_norm", "cuda")
    assert (kernel.forward, kernel.backward) == (normalize.layer_norm, normalize.layer_norm_backward)
    assert kernel.told_needs
    assert compiled("no_such_operation", "cuda") is None


WIDE, OFFSET = Case((3, 1025)), Case((33, 33), offset=1e4)
MUTANTS = {
    "a sign": ("- h * mean_gh", "+ h * mean_gh", WIDE, AssertionError, "dx: off by"),
    "a dropped mean": ("(g - mean_g -", "(g -", WIDE, AssertionError, "dx: off by"),
    "a dropped shift": ("xs[i] - m - c) * r", "xs[i] - m) * r", OFFSET, AssertionError, "y: off by"),
    "half of the rows": ("row += blockDim.y", "row += 2 * blockDim.y", OFFSET, AssertionError, "dw: off by"),
    "no guard": ("row < rows ? columns : 0", "columns", Case((33, 7)), EmulationError, r"out of bounds.*normalize\.cu"),
    "no barrier": ("__syncthreads();", "", WIDE, EmulationError, r"(race|uninitialised).*reduce\.cuh"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_planted_mistake_is_caught(emulate, monkeypatch, mutant):
    right, wrong, case, error, message = MUTANTS[mutant]
    original = door.source("normalize")
    assert right in original
    monkeypatch.setattr(door, "source", lambda name: original.replace(right, wrong))
    emulate()
    with pytest.raises(error, match=message):
        check(normalize, case, "float32")
