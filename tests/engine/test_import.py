"""`import minidl`: quick, light, and with exactly the names that it promises."""

import importlib
import inspect
import os
import pkgutil
import statistics
import subprocess
import sys

import pytest

import minidl
from minidl import errors

LARGE = {"PIL", "cupy", "llvmlite", "matplotlib", "numba", "pandas", "safetensors", "scipy", "torch", "tqdm"}


def python(program, **environment):
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE" and not k.startswith("COV_")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**inherited, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules():
    """Every module of minidl that can be imported here, but for the kernels: they have a table instead."""
    names = [m.name for m in pkgutil.walk_packages(minidl.__path__, "minidl.") if ".kernels" not in m.name]
    return [minidl, *(importlib.import_module(name) for name in names if not name.endswith("__main__"))]


LISTED = [module for module in modules() if hasattr(module, "__all__")]


@pytest.mark.parametrize(
    "program",
    [
        "import minidl",
        "import minidl; (minidl.tensor([1.0, 2.0], requires_grad=True) * 2).sum().backward()",
        "import minidl.nn, minidl.optim, minidl.data, minidl.functional",
        "import minidl; minidl.nn.Linear(2, 2); minidl.functional.grad; minidl.optim.SGD",
        "from minidl import *; dir()",
    ],
)
def test_nothing_large_is_loaded(program):
    loaded = python(f"import sys\n{program}\nprint(*{{name.split('.')[0] for name in sys.modules}})")
    assert not LARGE & set(loaded.split())


def test_import_takes_little_longer_than_numpy(tmp_path):
    """In processor time, which other programs disturb least; byte code is compiled once beforehand."""
    environment = {"PYTHONPYCACHEPREFIX": str(tmp_path), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    program = "import time; a = time.process_time(); import {}; print(time.process_time() - a)"
    times = {"numpy": [], "minidl": []}
    for round_ in range(4):
        for _ in range(5):
            for name, found in times.items():
                found.append(float(python(program.format(name), **environment)))
        if round_ == 0:
            for found in times.values():
                del found[0]  # compiled in the first run
        median = {name: statistics.median(found) for name, found in times.items()}
        if median["minidl"] <= 1.5 * median["numpy"]:
            break
    assert median["minidl"] <= 1.5 * median["numpy"], median


@pytest.mark.parametrize("module", LISTED, ids=lambda m: m.__name__)
def test_all_holds_names_that_are_there(module):
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert not name.startswith("_") and getattr(module, name) is not None


@pytest.mark.parametrize("package", [m for m in LISTED if hasattr(m, "__path__")], ids=lambda m: m.__name__)
def test_what_a_package_offers_its_modules_list(package):
    for name in package.__all__:
        home = sys.modules.get(getattr(getattr(package, name), "__module__", None))
        if home in LISTED:
            assert getattr(package, name).__name__ in home.__all__


def test_modules_for_users_say_what_is_public():
    named = {module.__name__ for module in LISTED}
    assert {"minidl", "minidl.functional", "minidl.nn", "minidl.nn.functional", "minidl.optim", "minidl.data"} <= named


def test_what_the_package_offers():
    offered = set(dir(minidl))
    assert {
        "Tensor",
        "tensor",
        "nn",
        "optim",
        "data",
        "functional",
        "no_grad",
        "manual_seed",
        "save",
        "load",
    } <= offered
    for name in offered:
        if name not in ("models", "train"):
            assert getattr(minidl, name) is not None
    space = {}
    exec("from minidl import *", space)
    assert set(minidl.__all__) <= set(space)
    with pytest.raises(AttributeError, match="'minidl' has no attribute 'torch'"):
        _ = minidl.torch


def test_every_error_is_the_librarys_and_a_built_in_one():
    found = [each for each in vars(errors).values() if inspect.isclass(each) and issubclass(each, errors.MinidlError)]
    assert len(found) >= 10
    for each in found:
        assert each.__doc__
        if each is not errors.MinidlError:
            assert any(base.__module__ == "builtins" and base is not Exception for base in each.__mro__[1:-3])
            text = str(each("what came", fix="what to do"))
            assert text == "what came\n  fix: what to do"
