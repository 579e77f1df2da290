"""Reading bytes from files, gzipped or not, with errors that name the file."""

from __future__ import annotations

import gzip
import zlib
from os import PathLike
from pathlib import Path

from minidl.errors import DataError


def read_bytes(path: str | PathLike[str]) -> bytes:
    """All bytes of a file; unpacked, if it begins as gzip does, whatever its name.

    Raises:
        DataError: the file is missing, unreadable, or a damaged gzip file.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        fix = "check the path" if isinstance(error, FileNotFoundError) else ""
        raise DataError(f"cannot read {path}: {error.strerror or error}", fix=fix) from error
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}: the gzip data is truncated or corrupt: {error}", fix="download it again") from error
