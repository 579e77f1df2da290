"""The training loop: it trains, measures, watches for NaN; its history; what it shows."""

from __future__ import annotations

import csv
import io
import json
import math
import sys

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.data import DataLoader, TensorDataset
from minidl.errors import AnomalyError, ArgumentError, DataError
from minidl.optim import SGD, Adam
from minidl.train import History, Progress, Run, Trainer, accuracy, warm_cosine
from minidl.train.history import summary


def problem(rng, n=60):
    """Two clouds that a line separates."""
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 3)).astype(np.float32) + 3 * y[:, None].astype(np.float32)
    return TensorDataset(x, y)


def trainer(model=None, **options):
    model = model or nn.Linear(3, 2)
    options = {"metrics": {"accuracy": accuracy}, "show": False, **options}
    return Trainer(model, options.pop("optimizer", SGD(model.parameters(), lr=0.5)), nn.CrossEntropyLoss(), **options)


def test_it_trains_and_records(rng):
    minidl.manual_seed(0)
    data, other = problem(rng), problem(rng, 30)
    history = trainer().fit(DataLoader(data, 16, True), DataLoader(other, 30), epochs=5)
    assert len(history) == 5
    assert list(history[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds"]
    assert history.column("epoch") == [1, 2, 3, 4, 5]
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["val_accuracy"] > 0.9
    assert "History(5 epochs; last: loss 0." in repr(history)


def test_means_weigh_batches_by_their_size_and_evaluation_leaves_the_model(rng):
    data = problem(rng, 50)
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    model.train()
    t = trainer(model)
    found = t.evaluate(DataLoader(data, 16))
    whole = t.evaluate(DataLoader(data, 50))
    assert found == pytest.approx(whole, rel=1e-6)
    assert model.training
    x, y = data.tensors
    assert whole["accuracy"] == pytest.approx((model.eval()(x).data.argmax(1) == y.data).mean())
    assert all(p.grad is None for p in model.parameters())


class Watcher(nn.Module):
    """Notes how it is called."""

    def __init__(self):
        self.inner = nn.Linear(3, 2)
        self.calls = []

    def forward(self, x):
        self.calls.append((self.training, minidl.is_grad_enabled(), x.dtype.name))
        return self.inner(x)


def test_modes_and_dtypes(rng):
    model = Watcher().double()
    trainer(model, dtype="float64", device="cpu").fit(DataLoader(problem(rng), 60), DataLoader(problem(rng), 60))
    assert model.calls == [(True, True, "float64"), (False, False, "float64")]


def test_gradients_are_clipped_and_rates_follow_the_schedule(rng):
    rates, norms = [], []
    model = nn.Linear(3, 2)

    class Noting(SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            norms.append(math.sqrt(sum((p.grad.data**2).sum() for p in model.parameters())))
            return super().step(closure)

    optimizer = Noting(model.parameters(), lr=0.5)
    t = trainer(model, optimizer=optimizer, clip_norm=0.01, schedule=lambda progress: 1 - progress)
    t.fit(DataLoader(problem(rng), 30), epochs=2)
    assert rates == [0.5, 0.375, 0.25, 0.125]
    assert max(norms) <= 0.01
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_a_loss_that_becomes_nan_is_named(rng):
    data = problem(rng)
    data.tensors[0].data[40] = np.nan
    with pytest.raises(AnomalyError, match=r"the loss became nan in epoch 1, step 3\n  fix: .*detect_anomaly"):
        trainer().fit(DataLoader(data, 16))


def test_wrong_use(rng):
    data = problem(rng)
    with pytest.raises(ArgumentError, match=r"got 1 epochs of 0 batches.*\n  fix: a smaller batch_size"):
        trainer().fit(DataLoader(data, 100, drop_last=True))
    with pytest.raises(ArgumentError, match="got 0 epochs of 1 batches"):
        trainer().fit(DataLoader(data, 100), epochs=0)
    with pytest.raises(ArgumentError, match="got a batch of type Tensor, expected"):
        trainer().fit(DataLoader(data, 60, transform=lambda batch: batch[0]))
    with pytest.raises(ArgumentError, match="got no batches"):
        trainer().evaluate([])


def test_accuracy_of_classes_anywhere():
    outputs = minidl.tensor([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]])
    assert accuracy(outputs, minidl.tensor([[1, 0], [0, 0]])) == 0.75


def test_warm_cosine():
    factor = warm_cosine(0.2)
    assert [factor(s) for s in (0, 0.1, 0.2, 0.6)] == pytest.approx([0, 0.5, 1, 0.5])
    assert factor(0.999) < 1e-4
    assert warm_cosine(0.0)(0) == 1


# History --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def history():
    h = History()
    h.append({"epoch": 1, "loss": 1.5, "accuracy": 0.5, "lr": 0.1, "seconds": 0.2})
    h.append({"epoch": 2, "loss": 0.5, "accuracy": 0.9, "val_loss": 0.4, "val_accuracy": 0.95, "lr": 0.1, "seconds": 1})
    return h


def test_csv(history, tmp_path):
    history.to_csv(tmp_path / "m.csv")
    rows = list(csv.DictReader((tmp_path / "m.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["loss"] for row in rows] == ["1.5", "0.5"]
    assert [row["val_loss"] for row in rows] == ["", "0.4"]
    assert history.column("val_loss") == [0.4]
    assert [record["epoch"] for record in history] == [1, 2]


def test_plot(history, tmp_path):
    history.plot(tmp_path / "curve.png", title="a title")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    history.plot(tmp_path / "curve.svg")
    assert b"held out" in (tmp_path / "curve.svg").read_bytes()


def test_history_errors(history, tmp_path, monkeypatch):
    with pytest.raises(ArgumentError, match="got the column 'speed', expected one of epoch, loss, accuracy"):
        history.column("speed")
    with pytest.raises(DataError, match=r"cannot write .*No such file or directory"):
        history.to_csv(tmp_path / "none" / "m.csv")
    with pytest.raises(DataError, match="cannot write"):
        history.plot(tmp_path / "curve.nonsense")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(DataError, match="Matplotlib is not installed"):
        history.plot(tmp_path / "curve.png")
    assert repr(History()) == "History(0 epochs; last: no epochs)"


def test_summary(history):
    text = "loss 0.5000  accuracy 90.00 %   held out: loss 0.4000  accuracy 95.00 %"
    assert summary(history[1]) == text
    assert summary(history[0]) == "loss 1.5000  accuracy 50.00 %"


# What is shown --------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(stream, history):
    progress = Progress(2, 3, stream=stream)
    for record in history:
        for _ in range(3):
            progress.step(1.25)
        progress.epoch(record)
    progress.close()
    return stream.getvalue()


def test_lines_where_there_is_no_terminal(history):
    lines = show(io.StringIO(), history).splitlines()
    assert lines[0] == "epoch 1/2 [##########..........] loss 1.5000  accuracy 50.00 %   0.2 s"
    assert lines[1].startswith("epoch 2/2 [####################] loss 0.5000")
    assert len(lines) == 2


def test_a_bar_on_a_terminal(history, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    text = show(Terminal(), history)
    assert "6/6" in text or "loss 1.2500" in text
    assert "epoch 2/2 [####################] loss 0.5000" in text


def test_lines_on_a_terminal_without_tqdm(history, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert len(show(Terminal(), history).splitlines()) == 2


def test_silence(history, capsys):
    progress = Progress(2, 3, show=False)
    progress.step(1.0)
    progress.epoch(history[0])
    progress.close()
    assert capsys.readouterr().out == ""


# Run folders ----------------------------------------------------------------------------------------------------------


def test_a_run_leaves_all_that_is_needed(history, tmp_path):
    run = Run(tmp_path / "deep" / "run")
    run.config({"lr": 0.1, "name": "Größe"})
    model = nn.Linear(3, 2)
    run.finish(model, history, title="t")
    names = {path.name for path in run.folder.iterdir()}
    assert names == {
        "config.json",
        "environment.json",
        "learning-curve.png",
        "metrics.csv",
        "weights.safetensors",
    }
    assert json.loads((run.folder / "config.json").read_text(encoding="utf-8")) == {"lr": 0.1, "name": "Größe"}
    environment = json.loads((run.folder / "environment.json").read_text(encoding="utf-8"))
    assert environment["packages"]["numpy"] == np.__version__
    twin = nn.Linear(3, 2)
    twin.load_state_dict(minidl.load(run.folder / "weights.safetensors"))
    np.testing.assert_array_equal(twin.weight.data, model.weight.data)


def test_older_runs_are_kept(tmp_path, monkeypatch):
    names = [Run(tmp_path / "a").folder.name for _ in range(3)]
    assert names == ["a", "a-2", "a-3"]
    (tmp_path / "empty").mkdir()
    assert Run(tmp_path / "empty").folder.name == "empty"
    (tmp_path / "file").write_text("")
    assert Run(tmp_path / "file").folder.name == "file-2"
    monkeypatch.chdir(tmp_path / "a")
    assert Run(".").folder.name == "a-4"


def test_folders_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        DataError, match=r"cannot make the folder .*: Not a directory\n  fix: choose another with --out"
    ):
        Run(tmp_path / "file" / "run")
    run = Run(tmp_path / "run")
    with pytest.raises(DataError, match="cannot write"):
        run.text("no/such.txt", "")


@pytest.mark.training
def test_the_twenty_line_example_learns_exclusive_or():
    minidl.manual_seed(1)
    x = minidl.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = minidl.tensor([0, 1, 1, 0])
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    t = trainer(model, optimizer=Adam(model.parameters(), lr=0.05))
    history = t.fit(DataLoader(TensorDataset(x, y), 4, True), epochs=100)
    assert history[-1]["accuracy"] == 1
    assert history[-1]["loss"] < 0.05
