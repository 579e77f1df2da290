"""Inputs for layer norm, and what must hold of its kernels on any device, a real one or an emulated one."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minidl.kernels.reference import normalize as reference

DTYPES = ("float32", "float64")
TOLERANCE = 8  # in units of rounding of the largest number in an array; under the emulator 1.8 was the most


class Case(NamedTuple):
    shape: tuple[int, ...]
    dims: int = 1
    w: bool = True
    b: bool = True
    offset: float = 0.0
    spread: float = 1.0


CASES = [
    *(Case((rows, columns)) for rows in (0, 1, 33) for columns in (1, 7, 32, 33, 1000, 1025)),
    Case((200, 7)),  # rows enough for column sums in two stages
    Case((130, 40)),
    Case((2, 5, 33)),
    Case((3, 2, 4, 5)),
    Case((4, 3, 11), dims=2),
    Case((3, 4, 5), dims=3),  # one row
    Case((5,)),
    Case((6, 3), dims=0),  # every element by itself
    Case((), dims=0),
    Case((3, 0)),
    Case((5, 40), w=False),
    Case((5, 40), b=False),
    Case((5, 40), w=False, b=False),
    Case((33, 33), offset=1e4),
    Case((5, 1025), offset=1e4),
    Case((4, 3, 11), dims=2, offset=-1e4, spread=10.0),
    Case((5, 100), offset=0.1, spread=0.0),  # no variance at all
    Case((5, 100), offset=1e10, spread=0.0),
    Case((5, 40), spread=1e-3),  # eps counts
]


def label(case: Case) -> str:
    given = {name: value for name, value in case._asdict().items() if value != Case._field_defaults.get(name)}
    return "-".join(f"{name}{value}".replace(" ", "") for name, value in given.items())


def arrays(case: Case, dtype: str) -> dict[str, np.ndarray | None]:
    rng = np.random.default_rng(zlib.crc32(repr(case).encode()))
    inner = case.shape[len(case.shape) - case.dims :]
    x = rng.standard_normal(case.shape) * case.spread + case.offset
    found = {
        "dy": rng.standard_normal(case.shape),
        "x": x,
        "w": rng.standard_normal(inner) if case.w else None,
        "b": rng.standard_normal(inner) if case.b else None,
    }
    return {name: None if a is None else np.asarray(a, dtype) for name, a in found.items()}


def check(
    kernels: Any, case: Case, dtype: str, put: Callable[[Any], Any] = np.array, get: Callable[[Any], Any] = np.asarray
) -> None:
    """Forward and backward of `kernels` agree with the definition, and two runs agree to the bit.

    put, get: NumPy array → the device's array, and back.
    """
    given = arrays(case, dtype)
    results = []
    for _ in range(2):
        dy, x, w, b = (None if a is None else put(a) for a in given.values())
        y, residuals = kernels.layer_norm(x, w, b, dims=case.dims, eps=1e-5)
        gradients = kernels.layer_norm_backward(dy, *residuals, dims=case.dims, eps=1e-5)
        results.append([None if a is None else get(a) for a in (y, *gradients)])
    wanted = definition(case, given)
    for name, first, second, want in zip(("y", "dx", "dw", "db"), *results, wanted, strict=True):
        assert (first is None) == (want is None), name
        if want is None:
            continue
        assert first.dtype == dtype and first.shape == want.shape, name
        assert first.tobytes() == second.tobytes(), f"{name}: two runs differ"
        largest = max(1.0, float(np.abs(want).max(initial=0)))
        rounding = np.finfo(dtype).eps * largest + np.finfo(np.longdouble).eps * abs(case.offset)
        error = float(np.abs(first - want).max(initial=0)) / rounding
        assert error < TOLERANCE, f"{name}: off by {error:.1f} units of rounding"


def definition(case: Case, given: dict[str, np.ndarray | None]) -> list[np.ndarray | None]:
    """y, dx, dw, db from the reference, in the longest arithmetic at hand: float64 is itself on trial here."""
    dy, x, w, b = (None if a is None else a.astype(np.longdouble) for a in given.values())
    assert dy is not None and x is not None
    if x.size == 0 or case.dims == 0:  # where a mean over no axes, or of no elements, needs more words than a kernel
        x_hat = np.zeros_like(x)
        sums = [None if a is None else np.zeros_like(a) for a in (w, b)]
        if case.dims == 0 and sums[1] is not None:
            sums[1] = dy.sum()
        return [x_hat + (0 if b is None else b), np.zeros_like(x), *sums]
    y = reference.layer_norm(x, w, b, dims=case.dims, eps=1e-5)
    return [y, *reference.layer_norm_backward(dy, x, w, b, dims=case.dims, eps=1e-5)]
