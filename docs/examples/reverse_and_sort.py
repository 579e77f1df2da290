"""An encoder and a decoder learn, from nothing but examples, to write sequences of digits backwards and in order.

    python docs/examples/reverse_and_sort.py

A sequence begins with what is to be done: `reverse 3 1 4 1 5` → `5 1 4 1 3`, `sort 3 1 4 1 5` → `1 1 3 4 5`. Sequences
whose digits add up to a multiple of 5 are never seen in training; on 1000 of these the model is judged at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl
from minidl import Tensor, nn
from minidl.nn import functional as F

REVERSE, SORT, BEGIN, END, PAD = range(10, 15)  # tokens 0 to 9 are the digits
LONGEST = 6


def examples(rng: np.random.Generator, count: int, held_out: bool) -> tuple[np.ndarray, np.ndarray]:
    """Questions (count, 7) and answers (count, 8): a task and 3 to 6 digits; BEGIN, digits, END; padded, and
    padding is to be written too."""
    questions, answers = np.full((count, LONGEST + 1), PAD), np.full((count, LONGEST + 2), PAD)
    for question, answer in zip(questions, answers, strict=True):
        while True:
            digits = rng.integers(0, 10, rng.integers(3, LONGEST + 1))
            if (digits.sum() % 5 == 0) == held_out:
                break
        n, task = len(digits), rng.choice([REVERSE, SORT])
        question[: n + 1] = [task, *digits]
        answer[: n + 2] = [BEGIN, *(digits[::-1] if task == REVERSE else np.sort(digits)), END]
    return questions, answers


class Writer(nn.Module):
    """Reads a question and writes the answer: tokens (N, S) and (N, T) → logits (N, T, 15)."""

    def __init__(self, size: int = 64) -> None:
        self.tokens = nn.Embedding(15, size)
        self.places = nn.LearnedPositionalEncoding(size, dropout=0.0, max_len=LONGEST + 2, batch_first=True)
        self.transformer = nn.Transformer(
            size, 4, 2, 2, dim_feedforward=2 * size, dropout=0.0, batch_first=True, norm_first=True
        )
        self.output = nn.Linear(size, 15)
        nn.init.normal_(self.tokens.weight, std=0.5)
        nn.init.normal_(self.places.weight, std=0.5)

    def forward(self, question: Tensor, answer: Tensor) -> Tensor:
        source, target = self.places(self.tokens(question)), self.places(self.tokens(answer))  # (N, S, E), (N, T, E)
        padding = question == PAD  # (N, S)
        y = self.transformer(
            source, target, src_key_padding_mask=padding, memory_key_padding_mask=padding, tgt_is_causal=True
        )
        return self.output(y)  # (N, T, E) → (N, T, 15)

    def write(self, questions: np.ndarray) -> np.ndarray:
        """Answers (N, 8), token by token, each time the likeliest."""
        answers = np.full((len(questions), 1), BEGIN)
        with minidl.no_grad():
            while answers.shape[1] < LONGEST + 2:
                logits = self(minidl.tensor(questions), minidl.tensor(answers))  # (N, t, 15)
                answers = np.column_stack([answers, logits[:, -1].numpy().argmax(1)])
        return answers


def train(steps: int = 1000, batch: int = 100, seed: int = 0, show: Any = print) -> Writer:
    """A writer that has seen steps · batch examples."""
    minidl.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Writer()
    optimizer = minidl.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.98))
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, (step + 1) / 50, (steps - step) / (0.5 * steps))
        questions, answers = examples(rng, batch, held_out=False)
        logits = model(minidl.tensor(questions), minidl.tensor(answers[:, :-1]))  # (N, T, 15)
        loss = F.cross_entropy(logits.flatten(0, 1), minidl.tensor(answers[:, 1:].reshape(-1)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 100 == 0:
            show(f"step {step + 1}: loss {loss.item():.4f}")
    return model.eval()


def judge(model: Writer, count: int = 1000, seed: int = 1) -> float:
    """The share of held-out questions that are answered without a single wrong token."""
    questions, answers = examples(np.random.default_rng(seed), count, held_out=True)
    return float((model.write(questions) == answers).all(axis=1).mean())


if __name__ == "__main__":
    print(f"{judge(train()):.1%} of the held-out questions are answered right")
