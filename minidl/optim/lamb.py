"""LAMB: Adam's direction, and for each tensor a length that fits its own."""

from __future__ import annotations

import math
from typing import Any

from minidl.array import xp

from .optimizer import Optimizer, count, slot
from .options import Group, check_betas, check_options


class LAMB(Optimizer):
    """Each tensor moves by a fixed part of its own norm, in the direction that Adam gives.

    Math: with gradient g of the parameter p (−g to maximize) at step t = 1, 2, …, learning rate η, weight decay λ:

        m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²
        u = (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) + λ p
        p ← p − η ‖p‖/‖u‖ u                      (the ratio is 1 where one of the norms is 0)

    So ‖Δp‖ = η ‖p‖: a batch of thirty thousand samples allows a large η, and a large η breaks first where weights are
    small beside their steps; here none are.

    Args:
        params: see `Optimizer`. A tensor of its own has a ratio of its own.
        lr: η. betas: (β₁, β₂). eps: ε. weight_decay: λ.
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0; a β outside [0, 1).
    Source: Y. You et al., Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020,
        algorithm 2, with φ(z) = z.
    """

    slots = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "eps", "weight_decay"))
        check_betas(group)

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        t, m, v, module = count(state), slot(state, "exp_avg", p), slot(state, "exp_avg_sq", p), xp(p)
        beta1, beta2 = group["betas"]
        g = -g if group["maximize"] else g
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        root = module.sqrt(v) / math.sqrt(1 - beta2**t) + group["eps"]
        u = (m / (1 - beta1**t)) / root + group["weight_decay"] * p
        size, length = (module.linalg.norm(a.reshape(-1)) for a in (p, u))
        ratio = module.where((size > 0) & (length > 0), size / length, 1).astype(p.dtype)  # asks the GPU nothing
        p -= float(group["lr"]) * (ratio * u)
