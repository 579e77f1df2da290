"""Schedules that go up and down again, with the momentum going the other way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minidl.errors import ArgumentError
from minidl.optim.optimizer import Optimizer

from .base import Cycled, LRScheduler, check_optimizer, check_whole, per_group, state_of

UP = {"start_lr": "initial_lr", "end_lr": "max_lr", "start_momentum": "max_momentum", "end_momentum": "base_momentum"}
DOWN = {"start_lr": "max_lr", "end_lr": "min_lr", "start_momentum": "base_momentum", "end_momentum": "max_momentum"}
BACK = {**DOWN, "end_lr": "initial_lr"}
OUT = {"start_lr": "initial_lr", "end_lr": "min_lr", "start_momentum": "max_momentum", "end_momentum": "max_momentum"}


class OneCycleLR(Cycled, LRScheduler):
    """One way up to a large rate, and one way down to almost nothing; step it after every batch.

    Math: from ηₘₐₓ/d up to ηₘₐₓ in the part p of all steps, then down to ηₘₐₓ/(d f), each way along half a cosine
    (or a line):  a + (b − a) (1 − cos π s)/2 for s from 0 to 1. Momentum takes the opposite way.

    In three phases it comes down as steeply as it went up, and then fades out.

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        max_lr: ηₘₐₓ, or a list with one for each group.
        total_steps: of the whole training; or epochs, steps_per_epoch: whose product it is.
        pct_start: p. anneal_strategy: "cos" or "linear".
        cycle_momentum: whether momentum (or β₁) cycles, between base_momentum and max_momentum.
        div_factor: d. final_div_factor: f. three_phase: see above.
    Raises:
        ArgumentError: no number of steps; p outside [0, 1]; another strategy; an optimizer without momentum;
            (from `step`) more steps than there are.
    Source: L. N. Smith, N. Topin, Super-convergence: very fast training of neural networks using large learning rates,
        2017, section 2; cosines and two phases: fastai.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        name = "OneCycleLR"
        check_optimizer(name, optimizer)
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ArgumentError(f"{name}: total_steps: got None, expected it, or both epochs and steps_per_epoch")
        if total_steps is not None:
            check_whole(name, "total_steps", total_steps)
        else:
            check_whole(name, "epochs", epochs)
            check_whole(name, "steps_per_epoch", steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ArgumentError(f"{name}: pct_start: got {pct_start!r}, expected a float from 0 to 1")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"{name}: anneal_strategy: got {anneal_strategy!r}, expected 'cos' or 'linear'")
        self.total_steps: int = total_steps or epochs * steps_per_epoch  # type: ignore[operator]
        up, end = pct_start * self.total_steps, self.total_steps - 1
        ways = [(up - 1, UP), (2 * up - 2, BACK), (end, OUT)] if three_phase else [(up - 1, UP), (end, DOWN)]
        self._schedule_phases: list[dict[str, Any]] = [{"end_step": last, **way} for last, way in ways]
        self._anneal_func_type, self.cycle_momentum = anneal_strategy, cycle_momentum

        for group, rate in zip(optimizer.param_groups, per_group(name, "max_lr", max_lr, optimizer), strict=True):
            if last_epoch == -1:
                group["initial_lr"], group["max_lr"] = rate / div_factor, rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            self.start_momentum(name, optimizer, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        t = self.last_epoch
        if t > self.total_steps:
            raise ArgumentError(
                f"OneCycleLR: got step {t}, expected at most {self.total_steps}", fix="give it all steps as total_steps"
            )
        way, s = self._phase(t)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self.set_momentum(group, self._between(group[way["start_momentum"]], group[way["end_momentum"]], s))
        return [self._between(g[way["start_lr"]], g[way["end_lr"]], s) for g in self.optimizer.param_groups]

    def _phase(self, t: int) -> tuple[dict[str, Any], float]:
        """The phase in which a step lies, and how much of it has passed."""
        start = 0.0
        for way in self._schedule_phases[:-1]:
            if t <= way["end_step"]:
                break
            start = way["end_step"]
        else:
            way = self._schedule_phases[-1]
        length = way["end_step"] - start
        return way, (t - start) / length if length else 1.0

    def _between(self, a: float, b: float, s: float) -> float:
        if self._anneal_func_type == "cos":
            return b + (a - b) / 2 * (math.cos(math.pi * s) + 1)
        return a + (b - a) * s


class CyclicLR(Cycled, LRScheduler):
    """Up and down along straight lines between two rates, over and over; step it after every batch.

    Math: with h from 0 up to 1 in `step_size_up` steps and down to 0 in `step_size_down`:
    ηₜ = ηₗₒ + (ηₕᵢ − ηₗₒ) h k, where k is 1 ("triangular"), 2^(1 − n) in cycle n = 1, 2, … ("triangular2"), or γᵗ
    ("exp_range"), or what `scale_fn` says. Momentum: μₕᵢ − (μₕᵢ − μₗₒ) h k.

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        base_lr, max_lr: ηₗₒ and ηₕᵢ, or lists with one for each group.
        step_size_up, step_size_down: the steps of half a cycle; None: as many down as up.
        mode: see above. gamma: γ.
        scale_fn: in place of `mode`, a function of the cycle n, or of the step t: `scale_mode` "cycle" or "iterations".
        cycle_momentum: whether momentum (or β₁) cycles too, between base_momentum and max_momentum.
    Raises:
        ArgumentError: an unknown mode; an optimizer without momentum.
    Source: L. N. Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3.
    """

    hidden = ("optimizer", "_scale_fn_custom")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        name = "CyclicLR"
        check_optimizer(name, optimizer)
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ArgumentError(f"{name}: mode: got {mode!r}, expected 'triangular', 'triangular2' or 'exp_range'")
        if scale_mode not in ("cycle", "iterations"):
            raise ArgumentError(f"{name}: scale_mode: got {scale_mode!r}, expected 'cycle' or 'iterations'")
        check_whole(name, "step_size_up", step_size_up)
        base_lrs = per_group(name, "base_lr", base_lr, optimizer)
        self.max_lrs = per_group(name, "max_lr", max_lr, optimizer)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs, strict=True):
                group["lr"] = rate
        self.total_size = float(step_size_up + (step_size_up if step_size_down is None else step_size_down))
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.start_momentum(name, optimizer, base_momentum, max_momentum, last_epoch == -1)
            self.base_momentums = per_group(name, "base_momentum", base_momentum, optimizer)
            self.max_momentums = per_group(name, "max_momentum", max_momentum, optimizer)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """k of the cycle, or of the step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[float]:
        t = self.last_epoch
        cycle = math.floor(1 + t / self.total_size)
        x = 1 + t / self.total_size - cycle
        h = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        k = self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.cycle_momentum:
            bounds = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in bounds:
                self.set_momentum(group, high - (high - low) * h * k)
        return [low + (high - low) * h * k for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_scale_fn_custom": state_of(self._scale_fn_custom)}

    def _load(self, state: dict[str, Any]) -> None:
        attributes = state.pop("_scale_fn_custom")
        if attributes is not None:
            vars(self._scale_fn_custom).update(attributes)
        super()._load(state)
