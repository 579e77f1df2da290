"""Gradients kept in bounds before a step: by their common norm, or number by number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minidl.array import xp
from minidl.errors import AnomalyError, ArgumentError
from minidl.mutation import clock
from minidl.tensor import Tensor


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients by one factor, so that their norm, taken as one long vector, is at most `max_norm`.

    Math: n = ‖(g₁, g₂, …)‖;  gᵢ ← gᵢ · min(1, max_norm / (n + 10⁻⁶))

    One factor for all keeps the direction; only the length of the step changes. Those without a gradient are left out.

    Args:
        parameters: a tensor or an iterable of them; their `.grad` is changed in place.
        max_norm: the largest norm allowed.
        norm_type: p of the p-norm; `float("inf")`: the largest absolute value.
        error_if_nonfinite: raise where the norm is NaN or infinite; else that spoils every gradient.
    Returns:
        The norm as it was before, a 0-d tensor.
    Raises:
        ArgumentError: `max_norm` below 0, or `norm_type` not above 0.
        AnomalyError: the norm is not finite, and `error_if_nonfinite` is set.
    Source: R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural networks, ICML 2013,
        algorithm 1.
    """
    if not max_norm >= 0:
        raise ArgumentError(f"clip_grad_norm_: max_norm: got {max_norm!r}, expected a number ≥ 0")
    if not norm_type > 0:
        raise ArgumentError(f"clip_grad_norm_: norm_type: got {norm_type!r}, expected a number > 0, or infinity")
    gradients = _gradients(parameters)
    if not gradients:
        return Tensor(xp().zeros(()))
    module = xp(gradients[0])
    norms = module.stack([module.linalg.norm(g.reshape(-1), norm_type) for g in gradients])
    norm = module.linalg.norm(norms, norm_type)  # the norm of the norms is the norm of the whole
    if error_if_nonfinite and not bool(module.isfinite(norm)):
        first = int(module.argmin(module.isfinite(norms)))
        raise AnomalyError(
            f"clip_grad_norm_: the norm of all gradients is {float(norm)}; the first that is not finite is number "
            f"{first}, of shape {gradients[first].shape}",
            fix="run the step inside `with minidl.detect_anomaly():` to see which operation made it",
        )
    factor = module.minimum(max_norm / (norm + 1e-6), 1)
    for g in gradients:
        g *= factor.astype(g.dtype)
        clock.touch(g)
    return Tensor(norm)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every number of every gradient to [−clip_value, clip_value], in place.

    Args:
        parameters: a tensor or an iterable of them.
        clip_value: the largest absolute value allowed.
    Raises:
        ArgumentError: `clip_value` below 0.
    """
    if not clip_value >= 0:
        raise ArgumentError(f"clip_grad_value_: clip_value: got {clip_value!r}, expected a number ≥ 0")
    for g in _gradients(parameters):
        xp(g).clip(g, -clip_value, clip_value, out=g)
        clock.touch(g)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    tensors = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad.data for p in tensors if p.grad is not None]
