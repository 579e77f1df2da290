"""RAdam: Adam that does not trust its measure before it has seen enough."""

from __future__ import annotations

import math
from typing import Any

from minidl.array import xp

from .optimizer import Optimizer, count, decayed, slot
from .options import Group, check_betas, check_options


class RAdam(Optimizer):
    """Adam with its steps shortened at first, by as much as its measure of the gradient's size is uncertain.

    Math: with gradient g of the parameter p at step t = 1, 2, …, learning rate η, weight decay λ:

        g ← g + λ p                              (−g first, to maximize; decoupled: p ← (1 − η λ) p instead)
        m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²
        m̂ = m / (1 − β₁ᵗ)
        ρ∞ = 2 / (1 − β₂) − 1,  ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        where ρₜ > 5:  r² = (ρₜ − 4) (ρₜ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρₜ)
                       p ← p − η r m̂ √(1 − β₂ᵗ) / (√v + ε)
        else           p ← p − η m̂

    ρₜ says of how many gradients v is the mean, so to speak. From few of them 1/√v has a variance without bound; those
    steps go without it. Later r, which tends to 1, evens the variance out: it is a warm-up that needs no schedule.

    Args:
        params: see `Optimizer`.
        lr: η. betas: (β₁, β₂). eps: ε.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖².
        decoupled_weight_decay: keep the decay out of the gradient, as AdamW.
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0; a β outside [0, 1).
    Source: L. Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020, algorithm 2 (whose
        bound is ρₜ > 4; 5 is the authors' code and PyTorch's).
    """

    slots = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "eps", "weight_decay"))
        check_betas(group)

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        t, m, v = count(state), slot(state, "exp_avg", p), slot(state, "exp_avg_sq", p)
        beta1, beta2 = group["betas"]
        g = decayed(p, g, group)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        step = (float(group["lr"]) / (1 - beta1**t)) * m
        most, rest = 2 / (1 - beta2) - 1, 1 - beta2**t
        rho = most - 2 * t * beta2**t / rest
        if rho > 5:
            r = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
            step = (r * math.sqrt(rest)) * (step / (xp(p).sqrt(v) + group["eps"]))
        p -= step
