"""Mistakes with layers, losses, optimizers and state_dicts."""

import numpy as np

import minidl
from minidl import errors, nn, optim
from minidl.nn import functional as F

from . import Row


class Model(nn.Module):
    """So that every layer has a path: encoder.1."""

    def __init__(self, layer):
        super().__init__()
        self.encoder = nn.Sequential(nn.Identity(), layer)

    def forward(self, *args):
        return self.encoder(*args)


def run(layer, *shape, value=None):
    x = minidl.tensor(np.ones(shape, np.float32)) if value is None else minidl.tensor(value)
    return lambda _: Model(layer)(x)


def path(kind):
    return f"layer: encoder.1 ({kind})"


def made():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def state(change):
    """Load a state_dict in which something has been changed."""

    def load(_):
        made().load_state_dict(change(dict(made().state_dict())))

    return load


def adam_state(_):
    optim.Adam(made().parameters()).load_state_dict(optim.Adam(nn.Linear(3, 4).parameters()).state_dict())


X, WEIGHT = minidl.tensor(np.ones((2, 3), np.float32)), nn.Linear(3, 4).weight

LAYERS = [
    Row(
        "Linear",
        run(nn.Linear(4, 2), 2, 3),
        errors.ShapeError,
        ("(2, 3)", "(2, 4)", path("Linear"), "Linear(in_features=3)"),
    ),
    Row(
        "Conv2d: channels",
        run(nn.Conv2d(3, 4, 3), 1, 2, 8, 8),
        errors.ShapeError,
        ("2 channels", "takes 3", path("Conv2d"), "in_channels=2"),
    ),
    Row(
        "Conv2d: axes",
        run(nn.Conv2d(3, 4, 3), 8, 8),
        errors.ShapeError,
        ("(8, 8)", "(N, C, H, W)", path("Conv2d"), "x[None, None]"),
    ),
    Row(
        "Conv2d: kernel",
        run(nn.Conv2d(1, 1, 5), 1, 1, 3, 3),
        errors.ShapeError,
        ("(5, 5)", "(3, 3)", path("Conv2d"), "padding of at least (1, 1)"),
    ),
    Row(
        "Conv2d: groups",
        lambda _: nn.Conv2d(3, 4, 3, groups=2),
        errors.ArgumentError,
        ("groups: got 2", "in_channels 3"),
    ),
    Row(
        "MaxPool2d: window",
        run(nn.MaxPool2d(5), 1, 1, 3, 3),
        errors.ShapeError,
        ("(5, 5)", "(3, 3)", path("MaxPool2d"), "smaller kernel_size"),
    ),
    Row(
        "MaxPool2d: padding",
        run(nn.MaxPool2d(2, padding=2), 1, 1, 3, 3),
        errors.ArgumentError,
        ("padding: got (2, 2)", path("MaxPool2d"), "at most 1"),
    ),
    Row("LayerNorm", run(nn.LayerNorm(4), 2, 3), errors.ShapeError, ("(2, 3)", "(4,)", path("LayerNorm"))),
    Row(
        "BatchNorm1d",
        run(nn.BatchNorm1d(4), 2, 3),
        errors.ShapeError,
        ("(2, 3)", "C = 4", path("BatchNorm1d"), "BatchNorm1d(3)"),
    ),
    Row(
        "BatchNorm2d: axes",
        run(nn.BatchNorm2d(3), 2, 3),
        errors.ShapeError,
        ("(2, 3)", "(N, C, H, W)", path("BatchNorm2d")),
    ),
    Row(
        "BatchNorm: one value",
        run(nn.BatchNorm1d(3), 1, 3),
        errors.ShapeError,
        ("1 value", "(1, 3)", path("BatchNorm1d"), "eval()"),
    ),
    Row(
        "Embedding: range",
        run(nn.Embedding(5, 2), value=[0, 5]),
        errors.LabelError,
        ("got 5 at position (1,)", "0 to 4", path("Embedding"), "num_embeddings"),
    ),
    Row(
        "Embedding: floats",
        run(nn.Embedding(5, 2), 2, 3),
        errors.DTypeError,
        ("float32 (2, 3)", "integers", path("Embedding"), ".long()"),
    ),
    Row("LSTM: features", run(nn.LSTM(4, 5), 2, 3, 7), errors.ShapeError, ("7", "4 (input_size)", path("LSTM"))),
    Row(
        "LSTM: state",
        lambda _: nn.LSTM(4, 5)(minidl.zeros(2, 3, 4), (minidl.zeros(1, 2, 5),) * 2),
        errors.ShapeError,
        ("h_0", "(1, 2, 5)", "(1, 3, 5)"),
    ),
    Row(
        "MultiheadAttention: heads",
        lambda _: nn.MultiheadAttention(6, 4),
        errors.ArgumentError,
        ("num_heads: got 4", "6"),
    ),
    Row(
        "MultiheadAttention: features",
        lambda _: nn.MultiheadAttention(8, 4)(*[minidl.zeros(2, 3, 6)] * 3),
        errors.ShapeError,
        ("query", "(2, 3, 6)", "8"),
    ),
    Row(
        "attention mask",
        lambda _: F.scaled_dot_product_attention(*[minidl.zeros(1, 3, 4)] * 3, attn_mask=minidl.zeros(5, 5)),
        errors.ShapeError,
        ("mask", "(5, 5)", "(1, 3, 3)", "(N, 1, 1, S)"),
    ),
    Row("Dropout", lambda _: nn.Dropout(1.5), errors.ArgumentError, ("p: got 1.5", "probability")),
    Row("Sequential of no module", lambda _: nn.Sequential("a"), errors.DTypeError, ("got str 'a'", "Module")),
]

