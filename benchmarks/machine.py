"""The machine: what it is, and what it can do at most. Without the second, a time says little."""

from __future__ import annotations

import math
import os
import platform
import time
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .harness import SETTLE

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


@cache
def flops_per_second(seconds: float = 0.5) -> float:
    """The rate of multiply-adds in a large float32 matrix product, counted as two each: the best of several."""
    a = np.random.default_rng(0).standard_normal((1536, 1536), np.float32)
    c = np.empty_like(a)
    return 2 * len(a) ** 3 / _best(lambda: np.matmul(a, a, out=c), seconds)


def bytes_per_second(working_set: int, in_place: bool = False) -> float:
    """The rate at which a + s·b → c moves memory, or a + s·c → c, when the arrays together are so large.

    Small arrays stay in the caches, so there is a limit for each size, to the nearest power of two. Writing to a new
    place costs a hidden read of what was there; changing in place does not, and is faster for it.
    """
    elements = max(working_set, 1) // (8 if in_place else 12)
    return _bandwidth(1 << max(12, min(25, round(math.log2(elements + 1)))), in_place)


@cache
def _bandwidth(elements: int, in_place: bool, seconds: float = 0.3) -> float:
    a, b, c = np.ones((3, elements), np.float32)
    triad = _triad()
    return 3 * a.nbytes / _best(lambda: triad(a, c if in_place else b, c), seconds)


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


def _best(function: Any, seconds: float) -> float:
    """The shortest time of a call: for a limit, what slows it down is noise."""
    time.sleep(10 * SETTLE)
    function()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def limits() -> dict[str, float]:
    """The limits measured in this run: multiply-adds, and bandwidth from the caches and from memory."""
    sizes = {"1 MiB": 1 << 20, "16 MiB": 1 << 24, "256 MiB": 1 << 28}
    return {"GF/s": flops_per_second() / 1e9} | {f"GB/s {k}": bytes_per_second(n) / 1e9 for k, n in sizes.items()}
