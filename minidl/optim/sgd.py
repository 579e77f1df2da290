"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError

from .optimizer import Optimizer, decayed, kernel_for
from .options import Group, check_options


class SGD(Optimizer):
    """Steps against the gradient of a batch; with momentum, against a decaying sum of past gradients.

    Math: with gradient g of the parameter p, learning rate η, momentum μ, dampening τ, weight decay λ:

        g ← g + λ p                              (−g first, to maximize)
        b ← μ b + (1 − τ) g                      (b ← g at the first step)
        d = g + μ b with Nesterov's momentum, else b (and g where μ = 0)
        p ← p − η d

    Along a direction in which g stays the same, b grows to g (1 − τ)/(1 − μ): momentum 0.9 makes ten times the step.
    Across a valley, where g changes its sign from step to step, the terms cancel.

    Args:
        params: see `Optimizer`.
        lr: η. momentum: μ. dampening: τ.
        weight_decay: λ; adds the gradient of λ/2 ‖p‖².
        nesterov: look ahead: take the gradient's step as it would be after the momentum's.
        maximize: step with the gradient.
    Raises:
        ArgumentError: an option below 0; `nesterov` without momentum, or with dampening.
    Source: I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of initialization and momentum in deep
        learning, ICML 2013, equations 1 to 4. As in PyTorch η multiplies b, where the paper has it within b; that
        differs when η changes. Nesterov's form is the paper's rewritten for the looked-ahead point (Bengio et al.
        2012, section 3).
    """

    slots = ("momentum_buffer",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "momentum", "weight_decay"))
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ArgumentError(
                f"optimizer: nesterov: got momentum={group['momentum']!r} and dampening={group['dampening']!r}, "
                "expected momentum > 0 and dampening = 0"
            )

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        lr, momentum = float(group["lr"]), group["momentum"]
        first = momentum != 0 and "momentum_buffer" not in state
        if first:
            state["momentum_buffer"] = g.astype(p.dtype, order="C")  # overwritten below; only its memory counts
        b = state["momentum_buffer"] if momentum != 0 else None

        kernel = kernel_for("sgd_step", p) if b is None else kernel_for("sgd_step", p, b)
        if kernel is not None:
            kernel(p, g, b, first=first, **{name: group[name] for name in self.defaults})
            return

        g = decayed(p, g, group)
        if b is not None:
            if first:
                b[...] = g
            else:
                b *= momentum
                b += (1 - group["dampening"]) * g
            g = g + momentum * b if group["nesterov"] else b
        p -= lr * g
