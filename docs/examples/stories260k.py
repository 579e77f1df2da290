"""A language model that tells stories, on one page, with weights from a file of LLaMA's names.

    python docs/examples/stories260k.py folder ["Once upon a time"]

The folder holds config.json, stories260K.safetensors and tok512.bin: A. Karpathy's tinyllamas, 260,032 parameters that
were trained on stories for small children. The architecture is that of the large models.

Source: H. Touvron et al., LLaMA: open and efficient foundation language models (2023), section 2.2; for grouped heads,
J. Ainslie et al., GQA (2023); for the feed-forward layer, N. Shazeer, GLU variants improve Transformer (2020).
"""

from __future__ import annotations

import json
import struct
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import minidl
from minidl import Tensor, nn
from minidl.nn import functional as F

BEGIN, END = 1, 2  # tokens that stand around a story


class Attention(nn.Module):
    """Every place looks back, in several heads; groups of them share their keys and values.

    Shapes: (N, T, E) → the same; H heads of size D, G groups: H · D = E
    """

    def __init__(self, size: int, heads: int, groups: int, base: float) -> None:
        self.head_size = size // heads
        self.wq = nn.Linear(size, heads * self.head_size, bias=False)
        self.wk = nn.Linear(size, groups * self.head_size, bias=False)
        self.wv = nn.Linear(size, groups * self.head_size, bias=False)
        self.wo = nn.Linear(heads * self.head_size, size, bias=False)
        self.turn = nn.RotaryEmbedding(self.head_size, base, interleaved=True)

    def forward(self, x: Tensor) -> Tensor:
        n, t, _ = x.shape
        q, k, v = (w(x).reshape(n, t, -1, self.head_size).transpose(1, 2) for w in (self.wq, self.wk, self.wv))
        q, k = self.turn(q), self.turn(k)  # (N, H, T, D), (N, G, T, D)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)  # (N, H, T, D)
        return self.wo(y.transpose(1, 2).reshape(n, t, -1))


class FeedForward(nn.Module):
    """SwiGLU: one projection opens and shuts the gates of another. (N, T, E) → the same."""

    def __init__(self, size: int, hidden: int) -> None:
        self.w1 = nn.Linear(size, hidden, bias=False)
        self.w2 = nn.Linear(hidden, size, bias=False)
        self.w3 = nn.Linear(size, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Block(nn.Module):
    """Look back, then think about what was seen; each adds to x. (N, T, E) → the same."""

    def __init__(self, config: dict[str, Any]) -> None:
        size, eps = config["dim"], config["norm_eps"]
        self.attention_norm, self.ffn_norm = nn.RMSNorm(size, eps), nn.RMSNorm(size, eps)
        self.attention = Attention(size, config["n_heads"], config["n_kv_heads"], config["rope_theta"])
        self.feed_forward = FeedForward(size, config["hidden_dim"])

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.ffn_norm(x))


class Llama(nn.Module):
    """Predicts at every place which token comes next: numbers (N, T) → logits (N, T, V)."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.tok_embeddings = nn.Embedding(config["vocab_size"], config["dim"])
        self.layers = nn.ModuleList([Block(config) for _ in range(config["n_layers"])])
        self.norm = nn.RMSNorm(config["dim"], config["norm_eps"])

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tok_embeddings(tokens)  # (N, T, E)
        for layer in self.layers:
            x = layer(x)
        return F.linear(self.norm(x), self.tok_embeddings.weight)  # (N, T, V), by the vectors that came in

    def continue_greedily(self, tokens: list[int], steps: int) -> list[int]:
        """The tokens and those that follow, always the likeliest, until the story ends."""
        tokens = list(tokens)
        with minidl.no_grad():
            while steps > 0 and tokens[-1] != END:
                tokens.append(int(self(minidl.tensor([tokens]))[0, -1].argmax().item()))
                steps -= 1
        return tokens


class Vocabulary:
    """Byte-pair encoding: the pieces of text that have numbers, each with a score for how early it was found."""

    def __init__(self, path: Path) -> None:
        data, at, self.pieces, self.scores = path.read_bytes(), 4, [], []
        while at < len(data):
            score, length = struct.unpack_from("<fi", data, at)
            self.pieces.append(data[at + 8 : at + 8 + length])
            self.scores.append(score)
            at += 8 + length
        self.numbers = {piece: number for number, piece in enumerate(self.pieces)}

    def encode(self, text: str) -> list[int]:
        """Characters, or bytes where one has no number; then the best pair becomes one piece, again and again."""
        tokens = [BEGIN]
        for character in " " + text:
            piece = character.encode()
            tokens += [self.numbers[piece]] if piece in self.numbers else [3 + byte for byte in piece]
        while True:
            pairs = [self.pieces[a] + self.pieces[b] for a, b in pairwise(tokens)]
            known = [(self.scores[self.numbers[p]], -i) for i, p in enumerate(pairs) if p in self.numbers]
            if not known:
                return tokens
            i = -max(known)[1]
            tokens[i : i + 2] = [self.numbers[pairs[i]]]

    def decode(self, tokens: list[int]) -> str:
        """Tokens 3 to 258 are the 256 bytes."""
        pieces = [bytes([n - 3]) if 3 <= n < 259 else self.pieces[n] for n in tokens if n not in (BEGIN, END)]
        return b"".join(pieces).decode(errors="replace").removeprefix(" ")


def load(folder: Path) -> tuple[Llama, Vocabulary]:
    """The model with its weights, ready to tell, and its vocabulary."""
    model = Llama(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    model.load_state_dict(minidl.load(folder / "stories260K.safetensors"))  # by name; what does not fit is an error
    return model.eval(), Vocabulary(folder / "tok512.bin")


if __name__ == "__main__":
    model, vocabulary = load(Path(sys.argv[1]))
    start = vocabulary.encode(sys.argv[2]) if len(sys.argv) > 2 else [BEGIN]
    print(vocabulary.decode(model.continue_greedily(start, 200)))
