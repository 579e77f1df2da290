"""MNIST, the real one: a network like LeNet reads 99 of 100 digits of people it has never seen."""

from __future__ import annotations

from pathlib import Path

import pytest

import minidl
from minidl import nn
from minidl.data import DataLoader, RandomAffine, load_mnist
from minidl.optim import AdamW
from minidl.train import Trainer, accuracy, warm_cosine

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


def lenet():
    """Y. LeCun et al., Gradient-based learning applied to document recognition (1998), figure 2, with today's parts."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),  # (N, 16, 28, 28)
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5),  # (N, 32, 10, 10)
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),  # (N, 32 · 5 · 5)
        nn.Linear(800, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


@pytest.mark.slow
@pytest.mark.training
@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST is not here")
def test_lenet_reaches_99_percent_on_mnist_in_five_epochs():
    minidl.manual_seed(0)
    shift = RandomAffine(degrees=8, shift=1.5, scale=0.08)
    train = DataLoader(load_mnist(MNIST), 64, True, transform=lambda batch: (shift(batch[0]), batch[1]))
    test = DataLoader(load_mnist(MNIST, "test"), 500)
    model = lenet()
    trainer = Trainer(
        model,
        AdamW(model.parameters(), lr=2e-3),
        nn.CrossEntropyLoss(),
        metrics={"accuracy": accuracy},
        schedule=warm_cosine(0.05),
    )
    history = trainer.fit(train, test, epochs=5)
    assert history[-1]["val_accuracy"] >= 0.99
