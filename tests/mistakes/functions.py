"""Mistakes with functions of functions: vmap, functional_call, products, checkpointing."""

import numpy as np

import minidl
from minidl import errors, nn
from minidl.functional import (
    checkpoint_sequential,
    fisher_product,
    functional_call,
    jacobian,
    jvp,
    linearize,
    per_sample_grads,
    vmap,
)
from minidl.nn import functional as F

from . import Row

X = minidl.tensor(np.ones((4, 3)))
MODEL = nn.Linear(3, 2).double()

ROWS = [
    Row(
        "vmap: a condition",
        lambda _: vmap(lambda x: x if x.sum() > 0 else -x)(X),
        errors.GraphError,
        ("a condition", "whole batch", "minidl.where"),
    ),
    Row("vmap: item", lambda _: vmap(lambda x: x.sum().item())(X), errors.GraphError, (".item()", "whole batch")),
    Row("vmap: numpy", lambda _: vmap(lambda x: np.exp(x.numpy()))(X), errors.GraphError, (".numpy()", "whole batch")),
    Row("vmap: raw data", lambda _: vmap(lambda x: np.exp(x.data))(X), errors.GraphError, ("numpy.exp", "whole batch")),
    Row("vmap: in place", lambda _: vmap(lambda x: x.mul_(2))(X), errors.GraphError, ("whole batch", "in-place")),
    Row("vmap: float", lambda _: vmap(lambda x: float(x.sum()))(X), errors.GraphError, (".item()", "whole batch")),
    Row("vmap: an index", lambda _: vmap(lambda x: X[x.sum().long()])(X), errors.GraphError, ("whole batch",)),
    Row(
        "vmap: sizes",
        lambda _: vmap(lambda x, w: x + w)(X, X[:2]),
        errors.ShapeError,
        ("4 in argument 0", "2 in argument 1", "in_dims"),
    ),
    Row(
        "vmap: no samples", lambda _: vmap(lambda x: x, None)(X), errors.ArgumentError, ("in_dims", "no argument", "0")
    ),
    Row("vmap: axis", lambda _: vmap(lambda x: x, 2)(X), errors.AxisError, ("in_dims", "got 2", "-2 to 1")),
    Row("vmap: out axis", lambda _: vmap(lambda x: x, 0, 2)(X), errors.AxisError, ("out_dims", "got 2", "-2 to 1")),
    Row(
        "vmap: in_dims",
        lambda _: vmap(lambda x: x, (0, 0))(X),
        errors.ArgumentError,
        ("in_dims", "2 entries", "1 arguments"),
    ),
    Row(
        "vmap: structure",
        lambda _: vmap(lambda x: x["a"], ({"b": 0},))({"a": X}),
        errors.ArgumentError,
        ("in_dims[0]", "{'b': 0}", "does not fit", "a number, or None"),
    ),
    Row("vmap: chunks", lambda _: vmap(lambda x: x, chunk_size=0), errors.ArgumentError, ("chunk_size", "got 0")),
    Row("vmap: result", lambda _: vmap(lambda x: "x")(X), errors.DTypeError, ("vmap", "returned", "expected tensors")),
    Row(
        "functional_call: name",
        lambda _: functional_call(MODEL, {"weights": X}, X),
        errors.ArgumentError,
        ("functional_call", "Linear", "'weights'", "named_parameters"),
    ),
    Row(
        "functional_call: shape",
        lambda _: functional_call(MODEL, {"weight": X}, X),
        errors.ShapeError,
        ("functional_call: weight", "(4, 3)", "(2, 3)"),
    ),
    Row(
        "per_sample_grads: samples",
        lambda _: per_sample_grads(MODEL, F.mse_loss, X, X[:3]),
        errors.ShapeError,
        ("4 in argument 0", "3 in argument 1"),
    ),
    Row("jvp: direction", lambda _: jvp(lambda x: x, X, X[0]), errors.ShapeError, ("jvp: v", "(3,)", "(4, 3)")),
    Row("jvp: directions", lambda _: jvp(lambda x: x, X, (X, X)), errors.ShapeError, ("jvp: v", "got 2", "a tuple")),
    Row("linearize", lambda _: linearize(lambda x: 1.0, X), errors.DTypeError, ("linearize", "float 1.0", "tensor")),
    Row(
        "jacobian: strategy",
        lambda _: jacobian(lambda x: x, X, strategy="up"),
        errors.ArgumentError,
        ("strategy", "'up'", "'reverse-mode' or 'forward-mode'"),
    ),
    Row(
        "fisher_product",
        lambda _: fisher_product(lambda x: x.sum(), X, X),
        errors.ShapeError,
        ("log_likelihoods", "()", "(N,)", "none"),
    ),
    Row(
        "checkpoint_sequential",
        lambda _: checkpoint_sequential([MODEL], 2, X),
        errors.ArgumentError,
        ("segments: got 2", "1 to 1"),
    ),
]
