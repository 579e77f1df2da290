"""Mistakes with activations, dropout, rounding and initial values."""

import numpy as np

import minidl
from minidl import errors, nn, ops
from minidl.nn import functional as F

from . import Row
from .layers import Model

X = minidl.tensor(np.ones((2, 3), np.float32))
WHOLE = minidl.tensor([1, 2])


def run(layer, *shape):
    return lambda _: Model(layer)(minidl.tensor(np.ones(shape, np.float32)))


def path(kind):
    return f"layer: encoder.1 ({kind})"


def matrix(*shape):
    return nn.Parameter(np.empty(shape, np.float32))


ACTIVATIONS = [
    Row(
        "PReLU: channels",
        run(nn.PReLU(4), 2, 3, 5),
        errors.ShapeError,
        ("prelu: weight", "(4,)", "(3,)", path("PReLU"), "PReLU(3)"),
    ),
    Row("prelu: a matrix", lambda _: F.prelu(X, X), errors.ShapeError, ("weight", "(2, 3)", "(1,) or (3,)")),
    Row("PReLU: no parameters", lambda _: nn.PReLU(0), errors.ArgumentError, ("num_parameters: got 0", "at least 1")),
    Row(
        "GLU: an odd size",
        run(nn.GLU(), 2, 3),
        errors.ShapeError,
        ("glu: input", "(2, 3)", "even size", path("GLU")),
    ),
    Row("GLU: no such axis", run(nn.GLU(2), 2, 4), errors.AxisError, ("glu: dim: got 2", "-2 to 1", path("GLU"))),
    Row("GLU: a number", run(nn.GLU()), errors.AxisError, ("glu: dim", "0 axes")),
    Row(
        "Softmax2d: a matrix",
        run(nn.Softmax2d(), 2, 3),
        errors.ShapeError,
        ("(2, 3)", "(N, C, H, W) or (C, H, W)", path("Softmax2d")),
    ),
    Row("Softmin: no such axis", run(nn.Softmin(3), 2, 3), errors.AxisError, ("got 3", "-2 to 1", path("Softmin"))),
    Row(
        "Hardtanh: limits exchanged",
        lambda _: nn.Hardtanh(1.0, -1.0),
        errors.ArgumentError,
        ("Hardtanh: min_val, max_val", "1.0 and -1.0", "min_val < max_val"),
    ),
    Row(
        "hardtanh: limits exchanged",
        lambda _: F.hardtanh(X, 2.0, 1.0),
        errors.ArgumentError,
        ("hardtanh: min_val, max_val", "2.0 and 1.0", "min_val to be the smaller"),
    ),
    Row(
        "RReLU: limits exchanged",
        lambda _: nn.RReLU(0.5, 0.1),
        errors.ArgumentError,
        ("RReLU: lower, upper", "0.5 and 0.1"),
    ),
    Row("rrelu: limits exchanged", lambda _: F.rrelu(X, 0.5, 0.1), errors.ArgumentError, ("rrelu: lower, upper",)),
    Row("gumbel_softmax: τ = 0", lambda _: F.gumbel_softmax(X, 0), errors.ArgumentError, ("tau: got 0", "above 0")),
    Row("gumbel_softmax: no axis", lambda _: F.gumbel_softmax(X, dim=2), errors.AxisError, ("dim: got 2", "-2 to 1")),
    Row("CELU: α = 0", run(nn.CELU(0.0), 2, 3), errors.ArgumentError, ("celu: alpha: got 0.0", path("CELU"))),
    Row("Softplus: β = 0", run(nn.Softplus(0), 2), errors.ArgumentError, ("softplus: beta: got 0", path("Softplus"))),
    Row(
        "Softshrink: λ < 0",
        run(nn.Softshrink(-0.5), 2, 3),
        errors.ArgumentError,
        ("softshrink: lambd: got -0.5", "at least 0", path("Softshrink")),
    ),
    Row(
        "SiLU: in place", lambda _: nn.SiLU(inplace=True), errors.ArgumentError, ("SiLU: inplace: got True", "leave it")
    ),
    Row(
        "ReLU6: in place",
        lambda _: nn.ReLU6(True),
        errors.ArgumentError,
        ("ReLU6: inplace: got True", "results are equal"),
    ),
    Row("relu: in place", lambda _: F.relu(X, inplace=True), errors.ArgumentError, ("relu: inplace", "expected False")),
]

DROPOUT = [
    Row(
        "Dropout1d: too many axes",
        run(nn.Dropout1d(), 2, 3, 4, 5),
        errors.ShapeError,
        ("dropout1d: input", "(2, 3, 4, 5)", "(N, C, L) or (C, L)", path("Dropout1d"), "dropout takes any shape"),
    ),
    Row(
        "Dropout2d: a matrix",
        run(nn.Dropout2d(), 2, 3),
        errors.ShapeError,
        ("dropout2d", "(2, 3)", "(N, C, H, W) or (N, C, L)", path("Dropout2d")),
    ),
    Row(
        "Dropout3d: an image",
        run(nn.Dropout3d(), 2, 3, 4),
        errors.ShapeError,
        ("dropout3d", "(C, D, H, W)", path("Dropout3d")),
    ),
    Row(
        "FeatureAlphaDropout: a row",
        run(nn.FeatureAlphaDropout(), 3),
        errors.ShapeError,
        ("feature_alpha_dropout", "(3,)", "(N, C, …)"),
    ),
    Row("Dropout2d: p", lambda _: nn.Dropout2d(1.5), errors.ArgumentError, ("Dropout2d: p: got 1.5", "from 0 to 1")),
    Row("AlphaDropout: p", lambda _: nn.AlphaDropout(-1), errors.ArgumentError, ("AlphaDropout: p: got -1",)),
    Row("alpha_dropout: p", lambda _: F.alpha_dropout(X, 2), errors.ArgumentError, ("alpha_dropout: p: got 2",)),
    Row(
        "Dropout3d: in place",
        lambda _: nn.Dropout3d(inplace=True),
        errors.ArgumentError,
        ("Dropout3d: inplace: got True",),
    ),
    Row("dropout: in place", lambda _: F.dropout(X, inplace=True), errors.ArgumentError, ("dropout: inplace",)),
]

FUNCTIONS = [
    Row("%: integers by 0", lambda _: WHOLE % 0, errors.ArgumentError, ("remainder: w", "0 among them", "floats")),
    Row("//: integers by 0", lambda _: 7 // (WHOLE - 1), errors.ArgumentError, ("floor_divide: w", "0 among them")),
    Row("%: shapes", lambda _: X % minidl.tensor(np.ones(2)), errors.ShapeError, ("remainder", "(2, 3)", "(2,)")),
    Row("prelu: shapes", lambda _: ops.prelu(X, np.ones(2)), errors.ShapeError, ("prelu", "(2, 3)", "broadcast")),
    Row("sin: a keyword", lambda _: ops.sin(X, degrees=True), errors.DTypeError, ("sin", "degrees")),
]

INITIAL_VALUES = [
    Row(
        "trunc_normal_: limits exchanged",
        lambda _: nn.init.trunc_normal_(matrix(2, 2), a=1.0, b=-1.0),
        errors.ArgumentError,
        ("a 1.0, b -1.0", "a < b", "not counted in std"),
    ),
    Row(
        "trunc_normal_: out of reach",
        lambda _: nn.init.trunc_normal_(matrix(2, 2), std=0.02, a=1.0, b=2.0),
        errors.ArgumentError,
        ("std 0.02", "within 8 std"),
    ),
    Row("eye_: a filter", lambda _: nn.init.eye_(matrix(2, 2, 3)), errors.ShapeError, ("eye_", "(2, 2, 3)", "2 axes")),
    Row(
        "dirac_: a matrix", lambda _: nn.init.dirac_(matrix(2, 2)), errors.ShapeError, ("dirac_", "(2, 2)", "3, 4 or 5")
    ),
    Row(
        "dirac_: groups",
        lambda _: nn.init.dirac_(matrix(4, 2, 3), groups=3),
        errors.ArgumentError,
        ("dirac_: groups: got 3", "divisor of the 4"),
    ),
    Row("sparse_: a filter", lambda _: nn.init.sparse_(matrix(2, 2, 3), 0.5), errors.ShapeError, ("sparse_", "2 axes")),
    Row(
        "sparse_: a percentage",
        lambda _: nn.init.sparse_(matrix(2, 2), 50),
        errors.ArgumentError,
        ("sparsity: got 50", "from 0 to 1"),
    ),
]

ROWS = [*ACTIVATIONS, *DROPOUT, *FUNCTIONS, *INITIAL_VALUES]
