"""Run CUDA sources on the CPU: g++ compiles them after `emulator.hpp`, NumPy arrays stand for GPU memory.

`EmulatedDevice` replaces what `minidl.kernels.cuda.compile.device()` returns, so that launchers run unchanged, their
launch arithmetic included. `Kernels` runs any source, for tests that plant an error.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from minidl.kernels.cuda import compile as door

HERE = Path(__file__).parent
FLAGS = ("-O1", "-gdwarf-4", "-fPIC", "-fno-gnu-unique", "-Wall", "-Wno-unknown-pragmas")
INSTRUMENT = ("-fsanitize=thread",)  # calls at each access to memory, which emulator.cpp answers; see emulator.hpp
RED_ZONE = 1 << 20  # bytes of no man's land on both sides of an array: no overrun reaches another one unseen


class EmulationError(Exception):
    """A kernel did on the CPU what would be undefined, or refused, on a GPU."""


class Type(ctypes.Structure):
    """One argument: see emulator.hpp."""

    _fields_ = [
        ("kind", ctypes.c_char),
        ("size", ctypes.c_uint),
        ("element_kind", ctypes.c_char),
        ("element_size", ctypes.c_uint),
    ]


class Launch(ctypes.Structure):
    """One launch: see emulator.hpp."""

    _fields_ = [
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("dynamic_shared", ctypes.c_uint),
        ("parameters", ctypes.c_uint),
        ("types", ctypes.POINTER(Type)),
        ("values", ctypes.POINTER(ctypes.c_void_p)),
        ("bytes", ctypes.POINTER(ctypes.c_uint64)),
        ("threads_per_block", ctypes.c_uint),
        ("bytes_read", ctypes.c_uint64),
        ("bytes_written", ctypes.c_uint64),
        ("fault", ctypes.c_uint64),
    ]


class Kernels:
    """The kernels of one source, compiled for the CPU into `folder`, or found there from an earlier run."""

    def __init__(self, source: str, options: tuple[str, ...], folder: Path, threads_per_block: int = 1024) -> None:
        names = re.findall(r"__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(", source)
        # `__shared__` means `static` here, which cannot also be `extern`: dynamic shared memory becomes a pointer
        source = re.sub(
            r"extern\s+__shared__\s+([\w ]+?)\s*\b(\w+)\s*\[\s*\]\s*;",
            r"\1 *\2 = static_cast<\1 *>(emulator::dynamic_shared());",
            source,
        )
        exports = "".join(f"EMULATE({name})\n" for name in names)
        text = f'#include "emulator.hpp"\n{source}\n#line 1 "exports"\n{exports}'
        self.path = _build(text, options, folder)
        self.library = ctypes.CDLL(str(self.path))
        self.threads_per_block = threads_per_block

    def __getitem__(self, name: str) -> Kernel:
        return Kernel(self, name)

    @staticmethod
    def missing() -> str | None:
        """Why nothing can be emulated here, or None."""
        if sys.platform != "linux":
            return "the emulator is written for Linux"
        return None if shutil.which("g++") else "g++ is not installed"


class Kernel:
    """Called as a `cupy.RawKernel` is: (grid, block, arguments, shared_mem=bytes)."""

    def __init__(self, kernels: Kernels, name: str) -> None:
        self.kernels = kernels
        self.name = name
        self.function = getattr(kernels.library, f"emulate_{name}")
        self.function.restype = ctypes.c_char_p
        self.max_threads_per_block = kernels.threads_per_block
        self.bytes_read = self.bytes_written = 0  # of arrays, by all threads, in the last launch

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: Any, *, shared_mem: int = 0) -> None:
        copies: dict[tuple[int, int], np.ndarray] = {}
        values, types, sizes = [], [], []
        for argument in args:
            values.append(_value(argument, copies))
            types.append(_type(argument))
            sizes.append(argument.nbytes if isinstance(argument, np.ndarray) else 0)
        count = len(values)
        launch = Launch(
            grid=(*grid, 1, 1)[:3],
            block=(*block, 1, 1)[:3],
            dynamic_shared=shared_mem,
            parameters=count,
            types=(Type * count)(*types),
            values=(ctypes.c_void_p * count)(*(value.ctypes.data for value in values)),
            bytes=(ctypes.c_uint64 * count)(*sizes),
            threads_per_block=self.kernels.threads_per_block,
        )
        error = self.function(ctypes.byref(launch))
        self.bytes_read, self.bytes_written = launch.bytes_read, launch.bytes_written
        if error:
            raise EmulationError(f"{self.name}: {error.decode()}{_line(self.kernels.path, launch.fault)}")
        for argument in args:
            if isinstance(argument, np.ndarray) and argument.flags.writeable:
                np.copyto(argument, copies[_key(argument)])


class EmulatedDevice:
    """A GPU made of NumPy and g++, with as many multiprocessors as a test wishes; see `compile.Device`."""

    def __init__(
        self,
        folder: Path,
        multiprocessors: int = 2,
        threads_per_multiprocessor: int = 1536,
        threads_per_block: int = 1024,
    ) -> None:
        self.folder = folder
        self.multiprocessors = multiprocessors
        self.threads_per_multiprocessor = threads_per_multiprocessor
        self.threads_per_block = threads_per_block
        self.launched: list[Kernel] = []

    def kernel(self, name: str, function: str, dtype: Any) -> Kernel:
        kernels = Kernels(door.source(name), door.options(dtype), self.folder, self.threads_per_block)
        self.launched.append(kernels[function])
        return self.launched[-1]

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return np.full(shape, np.nan, dtype)  # whatever a kernel forgets to write shows

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return np.zeros(shape, dtype)

    def contiguous(self, array: np.ndarray) -> np.ndarray:
        return np.asarray(array, order="C")


def _build(text: str, options: tuple[str, ...], folder: Path) -> Path:
    """The shared library of a source: instrumented code, linked to the machine that it runs on."""
    header, machine = ((HERE / name).read_text(encoding="utf-8") for name in ("emulator.hpp", "emulator.cpp"))
    parts = (
        _made(folder, ".o", machine, header, "-c", "-std=c++17"),
        _made(folder, ".o", text, header, "-c", *INSTRUMENT, *options),
    )
    # linked without INSTRUMENT, which would bring in the compiler's own answers to those calls
    return _made(folder, ".so", "", "", "-shared", *map(str, parts), "-ldl")


def _made(folder: Path, suffix: str, source: str, header: str, *options: str) -> Path:
    """The file that g++ makes of the source, named by all that went into it: never made twice, never out of date."""
    ingredients = repr((source, header, FLAGS, options)).encode()
    path = folder / (hashlib.sha256(ingredients).hexdigest()[:20] + suffix)
    if not path.exists():
        own = f"{path}.{os.getpid()}"  # several test processes may be at it at once
        Path(f"{own}.cpp").write_text(source, encoding="utf-8")
        command = ["g++", *FLAGS, f"-I{HERE}", f"{own}.cpp", *options, "-o", own]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        os.unlink(f"{own}.cpp")
        if done.returncode:
            raise EmulationError(f"{' '.join(command)}\n{done.stderr}")
        os.replace(own, path)
    return path


def _key(array: np.ndarray) -> tuple[int, int]:
    return array.ctypes.data, array.nbytes


def _value(argument: Any, copies: dict[tuple[int, int], np.ndarray]) -> np.ndarray:
    """A 0-d array that holds the argument's value: for an array, the address of a copy amid red zones."""
    if isinstance(argument, np.generic):
        return np.asarray(argument)
    if not isinstance(argument, np.ndarray) or not argument.flags.c_contiguous:
        raise EmulationError(f"an argument is neither a NumPy scalar nor a contiguous array: {argument!r}")
    copy = copies.get(_key(argument))
    if copy is None:
        memory = np.empty(argument.nbytes + 2 * RED_ZONE, np.uint8)
        start = RED_ZONE - memory.ctypes.data % 256  # aligned as GPU memory is
        copy = memory[start : start + argument.nbytes].view(argument.dtype).reshape(argument.shape)
        np.copyto(copy, argument)
        copies[_key(argument)] = copy
    return np.asarray(np.uintp(copy.ctypes.data))


def _type(argument: Any) -> Type:
    kind = {"b": b"u"}.get(argument.dtype.kind, argument.dtype.kind.encode())
    if isinstance(argument, np.ndarray):
        return Type(b"p", ctypes.sizeof(ctypes.c_void_p), kind, argument.itemsize)
    return Type(kind, argument.itemsize, b"?", 0)


def _line(library: Path, fault: int) -> str:
    """Where in the source the fault lies, as far as addr2line can tell."""
    if not fault or not shutil.which("addr2line"):
        return ""
    command = ["addr2line", "-s", "-e", str(library), hex(fault - 1)]
    return f" ({subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()})"
