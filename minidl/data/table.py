"""Tables in CSV files: numbers, categories as numbers, and one column to be predicted."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any

import numpy as np

from minidl.array import DEFAULT
from minidl.errors import ArgumentError, DataError, LabelError
from minidl.tensor import Tensor

from .dataset import TensorDataset
from .text import read_text

MISSING = ("", "na", "n/a", "nan", "null", "none", "?")  # in lower case


class Categories:
    """The values of a column, numbered in sorted order: what Vocabulary is for the characters of a text.

    Attributes:
        values: all of them; the number of a value is its place there.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self.values = sorted(set(values))
        self._numbers = {value: i for i, value in enumerate(self.values)}

    def __len__(self) -> int:
        return len(self.values)

    def encode(self, values: Iterable[str]) -> np.ndarray:
        """The numbers of values, int64.

        Raises:
            LabelError: one that is not among them.
        """
        numbers = []
        for value in values:
            if value not in self._numbers:
                raise LabelError(f"encode: got {value!r}, which is none of the {len(self)} known: {self._shown()}")
            numbers.append(self._numbers[value])
        return np.array(numbers, np.int64)

    def decode(self, numbers: Any) -> list[str]:
        """The values with these numbers.

        Raises:
            LabelError: a number out of range.
        """
        array = np.asarray(numbers.data if isinstance(numbers, Tensor) else numbers).reshape(-1)
        outside = array[(array < 0) | (array >= len(self))]
        if outside.size:
            raise LabelError(f"decode: got {outside[0]}, expected 0 to {len(self) - 1}")
        return [self.values[i] for i in array]

    def _shown(self) -> str:
        return ", ".join(map(repr, self.values[:8])) + (", …" if len(self) > 8 else "")


class CSVDataset(TensorDataset):
    """A CSV file as numbers: one row of features for each line, and the target.

    Shapes: item → features (D,), and target () if there is one
    dtypes: features float32; the target int64 if it is categorical, else float32
    Args:
        path: the file, gzipped or not; in UTF-8.
        target: the column to predict, by name, or by number (from 0; −1 is the last); None: no target.
        columns: the features, by name or number, in this order; default: all columns but the target.
        categorical: columns whose values are names and not numbers; each becomes a number by `categories`.
        header: whether the first line has the columns' names; otherwise they are called `0`, `1`, ….
        skip: how many lines to leave out before.
        delimiter: what stands between values.
        missing: what to do about empty values, `NA`, `?`, … in columns that are used: `"error"`; `"drop"`: leave out
            the row; `"nan"`: NaN (an error in categorical columns).
    Attributes:
        columns: the names of the features. target: the target's name. categories: by name of column, see Categories.
    Raises:
        DataError: the file is missing, empty, ragged, or has a value that is missing or no number: names the line and
            the column. ArgumentError: a column that is not there; an option of another kind.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        target: str | int | None = None,
        *,
        columns: Sequence[str | int] | None = None,
        categorical: Sequence[str | int] = (),
        header: bool = True,
        skip: int = 0,
        delimiter: str = ",",
        missing: str = "error",
    ) -> None:
        if missing not in ("error", "drop", "nan"):
            raise ArgumentError(f"CSVDataset: missing: got {missing!r}, expected 'error', 'drop' or 'nan'")
        if not isinstance(delimiter, str) or len(delimiter) != 1:
            raise ArgumentError(f"CSVDataset: delimiter: got {delimiter!r}, expected one character")
        names, rows = _read(path, header, skip, delimiter)
        chosen = [] if target is None else [_column(names, target, "target")]
        self.target = names[chosen[0]] if chosen else None
        if columns is None:
            features = [i for i in range(len(names)) if i not in chosen]
        else:
            features = [_column(names, column, "columns") for column in columns]
        if not features:
            raise ArgumentError(f"CSVDataset: columns: got none, expected some of {', '.join(names)}")
        self.columns = [names[i] for i in features]
        by_name = {_column(names, column, "categorical") for column in categorical}
        used = features + chosen
        if missing == "drop":
            rows = {line: row for line, row in rows.items() if not any(_is_missing(row[i]) for i in used)}
            if not rows:
                raise DataError(f"{path}: every row has a missing value", fix="use fewer columns")
        self.categories: dict[str, Categories] = {}
        values = {}
        for i in used:
            if i in by_name:
                values[i] = self._categorical(path, names[i], {line: row[i] for line, row in rows.items()})
            else:
                texts = {line: row[i] for line, row in rows.items()}
                values[i] = np.array([_number(path, line, names[i], text, missing) for line, text in texts.items()])
        tensors = [Tensor(np.stack([values[i] for i in features], axis=1).astype(DEFAULT))]  # (N, D)
        if chosen:
            y = values[chosen[0]]
            tensors.append(Tensor(y if chosen[0] in by_name else y.astype(DEFAULT)))
        super().__init__(*tensors)

    def _categorical(self, path: Any, name: str, texts: dict[int, str]) -> np.ndarray:
        for line, text in texts.items():
            if _is_missing(text):
                raise _missing_value(path, line, name, text, 'pass missing="drop" to leave such rows out')
        self.categories[name] = Categories(texts.values())
        return self.categories[name].encode(texts.values())


def _read(path: Any, header: bool, skip: int, delimiter: str) -> tuple[list[str], dict[int, list[str]]]:
    """The names of the columns, and by the number of its line every row, checked for its length."""
    reader = csv.reader(read_text(path).splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True)
    try:
        found = {}
        for row in reader:
            if row:
                found[reader.line_num] = [text.strip() for text in row]
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}") from error
    lines = [line for line in found if line > skip]
    names = found[lines.pop(0)] if header and lines else [str(i) for i in range(len(found[lines[0]]) if lines else 0)]
    if not lines:
        raise DataError(f"{path}: got no rows{' after the header' if header else ''}, expected at least one")
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise DataError(
            f"{path}: the header has the name {twice!r} twice", fix="rename one, or pass header=False and skip=1"
        )
    for line in lines:
        if len(found[line]) != len(names):
            raise DataError(
                f"{path}: line {line} has {len(found[line])} values, expected {len(names)} as in the "
                f"{'header' if header else 'first'}",
                fix="" if len(names) > 1 else f"is the delimiter another one than {delimiter!r}?",
            )
    return names, {line: found[line] for line in lines}


def _column(names: list[str], column: str | int, argument: str) -> int:
    if isinstance(column, int) and -len(names) <= column < len(names):
        return column % len(names)
    if isinstance(column, str) and column in names:
        return names.index(column)
    raise ArgumentError(
        f"CSVDataset: {argument}: got {column!r}, expected one of the {len(names)} columns: {', '.join(names[:20])}"
    )


def _number(path: Any, line: int, name: str, text: str, missing: str) -> float:
    if _is_missing(text):
        if missing == "nan":
            return np.nan
        raise _missing_value(path, line, name, text, 'pass missing="drop" to leave such rows out, or "nan"')
    try:
        return float(text)
    except ValueError:
        raise DataError(
            f"{path}: line {line}, column {name!r}: got {text!r}, expected a number",
            fix=f"name it as categorical=[{name!r}] if it holds names, or leave it out with columns=",
        ) from None


def _missing_value(path: Any, line: int, name: str, text: str, fix: str) -> DataError:
    return DataError(f"{path}: line {line}, column {name!r}: got {text!r}, the value is missing", fix=fix)


def _is_missing(text: str) -> bool:
    return text.lower() in MISSING
