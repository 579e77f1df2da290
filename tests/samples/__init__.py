"""Inputs for every operation: one file for each page of `minidl/ops`, gathered here.

A page's file holds `SAMPLES = {"operation": [sample(...), ...]}`. Inputs are drawn in float64, away from kinks and
ties (those have tests of their own), from a generator seeded by the sample's place, so that they never change.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np


class Draw(NamedTuple):
    """An input to be drawn: `kind` names a method below."""

    kind: str
    shape: tuple[int, ...]
    options: tuple[float, ...] = ()

    def make(self, rng: np.random.Generator) -> np.ndarray:
        return getattr(self, f"_{self.kind}")(rng)

    def _normal(self, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(rng.normal(size=self.shape))

    def _uniform(self, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(rng.uniform(*self.options, size=self.shape))

    def _integers(self, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(rng.integers(0, int(self.options[0]), size=self.shape))

    def _booleans(self, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(rng.random(self.shape) < self.options[0])

    def _distinct(self, rng: np.random.Generator) -> np.ndarray:
        n = int(np.prod(self.shape))
        values = (np.arange(n) - n / 2 + 0.25) / max(n, 4) * 4
        return rng.permutation(values).reshape(self.shape)


def normal(*shape: int) -> Draw:
    """Standard normal."""
    return Draw("normal", shape)


def uniform(low: float, high: float, *shape: int) -> Draw:
    """Uniform between low and high."""
    return Draw("uniform", shape, (low, high))


def integers(high: int, *shape: int) -> Draw:
    """0 … high − 1."""
    return Draw("integers", shape, (high,))


def booleans(*shape: int, p: float = 0.7) -> Draw:
    """True with probability p."""
    return Draw("booleans", shape, (p,))


def distinct(*shape: int) -> Draw:
    """No two closer than 4/n, none at 0: no ties, no kinks within reach of a finite difference."""
    return Draw("distinct", shape)


class Sample(NamedTuple):
    """One call of an operation."""

    operation: str
    number: int
    args: tuple[Any, ...]
    params: dict[str, Any]
    analytic: bool  # whether the complex step is defined for the operation's body
    float32: float  # tolerance of float32 against float64, relative to the largest value

    def inputs(self) -> list[Any]:
        rng = np.random.default_rng(crc32(f"{self.operation}-{self.number}".encode()))
        return [a.make(rng) if isinstance(a, Draw) else a for a in self.args]

    def __str__(self) -> str:
        return f"{self.operation}-{self.number}"


class Case(NamedTuple):
    """A sample before it knows its operation and number."""

    args: tuple[Any, ...]
    params: dict[str, Any]
    analytic: bool
    float32: float


def sample(*args: Any, analytic: bool = True, float32: float = 2e-5, **params: Any) -> Case:
    """Inputs (draws, arrays or None), keyword parameters of the operation, and what may be expected of it."""
    return Case(args, params, analytic, float32)


def all_samples() -> list[Sample]:
    """Every sample of every page."""
    found = []
    for page in iter_modules(__path__):
        for operation, cases in import_module(f"{__name__}.{page.name}").SAMPLES.items():
            found += [Sample(operation, i, *case) for i, case in enumerate(cases)]
    return found
