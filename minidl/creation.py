"""PyTorch's makers of tensors: zeros, arange, randn and their kin.

All take `dtype=` (default float32), `device=` (default the CPU) and `requires_grad=`; those that draw take
`generator=` (default the library's stream). Draws are made in float64 on the CPU and then converted, so that a seed
means the same numbers in every dtype and on every device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import DEFAULT, as_dtype, bool_, int64, to_device
from .errors import ArgumentError, DTypeError, describe
from .random import Generator, default_generator
from .tensor import Tensor, as_tensor

__all__ = [
    "arange",
    "empty",
    "eye",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "zeros",
    "zeros_like",
]


def empty(*size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Memory whose values mean nothing yet."""
    return _made(np.empty(_size(size), _kind(dtype)), device, requires_grad)


def zeros(*size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Zeros: `zeros(2, 3)` or `zeros((2, 3))`."""
    return _made(np.zeros(_size(size), _kind(dtype)), device, requires_grad)


def ones(*size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Ones: `ones(2, 3)` or `ones((2, 3))`."""
    return _made(np.ones(_size(size), _kind(dtype)), device, requires_grad)


def full(
    size: Any, fill_value: Any, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """The same value everywhere; the default dtype is the value's own: bool, int64 or float32."""
    value = getattr(fill_value, "data", fill_value) if isinstance(fill_value, Tensor) else fill_value
    if dtype is None:
        dtype = {bool: bool_, int: int64, float: DEFAULT}.get(type(value), getattr(value, "dtype", DEFAULT))
    return _made(np.full(_size((size,)), value, as_dtype(dtype)), device, requires_grad)


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, … below `end`; `arange(n)` counts from 0. Integers give int64, else float32.

    Raises:
        ArgumentError: `step` is 0.
    """
    if step == 0:
        raise ArgumentError("arange: step: got 0, expected another number")
    array = np.arange(start, step=step) if end is None else np.arange(start, end, step)
    return _made(array.astype(_kind(dtype, DEFAULT if array.dtype.kind == "f" else int64)), device, requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """`steps` numbers at equal distances, from `start` to `end`, both included."""
    return _made(np.linspace(start, end, steps).astype(_kind(dtype)), device, requires_grad)


def eye(
    n: int, m: int | None = None, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """The identity matrix, of n rows and m columns (default: n)."""
    return _made(np.eye(n, m, dtype=_kind(dtype)), device, requires_grad)


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform draws from [0, 1)."""
    kind = _floating("rand", dtype)
    draw = _stream(generator).random(_size(size)).astype(kind)
    draw = np.minimum(draw, np.nextafter(kind.type(1), kind.type(0)))  # 0.99999999 would be rounded to 1
    return _made(np.asarray(draw), device, requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draws from the standard normal distribution."""
    kind = _floating("randn", dtype)
    return _made(np.asarray(_stream(generator).standard_normal(_size(size)), dtype=kind), device, requires_grad)


def randint(
    low: int,
    high: Any,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """Integers from low … high − 1, all equally likely: `randint(low, high, size)` or `randint(high, size)`.

    Raises:
        ArgumentError: there is no such integer.
    """
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise ArgumentError(f"randint: got low {low} and high {high}, expected low < high")
    return _made(_stream(generator).integers(low, high, _size((size,))).astype(_kind(dtype, int64)), device, False)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: str | None = None) -> Tensor:
    """0 … n − 1 in random order."""
    return _made(_stream(generator).permutation(n).astype(_kind(dtype, int64)), device, False)


def zeros_like(x: Any, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape, dtype and on the device of `x`."""
    return zeros(x.shape, requires_grad=requires_grad, **_like(x, dtype, device))


def ones_like(x: Any, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape, dtype and on the device of `x`."""
    return ones(x.shape, requires_grad=requires_grad, **_like(x, dtype, device))


def full_like(
    x: Any, fill_value: Any, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """One value everywhere, in the shape, dtype and on the device of `x`."""
    return full(x.shape, fill_value, requires_grad=requires_grad, **_like(x, dtype, device))


def rand_like(
    x: Any,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform draws from [0, 1), in the shape, dtype and on the device of `x`."""
    return rand(x.shape, generator=generator, requires_grad=requires_grad, **_like(x, dtype, device))


def randn_like(
    x: Any,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Standard normal draws, in the shape, dtype and on the device of `x`."""
    return randn(x.shape, generator=generator, requires_grad=requires_grad, **_like(x, dtype, device))


def _size(size: tuple[Any, ...]) -> tuple[int, ...]:
    """`f(2, 3)`, `f((2, 3))` and `f([2, 3])` mean the same."""
    sizes = size[0] if len(size) == 1 and isinstance(size[0], tuple | list) else size
    for n in sizes:
        if not isinstance(n, int | np.integer) or n < 0:
            raise ArgumentError(f"size: got {describe(n)} in {tuple(sizes)}, expected integers of at least 0")
    return tuple(sizes)


def _kind(dtype: Any, default: np.dtype[Any] = DEFAULT) -> np.dtype[Any]:
    return default if dtype is None else as_dtype(dtype)


def _floating(name: str, dtype: Any) -> np.dtype[Any]:
    kind = _kind(dtype)
    if kind.kind != "f":
        raise DTypeError(f"{name}: dtype: got {kind}, expected a floating one", fix="use randint for integers")
    return kind


def _like(x: Any, dtype: Any, device: str | None) -> dict[str, Any]:
    x = as_tensor(x)
    return {"dtype": x.dtype if dtype is None else dtype, "device": x.device if device is None else device}


def _stream(generator: Generator | None) -> np.random.Generator:
    return (generator or default_generator).numpy


def _made(array: np.ndarray, device: str | None, requires_grad: bool) -> Tensor:
    return Tensor(to_device(array, device or "cpu")).requires_grad_(requires_grad)
