"""Who changed what, in place: a clock, and the time at which each block of memory was last written.

A gradient needs the values of the forward pass. If an array is overwritten in between, the gradient would be
silently wrong, so a node remembers the clock when it saves, and backward asks whether an array has a later stamp.
Stamps belong to the memory, not to the tensor: views, detached tensors and `numpy()` aliases share them.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np


class Clock:
    """Counts in-place changes; `now` is a plain attribute, because every recorded operation reads it."""

    def __init__(self) -> None:
        self.now = 0
        self.stamps: dict[int, int] = {}  # id(owner of the memory) → time of its last change

    def touch(self, array: Any) -> None:
        """Note that `array` was written to, just now."""
        self.now += 1
        owner = _owner(array)
        key = id(owner)
        if key not in self.stamps:
            weakref.finalize(owner, self.stamps.pop, key, None)
        self.stamps[key] = self.now

    def changed(self, array: Any, since: int) -> bool:
        """Whether the memory of `array` was written to after the time `since`."""
        return self.stamps.get(id(_owner(array)), 0) > since


clock = Clock()


def _owner(array: Any) -> Any:
    """The array whose memory this is: the last one on the way along `.base`."""
    owner, base = array, array.base
    while base is not None:
        if isinstance(base, np.ndarray | type(array)):  # strided windows have an object of another type in between
            owner = base
        base = getattr(base, "base", None)
    return owner


class Lock:
    """Holds NumPy arrays read-only for as long as it lives (anomaly mode); CuPy has no such flag."""

    holders: ClassVar[dict[int, int]] = {}  # id(array) → how many locks hold it
    waiting: ClassVar[list[np.ndarray]] = []  # held by none, but the array that they are a view of still is

    def __init__(self, arrays: Iterable[Any]) -> None:
        self.arrays = [a for a in arrays if isinstance(a, np.ndarray) and self._hold(a)]

    def _hold(self, array: np.ndarray) -> bool:
        count = self.holders.get(id(array), 0)
        if count == 0 and not array.flags.writeable:
            return False  # somebody else's lock: not ours to open again
        self.holders[id(array)] = count + 1
        array.flags.writeable = False
        return True

    def __del__(self) -> None:
        for array in self.arrays:
            self.holders[id(array)] -= 1
            if not self.holders[id(array)]:
                del self.holders[id(array)]
                self.waiting.append(array)
        before = None
        while before != len(self.waiting):
            before = len(self.waiting)
            self.waiting[:] = [array for array in self.waiting if not _opened(array)]


def _opened(array: np.ndarray) -> bool:
    try:
        array.flags.writeable = True
    except ValueError:  # a view, and NumPy opens it only after its base
        return False
    return True
