"""RMSprop: the gradient over its own recent size."""

from __future__ import annotations

from typing import Any

from minidl.array import xp

from .optimizer import Optimizer, count, decayed, slot
from .options import Group, check_options


class RMSprop(Optimizer):
    """Steps by the gradient over its root mean square, a decaying average.

    Math: with gradient g of the parameter p, learning rate η, momentum μ, weight decay λ:

        g ← g + λ p                              (−g first, to maximize)
        v ← α v + (1 − α) g²                     decaying mean of g²
        r = √v + ε
        b ← μ b + g / r                          (b = g / r where μ = 0)
        p ← p − η b

    Centered, the variance stands for the mean square: with ḡ ← α ḡ + (1 − α) g, r = √(v − ḡ²) + ε.

    Only the sign of g was used by Rprop, whose steps are the same for a gradient of 1 and of 10⁻⁶; this is its version
    for batches, in which one divides by a size that neighbouring batches share.

    Args:
        params: see `Optimizer`.
        lr: η. alpha: α. eps: ε. momentum: μ.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖².
        centered: divide by the standard deviation.
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0.
    Source: T. Tieleman, G. Hinton, Lecture 6.5, Neural networks for machine learning, 2012; centered and with
        momentum: A. Graves, Generating sequences with recurrent neural networks, 2013, equations 38 to 41 (as in
        PyTorch, ε stands outside of the root, and η multiplies b).
    """

    slots = ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "momentum", "alpha", "eps", "weight_decay"))

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        count(state)
        v, alpha, momentum = slot(state, "square_avg", p), group["alpha"], group["momentum"]
        g = decayed(p, g, group)
        v *= alpha
        v += (1 - alpha) * (g * g)
        spread = v
        if group["centered"]:
            mean = slot(state, "grad_avg", p)
            mean += (1 - alpha) * (g - mean)
            spread = v - mean * mean
        step = g / (xp(p).sqrt(spread) + group["eps"])
        if momentum > 0:
            b = slot(state, "momentum_buffer", p)
            b *= momentum
            b += step
            step = b
        p -= float(group["lr"]) * step
