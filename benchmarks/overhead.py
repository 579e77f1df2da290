"""`python -m benchmarks overhead [chain…]`: what the engine costs beside the arithmetic, on 8 × 8 arrays.

A chain of 100 operations is recorded, run backward, and run without recording; microseconds for one operation, or one
step of the backward pass. The arithmetic on 64 numbers takes next to nothing, so what is seen is bookkeeping:
ours, beside PyTorch's eager mode, beside NumPy's own cost for the same calls with no engine at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

import minidl
import minidl.nn.functional

from .harness import Plan, Side, Spread, check, interleave, ratios, timed
from .report import Table, digits, times_faster
from .worker import SIDES
from .workloads import workload

LENGTH = 100
STEP = "mlp-tiny"  # the workload whose whole training step stands beside the chains
TOLERANCE = 1e-3  # after 100 operations in float32

# One text for both libraries; `f` is their nn.functional. NumPy's version knows no tensors.
CHAINS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "add": (lambda f, x, w, b: x + w, lambda x, w, b: x + w),
    "mul": (lambda f, x, w, b: x * w, lambda x, w, b: x * w),
    "tanh": (lambda f, x, w, b: x.tanh(), lambda x, w, b: np.tanh(x)),
    "relu": (lambda f, x, w, b: f.relu(x), lambda x, w, b: np.maximum(x, 0)),
    "matmul": (lambda f, x, w, b: x @ w, lambda x, w, b: x @ w),
    "affine": (lambda f, x, w, b: f.linear(x, w, b), lambda x, w, b: x @ w.T + b),
    "softmax": (lambda f, x, w, b: f.softmax(x, -1), lambda x, w, b: _softmax(x)),
}
HEADER = "chain|pass|minidl µs|torch µs|numpy µs|torch / minidl".split("|")


class Chain(NamedTuple):
    """One library's way through a chain: each returns the seconds it took."""

    forward: Side
    backward: Side
    no_grad: Side
    results: Callable[[], list[Any]]


def run(names: Sequence[str], plan: Plan, torch: Any) -> Table:
    """Check and time the chains named, or all."""
    known = [*CHAINS, STEP]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"overhead: no chain {', '.join(unknown)}; there are: {', '.join(known)}")
    table = Table("overhead", HEADER, numbers=4)
    for name in names or known:
        with table.surviving():
            for record in compare_steps(plan, torch) if name == STEP else compare(name, plan, torch):
                table.add(*_cells(record), record=record)
    return table


def compare_steps(plan: Plan, torch: Any = None) -> list[dict[str, Any]]:
    """A whole training step of a network so small that all is overhead; in one process, since none wakes a thread."""
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        sides = ["minidl", "torch"] if torch is not None else ["minidl"]
        steps = {side: SIDES[side](workload(STEP), weights) for side in sides}
        truth = SIDES["plain"](workload(STEP), weights)
    losses = {side: [step().item() for _ in range(5)] for side, step in steps.items()}
    errors = check(f"overhead {STEP}", losses, [truth().item() for _ in range(5)], TOLERANCE)
    times = interleave({side: timed(step) for side, step in steps.items()}, plan)
    return [{"chain": STEP, "pass": "training step", "length": 1, "errors": errors, "times": times}]


def compare(name: str, plan: Plan, torch: Any = None, length: int = LENGTH) -> list[dict[str, Any]]:
    """One chain, checked and timed: forward recorded, backward, forward without recording."""
    text, plain = CHAINS[name]
    arrays = _inputs(name)
    chains = {"minidl": chain(minidl, minidl.from_numpy, text, arrays, length)}
    if torch is not None:
        chains["torch"] = chain(torch, torch.from_numpy, text, arrays, length)
    truth = chain(minidl, minidl.from_numpy, text, [a.astype(np.float64) for a in arrays], length).results()
    errors = check(f"overhead {name}", {side: c.results() for side, c in chains.items()}, truth, TOLERANCE)

    def numpy() -> None:
        x = arrays[0]
        for _ in range(length):
            x = plain(x, *arrays[1:3])

    records = []
    for which in ("forward", "backward", "no_grad"):
        sides = {side: getattr(c, which) for side, c in chains.items()}
        sides |= {"numpy": timed(numpy)} if which != "backward" else {}
        times = interleave(sides, plan)
        each = {side: [seconds / length for seconds in times[side]] for side in times}
        records.append({"chain": name, "pass": which, "length": length, "errors": errors, "times": each})
    return records


def chain(library: Any, from_numpy: Any, text: Callable[..., Any], arrays: Sequence[np.ndarray], length: int) -> Chain:
    """The chain in one library; x, w and b are leaves that want gradients, as in training."""
    leaves = [from_numpy(a.copy()).requires_grad_() for a in arrays]
    dy = from_numpy(arrays[3])
    functional = library.nn.functional

    def through() -> Any:
        x, w, b = leaves[:3]
        for _ in range(length):
            x = text(functional, x, w, b)
        return x

    def backward() -> float:
        for leaf in leaves:
            leaf.grad = None
        y = through()
        return timed(lambda: y.backward(dy))()

    def no_grad() -> float:
        with library.no_grad():
            return timed(through)()

    def results() -> list[Any]:
        backward()
        return [a.detach().numpy() for a in (through(), *(leaf.grad for leaf in leaves if leaf.grad is not None))]

    return Chain(timed(through), backward, no_grad, results)


def _inputs(name: str) -> list[np.ndarray]:
    """x, w, b and a cotangent; w is near the identity of its operation, so that 100 of them neither grow nor vanish."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 8, 8), np.float32)
    w = rng.standard_normal((8, 8), np.float32)
    if name in ("matmul", "affine"):
        w = np.linalg.qr(w)[0]  # a rotation
    elif name == "mul":
        w = np.exp(w / 100)
    return [x, np.ascontiguousarray(w), w[0] / 100, dy]


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _cells(record: dict[str, Any]) -> list[str]:
    times = record["times"]
    micro = [
        digits(Spread.of(times[side]).median * 1e6) if side in times else "–" for side in ("minidl", "torch", "numpy")
    ]
    ratio = ratios(times["torch"], times["minidl"]) if "torch" in times else None
    return [record["chain"], record["pass"], *micro, times_faster(ratio)]
