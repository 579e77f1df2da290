"""Lion: the sign of a mean of gradients, which a program search found."""

from __future__ import annotations

from typing import Any

from minidl.array import xp

from .optimizer import Optimizer, slot
from .options import Group, check_betas, check_options


class Lion(Optimizer):
    """Every number steps by the same length, in the direction of the gradient's mean.

    Math: with gradient g of the parameter p (−g to maximize), learning rate η, weight decay λ:

        c = β₁ m + (1 − β₁) g
        p ← (1 − η λ) p − η sign(c)
        m ← β₂ m + (1 − β₂) g

    m remembers longer (β₂ > β₁) than what is stepped by, which has more of the newest gradient in it. Half of Adam's
    memory. As all signs have size 1, η wants to be three to ten times smaller than Adam's, and λ as much larger.

    Args:
        params: see `Optimizer`.
        lr: η. betas: (β₁, β₂). weight_decay: λ.
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0; a β outside [0, 1).
    Source: X. Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, algorithm 2.
    """

    slots = ("exp_avg",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "weight_decay"))
        check_betas(group)

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        m, lr, (beta1, beta2) = slot(state, "exp_avg", p), float(group["lr"]), group["betas"]
        g = -g if group["maximize"] else g
        p *= 1 - lr * group["weight_decay"]
        p -= lr * xp(p).sign(beta1 * m + (1 - beta1) * g)
        m *= beta2
        m += (1 - beta2) * g
