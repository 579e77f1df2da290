"""Every CUDA source compiles for every architecture that is supported, with NVRTC: no GPU, no driver."""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from minidl.kernels.cuda import compile as door

from . import nvrtc

ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)  # Turing to Blackwell; 80 and 90 must be there
SOURCES = sorted(f.name.removesuffix(".cu") for f in files("minidl.kernels.cuda").iterdir() if f.name.endswith(".cu"))
STRICT = ("-Werror=all-warnings", "--ptxas-options=-v")


@pytest.fixture(scope="module")
def known():
    """The architectures that the NVRTC here compiles for."""
    try:
        return nvrtc.architectures()
    except nvrtc.Missing as error:
        pytest.skip(str(error))


def test_there_are_sources():
    assert "normalize" in SOURCES


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", door.REAL)
@pytest.mark.parametrize("source", SOURCES)
def test_compiles_without_warning_and_without_spilling(known, source, dtype, architecture):
    if architecture not in known and architecture not in (80, 90):
        pytest.skip(f"this NVRTC does not know sm_{architecture}; it knows {known}")
    options = (*door.options(np.dtype(dtype)), f"--gpu-architecture=sm_{architecture}", *STRICT)
    code, log = nvrtc.compile(door.source(source), f"{source}.cu", options)
    assert code.startswith(b"\x7fELF"), log
    assert "warning" not in log, log
    # registers that do not suffice spill to memory, which a source can mostly avoid
    assert not re.search(r"\b[1-9]\d* bytes (stack frame|spill)", log), log


def test_planted_kernels_compile(known):
    """The emulator's own test kernels are CUDA, not something that only g++ understands."""
    planted = Path(__file__).with_name("planted.cu").read_text(encoding="utf-8")
    code, log = nvrtc.compile(planted, "planted.cu", ("-std=c++17", "--gpu-architecture=sm_80", *STRICT))
    assert code, log


def test_a_warning_is_an_error_and_names_its_line(known):
    source = door.source("normalize") + "__global__ void unused() { int nothing; }\n"
    code, log = nvrtc.compile(source, "", (*door.options(np.dtype("float32")), *STRICT))
    own = (files("minidl.kernels.cuda") / "normalize.cu").read_text(encoding="utf-8")
    assert not code
    assert f"normalize.cu({own.count(chr(10)) + 1}): error" in log
    assert "never referenced" in log
