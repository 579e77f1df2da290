"""The argument `inplace`, which PyTorch's activations have."""

from __future__ import annotations

from minidl.errors import ArgumentError

__all__ = ["refuse_inplace"]


def refuse_inplace(name: str, inplace: bool) -> None:
    """PyTorch's `inplace` saves memory there; here it would only overwrite values that backward needs.

    Raises:
        ArgumentError: it is not False.
    """
    if inplace:
        raise ArgumentError(f"{name}: inplace: got {inplace!r}, expected False", fix="leave it out: results are equal")
