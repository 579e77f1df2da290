"""The emulator itself: right kernels give right results, and each kind of planted error is caught and named."""

from pathlib import Path

import numpy as np
import pytest

from .emulate import EmulationError, Kernels

pytestmark = pytest.mark.skipif(Kernels.missing() is not None, reason=str(Kernels.missing()))

PLANTED = Path(__file__).with_name("planted.cu").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def kernels(request):
    return Kernels('#line 1 "planted.cu"\n' + PLANTED, ("-std=c++17",), request.config.cache.mkdir("cuda-emulator"))


def test_block_sum(kernels, rng):
    x = rng.standard_normal(300).astype(np.float32)
    y = np.full(5, np.nan, np.float32)
    kernels["block_sum"]((5,), (64,), (x, y, np.int32(300)), shared_mem=64 * 4)
    want = [x[i : i + 64].astype(float).sum() for i in range(0, 300, 64)]
    np.testing.assert_allclose(y, want, rtol=1e-5)


def test_shuffles(kernels):
    y = np.zeros((8, 32), np.int32)
    kernels["shuffles"]((1,), (32,), (y,))
    lane = np.arange(32)
    want = [
        np.full(32, 5),
        np.where(lane < 3, lane, lane - 3),
        np.where(lane > 28, lane, lane + 3),
        lane ^ 1,
        np.where(lane % 16 == 15, lane, lane + 1),
        np.full(32, 0xAAAAAAAA - (1 << 32)),
        np.full(32, 2),
        np.full(32, 5),
    ]
    np.testing.assert_array_equal(y, want)


def test_atomics(kernels, rng):
    x = rng.integers(0, 7, 1000).astype(np.int32)
    count = np.zeros(7, np.int32)
    kernels["histogram"]((3,), (64,), (x, count, np.int32(1000)))
    np.testing.assert_array_equal(count, np.bincount(x, minlength=7))


def test_indices_in_three_dimensions(kernels):
    y = np.zeros((24, 30), np.uint32)
    kernels["where_am_i"]((2, 3, 4), (5, 3, 2), (y,))
    np.testing.assert_array_equal(y, 1000 * np.arange(24)[:, None] + np.arange(30))


def test_traffic_is_counted(kernels):
    x, y = np.ones(300, np.float32), np.zeros(5, np.float32)
    kernel = kernels["block_sum"]
    kernel((5,), (64,), (x, y, np.int32(300)), shared_mem=64 * 4)
    assert (kernel.bytes_read, kernel.bytes_written) == (300 * 4, 5 * 4)


F4, I4 = np.float32, np.int32
WRONG = {
    "write past the end": ("write_at", 1, (F4, I4(64)), "out of bounds: .* writes 4 bytes .* byte 256 of 256"),
    "write before the start": ("write_at", 1, (F4, I4(-1)), "out of bounds: .* byte -4 of 256"),
    "read past the end": ("read_at", 1, (F4, F4, I4(64)), "out of bounds: .* reads 4 bytes .* argument 0"),
    "read far past the end": ("read_at", 1, (F4, F4, I4(10000)), "out of bounds: .* byte 40000 of 256"),
    "null pointer": ("write_at", 1, (np.uintp(0), I4(0)), "null pointer"),
    "misaligned": ("read_halfway", 1, (F4, F4), "misaligned"),
    "past dynamic shared memory": ("shared_at", 1, (F4, I4(16)), "out of bounds: .* shared memory at byte 64 of 64"),
    "returned before a barrier": ("early_return", 64, (F4,), r"barrier not reached by all: .*\(0, 0, 0\).* returned"),
    "two barriers": ("two_barriers", 64, (F4,), "barrier not reached by all"),
    "lanes that never come": ("lonely_shuffle", 32, (I4,), "barrier not reached by all: .* waits for its warp"),
    "lanes that do not exist": ("lonely_shuffle", 16, (I4,), "lanes that the block does not have"),
    "lane outside the mask": ("stranger_shuffle", 32, (I4,), "lane 20, which is not in the mask"),
    "race: read after write": ("no_barrier", 64, (F4,), "race: .* shared memory"),
    "race: write after read": ("overwritten", 64, (F4,), "race: .* writes .* read by thread"),
    "race: two blocks": ("two_blocks", 1, (F4,), "race: .* array argument 0 .* block number 0"),
    "uninitialised": ("never_written", 64, (F4,), "uninitialised"),
    "float64 for float": ("write_at", 1, (np.float64, I4(0)), "argument 0 is p8 to f8, the kernel takes p8 to f4"),
    "int64 for int": ("write_at", 1, (F4, np.int64(0)), "argument 1 is i8, the kernel takes i4"),
    "an argument less": ("write_at", 1, (F4,), "got 1 arguments, the kernel has 2"),
    "None": ("write_at", 1, (None, I4(0)), "neither a NumPy scalar nor a contiguous array"),
    "too many threads": ("write_at", 2048, (F4, I4(0)), "block of 2048 threads"),
    "no threads": ("write_at", 0, (F4, I4(0)), "block of 0 threads"),
}


@pytest.mark.parametrize("error", WRONG)
def test_planted_error_is_caught(kernels, error):
    name, threads, arguments, message = WRONG[error]
    arguments = [np.zeros(64, a) if isinstance(a, type) else a for a in arguments]
    with pytest.raises(EmulationError, match=message):
        kernels[name]((2,) if name == "two_blocks" else (1,), (threads,), arguments, shared_mem=64)


def test_fault_names_file_and_line(kernels):
    line = 1 + PLANTED[: PLANTED.index("void write_at")].count("\n")
    with pytest.raises(EmulationError, match=rf"planted\.cu:{line}"):
        kernels["write_at"]((1,), (1,), (np.zeros(4, np.float32), np.int32(99)))


def test_a_fault_leaves_the_arrays_and_the_emulator_as_they_were(kernels):
    y = np.zeros(64, np.float32)
    with pytest.raises(EmulationError):
        kernels["early_return"]((1,), (64,), (y,))
    assert not y.any()
    kernels["write_at"]((1,), (1,), (y, np.int32(3)))
    assert y[3] == 1 and y.sum() == 1


def test_what_the_compiler_refuses_is_reported(kernels):
    with pytest.raises(EmulationError, match="undeclared_name"):
        Kernels('extern "C" __global__ void f(int *y) { *y = undeclared_name; }', ("-std=c++17",), kernels.path.parent)
