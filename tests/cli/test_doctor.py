"""The doctor: every trouble that it knows, shown to it."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from minidl.cli import doctor, main


def distribution(name):
    return SimpleNamespace(metadata={"Name": name})


class Cupy(SimpleNamespace):
    """A CuPy that says what it is told to say."""

    def __init__(self, *, driver=12040, built=12090, devices=1, compiles=True):
        self.__version__ = "14.2.0"
        self.compiles = compiles

        def count():
            if not driver:
                raise RuntimeError("cudaErrorInsufficientDriver")
            return devices

        self.cuda = SimpleNamespace(
            runtime=SimpleNamespace(
                driverGetVersion=lambda: driver,
                runtimeGetVersion=lambda: built,
                getDeviceCount=count,
                getDeviceProperties=lambda i: {"name": b"NVIDIA Test"},
            ),
            nvrtc=SimpleNamespace(getVersion=lambda: (12, 9)),
        )

    def arange(self, n):
        if not self.compiles:
            raise RuntimeError("cannot open libnvrtc.so")
        return SimpleNamespace(sum=lambda: SimpleNamespace(item=lambda: 3))


@pytest.fixture
def installed(monkeypatch):
    """Say which CuPy packages are installed, and which module `import cupy` gives."""

    def install(*names, cupy=None):
        monkeypatch.setattr(doctor, "distributions", lambda: map(distribution, [*names, "numpy", None]))
        monkeypatch.setitem(sys.modules, "cupy", cupy)

    return install


def report(capsys):
    assert main(["doctor"]) == 0
    return capsys.readouterr().out


def test_without_a_gpu_there_is_nothing_to_mend(installed, capsys):
    installed()
    out = report(capsys)
    assert 'not installed; for an NVIDIA GPU: pip install "minidl[cuda12]"' in out
    assert "not active: " in out


def test_a_gpu_that_works(installed, capsys):
    installed("cupy-cuda12x", cupy=Cupy())
    out = report(capsys)
    assert "device      cuda:0 (NVIDIA Test)" in out
    assert "CUDA 12.4, CuPy is built for 12.9, 1 device(s)" in out
    assert not [line for line in out.splitlines() if line.startswith(("CuPy:", "driver:", "NVRTC:"))]


TROUBLES = {
    "two packages": (
        ("cupy-cuda12x", "cupy-cuda13x"),
        Cupy(),
        "pip uninstall -y cupy-cuda12x cupy-cuda13x && pip inst",
    ),
    "does not load": (("cupy-cuda12x",), None, "CuPy: pip install --force-reinstall cupy-cuda12x"),
    "no driver": (("cupy-cuda12x",), Cupy(driver=0), "no NVIDIA driver answers (cudaErrorInsufficientDriver)"),
    "old driver": (
        ("cupy-cuda13x",),
        Cupy(built=13000),
        'driver: pip uninstall -y cupy-cuda13x && pip install "minidl[cuda12]"',
    ),
    "no compiler": (("cupy-cuda12x",), Cupy(compiles=False), 'NVRTC: pip install "minidl[cuda12]"'),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_troubles_with_a_gpu(name, installed, capsys):
    packages, cupy, line = TROUBLES[name]
    installed(*packages, cupy=cupy)
    assert line in report(capsys)


def test_a_missing_package(installed, capsys, monkeypatch):
    installed()
    known = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "tqdm" else known(name))
    out = report(capsys)
    assert "! tqdm        not installed: without it there is no progress bar" in out
    assert "tqdm: pip install tqdm" in out


def test_numba_that_does_not_load(installed, capsys, monkeypatch):
    installed()
    monkeypatch.setattr(doctor, "_version", lambda name: "0.1")
    monkeypatch.setitem(sys.modules, "numba", None)
    assert "Numba: pip install --force-reinstall numba" in report(capsys)


def test_numba_switched_off(installed, capsys, monkeypatch):
    numba = pytest.importorskip("numba", exc_type=ImportError)
    installed()
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert "Numba: unset NUMBA_DISABLE_JIT" in report(capsys)
