"""Mistakes with loaders, samplers, augmentation, and files of images and tables."""

import pickle

import numpy as np

import minidl
from minidl import data, errors
from minidl.data import DataLoader
from minidl.data import transforms as T

from . import Row

SET = data.TensorDataset(np.arange(6.0))
IMAGE = np.zeros((3, 4, 4), np.float32)
BATCH = (np.zeros((2, 3, 4, 4), np.float32), np.array([0, 1]))
STATE = DataLoader(SET, generator=minidl.Generator(0)).state_dict()
CIFAR = [f"data_batch_{i}" for i in range(1, 6)]


class Endless(data.IterableDataset):
    def __iter__(self):
        return iter([1])


def csv(text, *args, **options):
    """Read a CSV file with this text."""

    def load(folder):
        (folder / "t.csv").write_text(text)
        data.CSVDataset(folder / "t.csv", *args, **options)

    return load


def cifar(content, ending=""):
    """Read a folder in which every training batch has this content."""

    def load(folder):
        for name in CIFAR:
            (folder / (name + ending)).write_bytes(content)
        data.CIFAR10(folder)

    return load


def image(name, content):
    def load(folder):
        (folder / name).write_bytes(content)
        data.read_image(folder / name)

    return load


LOADERS = [
    Row(
        "shuffle and sampler",
        lambda _: DataLoader(SET, 2, True, sampler=[0]),
        errors.ArgumentError,
        ("both shuffle and a sampler", "same thing"),
    ),
    Row(
        "batch_sampler and batch_size",
        lambda _: DataLoader(SET, 2, batch_sampler=[[0]]),
        errors.ArgumentError,
        ("both a batch_sampler and batch_size",),
    ),
    Row(
        "batch_sampler and others",
        lambda _: DataLoader(SET, shuffle=True, batch_sampler=[[0]], drop_last=True),
        errors.ArgumentError,
        ("batch_sampler and shuffle, drop_last", "decides itself"),
    ),
    Row(
        "drop_last without batches",
        lambda _: DataLoader(SET, None, drop_last=True),
        errors.ArgumentError,
        ("drop_last", "batch_size=None"),
    ),
    Row("workers", lambda _: DataLoader(SET, num_workers=-1), errors.ArgumentError, ("num_workers: got -1", "≥ 0")),
    Row(
        "prefetch without workers",
        lambda _: DataLoader(SET, prefetch_factor=2),
        errors.ArgumentError,
        ("prefetch_factor: got one without workers", "num_workers=1"),
    ),
    Row(
        "prefetch",
        lambda _: DataLoader(SET, num_workers=1, prefetch_factor=0),
        errors.ArgumentError,
        ("prefetch_factor: got 0", "≥ 1"),
    ),
    Row(
        "shuffled stream",
        lambda _: DataLoader(Endless(), shuffle=True),
        errors.ArgumentError,
        ("shuffle", "IterableDataset", "its own order"),
    ),
    Row(
        "a generator as a dataset",
        lambda _: DataLoader(i for i in range(3)),
        errors.DTypeError,
        ("dataset: got generator", "IterableDataset"),
    ),
    Row(
        "an item out of range",
        lambda _: list(DataLoader(SET, collate_fn=list, sampler=[9], num_workers=1)),
        errors.LabelError,
        ("TensorDataset: index: got 9", "-6 to 5"),
    ),
    Row(
        "state of another kind",
        lambda _: DataLoader(SET).load_state_dict({"step": 3}),
        errors.StateDictError,
        ("got ['step']", "'position'", "'seed'"),
    ),
    Row(
        "state with other generators",
        lambda _: DataLoader(SET).load_state_dict(STATE),
        errors.StateDictError,
        ("other generators", "fix"),
    ),
    Row(
        "collate: keys",
        lambda _: data.collate([{"x": 1}, {"y": 1}]),
        errors.ArgumentError,
        ("\"'y'\"", "keys of the first", "\"'x'\""),
    ),
    Row("collate: nothing", lambda _: data.collate([]), errors.ArgumentError, ("got no items",)),
    Row("collate: types", lambda _: data.collate([(1, "a"), (1, 2)]), errors.DTypeError, ("part [1]", "str")),
    Row(
        "collate: shapes inside",
        lambda _: data.collate([{"x": np.zeros(2)}, {"x": np.zeros(3)}]),
        errors.ShapeError,
        ("part ['x']", "(2,), (3,)", "pad_collate"),
    ),
    Row(
        "pad_collate: numbers",
        lambda _: data.pad_collate([(1, 2)]),
        errors.ArgumentError,
        ("0 parts to pad", "use collate"),
    ),
    Row(
        "pad_collate: values",
        lambda _: data.pad_collate([([1], [2])], (0,)),
        errors.ArgumentError,
        ("padding_value: got (0,)", "2 parts"),
    ),
    Row(
        "pad_collate: shapes",
        lambda _: data.pad_collate([np.zeros((2, 3)), np.zeros((2, 4))]),
        errors.ShapeError,
        ("(2, 3), (2, 4)", "first size only"),
    ),
]

