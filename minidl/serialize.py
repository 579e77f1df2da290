"""Tensors in files: the safetensors format, and in its metadata the structure around the tensors.

A safetensors file is eight bytes with the length of the header, the header (JSON: name → dtype, shape and the place of
its bytes), and then the bytes themselves. Loading one runs no code, which a pickle does.

Files are written by the safetensors package and read by the few lines below, which check every claim of the header
before they use it. So each file is verified by a second pair of eyes before it takes its place: what is on disk must
be, bit for bit, what was to be saved.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from .array import is_array, to_device
from .errors import ArgumentError, DataError, DTypeError, describe
from .tensor import Tensor

KEY = "minidl.structure"  # where the structure stands in the metadata; a file of plain named tensors has none

DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
    "BF16": np.dtype("<u2"),  # the upper half of a float32; NumPy has no such dtype, so `load` widens it
}
WRITABLE = {dtype for name, dtype in DTYPES.items() if name != "BF16"}

FOREIGN = {  # how other files begin → what they are
    b"PK\x03\x04": "a zip archive, such as torch.save and numpy.savez write",
    b"\x80": "a Python pickle, such as torch.save once wrote",
    b"\x93NUMPY": "a NumPy .npy file",
    b"\x89HDF": "an HDF5 file, such as Keras writes",
    b"\x1f\x8b": "a gzip file",
}
CONVERT = (
    "minidl opens no pickles, since loading one can run any code. Where the file comes from, run\n"
    "    from safetensors.torch import save_file; save_file(model.state_dict(), 'weights.safetensors')"
)


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write tensors, alone or in a structure, to a safetensors file that `load` gives back.

    A dictionary name → tensor (a model's state_dict) is written under those names, as any reader of safetensors
    expects. Anything else (an optimizer's state_dict, a checkpoint) may nest dictionaries, lists, tuples, numbers,
    strings, booleans and None around its tensors: these get dotted names, and the structure goes into the metadata.

    The file appears whole or not at all: it is written beside its place, read back and compared, brought to the
    disk and only then given its name. A file that stood there before is kept until that moment.

    Args:
        obj: what to save. Tensors on a GPU are written from there; `load` gives them back on the CPU.
        path: the file; by custom its name ends in `.safetensors`.
    Raises:
        DTypeError: something in `obj` that is none of the above, or a dtype that the format does not have.
        ArgumentError: a key of a dictionary that cannot be written.
        DataError: the file cannot be written.
    """
    path = Path(path)
    if _is_flat(obj):
        arrays, metadata = {name: _to_array(value, f"[{name!r}]") for name, value in obj.items()}, None
        if "__metadata__" in arrays:
            raise ArgumentError("save: a tensor cannot have the name '__metadata__', which the format itself uses")
    else:
        arrays = {}
        metadata = {KEY: json.dumps(_encode(obj, (), arrays))}
    from safetensors.numpy import save as to_bytes

    try:
        data = to_bytes(arrays, metadata)
    except Exception as error:  # its own SafetensorError, or what becomes of a name that is no text
        raise DataError(f"save: {path}: the safetensors package refuses: {error}") from error
    _write(path, data, arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote, or any other safetensors file.

    bfloat16, which NumPy does not have, becomes float32; no bit is lost in that.

    Returns:
        The structure that was saved, with tensors on the CPU (arrays come back as tensors); for a file without one,
        a dictionary name → Tensor.
    Raises:
        DataError: no such file, not a safetensors file, truncated, corrupt, or with a dtype that is not known.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            header = _read_header(file, path)
            tensors = {entry.name: Tensor(entry.read(file, path)) for entry in header.entries}
    except OSError as error:
        fix = "check the path" if isinstance(error, FileNotFoundError) else ""
        raise DataError(f"load: cannot read {path}: {error.strerror or error}", fix=fix) from error
    if KEY not in header.metadata:
        return tensors
    try:
        return _decode(json.loads(header.metadata[KEY]), tensors)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise DataError(f"load: {path}: the structure in its metadata is corrupt: {error}") from error


# Writing --------------------------------------------------------------------------------------------------------------


def _write(path: Path, data: bytes, arrays: dict[str, np.ndarray]) -> None:
    """The bytes in the file, whole or not at all; through a symbolic link, where `path` is one."""
    target = Path(os.path.realpath(path))
    temporary = target.parent / f".{target.name[:64]}.{os.urandom(4).hex()}.tmp"
    try:
        try:
            with open(temporary, "xb+") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                _verify(file, path, arrays)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        fix = "make the folder first" if isinstance(error, FileNotFoundError) else "check the folder and its free space"
        raise DataError(f"save: cannot write {path}: {error.strerror or error}", fix=fix) from error


def _verify(file: BinaryIO, path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Read back through the other implementation, tensor by tensor."""
    file.seek(0)
    entries = {entry.name: entry for entry in _read_header(file, path).entries}
    for name, array in arrays.items():
        found = entries[name].read(file, path) if name in entries else None
        if (
            found is None
            or found.dtype != array.dtype
            or found.tobytes() != array.tobytes()
            or len(entries) != len(arrays)
        ):
            raise DataError(f"save: {path}: {name!r} reads back differently; nothing was saved", fix="try again")


def _sync_folder(folder: Path) -> None:
    """Bring a new name in the folder to the disk, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_flat(obj: Any) -> bool:
    return isinstance(obj, Mapping) and all(isinstance(k, str) and _is_tensor(v) for k, v in obj.items())


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or is_array(value)


def _to_array(value: Any, where: str) -> np.ndarray:
    """On the CPU, little-endian and contiguous: safetensors 0.8.0 writes other layouts wrongly, without a word."""
    array = to_device(value.data if isinstance(value, Tensor) else np.asarray(value), "cpu")
    target = array.dtype.newbyteorder("<")
    if target not in WRITABLE:
        raise DTypeError(
            f"save: obj{where}: got {describe(array)}; the format has floats, integers and booleans only",
            fix="convert it first",
        )
    return np.asarray(array, dtype=target, order="C")  # (np.ascontiguousarray would make 0-d arrays 1-d)


def _encode(value: Any, where: tuple[Any, ...], arrays: dict[str, np.ndarray]) -> Any:
    """The structure as JSON; tensors go into `arrays`, under their dotted places."""
    place = "".join(f"[{key!r}]" for key in where)
    if _is_tensor(value) and not isinstance(value, np.generic):
        name = ".".join(map(str, where)) or "tensor"
        while name in arrays or name == "__metadata__":
            name += "_"  # {"a.b": …, "a": {"b": …}}
        arrays[name] = _to_array(value, place)
        return {"tensor": name}
    if isinstance(value, np.generic) and value.dtype.kind in "fiub":
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        bad = [key for key in value if not isinstance(key, bool | int | float | str | None)]
        if bad:
            raise ArgumentError(f"save: obj{place}: key: got {describe(bad[0])}, expected a string or a number")
        return {"dict": [[key, _encode(each, (*where, key), arrays)] for key, each in value.items()]}
    if isinstance(value, list | tuple):
        items = [_encode(each, (*where, i), arrays) for i, each in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    raise DTypeError(
        f"save: obj{place}: got {describe(value)}, expected tensors, numbers, strings, None, and dictionaries, lists "
        "and tuples of them",
        fix="save its parts",
    )


def _decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    """What `_encode` was given."""
    if isinstance(value, list):
        return [_decode(each, tensors) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "tuple":
        return tuple(_decode(each, tensors) for each in content)
    if kind == "dict":
        return {key: _decode(each, tensors) for key, each in content}
    raise ValueError(f"unknown kind {kind!r}")


# Reading --------------------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """What the header says of one tensor; `start` counts from the beginning of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int

    def read(self, file: BinaryIO, path: Path) -> np.ndarray:
        file.seek(self.start)
        count = math.prod(self.shape)
        data = file.read(count * DTYPES[self.dtype].itemsize)
        try:
            array = np.frombuffer(bytearray(data), DTYPES[self.dtype], count).reshape(self.shape)
        except ValueError as error:  # fewer bytes than a moment ago; or no elements, in a shape beyond NumPy's reach
            raise DataError(f"load: {path}: {self.name!r}, {self.dtype} {self.shape}: {error}") from error
        if self.dtype == "BOOL" and array.view(np.uint8).max(initial=0) > 1:
            raise DataError(f"load: {path}: {self.name!r} is corrupt: booleans other than 0 and 1")
        return (array.astype("<u4") << 16).view("<f4") if self.dtype == "BF16" else array


class Header(NamedTuple):
    """The tensors in the order of their bytes, and the texts that came with them."""

    entries: list[Entry]
    metadata: dict[str, str]


def _read_header(file: BinaryIO, path: Path) -> Header:
    size = os.fstat(file.fileno()).st_size
    start = file.read(8)
    length = int.from_bytes(start, "little")
    what = next((what for magic, what in FOREIGN.items() if start.startswith(magic)), None)
    if what is not None and any(start[4:]):  # else it is a length, of less than 4 GB
        raise DataError(f"load: {path} is not a safetensors file, but {what}", fix=CONVERT)
    if len(start) < 8 or length > size - 8:
        raise DataError(
            f"load: {path}: truncated, or not a safetensors file: it has {size} bytes, but the first eight announce "
            f"a header of {length}",
            fix="copy or download it again",
        )
    text = file.read(length)
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
        metadata = header.pop("__metadata__", {})
        if not all(isinstance(value, str) for value in metadata.values()):
            raise ValueError("metadata that is not text")
        claims = [_claim(name, said) for name, said in header.items()]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise DataError(
            f"load: {path}: not a safetensors file, or its header is corrupt: {error}", fix="copy or download it again"
        ) from error
    unknown = sorted({entry.dtype for entry, _ in claims if entry.dtype not in DTYPES})
    if unknown:
        raise DataError(
            f"load: {path}: dtype {', '.join(unknown)} is not known, expected one of {', '.join(DTYPES)}",
            fix="convert these tensors to float32 where they come from",
        )
    return Header(list(_placed(claims, 8 + length, size, path)), metadata)


def _claim(name: str, said: Any) -> tuple[Entry, int]:
    """What the header says of a tensor, in the right types; its start and end still count from the header's end."""
    dtype, shape, (start, end) = said["dtype"], said["shape"], said["data_offsets"]
    if not isinstance(dtype, str) or not isinstance(shape, list) or len(said) != 3 or len(shape) > 64:
        raise ValueError(f"{name!r} has no proper dtype and shape")
    if not all(type(n) is int and 0 <= n < 2**63 for n in (*shape, start, end)):
        raise ValueError(f"{name!r} has sizes or offsets that are no natural numbers")
    return Entry(name, dtype, tuple(shape), start), end


def _placed(claims: list[tuple[Entry, int]], origin: int, size: int, path: Path) -> Iterator[Entry]:
    """The entries in the order of their bytes, when these fill the rest of the file without gap or overlap."""
    place = 0
    for entry, end in sorted(claims, key=lambda claim: (claim[0].start, claim[1])):
        count = math.prod(entry.shape)
        if entry.start != place or end - entry.start != count * DTYPES[entry.dtype].itemsize:
            raise DataError(
                f"load: {path}: the header is corrupt: {entry.name!r}, {entry.dtype} {entry.shape}, is said to lie in "
                f"bytes {entry.start} to {end}, expected {place} to {place + count * DTYPES[entry.dtype].itemsize}"
            )
        place = end
        yield entry._replace(start=origin + entry.start)
    if size != origin + place:
        kind = "truncated" if size < origin + place else "longer than it should be"
        raise DataError(
            f"load: {path}: {kind}: it has {size} bytes, expected {origin + place}", fix="copy or download it again"
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found
