"""NVIDIA's run-time compiler without a GPU and without a driver: CUDA source → machine code and messages.

Of NVRTC's C interface (NVRTC documentation, "User Interface") this needs eight functions, so ctypes will do.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


class Missing(Exception):
    """NVRTC is not installed."""


@cache
def library() -> Any:
    """libnvrtc, from the package nvidia-cuda-nvrtc or from a CUDA toolkit.

    Raises:
        Missing: neither is there, or nothing that could find them.
    """
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib
    except ImportError as error:
        raise Missing("cuda-pathfinder is not installed: pip install cuda-pathfinder nvidia-cuda-nvrtc") from error
    try:
        return ctypes.CDLL(load_nvidia_dynamic_lib("nvrtc").abs_path)
    except Exception as error:  # pathfinder has an exception of its own for each way of not finding
        raise Missing(f"NVRTC is not installed: pip install nvidia-cuda-nvrtc ({error})") from error


def architectures() -> list[int]:
    """What this NVRTC compiles for: 80 for sm_80, and so on."""
    count = ctypes.c_int()
    _succeed("nvrtcGetNumSupportedArchs", ctypes.byref(count))
    found = (ctypes.c_int * count.value)()
    _succeed("nvrtcGetSupportedArchs", found)
    return list(found)


def compile(source: str, name: str, options: tuple[str, ...]) -> tuple[bytes, str]:
    """The machine code (cubin) and the compiler's messages; no machine code if it does not compile."""
    program = ctypes.c_void_p()
    _succeed("nvrtcCreateProgram", ctypes.byref(program), source.encode(), name.encode(), 0, None, None)
    try:
        array = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        failed = library().nvrtcCompileProgram(program, len(options), array)
        log = _fetch(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog").rstrip(b"\0").decode().strip()
        return b"" if failed else _fetch(program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN"), log
    finally:
        _succeed("nvrtcDestroyProgram", ctypes.byref(program))


def _fetch(program: Any, size_function: str, function: str) -> bytes:
    size = ctypes.c_size_t()
    _succeed(size_function, program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    _succeed(function, program, buffer)
    return buffer.raw


def _succeed(function: str, *arguments: Any) -> None:
    code = getattr(library(), function)(*arguments)
    if code:
        get_error = library().nvrtcGetErrorString
        get_error.restype = ctypes.c_char_p
        raise RuntimeError(f"{function}: {get_error(code).decode()}")
