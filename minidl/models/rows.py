"""An LSTM that reads an image row by row, as if it were a sentence of rows."""

from __future__ import annotations

from typing import Any

from minidl import nn


class RowsLSTM(nn.Module):
    """An LSTM over the rows from top to bottom, and a linear layer on its last state.

    Shapes: x (N, 1, side, side) → logits (N, classes); T = D = side, H = hidden
    Args:
        side: height and width of the images. hidden: size of the state. layers: how many LSTMs stand on each other.
        classes: how many to tell apart.
    """

    def __init__(self, side: int = 8, hidden: int = 128, layers: int = 1, classes: int = 10) -> None:
        self.lstm = nn.LSTM(side, hidden, layers)
        self.output = nn.Linear(hidden, classes)

    def forward(self, x: Any) -> Any:
        rows = x.squeeze(1).permute(1, 0, 2)  # (N, 1, T, D) → (T, N, D)
        _, (h, _) = self.lstm(rows)  # (layers, N, H)
        return self.output(h[-1])  # (N, classes)
