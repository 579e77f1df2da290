"""Every mistake in the table is met by an error that names the argument, what came, what was expected, and the fix."""

import numpy as np
import pytest

import minidl
from minidl import cli, errors, operation

from .mistakes import BUILT_IN, all_rows

ROWS = all_rows()

COMMANDS = {
    "": ("arguments are required: command", "--help"),
    "fly": ("'fly'", "'train', 'list', 'doctor'", "--help"),
    "train": ("arguments are required: recipe", "minidl train --help"),
    "train nope": ("recipe: got 'nope'", "digits-mlp, digits-cnn"),
    "train digits-mlp --epochs x": ("--epochs: got 'x'", "whole number from 1 on"),
    "train digits-mlp --lr -1": ("--lr: got '-1'", "above 0"),
    "train digits-mlp --dtype float16": ("--dtype", "'float16'", "'float32', 'float64'"),
    "train digits-mlp --device gpu": ("device: got 'gpu'", "'cpu', 'cuda'"),
    "train digits-mlp --data {folder}/none": ("cannot read", "none", "check the path"),
    "train text-transformer --data {folder}/none.txt": ("cannot read", "none.txt", "check the path"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_message(row, tmp_path):
    with pytest.raises(errors.MinidlError) as caught:
        row.call(tmp_path)
    assert type(caught.value) is row.kind and isinstance(caught.value, BUILT_IN[row.kind])
    for fragment in row.fragments:
        assert fragment in str(caught.value), str(caught.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line(command, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        status = cli.main(command.format(folder=tmp_path).split())
    except SystemExit as stopped:
        status = stopped.code
    text = capsys.readouterr().err
    assert status == 2 and text.count("\n") == 1 and text.startswith("minidl")
    for fragment in COMMANDS[command]:
        assert fragment in text, text


def test_two_devices(monkeypatch):
    """Without a GPU nearby, one array says that it lies on one."""
    x, far = np.ones((2, 3)), np.ones(4)
    monkeypatch.setattr(operation, "device_of", lambda array: "cuda:0" if array.shape == far.shape else "cpu")
    with pytest.raises(
        errors.DeviceError, match=r"add: inputs on different devices; got x: .*, w: .*[\s\S]*\.to\(device\)"
    ):
        minidl.tensor(x) + minidl.tensor(far)


def test_there_are_many():
    assert len(ROWS) + len(COMMANDS) >= 500
    assert set(BUILT_IN) - {row.kind for row in ROWS.values()} <= {errors.AnomalyError}  # which has tests of its own
