"""Whole training steps: models, batches and losses, written once for every library that speaks PyTorch's names.

`nn` is `minidl.nn` or `torch.nn`: the text of a model is the same, and so are the names of its weights.
N: batch.  T: steps of a sequence.  V: vocabulary.  D: width.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]


class Workload(NamedTuple):
    """A model, its data, and how much arithmetic a step needs.

    Attributes:
        model: `nn` → the module.
        batch: generator → (inputs, targets): class numbers, or numbers for a squared error.
        flops: multiplications and additions of a step: forward, weight gradients, and input gradients but the first.
    """

    model: Callable[[Any], Any]
    batch: Callable[[np.random.Generator], Batch]
    flops: float


# Dense ----------------------------------------------------------------------------------------------------------------


def mlp(n: int, *sizes: int, activation: str = "ReLU") -> Workload:
    """A stack of dense layers; one output means regression."""

    def model(nn: Any) -> Any:
        layers = []
        for i, o in pairwise(sizes):
            layers += [nn.Linear(i, o), getattr(nn, activation)()]
        return nn.Sequential(*layers[:-1])

    def batch(rng: np.random.Generator) -> Batch:
        x = rng.standard_normal((n, sizes[0]), np.float32)
        return x, rng.standard_normal((n, 1), np.float32) if sizes[-1] == 1 else rng.integers(0, sizes[-1], n)

    products = [2 * n * i * o for i, o in pairwise(sizes)]
    return Workload(model, batch, 3 * sum(products) - products[0])


# Convolutional --------------------------------------------------------------------------------------------------------


def lenet(n: int) -> Workload:
    """Two convolutions with pooling, two dense layers; for 1 × 28 × 28."""
    first, second = 2 * 784 * 9 * 16, 2 * 196 * 144 * 32
    flops = n * (3 * (first + second + 2 * (1568 * 128 + 1280)) - first)
    return Workload(_lenet, images(n, 1, 28, 28), flops)


def _lenet(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def resnet(n: int) -> Workload:
    """Residual blocks at two scales with batch norm, for 3 × 32 × 32."""
    stem, first, down, second = 2 * 1024 * 27 * 32, 4 * 2 * 1024 * 288 * 32, 2 * 256 * 288 * 64, 4 * 2 * 256 * 576 * 64
    return Workload(_resnet, images(n, 3, 32, 32), n * (3 * (stem + first + down + second + 2 * 640) - stem))


def _resnet(nn: Any) -> Any:
    class Block(nn.Module):
        def __init__(self, c: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
            self.conv2, self.bn2 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)

        def forward(self, x: Any) -> Any:
            y = self.bn1(self.conv1(x)).relu()
            return (x + self.bn2(self.conv2(y))).relu()

    def scale(c: int, o: int, stride: int) -> list[Any]:
        return [
            nn.Conv2d(c, o, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(o),
            nn.ReLU(),
            Block(o),
            Block(o),
        ]

    return nn.Sequential(*scale(3, 32, 1), *scale(32, 64, 2), nn.AvgPool2d(16), nn.Flatten(), nn.Linear(64, 10))


def images(n: int, *shape: int) -> Callable[[np.random.Generator], Batch]:
    """Noise in ten classes."""
    return lambda rng: (rng.standard_normal((n, *shape), np.float32), rng.integers(0, 10, n))


# Sequences ------------------------------------------------------------------------------------------------------------


def characters(n: int, t: int, v: int, time_first: bool) -> Callable[[np.random.Generator], Batch]:
    """Characters, each with a next one to guess."""
    shape = (t, n) if time_first else (n, t)
    return lambda rng: (rng.integers(0, v, shape), rng.integers(0, v, shape))


def char_lstm(n: int, *, v: int, d: int, h: int, layers: int, t: int) -> Workload:
    """A language model of characters: embedding, LSTM, dense."""

    def model(nn: Any) -> Any:
        class CharLSTM(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.embedding = nn.Embedding(v, d)
                self.lstm = nn.LSTM(d, h, layers)
                self.head = nn.Linear(h, v)

            def forward(self, i: Any) -> Any:
                y, _ = self.lstm(self.embedding(i))  # (T, N, H)
                return self.head(y)  # (T, N, V)

        return CharLSTM()

    recurrent = sum(8 * t * n * h * ((h if layer else d) + h) for layer in range(layers))
    return Workload(model, characters(n, t, v, time_first=True), 3 * (recurrent + 2 * t * n * h * v))


def gpt(n: int, *, v: int, d: int, heads: int, layers: int, t: int) -> Workload:
    """A small GPT: blocks of causal attention and a dense pair, each behind a layer norm."""

    def model(nn: Any) -> Any:
        class Attention(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)

            def forward(self, x: Any) -> Any:
                q, k, v = (
                    self.qkv(x)
                    .reshape(-1, t, 3, heads, d // heads)
                    .permute(2, 0, 3, 1, 4)  # 3 × (N, heads, T, D/heads)
                )
                y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
                return self.out(y.transpose(1, 2).reshape(-1, t, d))  # (N, T, D)

        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.norm1, self.attention = nn.LayerNorm(d), Attention()
                self.norm2 = nn.LayerNorm(d)
                self.dense = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

            def forward(self, x: Any) -> Any:
                x = x + self.attention(self.norm1(x))
                return x + self.dense(self.norm2(x))

        class GPT(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.tokens, self.places = nn.Embedding(v, d), nn.Embedding(t, d)
                self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
                self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, v)

            def forward(self, i: Any) -> Any:
                x = self.tokens(i) + self.places.weight  # (N, T, D)
                return self.head(self.norm(self.blocks(x)))  # (N, T, V)

        return GPT()

    dense = layers * 2 * n * t * 12 * d * d + 2 * n * t * d * v
    attention = layers * 2 * n * t * t * d  # the causal half of 4 N T² D
    return Workload(model, characters(n, t, v, time_first=False), 3 * dense + 3.5 * attention)


# Name → the batch it is measured with, and the workload for any batch.
WORKLOADS: dict[str, tuple[int, Callable[[int], Workload]]] = {
    "mlp-tiny": (32, lambda n: mlp(n, 2, 16, 16, 1, activation="Tanh")),
    "mlp": (128, lambda n: mlp(n, 784, 256, 128, 10)),
    "lenet": (64, lenet),
    "resnet": (64, resnet),
    "lstm": (32, lambda n: char_lstm(n, v=96, d=128, h=256, layers=1, t=64)),
    "gpt": (16, lambda n: gpt(n, v=96, d=256, heads=4, layers=4, t=128)),
}


def workload(name: str, n: int | None = None) -> Workload:
    """The workload of that name, with a batch of n."""
    usual, make = WORKLOADS[name]
    return make(usual if n is None else n)
