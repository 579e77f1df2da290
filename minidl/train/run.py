"""A folder for each run: what was trained, how, with what result; enough to use it and to do it again."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from minidl import __version__
from minidl.errors import DataError
from minidl.serialize import save

from .history import History

PACKAGES = ("numpy", "numba", "cupy-cuda12x", "cupy-cuda13x", "safetensors", "tqdm", "matplotlib")


class Run:
    """A new folder, and the files that a run leaves in it. An older run is never touched: `out`, `out-2`, `out-3`, …

    | file | what |
    | --- | --- |
    | `config.json` | what was asked for, and all that it was completed with |
    | `environment.json` | versions, machine, threads |
    | `metrics.csv` | one line for each epoch |
    | `learning-curve.png` | the same as a picture |
    | `weights.safetensors` | the model's state_dict |

    Args:
        out: the folder's name; made, with its parents.
    Raises:
        DataError: it cannot be made.
    """

    def __init__(self, out: str | os.PathLike[str]) -> None:
        self.folder = _new_folder(Path(out))
        self._write("environment.json", environment())

    def config(self, values: dict[str, Any]) -> None:
        """Write the configuration, at the beginning: a run that fails can then be explained."""
        self._write("config.json", values)

    def finish(self, model: Any, history: History, *, title: str = "") -> None:
        """Write weights, table and picture."""
        save(model.state_dict(), self.folder / "weights.safetensors")
        history.to_csv(self.folder / "metrics.csv")
        history.plot(self.folder / "learning-curve.png", title=title)

    def text(self, name: str, text: str) -> None:
        """Write one more file of text."""
        try:
            (self.folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise DataError(f"run: cannot write {self.folder / name}: {error.strerror or error}") from error

    def _write(self, name: str, values: dict[str, Any]) -> None:
        self.text(name, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def environment() -> dict[str, Any]:
    """Versions, machine and threads: what could make a second run differ."""
    threads = {name: os.environ[name] for name in os.environ if name.endswith("_NUM_THREADS")}
    return {
        "minidl": __version__,
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": available_cores(),
        "threads": threads,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _new_folder(wanted: Path) -> Path:
    """`wanted` itself if it is not there yet (or empty), else the first of `wanted-2`, `wanted-3`, … that is free."""
    wanted = Path(os.path.abspath(wanted))  # "." has a name, too
    folder, number = wanted, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if number == 1 and folder.is_dir() and not any(folder.iterdir()):
                return folder
            number += 1
            folder = wanted.with_name(f"{wanted.name}-{number}")
        except OSError as error:
            raise DataError(
                f"run: cannot make the folder {folder}: {error.strerror or error}", fix="choose another with --out"
            ) from error
