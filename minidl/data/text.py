"""Text as numbers: reading files, characters as a vocabulary, windows to predict the next character in."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DataError, LabelError, ShapeError, describe
from minidl.tensor import Tensor

from .dataset import Dataset
from .files import read_bytes


def read_text(path: str | PathLike[str], encoding: str = "utf-8") -> str:
    """The text in a file, gzipped or not; line ends become newlines, and a byte order mark is left out.

    Raises:
        DataError: the file is missing, empty, or not text in this encoding; says where the first bad byte is.
    """
    data = read_bytes(path)
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        start = error.start
        line = data.count(b"\n", 0, start) + 1
        raise DataError(
            f"{path}: not {encoding} text: byte {start} (line {line}) is {data[start]:#04x}: {error.reason}",
            fix=_guess(data),
        ) from error
    except LookupError as error:
        raise ArgumentError(f"read_text: encoding: got {encoding!r}, which Python does not know") from error
    if not text:
        raise DataError(f"{path}: the file is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return 'it begins as UTF-16 does: pass encoding="utf-16", or save it as UTF-8'
    if b"\0" in data[:4096]:
        return "it has zero bytes and is probably no text at all"
    return 'save it as UTF-8, or name its encoding, such as encoding="cp1252" for old Western European files'


def default_text() -> str:
    """English prose that comes with every Python: the reference manual's topics, as `help()` shows them.

    Just under half a million characters; which, depends on the version of Python, and on nothing else.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:  # some distributions leave it out
        raise DataError(
            "this Python came without pydoc_data, whose text is the default", fix="name a text file of your own"
        ) from error
    return "\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n"


class Vocabulary:
    """The characters of a text, numbered in Unicode order.

    Args:
        text: any text with all the characters; or the characters themselves, as `vocabulary.characters` gives them.
    Attributes:
        characters: all of them, as one string; the number of a character is its place there.
    """

    def __init__(self, text: Iterable[str]) -> None:
        self.characters = "".join(sorted(set(text)))
        if not self.characters:
            raise ArgumentError("Vocabulary: got no characters, expected a text")
        self._codes = _points(self.characters)

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's characters, int64.

        Raises:
            LabelError: a character that is not in the vocabulary.
        """
        points = _points(text)
        places = np.searchsorted(self._codes, points)
        known = self._codes[np.minimum(places, len(self) - 1)] == points
        if not known.all():
            i = int(np.argmin(known))
            raise LabelError(
                f"encode: got {text[i]!r} at position {i}, which is not among the {len(self)} characters known",
                fix="build the vocabulary from all of the text, or leave such characters out",
            )
        return places.astype(np.int64)

    def decode(self, numbers: Any) -> str:
        """The text of a sequence of numbers.

        Raises:
            LabelError: a number outside the vocabulary.
        """
        array = np.asarray(numbers.data if isinstance(numbers, Tensor) else numbers).reshape(-1)
        outside = array[(array < 0) | (array >= len(self))]
        if outside.size:
            raise LabelError(f"decode: got {outside[0]}, expected 0 to {len(self) - 1}")
        return "".join(self.characters[i] for i in array)


def _points(text: str) -> np.ndarray:
    """Unicode code points; characters from outside the basic plane count as one, like in Python."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


class TextWindows(Dataset):
    """Windows over a sequence of numbers, each with the sequence shifted by one: what comes next at every place.

    Shapes: item → inputs (T,), targets (T,) with targets[t] = inputs[t + 1]
    Args:
        codes: the sequence, such as `vocabulary.encode(text)`.
        length: T.
        stride: the distance from one window to the next; default: `length`, so that every character is predicted
            once. What is left over at the end, shorter than a window, is not used.
    Raises:
        ShapeError: the sequence is shorter than one window and its next character.
    """

    def __init__(self, codes: Any, length: int, stride: int | None = None) -> None:
        self.codes = np.asarray(codes.data if isinstance(codes, Tensor) else codes)
        self.length, self.stride = length, stride or length
        if length < 1 or self.stride < 1:
            raise ArgumentError(f"TextWindows: got length {length} and stride {stride}, expected numbers ≥ 1")
        if self.codes.ndim != 1 or len(self.codes) <= length:
            raise ShapeError(
                f"TextWindows: codes: got {describe(self.codes)}, expected one axis with more than {length} numbers",
                fix="use a longer text, or shorter windows",
            )

    def __len__(self) -> int:
        return (len(self.codes) - 1 - self.length) // self.stride + 1

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise LabelError(f"TextWindows: index: got {index}, expected {-len(self)} to {len(self) - 1}")
        inputs, targets = self.gather(np.array([index % len(self)]))
        return Tensor(inputs.data[0]), Tensor(targets.data[0])

    def gather(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        """Windows by number: inputs and targets, each (N, T)."""
        places = (np.asarray(indices) * self.stride)[:, None] + np.arange(self.length)  # (N, T)
        return Tensor(self.codes[places]), Tensor(self.codes[places + 1])
