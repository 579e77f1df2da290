"""NAdam: Adam that looks ahead, as Nesterov's momentum does."""

from __future__ import annotations

import math
from typing import Any

from minidl.array import xp

from .optimizer import Optimizer, count, decayed, slot
from .options import Group, check_betas, check_options


class NAdam(Optimizer):
    """Adam whose mean of the gradient is taken as it will be one step ahead.

    Math: with gradient g of the parameter p at step t = 1, 2, …, learning rate η, weight decay λ, momentum decay ψ:

        g ← g + λ p                              (−g first, to maximize; decoupled: p ← (1 − η λ) p instead)
        μₜ = β₁ (1 − ½ · 0.96^(t ψ))             momentum that warms up from β₁/2 to β₁
        Πₜ = μ₁ μ₂ … μₜ
        m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²
        m̂ = μₜ₊₁ m / (1 − Πₜ₊₁) + (1 − μₜ) g / (1 − Πₜ)
        p ← p − η m̂ / (√(v / (1 − β₂ᵗ)) + ε)

    Of the mean m, whose momentum will be μₜ₊₁ at the next step, that much is applied now already.

    Args:
        params: see `Optimizer`.
        lr: η. betas: (β₁, β₂). eps: ε. momentum_decay: ψ.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖².
        decoupled_weight_decay: keep the decay out of the gradient, as AdamW.
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0; a β outside [0, 1).
    Source: T. Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2.
    """

    slots = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "eps", "weight_decay", "momentum_decay"))
        check_betas(group)

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        t = count(state)
        m, v = slot(state, "exp_avg", p), slot(state, "exp_avg_sq", p)
        lr, (beta1, beta2) = float(group["lr"]), group["betas"]
        mu, ahead = (beta1 * (1 - 0.5 * 0.96 ** (s * group["momentum_decay"])) for s in (t, t + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu

        g = decayed(p, g, group)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        root = xp(p).sqrt(v) / math.sqrt(1 - beta2**t) + group["eps"]
        p -= (lr * (1 - mu) / (1 - product)) * (g / root) + (lr * ahead / (1 - product * ahead)) * (m / root)
