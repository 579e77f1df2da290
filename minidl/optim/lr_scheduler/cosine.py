"""Schedules that fall along a cosine: slowly at first, fast in the middle, slowly at the end."""

from __future__ import annotations

import math

from minidl.errors import ArgumentError
from minidl.optim.optimizer import Optimizer
from minidl.optim.options import is_number

from .base import LRScheduler, check_whole


class CosineAnnealingLR(LRScheduler):
    """Down along half a cosine, and up again.

    Math: ηₜ = ηₘᵢₙ + (η₀ − ηₘᵢₙ) (1 + cos(π t/T)) / 2

    It is computed from the rate before, as what multiplies should be (`ChainedScheduler`):
    ηₜ − ηₘᵢₙ = (ηₜ₋₁ − ηₘᵢₙ) (1 + cos(π t/T)) / (1 + cos(π (t − 1)/T)), and where that is 0/0, at the bottom, by a sum.

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        T_max: T, the steps down. eta_min: ηₘᵢₙ.
    Raises:
        ArgumentError: T is no whole number from 1 on.
    Source: I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        check_whole("CosineAnnealingLR", "T_max", T_max)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        t, T, low = self.last_epoch, self.T_max, self.eta_min
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self._is_initial:
            return rates
        if (t - 1 - T) % (2 * T) == 0:
            up = (1 - math.cos(math.pi / T)) / 2
            return [rate + (base - low) * up for base, rate in zip(self.base_lrs, rates, strict=True)]
        ratio = (1 + math.cos(math.pi * t / T)) / (1 + math.cos(math.pi * (t - 1) / T))
        return [ratio * (rate - low) + low for rate in rates]

    def _restart_lr(self) -> list[float]:
        return [self.eta_min + (base - self.eta_min) for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Down along half a cosine, again and again, each time from the top.

    Math: ηₜ = ηₘᵢₙ + (η₀ − ηₘᵢₙ) (1 + cos(π s/Tᵢ)) / 2, with s steps since the last restart, and Tᵢ₊₁ = k Tᵢ

    Args:
        optimizer, last_epoch: see `LRScheduler`.
        T_0: the steps to the first restart. T_mult: k. eta_min: ηₘᵢₙ.
    Raises:
        ArgumentError: T₀ or k is no whole number from 1 on.
    Source: I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        check_whole("CosineAnnealingWarmRestarts", "T_0", T_0)
        check_whole("CosineAnnealingWarmRestarts", "T_mult", T_mult)
        self.T_0, self.T_i, self.T_mult, self.eta_min = T_0, T_0, T_mult, eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on by a step; or to any point, when batches are counted in parts of an epoch (`epoch + i/n`).

        Raises:
            ArgumentError: `epoch` below 0.
        """
        if epoch is None and self.last_epoch >= 0:
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
            epoch = self.last_epoch + 1
        else:
            epoch = 0 if epoch is None else epoch
            if not is_number(epoch) or epoch < 0:
                raise ArgumentError(f"CosineAnnealingWarmRestarts: epoch: got {epoch!r}, expected a number ≥ 0")
            self._find(epoch)
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr())

    def _find(self, epoch: float) -> None:
        """The cycle in which a point lies: after n of them, T₀ (kⁿ − 1)/(k − 1) steps have passed."""
        k, n = self.T_mult, 0
        if epoch < self.T_0 or k == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (k - 1) + 1, k))
            self.T_cur = epoch - self.T_0 * (k**n - 1) / (k - 1)
        self.T_i = self.T_0 * k**n
