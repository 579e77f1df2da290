"""How kernels are compiled, split over threads, and what layout they are given."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
import numpy as np

from . import threads

# Sums may be reordered into vector registers (reassoc), but NaN and infinities keep their meaning: full fast-math
# would assume that there are none.
OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "arcp", "nsz"}}

# OpenMP's idle threads spin for milliseconds by default, and where the cores are wanted by others each kernel then
# waits for a thread that waits for a core. After a short spin they sleep, unless the user has said otherwise. Numba
# loads OpenMP at the first parallel kernel, so this is in time.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

serial = numba.njit(**OPTIONS)
prange = numba.prange

STRIPS = 64  # a constant, so that the order of addition, and with it every bit, does not depend on the threads


class strips_jit:
    """Compile a kernel `f(strips, …)` whose outer loop is `for strip in prange(strips)`.

    Called with one strip it runs a serial version, without waking the threads (a small array is done before they
    are up); with more, the strips are shared among Numba's threads. Each is compiled at its first call for a dtype
    and kept on disk beside the source, or in the user's cache folder.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        name = f"{function.__name__}_serial"  # Numba's cache tells functions apart by name, not by options
        alone = FunctionType(function.__code__, function.__globals__, name, function.__defaults__)
        alone.__qualname__, alone.__module__ = name, function.__module__
        self.__doc__ = function.__doc__
        self.alone = numba.njit(**OPTIONS)(alone)
        self.together = numba.njit(parallel=True, **OPTIONS)(function)

    def __call__(self, strips: int, *args: Any) -> None:
        if strips == 1 or thread_count() == 1 or not _pool.acquire(blocking=False):
            self.alone(strips, *args)
            return
        before, allowed = numba.get_num_threads(), thread_count()
        threads.awake()
        try:
            if allowed < before:
                numba.set_num_threads(allowed)
            self.together(strips, *args)
        finally:
            if allowed < before:
                numba.set_num_threads(before)
            _pool.release()


# The threads serve one caller at a time: another Python thread that comes meanwhile works alone. Two at once would
# wait for each other's cores, and one of Numba's threading layers (workqueue) ends the process.
_pool = threading.Lock()


def thread_count() -> int:
    """How many threads a kernel may use here: what minidl was told, or less where Numba was told less."""
    return min(threads.count(), numba.get_num_threads())


def strips_of(count: int, work: int) -> int:
    """Into how many strips to split `count` rows that cost `work` element visits in all.

    One where that is done in about 100 µs, which is what waking the threads may cost.
    """
    return 1 if work < 1 << 18 else max(1, min(STRIPS, count, work >> 14))


def dense(x: Any) -> np.ndarray:
    """In C order and writable, copying only if it is not: one layout, so one compilation for each dtype."""
    x = np.asarray(x, order="C")
    return x if x.flags.writeable else x.copy()


def rows(x: np.ndarray, dims: int = 1) -> np.ndarray:
    """As a matrix: the last `dims` axes are the columns."""
    columns = 1
    for size in x.shape[x.ndim - dims :]:
        columns *= size
    return dense(x).reshape(x.size // columns if columns else 0, columns)
