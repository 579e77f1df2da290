"""Check first, then time: minidl's kernels, its overhead, and whole training steps, beside their peers.

`python -m benchmarks` runs everything; docs/performance.md says how it is measured.
"""

import os

THREADS = min(2, os.cpu_count() or 1)


def set_threads(count: int) -> None:
    """Give every library the same number of threads; only works before NumPy is first imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(count)