LOSSES = [
    Row(
        "label too large",
        lambda _: nn.CrossEntropyLoss()(X, minidl.tensor([0, 3])),
        errors.LabelError,
        ("target", "3 classes", "got 3 at position (1,)", "0 to 2", "layer: CrossEntropyLoss", "count from 0"),
    ),
    Row(
        "negative label",
        lambda _: F.cross_entropy(X, minidl.tensor([0, -1])),
        errors.LabelError,
        ("target", "got -1", "0 to 2"),
    ),
    Row(
        "labels of floats",
        lambda _: F.cross_entropy(X, minidl.tensor([0.0, 1.0])),
        errors.DTypeError,
        ("target: got float32 (2,)", ".long()"),
    ),
    Row(
        "labels of another shape",
        lambda _: F.cross_entropy(X, minidl.tensor([0, 1, 2])),
        errors.ShapeError,
        ("(2, 3)", "(3,)", "target"),
    ),
    Row(
        "reduction",
        lambda _: F.cross_entropy(X, minidl.tensor([0, 1]), reduction="avg"),
        errors.ArgumentError,
        ("reduction: got 'avg'", "'mean', 'sum'"),
    ),
    Row(
        "reduction of a layer",
        lambda _: nn.CrossEntropyLoss(reduction="avg"),
        errors.ArgumentError,
        ("CrossEntropyLoss: reduction: got 'avg'", "'none'"),
    ),
    Row(
        "mse of two shapes",
        lambda _: F.mse_loss(X, minidl.zeros(3, 2)),
        errors.ShapeError,
        ("input has shape (2, 3)", "target (3, 2)", "reshape"),
    ),
]

STATE_DICTS = [
    Row(
        "missing key",
        state(lambda s: {k: v for k, v in s.items() if k != "2.bias"}),
        errors.StateDictError,
        ("missing (1)", "'2.bias' (2,)", "strict=False"),
    ),
    Row(
        "unexpected key",
        state(lambda s: s | {"3.bias": s["2.bias"]}),
        errors.StateDictError,
        ("unexpected (1)", "'3.bias'", "nearest: '2.bias'"),
    ),
    Row(
        "mis-shaped key",
        state(lambda s: s | {"2.bias": np.ones(7)}),
        errors.StateDictError,
        ("'2.bias': got (7,), expected (2,)", "sizes"),
    ),
    Row(
        "prefix",
        state(lambda s: {f"module.{k}": v for k, v in s.items()}),
        errors.StateDictError,
        ("'module.0.weight'", "remove the prefix 'module.'"),
    ),
    Row(
        "no dictionary",
        lambda _: made().load_state_dict([1]),
        errors.DTypeError,
        ("state_dict: got list [1]", "names with tensors"),
    ),
    Row("no tensor in it", state(lambda s: s | {"2.bias": "x"}), errors.DTypeError, ("'2.bias'", "str 'x'", "tensor")),
    Row("optimizer's state", adam_state, errors.StateDictError, ("2 parameters, expected 4", "same model")),
]

OPTIMIZERS = [
    Row(
        "no parameters",
        lambda _: optim.SGD([], lr=0.1),
        errors.ArgumentError,
        ("params", "empty", "model.parameters()"),
    ),
    Row("learning rate", lambda _: optim.SGD([WEIGHT], lr=-1), errors.ArgumentError, ("lr: got -1", "≥ 0")),
    Row(
        "nesterov",
        lambda _: optim.SGD([WEIGHT], lr=0.1, nesterov=True),
        errors.ArgumentError,
        ("nesterov", "momentum=0.0", "momentum > 0"),
    ),
    Row(
        "betas",
        lambda _: optim.Adam([WEIGHT], betas=(1.5, 0.9)),
        errors.ArgumentError,
        ("betas: got (1.5, 0.9)", "0 ≤ β < 1"),
    ),
    Row(
        "a single tensor",
        lambda _: optim.SGD(WEIGHT, lr=0.1),
        errors.DTypeError,
        ("params", "single Tensor", "[tensor]"),
    ),
    Row(
        "a model",
        lambda _: optim.SGD(made(), lr=0.1),
        errors.DTypeError,
        ("params", "Sequential", "model.parameters()"),
    ),
    Row(
        "a result",
        lambda _: optim.SGD([WEIGHT * 2], lr=0.1),
        errors.GraphError,
        ("params[0]", "(4, 3)", "'mul'", "leaf"),
    ),
    Row(
        "twice the same",
        lambda _: optim.SGD([WEIGHT, WEIGHT], lr=0.1),
        errors.ArgumentError,
        ("params[1]", "before", "once"),
    ),
    Row(
        "pairs",
        lambda _: optim.SGD(made().named_parameters(), lr=0.1),
        errors.DTypeError,
        ("params[0]", "tuple", "use parameters()"),
    ),
    Row(
        "unknown option",
        lambda _: optim.SGD([{"params": [WEIGHT], "rate": 1}], lr=0.1),
        errors.ArgumentError,
        ("'rate'", "lr, momentum"),
    ),
    Row(
        "clipping", lambda _: nn.utils.clip_grad_norm_([WEIGHT], -1), errors.ArgumentError, ("max_norm: got -1", "≥ 0")
    ),
]

ROWS = [*LAYERS, *LOSSES, *STATE_DICTS, *OPTIMIZERS]
