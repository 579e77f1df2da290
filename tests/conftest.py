"""What every test run shares: threads, options, Hypothesis profiles, one fixture."""

import os

# Before the first import of NumPy. Two worker processes with two BLAS threads each would fight for
# two cores, and idle OpenBLAS threads spin: one each. Numba has two threads, whatever the machine,
# because with one the seams between the parts of a parallel loop would never be tested. Without
# xdist nothing is set, and the tests see the threads that a user sees.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("NUMBA_NUM_THREADS", "2")
os.environ["MPLBACKEND"] = "Agg"

import importlib.util
import zlib
from importlib.metadata import PackageNotFoundError, version

import hypothesis
import numpy as np
import pytest

# No deadline: the first example of a kernel compiles it. In CI the same examples every time, so that
# no commit is blamed for an example that it did not bring; locally new ones, and failures are kept.
hypothesis.settings.register_profile("minidl", deadline=None)
hypothesis.settings.register_profile("minidl-ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("minidl-slow", deadline=None, max_examples=1000)


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the long searches (marker slow) too")


def pytest_configure(config):
    slow, ci = config.getoption("--slow"), os.environ.get("CI")
    profile = "minidl-slow" if slow else "minidl-ci" if ci else "minidl"
    if not config.getoption("--hypothesis-profile", None):
        hypothesis.settings.load_profile(profile)


def runs_slow(config):
    return config.getoption("--slow") or "slow" in config.getoption("-m")


def pytest_collection_modifyitems(config, items):
    if not runs_slow(config):
        left_out = [item for item in items if "slow" in item.keywords]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if "slow" not in item.keywords]
    missing = {}
    if importlib.util.find_spec("torch") is None:
        missing["oracle"] = "PyTorch is not installed"
    if any("gpu" in item.keywords for item in items) and not has_gpu():
        missing["gpu"] = "no CUDA device, or no CuPy"
    for item in items:
        for marker, reason in missing.items():
            if marker in item.keywords:
                item.add_marker(pytest.mark.skip(reason=reason))


def has_gpu():
    try:
        import cupy

        return cupy.cuda.runtime.getDeviceCount() > 0
    except Exception:  # no CuPy, no driver, a broken driver: each with an exception of its own
        return False


def installed(package):
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def pytest_report_header(config):
    packages = ("numpy", "numba", "torch", "cupy-cuda12x", "cupy-cuda13x")
    jit = ", NUMBA_DISABLE_JIT" if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0" else ""
    return [f"minidl on {', '.join(map(installed, packages))}{jit}", slow_line(config)]


def pytest_terminal_summary(terminalreporter, config):
    # The header is not shown under -q, the default.
    if not runs_slow(config):
        terminalreporter.write_line(slow_line(config))


def slow_line(config):
    state = "included" if runs_slow(config) else "left out (--slow, or make test-all)"
    return f"slow tests: {state}"


@pytest.fixture
def rng(request):
    """A generator seeded by the test's name: the same numbers in any order, on any worker."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))
