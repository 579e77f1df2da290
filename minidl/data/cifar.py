"""CIFAR-10: 60,000 colour images of 32 × 32 pixels in ten classes.

Source: A. Krizhevsky, Learning multiple layers of features from tiny images (2009). Published as pickles of Python 2
(`cifar-10-python.tar.gz`) and in a binary format (`cifar-10-binary.tar.gz`): for each image a byte with its class, then
1,024 bytes of red, of green and of blue, row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from minidl.errors import DataError
from minidl.tensor import Tensor

from .dataset import Dataset, _place
from .files import read_bytes
from .pickles import read_pickle

FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin")
ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz")
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32


class CIFAR10(Dataset):
    """CIFAR-10 from files that are already there; nothing is downloaded.

    Shapes: item → image uint8 (3, 32, 32), class as an int
    Args:
        root: a folder with the published files, or one that holds that folder or the `.tar.gz`; or the `.tar.gz`.
        train: the five batches to train on; False: the one to test on.
        transform: image → image, such as `transforms.ToDtype("float32", scale=True)`.
        target_transform: class → anything.
    Attributes:
        data: the images, uint8 (N, 3, 32, 32). targets: the classes, int64 (N,). classes: their names.
    Raises:
        DataError: a file is missing or damaged, or its pickle holds more than data.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.transform, self.target_transform = transform, target_transform
        files, binary = _find(Path(root))
        stems = [f"data_batch_{i}" for i in range(1, 6)] if train else ["test_batch"]
        parts = []
        for stem in stems:
            name = f"{stem}.bin" if binary else stem
            if name not in files:
                raise DataError(f"{root}: got no {name}, expected {', '.join(stems)}", fix="unpack the archive again")
            path, read = files[name]
            parts.append((_from_binary if binary else _from_pickle)(read(), path))
        self.data = np.concatenate([images for images, _ in parts])  # (N, 3, 32, 32)
        self.targets = np.concatenate([labels for _, labels in parts])
        self.classes = list(CLASSES)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        if transform is None and target_transform is None:
            self.gather = lambda places: (Tensor(self.data[places]), Tensor(self.targets[places]))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        place = _place("CIFAR10", index, len(self))
        image, label = self.data[place], int(self.targets[place])
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )


def _find(root: Path) -> tuple[dict[str, tuple[str, Callable[[], bytes]]], bool]:
    """The files by name, each with where it is and how to read it; and whether they are the binary ones."""
    places = [root, *(root / name for name in FOLDERS + ARCHIVES)]
    for place in places:
        if place.is_file():
            files = _in_archive(place)
        elif place.is_dir():
            files = {path.name: (str(path), partial(read_bytes, path)) for path in place.iterdir()}
        else:
            continue
        if "test_batch" in files or "data_batch_1" in files:
            return files, False
        if "test_batch.bin" in files or "data_batch_1.bin" in files:
            return files, True
    raise DataError(
        f"{root}: got neither data_batch_1 nor data_batch_1.bin, expected CIFAR-10's files, {' or '.join(ARCHIVES)}",
        fix="download one of these from the data set's page, and name its folder",
    )


def _in_archive(path: Path) -> dict[str, tuple[str, Callable[[], bytes]]]:
    """The files of a `.tar.gz`, in memory: nothing is unpacked onto the disk."""
    import tarfile

    try:
        with tarfile.open(path) as archive:
            members = [m for m in archive.getmembers() if m.isfile() and "_batch" in m.name]
            contents = {Path(m.name).name: archive.extractfile(m).read() for m in members}  # type: ignore[union-attr]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path}: not a whole .tar.gz file: {error}", fix="download it again") from error
    return {name: (f"{path}: {name}", partial(bytes, data)) for name, data in contents.items()}


def _from_pickle(data: bytes, path: str) -> tuple[np.ndarray, np.ndarray]:
    content = read_pickle(data, path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: got a pickled {type(content).__name__}, expected a dictionary with data and labels")
    content = {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in content.items()}
    images, labels = content.get("data"), content.get("labels")
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (RECORD - 1,):
        raise DataError(f"{path}: data: expected an array uint8 (N, {RECORD - 1})")
    if not isinstance(labels, list) or len(labels) != len(images) or not all(isinstance(i, int) for i in labels):
        raise DataError(f"{path}: labels: expected a list of {len(images)} integers, one for each image")
    return images.reshape(-1, *SHAPE), _checked(np.array(labels, np.int64), path)


def _from_binary(data: bytes, path: str) -> tuple[np.ndarray, np.ndarray]:
    if not data or len(data) % RECORD:
        raise DataError(
            f"{path}: got {len(data)} bytes, expected a multiple of {RECORD}, an image and its class",
            fix="download it again",
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    return records[:, 1:].reshape(-1, *SHAPE).copy(), _checked(records[:, 0].astype(np.int64), path)


def _checked(labels: np.ndarray, path: str) -> np.ndarray:
    outside = np.flatnonzero((labels < 0) | (labels >= len(CLASSES)))
    if outside.size:
        i = outside[0]
        raise DataError(f"{path}: image {i}: got class {labels[i]}, expected 0 to {len(CLASSES) - 1}")
    return labels
