"""Mistakes with norms, embeddings, containers, hooks, parametrizations and summaries."""

import numpy as np

import minidl
from minidl import errors, nn
from minidl.nn import functional as F
from minidl.nn.utils import parametrizations, parametrize

from . import Row
from .layers import path, run

IDS = minidl.tensor([0, 1, 2])


def ones(*shape):
    return minidl.tensor(np.ones(shape, np.float32))


class Taller(nn.Module):
    def forward(self, x):
        return minidl.cat([x, x])


def hooked(register, hook, *shape):
    """Call and differentiate a layer with this hook."""

    def call(_):
        layer = nn.Linear(3, 2)
        getattr(layer, register)(hook)
        layer(ones(*shape).requires_grad_()).sum().backward()

    return call


def wrong_pair(_):
    layer = nn.ReLU()
    layer.register_forward_pre_hook(lambda module, args, kwargs: 5, with_kwargs=True)
    layer(ones(2))


def first_layer(_):
    layer = nn.Linear(3, 2)
    layer.register_full_backward_hook(lambda module, before, after: after)
    layer(ones(2, 3)).sum().backward()


def twice(norm, remove):
    def call(_):
        layer = norm(nn.Linear(2, 2))
        remove(layer)
        remove(layer)

    return call


NORMS = [
    Row(
        "LayerNorm",
        run(nn.LayerNorm(4), 2, 3),
        errors.ShapeError,
        ("(2, 3)", "(4,)", path("LayerNorm"), "normalized_shape=3"),
    ),
    Row(
        "LayerNorm: two axes",
        run(nn.LayerNorm((3, 4)), 2, 4, 3),
        errors.ShapeError,
        ("(2, 4, 3)", "end in (3, 4)", "normalized_shape=(4, 3)"),
    ),
    Row("RMSNorm", run(nn.RMSNorm(4), 2, 3), errors.ShapeError, ("(2, 3)", path("RMSNorm"), "normalized_shape=3")),
    Row("RMSNorm: integers", run(nn.RMSNorm(2), value=[1, 2]), errors.DTypeError, ("int64 (2,)", ".float()")),
    Row(
        "rms_norm: weight",
        lambda _: F.rms_norm(ones(2, 3), 3, ones(2)),
        errors.ShapeError,
        ("rms_norm: weight", "(2,)", "(2, 3)"),
    ),
    Row("layer_norm: no axes", lambda _: F.layer_norm(ones(2), ()), errors.ShapeError, ("(2,)", "end in ()")),
    Row(
        "BatchNorm2d: no batch",
        run(nn.BatchNorm2d(3), 3, 4, 4),
        errors.ShapeError,
        ("(3, 4, 4)", "(N, C, H, W)", path("BatchNorm2d"), "x[None]", "use BatchNorm1d, which takes (N, C, L)"),
    ),
    Row(
        "BatchNorm3d: channels",
        run(nn.BatchNorm3d(3), 1, 2, 2, 2, 2),
        errors.ShapeError,
        ("C = 3", "BatchNorm3d(2)", path("BatchNorm3d")),
    ),
    Row(
        "InstanceNorm2d: axes",
        run(nn.InstanceNorm2d(3), 3, 4),
        errors.ShapeError,
        ("(3, 4)", "(C, H, W) or (N, C, H, W)", "use InstanceNorm1d"),
    ),
    Row(
        "InstanceNorm1d: channels",
        run(nn.InstanceNorm1d(3, affine=True), 2, 4, 5),
        errors.ShapeError,
        ("(2, 4, 5)", "C = 3", "InstanceNorm1d(4)"),
    ),
    Row(
        "InstanceNorm1d: one value",
        run(nn.InstanceNorm1d(3), 2, 3, 1),
        errors.ShapeError,
        ("more than 1 value", "(2, 3, 1)", path("InstanceNorm1d"), "larger"),
    ),
    Row(
        "GroupNorm: groups",
        lambda _: nn.GroupNorm(4, 6),
        errors.ArgumentError,
        ("num_groups: got 4", "num_channels 6", "[1, 2, 3, 6]"),
    ),
    Row(
        "GroupNorm: channels",
        run(nn.GroupNorm(2, 4), 2, 6, 3),
        errors.ShapeError,
        ("(2, 6, 3)", "C = 4", path("GroupNorm"), "num_channels=6"),
    ),
    Row(
        "group_norm: weight",
        lambda _: F.group_norm(ones(2, 4, 3), 2, ones(3)),
        errors.ShapeError,
        ("weight has shape (3,)", "4 channels"),
    ),
    Row(
        "batch_norm: statistics",
        lambda _: F.batch_norm(ones(2, 4), ones(3), ones(4)),
        errors.ShapeError,
        ("running_mean has shape (3,)", "expected (4,)"),
    ),
    Row(
        "instance_norm: bias",
        lambda _: F.instance_norm(ones(2, 4, 3), bias=ones(2)),
        errors.ShapeError,
        ("instance_norm: bias has shape (2,)", "4 channels"),
    ),
    Row(
        "LocalResponseNorm",
        run(nn.LocalResponseNorm(2), 2, 3),
        errors.ShapeError,
        ("(2, 3)", "(N, C, L)", path("LocalResponseNorm")),
    ),
    Row("normalize: p", lambda _: F.normalize(ones(2, 3), p=-1), errors.ArgumentError, ("p: got -1", "≥ 0")),
    Row("normalize: dim", lambda _: F.normalize(ones(2, 3), dim=2), errors.AxisError, ("dim: got 2", "-2 to 1")),
]

