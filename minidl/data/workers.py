"""Batches made ahead of time, by threads.

Threads, not processes. A forked process has a copy of one thread only, while OpenMP and BLAS believe in their pools:
its first parallel loop waits for threads that are not there, for ever. A process started afresh (spawn) needs the
dataset as a pickle, imports everything anew, and sends every batch back through a pipe. A thread shares it all. Python
runs one of them at a time, but NumPy's copying and arithmetic, zlib, Pillow's decoding and the reading of files let the
others run meanwhile; and while the main thread is in a compiled kernel, the workers have Python for themselves.

What follows for a dataset: several threads call `__getitem__` at once, so it must not keep a place in a shared file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from itertools import islice
from typing import Any

from minidl.config import current


def made_ahead(make: Callable[[Any], Any], jobs: Iterator[Any], workers: int, ahead: int) -> Iterator[Any]:
    """`make(job)` for every job, in order; up to `ahead` of them are begun before they are asked for.

    Jobs are taken in the calling thread, by need, so what `jobs` draws is drawn in order. The first exception, in the
    order of jobs, is raised here with the traceback of its thread. However the iteration ends, jobs not begun are
    dropped, and all threads have ended when control returns.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    pool = ThreadPoolExecutor(workers, thread_name_prefix="minidl-data")
    futures: deque[Future[Any]] = deque()

    def begin(count: int) -> None:
        futures.extend(pool.submit(copy_context().run, _in_thread, make, job) for job in islice(jobs, count))

    try:
        begin(ahead)
        while futures:
            made = futures.popleft().result()
            begin(1)
            yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_thread(make: Callable[[Any], Any], job: Any) -> Any:
    """Compiled kernels split their work among one pool of threads, which not every platform lets two callers enter."""
    settings = current.get()
    if settings.mode == "fast":
        current.set(settings._replace(mode="plain"))
    return make(job)
