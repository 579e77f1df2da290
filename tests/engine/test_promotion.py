"""Two dtypes meet: the result has the dtype that PyTorch would give it."""

import numpy as np
import pytest

import minidl

PROMOTION = {
    # (left, right): the dtype of left + right, as PyTorch has it
    ("float32", "float32"): "float32",
    ("float32", "float64"): "float64",
    ("float16", "float32"): "float32",
    ("float16", "int64"): "float16",
    ("float32", "int64"): "float32",
    ("float32", "int8"): "float32",
    ("float64", "int16"): "float64",
    ("float32", "bool"): "float32",
    ("int32", "int64"): "int64",
    ("int8", "uint8"): "int16",
    ("int64", "bool"): "int64",
    ("bool", "bool"): "bool",
}
SCALARS = [
    # (dtype of the tensor, scalar, dtype of tensor * scalar)
    ("float32", 2.5, "float32"),
    ("float32", 2, "float32"),
    ("float32", True, "float32"),
    ("float64", 2.5, "float64"),
    ("float16", 2.5, "float16"),
    ("int64", 2, "int64"),
    ("int32", 2, "int32"),
    ("uint8", 2, "uint8"),
    ("int64", 2.5, "float32"),
    ("bool", 2.5, "float32"),
    ("bool", 2, "int64"),
    ("float32", np.float64(2.5), "float32"),
    ("float32", np.sqrt(2), "float32"),
    ("float64", np.float32(2.5), "float64"),
    ("float32", np.int64(2), "float32"),
]


@pytest.mark.parametrize(("pair", "expected"), PROMOTION.items(), ids=str)
def test_promotion_of_arrays(pair, expected):
    x, w = (minidl.tensor([1, 0, 1], dtype=d) for d in pair)
    assert (x + w).dtype == (w + x).dtype == np.dtype(expected)
    assert (x * w).dtype == minidl.ops.maximum(x, w).dtype == np.dtype(expected)
    assert (x / w).dtype == np.dtype(expected if "float" in expected else "float32")


@pytest.mark.parametrize(("dtype", "scalar", "expected"), SCALARS, ids=str)
def test_promotion_with_scalars(dtype, scalar, expected):
    x = minidl.tensor([1, 0], dtype=dtype)
    assert (x * scalar).dtype == (scalar * x).dtype == np.dtype(expected)
    assert (x / 2).dtype == (2 / (x + 1)).dtype == np.dtype(dtype if "float" in dtype else "float32")


def test_arrays_with_axes_decide_over_0d_arrays():
    wide, narrow = minidl.tensor(2, dtype="float64"), minidl.tensor([1.0, 2.0])
    assert (wide * narrow).dtype == np.float32
    assert (wide * wide).dtype == np.float64
    assert (minidl.tensor([1, 2]) * wide).dtype == np.float64


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_promotion_is_pytorchs():
    import torch

    def name(dtype):
        return str(dtype).removeprefix("torch.")

    for (left, right), expected in PROMOTION.items():
        x, w = (torch.tensor([1, 0, 1], dtype=getattr(torch, d)) for d in (left, right))
        assert name((x + w).dtype) == expected
    for dtype, scalar, expected in SCALARS:
        product = torch.tensor([1, 0], dtype=getattr(torch, dtype)) * scalar
        assert name(product.dtype) == expected


def test_no_float64_comes_in_unasked():
    x, n = minidl.tensor([1.0, 2.0]), minidl.tensor([1, 2])
    wide = np.float64(0.5)
    for y in (
        x.clamp(min=wide),
        n.clamp(max=1.5),
        x.maximum(wide),
        x**wide,
        x.masked_fill(x > 1, wide),
        x * [1.0, 2.0],
    ):
        assert y.dtype == np.float32
    assert n.clamp(min=2).dtype == np.int64
    assert (minidl.tensor([1.0], dtype="float64") * [0.1]).dtype == np.float64


def test_functions_of_integers_are_float32():
    n = minidl.tensor([1, 4])
    for y in (n.exp(), n.sqrt(), n.mean(), n.sigmoid(), n.var(), n.logsumexp(0), n / n):
        assert y.dtype == np.float32
    assert n.sum().dtype == np.int64 and minidl.tensor([True, True]).sum().item() == 2
    assert minidl.tensor(np.array([200, 200], np.uint8)).sum().item() == 400
