"""Tables in Markdown, results in JSON, and the tables of docs/performance.md between their markers."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .harness import CheckFailed, Spread

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs" / "performance.md"


class Table:
    """Rows of text for people, and beside them the records that they were made of."""

    def __init__(self, name: str, header: Sequence[str], numbers: int) -> None:
        self.name, self.header, self.numbers = name, list(header), numbers  # the last columns hold numbers
        self.rows: list[list[str]] = []
        self.records: list[Any] = []
        self.failures: list[str] = []

    @contextmanager
    def surviving(self) -> Iterator[None]:
        """Note a failed check, and go on: the others are still worth measuring."""
        try:
            yield
        except CheckFailed as error:
            print(f"CHECK FAILED: {error}", file=sys.stderr, flush=True)
            self.failures.append(str(error))

    def add(self, *cells: str, record: Any) -> None:
        """One row, and what it says in full."""
        self.rows.append(list(cells))
        self.records.append(record)

    def markdown(self) -> str:
        """Columns padded, so that the table reads as plain text too; numbers flush right."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        right = [i >= len(self.header) - self.numbers for i in range(len(self.header))]
        rule = ["-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True)]
        return "\n".join(
            "| "
            + " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
            + " |"
            for line in (self.header, rule, *self.rows)
        )


def milliseconds(times: Sequence[float] | None) -> str:
    """The median, in milliseconds with three digits."""
    return "–" if times is None else digits(Spread.of(times).median * 1e3)


def times_faster(ratio: Spread | None) -> str:
    """The median of the ratios, and their quartiles."""
    return "–" if ratio is None else f"{digits(ratio.median)} ({digits(ratio.low)}–{digits(ratio.high)})"


def digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{float(f'{value:.3g}'):f}".rstrip("0").rstrip(".")


def save(name: str, facts: dict[str, Any], tables: Sequence[Table]) -> Path:
    """Everything measured, as JSON, in benchmarks/results."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{facts['date'].replace(':', '')}.json"
    content = {"machine": facts} | {table.name: table.records for table in tables}
    path.write_text(
        json.dumps(content, indent=1, default=lambda value: f"array {getattr(value, 'shape', value)}") + "\n"
    )
    return path


def write_docs(path: Path, facts: str, tables: Sequence[Table]) -> list[str]:
    """Put each table between its markers, with the facts above it; returns the names of those replaced.

    The markers are `<!-- table: name -->` and `<!-- end -->`.
    """
    text, replaced = path.read_text(), []
    for table in tables:
        block = f"<!-- table: {table.name} -->\n{facts}\n\n{table.markdown()}\n<!-- end -->"
        pattern = rf"<!-- table: {re.escape(table.name)} -->.*?<!-- end -->"
        text, count = re.subn(pattern, lambda _, block=block: block, text, flags=re.DOTALL)
        replaced += [table.name] * bool(count)
    path.write_text(text)
    return replaced
