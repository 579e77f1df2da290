"""Image files, and folders of them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from minidl.data import DataLoader, ImageFolder, read_image
from minidl.data import transforms as T
from minidl.errors import DataError


@pytest.fixture
def photo(rng):
    return rng.integers(0, 256, (3, 4, 5), dtype=np.uint8)


def ppm(image, largest=255):
    kind, (h, w) = {1: b"P5", 3: b"P6"}[len(image)], image.shape[1:]
    values = image.astype(">u2") if largest > 255 else image.astype(np.uint8)
    return kind + b"\n# made by hand\n%d %d\n%d\n" % (w, h, largest) + values.transpose(1, 2, 0).tobytes()


def test_netpbm(photo, tmp_path):
    path = tmp_path / "a.ppm"
    path.write_bytes(ppm(photo))
    np.testing.assert_array_equal(read_image(path), photo)
    assert read_image(path, "L").shape == (1, 4, 5)
    path.write_bytes(ppm(photo[:1]))
    np.testing.assert_array_equal(read_image(path), photo[:1])
    np.testing.assert_array_equal(read_image(path, "RGB"), np.repeat(photo[:1], 3, 0))
    wide = photo.astype(np.uint16) * 257
    path.write_bytes(ppm(wide, 65535))
    back = read_image(path)
    assert back.dtype == np.uint16
    np.testing.assert_array_equal(back, wide)
    path.write_bytes(ppm(photo % 16, 15))
    np.testing.assert_array_equal(read_image(path), (photo % 16) * 17)
    path.write_text("P2 3 2 # words\n255\n1 2 3 # row\n4 5 255")
    np.testing.assert_array_equal(read_image(path), [[[1, 2, 3], [4, 5, 255]]])
    path.write_text("P3\n1 2\n255\n1 2 3\n4 5 6\n")
    np.testing.assert_array_equal(read_image(path), [[[1], [4]], [[2], [5]], [[3], [6]]])


def test_arrays_as_images(photo, tmp_path):
    np.save(tmp_path / "a.npy", photo)
    np.testing.assert_array_equal(read_image(tmp_path / "a.npy"), photo)
    np.save(tmp_path / "b.npy", photo[0] / 255)
    assert read_image(tmp_path / "b.npy").shape == (1, 4, 5)


def test_other_formats(photo, tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    path = tmp_path / "a.png"
    pillow.fromarray(photo.transpose(1, 2, 0)).save(path)
    np.testing.assert_array_equal(read_image(path), photo)
    assert read_image(path, "L").shape == (1, 4, 5)
    pillow.fromarray(photo[0]).save(path)
    np.testing.assert_array_equal(read_image(path), photo[:1])
    pillow.fromarray(photo.transpose(1, 2, 0)).quantize(4).save(path)
    assert read_image(path).shape == (3, 4, 5)


def test_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match=r"Pillow is needed to read it[^\n]*\n  fix: pip install minidl\[images\]"):
        read_image(tmp_path / "a.png")


@pytest.fixture
def folder(photo, tmp_path):
    for name, count in (("zebra", 2), ("ant", 3)):
        (tmp_path / name / "deeper").mkdir(parents=True)
        for i in range(count):
            (tmp_path / name / ("deeper" if i else ".") / f"{i}.PPM").write_bytes(ppm(photo // (i + 1)))
        (tmp_path / name / "notes.txt").write_text("")
    np.save(tmp_path / "ant" / "z.npy", photo[:1])
    return tmp_path


def test_image_folder(folder, photo):
    images = ImageFolder(folder)
    assert images.classes == ["ant", "zebra"] and images.class_to_idx == {"ant": 0, "zebra": 1}
    assert images.targets == [0, 0, 0, 0, 1, 1] and len(images) == 6
    assert all(str(folder) in path for path, _ in images.samples)
    first, label = images[0]
    np.testing.assert_array_equal(first, photo)
    assert label == 0 and images[-1][1] == 1
    assert images[3][0].shape == (3, 4, 5)  # grey as RGB


def test_image_folder_in_a_loader(folder):
    change = T.Compose([T.ToDtype("float32", scale=True), T.RandomResizedCrop(3)])
    images = ImageFolder(folder, change, lambda k: -k)
    batches = list(DataLoader(images, 4, num_workers=2))
    assert [x.shape for x, _ in batches] == [(4, 3, 3, 3), (2, 3, 3, 3)]
    assert [k for _, y in batches for k in y.data] == [0, 0, 0, 0, -1, -1]
    assert ImageFolder(folder, loader=lambda path: path.rsplit(".", 1)[1])[0][0] == "PPM"
