"""Adam: each number steps by its own measure; and AdamW, which keeps weight decay out of that measure."""

from __future__ import annotations

import math
from typing import Any

from minidl.array import xp

from .optimizer import Optimizer, count, decayed, kernel_for, slot
from .options import Group, check_betas, check_options


class Adam(Optimizer):
    """Steps by the mean of the gradient over its root mean square, both decaying averages.

    Math: with gradient g of the parameter p at step t = 1, 2, …, learning rate η, weight decay λ:

        g ← g + λ p                              (−g first, to maximize)
        m ← β₁ m + (1 − β₁) g                    decaying mean of g
        v ← β₂ v + (1 − β₂) g²                   decaying mean of g²
        m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
        p ← p − η m̂ / (√v̂ + ε)

    With `amsgrad`, the largest v so far stands in the place of v, so that the steps can only become shorter.

    The corrections m̂ and v̂: both averages start at 0, and after t steps their weights (1 − β) βⁱ, i < t, add up to
    1 − βᵗ instead of 1. Scaling every g by a constant changes nothing (but for ε), and |m̂|/√v̂ hardly exceeds 1, so η
    is about the largest step that a number takes.

    Args:
        params: see `Optimizer`.
        lr: η. betas: (β₁, β₂). eps: ε.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖², which is then divided by √v̂ like the rest.
        amsgrad: keep the largest v.
        maximize: step with the gradient.
        decoupled_weight_decay: as AdamW.
    Raises:
        ArgumentError: an option below 0; a β outside [0, 1).
    Source: D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1;
        S. J. Reddi, S. Kale, S. Kumar, On the convergence of Adam and beyond, ICLR 2018, algorithm 2, for `amsgrad`
        (as in PyTorch, the largest v is taken before its correction).
    """

    slots = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "eps", "weight_decay"))
        check_betas(group)

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        t, m, v = count(state), slot(state, "exp_avg", p), slot(state, "exp_avg_sq", p)
        (beta1, beta2), amsgrad = group["betas"], group["amsgrad"]

        kernel = None if amsgrad else kernel_for("adam_step", p, m, v)
        if kernel is not None:
            options = {name: group[name] for name in ("lr", "betas", "eps", "weight_decay", "maximize")}
            kernel(p, g, m, v, step=t, decoupled=group["decoupled_weight_decay"], **options)
            return

        g = decayed(p, g, group)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        if amsgrad:
            largest = slot(state, "max_exp_avg_sq", p)
            v = xp(p).maximum(largest, v, out=largest)
        root = xp(p).sqrt(v) / math.sqrt(1 - beta2**t) + group["eps"]
        p -= (float(group["lr"]) / (1 - beta1**t)) * (m / root)


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

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)
