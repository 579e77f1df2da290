"""The only door to the kernels: (operation, arrays, mode) → a kernel, or None, which means: run the body.

A kernel is a forward/backward pair that owns its residuals. `forward(*inputs, **params)` returns the output and a
tuple of residuals; `backward(*cotangents, *residuals, **params)` returns one gradient per input. A kernel without a
backward returns the output alone, and the operation's own rules follow. The node remembers which kernel ran.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from .array import float32, float64, xp

INTERPRETED_LIMIT = 4096  # elements; see `_accepted`


class Kernel(NamedTuple):
    """The pair, where it came from, and the layouts it takes (`accepts(*inputs, **params)` → bool)."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., tuple[Any, ...]] | None
    accepts: Callable[..., bool] | None = None
    told_needs: bool = False  # whether backward takes `needs`, as a fused operation's rule may
    interpreted: bool = False


def find(operation: Any, arrays: Sequence[Any], params: dict[str, Any], mode: str) -> Kernel | None:
    """The kernel that `mode` wants for this call, or None for the body."""
    if operation.page is None or mode == "plain" or mode == "textbook":
        return None
    if mode == "reference":
        return reference(operation.name, operation.page)
    first = arrays[0]
    if type(first) is np.ndarray:
        kernel = compiled(operation.name, "cpu")
    elif isinstance(first, np.ndarray | np.generic) or not hasattr(first, "device"):
        return None  # numbers, and NumPy's own subclasses of arrays
    else:
        kernel = compiled(operation.name, "cuda")
    return kernel if kernel is not None and _accepted(kernel, arrays, params) else None


def _accepted(kernel: Kernel, arrays: Sequence[Any], params: dict[str, Any]) -> bool:
    dtype = arrays[0].dtype
    if dtype is not float32 and dtype is not float64 and dtype not in (float32, float64):
        return False  # not what kernels are written for, in the machine's byte order
    for a in arrays:
        other = getattr(a, "dtype", dtype)
        if other is not dtype and other != dtype and other.kind in "fc":
            return False
    # Interpreted kernels (NUMBA_DISABLE_JIT=1) are there to step through, not to train with.
    if kernel.interpreted and max(getattr(a, "size", 0) for a in arrays) > INTERPRETED_LIMIT:
        return False
    return kernel.accepts is None or kernel.accepts(*arrays, **params)


@cache
def compiled(name: str, folder: str) -> Kernel | None:
    """The kernel `name` of `kernels/cpu` or `kernels/cuda`; None where there is none, or no compiler for it."""
    page = import_module(f"minidl.kernels.{folder}").TABLE.get(name)
    if page is None:
        return None
    try:
        module = import_module(f"minidl.kernels.{folder}.{page}")
    except ImportError:  # Numba or CuPy is not installed: the bodies serve, and `minidl doctor` says so
        return None
    forward, backward = getattr(module, name), getattr(module, f"{name}_backward", None)
    interpreted = folder == "cpu" and bool(import_module("numba").config.DISABLE_JIT)
    return Kernel(
        f"{folder}.{name}",
        np.errstate(all="ignore")(forward) if interpreted else forward,  # compiled code does not warn of overflows
        backward,
        getattr(module, f"{name}_accepts", None),
        told_needs=backward is not None and "needs" in inspect.signature(backward).parameters,
        interpreted=interpreted,
    )


@cache
def reference(name: str, page: str) -> Kernel:
    """The definition as a kernel: computed in float64, handed back in the dtype that came; residuals: the inputs."""
    module = import_module(f"minidl.kernels.reference.{page}")
    define, define_backward = getattr(module, name), getattr(module, f"{name}_backward")

    def forward(*arrays: Any, **params: Any) -> Any:
        with np.errstate(all="ignore"):
            y = define(*map(_widen, arrays), **params)
        return (y if "dtype" in params else _like(arrays, y)), arrays

    def backward(*arrays: Any, **params: Any) -> tuple[Any, ...]:
        return _like(arrays, define_backward(*map(_widen, arrays), **params))

    return Kernel(f"reference.{name}", forward, backward)


def _widen(value: Any) -> Any:
    """To NumPy, floats to float64; integers and booleans in their dtype; None as it is."""
    if value is None or not hasattr(value, "dtype"):
        return value if value is None else np.asarray(value)
    host = value if isinstance(value, np.ndarray | np.generic) else xp(value).asnumpy(value)
    return host.astype(np.float64) if host.dtype.kind == "f" else host


def _like(arrays: Sequence[Any], result: Any) -> Any:
    """`result` (an array, None, or a tuple of them) in the float dtype and on the device of `arrays`."""
    if isinstance(result, tuple):
        return tuple(_like(arrays, each) for each in result)
    if result is None:
        return None
    floats = [a.dtype for a in arrays if hasattr(a, "dtype") and a.dtype.kind in "fc"]
    dtype = np.result_type(*floats) if floats else None
    return xp(*arrays).asarray(result, dtype=dtype)
