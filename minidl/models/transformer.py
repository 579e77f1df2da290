"""A small Transformer that continues a text, one character at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import nn
from minidl.config import no_grad
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor


class Block(nn.Module):
    """One layer: each place looks back at the places before it, then thinks about what it saw.

    Math: x ← x + attention(norm₁(x));  x ← x + fc₂(gelu(fc₁(norm₂(x))))
    Shapes: (N, T, E) → (N, T, E)
    Source: A. Vaswani et al., Attention is all you need (2017), section 3; the norm at the head of each branch, as in
        R. Xiong et al., On layer normalization in the Transformer architecture (2020), so that x itself passes through
        all layers unchanged and needs no slow start.
    """

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        self.norm1 = nn.LayerNorm(size)
        self.attention = nn.MultiheadAttention(size, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(size)
        self.fc1 = nn.Linear(size, 4 * size)
        self.fc2 = nn.Linear(4 * size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Any) -> Any:
        h = self.norm1(x)
        h, _ = self.attention(h, h, h, need_weights=False, is_causal=True)  # (N, T, E)
        x = x + self.dropout(h)
        h = self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))  # (N, T, 4E) → (N, T, E)
        return x + self.dropout(h)


class CharacterTransformer(nn.Module):
    """Predicts at every place of a text which character comes next.

    The vectors of the places begin as waves (Vaswani et al., section 3.5), for which looking back by a fixed distance
    is a rotation. From there the model learns to look at the character before within some hundred steps; from random
    numbers it takes twice as many.

    Shapes: x (N, T) of character numbers, T ≤ context → logits (N, T, V), V = vocabulary, E = size
    Args:
        vocabulary: how many characters there are. context: how far back it can look. size: length of the vector that
        stands for a place. layers, heads: of attention. dropout: probability of dropping a number, in training.
    """

    def __init__(
        self,
        vocabulary: int,
        context: int = 64,
        size: int = 96,
        layers: int = 3,
        heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        self.context = context
        self.characters = nn.Embedding(vocabulary, size)
        self.places = nn.Embedding(context, size)
        self.blocks = nn.ModuleList([Block(size, heads, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(size)
        self.output = nn.Linear(size, vocabulary)
        nn.init.normal_(self.characters.weight, std=0.5)
        self.places.weight.data[:] = 0.5 * nn.functional.sinusoidal_positions(context, size).data

    def forward(self, x: Any) -> Any:
        t = x.shape[1]
        h = self.characters(x) + self.places.weight[:t]  # (N, T, E)
        for block in self.blocks:
            h = block(h)
        return self.output(self.norm(h))  # (N, T, V)

    def generate(
        self, start: Any, length: int, *, temperature: float = 1.0, generator: Generator | None = None
    ) -> np.ndarray:
        """Continue a sequence of character numbers, each drawn from the predicted probabilities.

        Args:
            start: the numbers to continue, at least one. length: how many to add.
            temperature: divides the logits: below 1 keeps to the likely, 0 takes the likeliest.
            generator: where the draws come from; default: the library's stream.
        Returns:
            The numbers added.
        """
        rng = (generator or default_generator).numpy
        device = self.output.weight.device
        numbers = [int(n) for n in np.asarray(getattr(start, "data", start)).reshape(-1)]
        was_training = self.training
        self.eval()
        with no_grad():
            for _ in range(length):
                window = np.array([numbers[-self.context :]])
                logits = self(Tensor(window).to(device))[0, -1].cpu().numpy().astype(np.float64)  # (V,)
                if temperature == 0:
                    numbers.append(int(logits.argmax()))
                    continue
                p = np.exp((logits - logits.max()) / temperature)
                numbers.append(int(rng.choice(len(p), p=p / p.sum())))
        self.train(was_training)
        return np.array(numbers[len(numbers) - length :])