SAMPLERS = [
    Row("samples", lambda _: data.RandomSampler(SET, True, 0), errors.ArgumentError, ("num_samples: got 0", "≥ 1")),
    Row("replacement", lambda _: data.RandomSampler(SET, 3), errors.ArgumentError, ("replacement: got 3", "True")),
    Row(
        "samples of nothing",
        lambda _: list(data.RandomSampler([], num_samples=2)),
        errors.ArgumentError,
        ("empty data_source", "2 items"),
    ),
    Row(
        "weights below 0",
        lambda _: data.WeightedRandomSampler([1, -2], 3),
        errors.ArgumentError,
        ("got -2.0 for item 1", "≥ 0"),
    ),
    Row("weights of 0", lambda _: data.WeightedRandomSampler([0, 0], 3), errors.ArgumentError, ("got 0 above 0",)),
    Row(
        "weights for each class",
        lambda _: data.WeightedRandomSampler([[1.0, 2.0]], 3),
        errors.ArgumentError,
        ("float64 (1, 2)", "one number for each item"),
    ),
    Row(
        "too few to draw once each",
        lambda _: data.WeightedRandomSampler([1, 0, 2], 3, replacement=False),
        errors.ArgumentError,
        ("got 2 above 0, expected at least 3", "replacement=True"),
    ),
    Row("batches of 0", lambda _: data.BatchSampler(range(3), 0), errors.ArgumentError, ("batch_size: got 0",)),
    Row(
        "no process group",
        lambda _: data.DistributedSampler(SET),
        errors.ArgumentError,
        ("num_replicas: got None", "num_replicas=4, rank=0"),
    ),
    Row(
        "rank",
        lambda _: data.DistributedSampler(SET, 2, 2),
        errors.ArgumentError,
        ("rank: got 2", "expected 0 to 1"),
    ),
    Row("nothing to concatenate", lambda _: data.ConcatDataset([]), errors.ArgumentError, ("datasets: got none",)),
    Row(
        "a stream among datasets",
        lambda _: data.ConcatDataset([SET, Endless()]),
        errors.DTypeError,
        ("datasets[1]", "ChainDataset"),
    ),
    Row(
        "datasets of unequal length",
        lambda _: data.StackDataset(SET, [1]),
        errors.ShapeError,
        ("[6, 1] items", "same number"),
    ),
    Row(
        "by place and by name",
        lambda _: data.StackDataset(SET, y=SET),
        errors.ArgumentError,
        ("1 datasets by place and 1 by name",),
    ),
]

TRANSFORMS = [
    Row("probability", lambda _: T.RandomHorizontalFlip(2), errors.ArgumentError, ("p: got 2", "0 to 1")),
    Row("crop: size", lambda _: T.RandomCrop((3, 4, 5)), errors.ArgumentError, ("size: got (3, 4, 5)", "height")),
    Row(
        "crop: a small image",
        lambda _: T.RandomCrop(8)(IMAGE),
        errors.ShapeError,
        ("4 × 4", "at least 8 × 8", "pad_if_needed=True"),
    ),
    Row("pad: sides", lambda _: T.Pad((1, 2, 3)), errors.ArgumentError, ("padding: got (1, 2, 3)", "1, 2 or 4")),
    Row("pad: mode", lambda _: T.Pad(1, padding_mode="wrap"), errors.ArgumentError, ("'wrap'", "reflect, symmetric")),
    Row(
        "pad: colour", lambda _: T.Pad(1, fill=(1, 2))(IMAGE), errors.ArgumentError, ("fill: got (1, 2)", "3 channels")
    ),
    Row("erasing: scale", lambda _: T.RandomErasing(scale=(0.5, 2)), errors.ArgumentError, ("scale", "at most 1")),
    Row("erasing: value", lambda _: T.RandomErasing(value="grey"), errors.ArgumentError, ("'grey'", "'random'")),
    Row("rotation", lambda _: T.RandomRotation(-5), errors.ArgumentError, ("degrees: got -5", "(from, to)")),
    Row("interpolation", lambda _: T.Resize(3, "bicubic"), errors.ArgumentError, ("'bicubic'", "'bilinear'")),
    Row(
        "ratio",
        lambda _: T.RandomResizedCrop(3, ratio=(2, 1)),
        errors.ArgumentError,
        ("ratio: got (2, 1)", "from ≤ to"),
    ),
    Row("jitter", lambda _: T.ColorJitter(hue=0.7), errors.ArgumentError, ("hue: got 0.7", "0.5")),
    Row("jitter: channels", lambda _: T.ColorJitter(1)(IMAGE[:2]), errors.ShapeError, ("2 channels", "1 or 3")),
    Row("grey of two", lambda _: T.Grayscale()(IMAGE[:2]), errors.ShapeError, ("2 channels", "red, green, blue")),
    Row(
        "normalize bytes",
        lambda _: T.Normalize(0, 1)(IMAGE.astype(np.uint8)),
        errors.DTypeError,
        ("uint8 (3, 4, 4)", "expected floats", "ToDtype('float32', scale=True)"),
    ),
    Row("normalize: channels", lambda _: T.Normalize([0, 0], 1)(IMAGE), errors.ArgumentError, ("mean: got 2", "3")),
    Row("normalize: by 0", lambda _: T.Normalize(0, [1, 0, 1]), errors.ArgumentError, ("std", "other than 0")),
    Row("no channels", lambda _: T.Pad(1)(IMAGE[0]), errors.ShapeError, ("(4, 4)", "(C, H, W)", "x[None]")),
    Row("no array", lambda _: T.Pad(1)("cat.png"), errors.DTypeError, ("images: got str 'cat.png'", "array")),
    Row("no transform", lambda _: T.Compose([T.Pad(1), 3]), errors.DTypeError, ("Compose: got int 3", "be called")),
    Row("mixup: alpha", lambda _: T.MixUp(alpha=0), errors.ArgumentError, ("alpha: got 0", "above 0")),
    Row("mixup: classes", lambda _: T.MixUp()(BATCH), errors.ArgumentError, ("num_classes: got None", "int64 (2,)")),
    Row(
        "cutmix: label",
        lambda _: T.CutMix(num_classes=1)(BATCH),
        errors.LabelError,
        ("labels: got 1", "expected 0 to 0"),
    ),
    Row(
        "mixup: one image",
        lambda _: T.MixUp(num_classes=2)(IMAGE, np.array([1, 0, 1])),
        errors.ShapeError,
        ("images (3, 4, 4)", "mix batches, not items"),
    ),
    Row("mixup: no labels", lambda _: T.MixUp(num_classes=2)(IMAGE), errors.DTypeError, ("pair (images, labels)",)),
]

