"""The one door between launchers and the GPU: sources, compilation, device facts, memory.

A `.cu` file is written once, in a type called `Real`, and compiled once per dtype and device, at its first launch.
Launchers ask `device()` for everything else they need, so whoever replaces `device` replaces the machine: that is
how the tests run the same launchers and the same sources on the CPU.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

REAL = {"float32": "float", "float64": "double"}  # the dtypes that every kernel here is compiled for

_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"$', re.MULTILINE)


def source(name: str) -> str:
    """The text of `<name>.cu` with the headers of this folder written out in place.

    In place, because CuPy's disk cache knows a kernel by its text: a change in a header that is only named there
    would go unnoticed. `#line` keeps compiler messages pointing at the right file and line.
    """
    text = (files(__package__) / f"{name}.cu").read_text(encoding="utf-8")

    def written_out(match: re.Match[str]) -> str:
        header = (files(__package__) / match[1]).read_text(encoding="utf-8")
        line = text.count("\n", 0, match.start()) + 2
        return f'#line 1 "{match[1]}"\n{header}\n#line {line} "{name}.cu"'

    return f'#line 1 "{name}.cu"\n' + _INCLUDE.sub(written_out, text)


def options(dtype: np.dtype[Any]) -> tuple[str, ...]:
    """The compiler options for one dtype; NVRTC and g++ understand both of them.

    Raises:
        TypeError: the kernels are not written for this dtype.
    """
    if dtype.name not in REAL:
        raise TypeError(f"dtype: got {dtype.name}, expected one of {', '.join(REAL)}")
    return ("-std=c++17", f"-DReal={REAL[dtype.name]}")


def pointer(array: Any) -> Any:
    """The array as a kernel argument; None becomes a null pointer.

    CuPy would hand over None as a missing argument, which the driver then dereferences.
    """
    return np.uintp(0) if array is None else array


class Device:
    """What launchers ask of a GPU: three facts for the launch arithmetic, memory, and kernels."""

    def __init__(self, properties: dict[str, Any]) -> None:
        self.multiprocessors = int(properties["multiProcessorCount"])
        self.threads_per_multiprocessor = int(properties["maxThreadsPerMultiProcessor"])
        self.threads_per_block = int(properties["maxThreadsPerBlock"])

    def kernel(self, name: str, function: str, dtype: np.dtype[Any]) -> Any:
        """A `cupy.RawKernel`, called as (grid, block, arguments, shared_mem=bytes)."""
        return _kernel(name, function, dtype)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        import cupy

        return cupy.empty(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        import cupy

        return cupy.zeros(shape, dtype)

    def contiguous(self, array: Any) -> Any:
        """The array in C order, itself when it is so already: the kernels know no strides."""
        import cupy

        return cupy.ascontiguousarray(array).reshape(array.shape)  # which would make (1,) of ()


def device() -> Device:
    """The device on which CuPy works at this moment."""
    import cupy

    return _device(cupy.cuda.runtime.getDevice())


@cache
def _device(index: int) -> Device:
    import cupy

    return Device(cupy.cuda.runtime.getDeviceProperties(index))


@cache
def _kernel(name: str, function: str, dtype: np.dtype[Any]) -> Any:
    return _module(name, dtype).get_function(function)  # which would ask the driver again at each launch


@cache
def _module(name: str, dtype: np.dtype[Any]) -> Any:
    import cupy  # a RawModule compiles at the first launch, and keeps one binary per device

    return cupy.RawModule(code=source(name), options=options(dtype))
