"""How a comparison is made: the results are compared first, then the sides take turns in one run.

A machine that others use is never equally fast for two minutes. So two sides are not timed one after the other but
in rounds, A B, B A, A B …, and what counts is the ratio *within* a round: whatever slowed the machine
then, slowed both. The median over the rounds is reported, and the quartiles say how far to trust it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np

Side = Callable[[], float]  # does it once, and returns the seconds that it took

# After a parallel call the workers of OpenBLAS, MKL and OpenMP spin for some milliseconds, waiting for more: on
# two cores that halves the speed of whoever comes next. Before each turn they are given the time to fall asleep.
SETTLE = 0.03


class CheckFailed(Exception):
    """Two sides that should agree do not; their times would mean nothing."""


class Plan(NamedTuple):
    """How long to measure: `rounds` turns for each side, of about `turn` seconds each."""

    rounds: int = 15
    turn: float = 0.05
    settle: float = SETTLE


SMOKE = Plan(rounds=1, turn=0.0, settle=0.0)


class Spread(NamedTuple):
    """A median and its quartiles."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of a sample, quartiles interpolated."""
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        return cls(float(middle), float(low), float(high), len(values))


def ratios(slow: Sequence[float], fast: Sequence[float]) -> Spread:
    """How many times faster the second is, round by round."""
    return Spread.of([s / f for s, f in zip(slow, fast, strict=True)])


def geometric_mean(values: Sequence[float]) -> float:
    """The mean for ratios: twice as fast here and half as fast there make 1."""
    return math.exp(sum(map(math.log, values)) / len(values))


def timed(function: Callable[[], Any]) -> Side:
    """A side that times the whole of `function`."""

    def side() -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return side


def interleave(sides: Mapping[str, Side], plan: Plan) -> dict[str, list[float]]:
    """Seconds per call for each side, one number for each round: the median of the calls of a turn.

    The first call of a turn wakes the threads and fills the caches, and is not counted.
    """
    calls = {name: _calls(side, plan.turn) for name, side in sides.items()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for _ in range(plan.rounds):
        for name in order:
            time.sleep(plan.settle)
            sides[name]()
            times[name].append(median(sides[name]() for _ in range(calls[name])))
        order.reverse()
    return times


def _calls(side: Side, turn: float) -> int:
    """How many calls fill a turn; the first one compiles what there is to compile."""
    side()
    once = min(side(), side())
    return max(1, min(1000, round(turn / once)))


def error(found: Any, truth: Any) -> float:
    """The largest difference, relative to the largest value: what a sum of many terms can be held to."""
    found, truth = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    if found.shape != truth.shape:
        return math.inf
    if not truth.size:
        return 0.0
    difference = float(np.abs(found - truth).max())
    return difference / max(float(np.abs(truth).max()), 1e-30) if difference else 0.0


def check(what: str, found: Mapping[str, Sequence[Any]], truth: Sequence[Any], tolerance: float) -> dict[str, float]:
    """Hold every side's results to the truth; returns each side's largest error.

    Args:
        what: names the comparison in the message.
        found: side → its results, arrays in the order of `truth`.
        truth: the same results from a better source, float64.
        tolerance: the largest error allowed, as `error` measures it.
    Raises:
        CheckFailed: a result is too far away, has another shape, or is not a number.
    """
    errors = {}
    for side, results in found.items():
        errors[side] = max((error(y, t) for y, t in zip(results, truth, strict=True)), default=0.0)
        if not errors[side] <= tolerance:  # a NaN is not smaller than anything
            raise CheckFailed(f"{what}: {side} is off by {errors[side]:.1e}, allowed {tolerance:.1e}")
    return errors
