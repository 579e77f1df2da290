"""What users do wrong: one row for each mistake, with the error that must meet it.

A row says who raises (`kind`, one of the library's errors), which built-in exception a NumPy or PyTorch user would
catch, and what the message must contain: the argument, what came, what was expected, the layer, the fix.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

from minidl import errors

BUILT_IN = {
    errors.ShapeError: ValueError,
    errors.ArgumentError: ValueError,
    errors.DTypeError: TypeError,
    errors.DeviceError: RuntimeError,
    errors.AxisError: IndexError,
    errors.LabelError: IndexError,
    errors.GraphError: RuntimeError,
    errors.AnomalyError: ArithmeticError,
    errors.StateDictError: RuntimeError,
    errors.DataError: ValueError,
}


class Row(NamedTuple):
    """One mistake. `call` gets an empty folder."""

    name: str
    call: Callable[[Any], Any]
    kind: type[errors.MinidlError]
    fragments: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def all_rows() -> dict[str, Row]:
    """Every row of every file, by file and name."""
    tables = {page.name: import_module(f"{__name__}.{page.name}").ROWS for page in iter_modules(__path__)}
    return {f"{name}: {row}": row for name, table in tables.items() for row in table}