EMBEDDINGS = [
    Row(
        "padding_idx",
        lambda _: nn.Embedding(3, 2, padding_idx=3),
        errors.ArgumentError,
        ("padding_idx: got 3", "3 rows", "num_embeddings=4"),
    ),
    Row("max_norm", lambda _: nn.Embedding(3, 2, max_norm=0), errors.ArgumentError, ("max_norm: got 0", "> 0")),
    Row(
        "sparse",
        lambda _: nn.EmbeddingBag(3, 2, sparse=True),
        errors.ArgumentError,
        ("sparse: got True", "leave it out"),
    ),
    Row(
        "from_pretrained",
        lambda _: nn.Embedding.from_pretrained(ones(3)),
        errors.ShapeError,
        ("float32 (3,)", "(V, D)"),
    ),
    Row(
        "a table of another size",
        lambda _: nn.Embedding(3, 2, _weight=ones(2, 3)),
        errors.ShapeError,
        ("_weight: got shape (2, 3)", "(3, 2)", "from_pretrained"),
    ),
    Row("bag: mode", lambda _: nn.EmbeddingBag(3, 2, mode="avg"), errors.ArgumentError, ("got 'avg'", "'mean'")),
    Row(
        "bag: no offsets",
        lambda _: nn.EmbeddingBag(3, 2)(IDS),
        errors.ShapeError,
        ("(3,)", "(B, N)", "layer: EmbeddingBag", "pass offsets"),
    ),
    Row(
        "bag: offsets too many",
        lambda _: nn.EmbeddingBag(3, 2)(IDS[None], IDS),
        errors.ArgumentError,
        ("offsets", "(1, 3)", "leave them out"),
    ),
    Row(
        "bag: offsets that fall",
        lambda _: nn.EmbeddingBag(3, 2)(IDS, minidl.tensor([0, 2, 1])),
        errors.ArgumentError,
        ("[0, 2, 1]", "at most 3"),
    ),
    Row(
        "bag: weights of a mean",
        lambda _: nn.EmbeddingBag(3, 2)(IDS[None], per_sample_weights=ones(1, 3)),
        errors.ArgumentError,
        ("per_sample_weights", "'mean'", "mode='sum'"),
    ),
    Row(
        "bag: shape of weights",
        lambda _: nn.EmbeddingBag(3, 2, mode="sum")(IDS[None], per_sample_weights=ones(3)),
        errors.ShapeError,
        ("per_sample_weights has shape (3,)", "(1, 3)"),
    ),
    Row(
        "bag: floats",
        lambda _: nn.EmbeddingBag(3, 2)(ones(1, 3)),
        errors.DTypeError,
        ("float32 (1, 3)", "integers", ".long()"),
    ),
    Row(
        "bag: range",
        lambda _: nn.EmbeddingBag(2, 2)(IDS[None]),
        errors.LabelError,
        ("got 2 at position (2,)", "0 to 1", "num_embeddings"),
    ),
]

MODULES = [
    Row("dict of no module", lambda _: nn.ModuleDict({"a": 5}), errors.DTypeError, ("a: got int 5", "Module")),
    Row(
        "dict: a method's name",
        lambda _: nn.ModuleDict({"items": nn.ReLU()}),
        errors.ArgumentError,
        ("'items'", "taken", "choose a name"),
    ),
    Row("list of text", lambda _: nn.ParameterList(["a"]), errors.DTypeError, ("str 'a'", "expected a Parameter")),
    Row("a row no times", lambda _: nn.Sequential(nn.ReLU()) * 0, errors.ArgumentError, ("0 times", "from 1 on")),
    Row(
        "register_parameter",
        lambda _: nn.ReLU().register_parameter("w", ones(2)),
        errors.DTypeError,
        ("'w'", "float32 (2,)", "nn.Parameter"),
    ),
    Row(
        "register_module: dots",
        lambda _: nn.ReLU().register_module("a.b", nn.ReLU()),
        errors.ArgumentError,
        ("'a.b'", "dotted"),
    ),
    Row(
        "register_buffer: taken",
        lambda _: nn.ReLU().register_buffer("training", ones(2)),
        errors.ArgumentError,
        ("'training'", "taken"),
    ),
    Row(
        "hook that is none",
        lambda _: nn.ReLU().register_forward_hook(5),
        errors.DTypeError,
        ("register_forward_hook", "int 5", "function"),
    ),
    Row(
        "pre-hook's result",
        wrong_pair,
        errors.DTypeError,
        ("int 5", "pair: arguments, keywords"),
    ),
    Row(
        "backward hook: too many",
        hooked("register_full_backward_hook", lambda m, before, after: before * 2, 2, 3),
        errors.GraphError,
        ("2 gradients, expected 1",),
    ),
    Row(
        "backward hook: no gradient",
        hooked("register_full_backward_pre_hook", lambda m, after: (None,), 2, 3),
        errors.GraphError,
        ("returned None for number 0", "return a tensor"),
    ),
    Row(
        "backward hook: another shape",
        hooked("register_full_backward_hook", lambda m, before, after: before[0][0], 2, 3),
        errors.GraphError,
        ("'watched' returned shape (3,)", "(2, 3)"),
    ),
    Row("backward hook: no input", first_layer, errors.GraphError, ("none of whose inputs", "return None")),
    Row("summary of nothing", lambda _: nn.Linear(3, 2).summary(), errors.ArgumentError, ("no inputs", "(1, 3, 32")),
    Row(
        "summary: no shape",
        lambda _: nn.Linear(3, 2).summary("x"),
        errors.ArgumentError,
        ("str 'x'", "shape", "summary("),
    ),
    Row(
        "summary: another shape",
        lambda _: nn.Sequential(nn.Linear(3, 2)).summary((1, 4)),
        errors.ShapeError,
        ("(1, 4)", "layer: 0 (Linear)", "in_features=4"),
    ),
    Row(
        "summary: dtypes",
        lambda _: nn.Linear(3, 2).summary((1, 3), dtypes=["float32"] * 2),
        errors.ArgumentError,
        ("got 2", "each of 1 inputs"),
    ),
]