READERS = [
    Row("CIFAR: no files", data.CIFAR10, errors.DataError, ("neither data_batch_1", "cifar-10-python.tar.gz")),
    Row(
        "CIFAR: a part is missing",
        lambda f: ((f / "test_batch").write_bytes(b""), data.CIFAR10(f)),
        errors.DataError,
        ("got no data_batch_1", "unpack the archive again"),
    ),
    Row("CIFAR: truncated", cifar(bytes(3000), ".bin"), errors.DataError, ("3000 bytes", "multiple of 3073", "again")),
    Row("CIFAR: class", cifar(b"\x0c" + bytes(3072), ".bin"), errors.DataError, ("image 0: got class 12", "0 to 9")),
    Row(
        "CIFAR: a pickle that runs something",
        cifar(b"cos\nsystem\n(S'true'\ntR."),
        errors.DataError,
        ("names os.system", "was not run", "who made it"),
    ),
    Row("CIFAR: no pickle", cifar(b"<html>"), errors.DataError, ("not a pickle", "download it again")),
    Row("CIFAR: other data", cifar(pickle.dumps({"data": 1})), errors.DataError, ("data: expected", "(N, 3072)")),
    Row("CSV: no file", lambda f: data.CSVDataset(f / "no.csv"), errors.DataError, ("cannot read", "check the path")),
    Row("CSV: no rows", csv("a,b\n"), errors.DataError, ("t.csv", "no rows after the header")),
    Row("CSV: ragged", csv("a,b\n1,2\n3\n"), errors.DataError, ("line 3 has 1 values, expected 2",)),
    Row(
        "CSV: a name",
        csv("a,b\n1,2\n3,red\n"),
        errors.DataError,
        ("line 3, column 'b'", "got 'red'", "categorical=['b']"),
    ),
    Row(
        "CSV: missing",
        csv("a,b\n1,2\n,4\n"),
        errors.DataError,
        ("line 3, column 'a'", "value is missing", 'missing="drop"'),
    ),
    Row("CSV: target", csv("a,b\n1,2\n", "c"), errors.ArgumentError, ("target: got 'c'", "2 columns: a, b")),
    Row("CSV: a name twice", csv("a,a\n1,2\n"), errors.DataError, ("'a' twice", "header=False")),
    Row("CSV: missing what", csv("a\n1\n", missing="mean"), errors.ArgumentError, ("'mean'", "'drop'")),
    Row("images: no folder", lambda f: data.ImageFolder(f / "no"), errors.DataError, ("is not a folder", "one folder")),
    Row("images: no classes", data.ImageFolder, errors.DataError, ("no folders in it", "each class")),
    Row(
        "images: an empty class",
        lambda f: ((f / "cat").mkdir(), data.ImageFolder(f)),
        errors.DataError,
        ("cat: got no images", ".png", "remove the folder"),
    ),
    Row("image: truncated", image("a.ppm", b"P6 2 2 255\n123"), errors.DataError, ("truncated", "3 bytes", "12")),
    Row("image: header", image("a.pgm", b"P5 two 2 255\n"), errors.DataError, ("a.pgm", "header is corrupt")),
    Row("image: objects", image("a.npy", b"\x93NUMPY\x01"), errors.DataError, ("not a whole .npy file", "np.save")),
    Row("image: empty", image("a.png", b""), errors.DataError, ("a.png", "empty")),
]

ROWS = [*LOADERS, *SAMPLERS, *TRANSFORMS, *READERS]
