"""ResNet-20 to ResNet-110 for CIFAR-10 on one page, with weights from a file of PyTorch's names.

    python docs/examples/resnet_cifar10.py resnet20.safetensors images.npz

Source: K. He, X. Zhang, S. Ren, J. Sun, Deep residual learning for image recognition (2015), section 4.2: a network of
6n + 2 layers, n = 3, 5, 7, 9, 18, for 20, 32, 44, 56, 110; shortcuts without parameters (option A).
"""

from __future__ import annotations

import sys

import numpy as np

import minidl
from minidl import nn
from minidl.nn import functional as F

MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of the three colours, as in training
STD = np.array([0.229, 0.224, 0.225], np.float32)


class Block(nn.Module):
    """Two convolutions that learn what to add to their input: y = relu(x + f(x)).

    Shapes: (N, C, H, W) → (N, width, H/stride, W/stride)
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.new = stride, width - channels

    def forward(self, x: minidl.Tensor) -> minidl.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(self.shortcut(x) + y)

    def shortcut(self, x: minidl.Tensor) -> minidl.Tensor:
        """Option A: every second pixel, and zeros for the channels that x does not have, half of them on each side."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.new // 2, self.new // 2)) if self.new else x


class ResNet(nn.Module):
    """Three stages of n blocks, with 16, 32 and 64 channels, on 32², 16² and 8² pixels; then the mean, and a line."""

    def __init__(self, layers: int, classes: int = 10) -> None:
        super().__init__()
        n = (layers - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(n)])
        self.layer2 = nn.Sequential(Block(16, 32, 2), *[Block(32, 32, 1) for _ in range(n - 1)])
        self.layer3 = nn.Sequential(Block(32, 64, 2), *[Block(64, 64, 1) for _ in range(n - 1)])
        self.linear = nn.Linear(64, classes)

    def forward(self, x: minidl.Tensor) -> minidl.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))  # (N, 16, 32, 32)
        y = self.layer3(self.layer2(self.layer1(y)))  # (N, 64, 8, 8)
        return self.linear(y.mean((2, 3)))  # (N, classes)


def load(path: str) -> ResNet:
    """The network whose weights are in the file, ready to classify; the number of layers is read off the names."""
    weights = minidl.load(path)
    blocks = sum(name.startswith("layer1.") and name.endswith("conv1.weight") for name in weights)
    model = ResNet(6 * blocks + 2)
    model.load_state_dict(weights)  # by name; anything missing, unexpected or of another shape is an error
    return model.eval()


def classify(model: ResNet, images: np.ndarray, batch_size: int = 250) -> np.ndarray:
    """Images uint8 (N, 32, 32, 3) → logits (N, classes)."""
    logits = []
    with minidl.no_grad():
        for start in range(0, len(images), batch_size):
            x = (images[start : start + batch_size] / np.float32(255) - MEAN) / STD  # (N, 32, 32, 3)
            logits.append(model(minidl.tensor(x.transpose(0, 3, 1, 2))).numpy())  # (N, classes)
    return np.concatenate(logits)


if __name__ == "__main__":
    weights, data = sys.argv[1:]
    arrays = np.load(data)
    right = classify(load(weights), arrays["images"]).argmax(1) == arrays["labels"]
    print(f"{right.mean():.2%} of {len(right)} images are right")
