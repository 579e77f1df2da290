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
    _check("clip_grad_norm_", max_norm=max_norm)
    gradients = _gradients(parameters)
    norm = _total_norm("clip_grad_norm_", "gradients", gradients, norm_type, error_if_nonfinite)
    _scale(gradients, max_norm, norm)
    return Tensor(norm)


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """The norm of all tensors, taken as one long vector: the first half of `clip_grad_norm_`.

    Args:
        tensors: a tensor or an iterable of them; gradients, for one.
        norm_type: p of the p-norm; `float("inf")`: the largest absolute value.
        error_if_nonfinite: raise where the norm is NaN or infinite.
    Returns:
        A 0-d tensor; 0 for no tensors.
    Raises:
        ArgumentError: `norm_type` not above 0.
        AnomalyError: the norm is not finite, and `error_if_nonfinite` is set.
    """
    arrays = [t.data for t in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    return Tensor(_total_norm("get_total_norm", "tensors", arrays, norm_type, error_if_nonfinite))


def clip_grads_with_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor) -> None:
    """Scale all gradients by min(1, max_norm / (total_norm + 10⁻⁶)), in place: the second half of `clip_grad_norm_`.

    Args:
        parameters: a tensor or an iterable of them.
        max_norm: the largest norm allowed.
        total_norm: what `get_total_norm` gave, perhaps of more gradients than these.
    Raises:
        ArgumentError: `max_norm` below 0.
    """
    _check("clip_grads_with_norm_", max_norm=max_norm)
    gradients = _gradients(parameters)
    norm = total_norm.data if isinstance(total_norm, Tensor) else xp(*gradients).asarray(total_norm)
    _scale(gradients, max_norm, norm)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every number of every gradient to [−clip_value, clip_value], in place.

    Args:
        parameters: a tensor or an iterable of them.
        clip_value: the largest absolute value allowed.
    Raises:
        ArgumentError: `clip_value` below 0.
    """
    _check("clip_grad_value_", clip_value=clip_value)
    for g in _gradients(parameters):
        xp(g).clip(g, -clip_value, clip_value, out=g)
        clock.touch(g)


def _check(function: str, **limits: float) -> None:
    for name, value in limits.items():
        if not value >= 0:
            raise ArgumentError(f"{function}: {name}: got {value!r}, expected a number ≥ 0")


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    tensors = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad.data for p in tensors if p.grad is not None]


def _total_norm(function: str, what: str, arrays: list[Any], norm_type: float, error_if_nonfinite: bool) -> Any:
    if not norm_type > 0:
        raise ArgumentError(f"{function}: norm_type: got {norm_type!r}, expected a number > 0, or infinity")
    if not arrays:
        return xp().zeros(())
    module = xp(arrays[0])
    norms = module.stack([module.linalg.norm(a.reshape(-1), norm_type) for a in arrays])
    norm = module.linalg.norm(norms, norm_type)  # the norm of the norms is the norm of the whole
    if error_if_nonfinite and not bool(module.isfinite(norm)):
        first = int(module.argmin(module.isfinite(norms)))
        raise AnomalyError(
            f"{function}: the norm of all {what} is {float(norm)}; the first that is not finite is number {first}, "
            f"of shape {arrays[first].shape}",
            fix="run the step inside `with minidl.detect_anomaly():` to see which operation made it",
        )
    return norm


def _scale(gradients: list[Any], max_norm: float, norm: Any) -> None:
    factor = xp(norm).minimum(max_norm / (norm + 1e-6), 1)
    for g in gradients:
        g *= factor.astype(g.dtype)
        clock.touch(g)
