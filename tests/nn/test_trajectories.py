"""Whole training runs beside PyTorch's: same initial weights, same batches, the losses of 100 steps.

Each model is written once, for whichever library's `nn` it is given: the names and the layouts are the same.
"""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn, optim

pytestmark = [pytest.mark.oracle, pytest.mark.training]
torch = pytest.importorskip("torch")

STEPS = 100


def mlp(nn):
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.Tanh(), nn.Dropout(0.0), nn.Linear(32, 5))


def cnn(nn):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, stride=2), nn.GELU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 5),
    )  # fmt: skip


def recurrent(nn, kind):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, 8)
            self.layers = getattr(nn, kind)(8, 16, num_layers=2, bidirectional=True, batch_first=True)
            self.head = nn.Linear(32, 5)

        def forward(self, x):
            out, _ = self.layers(self.embedding(x))
            return self.head(out[:, -1])

    return Model()


def lstm(nn):
    return recurrent(nn, "LSTM")


def gru(nn):
    return recurrent(nn, "GRU")


def transformer(nn):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
            self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
            self.mlp = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16))

        def forward(self, x, mask):
            n = self.norm1(x)
            x = x + self.attention(n, n, n, attn_mask=mask, need_weights=False)[0]
            return x + self.mlp(self.norm2(x))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, 16)
            self.blocks = nn.ModuleList([Block(), Block()])
            self.head = nn.Linear(16, 5)

        def forward(self, x):
            h = self.embedding(x)
            later = np.triu(np.ones((x.shape[1], x.shape[1]), bool), 1)
            mask = torch.from_numpy(later) if isinstance(h, torch.Tensor) else minidl.from_numpy(later)
            for block in self.blocks:
                h = block(h, mask)
            return self.head(h[:, -1])

    return Model()


def images(rng):
    return rng.normal(size=(16, 1, 12, 12)).astype(np.float32)


def vectors(rng):
    return rng.normal(size=(16, 20)).astype(np.float32)


def tokens(rng):
    return rng.integers(0, 11, (16, 9))


OPTIMIZERS = {
    "sgd": lambda optim, p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4),
    "adam": lambda optim, p: optim.Adam(p, lr=2e-3),
    "adamw": lambda optim, p: optim.AdamW(p, lr=2e-3, weight_decay=0.05),
}
MORE = {  # on the smallest of the models
    "rmsprop": lambda optim, p: optim.RMSprop(p, lr=1e-3, centered=True, momentum=0.5),
    "adagrad": lambda optim, p: optim.Adagrad(p, lr=1e-2, lr_decay=1e-3),
    "adadelta": lambda optim, p: optim.Adadelta(p),
    "adamax": lambda optim, p: optim.Adamax(p),
    "nadam": lambda optim, p: optim.NAdam(p),
    "radam": lambda optim, p: optim.RAdam(p),
    "amsgrad": lambda optim, p: optim.Adam(p, lr=2e-3, amsgrad=True),
}
ALL = OPTIMIZERS | MORE


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    ("make", "draw"),
    [(mlp, vectors), (cnn, images), (lstm, tokens), (gru, tokens), (transformer, tokens)],
    ids=lambda f: f.__name__,
)
def test_losses_follow_pytorch(make, draw, optimizer):
    torch.manual_seed(0)
    theirs, ours = make(torch.nn), make(nn)
    ours.load_state_dict({name: minidl.tensor(value.numpy()) for name, value in theirs.state_dict().items()})
    their_step = ALL[optimizer](torch.optim, theirs.parameters())
    our_step = ALL[optimizer](optim, ours.parameters())
    rng = np.random.default_rng(1)
    batches = [(draw(rng), rng.integers(0, 5, 16)) for _ in range(10)]
    losses = []
    for step in range(STEPS):
        x, t = batches[step % len(batches)]
        their_loss = torch.nn.CrossEntropyLoss()(theirs(torch.from_numpy(x)), torch.from_numpy(t))
        their_step.zero_grad()
        their_loss.backward()
        their_step.step()
        our_loss = nn.CrossEntropyLoss()(ours(minidl.from_numpy(x)), minidl.from_numpy(t))
        our_step.zero_grad()
        our_loss.backward()
        our_step.step()
        losses.append((our_loss.item(), their_loss.item()))
    ours_all, theirs_all = np.array(losses).T
    np.testing.assert_allclose(ours_all, theirs_all, rtol=1e-3)
    assert theirs_all[-10:].mean() < 0.98 * theirs_all[:10].mean()  # it did learn, so the path was trodden


@pytest.mark.parametrize("optimizer", MORE)
def test_losses_follow_pytorch_with_the_other_optimizers(optimizer):
    test_losses_follow_pytorch(mlp, vectors, optimizer)
