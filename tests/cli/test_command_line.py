"""The command line: what it prints, what it leaves, and what it says to mistakes."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys

import pytest

import minidl
from minidl.cli import MISTAKE, main
from minidl.models.recipes import RECIPES

QUICK = ["--epochs", "1", "--batch-size", "256"]


@pytest.fixture
def story(tmp_path):
    """A small text, for the Transformer."""
    path = tmp_path / "story.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 90, encoding="utf-8")
    return path


def test_version_and_list(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0 and capsys.readouterr().out == f"minidl {minidl.__version__}\n"
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("digits-mlp", "digits-cnn", "digits-lstm", "text-transformer"))


def test_the_module_runs_too(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["minidl", "list"])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_module("minidl", run_name="__main__")
    assert not exit_.value.code and "digits-mlp" in capsys.readouterr().out


def test_doctor_says_what_there_is(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for word in ("Python", "NumPy", "Numba", "thread", "kernel"):
        assert word.lower() in out.lower()


@pytest.mark.parametrize("recipe", ["digits-mlp", "digits-cnn", "digits-lstm"])
def test_digits_leave_a_run_folder(recipe, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["train", recipe, "--out", str(out), *QUICK]) == 0
    said = capsys.readouterr().out
    assert f"run folder: {out}" in said and "accuracy" in said
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert (config["recipe"], config["epochs"], config["batch_size"]) == (recipe, 1, 256)
    assert (out / "metrics.csv").read_text(encoding="utf-8").startswith("epoch")
    assert (out / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    state = minidl.load(out / "weights.safetensors")
    RECIPES[recipe].model(side=8).load_state_dict(state)


def test_text_leaves_samples(story, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["train", "text-transformer", "--data", str(story), "--out", str(out), "--epochs", "1"]) == 0
    assert "bits per character" in capsys.readouterr().out
    assert (out / "samples.txt").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_bytes_and_no_run_is_lost(tmp_path, capsys):
    out = tmp_path / "run"
    for seed in ("3", "3", "4"):
        assert main(["train", "digits-mlp", "--seed", seed, "--out", str(out), *QUICK]) == 0
    first, again, other = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("run", "run-2", "run-3"))
    assert first == again != other


MISTAKES = {
    "no command": ([], "command"),
    "unknown command": (["trane"], "trane"),
    "unknown recipe": (["train", "digit-cnn"], "did you mean digits-cnn"),
    "epochs": (["train", "digits-mlp", "--epochs", "0"], "'0', expected a whole number from 1 on"),
    "rate": (["train", "digits-mlp", "--lr", "-1"], "expected a number above 0"),
    "seed": (["train", "digits-mlp", "--seed", "x"], "expected a whole number from 0 on"),
    "dtype": (["train", "digits-mlp", "--dtype", "int8"], "float32"),
    "device": (["train", "digits-mlp", "--device", "tpu", *QUICK], "expected 'cpu', 'cuda'"),
    "no such file": (["train", "digits-mlp", "--data", "nowhere.csv", *QUICK], "nowhere.csv"),
    "no such text": (["train", "text-transformer", "--data", "nowhere.txt"], "nowhere.txt"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_without_a_traceback(mistake, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments, fragment = MISTAKES[mistake]
    try:
        status = main(arguments)
    except SystemExit as exit_:
        status = exit_.code
    error = capsys.readouterr().err
    assert status == MISTAKE and fragment in error
    assert error.count("\n") == 1 and "Traceback" not in error


def test_traceback_on_request(tmp_path):
    with pytest.raises(minidl.MinidlError, match="nowhere"):
        main(["train", "digits-mlp", "--data", str(tmp_path / "nowhere.csv"), "--traceback"])


def test_interrupted(monkeypatch, capsys):
    from minidl.cli import recipes

    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipes, "run", interrupt)
    assert main(["list"]) == 130 and "interrupted" in capsys.readouterr().err


def test_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-m", "minidl", "train", "digits-mlp", "--out", "here", *QUICK]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "run folder: " in done.stdout and not done.stderr
    assert (tmp_path / "here" / "weights.safetensors").exists()
