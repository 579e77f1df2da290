"""Muon: for matrices, a step that stretches no direction more than another."""

from __future__ import annotations

import math
from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError

from .optimizer import Optimizer, slot
from .options import Group, check_options, is_number

RATES = (None, "original", "match_rms_adamw")


class Muon(Optimizer):
    """Steps along the gradient's momentum made orthogonal: its singular vectors, with all singular values near 1.

    Math: with gradient G of the matrix P (A × B), learning rate η, momentum μ, weight decay λ:

        M ← μ M + (1 − μ) G
        U = (1 − μ) G + μ M with Nesterov's momentum, else M
        P ← (1 − η λ) P − η s O,  O = orthogonalized(U)
        s = √max(1, A/B)       adjust_lr_fn None or "original"
            0.2 √max(A, B)     "match_rms_adamw": steps of the size of AdamW's, so that its η and λ serve here

    The gradient of a weight matrix is mostly of low rank: a few directions have most of its length, and they would have
    most of the step. O gives the rare directions the same length. Embeddings, the last layer, biases and gains go to
    another optimizer.

    Args:
        params: see `Optimizer`; matrices only.
        lr: η. weight_decay: λ. momentum: μ. nesterov: see above.
        ns_coefficients, ns_steps, eps: see `orthogonalized`.
        adjust_lr_fn: see above.
    Raises:
        ShapeError: a parameter that is no matrix.
        ArgumentError: an option below 0; coefficients that are not three numbers; 100 steps or more; another
            `adjust_lr_fn`.
    Source: K. Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024; "match_rms_adamw":
        J. Liu et al., Muon is scalable for LLM training, 2025, equation 4. PyTorch's M is this one.
    """

    slots = ("momentum_buffer",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        check_options(group, at_least_zero=("lr", "weight_decay", "momentum", "eps"))
        three, steps, rate = group["ns_coefficients"], group["ns_steps"], group["adjust_lr_fn"]
        if not isinstance(three, tuple | list) or len(three) != 3 or not all(map(is_number, three)):
            raise ArgumentError(f"optimizer: ns_coefficients: got {three!r}, expected three numbers")
        if not isinstance(steps, int) or not 0 <= steps < 100:
            raise ArgumentError(f"optimizer: ns_steps: got {steps!r}, expected a whole number from 0 to 99")
        if rate not in RATES:
            raise ArgumentError(f"optimizer: adjust_lr_fn: got {rate!r}, expected one of {', '.join(map(repr, RATES))}")
        for p in group["params"]:
            if p.ndim != 2:
                raise ShapeError(
                    f"Muon: got a parameter of shape {p.shape}, expected matrices",
                    fix="give those of other shapes, and embeddings, to AdamW",
                )

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        m, lr, momentum = slot(state, "momentum_buffer", p), float(group["lr"]), group["momentum"]
        m += (1 - momentum) * (g - m)
        u = g + momentum * (m - g) if group["nesterov"] else m
        o = orthogonalized(u, group["ns_coefficients"], group["ns_steps"], group["eps"])
        a, b = p.shape
        scale = 0.2 * math.sqrt(max(a, b)) if group["adjust_lr_fn"] == RATES[2] else math.sqrt(max(1, a / max(b, 1)))
        p *= 1 - lr * group["weight_decay"]
        p -= (lr * scale) * o


def orthogonalized(u: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """The matrix with the singular vectors of `u` and with singular values near 1, by Newton and Schulz's iteration.

    Math: from X = U / max(‖U‖, ε) on, `steps` times:  X ← a X + (b X Xᵀ + c (X Xᵀ)²) X

    With the singular values S of X = L S Rᵀ, that is S ← a S + b S³ + c S⁵: the vectors stay, and the values, from
    (0, 1] on, are drawn towards 1. The coefficients of Muon are chosen to draw small ones fast, by 3.4 each time; where
    they end, about 0.7 to 1.2, matters less.

    Shapes: u (A, B) → (A, B); half precision is computed in float32.
    """
    a, b, c = coefficients
    module = xp(u)
    x = u.astype(module.result_type(u.dtype, "float32"))
    if u.shape[0] > u.shape[1]:
        x = x.T  # the smaller of X Xᵀ and Xᵀ X
    x = x / module.maximum(module.linalg.norm(x), eps)
    for _ in range(steps):
        square = x @ x.T  # (A, A)
        x = a * x + (b * square + c * (square @ square)) @ x
    return (x.T if u.shape[0] > u.shape[1] else x).astype(u.dtype)
