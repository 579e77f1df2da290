"""Mistakes with files and data sets: missing, truncated, corrupt, or of another kind."""

import gzip

import numpy as np

import minidl
from minidl import data, errors, nn

from . import Row


def weights(change):
    """Load a weight file whose bytes have been changed."""

    def load(folder):
        path = folder / "weights.safetensors"
        minidl.save(nn.Linear(3, 4).state_dict(), path)
        path.write_bytes(change(path.read_bytes()))
        minidl.load(path)

    return load


def file(name, content, read):
    """Read a file with this content."""

    def load(folder):
        (folder / name).write_bytes(content)
        read(folder / name)

    return load


IDX = bytes([0, 0, 8, 1, 0, 0, 0, 9]) + bytes(9)
X = minidl.tensor(np.ones((2, 3), np.float32))

WEIGHTS = [
    Row(
        "no file",
        lambda f: minidl.load(f / "none.safetensors"),
        errors.DataError,
        ("cannot read", "none.safetensors", "No such file", "path"),
    ),
    Row("a folder", minidl.load, errors.DataError, ("cannot read", "directory")),
    Row(
        "an empty file",
        weights(lambda b: b""),
        errors.DataError,
        ("weights.safetensors", "truncated", "0 bytes", "again"),
    ),
    Row(
        "truncated values",
        weights(lambda b: b[:-10]),
        errors.DataError,
        ("truncated", "bytes, expected", "download it again"),
    ),
    Row("truncated header", weights(lambda b: b[:20]), errors.DataError, ("truncated", "20 bytes", "header")),
    Row("corrupt header", weights(lambda b: b[:8] + b"x" + b[9:]), errors.DataError, ("header is corrupt", "again")),
    Row("too long", weights(lambda b: b + b"123"), errors.DataError, ("longer than it should be", "expected")),
    Row(
        "a pickle",
        weights(lambda b: b"PK\x03\x04\x14\x00\x08\x08" + bytes(99)),
        errors.DataError,
        ("zip archive", "torch.save", "save_file"),
    ),
    Row(
        "an object",
        lambda f: minidl.save({"a": object()}, f / "o"),
        errors.DTypeError,
        ("obj['a']", "expected tensors", "fix"),
    ),
    Row(
        "no folder",
        lambda f: minidl.save({}, f / "no" / "such"),
        errors.DataError,
        ("cannot write", "such", "make the folder"),
    ),
]

READERS = [
    Row("idx: no file", lambda f: data.read_idx(f / "x"), errors.DataError, ("cannot read", "x", "check the path")),
    Row(
        "idx: a web page",
        file("a", b"<html>not found", data.read_idx),
        errors.DataError,
        ("not an idx file", "3c 68", "web page"),
    ),
    Row(
        "idx: truncated",
        file("a", IDX[:-5], data.read_idx),
        errors.DataError,
        ("truncated", "12 bytes", "expected 17", "uint8 (9,)"),
    ),
    Row(
        "idx: truncated gzip",
        file("a.gz", gzip.compress(IDX)[:-6], data.read_idx),
        errors.DataError,
        ("gzip", "truncated or corrupt", "again"),
    ),
    Row("MNIST: another folder", data.load_mnist, errors.DataError, ("train-images-idx3-ubyte", "four files")),
    Row(
        "text: UTF-16",
        file("t", "ab".encode("utf-16"), data.read_text),
        errors.DataError,
        ("not utf-8 text", "byte 0", 'encoding="utf-16"'),
    ),
    Row("text: empty", file("t", b"", data.read_text), errors.DataError, ("file is empty",)),
    Row(
        "text: no file",
        lambda f: data.read_text(f / "none.txt"),
        errors.DataError,
        ("cannot read", "none.txt", "check the path"),
    ),
]

SETS = [
    Row("sizes", lambda _: data.TensorDataset(X, X[:1]), errors.ShapeError, ("(2, 3), (1, 3)", "same first size")),
    Row(
        "batch size",
        lambda _: data.DataLoader(data.TensorDataset(X), batch_size=0),
        errors.ArgumentError,
        ("batch_size: got 0", "≥ 1"),
    ),
    Row("no data set", lambda _: data.DataLoader(5), errors.DTypeError, ("dataset: got int 5", "len()")),
    Row(
        "ragged items",
        lambda _: list(data.DataLoader([[1.0], [1.0, 2.0]], batch_size=2)),
        errors.ShapeError,
        ("different numbers", "collate_fn"),
    ),
    Row(
        "lengths of a split",
        lambda _: data.random_split(data.TensorDataset(X), [1, 5]),
        errors.ArgumentError,
        ("lengths: got [1, 5]", "2"),
    ),
    Row(
        "unknown character",
        lambda _: data.Vocabulary("abc").encode("abz"),
        errors.LabelError,
        ("'z' at position 2", "3 characters", "vocabulary"),
    ),
    Row(
        "text too short",
        lambda _: data.TextWindows(minidl.tensor([0, 1]), 5),
        errors.ShapeError,
        ("codes: got int64 (2,)", "more than 5"),
    ),
]

ROWS = [*WEIGHTS, *READERS, *SETS]
