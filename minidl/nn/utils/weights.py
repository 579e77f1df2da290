"""PyTorch's older names for weights in other coordinates: the parameters lie in the layer itself, as `weight_g`, ….

`parametrizations` has the newer ones, whose names in a state_dict are others.
"""

from __future__ import annotations

from typing import Any

from minidl.array import axis_of
from minidl.config import no_grad
from minidl.errors import ArgumentError
from minidl.nn import functional as F
from minidl.nn.module import Module
from minidl.tensor import Buffer, Parameter

from .parametrizations import as_matrix, at_least_one, output_axis, random_unit_vector, slice_lengths
from .parametrize import computed, not_computed

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """As `parametrizations.weight_norm`, with the parameters `<name>_g` and `<name>_v` in the module itself.

    Raises:
        ArgumentError: the module has no such parameter.
    """
    weight = _taken(module, name, "weight_norm")
    rule = _Lengths(name, -1 if dim is None else dim)
    setattr(module, f"{name}_g", Parameter(slice_lengths(weight.detach(), rule.dim), weight.requires_grad))
    setattr(module, f"{name}_v", weight)
    computed(module, name, rule)
    return module


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """As `parametrizations.spectral_norm`, with the parameter `<name>_orig` in the module itself.

    The buffers `<name>_u` and `<name>_v` begin at random, without iterations ahead, and v takes its steps before u.

    Raises:
        ArgumentError: the module has no such parameter; n_power_iterations is less than 1.
    """
    weight = _taken(module, name, "spectral_norm")
    axis = axis_of("spectral_norm: dim", output_axis(module) if dim is None else dim, weight.ndim)
    rule = _Spectrum(name, at_least_one(n_power_iterations), axis, eps)
    matrix = as_matrix(weight.detach(), axis)
    setattr(module, f"{name}_orig", weight)
    for which, size in zip("uv", matrix.shape, strict=True):
        setattr(module, f"{name}_{which}", Buffer(random_unit_vector(size, matrix, eps)))
    computed(module, name, rule)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight one parameter again, with the value that it has.

    Raises:
        ArgumentError: it has no weight norm of this kind.
    """
    return _remove(module, name, _Lengths, ("g", "v"))


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a parameter again, with the value that it has.

    Raises:
        ArgumentError: it has no spectral norm of this kind.
    """
    return _remove(module, name, _Spectrum, ("orig", "u", "v"))


class _Lengths:
    """The rule w = g · v/‖v‖."""

    title = "weight_norm"

    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim

    def __call__(self, module: Any) -> Any:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / slice_lengths(v, self.dim))


class _Spectrum:
    """The rule W/σ."""

    title = "spectral_norm"

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def __call__(self, module: Any) -> Any:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)  # (O, I)
        if module.training:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(u @ matrix, dim=0, eps=self.eps))  # (I,)
                    u.copy_(F.normalize(matrix @ v, dim=0, eps=self.eps))  # (O,)
        u, v = u.clone(), v.clone()  # the next reading changes them, and backward wants these
        return weight / (u @ (matrix @ v))


def _taken(module: Module, name: str, title: str) -> Parameter:
    """The parameter that shall be computed."""
    weight = vars(module).get(name)
    if not isinstance(weight, Parameter):
        known = ", ".join(each for each, _ in module.named_parameters(recurse=False))
        raise ArgumentError(
            f"{title}: {type(module).__name__} has no parameter {name!r}",
            fix=f"it has {known or 'none of its own'}",
        )
    return weight


def _remove(module: Module, name: str, kind: type, parts: tuple[str, ...]) -> Module:
    rule = vars(module).get("_computed", {}).get(name)
    if not isinstance(rule, kind):
        title = kind.title  # type: ignore[attr-defined]
        raise ArgumentError(f"remove_{title}: {name!r} of {type(module).__name__} has no {title}")
    trained = getattr(module, f"{name}_{parts[-1] if kind is _Lengths else parts[0]}").requires_grad
    with no_grad():
        value = getattr(module, name).detach()
    not_computed(module, name)
    for part in parts:
        delattr(module, f"{name}_{part}")
    setattr(module, name, Parameter(value, trained))
    return module
