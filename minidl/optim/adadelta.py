"""Adadelta: steps in the units of the parameter, with no learning rate to choose."""

from __future__ import annotations

from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError

from .optimizer import Optimizer, count, decayed, slot
from .options import Group, check_options


class Adadelta(Optimizer):
    """Steps by the gradient times the ratio of two root mean squares: of past steps, over that of past gradients.

    Math: with gradient g of the parameter p, learning rate η, weight decay λ:

        g ← g + λ p                              (−g first, to maximize)
        v ← ρ v + (1 − ρ) g²                     decaying mean of g²
        d = √(u + ε) / √(v + ε) · g
        u ← ρ u + (1 − ρ) d²                     decaying mean of d²
        p ← p − η d

    A gradient has the unit of the loss over that of p; in d both ends of the fraction are of that kind, and only the
    unit of p is left. The first steps, before u has grown, are of size √ε.

    Args:
        params: see `Optimizer`.
        lr: η; 1 in the paper, which has none. rho: ρ. eps: ε.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖².
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0; ρ above 1.
    Source: M. D. Zeiler, Adadelta: an adaptive learning rate method, 2012, algorithm 1.
    """

    slots = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "rho", "eps", "weight_decay"))
        if group["rho"] > 1:
            raise ArgumentError(f"optimizer: rho: got {group['rho']!r}, expected 0 ≤ ρ ≤ 1")

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        count(state)
        v, u, rho, eps = slot(state, "square_avg", p), slot(state, "acc_delta", p), group["rho"], group["eps"]
        sqrt = xp(p).sqrt
        g = decayed(p, g, group)
        v *= rho
        v += (1 - rho) * (g * g)
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u *= rho
        u += (1 - rho) * (d * d)
        p -= float(group["lr"]) * d
