"""Mistakes with reductions, shapes, indices, products and linear algebra."""

import numpy as np

import minidl
from minidl import errors, linalg, nn

from . import Row

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


def matrix():
    return minidl.tensor(np.arange(6, dtype=np.float32).reshape(2, 3))


def index(*values):
    return minidl.tensor(np.array(values))


def row(name, call, kind, *fragments):
    return Row(name, lambda _: call(), kind, fragments)


ShapeError, ArgumentError, LabelError = errors.ShapeError, errors.ArgumentError, errors.LabelError

ORDER = [
    row("cumsum", lambda: matrix().cumsum(2), errors.AxisError, "cumsum: dim: got 2", "-2 to 1", "2 axes"),
    row("cumprod", lambda: matrix().cumprod(-3), errors.AxisError, "cumprod: dim: got -3"),
    row("sort", lambda: matrix().sort(5), errors.AxisError, "sort: dim: got 5"),
    row("std", lambda: matrix().std(2), errors.AxisError, "std", "axis=2", "(2, 3)"),
    row("prod", lambda: matrix().prod((0, 0)), ShapeError, "prod", "axis=(0, 0)", "duplicate"),
    row("norm", lambda: matrix().norm("nuc"), ArgumentError, "norm: p: got 'nuc'", "'fro' or a number"),
    row("topk", lambda: matrix().topk(4), ArgumentError, "topk: k: got 4", "dim 1 of size 3"),
    row("kthvalue", lambda: matrix().kthvalue(0), ArgumentError, "kthvalue: k: got 0", "the smallest is k = 1"),
    row("median", lambda: matrix()[:, :0].median(1), ShapeError, "median", "(2, 0)", "none is in the middle"),
    row("quantile", lambda: matrix().quantile(1.5), ArgumentError, "quantile: q: got 1.5", "from 0 to 1"),
    row("quantile of integers", lambda: index(1, 2).quantile(0.5), errors.DTypeError, "int64 (2,)", ".float()"),
    row("quantile by", lambda: matrix().quantile(0.5, interpolation="cubic"), ArgumentError, "'cubic'", "'linear'"),
    row("quantile of nothing", lambda: matrix()[:, :0].quantile(0.5, 1), ShapeError, "(2, 0)", "no values along dim 1"),
]

PLACES = [
    row("flip", lambda: matrix().flip(0, -2), ArgumentError, "flip: dims", "(0, -2)", "each axis once"),
    row("roll", lambda: matrix().roll((1, 2), 0), ArgumentError, "roll", "2 shifts for 1 dims"),
    row("rot90", lambda: matrix().rot90(1, (0, 1, 2)), ArgumentError, "rot90: dims", "(0, 1, 2)", "two axes"),
    row("movedim", lambda: matrix().movedim((0, 1), 0), ArgumentError, "movedim", "2 source axes and 1"),
    row("select", lambda: matrix().select(1, 3), ArgumentError, "select: index: got 3", "size 3"),
    row("narrow", lambda: matrix().narrow(1, 2, 2), ArgumentError, "start 2 and length 2", "size 3"),
    row("unflatten", lambda: matrix().unflatten(1, (2, 2)), ShapeError, "sizes: got (2, 2)", "size 3"),
    row("Unflatten", lambda: nn.Unflatten(1, 3), errors.DTypeError, "unflattened_size: got int 3", "tuple of sizes"),
    row("unfold", lambda: matrix().unfold(1, 4, 1), ArgumentError, "size 4 and step 1", "size 3", "must fit"),
    row("repeat", lambda: matrix().repeat(2), ShapeError, "repeat: got counts (2,)", "(2, 3)"),
    row("repeat_interleave", lambda: matrix().repeat_interleave([1, 2], 1), ArgumentError, "size 3", "for each place"),
    row("tensor_split", lambda: matrix().tensor_split(0), ArgumentError, "sections: got 0", "at least 1"),
    row("meshgrid", lambda: minidl.meshgrid(matrix()), ShapeError, "meshgrid", "(2, 3)", "vectors"),
    row("meshgrid by", lambda: minidl.meshgrid([1, 2], indexing="yx"), ArgumentError, "'yx'", "'ij' or 'xy'"),
    row("tril", lambda: minidl.tril(matrix()[0]), ShapeError, "tril", "(3,)", "matrices"),
    row("diag", lambda: minidl.diag(matrix()[None]), ShapeError, "diag", "(1, 2, 3)", "use diagonal"),
    row("diagonal", lambda: matrix().diagonal(0, 1, -1), ArgumentError, "dim1 1 and dim2 -1", "different"),
    row("diag_embed", lambda: matrix().sum().diag_embed(), ShapeError, "diag_embed", "at least one axis"),
    row("trace", lambda: minidl.trace(matrix()[0]), ShapeError, "trace", "(3,)", "matrix"),
    row("hstack", lambda: minidl.hstack([]), ArgumentError, "hstack: tensors", "at least one tensor"),
    row("broadcast", lambda: minidl.broadcast_tensors(matrix(), [1.0, 2.0]), ShapeError, "(2, 3)", "(2,)"),
]

