"""The machine: what it is, and what it can do at most. Without the second, a time says little."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .harness import SETTLE, Side, timed

PACKAGES = ("minidl", "numpy", "numba", "llvmlite", "scipy", "torch")


def facts(threads: int) -> dict[str, Any]:
    """What a reader needs to know to compare: processor, versions, date, and how busy the machine was."""
    return {
        "date": datetime.now().isoformat(timespec="minutes"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load": round(os.getloadavg()[0], 1),  # others at work: 0 is a quiet machine
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "blas": np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"],
        **{name: _version(name) for name in PACKAGES},
    }


def sentence(found: dict[str, Any]) -> str:
    """The facts in one line, for above a table."""
    versions = ", ".join(f"{name} {found[name]}" for name in ("python", *PACKAGES) if found[name])
    return (
        f"{found['date']}, {found['cpu']}, {found['cores']} cores, {found['threads']} thread(s), "
        f"load {found['load']} before; {versions}."
    )


def _cpu() -> str:
    """The processor's name; virtual machines often hide it, so its family and model come along."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    entries = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = entries.get("model name", platform.machine())
    return f"{name} (family {entries.get('cpu family')}, model {entries.get('model')})"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class Limit(NamedTuple):
    """Something that runs as fast as the machine can, and how much it does: flops, or bytes moved."""

    run: Callable[[], Any]
    amount: float

    def side(self, amount: float) -> Side:
        """The time for `amount` at this rate, to be measured in turn with what is held against it."""
        run = timed(self.run)
        return lambda: run() * amount / self.amount

    def rate(self, seconds: float = 0.3) -> float:
        """The best of several, in units per second: for a limit, what slows it down is noise."""
        time.sleep(10 * SETTLE)
        run, end = timed(self.run), time.perf_counter() + seconds
        best = min(run(), run())
        while time.perf_counter() < end:
            best = min(best, run())
        return self.amount / best


@cache
def arithmetic(size: int = 1024) -> Limit:
    """A float32 product of two matrices of size × size; a multiplication and an addition count as two."""
    a = np.random.default_rng(0).standard_normal((size, size), np.float32)
    c = np.empty_like(a)
    return Limit(lambda: np.matmul(a, a, out=c), 2 * size**3)


@lru_cache(maxsize=2)
def memory(working_set: int, in_place: bool = False) -> Limit:
    """a + s·b → c, or a + s·c → c, with arrays that are together as large as `working_set` bytes.

    Small arrays stay in the caches, so every size has its own limit. Writing to a new place costs a hidden read of
    what was there before, which is not counted; changing in place does not.
    """
    a, b, c = np.ones((3, max(64, working_set // (8 if in_place else 12))), np.float32)
    triad = _triad()
    return Limit(lambda: triad(a, c if in_place else b, c), 3 * a.nbytes)


@cache
def flops_per_second() -> float:
    """The rate of multiplications and additions in a matrix product."""
    return arithmetic().rate()


@cache
def bytes_per_second(megabytes: int) -> float:
    """The rate at which arrays of so many megabytes together are read and written."""
    return memory(megabytes << 20).rate()


@cache
def _triad() -> Any:
    try:
        import numba
    except ImportError:
        return lambda a, b, c: np.add(a, b, out=c)  # one thread: the limit is then of one thread, too

    def triad(a: Any, b: Any, c: Any) -> None:
        for i in numba.prange(len(a)):
            c[i] = a[i] + np.float32(3) * b[i]

    alone, together = numba.njit(triad), numba.njit(parallel=True)(triad)
    return lambda a, b, c: (alone if len(a) < 1 << 14 else together)(a, b, c)


def limits() -> dict[str, float]:
    """The limits measured in this run: multiply-adds, and bandwidth from the caches and from memory."""
    return {"GF/s": flops_per_second() / 1e9} | {f"GB/s {n} MB": bytes_per_second(n) / 1e9 for n in (1, 16, 256)}
