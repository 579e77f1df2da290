"""Handwritten digits that are always there: 1,797 images of 8×8 pixels, in a file beside this one.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998),
https://doi.org/10.24432/C50P49, under CC BY 4.0; the test part of that set, in the copy that scikit-learn carries.
Thirteen people wrote the digits; each pixel counts the dark ones in a block of 4×4 of the scan, hence 0 to 16.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from minidl.errors import DataError
from minidl.tensor import Tensor

from .dataset import Subset, TensorDataset, stratified_split
from .files import read_bytes

BUILT_IN = Path(__file__).with_name("digits.csv.gz")
LARGEST = 16


def load_digits(path: str | PathLike[str] | None = None) -> TensorDataset:
    """The built-in digits, or those of a file in the same format.

    Args:
        path: a CSV file, gzipped or not: on each line the pixels of a square image, 0 to 16, row by row, and then
            the digit.
    Returns:
        Images float32 (N, 1, H, H) between 0 and 1, and labels int64 (N,).
    Raises:
        DataError: the file is missing or not of that kind; names the line.
    """
    table = _read_table(path or BUILT_IN)
    pixels, labels = table[:, :-1], table[:, -1]
    side = round(pixels.shape[1] ** 0.5)
    images = pixels.reshape(-1, 1, side, side).astype(np.float32) / LARGEST  # (N, 1, H, H)
    return TensorDataset(Tensor(images), Tensor(labels.astype(np.int64)))


def split_digits(digits: TensorDataset | None = None, fraction: float = 0.2, *, seed: int = 0) -> tuple[Subset, Subset]:
    """A part to train on and a part held out, with every digit in the same proportion in both.

    Args:
        digits: images and labels; default: the built-in ones.
        fraction: how much to hold out.
        seed: another seed holds out other images.
    """
    digits = load_digits() if digits is None else digits
    kept, held_out = stratified_split(digits.tensors[1], fraction, seed=seed)
    return Subset(digits, kept), Subset(digits, held_out)


def _read_table(path: str | PathLike[str]) -> np.ndarray:
    """The numbers, checked line by line."""
    try:
        lines = read_bytes(path).decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a CSV file of numbers: byte {error.start} is not ASCII") from error
    rows = {number: line.split(",") for number, line in enumerate(lines, 1) if line.strip()}
    columns = len(next(iter(rows.values()), ()))
    side = round(max(columns - 1, 0) ** 0.5)
    if not side or side * side != columns - 1:
        raise DataError(
            f"{path}: the first line has {columns} values, expected the pixels of a square image and the digit, such "
            "as 8 · 8 + 1 = 65"
        )
    for number, row in rows.items():
        if len(row) != columns:
            raise DataError(f"{path}: line {number} has {len(row)} values, expected {columns} as on the first")
        for place, text in enumerate(row, 1):
            largest = LARGEST if place < columns else 9
            text = text.strip()
            if not text.isdecimal() or len(text) > 2 or int(text) > largest:
                what = "a pixel" if place < columns else "the digit"
                raise DataError(f"{path}: line {number}, value {place}: got {text!r}, expected {what}, 0 to {largest}")
    return np.array(list(rows.values()), dtype=np.int64)
