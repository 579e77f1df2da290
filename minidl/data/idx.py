"""The idx format, in which MNIST and its relatives are published.

Two zero bytes, a code for the type, the number of axes, each size as a big-endian 32-bit number, and then the values
in C order, big-endian.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits (1998), "File formats".
"""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path

import numpy as np

from minidl.errors import DataError
from minidl.tensor import Tensor

from .dataset import TensorDataset
from .files import read_bytes

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

MNIST = {  # part → (images, labels)
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read_idx(path: str | PathLike[str]) -> np.ndarray:
    """The array in an idx file, gzipped or not.

    Raises:
        DataError: the file is missing, no idx file, truncated, or longer than it says.
    """
    data = read_bytes(path)
    code = data[2] if len(data) >= 4 else None
    if data[:2] != b"\0\0" or code not in TYPES:
        raise DataError(
            f"{path}: not an idx file: it begins with {data[:4].hex(' ') or 'nothing'}, expected 00 00, a type (one of "
            f"{', '.join(f'{known:02x}' for known in TYPES)}) and the number of axes",
            fix="check that the download is the file itself and not a web page",
        )
    dtype, axes = np.dtype(TYPES[code]), data[3]
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes))
    expected = start + math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        kind = "truncated" if len(data) < expected else "longer than its header says"
        raise DataError(
            f"{path}: {kind}: it has {len(data)} bytes, expected {expected} for {dtype.newbyteorder('=')} {shape}",
            fix="download it again",
        )
    array = np.frombuffer(data, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def load_mnist(folder: str | PathLike[str], part: str = "train") -> TensorDataset:
    """MNIST, or a set in the same files (Fashion-MNIST, KMNIST, …), from a folder; nothing is downloaded.

    Args:
        folder: where `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
            `t10k-labels-idx1-ubyte` lie, gzipped (`.gz`) or not.
        part: `"train"` or `"test"`.
    Returns:
        Images float32 (N, 1, H, W) between 0 and 1, and labels int64 (N,).
    Raises:
        DataError: a file is missing or damaged, or images and labels do not belong together.
    """
    images_path, labels_path = (_find(Path(folder), name) for name in MNIST[part])
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise DataError(
            f"{images_path} has shape {images.shape} and {labels_path.name} {labels.shape}, expected (N, H, W) and (N,)"
        )
    return TensorDataset(Tensor(images[:, None].astype(np.float32) / 255), Tensor(labels.astype(np.int64)))


def _find(folder: Path, name: str) -> Path:
    """The file, under one of the names that it is published with."""
    candidates = [folder / f"{base}{end}" for base in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        missing = f"has neither {name} nor {name}.gz" if folder.is_dir() else "is not a folder"
        raise DataError(f"{folder} {missing}", fix="put the four files of MNIST there, as they are published")
    return found
