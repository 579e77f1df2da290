"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minidl import ops
from minidl.config import no_grad
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import as_tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """The values of all parameters in a row: (their number,); differentiable.

    Raises:
        ArgumentError: there are no parameters.
    """
    flat = [ops.reshape(as_tensor(p), shape=(-1,)) for p in parameters]
    if not flat:
        raise ArgumentError(
            "parameters_to_vector: parameters: got none, expected at least one", fix="pass model.parameters()"
        )
    return ops.concatenate(*flat, axis=0)


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Copy the values of a vector into the parameters, in place: what `parameters_to_vector` has put in a row.

    Raises:
        ShapeError: it is no vector, or has another number of values.
    """
    vector, targets = as_tensor(vec), list(parameters)
    count = sum(p.numel() for p in targets)
    if vector.shape != (count,):
        raise ShapeError(
            f"vector_to_parameters: vec: got {describe(vector)}, expected shape ({count},), one value for each of the "
            "parameters",
            fix="make it with parameters_to_vector",
        )
    first = 0
    with no_grad():
        for p in targets:
            p.copy_(vector.detach()[first : first + p.numel()].reshape(p.shape))
            first += p.numel()