WEIGHTS = [
    Row(
        "weight_norm: no such parameter",
        lambda _: parametrizations.weight_norm(nn.Linear(2, 2), "wieght"),
        errors.ArgumentError,
        ("Linear has no parameter 'wieght'", "weight, bias"),
    ),
    Row(
        "weight_norm: axis",
        lambda _: parametrizations.weight_norm(nn.Linear(2, 2), dim=2),
        errors.AxisError,
        ("weight_norm: dim: got 2", "-2 to 1"),
    ),
    Row(
        "spectral_norm: no steps",
        lambda _: parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
        errors.ArgumentError,
        ("n_power_iterations: got 0", "at least 1"),
    ),
    Row(
        "older weight_norm: no such parameter",
        lambda _: nn.utils.weight_norm(nn.ReLU()),
        errors.ArgumentError,
        ("ReLU has no parameter 'weight'", "none of its own"),
    ),
    Row(
        "removed twice",
        twice(nn.utils.weight_norm, nn.utils.remove_weight_norm),
        errors.ArgumentError,
        ("'weight' of Linear has no weight_norm",),
    ),
    Row(
        "parametrization removed twice",
        twice(parametrizations.spectral_norm, lambda m: parametrize.remove_parametrizations(m, "weight")),
        errors.ArgumentError,
        ("'weight' of Linear is not parametrized",),
    ),
    Row(
        "which original",
        lambda _: parametrize.remove_parametrizations(
            parametrizations.weight_norm(nn.Linear(2, 2)), "weight", leave_parametrized=False
        ),
        errors.ArgumentError,
        ("made of 2 parameters", "leave_parametrized=True"),
    ),
    Row(
        "a parametrization's shape",
        lambda _: parametrize.register_parametrization(nn.Linear(2, 3), "weight", Taller()),
        errors.ShapeError,
        ("'weight'", "(6, 2)", "expected (3, 2)"),
    ),
    Row(
        "a function for a module",
        lambda _: parametrize.register_parametrization(nn.Linear(2, 3), "weight", abs),
        errors.DTypeError,
        ("built", "expected a Module"),
    ),
    Row(
        "fusing in training",
        lambda _: nn.utils.fuse_linear_bn_eval(nn.Linear(2, 3), nn.BatchNorm1d(3)),
        errors.ArgumentError,
        ("in training", "eval()"),
    ),
    Row(
        "fusing without statistics",
        lambda _: nn.utils.fuse_linear_bn_eval(
            nn.Linear(2, 3).eval(), nn.BatchNorm1d(3, track_running_stats=False).eval()
        ),
        errors.ArgumentError,
        ("BatchNorm1d without running statistics",),
    ),
    Row(
        "fusing other channels",
        lambda _: nn.utils.fuse_linear_bn_eval(nn.Linear(3, 2).eval(), nn.BatchNorm1d(3).eval()),
        errors.ShapeError,
        ("(2, 3)", "axis 0", "3 channels", "transpose=True"),
    ),
    Row(
        "vector of another size",
        lambda _: nn.utils.vector_to_parameters(ones(5), nn.Linear(2, 2).parameters()),
        errors.ShapeError,
        ("float32 (5,)", "(6,)", "parameters_to_vector"),
    ),
    Row(
        "no parameters",
        lambda _: nn.utils.parameters_to_vector(nn.ReLU().parameters()),
        errors.ArgumentError,
        ("got none", "model.parameters()"),
    ),
]

ROWS = [*NORMS, *EMBEDDINGS, *MODULES, *WEIGHTS]
