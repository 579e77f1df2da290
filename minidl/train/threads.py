"""Threads that do not stand in each other's way.

NumPy's BLAS and Numba each keep a pool of threads, and the threads of BLAS spin for a while after each call, hoping for
the next. In a small model a product of matrices follows a kernel every few microseconds, so the kernels wait for cores
on which BLAS spins. (The threads of the kernels sleep early by themselves; see kernels/cpu/jit.py.)
"""

from __future__ import annotations

import os

LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def calm_threads() -> None:
    """One thread for BLAS, which is right for small models; what the environment says about threads stands."""
    if not any(name in os.environ for name in LIMITS):
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")
