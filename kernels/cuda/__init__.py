"""CUDA kernels: `.cu` sources beside the thin launchers that start them on CuPy arrays.

Importing this package loads neither CuPy nor a launcher, and nothing is compiled before its first launch.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

TABLE = {"layer_norm": "normalize"}  # operation → the file that launches it


def lookup(operation: str) -> tuple[Callable[..., Any], Callable[..., Any] | None] | None:
    """The pair (forward, backward) of an operation's kernels, or None where there is no CUDA kernel.

    forward(*inputs, **params) returns (output, residuals); backward(cotangent, *residuals, **params) returns one
    gradient per input, None for an input that was None.
    """
    if operation not in TABLE:
        return None
    module = import_module(f"{__name__}.{TABLE[operation]}")
    return getattr(module, operation), getattr(module, operation + "_backward", None)
