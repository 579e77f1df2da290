"""What `minidl train` can train: for each recipe its data, its model, and the numbers that make it work."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from minidl.data import (
    RandomAffine,
    TextWindows,
    Vocabulary,
    default_text,
    load_digits,
    load_mnist,
    read_text,
    split_digits,
)
from minidl.errors import DataError
from minidl.nn import Module
from minidl.nn import functional as F
from minidl.tensor import Tensor

from .cnn import CNN
from .mlp import MLP
from .rows import RowsLSTM
from .transformer import CharacterTransformer

CONTEXT = 64  # characters that the Transformer can look back


class Problem(NamedTuple):
    """Data to train on, data held out, and what the model has to know of them."""

    train: Any
    held_out: Any
    sizes: dict[str, int]  # keyword arguments of the model that follow from the data
    source: str  # in words
    vocabulary: Vocabulary | None = None


class Recipe(NamedTuple):
    """A model, its data, and defaults found by trying: enough for good results with room to spare."""

    name: str
    summary: str
    load: Callable[[str | None], Problem]
    model: Callable[..., Module]
    epochs: int
    batch_size: int
    lr: float
    weight_decay: float = 0.05
    clip_norm: float | None = None
    augment: Callable[[tuple[Tensor, Tensor]], tuple[Tensor, Tensor]] | None = None

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy, over all places where there are several."""
        return F.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1))


# Digits ---------------------------------------------------------------------------------------------------------------


def load_images(path: str | None) -> Problem:
    """The built-in digits or a CSV file like theirs, of which a fifth is held out; or a folder with MNIST's files."""
    if path is not None and Path(path).is_dir():
        mnist = load_mnist(path, "train")
        side, source = _side(mnist.tensors[0]), f"{len(mnist)} images in {path}"
        return Problem(mnist, load_mnist(path, "test"), {"side": side}, source)
    digits = load_digits(path)
    train, held_out = split_digits(digits)
    source = f"{len(digits)} digits {'that come with minidl' if path is None else f'in {path}'}"
    return Problem(train, held_out, {"side": _side(digits.tensors[0])}, source)


def _side(images: Tensor) -> int:
    height, width = images.shape[2:]
    if height != width or height < 4:
        raise DataError(f"images of {height} × {width} pixels, expected squares of at least 4 × 4")
    return int(height)


def turn_and_shift(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Each image turned by up to 12°, shifted by up to 0.7 pixels and stretched by up to 15 %: still the same digit."""
    images, labels = batch
    return RandomAffine(degrees=12, shift=0.7, scale=0.15)(images), labels


# Text -----------------------------------------------------------------------------------------------------------------


def load_text(path: str | None) -> Problem:
    """Characters of a text: the first nine tenths to train on, the last held out."""
    text = default_text() if path is None else read_text(path)
    if len(text) < 20 * CONTEXT:
        raise DataError(f"{path}: a text of {len(text)} characters, expected at least {20 * CONTEXT}")
    vocabulary = Vocabulary(text)
    codes = vocabulary.encode(text)
    border = len(codes) * 9 // 10
    train = TextWindows(codes[:border], CONTEXT, stride=CONTEXT)
    held_out = TextWindows(codes[border:], CONTEXT)
    source = "the reference manual that comes with Python" if path is None else path
    source = f"{source}: {len(text):,} characters, {len(vocabulary)} different ones"
    return Problem(train, held_out, {"vocabulary": len(vocabulary), "context": CONTEXT}, source, vocabulary)


def bits_per_character(loss: float) -> float:
    """Cross-entropy in bits instead of nats: how many yes-or-no answers the next character still costs."""
    return loss / math.log(2)


def write_samples(model: CharacterTransformer, problem: Problem, *, count: int = 2, length: int = 400) -> list[str]:
    """Continuations of pieces of the held-out text, from several places in it; each after what it continues."""
    assert problem.vocabulary is not None
    samples = []
    for i in range(count):
        start, _ = problem.held_out[i * len(problem.held_out) // count]
        added = model.generate(start, length, temperature=0.6)
        samples.append(f"{problem.vocabulary.decode(start)}⟶{problem.vocabulary.decode(added)}")
    return samples


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "digits-mlp",
            "handwritten digits, each image as a list of pixels: a multi-layer perceptron",
            load=load_images,
            model=MLP,
            epochs=80,
            batch_size=32,
            lr=2e-3,
            augment=turn_and_shift,
        ),
        Recipe(
            "digits-cnn",
            "handwritten digits: a small convolutional network",
            load=load_images,
            model=CNN,
            epochs=30,
            batch_size=32,
            lr=3e-3,
            augment=turn_and_shift,
        ),
        Recipe(
            "digits-lstm",
            "handwritten digits, each image read as a sequence of rows: an LSTM",
            load=load_images,
            model=RowsLSTM,
            epochs=60,
            batch_size=32,
            lr=4e-3,
            clip_norm=1.0,
            augment=turn_and_shift,
        ),
        Recipe(
            "text-transformer",
            "the next character of a text: a small Transformer, which then writes samples",
            load=load_text,
            model=CharacterTransformer,
            epochs=6,
            batch_size=32,
            lr=4e-3,
            clip_norm=1.0,
        ),
    )
}