PICKING = [
    row("gather", lambda: matrix().gather(1, index([3])), LabelError, "gather: index: got 3", "(0, 0)", "0 to 2"),
    row("gather of -1", lambda: matrix().gather(1, index([-1])), LabelError, "got -1", "count from 0"),
    row("gather axes", lambda: matrix().gather(1, index(1)), ShapeError, "index: got shape (1,)", "(2, 3)"),
    row("gather by floats", lambda: matrix().gather(1, matrix()), errors.DTypeError, "gather: index", ".long()"),
    row("gather too long", lambda: matrix().gather(1, index([0], [1], [2])), ShapeError, "(3, 1)", "none but dim 1"),
    row(
        "scatter_add",
        lambda: matrix().scatter_add(1, index([0, 1]), matrix()[:, :1]),
        ShapeError,
        "src: got shape (2, 1)",
    ),
    row(
        "scatter",
        lambda: matrix().scatter(0, index([0, 2, 0]), matrix()),
        LabelError,
        "scatter: index: got 2",
        "0 to 1",
    ),
    row("index_select", lambda: matrix().index_select(0, index(2)), LabelError, "index_select: index: got 2", "size 2"),
    row("index_select by a matrix", lambda: matrix().index_select(0, index([0])), ShapeError, "(1, 1)", "(K,)"),
    row(
        "index_add", lambda: matrix().index_add(0, index(0), matrix()), ShapeError, "source: got shape (2, 3)", "(1, 3)"
    ),
    row(
        "index_copy", lambda: matrix().index_copy(1, index(0), matrix()), ShapeError, "source", "(2, 1)", "along dim 1"
    ),
    row("masked_select", lambda: matrix().masked_select(matrix()), errors.DTypeError, "mask: got", "booleans", "x > 0"),
    row("masked_select of", lambda: matrix().masked_select(matrix()[:, :2] > 0), ShapeError, "(2, 3)", "(2, 2)"),
    row("masked_scatter", lambda: matrix().masked_scatter(matrix() > 0, matrix()[0]), ShapeError, "3 elements for 5"),
    row("bincount", lambda: minidl.bincount(matrix()), errors.DTypeError, "bincount: input: got float32 (2, 3)"),
    row("diff", lambda: matrix().diff(-1), ArgumentError, "diff: n: got -1"),
    row(
        "scatter_",
        lambda: matrix().requires_grad_().scatter_(1, index([0]), 1.0),
        errors.GraphError,
        "scatter_",
        "no_grad",
    ),
    row(
        "scatter_add_",
        lambda: matrix().scatter_add_(1, index([0]), matrix().requires_grad_()),
        errors.GraphError,
        "scatter_add_: the operand",
    ),
    row("take", lambda: matrix().take(index(6)), LabelError, "take: index: got 6", "6 elements"),
    row("take_along_dim", lambda: matrix().take_along_dim(index([0, 0], [1, 1], [0, 0]), 1), ShapeError, "broadcast"),
]

PRODUCTS = [
    row("mm", lambda: matrix().mm(matrix()[0]), ShapeError, "mm", "(2, 3) and (3,)", "two matrices", "matmul"),
    row("bmm", lambda: matrix()[None].bmm(matrix().T[None].repeat(2, 1, 1)), ShapeError, "bmm", "1 and 2 matrices"),
    row("mv", lambda: matrix().mv(matrix()), ShapeError, "mv", "a matrix and a vector"),
    row("dot", lambda: matrix().dot(matrix()), ShapeError, "dot", "two vectors"),
    row("dot of lengths", lambda: matrix()[0].dot(matrix()[:, 0]), ShapeError, "(3,)", "(2,)"),
    row("tensordot", lambda: minidl.tensordot(matrix(), matrix(), 1), ShapeError, "tensordot", "differ in size"),
    row("tensordot lists", lambda: minidl.tensordot(matrix(), matrix(), ([0], [0, 1])), ArgumentError, "1 axes", "2"),
    row("tensordot number", lambda: minidl.tensordot(matrix(), matrix(), 3), ArgumentError, "dims: got 3", "2 and 2"),
    row("cross", lambda: matrix().cross(matrix(), 0), ShapeError, "cross", "size 3 in dim 0"),
    row("cdist", lambda: minidl.cdist(matrix(), matrix()[:, :2]), ShapeError, "cdist", "(2, 3) and (2, 2)"),
    row("bilinear", lambda: nn.Bilinear(2, 3, 1)(matrix(), matrix()), ShapeError, "(…, 2)", "layer: Bilinear"),
    row("Bilinear", lambda: nn.Bilinear(0, 3, 1), ArgumentError, "in1_features: got 0"),
    row(
        "bilinear bias",
        lambda: nn.functional.bilinear([1.0], [1.0], np.ones((2, 1, 1)), np.ones(3)),
        ShapeError,
        "(2,)",
    ),
    row("bilinear weight", lambda: nn.functional.bilinear([1.0], [1.0], matrix()), ShapeError, "weight", "(2, 3)"),
    row("cosine", lambda: nn.CosineSimilarity()(matrix(), matrix().T), ShapeError, "cosine_similarity", "(3, 2)"),
]

