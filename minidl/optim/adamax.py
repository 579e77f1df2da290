"""Adamax: Adam with the largest gradient in place of the root mean square."""

from __future__ import annotations

from typing import Any

from minidl.array import xp

from .optimizer import Optimizer, count, decayed, slot
from .options import Group, check_betas, check_options


class Adamax(Optimizer):
    """Steps by the mean of the gradient over its largest size, both decaying.

    Math: with gradient g of the parameter p at step t = 1, 2, …, learning rate η, weight decay λ:

        g ← g + λ p                              (−g first, to maximize)
        m ← β₁ m + (1 − β₁) g                    decaying mean of g
        u ← max(β₂ u, |g| + ε)                   decaying maximum of |g|
        p ← p − η / (1 − β₁ᵗ) · m / u

    It is Adam with the mean of |g|ᵏ in place of that of g², for k → ∞. A maximum needs no correction for a start at 0.

    Args:
        params: see `Optimizer`.
        lr: η. betas: (β₁, β₂). eps: ε.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖².
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0; a β outside [0, 1).
    Source: D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 2 (ε is PyTorch's).
    """

    slots = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "eps", "weight_decay"))
        check_betas(group)

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        t, m, u = count(state), slot(state, "exp_avg", p), slot(state, "exp_inf", p)
        beta1, beta2 = group["betas"]
        g = decayed(p, g, group)
        m *= beta1
        m += (1 - beta1) * g
        u *= beta2
        xp(p).maximum(u, xp(p).abs(g) + group["eps"], out=u)
        p -= (float(group["lr"]) / (1 - beta1**t)) * (m / u)
