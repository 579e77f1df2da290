"""How many threads minidl computes with."""

from __future__ import annotations

from .errors import ArgumentError

__all__ = ["get_num_threads", "set_num_threads"]


def get_num_threads() -> int:
    """How many threads the kernels use where there is work enough.

    At first that is NUMBA_NUM_THREADS or OMP_NUM_THREADS, if they are set; else the cores on which the process may run,
    or the share of them that its container is given. In a child made by fork() it is 1 if the parent had used threads:
    they are not there any more.
    """
    from minidl.kernels.cpu import threads

    return threads.count()


def set_num_threads(count: int) -> None:
    """Use `count` threads from now on, in the kernels and in NumPy's BLAS.

    What the kernels compute does not depend on it by a single bit; products that are left to BLAS may, in their last.

    Kernels cannot have more than Numba starts: NUMBA_NUM_THREADS, or the cores of the process. Where `count` is larger
    they take all of these, and `get_num_threads` says how many that is.

    Raises:
        ArgumentError: `count` is not a positive integer.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ArgumentError(f"set_num_threads: got {count!r}, expected a positive integer")
    from minidl.kernels.cpu import threads

    threads.allow(count)
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads.count(), user_api="blas")
