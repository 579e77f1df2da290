"""Weights in other coordinates: by length and direction, or divided by their largest singular value."""

from __future__ import annotations

from typing import Any

from minidl import ops
from minidl.array import axis_of
from minidl.config import no_grad
from minidl.creation import randn
from minidl.errors import ArgumentError
from minidl.nn import functional as F
from minidl.nn.module import Module
from minidl.tensor import Buffer

from .parametrize import register_parametrization

__all__ = ["spectral_norm", "weight_norm"]


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """A weight by its length and its direction, which are trained in its place: w = g · v/‖v‖.

    Args:
        module: the layer.
        name: of the parameter; g becomes `parametrizations.<name>.original0`, v `original1`.
        dim: the axis whose slices have a length each; None: one length for the whole.
    Returns:
        The module, changed.
    Raises:
        ArgumentError: the module has no such parameter.
    Source: T. Salimans, D. P. Kingma, Weight normalization (2016), equation 2.
    """
    return register_parametrization(module, name, _WeightNorm(dim))


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """A weight divided by its largest singular value, which is found by power iteration: W/σ, σ = uᵀ W v.

    u and v, the singular vectors of σ, are buffers; each time that the weight is read in training they come nearer.

    Args:
        module: the layer.
        name: of the parameter, which becomes `parametrizations.<name>.original`.
        n_power_iterations: how many steps a reading takes.
        eps: the least length to divide by.
        dim: the axis of the outputs; the others count as one. Default: 0, and 1 for transposed convolutions.
    Returns:
        The module, changed.
    Raises:
        ArgumentError: the module has no such parameter; n_power_iterations is less than 1.
    Source: T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida, Spectral normalization for generative adversarial networks
        (2018), algorithm 1.
    """
    weight = vars(module).get(name)
    dim = output_axis(module) if dim is None else dim
    if weight is None or weight.ndim < 2:  # of a vector the length is the singular value; no parameter: told below
        return register_parametrization(module, name, _UnitVector(eps))
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


class _WeightNorm(Module):
    """(g, v) → g · v/‖v‖."""

    def __init__(self, dim: int | None) -> None:
        self.dim = -1 if dim is None else dim

    def forward(self, g: Any, v: Any) -> Any:
        return v * (g / slice_lengths(v, self.dim))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        return slice_lengths(weight, self.dim), weight

    def adapt_state(self, state: dict[str, Any], prefix: str) -> None:
        """Take what the older `nn.utils.weight_norm` has saved."""
        head, _, name = prefix.removesuffix(".0.").rpartition(".")
        for part, number in (("g", 0), ("v", 1)):
            older = f"{head.removesuffix('parametrizations')}{name}_{part}"
            if older in state:
                state[f"{head}.{name}.original{number}"] = state.pop(older)


class _UnitVector(Module):
    """A vector divided by its length."""

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def forward(self, weight: Any) -> Any:
        return F.normalize(weight, dim=0, eps=self.eps)


_UnitVector.__name__ = "_SpectralNorm"  # what PyTorch calls it too


class _SpectralNorm(Module):
    """W → W/σ."""

    def __init__(self, weight: Any, n_power_iterations: int, dim: int, eps: float) -> None:
        self.dim, self.eps = axis_of("spectral_norm: dim", dim, weight.ndim), eps
        self.n_power_iterations = at_least_one(n_power_iterations)
        matrix = as_matrix(weight.detach(), self.dim)
        self._u, self._v = (Buffer(random_unit_vector(size, matrix, eps)) for size in matrix.shape)
        self._iterate(matrix, 15)

    def _iterate(self, matrix: Any, times: int) -> None:
        for _ in range(times):
            with no_grad():
                self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))  # (O,)
                self._v.copy_(F.normalize(self._u @ matrix, dim=0, eps=self.eps))  # (I,)

    def forward(self, weight: Any) -> Any:
        matrix = as_matrix(weight, self.dim)  # (O, I)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the next reading changes them, and backward wants these
        return weight / (u @ (matrix @ v))

    def right_inverse(self, weight: Any) -> Any:
        return weight


# What the older names use too -----------------------------------------------------------------------------------------


def slice_lengths(v: Any, dim: int) -> Any:
    """The length of each slice along `dim`, as (1, …, size, …, 1); −1: of the whole, as ()."""
    if dim == -1:
        return ops.norm(v)
    kept = axis_of("weight_norm: dim", dim, v.ndim)
    return ops.norm(v, axis=tuple(axis for axis in range(v.ndim) if axis != kept), keepdims=True)


def as_matrix(weight: Any, dim: int) -> Any:
    """The weight with axis `dim` first, and the others as one: (O, I)."""
    axes = (dim, *(axis for axis in range(weight.ndim) if axis != dim))
    rows = ops.transpose(weight, axes=axes) if dim else weight
    return ops.reshape(rows, shape=(rows.shape[0], -1))  # (O, I)


def random_unit_vector(size: int, like: Any, eps: float) -> Any:
    """A random direction, of the dtype and on the device of `like`."""
    return F.normalize(randn(size, dtype=like.dtype, device=like.device), dim=0, eps=eps)


def output_axis(module: Module) -> int:
    """Where a layer's weight has its outputs."""
    return int(any(kind.__name__.startswith("ConvTranspose") for kind in type(module).__mro__))


def at_least_one(n_power_iterations: int) -> int:
    """The number itself, if it is one of iterations."""
    if n_power_iterations < 1:
        raise ArgumentError(f"spectral_norm: n_power_iterations: got {n_power_iterations}, expected at least 1")
    return n_power_iterations
