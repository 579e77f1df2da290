"""What an array is: its module (NumPy or CuPy), its device, its dtype, and how dtypes meet.

CuPy is never imported here: an array of its kind can only exist where somebody has loaded it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from .errors import AxisError, DeviceError, DTypeError, describe

float16, float32, float64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
int8, int16, int32, int64 = np.dtype("int8"), np.dtype("int16"), np.dtype("int32"), np.dtype("int64")
uint8, bool_ = np.dtype("uint8"), np.dtype("bool")

DEFAULT = float32  # what Python floats, and integers where a real number must come out, become


def xp(*arrays: Any) -> ModuleType:
    """The module that the arrays belong to: `cupy` if one of them lives there, else `numpy`."""
    cupy = sys.modules.get("cupy")
    return np if cupy is None else cupy.get_array_module(*arrays)


def is_array(value: Any) -> bool:
    """Whether `value` is a raw array or NumPy scalar (not a Tensor, not a Python number)."""
    if isinstance(value, np.ndarray | np.generic):
        return True
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(value, cupy.ndarray)


def is_float(dtype: Any) -> bool:
    """Whether gradients make sense for the dtype: real floating, or complex (the complex-step oracle)."""
    return dtype.kind in "fc"


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype that `dtype` names, in this machine's byte order.

    Raises:
        DTypeError: it names none, or one that does not hold numbers.
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "fiubc":
        raise DTypeError(
            f"dtype: got {describe(dtype)}, expected a dtype of numbers",
            fix="write minidl.float32, 'float32', int, bool, …",
        )
    return found.newbyteorder("=")


def axis_of(name: str, axis: int, ndim: int) -> int:
    """`axis`, which may count from the end, as a number from 0 on; `name` is for the message.

    Raises:
        AxisError: there is no such axis.
    """
    if not -ndim <= axis < ndim:
        expected = f"{-ndim} to {ndim - 1}" if ndim else "none"
        raise AxisError(f"{name}: got {axis}, expected {expected}: the array has {ndim} axes")
    return axis % ndim


def first_bad(results: Sequence[Any], sources: Sequence[Any]) -> str:
    """`"a NaN"` or `"an infinity"` if the results hold one while the sources hold none; else `""`."""
    for what, test in (("a NaN", "isnan"), ("an infinity", "isinf")):
        if any(_holds(test, r) for r in results) and not any(_holds(test, s) for s in sources):
            return what
    return ""


def _holds(test: str, value: Any) -> bool:
    if is_array(value):
        return is_float(value.dtype) and bool(getattr(xp(value), test)(value).any())
    return isinstance(value, float) and bool(getattr(np, test)(value))


def device_of(array: Any) -> str:
    """`"cpu"`, or `"cuda:0"` and so on."""
    device = getattr(array, "device", "cpu")
    return device if isinstance(device, str) else f"cuda:{device.id}"


def to_device(array: Any, device: str) -> Any:
    """The array on `device` (`"cpu"`, `"cuda"`, `"cuda:1"`); itself when it is there already.

    Raises:
        DeviceError: no such device, or CuPy or its driver is missing.
    """
    if device == "cpu":
        return array if isinstance(array, np.ndarray | np.generic) else sys.modules["cupy"].asnumpy(array)
    cupy, index = _cuda(device)
    with cupy.cuda.Device(index):
        return cupy.asarray(array)


def _cuda(device: str) -> tuple[Any, int]:
    kind, _, number = str(device).partition(":")
    if kind != "cuda" or not (number or "0").isdigit():
        dtypes = ("float", "int", "uint", "bool")
        fix = "a dtype goes in as dtype=" if kind.startswith(dtypes) else "'cuda' is the first NVIDIA GPU"
        raise DeviceError(f"device: got {device!r}, expected 'cpu', 'cuda' or 'cuda:<number>'", fix=fix)
    try:
        import cupy

        found = cupy.cuda.runtime.getDeviceCount()
    except ImportError as error:
        raise DeviceError(
            f"device: got {device!r}, but CuPy is not installed",
            fix='pip install "minidl[cuda12]" or "minidl[cuda13]"; `minidl doctor` tells which',
        ) from error
    except Exception as error:  # CuPy raises its own CUDARuntimeError, which can only be named once CuPy loads
        raise DeviceError(
            f"device: got {device!r}, but no NVIDIA driver answers ({error})", fix="run `minidl doctor`"
        ) from error
    index = int(number or 0)
    if index >= found:
        raise DeviceError(f"device: got {device!r}, but this machine has {found} CUDA device(s)")
    return cupy, index


def promote(arrays: Sequence[Any], *, real: bool) -> list[Any]:
    """Bring operands to one dtype as PyTorch does: floats decide over integers, whatever their width.

    NumPy makes float64 of float32 · int64; here it stays float32. Among floats, arrays with axes decide over 0-d
    arrays and NumPy's scalars, so that `x * np.sqrt(2)` keeps the dtype of x. With `real=True` (exp, division, …)
    operands without any float become float32. Python numbers stay as they are: NumPy lets them follow the arrays.
    """
    floats = [a for a in arrays if hasattr(a, "dtype") and a.dtype.kind in "fc"]
    if not floats and not (real or any(type(a) is float for a in arrays)):
        return list(arrays)
    is_complex = any(a.dtype.kind == "c" for a in floats)
    deciding = floats if is_complex else [a for a in floats if a.ndim] or floats
    target = np.result_type(*[a.dtype for a in deciding]) if floats else DEFAULT
    return [a.astype(target) if hasattr(a, "dtype") and a.dtype != target else a for a in arrays]
