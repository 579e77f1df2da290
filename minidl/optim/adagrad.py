"""Adagrad: each number steps by what it has seen so far."""

from __future__ import annotations

from typing import Any

from minidl.array import xp

from .optimizer import Optimizer, count, decayed
from .options import Group, check_options


class Adagrad(Optimizer):
    """Steps by the gradient over the root of the sum of all its squares.

    Math: with gradient g of the parameter p at step t = 1, 2, …, learning rate η, its decay κ, weight decay λ:

        g ← g + λ p                              (−g first, to maximize)
        s ← s + g²                               from s = s₀ on
        p ← p − η / (1 + (t − 1) κ) · g / (√s + ε)

    s only grows, so the steps shrink as 1/√t without any schedule. A number whose gradient is mostly 0, as in the
    embedding of a rare word, keeps a small s, and takes a large step when its turn comes.

    Args:
        params: see `Optimizer`.
        lr: η. lr_decay: κ. eps: ε.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖².
        initial_accumulator_value: s₀.
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0.
    Source: J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods for online learning and stochastic
        optimization, JMLR 12 (2011), figure 1, with the diagonal of G.
    """

    slots = ("sum",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"))

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        t = count(state)
        if "sum" not in state:
            state["sum"] = xp(p).full_like(p, group["initial_accumulator_value"], order="C")
        s = state["sum"]
        g = decayed(p, g, group)
        s += g * g
        rate = float(group["lr"]) / (1 + (t - 1) * group["lr_decay"])
        p -= rate * (g / (xp(p).sqrt(s) + group["eps"]))
