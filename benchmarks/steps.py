"""`python -m benchmarks steps [workload…]`: training steps beside PyTorch, each library in a process of its own.

Two thread pools in one process would fight, so there are two processes, and they take turns: while one works, the
other sleeps. Both start from the same weights, carried over as a state_dict, and see the same batch; the losses of
the first five steps must agree before the clock starts. A step is zero_grad, forward, loss, backward, Adam.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from . import machine
from .harness import SETTLE, SMOKE, CheckFailed, Plan, Spread, ratios
from .report import ROOT, Table, milliseconds, times_faster
from .workloads import WORKLOADS, workload

CHECKED = 5  # steps whose losses are compared
TOLERANCE = 1e-3  # relative: Adam's first steps go by the signs of gradients, and so magnify the last bit of small ones


def run(names: Sequence[str], plan: Plan, sides: Sequence[str]) -> Table:
    """Check and time the workloads named, or all; the first of the sides is the one that the ratios are for."""
    unknown = [name for name in names if name not in WORKLOADS]
    if unknown:
        raise SystemExit(f"steps: no workload {', '.join(unknown)}; there are: {', '.join(WORKLOADS)}")
    header = ["workload", *(f"{side} ms" for side in sides), *(f"{side} / {sides[0]}" for side in sides[1:])]
    header += ["share of peak", *(f"{side} MB" for side in sides)]
    table = Table("steps", header, numbers=len(header) - 1)
    for name in names or WORKLOADS:
        with table.surviving():
            record = compare(name, plan, sides)
            table.add(*_cells(record), record=record)
    return table


def compare(name: str, plan: Plan, sides: Sequence[str]) -> dict[str, Any]:
    """One workload: start the sides, hold their losses together, let them take turns."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        weights = Path(folder) / "weights.safetensors"  # the first side writes it, the others read it
        n = WORKLOADS[name][0]
        n = n if plan is not SMOKE else n // 8
        workers = {side: running.enter_context(Worker(side, name, n, weights)) for side in sides}
        losses = {
            side: worker.ask(losses=CHECKED if plan is not SMOKE else 2)["losses"] for side, worker in workers.items()
        }
        _check(name, losses)
        times: dict[str, list[float]] = {side: [] for side in sides}
        peaks: dict[str, int] = {}
        order = list(sides)
        for _ in range(plan.rounds):
            for side in order:
                time.sleep(plan.settle and 10 * SETTLE)
                found = workers[side].ask(seconds=plan.turn)
                times[side].append(median(found["times"]))
                peaks[side] = found["peak"]
            order.reverse()
    return {
        "workload": name,
        "batch": n,
        "flops": workload(name, n).flops,
        "losses": losses,
        "times": times,
        "peaks": peaks,
    } | ({"peak rate": machine.flops_per_second()} if plan is not SMOKE else {})


class Worker:
    """A process that trains when told to; see worker.py."""

    def __init__(self, side: str, name: str, n: int, weights: Path) -> None:
        self.what = f"{name}, {side}"
        command = [sys.executable, "-m", "benchmarks.worker", side, name, str(n), str(weights)]
        self.process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answer()  # ready: the weights are there

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.communicate()  # closes its input, which ends it

    def ask(self, **order: Any) -> dict[str, Any]:
        """Give an order, wait for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise CheckFailed(f"{self.what}: the process ended with {self.process.wait()}; its message is above")
        return dict(json.loads(line))


def _check(name: str, losses: dict[str, list[float]]) -> None:
    """Every side's losses, step by step, against the last one's."""
    *_, (peer, expected) = losses.items()
    for side, found in losses.items():
        for step, (loss, other) in enumerate(zip(found, expected, strict=True)):
            if not abs(loss - other) <= TOLERANCE * abs(other):
                raise CheckFailed(f"{name}: at step {step} the loss of {side} is {loss:.6g}, of {peer} {other:.6g}")


def _cells(record: dict[str, Any]) -> list[str]:
    times, (first, *others) = record["times"], record["times"]
    rate = record["flops"] / Spread.of(times[first]).median
    return [
        record["workload"],
        *(milliseconds(t) for t in times.values()),
        *(times_faster(ratios(times[side], times[first])) for side in others),
        f"{rate / record['peak rate']:.0%}" if "peak rate" in record else "–",
        *(f"{peak / 1e6:.0f}" for peak in record["peaks"].values()),
    ]
