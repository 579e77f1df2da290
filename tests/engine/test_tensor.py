"""A tensor as a value: made from anything, in the dtype one expects, beside NumPy, and out again."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest

import minidl
from minidl import Tensor, errors


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, "float32", ()),
        (1, "int64", ()),
        (True, "bool", ()),
        ([1.5, 2], "float32", (2,)),
        ([[1, 2], [3, 4]], "int64", (2, 2)),
        ([True, False], "bool", (2,)),
        ((1.0, 2.0), "float32", (2,)),
        (range(3), "int64", (3,)),
        ([], "float32", (0,)),
        ([[], []], "float32", (2, 0)),
        (np.zeros((2, 3)), "float64", (2, 3)),
        (np.zeros(2, np.float16), "float16", (2,)),
        (np.float64(3), "float64", ()),
        (np.arange(3, dtype=np.uint8), "uint8", (3,)),
        (np.ones(2, ">f4"), "float32", (2,)),
        ([np.ones(2), np.ones(2)], "float64", (2, 2)),
    ],
)
def test_made_from_anything(data, dtype, shape):
    for make in (minidl.tensor, minidl.as_tensor, minidl.Buffer):
        x = make(data)
        assert isinstance(x, Tensor)
        assert (x.dtype, x.shape) == (np.dtype(dtype), shape)
        assert x.dtype.isnative
        np.testing.assert_array_equal(x.numpy(), np.array(data))
        assert not x.requires_grad and x.is_leaf and x.grad is None and x.grad_fn is None
        assert x.device == "cpu"


def test_python_numbers_lose_no_digit_on_the_way_to_a_wider_dtype():
    assert minidl.tensor(0.1, dtype="float64").item() == 0.1
    assert minidl.as_tensor([0.1], dtype="float64").tolist() == [0.1]
    assert minidl.tensor(2**24 + 1.0, dtype="int64").item() == 2**24 + 1


@pytest.mark.oracle
def test_made_from_pytorchs_tensors():
    import torch

    theirs = torch.ones(2, dtype=torch.float64)
    x = minidl.tensor(theirs)
    theirs[0] = 7
    assert x.dtype == np.float64 and x.tolist() == [1, 1]
    assert minidl.as_tensor(theirs).tolist() == [7, 1]


def test_made_from_tensors():
    parts = [minidl.tensor([1.0, 2.0]), minidl.tensor([3.0, 4.0])]
    x = minidl.tensor(parts)
    assert x.dtype == np.float32 and x.tolist() == [[1, 2], [3, 4]]
    assert minidl.tensor([minidl.tensor(2, dtype="float64")]).dtype == np.float64
    again = minidl.tensor(x)
    assert not np.shares_memory(again.data, x.data)
    assert minidl.as_tensor(x) is x


def test_a_list_of_graph_values_is_refused_and_not_cut():
    leaf = minidl.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(errors.GraphError, match="stack"):
        minidl.tensor([leaf[0], leaf[1]])
    minidl.ops.stack([leaf[0], leaf[1]]).sum().backward()
    assert leaf.grad.tolist() == [1, 1]


def test_copies_and_aliases():
    array = np.zeros(3)
    assert not np.shares_memory(minidl.tensor(array).data, array)
    for alias in (minidl.from_numpy(array), minidl.as_tensor(array), minidl.Parameter(array)):
        assert np.shares_memory(alias.data, array)
    x = minidl.from_numpy(array)
    array[0] = 7
    assert x[0].item() == 7
    assert np.shares_memory(x.numpy(), array)
    assert x.detach().data is x.data


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", np.int64, bool, float, minidl.uint8])
def test_dtype_on_request(dtype):
    x = minidl.tensor([0, 1, 1], dtype=dtype)
    assert x.dtype == np.dtype(dtype)
    assert minidl.as_tensor([0, 1], dtype=dtype).dtype == np.dtype(dtype)
    assert x.to(np.dtype(dtype)).dtype == x.to(dtype=dtype).dtype == np.dtype(dtype)


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_with_numpy_on_either_side(operator, rng):
    function = OPERATORS[operator]
    a, b = rng.uniform(0.5, 2, (3, 3)), rng.uniform(0.5, 2, (3, 3))
    b[0] = a[0]
    expected = function(a, b)
    for x, w in [(minidl.tensor(a), b), (a, minidl.tensor(b)), (minidl.tensor(a), minidl.tensor(b))]:
        y = function(x, w)
        assert type(y) is Tensor and y.dtype == expected.dtype
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12)
    if operator != "@":
        for y, e in [
            (function(minidl.tensor(a), 2), function(a, 2)),
            (function(2, minidl.tensor(a)), function(2, a)),
            (function(minidl.tensor(a), np.float64(2)), function(a, 2)),
            (function(np.float64(2), minidl.tensor(a)), function(2, a)),
        ]:
            np.testing.assert_allclose(y.numpy(), e, rtol=1e-12)


@pytest.mark.parametrize("operator", list(OPERATORS)[:6])
def test_a_numpy_operand_is_a_constant_of_the_graph(operator, rng):
    a, b = rng.uniform(0.5, 2, (3, 3)), rng.uniform(0.5, 2, (3, 3))
    for x, w in [(minidl.tensor(a, requires_grad=True), b), (a, minidl.tensor(b, requires_grad=True))]:
        y = OPERATORS[operator](x, w)
        assert y.requires_grad
        y.sum().backward()
        (leaf,) = [t for t in (x, w) if isinstance(t, Tensor)]
        assert leaf.grad.shape == leaf.shape


def test_logic():
    a, b = np.array([True, True, False]), np.array([True, False, False])
    for x, w in [(minidl.tensor(a), minidl.tensor(b)), (minidl.tensor(a), b), (a, minidl.tensor(b))]:
        assert (x & w).tolist() == [True, False, False]
        assert (x | w).tolist() == [True, True, False]
        assert (x ^ w).tolist() == [False, True, False]
    assert (~minidl.tensor(a)).tolist() == [False, False, True]
    n = minidl.tensor([6, 3])
    assert (n & 3).tolist() == [2, 3] and (~n).tolist() == [-7, -4] and (1 | n).tolist() == [7, 3]
    assert n.logical_and(minidl.tensor([0, 1])).tolist() == [False, True]
    with pytest.raises(errors.DTypeError, match=r"float32.*booleans or integers"):
        ~minidl.tensor([1.0])


def test_comparison_with_what_is_no_number():
    x = minidl.tensor([1.0, 2.0])
    assert (x == None) is False and (x != None) is True and (x == "a") is False  # noqa: E711
    with pytest.raises(TypeError):
        x < None  # noqa: B015
    assert 2.0 in x and 3.0 not in x
    assert len({x, x, minidl.tensor([1.0, 2.0])}) == 2  # hashed by identity


def test_numpy_out():
    x = minidl.tensor([[1.0, 2.0]])
    assert np.asarray(x) is x.data
    assert np.array(x, dtype=np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(x, copy=True), x.data)
    np.testing.assert_array_equal(np.stack([x, x]), [[[1, 2]], [[1, 2]]])
    y = minidl.tensor([1.0], requires_grad=True)
    for out in (y.numpy, (y * 2).numpy, lambda: np.asarray(y), lambda: np.from_dlpack(y)):
        with pytest.raises(errors.GraphError, match="detach"):
            out()
    assert y.tolist() == [1.0] and y.item() == 1.0


def test_dlpack_with_numpy():
    x = minidl.tensor([[1.0, 2.0], [3.0, 4.0]])
    array = np.from_dlpack(x.T)
    assert np.shares_memory(array, x.data) and array.tolist() == [[1, 3], [2, 4]]
    y = minidl.from_dlpack(np.arange(4.0))
    assert y.dtype == np.float64 and y.tolist() == [0, 1, 2, 3]
    assert minidl.from_dlpack(x).tolist() == x.tolist()


@pytest.mark.oracle
def test_dlpack_with_pytorch_shares_memory():
    import torch

    for wrong in (torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.bfloat16)):
        with pytest.raises(errors.ArgumentError, match=r"from_dlpack: got torch.* \(2,\), which cannot be shared"):
            minidl.from_dlpack(wrong)

    theirs = torch.arange(6.0).reshape(2, 3).T
    ours = minidl.from_dlpack(theirs)
    assert ours.dtype == np.float32 and ours.tolist() == theirs.tolist()
    theirs[0, 0] = 7
    assert ours[0, 0].item() == 7
    x = minidl.tensor([1.0, 2.0])
    back = torch.from_dlpack(x)
    x.mul_(3)
    assert back.tolist() == [3, 6]


def test_python_out():
    x = minidl.tensor([[1, 2], [3, 4]])
    assert len(x) == 2 and x.tolist() == [[1, 2], [3, 4]]
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert (x.shape, x.size(), x.size(-1), x.ndim, x.dim(), x.numel()) == ((2, 2), (2, 2), 2, 2, 2, 4)
    one = minidl.tensor([2.5])
    assert (one.item(), float(one), int(one), bool(one)) == (2.5, 2.5, 2, True)
    assert type(one.item()) is float and type(minidl.tensor(3).item()) is int
    assert [10, 20, 30][minidl.tensor(1)] == 20 and list(range(minidl.tensor(2))) == [0, 1]
    assert not minidl.tensor(0.0) and minidl.tensor(-1)
    assert f"{minidl.tensor(2.5):.2f}" == "2.50"
    assert f"{x}" == repr(x)
    for wrong in (bool, float, int, lambda t: t.item()):
        with pytest.raises(errors.ShapeError, match=r"\(2, 2\)"):
            wrong(x)
    for wrong in (len, iter):
        with pytest.raises(TypeError, match="0-d"):
            wrong(minidl.tensor(1.0))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: minidl.tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (lambda: minidl.tensor([1, 2]), "tensor([1, 2])"),
        (lambda: minidl.tensor([True]), "tensor([ True])"),
        (lambda: minidl.tensor(0.5), "tensor(0.5)"),
        (lambda: minidl.tensor([1.0], dtype="float64"), "tensor([1.], dtype=float64)"),
        (lambda: minidl.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: minidl.tensor([1.0], requires_grad=True) + 1, "tensor([2.], grad_fn=<add>)"),
        (lambda: minidl.tensor([[1.0], [2.0]]), "tensor([[1.],\n        [2.]])"),
    ],
)
def test_repr(make, text):
    assert repr(make()) == text


def test_copy_and_pickle():
    x = minidl.Parameter(np.ones(2))
    x.grad = minidl.tensor(np.ones(2))
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(twin) is minidl.Parameter and twin.requires_grad and twin.grad.tolist() == [1, 1]
        assert not np.shares_memory(twin.data, x.data)
    with pytest.raises(errors.GraphError, match="'mul'"):
        copy.deepcopy(x * 2)


@pytest.mark.parametrize("data", ["abc", None, [None], {"a": 1}, object(), [Fraction(1, 2)], np.array(["a"])])
def test_not_numbers(data):
    with pytest.raises(errors.DTypeError, match="expected numbers"):
        minidl.tensor(data)
