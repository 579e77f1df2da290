"""One side of a training comparison, in a process of its own: reads orders from its parent, a line of JSON each.

`python -m benchmarks.worker SIDE WORKLOAD BATCH WEIGHTS`: if the file WEIGHTS is there its weights are taken, else they
are initialised and written to it. Orders: {"losses": steps} → losses; {"seconds": s} → times of steps for so long.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from . import THREADS
from .workloads import Workload, workload

Step = Callable[[], Any]


def minidl_step(task: Workload, weights: Path, mode: str = "fast") -> Step:
    """A training step of minidl, in one of its modes."""
    import minidl

    minidl.manual_seed(0)
    context = copy_context()  # the mode is set once, in a context that only these steps run in
    context.run(minidl.mode(mode).__enter__)
    return partial(context.run, training_step(minidl, minidl.from_numpy, task, weights))


def torch_step(task: Workload, weights: Path) -> Step:
    """A training step of PyTorch, eager, as it comes."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", THREADS)))
    torch.manual_seed(0)
    return training_step(torch, torch.from_numpy, task, weights)


SIDES: dict[str, Callable[[Workload, Path], Step]] = {
    "minidl": minidl_step,
    "plain": partial(minidl_step, mode="plain"),
    "torch": torch_step,
}


def training_step(library: Any, from_numpy: Callable[[np.ndarray], Any], task: Workload, weights: Path) -> Step:
    """Forward, loss, backward, Adam on one batch: one text for every library with PyTorch's names."""
    model = task.model(library.nn)
    if weights.exists():
        model.load_state_dict({name: from_numpy(a) for name, a in load_file(weights).items()})
    else:
        state = {name: np.asarray(w.detach().numpy(), order="C") for name, w in model.state_dict().items()}
        save_file(state, weights)
    batch = task.batch(np.random.default_rng(1))
    classes = batch[1].dtype.kind == "i"
    inputs, targets = map(from_numpy, batch)
    functional, optimizer = library.nn.functional, library.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> Any:
        optimizer.zero_grad()
        y = model(inputs)
        if classes:
            loss = functional.cross_entropy(y.reshape(-1, y.shape[-1]), targets.reshape(-1))
        else:
            loss = functional.mse_loss(y, targets)
        loss.backward()
        optimizer.step()
        return loss

    return step


def answer(order: dict[str, Any], step: Step) -> dict[str, Any]:
    """Do what the parent asked for."""
    if "losses" in order:
        return {"losses": [step().item() for _ in range(order["losses"])]}
    if order["seconds"]:
        step()  # wakes the threads, fills the caches
    times, end = [], time.perf_counter() + order["seconds"]
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"times": times, "peak": peak_memory()}


def peak_memory() -> int:
    """The most bytes that this process has held; `getrusage` would count what the parent held when it started us."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    side, name, n, weights = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):  # stdout belongs to the answers
        step = SIDES[side](workload(name, int(n)), Path(weights))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            result = answer(json.loads(line), step)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