LINALG = [
    row("inv", lambda: linalg.inv(matrix()), ShapeError, "inv: A: got shape (2, 3)", "square"),
    row("inv singular", lambda: linalg.inv(SINGULAR), ArgumentError, "inv: A: the matrix is singular"),
    row(
        "inv of a batch", lambda: linalg.inv(np.stack([np.eye(2), SINGULAR])), ArgumentError, "matrix (1,) of the batch"
    ),
    row("solve", lambda: linalg.solve(np.eye(3), np.ones((2, 2))), ShapeError, "(3, 3)", "(2, 2)", "3 rows"),
    row(
        "solve singular", lambda: linalg.solve(SINGULAR, np.ones(2)), ArgumentError, "solve: A: the matrix is singular"
    ),
    row("solve left", lambda: linalg.solve(np.eye(2), np.ones(2), left=False), ArgumentError, "left=False", "vectors"),
    row("solve square", lambda: linalg.solve(matrix(), matrix()), ShapeError, "solve: A: got shape (2, 3)"),
    row(
        "triangular", lambda: linalg.solve_triangular(matrix(), matrix(), upper=True), ShapeError, "solve_triangular: A"
    ),
    row(
        "cholesky",
        lambda: linalg.cholesky(-np.eye(2)),
        ArgumentError,
        "cholesky: A: the matrix is not positive definite",
    ),
    row(
        "cholesky of a batch",
        lambda: linalg.cholesky(np.stack([np.eye(2)] * 3 + [SINGULAR - 1]).reshape(2, 2, 2, 2)),
        ArgumentError,
        "matrix (1, 1) of the batch",
    ),
    row("eigh", lambda: linalg.eigh(matrix()), ShapeError, "eigh: A: got shape (2, 3)", "square"),
    row("qr", lambda: linalg.qr(matrix()[0]), ShapeError, "qr: A: got shape (3,)", "(…, M, N)"),
    row("qr mode", lambda: linalg.qr(matrix(), "complete"), ArgumentError, "mode: got 'complete'", "'reduced'"),
    row("det", lambda: linalg.det(matrix()), ShapeError, "det: A: got shape (2, 3)"),
    row("slogdet", lambda: linalg.slogdet(matrix()[0]), ShapeError, "logabsdet: A: got shape (3,)"),
    row("matrix_power", lambda: matrix().matrix_power(2), ShapeError, "matrix_power: A: got shape (2, 3)"),
    row("multi_dot", lambda: linalg.multi_dot([matrix()]), ArgumentError, "multi_dot: tensors: got 1", "at least 2"),
    row("matrix_norm", lambda: linalg.matrix_norm(matrix(), 3), ArgumentError, "ord: got 3", "'fro', 'nuc', 1"),
    row("svd", lambda: linalg.svd(matrix()), ArgumentError, "full_matrices: got True", "(2, 3)", "full_matrices=False"),
    row("svd of", lambda: linalg.svd(matrix()[0]), ShapeError, "svd: A: got shape (3,)"),
    row("pinv", lambda: linalg.pinv(matrix()[0]), ShapeError, "pinv: A: got shape (3,)"),
    row("matrix_norm of", lambda: linalg.matrix_norm(matrix()[0]), ShapeError, "matrix_norm", "(3,)"),
    row("matrix_norm dim", lambda: linalg.matrix_norm(matrix(), 1, (0, -2)), ArgumentError, "dim: got (0, -2)"),
    row("linalg.norm", lambda: linalg.norm(matrix()[None], 2), ShapeError, "(1, 2, 3)", "a vector or a matrix"),
    row("linalg.norm of", lambda: linalg.norm(matrix()[0], "fro"), ArgumentError, "'fro' for vectors", "a number"),
]

ROWS = [*ORDER, *PLACES, *PICKING, *PRODUCTS, *LINALG]
