"""Saving and loading: bit for bit, readable by others, whole or not at all; and every spoilt file gives a DataError."""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
import sys
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import minidl
from minidl import Tensor
from minidl.errors import ArgumentError, DataError, DTypeError
from minidl.optim import Adam
from minidl.serialize import load, save
from minidl.tensor import Parameter

DTYPES = "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split()


def same(a, b):
    """Equal in value, type and bits; tensors and arrays count as one type."""
    if isinstance(a, Tensor | np.ndarray):
        a, b = (each.data if isinstance(each, Tensor) else each for each in (a, b))
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert type(a) is type(b)
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert type(a) is type(b)
        assert repr(a) == repr(b)  # NaN is NaN, and −0 is not 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (2, 3, 4)])
def test_every_dtype_comes_back(dtype, shape, rng, tmp_path):
    array = rng.integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    save({"x": Tensor(array)}, tmp_path / "x.safetensors")
    back = load(tmp_path / "x.safetensors")
    same({"x": array}, back)
    assert back["x"].data.flags.writeable
    assert not back["x"].requires_grad


@pytest.mark.parametrize(
    "name", ["fortran", "transposed", "strided", "reversed", "broadcast", "read-only", "big-endian"]
)
def test_every_layout_comes_back(name, rng, tmp_path):
    x = rng.normal(size=(4, 6)).astype(np.float32)
    array = {
        "fortran": np.asfortranarray(x),
        "transposed": x.T,
        "strided": x[::2, 1::2],
        "reversed": x[::-1],
        "broadcast": np.broadcast_to(x[0], (3, 6)),
        "read-only": np.frombuffer(x.tobytes(), np.float32).reshape(4, 6),
        "big-endian": x.astype(">f4"),
    }[name]
    save({"x": array, "y": x}, tmp_path / "x.safetensors")
    back = load(tmp_path / "x.safetensors")
    np.testing.assert_array_equal(back["x"].data, array)
    np.testing.assert_array_equal(back["y"].data, x)


def test_named_tensors_are_what_any_reader_expects(rng, tmp_path):
    from safetensors.numpy import load_file, save_file

    state = OrderedDict({"fc.weight": Parameter(rng.normal(size=(3, 2))), "fc.bias": minidl.tensor([1.0, 2.0])})
    save(state, tmp_path / "a.safetensors")
    theirs = load_file(tmp_path / "a.safetensors")
    same({name: theirs[name] for name in state}, state)
    save_file({"n": np.arange(3), "z": np.zeros((2, 2), np.float16)}, tmp_path / "b.safetensors", {"format": "np"})
    same({"n": np.arange(3), "z": np.zeros((2, 2), np.float16)}, dict(sorted(load(tmp_path / "b.safetensors").items())))
    save({}, tmp_path / "c.safetensors")
    assert load(tmp_path / "c.safetensors") == {}


def test_a_structure_comes_back(rng, tmp_path):
    from safetensors.numpy import load_file

    state = {
        "model": {"weight": minidl.tensor(rng.normal(size=(2, 3)))},
        "betas": (0.9, 0.999),
        "names": ["a", None, True, 3, 2**70, float("inf"), float("nan"), "Ⅷ \ud800"],
        7: [{"empty": []}, (), {}],
        "model.weight": np.arange(3),
        "scalar": np.float32(0.5),
    }
    save(state, tmp_path / "s.safetensors")
    back = load(tmp_path / "s.safetensors")
    same({**state, "scalar": 0.5}, back)
    assert sorted(load_file(tmp_path / "s.safetensors")) == ["model.weight", "model.weight_"]


@pytest.mark.parametrize("value", [None, 3, "text", [], (1, 2)])
def test_anything_of_the_kinds_allowed_may_stand_alone(value, tmp_path):
    save(value, tmp_path / "v.safetensors")
    same(load(tmp_path / "v.safetensors"), value)


def test_a_tensor_alone(tmp_path):
    save(minidl.tensor([1.0, 2.0]), tmp_path / "t.safetensors")
    same(load(tmp_path / "t.safetensors"), minidl.tensor([1.0, 2.0]))


def test_an_optimizer_goes_on_from_its_file_bit_for_bit(rng, tmp_path):
    params = [Parameter(rng.normal(size=(3, 2)).astype(np.float32)) for _ in range(2)]
    twins = [Parameter(p.data.copy()) for p in params]
    a, b = Adam(params, lr=0.1, betas=(0.8, 0.99)), Adam(twins)
    for step in range(4):
        for p, twin in zip(params, twins, strict=True):
            p.grad = twin.grad = minidl.tensor(rng.normal(size=p.shape).astype(np.float32))
        a.step()
        if step == 1:
            save(a.state_dict(), tmp_path / "adam.safetensors")
            b.load_state_dict(load(tmp_path / "adam.safetensors"))
            for p, twin in zip(params, twins, strict=True):
                twin.data[...] = p.data
        elif step > 1:
            b.step()
    assert b.param_groups[0]["betas"] == (0.8, 0.99)
    same([p.data for p in params], [p.data for p in twins])


leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | arrays_of.arrays(
        st.sampled_from(DTYPES).map(np.dtype), arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    )
)  # fmt: skip
structures = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=structures)
def test_any_structure_comes_back(value, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    save([value], path)
    same(load(path), [value])


def test_bfloat16_becomes_float32(tmp_path):
    values = np.array([1.0, -2.5, 3.140625, float("inf")], np.float32)
    data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    write(tmp_path / "b", {"x": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}, data)
    same(load(tmp_path / "b"), {"x": values.reshape(2, 2)})


@pytest.mark.oracle
def test_bfloat16_and_a_state_dict_of_pytorch(tmp_path):
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    state = {"w": torch.randn(3, 4), "b": torch.randn(5).to(torch.bfloat16), "n": torch.arange(3)}
    save_file(state, tmp_path / "t.safetensors")
    back = load(tmp_path / "t.safetensors")
    for name, value in state.items():
        expected = value.float() if value.dtype == torch.bfloat16 else value
        np.testing.assert_array_equal(back[name].data, expected.numpy())


# Whole or not at all --------------------------------------------------------------------------------------------------


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    save({"x": np.arange(3)}, path)

    def fail(*args):
        raise OSError(28, "No space left on device")

    for function in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, fail)
            with pytest.raises(DataError, match=r"cannot write .*w\.safetensors: No space left on device"):
                save({"x": np.arange(4)}, path)
        same(load(path), {"x": np.arange(3)})
        assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_what_was_written_is_compared_with_what_was_to_be_written(tmp_path, monkeypatch):
    import safetensors.numpy

    real = safetensors.numpy.save
    monkeypatch.setattr(safetensors.numpy, "save", lambda arrays, metadata: real({"x": arrays["x"] + 1}, metadata))
    with pytest.raises(DataError, match="'x' reads back differently; nothing was saved"):
        save({"x": np.arange(3)}, tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_name_that_the_package_refuses(tmp_path):
    with pytest.raises(DataError, match="the safetensors package refuses"):
        save({"\ud800": np.arange(3)}, tmp_path / "w.safetensors")


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_through_a_symbolic_link(tmp_path):
    (tmp_path / "latest").symlink_to(tmp_path / "real.safetensors")
    save({"x": np.arange(3)}, tmp_path / "latest")
    assert (tmp_path / "latest").is_symlink()
    same(load(tmp_path / "real.safetensors"), {"x": np.arange(3)})


def test_importing_minidl_does_not_load_safetensors():
    code = "import sys, minidl.serialize; sys.exit('safetensors' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


# Errors ---------------------------------------------------------------------------------------------------------------


class Strange:
    def __repr__(self):
        return "<strange>"


UNSAVABLE = {
    "a set": ({"a": {1, 2}}, DTypeError, "obj['a']: got set {1, 2}, expected tensors, numbers"),
    "an object in a list": ([1, (Strange(),)], DTypeError, "obj[1][0]: got Strange <strange>"),
    "complex": ({"a": np.zeros(3, complex)}, DTypeError, "obj['a']: got complex128 (3,); the format has floats"),
    "text": ({"a": [np.array(["x"])]}, DTypeError, "obj['a'][0]: got <U1 (1,)"),
    "bytes": ([b"x"], DTypeError, "obj[0]: got bytes b'x'"),
    "a key": ({(1, 2): 3}, ArgumentError, "key: got tuple (1, 2), expected a string or a number"),
    "the reserved name": ({"__metadata__": np.zeros(1)}, ArgumentError, "'__metadata__'"),
}


@pytest.mark.parametrize("name", UNSAVABLE)
def test_what_cannot_be_saved(name, tmp_path):
    obj, kind, message = UNSAVABLE[name]
    with pytest.raises(kind, match=re.escape(message)):
        save(obj, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match=r"No such file or directory\n  fix: make the folder first"):
        save({}, tmp_path / "no folder" / "x.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="cannot write"):
        save({}, tmp_path / "folder")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        save({}, tmp_path / "file" / "x.safetensors")
    assert [p.name for p in tmp_path.rglob("*")] in (["folder", "file"], ["file", "folder"])


def write(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


CORRUPT = {
    "empty": (b"", b"", None),
    "no JSON": (b"{]", b"", "header is corrupt"),
    "no object": (b"[1]", b"", "header is corrupt"),
    "not UTF-8": (b"\xff\xfe", b"", "header is corrupt"),
    "nested too deeply": (b"[" * 100_000, b"", "header is corrupt"),
    "a huge number": (b'{"x": ' + b"9" * 10_000 + b"}", b"", "header is corrupt"),
    "entry is a list": ({"x": [1]}, b"", "header is corrupt"),
    "shape is a number": ({"x": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}}, b"8" * 8, "no proper dtype"),
    "too many axes": ({"x": entry(shape=[1] * 65, offsets=(0, 4))}, b"8" * 4, "no proper dtype and shape"),
    "negative size": ({"x": entry(shape=[-2])}, b"8" * 8, "no natural numbers"),
    "true as a size": ({"x": entry(shape=[True], offsets=(0, 4))}, b"8" * 4, "no natural numbers"),
    "beyond NumPy": ({"x": entry(shape=[0, 2**62, 2**62], offsets=(0, 0))}, b"", "'x', F32 (0, 4611686018427387904"),
    "offsets": ({"x": entry(offsets=(0, 4))}, b"8" * 8, "is said to lie in bytes 0 to 4, expected 0 to 8"),
    "gap": ({"x": entry(offsets=(4, 12))}, b"8" * 12, "is said to lie in bytes 4 to 12, expected 0 to 8"),
    "overlap": ({"x": entry(), "y": entry(offsets=(4, 12))}, b"8" * 12, "'y', F32 (2,), is said to lie in bytes 4"),
    "truncated data": ({"x": entry()}, b"8" * 7, "truncated: it has"),
    "trailing data": ({"x": entry()}, b"8" * 9, "longer than it should be: it has"),
    "unknown dtype": ({"x": entry("F8_E4M3", (8,))}, b"8" * 8, "dtype F8_E4M3 is not known, expected one of F64"),
    "name twice": (b'{"x": {}, "x": {}}', b"", "a name stands in it twice"),
    "metadata": ({"__metadata__": {"a": 1}}, b"", "metadata that is not text"),
    "metadata is a list": ({"__metadata__": [1]}, b"", "header is corrupt"),
    "boolean of 2": ({"x": entry("BOOL", (1,), (0, 1))}, b"\x02", "booleans other than 0 and 1"),
    "structure": ({"__metadata__": {"minidl.structure": "{"}}, b"", "the structure in its metadata is corrupt"),
    "structure names": ({"__metadata__": {"minidl.structure": '{"tensor": "x"}'}}, b"", "metadata is corrupt: 'x'"),
    "structure kind": ({"__metadata__": {"minidl.structure": '{"set": []}'}}, b"", "unknown kind 'set'"),
    "structure depth": ({"__metadata__": {"minidl.structure": "[" * 9**5}}, b"", "metadata is corrupt"),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRUPT)
def test_corrupt_files(name, tmp_path):
    header, data, message = CORRUPT[name]
    path = tmp_path / "x.safetensors"
    write(path, header, data) if message else path.write_bytes(data)
    with pytest.raises(DataError, match=re.escape(message or "truncated, or not a safetensors file: it has 0 bytes")):
        load(path)


FOREIGN = {
    "zip": (b"PK\x03\x04\x00\x00\x08\x08" + b"\0" * 50, "a zip archive, such as torch.save"),
    "pickle": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a Python pickle"),
    "npy": (b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}", "a NumPy .npy file"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "an HDF5 file, such as Keras writes"),
    "gzip": (b"\x1f\x8b\x08\x08\x62\x61\x60\x5f" + b"\0" * 50, "a gzip file"),
    "text": (b"epoch,loss,accuracy\n1,2,3\n", "truncated, or not a safetensors file"),
    "short": (b"{}", "truncated, or not a safetensors file: it has 2 bytes"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_kinds_of_files(name, tmp_path):
    data, message = FOREIGN[name]
    (tmp_path / "x.pt").write_bytes(data)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load(tmp_path / "x.pt")
    assert ("save_file(model.state_dict()" in str(caught.value)) == (name not in ("text", "short"))


@pytest.mark.oracle
@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_of_torch_save_says_how_to_convert_it(zipped, tmp_path):
    import torch

    torch.save({"w": torch.zeros(3)}, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(DataError, match=r"torch\.save"):
        load(tmp_path / "x.pth")


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*none: No such file or directory\n  fix: check the path"):
        load(tmp_path / "none")
    with pytest.raises(DataError, match="Is a directory"):
        load(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "x.safetensors"
    save({"step": 3, "w": [minidl.tensor([[1.0, 2.0]]), np.array([True, False])], "t": (None, "a")}, path)
    return path.read_bytes()


def test_cut_off_at_every_byte(whole, tmp_path):
    path = tmp_path / "x.safetensors"
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError):
            load(path)


def test_every_bit_of_the_header_flipped(whole, tmp_path):
    path = tmp_path / "x.safetensors"
    length = 8 + int.from_bytes(whole[:8], "little")
    loaded = 0
    for place in range(length):
        for bit in range(8):
            spoilt = bytearray(whole)
            spoilt[place] ^= 1 << bit
            path.write_bytes(spoilt)
            try:
                load(path)
                loaded += 1  # another name, another dtype of the same size: nothing that a reader could notice
            except DataError:
                pass
    assert loaded < 8 * length / 2


@given(data=st.data())
def test_headers_with_several_bytes_changed(whole, data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "spoilt.safetensors"
    length = 8 + int.from_bytes(whole[:8], "little")
    spoilt = bytearray(whole)
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, length - 1), st.integers(0, 255)), min_size=1, max_size=6)
    ):
        spoilt[place] = byte
    path.write_bytes(spoilt)
    with contextlib.suppress(DataError):
        load(path)
