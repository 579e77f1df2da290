"""Readers of files: what they read, and what they say of files that they cannot read."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl.data import (
    TextWindows,
    Vocabulary,
    default_text,
    load_digits,
    load_mnist,
    read_idx,
    read_text,
    split_digits,
)
from minidl.errors import ArgumentError, DataError, LabelError, ShapeError

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


def idx(array, code):
    sizes = b"".join(struct.pack(">I", size) for size in array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("packed", [False, True])
def test_idx_of_every_type(dtype, packed, rng, tmp_path):
    array = rng.integers(0, 100, (3, 4, 2)).astype(dtype)
    data = idx(array, CODES[dtype])
    (tmp_path / "a.idx").write_bytes(gzip.compress(data) if packed else data)
    back = read_idx(tmp_path / "a.idx")
    assert back.dtype == dtype
    assert back.flags.writeable
    np.testing.assert_array_equal(back, array)


LABELS = idx(np.arange(5, dtype=np.uint8), 8)
BAD_IDX = {
    "empty": (b"", "not an idx file: it begins with nothing"),
    "a web page": (b"<!DOCTYPE html>", "it begins with 3c 21 44 4f, expected 00 00"),
    "type": (b"\0\0\x07\x01" + b"\0" * 9, "begins with 00 00 07 01"),
    "cut in the sizes": (LABELS[:6], "truncated: it has 6 bytes, expected 8 for uint8"),
    "cut": (LABELS[:-1], r"truncated: it has 12 bytes, expected 13 for uint8 \(5,\)"),
    "trailing": (LABELS + b"x", "longer than its header says: it has 14 bytes, expected 13"),
    "huge": (b"\0\0\x08\x03" + b"\xff" * 12, "truncated: it has 16 bytes, expected 79228162458924105385300197391"),
    "gzip cut": (gzip.compress(LABELS)[:-4], "the gzip data is truncated or corrupt"),
    "gzip spoilt": (gzip.compress(LABELS)[:12] + b"\xff" * 20, "the gzip data is truncated or corrupt"),
}


@pytest.mark.parametrize("name", BAD_IDX)
def test_bad_idx_files(name, tmp_path):
    data, message = BAD_IDX[name]
    (tmp_path / "labels").write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(tmp_path / "labels")
    assert str(tmp_path / "labels") in str(caught.value)


def test_idx_cut_anywhere(tmp_path):
    for end in range(len(LABELS)):
        (tmp_path / "x").write_bytes(LABELS[:end])
        with pytest.raises(DataError):
            read_idx(tmp_path / "x")


def make_mnist(folder, *, labels=6, ending="-idx3-ubyte"):
    images = np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5)
    (folder / f"train-images{ending}").write_bytes(idx(images, 8))
    data = gzip.compress(idx(np.arange(labels, dtype=np.uint8), 8))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(data)
    return images


@pytest.mark.parametrize("ending", ["-idx3-ubyte", ".idx3-ubyte"])
def test_mnist_folder(ending, tmp_path):
    images = make_mnist(tmp_path, ending=ending)
    x, y = load_mnist(tmp_path).tensors
    assert (x.shape, x.dtype, y.dtype) == ((6, 1, 4, 5), np.float32, np.int64)
    np.testing.assert_array_equal(x.data[:, 0], images.astype(np.float32) / 255)
    with pytest.raises(DataError, match=r"has neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte\.gz"):
        load_mnist(tmp_path, "test")


def test_mnist_folders_that_will_not_do(tmp_path):
    with pytest.raises(DataError, match="is not a folder\n  fix: put the four files"):
        load_mnist(tmp_path / "none")
    make_mnist(tmp_path, labels=5)
    with pytest.raises(DataError, match=r"has shape \(6, 4, 5\) and train-labels-idx1-ubyte\.gz \(5,\)"):
        load_mnist(tmp_path)


@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST is not here")
def test_the_real_mnist():
    x, y = load_mnist(MNIST, "test").tensors
    assert x.shape == (10000, 1, 28, 28)
    assert np.bincount(y.data).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (x.data.min(), x.data.max()) == (0, 1)


# Digits ---------------------------------------------------------------------------------------------------------------


def test_built_in_digits():
    x, y = load_digits().tensors
    assert (x.shape, x.dtype, y.dtype) == ((1797, 1, 8, 8), np.float32, np.int64)
    assert (x.data.min(), x.data.max()) == (0, 1)
    assert np.bincount(y.data).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    np.testing.assert_array_equal(x.data[0, 0, 0] * 16, [0, 0, 5, 13, 9, 1, 0, 0])


def test_the_held_out_fifth():
    train, test = split_digits()
    assert (len(train), len(test)) == (1438, 359)
    assert not set(train.indices) & set(test.indices)
    counts = np.bincount(test.dataset.tensors[1].data[test.indices])
    assert counts.tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    np.testing.assert_array_equal(test.indices, split_digits()[1].indices)
    assert not np.array_equal(test.indices, split_digits(seed=1)[1].indices)


def test_digits_of_another_size(tmp_path):
    (tmp_path / "d.csv").write_text("0, 16,4,8,7\r\n\n16,0,0,0,1\n")
    x, y = load_digits(tmp_path / "d.csv").tensors
    np.testing.assert_array_equal(x.data, [[[[0, 1], [0.25, 0.5]]], [[[1, 0], [0, 0]]]])
    np.testing.assert_array_equal(y.data, [7, 1])


BAD_CSV = {
    "empty": (b"", "the first line has 0 values, expected the pixels of a square image and the digit"),
    "header": (b"a,b,c,d,e\n", "line 1, value 1: got 'a', expected a pixel, 0 to 16"),
    "not square": (b"1,2,3\n", "the first line has 3 values"),
    "ragged": (b"0,0,0,0,1\n0,0,0,1\n", "line 2 has 4 values, expected 5"),
    "pixel": (b"0,0,0,0,1\n\n0,17,0,0,1\n", "line 3, value 2: got '17', expected a pixel"),
    "negative": (b"0,0,-1,0,1\n", "value 3: got '-1'"),
    "digit": (b"0,0,0,0,10\n", "value 5: got '10', expected the digit, 0 to 9"),
    "very long": (b"0,0,0,0," + b"9" * 5000, "value 5: got '9999"),
    "binary": (b"\x89PNG", "not a CSV file of numbers: byte 0 is not ASCII"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_bad_csv_files(name, tmp_path):
    data, message = BAD_CSV[name]
    (tmp_path / "d.csv").write_bytes(data)
    with pytest.raises(DataError, match=message):
        load_digits(tmp_path / "d.csv")


# Text -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_text_files(packed, tmp_path):
    data = "\ufeffGrüße\r\naus\rnah\n".encode()
    (tmp_path / "t.txt").write_bytes(gzip.compress(data) if packed else data)
    assert read_text(tmp_path / "t.txt") == "Grüße\naus\nnah\n"
    (tmp_path / "u.txt").write_text("ж", encoding="utf-16")
    assert read_text(tmp_path / "u.txt", encoding="utf-16") == "ж"


BAD_TEXT = {
    "latin": ("eins\nzwei: Grüße".encode("cp1252"), r"byte 13 \(line 2\) is 0xfc: .*\n.*encoding=\"cp1252\""),
    "utf-16": ("abc".encode("utf-16"), 'pass encoding="utf-16"'),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0", "probably no text at all"),
    "empty": (b"", "the file is empty"),
}


@pytest.mark.parametrize("name", BAD_TEXT)
def test_bad_text_files(name, tmp_path):
    data, message = BAD_TEXT[name]
    (tmp_path / "t.txt").write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        read_text(tmp_path / "t.txt")
    assert str(tmp_path / "t.txt") in str(caught.value)


def test_missing_text_and_unknown_encoding(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*none: No such file or directory"):
        read_text(tmp_path / "none")
    (tmp_path / "t").write_text("a")
    with pytest.raises(ArgumentError, match="encoding: got 'klingon'"):
        read_text(tmp_path / "t", "klingon")


def test_default_text_is_prose_and_always_the_same():
    text = default_text()
    assert text == default_text()
    assert len(text) > 100_000
    assert "An expression" in text


def test_default_text_may_be_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pydoc_data.topics", None)
    with pytest.raises(DataError, match="came without pydoc_data"):
        default_text()


def test_vocabulary():
    vocabulary = Vocabulary("hello wörld 🦉")
    assert vocabulary.characters == " dehlorwö🦉"
    codes = vocabulary.encode("🦉 old")
    assert codes.dtype == np.int64
    np.testing.assert_array_equal(codes, [9, 0, 5, 4, 1])
    assert vocabulary.decode(minidl.tensor(codes)) == "🦉 old"
    assert vocabulary.decode([]) == vocabulary.decode(vocabulary.encode("")) == ""
    assert Vocabulary(vocabulary.characters).characters == vocabulary.characters
    with pytest.raises(LabelError, match="got 'x' at position 2, which is not among the 10"):
        vocabulary.encode("hex")
    with pytest.raises(LabelError, match="got 'Z' at position 0"):
        vocabulary.encode("Z")
    with pytest.raises(LabelError, match="decode: got 10, expected 0 to 9"):
        vocabulary.decode([1, 10])
    with pytest.raises(ArgumentError, match="got no characters"):
        Vocabulary("")


def test_text_windows():
    windows = TextWindows(np.arange(11), 3)
    assert len(windows) == 3
    x, y = windows.gather(np.array([0, 2]))
    np.testing.assert_array_equal(x.data, [[0, 1, 2], [6, 7, 8]])
    np.testing.assert_array_equal(y.data, [[1, 2, 3], [7, 8, 9]])
    x, y = windows[-1]
    np.testing.assert_array_equal(x.data, [6, 7, 8])
    np.testing.assert_array_equal(y.data, [7, 8, 9])
    assert len(TextWindows(np.arange(10), 3)) == 3
    assert len(TextWindows(np.arange(9), 3)) == 2
    assert len(TextWindows(np.arange(11), 3, stride=1)) == 8
    assert [int(x.data[0]) for x, _ in TextWindows(minidl.tensor(range(11)), 3, 2)] == [0, 2, 4, 6]
    with pytest.raises(LabelError, match="index: got 3, expected -3 to 2"):
        windows[3]
    with pytest.raises(ShapeError, match="expected one axis with more than 3 numbers"):
        TextWindows(np.arange(3), 3)
    with pytest.raises(ArgumentError, match="got length 0"):
        TextWindows(np.arange(3), 0)
