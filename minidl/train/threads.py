"""Threads that do not stand in each other's way.

NumPy's BLAS and Numba each keep a pool of threads, and the threads of both spin for a while after each call, hoping for
the next. In a small model a product of matrices follows a kernel every few microseconds, so each pool waits for cores
on which the other one spins: measured on two busy cores, a step of a small network took 5 to 180 ms instead of 0.6.
"""

from __future__ import annotations

import os

LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def calm_threads() -> None:
    """One thread for BLAS, and threads of kernels that sleep while they wait; right for small models.

    What the environment says about threads is left as it is. Kernels sleep only where none has run before, because
    their runtime reads its settings once.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not any(name in os.environ for name in LIMITS):
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")
