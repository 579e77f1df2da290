"""Images from files, and a folder of them with one folder for each class.

Netpbm files (PPM and PGM) and NumPy's `.npy` are read here; all others by Pillow, where it is installed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DataError

from .dataset import Dataset, _place
from .files import read_bytes

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".npy")
MODES = (None, "L", "RGB")


def read_image(path: str | PathLike[str], mode: str | None = None) -> np.ndarray:
    """The image in a file.

    Shapes: → (C, H, W)
    dtypes: uint8; uint16 for Netpbm files of more than 256 levels; what a `.npy` file holds
    Args:
        path: PPM, PGM, `.npy` with axes (H, W) or (C, H, W), or whatever Pillow reads.
        mode: `"RGB"` for three channels, `"L"` for one (brightness); default: as many as the file has.
    Raises:
        DataError: the file is missing, damaged, of another kind, or needs Pillow and it is not installed.
    """
    if mode not in MODES:
        raise ArgumentError(f"read_image: mode: got {mode!r}, expected 'L', 'RGB' or None")
    data = read_bytes(path)
    if not data:
        raise DataError(f"{path}: the file is empty")
    if data.startswith(b"\x93NUMPY"):
        return _in_mode(_from_npy(data, path), mode, path)
    if re.match(rb"P[2356]\s", data):
        return _in_mode(_from_netpbm(data, path), mode, path)
    return _from_pillow(data, path, mode)


class ImageFolder(Dataset):
    """Images in folders: `root/class/….png`. A class is a folder, and its number the place in the sorted names.

    Shapes: item → image (3, H, W), class as an int; images are read when they are asked for
    Args:
        root: the folder of folders; what lies deeper counts too.
        transform: image → image. target_transform: class → anything.
        loader: path → image; default: `read_image(path, "RGB")`.
    Attributes:
        classes: the names. class_to_idx: name → number. samples: (path, number) of every image. targets: the numbers.
    Raises:
        DataError: no folder, no classes, or a class without images.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] | None = None,
    ) -> None:
        self.root, self.transform, self.target_transform = Path(root), transform, target_transform
        self.loader = loader or (lambda path: read_image(path, "RGB"))
        if not self.root.is_dir():
            raise DataError(f"{root} is not a folder", fix="name the folder that holds one folder for each class")
        self.classes = sorted(path.name for path in self.root.iterdir() if path.is_dir())
        if not self.classes:
            raise DataError(f"{root}: got no folders in it, expected one for each class", fix="check the path")
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.samples: list[tuple[str, int]] = []
        for name, number in self.class_to_idx.items():
            found = [p for p in sorted((self.root / name).rglob("*")) if p.suffix.lower() in EXTENSIONS and p.is_file()]
            if not found:
                raise DataError(
                    f"{self.root / name}: got no images in it, expected files with {', '.join(EXTENSIONS)}",
                    fix="remove the folder, or name the one that holds the classes",
                )
            self.samples += [(str(path), number) for path in found]
        self.targets = [number for _, number in self.samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, label = self.samples[_place("ImageFolder", index, len(self))]
        image = self.loader(path)
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )


def _from_npy(data: bytes, path: Any) -> np.ndarray:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(
            f"{path}: not a whole .npy file of numbers: {error}", fix="save it again with np.save"
        ) from error
    if array.ndim not in (2, 3) or array.dtype.kind not in "buif":
        raise DataError(f"{path}: got {array.dtype} {array.shape}, expected an image (H, W) or (C, H, W)")
    return array if array.ndim == 3 else array[None]


def _from_netpbm(data: bytes, path: Any) -> np.ndarray:
    """P2 and P5 are grey, P3 and P6 coloured; the first of each is written out in decimals."""
    header = re.match(
        rb"P([2356])(?:\s+(?:#[^\n]*\n\s*)*)(\d+)(?:\s+(?:#[^\n]*\n\s*)*)(\d+)"
        rb"(?:\s+(?:#[^\n]*\n\s*)*)(\d+)\s",
        data,
    )
    if not header:
        raise DataError(f"{path}: the header is corrupt: it begins with {data[:12]!r}, expected P6, width, height, 255")
    kind, width, height, largest = map(int, header.groups())
    channels = 3 if kind in (3, 6) else 1
    if not 0 < largest < 65536:
        raise DataError(f"{path}: got {largest} as the largest value, expected 1 to 65535")
    dtype = np.dtype(np.uint8 if largest < 256 else ">u2")
    body, count = data[header.end() :], width * height * channels
    if kind in (2, 3):
        numbers = re.sub(rb"#[^\n]*", b"", body).split()
        if len(numbers) != count or not all(n.isdigit() and int(n) <= largest for n in numbers):
            raise DataError(f"{path}: got {len(numbers)} values, expected {count} numbers from 0 to {largest}")
        values = np.array([int(n) for n in numbers])
    else:
        if len(body) < count * dtype.itemsize:
            raise DataError(
                f"{path}: truncated: got {len(body)} bytes of pixels, expected {count * dtype.itemsize} for "
                f"{width} × {height} × {channels}",
                fix="copy it again",
            )
        values = np.frombuffer(body, dtype, count)
    pixels = values.reshape(height, width, channels).transpose(2, 0, 1)
    if largest not in (255, 65535):
        pixels = np.rint(pixels / largest * (255 if largest < 256 else 65535))
    return np.ascontiguousarray(pixels, dtype.newbyteorder("="))


def _from_pillow(data: bytes, path: Any, mode: str | None) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError(
            f"{path}: Pillow is needed to read it (without it: PPM, PGM, .npy)", fix="pip install minidl[images]"
        ) from error
    try:
        with Image.open(io.BytesIO(data)) as image:
            if mode is None and image.mode not in ("L", "RGB", "RGBA"):
                mode = "RGB"  # palettes, CMYK, …
            pixels = np.array(image if mode is None else image.convert(mode))
    except Exception as error:  # a damaged file can raise anything
        raise DataError(
            f"{path}: Pillow cannot read it as an image: {error}", fix="check that the file is whole"
        ) from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None])


def _in_mode(image: np.ndarray, mode: str | None, path: Any) -> np.ndarray:
    """An image (C, H, W) with the channels asked for."""
    from .transforms import Grayscale

    wanted = {None: len(image), "L": 1, "RGB": 3}[mode]
    if len(image) == wanted:
        return image
    if len(image) not in (1, 3):
        raise DataError(f"{path}: got {len(image)} channels, expected 1 or 3 for mode {mode!r}")
    return Grayscale(wanted)(image)
