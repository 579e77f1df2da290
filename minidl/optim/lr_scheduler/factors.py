"""Schedules that multiply: each step's rate is the one before it, times a factor.

So two of them on one optimizer multiply each other (`ChainedScheduler`), and a rate that was changed by hand stays
changed. The closed forms in the docstrings hold where nobody else touches the rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from minidl.errors import DTypeError, describe
from minidl.optim.optimizer import Optimizer

from .base import LRScheduler, check_factor, check_optimizer, check_whole, per_group, state_of

Factor = Callable[[int], float]


class _Multiplied(LRScheduler):
    """A schedule that is told by its factors."""

    def ratio(self, t: int) -> float:
        """By what the rate of step t − 1 is multiplied at step t; at t = 0, the initial rate."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        ratio = self.ratio(self.last_epoch)
        return [group["lr"] * ratio for group in self.optimizer.param_groups]

    def _restart_lr(self) -> list[float]:
        return [base * self.ratio(0) for base in self.base_lrs]


class StepLR(_Multiplied):
    """A step down every `step_size` steps.

    Math: ηₜ = η₀ γ^⌊t/s⌋

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        step_size: s. gamma: γ.
    Raises:
        ArgumentError: s is no whole number from 1 on.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        check_whole("StepLR", "step_size", step_size)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self, t: int) -> float:
        return self.gamma if t > 0 and t % self.step_size == 0 else 1.0


class MultiStepLR(_Multiplied):
    """A step down at each milestone.

    Math: ηₜ = η₀ γ^(number of milestones ≤ t)

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        milestones: steps; one that is listed twice counts twice.
        gamma: γ.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if not isinstance(milestones, Iterable):
            raise DTypeError(f"MultiStepLR: milestones: got {describe(milestones)}, expected a list of steps")
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self, t: int) -> float:
        return self.gamma ** self.milestones.get(t, 0)


class ConstantLR(_Multiplied):
    """A smaller rate for the first steps.

    Math: ηₜ = η₀ f for t < T, then η₀

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        factor: f. total_iters: T.
    Raises:
        ArgumentError: not 0 < f ≤ 1.
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        check_factor("ConstantLR", "factor", factor)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def ratio(self, t: int) -> float:
        if t == 0:
            return self.factor
        return 1 / self.factor if t == self.total_iters else 1.0


class LinearLR(_Multiplied):
    """A straight line from one factor to another: a warm-up, or a fade.

    Math: ηₜ = η₀ (a + (b − a) min(t, T)/T)

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        start_factor: a. end_factor: b. total_iters: T.
    Raises:
        ArgumentError: not 0 < a ≤ 1, or not 0 ≤ b ≤ 1.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        check_factor("LinearLR", "start_factor", start_factor)
        check_factor("LinearLR", "end_factor", end_factor, zero=True)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def ratio(self, t: int) -> float:
        if t == 0:
            return self.start_factor
        if self._is_initial or t > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1 + rise / (self.total_iters * self.start_factor + (t - 1) * rise)


class ExponentialLR(_Multiplied):
    """The same factor at every step.

    Math: ηₜ = η₀ γᵗ

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        gamma: γ.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self, t: int) -> float:
        return 1.0 if self._is_initial or t == 0 else self.gamma


class PolynomialLR(_Multiplied):
    """Down to 0 as a power of the time that is left.

    Math: ηₜ = η₀ (1 − min(t, T)/T)^k

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        total_iters: T. power: k.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def ratio(self, t: int) -> float:
        if self._is_initial or t == 0 or t > self.total_iters:
            return 1.0
        return ((1 - t / self.total_iters) / (1 - (t - 1) / self.total_iters)) ** self.power


class LambdaLR(LRScheduler):
    """Any function of the step, times the initial rate.

    Math: ηₜ = η₀ f(t)

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        lr_lambda: f, or a list with one for each group. A state_dict keeps the attributes of those that are objects;
            plain functions have to be there again.
    Raises:
        DTypeError: f cannot be called. ArgumentError: a list of another length than there are groups.
    """

    hidden = ("optimizer", "lr_lambdas")

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1) -> None:
        name = type(self).__name__
        self.lr_lambdas = per_group(name, "lr_lambda", lr_lambda, check_optimizer(name, optimizer))
        for function in self.lr_lambdas:
            if not callable(function):
                raise DTypeError(f"{name}: lr_lambda: got {describe(function)}, expected a function of the step")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "lr_lambdas": [state_of(f) for f in self.lr_lambdas]}

    def _load(self, state: dict[str, Any]) -> None:
        for function, attributes in zip(self.lr_lambdas, state.pop("lr_lambdas"), strict=True):
            if attributes is not None:
                vars(function).update(attributes)
        super()._load(state)


class MultiplicativeLR(LambdaLR):
    """Any function of the step, times the rate of the step before.

    Math: ηₜ = ηₜ₋₁ f(t)

    Args:
        optimizer, lr_lambda, last_epoch: see `LambdaLR`.
    """

    def get_lr(self) -> list[float]:
        groups = self.optimizer.param_groups
        if self._is_initial:
            return [group["lr"] for group in groups]
        return [group["lr"] * f(self.last_epoch) for f, group in zip(self.lr_lambdas, groups, strict=True)]
