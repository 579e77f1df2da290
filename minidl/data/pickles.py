"""Pickles that hold data and nothing else.

A pickle is a program: it may name any function of any module and call it. This reader knows the plain types, which need
no names, and NumPy's arrays; any other name is refused before anything is called. Arrays are not made by NumPy's own
code for pickles either, which was not written for enemies: the names that mean an array lead to the small classes
below, which note what they are told, and the numbers are then read from bytes.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import DataError


class _DType:
    """What `numpy.dtype(code)` and its byte order say."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.order = "=" if state[1] == "|" else state[1]

    def made(self) -> np.dtype[Any]:
        dtype = np.dtype(self.code).newbyteorder(self.order)
        if dtype.kind not in "biufc":
            raise ValueError(f"an array of {dtype}")
        return dtype


class _Array:
    """What an array's pickle tells: first that it is one, then its shape, dtype, layout and bytes."""

    def __init__(self, *_: Any) -> None:
        self.array = np.zeros(0)

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_columns, data = state
        self.array = _from_bytes(data, dtype, shape, "F" if by_columns else "C")


def _fixed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A pickle may also set attributes of what it has named; not of this."""

    def refuse(state: Any) -> None:
        raise ValueError(f"attributes for {function.__name__}")

    function.__dict__["__setstate__"] = refuse
    return function


@_fixed
def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return _from_bytes(bytes(data), dtype, shape, order)


@_fixed
def _scalar(dtype: Any, data: Any) -> Any:
    return _from_bytes(data, dtype, (1,), "C").item()


def _from_bytes(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    raw = data.encode("latin1") if isinstance(data, str) else bytes(data)  # Python 2 had no bytes
    array = np.frombuffer(raw, dtype.made()).reshape(shape, order=order)
    return array.astype(array.dtype.newbyteorder("="))


@_fixed
def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes for Python 2."""
    if encoding not in ("latin1", "latin-1"):
        raise ValueError(f"text in {encoding!r}")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
}
for _core in ("numpy.core", "numpy._core"):
    ALLOWED[_core + ".multiarray", "_reconstruct"] = _Array
    ALLOWED[_core + ".multiarray", "scalar"] = _scalar
    ALLOWED[_core + ".numeric", "_frombuffer"] = _from_buffer


class _Refused(Exception):
    """A name that data do not need."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise _Refused(f"{module}.{name}")
        return ALLOWED[module, name]


def read_pickle(data: bytes, path: Any) -> Any:
    """The dictionaries, lists, texts, numbers and arrays in a pickle; texts of Python 2 are read as Latin-1.

    Raises:
        DataError: no pickle, a damaged one, or one that names anything but NumPy's arrays.
    """
    try:
        return _plain(_Unpickler(io.BytesIO(data), encoding="latin1").load())
    except _Refused as refused:
        raise DataError(
            f"{path}: the pickle names {refused}, which data do not need, and which was not run",
            fix="do not load this file with anything, unless you know who made it",
        ) from None
    except Exception as error:  # a damaged pickle can raise anything
        raise DataError(
            f"{path}: not a pickle of plain data: {type(error).__name__}: {error}", fix="download it again"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(each) for each in value)
    return value
