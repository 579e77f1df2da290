"""ASGD: gradient descent that remembers where it has been on average."""

from __future__ import annotations

from typing import Any

from .optimizer import Optimizer, count, decayed, slot
from .options import Group, check_options


class ASGD(Optimizer):
    """Gradient descent with a falling learning rate, which keeps the mean of its path beside the parameters.

    Math: with gradient g of the parameter p at step t = 1, 2, …, learning rate η₀, weight decay λ, and κ = `lambd`:

        g ← g + λ p                              (−g first, to maximize)
        p ← (1 − κ η) p − η g                    with η = η₀ in the first step
        a ← a + μ (p − a)                        with μ = 1 in the first step, hence a = p
        η ← η₀ / (1 + κ η₀ t)^α,  μ ← 1 / max(1, t − t₀)

    a is the mean of p over the steps after t₀. Around a minimum p wanders, as each batch pulls elsewhere; its mean lies
    nearer, and with it the slow fall of η (α < 1) costs nothing.

    Args:
        params: see `Optimizer`; the means are `state[p]["ax"]`.
        lr: η₀. lambd: κ. alpha: α. t0: t₀.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖².
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0.
    Source: B. T. Polyak, A. B. Juditsky, Acceleration of stochastic approximation by averaging, SIAM J. Control and
        Optimization 30 (1992); η: L. Bottou, Stochastic gradient descent tricks, 2012, section 5.3.
    """

    slots = ("ax",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "lambd", "alpha", "t0", "weight_decay"))

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        t, lr, lambd = count(state), float(group["lr"]), group["lambd"]
        eta, mu = state.setdefault("eta", lr), state.setdefault("mu", 1.0)
        mean = slot(state, "ax", p)
        g = decayed(p, g, group)
        p *= 1 - lambd * eta
        p -= eta * g
        if mu == 1:
            mean[...] = p
        else:
            mean += mu * (p - mean)
        state["eta"] = lr / (1 + lambd * lr * t) ** group["alpha"]
        state["mu"] = 1 / max(1, t - group["t0"])
