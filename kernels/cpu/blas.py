"""Large products of matrices by NumPy's BLAS, on the threads of the kernels instead of its own.

OpenBLAS keeps threads that spin for a while after each product, hoping for the next, and a kernel that follows waits
for the cores on which they spin. So a large product is cut into strips, each of which is one call of NumPy, and for
that time OpenBLAS is held at one thread through threadpoolctl; what it had before, it has again afterwards. NumPy lets
go of the interpreter during a product, so Python's threads run at once. Only public doors: there are no symbols of
OpenBLAS here, and SciPy, whose `cython_blas` would open BLAS to compiled code, is not needed.

The strips depend on the shape alone, and so does every bit of the result.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from .tile import share

LENGTH = 512  # rows of a strip: BLAS packs the other factor again for each, which costs 1 to 5 %, and 20 % with 128


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """a @ b of matrices."""
    out = np.empty((len(a), b.shape[1]), a.dtype) if out is None else out
    work = a.size * b.shape[1]
    down = len(a) >= b.shape[1]  # which axis of the result is cut
    length = max(out.shape)
    bounds = [*range(0, max(1, length - LENGTH // 2), LENGTH), length]  # no short strip at the end

    def run(begin: int, end: int) -> None:
        for i, j in pairwise(bounds[begin : end + 1]):
            np.matmul(a[i:j] if down else a, b if down else b[:, i:j], out=out[i:j] if down else out[:, i:j])

    with one_thread():
        share(run, len(bounds) - 1, work)
    return out


# One thread for BLAS --------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_inside: list[list[int]] = []  # for each caller inside, how many threads the libraries had before


@contextmanager
def one_thread() -> Iterator[None]:
    """Holds NumPy's BLAS at one thread; several Python threads may be inside, and the last one out lets go."""
    libraries = _libraries()
    with _lock:
        _inside.append(_inside[0] if _inside else [library.num_threads for library in libraries])
        for library in libraries:
            library.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                for library, count in zip(libraries, before, strict=True):
                    library.set_num_threads(count)


@cache
def _libraries() -> list[Any]:
    """threadpoolctl's handles of the BLAS libraries that are loaded; none where it is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)
