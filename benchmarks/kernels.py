"""`python -m benchmarks kernels [name…]`: the body of an operation, its compiled kernel, and PyTorch.

Forward and backward separately, on the inputs of inputs.py. Before the clock starts, results and gradients of every
side are held against the body in float64; the errors found there stand in the JSON. The limit takes turns with the
sides: a large matrix product, scaled to the same number of multiplications, or a walk over arrays of the same size that
reads and writes the same number of bytes, whichever takes longer. `share` is its time divided by the kernel's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.dispatch import compiled
from minidl.kernels.cpu import TABLE

from . import machine
from .harness import SMOKE, Plan, Side, Spread, check, interleave, ratios, timed
from .inputs import BENCH, Case
from .report import Table, milliseconds, times_faster
from .sides import UPDATES, is_float, side, torch_side
from .torch_ops import TORCH

HEADER = "operation|inputs|pass|body ms|kernel ms|torch ms|body / kernel|torch / kernel|share|rate".split("|")
FLOAT = 4  # bytes
BALANCE = 5  # flops that a CPU does while it moves a byte, roughly


def run(names: Sequence[str], plan: Plan, torch: Any) -> Table:
    """Check and time the operations named, or all that have a kernel; a smoke run does the small inputs only."""
    unknown = [name for name in names if name not in BENCH]
    if unknown:
        raise SystemExit(f"kernels: no inputs for {', '.join(unknown)}; there are: {', '.join(sorted(BENCH))}")
    table = Table("kernels", HEADER, numbers=7)
    for name in names or TABLE:
        for case in BENCH[name]:
            if case.small or plan is not SMOKE:
                with table.surviving():
                    for record in compare(name, case, plan, torch):
                        table.add(*_cells(record), record=record)
    return table


def compare(name: str, case: Case, plan: Plan, torch: Any = None) -> list[dict[str, Any]]:
    """Check the sides against the body in float64, then time them: one record for each pass."""
    inputs, params = case.inputs(), case.params
    sides = {"body": side(name, inputs, params, "plain")}
    if compiled(name, "cpu") is not None:
        sides["kernel"] = side(name, inputs, params, "fast")
    if torch is not None and (name in TORCH or name in UPDATES):
        sides["torch"] = torch_side(name, inputs, params, torch)
    truth = side(name, [a.astype(np.float64) if is_float(a) else a for a in inputs], params, "plain")
    shapes = ", ".join("×".join(map(str, a.shape)) for a in inputs if isinstance(a, np.ndarray))

    records = []
    arrays = sum(a.nbytes for a in inputs if isinstance(a, np.ndarray))
    for which in ("forward", "backward") if case.backward else ("forward",):
        expected, errors = getattr(truth, which)(), {}
        for each, pair in sides.items():
            found = getattr(pair, which)()  # PyTorch's batch norm keeps mean and variance to itself
            errors |= check(f"{name} of {shapes}, {which}", {each: found}, expected[: len(found)], case.tolerance)
        flops = case.flops * (case.again if which == "backward" else 1)
        work = Work(flops, arrays + FLOAT * sum(y.size for y in expected))
        if name in UPDATES:
            there, walked = UPDATES[name][2:]
            work = Work(0, there * inputs[0].nbytes, walked / there)
        arrays += FLOAT * expected[0].size  # what is an output of the forward pass is a cotangent of the backward
        del expected, found
        turns = {each: timed(getattr(pair, which)) for each, pair in sides.items()}
        times = interleave(turns if plan is SMOKE else turns | {"limit": work.limit()}, plan)
        record = {"operation": name, "inputs": shapes, "params": params, "pass": which, "small": case.small}
        record |= {"flops": work.flops, "bytes": work.moved, "bound": work.bound}
        records.append(record | {"errors": errors, "times": times})
    return records


class Work(NamedTuple):
    """What a pass has to do at least: flops, and arrays (bytes) each read or written `passes` times on average."""

    flops: float
    arrays: int
    passes: float = 1.0

    @property
    def moved(self) -> float:
        """Bytes read and written."""
        return self.arrays * self.passes

    @property
    def bound(self) -> str:
        """Whether arithmetic or memory takes longer."""
        return "flops" if self.flops > BALANCE * self.moved else "bytes"

    def limit(self) -> Side:
        """The machine at its best, doing as much."""
        if self.bound == "flops":
            size = round((self.flops / 2) ** (1 / 3) / 64) * 64  # about as long as the kernel, so that noise is alike
            return machine.arithmetic(min(max(size, 256), 1024)).side(self.flops)
        return machine.memory(self.arrays, in_place=self.passes > 1).side(self.moved)


def _cells(record: dict[str, Any]) -> list[str]:
    times = record["times"]
    best = times.get("kernel", times["body"])
    seconds = Spread.of(best).median
    return [
        record["operation"],
        record["inputs"],
        record["pass"],
        *(milliseconds(times.get(each)) for each in ("body", "kernel", "torch")),
        times_faster(ratios(times["body"], best) if "kernel" in times else None),
        times_faster(ratios(times["torch"], best) if "torch" in times else None),
        f"{ratios(times['limit'], best).median:.0%}" if "limit" in times else "–",
        f"{record[record['bound']] / seconds / 1e9:.3g} {'GF/s' if record['bound'] == 'flops' else 'GB/s'}",
    ]
