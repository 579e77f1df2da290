"""Rprop: the sign of the gradient alone, and steps that learn their own length."""

from __future__ import annotations

from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError

from .optimizer import Optimizer, count, slot
from .options import Group, check_options, is_number


class Rprop(Optimizer):
    """Each number steps by a length of its own, which grows while its gradient keeps its sign and shrinks when not.

    Math: with gradient g of the parameter p (−g to maximize), g' the one before, and the step d, from d = η on:

        where g' g > 0:  d ← min(η⁺ d, dₘₐₓ)
        where g' g < 0:  d ← max(η⁻ d, dₘᵢₙ),  g ← 0
        p ← p − sign(g) d

    Where the sign has turned, a minimum was leapt over: nothing moves, and as g is then 0 the next step does not shrink
    a second time. For whole data sets: from batch to batch signs turn by chance.

    Args:
        params: see `Optimizer`.
        lr: η, the first step.
        etas: (η⁻, η⁺). step_sizes: (dₘᵢₙ, dₘₐₓ).
        maximize: step with the gradient.
    Raises:
        ArgumentError: η below 0; not 0 < η⁻ < 1 < η⁺; bounds that are no two numbers in order.
    Source: M. Riedmiller, H. Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm,
        IEEE ICNN 1993, equations 4 to 6; without its step back, it is C. Igel, M. Hüsken, Improving the Rprop learning
        algorithm, 2000, Rprop⁻ with g ← 0 (iRprop⁻).
    """

    slots = ("prev", "step_size")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize})

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr",))
        etas, sizes = group["etas"], group["step_sizes"]
        if not _pair(etas) or not 0 < etas[0] < 1 < etas[1]:
            raise ArgumentError(f"optimizer: etas: got {etas!r}, expected two numbers with 0 < η⁻ < 1 < η⁺")
        if not _pair(sizes) or not 0 <= sizes[0] <= sizes[1]:
            raise ArgumentError(f"optimizer: step_sizes: got {sizes!r}, expected two numbers ≥ 0, the smaller first")

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        count(state)
        before, module = slot(state, "prev", p), xp(p)
        if "step_size" not in state:
            state["step_size"] = module.full_like(p, float(group["lr"]), order="C")
        d, (shrink, grow) = state["step_size"], group["etas"]
        g = -g if group["maximize"] else g
        product = g * before
        d *= module.where(product > 0, grow, module.where(product < 0, shrink, 1)).astype(p.dtype)
        module.clip(d, *group["step_sizes"], out=d)
        before[...] = module.where(product < 0, 0, g)
        p -= module.sign(before) * d


def _pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(is_number, value))
