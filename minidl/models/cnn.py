"""A small convolutional network."""

from __future__ import annotations

from typing import Any

from minidl import nn
from minidl.nn import functional as F


class CNN(nn.Module):
    """Three convolutions and two halvings of the image, then two linear layers.

    Shapes: x (N, 1, side, side) → logits (N, classes); W = width
    Args:
        side: height and width of the images, at least 4. width: channels of the first convolutions. hidden: size of the
        first linear layer. classes: how many to tell apart.
    """

    def __init__(self, side: int = 8, width: int = 32, hidden: int = 128, classes: int = 10) -> None:
        self.conv1 = nn.Conv2d(1, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv3 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.fc1 = nn.Linear(2 * width * (side // 4) ** 2, hidden)
        self.fc2 = nn.Linear(hidden, classes)

    def forward(self, x: Any) -> Any:
        x = self.conv1(x).relu()  # (N, W, side, side)
        x = self.conv2(x).relu()
        x = F.max_pool2d(x, 2)  # (N, W, side/2, side/2)
        x = self.conv3(x).relu()  # (N, 2W, side/2, side/2)
        x = F.max_pool2d(x, 2).flatten(1)  # (N, 2W · (side/4)²)
        return self.fc2(self.fc1(x).relu())  # (N, classes)
