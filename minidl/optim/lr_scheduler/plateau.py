"""A schedule that looks at the results."""

from __future__ import annotations

from typing import SupportsFloat

from minidl.errors import ArgumentError
from minidl.optim.optimizer import Optimizer
from minidl.optim.options import is_number

from .base import LRScheduler, check_optimizer, per_group


class ReduceLROnPlateau(LRScheduler):
    """A smaller rate when a measure has not become better for a while.

    Math: η ← max(γ η, ηₘᵢₙ) after more than `patience` epochs without a new best, then `cooldown` epochs of rest.
    Better, for "min": below best · (1 − threshold) ("rel"), or below best − threshold ("abs"); for "max" above
    best · (1 + threshold), or best + threshold.

    Args:
        optimizer: see `LRScheduler`.
        mode: "min" (losses) or "max" (accuracies). factor: γ.
        patience, threshold, threshold_mode, cooldown: see above.
        min_lr: ηₘᵢₙ, or a list with one for each group. eps: leave smaller changes of η out.
    Raises:
        ArgumentError: γ is not below 1; an unknown mode.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        name = "ReduceLROnPlateau"
        self.optimizer = check_optimizer(name, optimizer)
        if not is_number(factor) or factor >= 1:
            raise ArgumentError(f"{name}: factor: got {factor!r}, expected a number < 1")
        if mode not in ("min", "max"):
            raise ArgumentError(f"{name}: mode: got {mode!r}, expected 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ArgumentError(f"{name}: threshold_mode: got {threshold_mode!r}, expected 'rel' or 'abs'")
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = per_group(name, "min_lr", min_lr, optimizer)
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.mode_worse = float("inf") if mode == "min" else -float("inf")
        self.best, self.cooldown_counter, self.num_bad_epochs, self.last_epoch = self.mode_worse, 0, 0, 0
        self._note()

    @property
    def in_cooldown(self) -> bool:
        """Whether it rests after a change."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat | None = None) -> None:
        """Look at the newest value of the measure: a number, or a tensor with one.

        Raises:
            ArgumentError: no value.
        """
        if metrics is None:
            raise ArgumentError(
                "ReduceLROnPlateau: metrics: got None, expected a number", fix="scheduler.step(validation_loss)"
            )
        value = float(metrics)
        self.last_epoch += 1
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._note()

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            bound = self.best * (1 + sign * self.threshold)
        else:
            bound = self.best + sign * self.threshold
        return value < bound if self.mode == "min" else value > bound

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # a group was added since
            if self.default_min_lr is None:
                raise ArgumentError(
                    f"ReduceLROnPlateau: min_lr: got {len(self.min_lrs)} values, but the optimizer now has "
                    f"{len(groups)} groups",
                    fix="add to scheduler.min_lrs",
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            rate = max(group["lr"] * self.factor, least)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate
