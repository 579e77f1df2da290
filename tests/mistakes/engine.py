"""Mistakes with tensors, operations and graphs."""

import numpy as np

import minidl
from minidl import errors, ops

from . import Row


def matrix(**options):
    return minidl.tensor(np.ones((2, 3), np.float32), **options)


def leaf():
    return matrix(requires_grad=True)


def freed(_):
    y = (leaf() * leaf()).sum()
    y.backward()
    y.backward()


def changed(_):
    x = leaf()
    y = (x * x).sum()
    with minidl.no_grad():
        x.add_(1)
    y.backward()


def lost(_):
    minidl.tensor([1.0, 2.0])[0] = leaf()[0, 0]


SHAPES = [
    Row(
        "add",
        lambda _: matrix() + np.ones(4),
        errors.ShapeError,
        ("add", "x: float32 (2, 3)", "w: float64 (4,)", "fix"),
    ),
    Row("matmul", lambda _: matrix() @ matrix(), errors.ShapeError, ("x has shape (2, 3)", "w (2, 3)", ".mT")),
    Row("reshape", lambda _: matrix().reshape(4, 2), errors.ShapeError, ("reshape", "float32 (2, 3)", "(4, 2)")),
    Row("permute", lambda _: matrix().permute(0, 0), errors.ShapeError, ("transpose", "(2, 3)", "(0, 0)")),
    Row("expand", lambda _: matrix().expand(4, 3), errors.ShapeError, ("expand", "float32 (2, 3)", "shape=(4, 3)")),
    Row(
        "expand with -1", lambda _: matrix().expand(-1, 2, 3), errors.ShapeError, ("(-1, 2, 3)", "no -1 for a new axis")
    ),
    Row(
        "cat", lambda _: minidl.cat([matrix(), matrix()[:, :2]]), errors.ShapeError, ("xs[0]: float32 (2, 3)", "(2, 2)")
    ),
    Row(
        "stack",
        lambda _: minidl.stack([matrix(), matrix()[0]]),
        errors.ShapeError,
        ("stack", "(2, 3)", "one shape", "fix"),
    ),
    Row(
        "cat of nothing",
        lambda _: minidl.cat([]),
        errors.ArgumentError,
        ("cat: tensors", "got list []", "at least one"),
    ),
    Row("split", lambda _: matrix().split([1, 1], 1), errors.ShapeError, ("[1, 1]", "add up to 2", "expected", "3")),
    Row("chunk", lambda _: matrix().chunk(0), errors.ArgumentError, ("chunks: got 0", "at least 1")),
    Row(
        "pad", lambda _: ops.pad(matrix(), widths=((1, 1),)), errors.ArgumentError, ("pad: widths", "2 pairs", "(2, 3)")
    ),
    Row(
        "einsum",
        lambda _: minidl.einsum("ij,jk->ik", matrix(), matrix()),
        errors.ShapeError,
        ("'j' in 'ij,jk->ik'", "is 3", "2"),
    ),
    Row(
        "t of three axes",
        lambda _: matrix()[None].t(),
        errors.ShapeError,
        ("t: got shape (1, 2, 3)", "a matrix", ".mT"),
    ),
    Row("item of many", lambda _: matrix().item(), errors.ShapeError, ("item", "(2, 3)", "one element", "tolist()")),
    Row("truth of many", lambda _: bool(matrix() > 0), errors.ShapeError, ("bool", "(2, 3)", "ambiguous", ".any()")),
    Row("comparison", lambda _: matrix() == np.ones(4), errors.ShapeError, ("equal", "float32 (2, 3)", "float64 (4,)")),
]

AXES_AND_INDICES = [
    Row(
        "axis of a sum",
        lambda _: matrix().sum(2),
        errors.AxisError,
        ("sum", "float32 (2, 3)", "axis=2", "out of bounds"),
    ),
    Row("axis of softmax", lambda _: matrix().softmax(2), errors.AxisError, ("softmax: axis", "got 2", "-2 to 1")),
    Row(
        "axis of squeeze",
        lambda _: matrix().squeeze(4),
        errors.AxisError,
        ("squeeze: axis", "got 4", "-2 to 1", "2 axes"),
    ),
    Row("axis of unsqueeze", lambda _: matrix().unsqueeze(4), errors.AxisError, ("unsqueeze: axis", "got 4")),
    Row(
        "axis of transpose",
        lambda _: matrix().transpose(0, 3),
        errors.AxisError,
        ("transpose: axis", "got 3", "-2 to 1"),
    ),
    Row("axis of flatten", lambda _: matrix().flatten(2), errors.AxisError, ("flatten: start", "got 2")),
    Row("axis of argmax", lambda _: matrix().argmax(5), errors.AxisError, ("argmax: dim", "got 5", "-2 to 1")),
    Row(
        "axes of max", lambda _: matrix().max((0, 1)), errors.DTypeError, ("dim: got tuple (0, 1)", "one axis", "amax")
    ),
    Row("size of an axis", lambda _: matrix().size(7), errors.AxisError, ("size: dim", "got 7")),
    Row("index", lambda _: matrix()[5], errors.LabelError, ("float32 (2, 3)", "index=5", "out of bounds", "size 2")),
    Row("too many indices", lambda _: matrix()[0, 0, 0], errors.LabelError, ("index=(0, 0, 0)", "2-dimensional")),
    Row("index by a float", lambda _: matrix()[1.5], errors.DTypeError, ("index: got float 1.5", "integers, slices")),
    Row(
        "index by floats",
        lambda _: matrix()[matrix()],
        errors.DTypeError,
        ("got float32 (2, 3)", "integers or booleans"),
    ),
    Row(
        "assignment",
        lambda _: matrix().__setitem__(0, [1, 2]),
        errors.ShapeError,
        ("index int 0", "[1, 2]", "float32 (2, 3)"),
    ),
]

DTYPES_AND_DEVICES = [
    Row("ragged data", lambda _: minidl.tensor([[1, 2], [3]]), errors.ShapeError, ("data is ragged", "same length")),
    Row(
        "text as data",
        lambda _: minidl.tensor(["a"]),
        errors.DTypeError,
        ("data: got list ['a']", "expected numbers", "fix"),
    ),
    Row(
        "unknown dtype",
        lambda _: matrix(dtype="float31"),
        errors.DTypeError,
        ("dtype: got str 'float31'", "minidl.float32"),
    ),
    Row("dtype of zeros", lambda _: minidl.zeros(2, dtype=str), errors.DTypeError, ("dtype: got", "numbers")),
    Row("negative size", lambda _: minidl.zeros(-1), errors.ArgumentError, ("size: got int -1", "at least 0")),
    Row(
        "draws of integers",
        lambda _: minidl.randn(2, dtype="int64"),
        errors.DTypeError,
        ("randn: dtype", "int64", "randint"),
    ),
    Row(
        "empty range",
        lambda _: minidl.randint(5, 5, (2,)),
        errors.ArgumentError,
        ("randint", "low 5", "high 5", "low < high"),
    ),
    Row("times text", lambda _: matrix() * "a", errors.DTypeError, ("mul", "x: float32 (2, 3)", "w: str 'a'")),
    Row("plus None", lambda _: matrix() + None, errors.DTypeError, ("add", "w: None")),
    Row(
        "out of range", lambda _: minidl.tensor(np.uint8(1)) + 300, errors.DTypeError, ("uint8", "300", "out of bounds")
    ),
    Row(
        "integer power",
        lambda _: minidl.tensor([2]) ** -1,
        errors.ArgumentError,
        ("pow", "int64 (1,)", "int -1", "negative"),
    ),
    Row("invert floats", lambda _: ~matrix(), errors.DTypeError, ("float32", "booleans or integers")),
    Row(
        "labels as floats",
        lambda _: ops.embedding(matrix(), matrix()),
        errors.DTypeError,
        ("index: got float32", ".long()"),
    ),
    Row(
        "unknown device",
        lambda _: matrix().to("gpu"),
        errors.DeviceError,
        ("device: got 'gpu'", "'cpu', 'cuda'", "NVIDIA"),
    ),
    Row("dtype as device", lambda _: matrix().to("float64"), errors.DeviceError, ("device: got 'float64'", "dtype=")),
    Row("no such GPU", lambda _: matrix().to("cuda:999"), errors.DeviceError, ("device: got 'cuda:999'", "but")),
    Row(
        "from_numpy",
        lambda _: minidl.from_numpy([1]),
        errors.DTypeError,
        ("got list [1]", "numpy.ndarray", "minidl.tensor"),
    ),
    Row(
        "a limit that is no number",
        lambda _: matrix().clamp(min=matrix()),
        errors.DTypeError,
        ("low", "float32 (2, 3)", "maximum"),
    ),
    Row("from_dlpack", lambda _: minidl.from_dlpack(3), errors.ArgumentError, ("got int 3", "__dlpack__")),
    Row("missing keyword", lambda _: ops.reshape(matrix()), errors.DTypeError, ("reshape", "'shape'")),
    Row(
        "PyTorch's keyword",
        lambda _: ops.sum(matrix(), dim=0),
        errors.DTypeError,
        ("sum", "dim=0", "unexpected", "'dim'"),
    ),
    Row("clamp to nothing", lambda _: matrix().clamp(), errors.ArgumentError, ("low nor high", "min, max")),
    Row(
        "kind of gelu",
        lambda _: ops.gelu(matrix(), approximate="x"),
        errors.ArgumentError,
        ("approximate: got 'x'", "'tanh'"),
    ),
    Row("mode", lambda _: minidl.mode("quick"), errors.ArgumentError, ("mode: got 'quick'", "'fast', 'plain'")),
]

GRAPHS = [
    Row(
        "non-scalar backward",
        lambda _: (leaf() * 2).backward(),
        errors.GraphError,
        ("backward", "(2, 3)", "scalar", "gradient="),
    ),
    Row(
        "nothing to differentiate",
        lambda _: matrix().sum().backward(),
        errors.GraphError,
        ("requires_grad=True", "detach()"),
    ),
    Row("freed graph", freed, errors.GraphError, ("backward", "freed", "retain_graph=True")),
    Row("changed in place", changed, errors.GraphError, ("mul", "float32 (2, 3)", "changed in place", "clone()")),
    Row(
        "gradient of another shape",
        lambda _: leaf().backward(np.ones(3)),
        errors.ShapeError,
        ("gradient", "(3,)", "(2, 3)"),
    ),
    Row("leaf changed in place", lambda _: leaf().add_(1), errors.GraphError, ("add_", "leaf", "no_grad()")),
    Row("gradient lost in place", lost, errors.GraphError, ("tensor[index] = value", "float32 ()", "lose", "detach()")),
    Row(
        "expanded memory",
        lambda _: matrix().expand(4, 2, 3).zero_(),
        errors.GraphError,
        ("fill_", "read-only", "clone()"),
    ),
    Row("NumPy of a graph", lambda _: leaf().numpy(), errors.GraphError, ("numpy", "detach().numpy()")),
    Row(
        "gradient of integers",
        lambda _: minidl.tensor([1], requires_grad=True),
        errors.DTypeError,
        ("int64", "floating", ".float()"),
    ),
    Row("leaf that is none", lambda _: (leaf() * 2).requires_grad_(False), errors.GraphError, ("'mul'", "detach()")),
    Row(
        "hook on a constant",
        lambda _: matrix().register_hook(print),
        errors.GraphError,
        ("register_hook", "float32 (2, 3)", "requires_grad_()"),
    ),
    Row(
        "retain_grad of a constant",
        lambda _: matrix().retain_grad(),
        errors.GraphError,
        ("retain_grad", "(2, 3)", "requires_grad_()"),
    ),
    Row(
        "graph values in a list",
        lambda _: minidl.tensor([leaf()[0]]),
        errors.GraphError,
        ("data", "require a gradient", "minidl.stack"),
    ),
    Row(
        "grad of a matrix",
        lambda _: minidl.functional.grad(lambda x: x * 2)(matrix()),
        errors.GraphError,
        ("grad", "(2, 3)", "scalar", "jacobian"),
    ),
]

ROWS = [*SHAPES, *AXES_AND_INDICES, *DTYPES_AND_DEVICES, *GRAPHS]
