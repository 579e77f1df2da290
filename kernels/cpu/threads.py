"""How many threads a kernel may use. Loads nothing, so that one can ask and say before Numba is there.

Numba counts the cores that the process may run on. Two more voices are heard here: OMP_NUM_THREADS, and the share of
the processor that a container (a control group) is given: with two threads for half a core, each waits for the other.

After a fork the child has no threads of OpenMP, and OpenMP ends a child that asks for them. So a child whose parent had
used them runs its kernels on one thread: the same code without the loop's threads, and the same bits.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

CGROUPS = Path("/sys/fs/cgroup")

_state: dict[str, Any] = {"allowed": None, "awake": False, "orphan": False}


def count() -> int:
    """How many threads kernels use now, if there is work enough for them."""
    if _state["allowed"] is None:
        _state["allowed"] = usual()
    return 1 if _state["orphan"] else int(_state["allowed"])


def allow(wanted: int) -> None:
    """Use so many from now on, or as many as Numba has, if it has fewer."""
    _state["allowed"] = max(1, min(wanted, pool()))


def awake() -> None:
    """To be called before threads of OpenMP are used."""
    _state["awake"] = True


def pool() -> int:
    """How many threads Numba starts, which nobody can raise later."""
    return _number("NUMBA_NUM_THREADS") or cores()


def usual() -> int:
    """What the environment says, or else what the machine has to give."""
    asked = _number("NUMBA_NUM_THREADS") or _number("OMP_NUM_THREADS")
    return max(1, min(pool(), asked or quota() or pool()))


def cores() -> int:
    """The cores on which this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quota() -> int | None:
    """The share of the processor that the control group may use, in cores and rounded up; None: all of it."""
    found = []
    for folder in _groups():
        try:
            limit, period = (folder / "cpu.max").read_text().split()  # version 2
        except (OSError, ValueError):
            try:
                limit, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            except OSError:
                continue
        if limit.strip().isdigit() and int(period) > 0:  # else "max", or −1
            found.append(max(1, -(-int(limit) // int(period))))
    return min(found, default=None)


def _groups() -> list[Path]:
    """The folders of this process's control group and of those around it, each of which may set a limit."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds in ("", "cpu", "cpu,cpuacct", "cpuacct,cpu"):
            root = CGROUPS / kinds
            folder = root / path.lstrip("/")
            found += [folder, *(p for p in folder.parents if p == root or root in p.parents)]
    return found


def _number(name: str) -> int | None:
    """The first number in a variable of the environment (OMP_NUM_THREADS may have one for each level)."""
    text = os.environ.get(name, "").split(",")[0].strip()
    return int(text) if text.isdigit() and int(text) > 0 else None


def _after_fork() -> None:
    _state["orphan"] = _state["orphan"] or _state["awake"]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
