"""The recipes as they are: what they reach on what was held out."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from minidl.cli import main

pytestmark = pytest.mark.training


def result(folder: Path, column: str) -> float:
    """A column's value after the last epoch."""
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return float(list(csv.DictReader(file))[-1][column])


@pytest.mark.parametrize(("recipe", "least"), [("digits-mlp", 0.965), ("digits-cnn", 0.985), ("digits-lstm", 0.97)])
def test_digits(recipe, least, tmp_path):
    assert main(["train", recipe, "--out", str(tmp_path / "run")]) == 0
    assert result(tmp_path / "run", "val_accuracy") >= least


@pytest.mark.slow
def test_text(tmp_path):
    assert main(["train", "text-transformer", "--out", str(tmp_path / "run")]) == 0
    assert result(tmp_path / "run", "val_loss") / 0.6931472 <= 2.6  # nats to bits per character
