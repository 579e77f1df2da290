"""Threads that do not stand in each other's way.

NumPy's BLAS and Numba each keep a pool of threads, and the threads of both spin for a while after each call, hoping for
the next. In a small model a product of matrices follows a kernel every few microseconds, so each pool waits for cores
on which the other one spins: measured on two busy cores, a step of a small network took 5 to 180 ms instead of 0.6.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SETTERS = ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads64_", "openblas_set_num_threads")


def calm_threads() -> bool:
    """One thread for BLAS, and threads of kernels that sleep while they wait; right for small models.

    What the environment says about threads is left as it is. Kernels sleep only where none has run before, because
    their runtime reads its settings once.

    Returns:
        Whether BLAS has one thread now; False where it is none that can be told so.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if any(name in os.environ for name in LIMITS):
        return all(os.environ.get(name, "1") == "1" for name in LIMITS)
    setter = _openblas_setter()
    if setter is not None:
        setter(1)
    return setter is not None


def _openblas_setter() -> Callable[[int], None] | None:
    """OpenBLAS's own function, looked up through the part of NumPy that is linked with it."""
    try:
        from numpy._core import _multiarray_umath

        library = ctypes.CDLL(_multiarray_umath.__file__)
        return next((getattr(library, name) for name in SETTERS if hasattr(library, name)), None)
    except (ImportError, OSError, AttributeError):
        return None
