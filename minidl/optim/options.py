"""What may be said of a group of parameters, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minidl.errors import ArgumentError, DTypeError, GraphError, describe
from minidl.tensor import Tensor

Group = dict[str, Any]

# What a group may hold beside its optimizer's options: notes of the schedules, and the bound on its gradients' norm.
NOTES = {"initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum", "swa_lr", "clip_norm"}

# How PyTorch runs a step, not what it computes: it means nothing here, and a state_dict may say what it likes of it.
SWITCHES = {"foreach", "fused", "capturable", "differentiable"}


def is_number(value: Any) -> bool:
    """A finite Python or NumPy number that is no tensor."""
    return isinstance(value, int | float) and abs(value) < float("inf")


def check_options(group: Mapping[str, Any], *, at_least_zero: tuple[str, ...]) -> None:
    """Raise ArgumentError where one of the options named is negative, NaN, infinite or no number."""
    for name in at_least_zero:
        value = group[name]
        if not is_number(value) or value < 0:
            raise ArgumentError(f"optimizer: {name}: got {value!r}, expected a finite number ≥ 0")


def check_betas(group: Mapping[str, Any]) -> None:
    """Raise ArgumentError where the option `betas` is not two numbers, each from 0 on and below 1."""
    betas = group["betas"]
    good = isinstance(betas, tuple | list) and len(betas) == 2
    if not good or not all(is_number(b) and 0 <= b < 1 for b in betas):
        raise ArgumentError(f"optimizer: betas: got {betas!r}, expected two numbers with 0 ≤ β < 1")


def check_parameter(i: int, p: Any) -> None:
    """Raise where `p`, the parameter number `i`, is no tensor (DTypeError) or no leaf (GraphError)."""
    if not isinstance(p, Tensor):
        hint = "named_parameters() gives pairs; use parameters()" if isinstance(p, tuple) else "pass model.parameters()"
        raise DTypeError(f"optimizer: params[{i}]: got {describe(p)}, expected a Tensor", fix=hint)
    if not p.is_leaf:
        raise GraphError(
            f"optimizer: params[{i}], of shape {p.shape}, is the result of {p.grad_fn.operation.name!r}, not a leaf",  # type: ignore[union-attr]
            fix="optimize the tensors that it was computed from",
        )
