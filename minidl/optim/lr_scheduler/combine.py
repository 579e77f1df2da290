"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from minidl.errors import ArgumentError, DTypeError, describe
from minidl.optim.optimizer import Optimizer

from .base import LRScheduler, check_optimizer
from .plateau import ReduceLROnPlateau


class _Combined(LRScheduler):
    hidden = ("optimizer", "_schedulers")
    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [each.state_dict() for each in self._schedulers]}

    def _load(self, state: dict[str, Any]) -> None:
        for each, part in zip(self._schedulers, state.pop("_schedulers"), strict=True):
            each.load_state_dict(part)
        super()._load(state)


class SequentialLR(_Combined):
    """One schedule after another.

    Each counts its steps from 0, where it begins: at its milestone. So `LinearLR` to warm up and `CosineAnnealingLR`
    to cool down make the schedule of most transformers.

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        schedulers: over the same optimizer, just made. milestones: the steps at which the second, third, … begins.
    Raises:
        ArgumentError: no schedulers; another number of milestones than their number less one; one that belongs to
            another optimizer, waits for results, or is itself made of schedules.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self.optimizer = check_optimizer("SequentialLR", optimizer)
        self._schedulers = _checked("SequentialLR", schedulers, optimizer, plain=True)
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"SequentialLR: milestones: got {len(milestones)} for {len(schedulers)} schedulers, expected "
                f"{len(schedulers) - 1}: where the second begins, and so on"
            )
        self._milestones, self.last_epoch = list(milestones), last_epoch + 1
        for group in optimizer.param_groups:  # each was made as if it were the first, and has set its first rate
            group["lr"] = group["initial_lr"]
        for each in self._schedulers:
            each.last_epoch -= 1
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._begin()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:
        """Go on by a step of the schedule whose turn it is."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            self._schedulers[i].restart()
        else:
            self._schedulers[i].step()
        self._last_lr = self._schedulers[i].get_last_lr()


class ChainedScheduler(_Combined):
    """Several schedules at once: each changes the rate that the one before it has left.

    Args:
        schedulers: over the same optimizer. optimizer: theirs, if it is to be checked.
    Raises:
        ArgumentError: no schedulers; one that belongs to another optimizer, or waits for results.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._schedulers = _checked("ChainedScheduler", schedulers, optimizer, plain=False)
        self.optimizer = self._schedulers[0].optimizer
        self._note()

    def step(self) -> None:
        """Go on by a step of each."""
        for each in self._schedulers:
            each.step()
        self._note()


def _checked(name: str, schedulers: Any, optimizer: Any, *, plain: bool) -> list[LRScheduler]:
    if not isinstance(schedulers, list | tuple) or not schedulers:
        raise ArgumentError(f"{name}: schedulers: got {describe(schedulers)}, expected a list of at least one")
    for i, each in enumerate(schedulers):
        if not isinstance(each, LRScheduler):
            raise DTypeError(f"{name}: schedulers[{i}]: got {describe(each)}, expected a schedule")
        if isinstance(each, ReduceLROnPlateau) or (plain and isinstance(each, _Combined)):
            what = "waits for results" if isinstance(each, ReduceLROnPlateau) else "is made of schedules itself"
            raise ArgumentError(f"{name}: schedulers[{i}]: a {type(each).__name__} {what}", fix="step it on its own")
        if each.optimizer is not (optimizer or schedulers[0].optimizer):
            raise ArgumentError(f"{name}: schedulers[{i}]: a {type(each).__name__} over another optimizer")
    return list(schedulers)
