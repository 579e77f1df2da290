"""A wheel and an editable install both carry the whole source tree, and work from anywhere.

As a script, `python tests/test_packaging.py ROOT` compares the minidl that this Python has with the
source tree ROOT; `make check-wheel` does so where no test tool is installed.
"""

import importlib
import importlib.resources
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def source_files(root):
    """Every file of the two packages in a source tree, by its installed name."""
    return {
        installed + path.relative_to(root / folder).as_posix()
        for folder, installed in (("minidl", "minidl/"), ("kernels", "minidl/kernels/"))
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def installed_files():
    """Every file of the two packages as this Python finds them."""
    found = set()
    for package in ("minidl", "minidl.kernels"):
        folder = Path(str(importlib.resources.files(package)))
        found |= {
            package.replace(".", "/") + "/" + path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    return found


def check_installed(root):
    import minidl.kernels

    missing = sorted(source_files(Path(root)) - installed_files())
    assert not missing, f"in the source tree, and not installed: {missing}"
    stale = sorted(installed_files() - source_files(Path(root)))
    assert not stale, f"installed, and not in the source tree: {stale}"
    print(os.path.dirname(minidl.kernels.__file__))


if __name__ == "__main__":
    check_installed(sys.argv[1])
    sys.exit()


import pytest  # noqa: E402 - not installed where this file is run as a script

import minidl  # noqa: E402


def run(*command, cwd):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is packaged: building leaves files behind."""
    copy = tmp_path_factory.mktemp("source") / "minidl"
    copy.mkdir()
    for name in ("minidl", "kernels"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module", params=["wheel", "editable"])
def python(request, tree, tmp_path_factory):
    """A Python with minidl installed; for the rest this one's packages, so nothing is downloaded."""
    folder = tmp_path_factory.mktemp(request.param)
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    shared = sysconfig.get_path("purelib")
    Path(purelib.stdout.strip(), "shared.pth").write_text(shared + "\n")
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
        *("--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed"),
        *(["-e", tree] if request.param == "editable" else [tree]),
        cwd=folder,
    )
    return python


def test_every_file_is_installed_and_found_from_anywhere(python, tree, tmp_path):
    done = run(python, Path(__file__).resolve(), tree, cwd=tmp_path)
    home = tree if (tree / "kernels").samefile(done.stdout.strip()) else python.parents[1]
    assert Path(done.stdout.strip()).is_relative_to(home)


@pytest.mark.parametrize("python", ["editable"], indirect=True)
def test_found_from_the_root_of_the_source_tree(python, tree):
    run(python, "-c", "import minidl.kernels", cwd=tree)


def test_command_and_module_start(python, tmp_path):
    script = run(python.parent / "minidl", "--version", cwd=tmp_path)
    module = run(python, "-m", "minidl", "--version", cwd=tmp_path)
    assert minidl.__version__ in script.stdout
    assert script.stdout == module.stdout


def test_kernels_refuse_to_be_a_second_copy(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    with pytest.raises(ImportError, match=r"this package is minidl\.kernels"):
        importlib.import_module("kernels")


def test_the_version_is_said_once_and_noted():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert f"## [{minidl.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
