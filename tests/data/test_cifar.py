"""CIFAR-10's two formats, and pickles that are more than data."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from minidl.data import CIFAR10, DataLoader
from minidl.data import transforms as T
from minidl.data.pickles import read_pickle
from minidl.errors import DataError

REAL = Path(__file__).parents[3] / "shared" / "data" / "cifar10_lossless_4k" / "cifar10_train_first4k.npz"
STEMS = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


def contents(binary, n=3, seed=0):
    """The published files, small: by name, and all images and labels to train on."""
    rng, files, x, y = np.random.default_rng(seed), {}, [], []
    for stem in STEMS:
        images, labels = rng.integers(0, 256, (n, 3072), dtype=np.uint8), rng.integers(0, 10, n)
        if binary:
            files[f"{stem}.bin"] = b"".join(bytes([k]) + i.tobytes() for i, k in zip(images, labels, strict=True))
        else:
            batch = {b"batch_label": b"training batch", b"labels": labels.tolist(), b"data": images}
            files[stem] = pickle.dumps(batch, protocol=2)
        x.append(images), y.append(labels)
    return files, np.concatenate(x[:5]).reshape(-1, 3, 32, 32), np.concatenate(y[:5])


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def archive(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("place", ["files", "folder", "archive in a folder", "archive"])
def test_both_formats_wherever_they_lie(binary, place, tmp_path):
    files, images, labels = contents(binary)
    name = "cifar-10-binary.tar.gz" if binary else "cifar-10-python.tar.gz"
    root = tmp_path
    if place == "files":
        write(tmp_path, files)
    elif place == "folder":
        write(tmp_path / ("cifar-10-batches-bin" if binary else "cifar-10-batches-py"), files)
    else:
        archive(tmp_path / name, files)
        root = tmp_path / name if place == "archive" else tmp_path
    train, test = CIFAR10(root), CIFAR10(root, train=False)
    assert (len(train), len(test), train.data.dtype) == (15, 3, np.uint8)
    np.testing.assert_array_equal(train.data, images)
    np.testing.assert_array_equal(train.targets, labels)
    assert train.class_to_idx["airplane"] == 0 and train.classes[9] == "truck"
    left = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert left == ([name] if "archive" in place else sorted(files))  # nothing was unpacked onto the disk


def test_items_batches_and_transforms(tmp_path):
    files, images, labels = contents(True)
    write(tmp_path, files)
    image, label = CIFAR10(tmp_path)[-1]
    np.testing.assert_array_equal(image, images[-1])
    assert type(label) is int and label == labels[-1]
    changed = CIFAR10(tmp_path, transform=T.ToDtype("float32", scale=True), target_transform=lambda k: k + 100)
    for a, b in zip(DataLoader(CIFAR10(tmp_path), 4), DataLoader(changed, 4, num_workers=2), strict=True):
        np.testing.assert_array_equal(a[0].data.astype(np.float32) / 255, b[0].data)
        np.testing.assert_array_equal(a[1].data + 100, b[1].data)
    with pytest.raises(IndexError, match="CIFAR10: index: got 15"):
        changed[15]


@pytest.mark.skipif(not REAL.is_file(), reason="CIFAR-10 is not here")
def test_real_images_through_both_formats(tmp_path):
    real = np.load(REAL)
    images = real["images"].transpose(0, 3, 1, 2).reshape(-1, 3072)[:100]
    batch = {"data": images, "labels": real["labels"][:100].tolist()}
    write(tmp_path / "py", dict.fromkeys(STEMS, pickle.dumps(batch, 2)))
    records = np.concatenate([real["labels"][:100, None], images], axis=1).astype(np.uint8).tobytes()
    write(tmp_path / "bin", {f"{stem}.bin": records for stem in STEMS})
    a, b = CIFAR10(tmp_path / "py", train=False), CIFAR10(tmp_path / "bin", train=False)
    np.testing.assert_array_equal(a.data, b.data)
    np.testing.assert_array_equal(a.data.transpose(0, 2, 3, 1), real["images"][:100])
    assert a.targets[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]


# Pickles --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dtype", ["uint8", "int64", ">f4", "float64", "bool", "complex64"])
def test_plain_data_of_every_protocol(protocol, dtype, rng):
    array = (rng.normal(size=(3, 4)) * 9).astype(dtype)
    value = {"a": array, "b": [array.T, np.float64(2.5), b"\x00\xff", "ö", (1, None, True)]}
    back = read_pickle(pickle.dumps(value, protocol), "p")
    np.testing.assert_array_equal(back["a"], array)
    np.testing.assert_array_equal(back["b"][0], array.T)
    assert back["b"][1:] == value["b"][1:]
    assert back["a"].dtype == np.dtype(dtype).newbyteorder("=")


class Runs:
    def __init__(self, function, *arguments):
        self.arguments = function, arguments

    def __reduce__(self):
        return self.arguments


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_that_runs_something_is_refused(protocol, tmp_path):
    (tmp_path / "f").write_text("")
    for value in (Runs(eval, "1/0"), Runs(Path.unlink, tmp_path / "f"), Runs(np.load, "f"), np.random.default_rng):
        with pytest.raises(DataError, match="which data do not need, and which was not run"):
            read_pickle(pickle.dumps({"data": value}, protocol), "p")
    assert (tmp_path / "f").exists()


def test_a_pickle_cannot_change_what_it_may_name():
    change = b"\x80\x02c_codecs\nencode\nN}U\x0c__defaults__)s\x86b."
    with pytest.raises(DataError, match="attributes for _encode"):
        read_pickle(change, "p")
    with pytest.raises(DataError, match="not a pickle of plain data"):
        read_pickle(b"\x80\x02cnumpy\ndtype\n}U\x01xK\x01sb.", "p")
    assert read_pickle(pickle.dumps(b"\xff", 2), "p") == b"\xff"


@pytest.mark.parametrize(
    "value", [np.array([object()]), np.array(["text"]), np.zeros(2, [("a", "i4")]), np.zeros(1, "M8[s]")]
)
def test_arrays_of_other_things_are_refused(value):
    if value.dtype == object:
        value = np.array([None])
    with pytest.raises(DataError, match="not a pickle of plain data"):
        read_pickle(pickle.dumps(value), "p")


def test_damaged_pickles(rng):
    whole = pickle.dumps({"data": rng.integers(0, 255, (2, 8), dtype=np.uint8), "labels": [1, 2]}, 2)
    for end in range(len(whole) - 1):
        with pytest.raises(DataError):
            read_pickle(whole[:end], "p")
