"""A multi-layer perceptron: images as plain lists of pixels."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from minidl import nn


class MLP(nn.Module):
    """Linear layers with ReLU between them.

    Shapes: x (N, 1, side, side) → logits (N, classes)
    Args:
        side: height and width of the images. hidden: sizes of the layers between. classes: how many to tell apart.
    """

    def __init__(self, side: int = 8, hidden: tuple[int, ...] = (256, 128), classes: int = 10) -> None:
        sizes = [side * side, *hidden]
        self.hidden = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(sizes)])
        self.output = nn.Linear(sizes[-1], classes)

    def forward(self, x: Any) -> Any:
        x = x.flatten(1)  # (N, side²)
        for layer in self.hidden:
            x = layer(x).relu()  # (N, hidden)
        return self.output(x)  # (N, classes)
