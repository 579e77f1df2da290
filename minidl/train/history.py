"""What happened in each epoch, as a table, a CSV file and a picture."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from os import PathLike
from typing import Any

from minidl.errors import ArgumentError, DataError

HELD_OUT = "val_"  # how the columns of the validation data begin


class History:
    """One record for each epoch: `history[-1]["val_accuracy"]`, `history.column("loss")`.

    Attributes:
        records: dictionaries with "epoch", "loss", each metric's name, the same with `val_` for the validation data,
            "lr" and "seconds".
    """

    def __init__(self) -> None:
        self.records: list[dict[str, float]] = []

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, epoch: int) -> dict[str, float]:
        return self.records[epoch]

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.records)

    def append(self, record: dict[str, float]) -> None:
        """Add an epoch."""
        self.records.append(record)

    def names(self) -> list[str]:
        """The columns, in the order of their first appearance."""
        return list(dict.fromkeys(name for record in self.records for name in record))

    def column(self, name: str) -> list[float]:
        """One column, for all epochs that have it.

        Raises:
            ArgumentError: no epoch has it.
        """
        if name not in self.names():
            raise ArgumentError(f"history: got the column {name!r}, expected one of {', '.join(self.names())}")
        return [record[name] for record in self.records if name in record]

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the table: a line of names, then a line for each epoch.

        Raises:
            DataError: the file cannot be written.
        """
        try:
            with open(path, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self.names(), lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.records)
        except OSError as error:
            raise DataError(f"history: cannot write {path}: {error.strerror or error}") from error

    def plot(self, path: str | PathLike[str], *, title: str = "") -> None:
        """Draw the learning curves: the loss, and each metric, over the epochs; the kind of picture follows the ending.

        Raises:
            DataError: Matplotlib is missing, or the file cannot be written.
        """
        try:
            from matplotlib.figure import Figure  # without pyplot, which would look for a screen
        except ImportError as error:
            raise DataError("history: plot: Matplotlib is not installed", fix="pip install matplotlib") from error
        metrics = [name for name in self.names() if name not in ("epoch", "lr", "seconds")]
        metrics = list(dict.fromkeys(name.removeprefix(HELD_OUT) for name in metrics))
        figure = Figure(figsize=(4.5 * max(len(metrics), 1), 3.5), layout="constrained")
        for place, name in enumerate(metrics, 1):
            axes = figure.add_subplot(1, len(metrics), place)
            for column, label in ((name, "training"), (HELD_OUT + name, "held out")):
                points = [(r["epoch"], r[column]) for r in self.records if column in r]
                if points:
                    axes.plot(*zip(*points, strict=True), label=label, marker="." if len(points) < 3 else "")
            axes.set(xlabel="epoch", title=name)
            axes.grid(alpha=0.3)
            axes.legend()
        figure.suptitle(title)
        try:
            figure.savefig(path, dpi=120)
        except (OSError, ValueError) as error:  # ValueError: an ending that is no kind of picture
            raise DataError(f"history: cannot write {path}: {error}") from error

    def __repr__(self) -> str:
        last = summary(self.records[-1]) if self.records else "no epochs"
        return f"History({len(self)} epochs; last: {last})"


def summary(record: dict[str, Any]) -> str:
    """A record in one line, for people: `loss 0.0513  accuracy 98.41 %   held out: loss 0.0310  accuracy 99.16 %`."""
    hidden = ("epoch", "lr", "seconds")
    parts = [
        f"{name} {_number(name, value)}"
        for name, value in record.items()
        if name not in hidden and HELD_OUT not in name
    ]
    held = [
        f"{name.removeprefix(HELD_OUT)} {_number(name, value)}" for name, value in record.items() if HELD_OUT in name
    ]
    return "  ".join(parts) + ("   held out: " + "  ".join(held) if held else "")


def _number(name: str, value: float) -> str:
    return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:.4f}"
