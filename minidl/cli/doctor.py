"""`minidl doctor`: what is there, what is missing, and the one line that mends it."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, version
from typing import NamedTuple

import numpy as np

SUMMARY = "show versions, threads, devices and active kernels, and how to mend what is missing"


class Finding(NamedTuple):
    """A line of the report; `mend` is empty where all is well."""

    topic: str
    text: str
    mend: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(options: argparse.Namespace) -> None:
    """Print the report, then what to mend."""
    findings = [*versions(), *threads(), *kernels(), *devices(), *cuda_packages()]
    for finding in findings:
        print(f"{'!' if finding.mend else ' '} {finding.topic:12}{finding.text}")
    to_mend = [finding for finding in findings if finding.mend]
    print()
    for finding in to_mend:
        print(f"{finding.topic}: {finding.mend}")
    if not to_mend:
        print("Nothing to mend.")


def versions() -> Iterator[Finding]:
    """minidl, Python, and the packages that it uses."""
    from minidl import __version__

    yield Finding("minidl", __version__)
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    uses = {
        "numpy": "",
        "numba": "without it everything runs on plain NumPy, several times slower",
        "safetensors": "without it nothing can be saved",
        "matplotlib": "without it there are no learning curves",
        "tqdm": "without it there is no progress bar",
    }
    for package, without in uses.items():
        found = _version(package)
        mend = "" if found else f"pip install {package}"
        yield Finding(package, found or f"not installed: {without}", mend)


def threads() -> Iterator[Finding]:
    """Cores, and how many threads each library starts."""
    from minidl.train.run import available_cores

    yield Finding("cores", f"{available_cores()} of {os.cpu_count()} for this process")
    from minidl.threads import get_num_threads

    yield Finding("kernels use", f"{get_num_threads()} thread(s)")
    limits = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.endswith("_NUM_THREADS")]
    yield Finding("threads", ", ".join(limits) or "no limit set in the environment")
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    yield Finding("BLAS", f"{blas.get('name')} {blas.get('version')}")
    try:
        import numba

        layer = f"Numba: {numba.get_num_threads()} threads"
        if numba.config.DISABLE_JIT:
            yield Finding("Numba", f"{layer}, but NUMBA_DISABLE_JIT is set", "unset NUMBA_DISABLE_JIT")
        else:
            yield Finding("Numba", layer)
    except Exception as error:  # where it is not installed, `versions` has said so
        if _version("numba"):
            mend = "pip install --force-reinstall numba"
            yield Finding("Numba", f"installed, but does not load: {error}", mend)


def kernels() -> Iterator[Finding]:
    """Which operations have compiled kernels, and whether they can run here."""
    from minidl.dispatch import compiled

    for folder, device in (("cpu", "CPU"), ("cuda", "GPU")):
        names = sorted(importlib.import_module(f"minidl.kernels.{folder}").TABLE)
        usable = folder == "cpu" or bool(_gpus())
        active = [name for name in names if usable and compiled(name, folder) is not None]
        idle = [name for name in names if name not in active]
        yield Finding(f"{device} kernels", ", ".join(active) or "none")
        if idle:
            yield Finding("", f"not active: {', '.join(idle)}")


def devices() -> Iterator[Finding]:
    """The CPU, and the GPUs that CuPy can reach."""
    yield Finding("device", f"cpu ({platform.machine()})")
    for index, name in enumerate(_gpus()):
        yield Finding("device", f"cuda:{index} ({name})")


def cuda_packages() -> Iterator[Finding]:
    """Whether CuPy, the driver and the compiler fit together. No GPU and no CuPy is nothing to mend."""
    installed = sorted({d.metadata["Name"] for d in distributions() if (d.metadata["Name"] or "").startswith("cupy")})
    if not installed:
        yield Finding("CuPy", 'not installed; for an NVIDIA GPU: pip install "minidl[cuda12]" or "minidl[cuda13]"')
        return
    if len(installed) > 1:
        keep = installed[-1]
        yield Finding(
            "CuPy",
            f"several packages that overwrite each other: {', '.join(installed)}",
            f"pip uninstall -y {' '.join(installed)} && pip install {keep}",
        )
        return
    try:
        import cupy
    except Exception as error:  # a broken CuPy fails in ways of its own
        yield Finding("CuPy", f"{installed[0]} does not load: {error}", f"pip install --force-reinstall {installed[0]}")
        return
    yield Finding("CuPy", f"{installed[0]} {cupy.__version__}")
    try:
        driver = cupy.cuda.runtime.driverGetVersion()
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        yield Finding("driver", f"no NVIDIA driver answers ({error}); the CPU is used")
        return
    built = cupy.cuda.runtime.runtimeGetVersion()
    yield Finding("driver", f"CUDA {_dotted(driver)}, CuPy is built for {_dotted(built)}, {count} device(s)")
    if driver // 1000 < built // 1000:
        mend = f'pip uninstall -y {installed[0]} && pip install "minidl[cuda{driver // 1000}]"'
        yield Finding("driver", "older than the CUDA that CuPy is built for", mend)
    try:
        cupy.cuda.nvrtc.getVersion()
        cupy.arange(3).sum().item()
    except Exception as error:
        number = built // 1000
        yield Finding("NVRTC", f"CUDA sources cannot be compiled: {error}", f'pip install "minidl[cuda{number}]"')


def _gpus() -> list[str]:
    """The names of the devices; none where there is no CuPy, no driver, or no GPU."""
    try:
        import cupy

        return [
            cupy.cuda.runtime.getDeviceProperties(i)["name"].decode() for i in range(cupy.cuda.runtime.getDeviceCount())
        ]
    except Exception:
        return []


def _dotted(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
