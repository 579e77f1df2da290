"""Data and places that will not do: one line, status 2, and nothing half-done left behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from minidl.cli import MISTAKE, main

DIGITS = "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,3\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ragged.csv").write_text(DIGITS + "1,2,3\n")
    (tmp_path / "latin.txt").write_bytes("Grüße ".encode("cp1252") * 400)
    (tmp_path / "short.txt").write_text("short")
    (tmp_path / "folder").mkdir()
    (tmp_path / "good.csv").write_text("".join(DIGITS.replace(",3\n", f",{i % 10}\n") for i in range(50)))
    return tmp_path


BAD = {
    "ragged": ("digits-mlp --data ragged.csv", "ragged.csv: line 2 has 3 values, expected 17 as on the first"),
    "folder": ("digits-cnn --data folder", "folder has neither train-images-idx3-ubyte nor"),
    "text for digits": ("digits-lstm --data short.txt", "short.txt: the first line has 1 values"),
    "encoding": ("text-transformer --data latin.txt", "latin.txt: not utf-8 text: byte 2 (line 1) is 0xfc"),
    "short": ("text-transformer --data short.txt", "short.txt: a text of 5 characters"),
    "place": ("digits-mlp --data good.csv --epochs 1 --out good.csv/run", "cannot make the folder"),
    "rate": ("digits-mlp --data good.csv --lr 1e30 --epochs 20", "the loss became nan in epoch"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data(name, files, capsys):
    arguments, message = BAD[name]
    assert main(["train", *arguments.split()]) == MISTAKE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_good_data_of_ones_own(files, capsys):
    assert main("train digits-mlp --data good.csv --epochs 1 --dtype float64".split()) == 0
    assert "50 digits in good.csv; 40 to train on, 10 held out" in capsys.readouterr().out
    assert (files / "runs" / "digits-mlp" / "weights.safetensors").exists()


def test_a_reader_that_goes_away():
    command = f"{sys.executable} -m minidl list | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout.startswith("digits-mlp")
    assert not done.stderr
