"""Adam: each number steps by its own measure; and AdamW, which keeps weight decay out of that measure."""

from __future__ import annotations

import math
from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError

from .optimizer import Group, Optimizer, check_options, kernel_for


class Adam(Optimizer):
    """Steps by the mean of the gradient over its root mean square, both decaying averages.

    Math: with gradient g of the parameter p at step t = 1, 2, …, learning rate η, weight decay λ:

        g ← g + λ p                              (−g first, to maximize)
        m ← β₁ m + (1 − β₁) g                    decaying mean of g
        v ← β₂ v + (1 − β₂) g²                   decaying mean of g²
        m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
        p ← p − η m̂ / (√v̂ + ε)

    The corrections m̂ and v̂: both averages start at 0, and after t steps their weights (1 − β) βⁱ, i < t, add up to
    1 − βᵗ instead of 1. Scaling every g by a constant changes nothing (but for ε), and |m̂|/√v̂ hardly exceeds 1, so η
    is about the largest step that a number takes.

    Args:
        params: see `Optimizer`.
        lr: η. betas: (β₁, β₂). eps: ε.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖², which is then divided by √v̂ like the rest.
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0; a β outside [0, 1).
    Source: D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.
    """

    slots = ("exp_avg", "exp_avg_sq")
    decoupled = False

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "decoupled_weight_decay": self.decoupled,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "eps", "weight_decay"))
        betas = group["betas"]
        good = isinstance(betas, tuple | list) and len(betas) == 2
        if not good or not all(isinstance(b, int | float) and 0 <= b < 1 for b in betas):
            raise ArgumentError(f"optimizer: betas: got {betas!r}, expected two numbers with 0 ≤ β < 1")

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        if not state:
            state["step"] = 0
            state["exp_avg"] = xp(p).zeros_like(p, order="C")
            state["exp_avg_sq"] = xp(p).zeros_like(p, order="C")
        state["step"] += 1
        t, m, v = state["step"], state["exp_avg"], state["exp_avg_sq"]

        kernel = kernel_for("adam_step", p, m, v)
        if kernel is not None:
            options = {name: value for name, value in group.items() if name != "params"}
            kernel(p, g, m, v, step=t, decoupled=options.pop("decoupled_weight_decay"), **options)
            return

        lr, (beta1, beta2), decay = float(group["lr"]), group["betas"], group["weight_decay"]
        if group["maximize"]:
            g = -g
        if group["decoupled_weight_decay"]:
            p *= 1 - lr * decay
        elif decay != 0:
            g = g + decay * p
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        root = xp(p).sqrt(v) / math.sqrt(1 - beta2**t) + group["eps"]
        p -= (lr / (1 - beta1**t)) * (m / root)


class AdamW(Adam):
    """Adam with weight decay beside the gradient instead of in it.

    Math: as Adam, but with p ← (1 − η λ) p in place of g ← g + λ p.

    In Adam the decay λ p passes through m and is divided by √v̂ with the rest, so numbers with large gradients decay
    less. Decoupled, all decay at one rate.

    Args:
        weight_decay: λ; the others are Adam's.
    Source: I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2; as in PyTorch
        the decay is multiplied by the whole learning rate, not only by its schedule.
    """

    decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)
