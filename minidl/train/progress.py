"""How far the training is: a bar on a terminal, a line for each epoch anywhere else."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from .history import summary

WIDTH = 20


class Progress:
    """Shows a training as it goes. On a terminal, where tqdm is installed: one bar for all steps, with the loss.

    Args:
        epochs: how many there will be. steps: how many batches each has. show: False prints nothing.
        stream: where to print; default: `sys.stdout`.
    """

    def __init__(self, epochs: int, steps: int, *, show: bool = True, stream: TextIO | None = None) -> None:
        self.epochs, self.show, self.stream = epochs, show, stream or sys.stdout
        self.bar: Any = None
        if show and self.stream.isatty():
            try:
                from tqdm import tqdm

                self.bar = tqdm(total=epochs * steps, unit="step", dynamic_ncols=True, leave=False, file=self.stream)
            except ImportError:
                pass

    def step(self, loss: float) -> None:
        """A batch is done."""
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            self.bar.update()

    def epoch(self, record: dict[str, float]) -> None:
        """An epoch is done: print its record."""
        if not self.show:
            return
        epoch = int(record["epoch"])
        done = WIDTH * epoch // self.epochs
        count = f"{epoch:{len(str(self.epochs))}}/{self.epochs}"
        line = f"epoch {count} [{'#' * done}{'.' * (WIDTH - done)}] {summary(record)}   {record['seconds']:.1f} s"
        if self.bar is not None:
            self.bar.write(line, file=self.stream)
        else:
            print(line, file=self.stream, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()
