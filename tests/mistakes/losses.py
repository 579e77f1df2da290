"""Mistakes with losses: shapes, labels, options."""

import numpy as np

import minidl
from minidl import errors, nn
from minidl.nn import functional as F

from . import Row


def zeros(*shape, dtype=np.float32):
    return minidl.tensor(np.zeros(shape, dtype))


def labels(*values):
    return minidl.tensor(np.array(values, int))


def row(name, call, kind, *fragments):
    return Row(name, lambda _: call(), getattr(errors, f"{kind}Error"), fragments)


X = zeros(2, 3)

CLASSES = [
    row(
        "one-hot rows of integers",
        lambda: F.cross_entropy(X, zeros(2, 3, dtype=int)),
        "Shape",
        "(2, 3)",
        "no class axis",
        "target.argmax(1)",
    ),
    row(
        "labels as a column",
        lambda: nn.CrossEntropyLoss()(X, zeros(2, 1, dtype=int)),
        "Shape",
        "(2, 1)",
        "layer: CrossEntropyLoss",
        "target.squeeze(-1)",
    ),
    row(
        "an image's labels with a channel",
        lambda: F.cross_entropy(zeros(2, 3, 4, 4), zeros(2, 1, 4, 4, dtype=int)),
        "Shape",
        "(2, 1, 4, 4)",
        "target.squeeze(1)",
    ),
    row(
        "classes last",
        lambda: F.cross_entropy(zeros(2, 5, 3), zeros(2, 5, dtype=int)),
        "Shape",
        "(2, 5, 3)",
        "the classes are axis 1: input.transpose(1, 2)",
    ),
    row("fewer labels", lambda: F.nll_loss(X, labels(0)), "Shape", "nll_loss", "(1,)", "each place of the input: (2,)"),
    row("no scores", lambda: F.cross_entropy(zeros(), labels(0)), "Shape", "got input ()", "a score for each class"),
    row(
        "a label too large beside one that is ignored",
        lambda: F.cross_entropy(X, labels(-100, 3)),
        "Label",
        "3 classes",
        "got 3 at position (1,)",
        "ignored ones are -100",
    ),
    row(
        "another number to ignore", lambda: F.nll_loss(X, labels(0, -1)), "Label", "nll_loss", "got -1 at position (1,)"
    ),
    row("focal: a label too large", lambda: F.focal_loss(X, labels(5, 0)), "Label", "focal_loss", "got 5"),
    row("labels of booleans", lambda: F.nll_loss(X, zeros(2, dtype=bool)), "DType", "got bool (2,)", ".long()"),
    row(
        "scores of integers",
        lambda: F.nll_loss(zeros(2, 3, dtype=int), labels(0, 1)),
        "DType",
        "input: got int64",
        ".float()",
    ),
    row(
        "too few class weights",
        lambda: nn.CrossEntropyLoss(np.ones(2, np.float32))(X, labels(0, 1)),
        "Shape",
        "weight: got shape (2,), expected (3,)",
        "layer: CrossEntropyLoss",
        "one weight for each class",
    ),
    row(
        "class weights of integers",
        lambda: F.nll_loss(X, labels(0, 1), [1, 2, 3]),
        "DType",
        "weight: got int64",
        ".float()",
    ),
    row(
        "label smoothing in percent",
        lambda: F.cross_entropy(X, labels(0, 1), label_smoothing=10),
        "Argument",
        "label_smoothing: got int 10",
        "from 0 to 1",
    ),
    row(
        "probabilities of which one is ignored",
        lambda: F.cross_entropy(X, X, ignore_index=0),
        "Argument",
        "ignore_index: got 0",
        "class numbers",
    ),
    row("gamma", lambda: F.focal_loss(X, labels(0, 1), gamma=-1), "Argument", "gamma: got int -1", "from 0 on"),
]

ARGUMENTS = [
    row(
        "size_average",
        lambda: nn.NLLLoss(size_average=False),
        "Argument",
        "NLLLoss: size_average: got bool False",
        "deprecated",
        "reduction='mean', 'sum' or 'none'",
    ),
    row("reduce", lambda: F.l1_loss(X, X, reduce=True), "Argument", "l1_loss: reduce: got bool True", "reduction="),
    row("batchmean", lambda: nn.MSELoss(reduction="batchmean"), "Argument", "reduction: got 'batchmean'", "'none'"),
    row("beta", lambda: F.smooth_l1_loss(X, X, beta=-1.0), "Argument", "beta: got float -1.0", "from 0 on"),
    row("delta", lambda: nn.HuberLoss(delta=0.0)(X, X), "Argument", "delta: got float 0.0", "layer: HuberLoss"),
    row("p of a margin", lambda: nn.MultiMarginLoss(p=3), "Argument", "MultiMarginLoss: p: got int 3", "1 or 2"),
    row("no margin", lambda: nn.TripletMarginLoss(margin=0), "Argument", "margin: got int 0", "above 0"),
    row("eps", lambda: nn.GaussianNLLLoss(eps=0), "Argument", "eps: got int 0", "above 0"),
    row("blank", lambda: nn.CTCLoss(blank=-1), "Argument", "CTCLoss: blank: got -1", "from 0 on"),
]

SHAPES = [
    row(
        "a column against a row",
        lambda: nn.L1Loss()(zeros(3, 1), zeros(3)),
        "Shape",
        "l1_loss: input has shape (3, 1), target (3,)",
        "layer: L1Loss",
        "target.reshape(3, 1)",
    ),
    row("yes or no of another shape", lambda: nn.BCEWithLogitsLoss()(X, zeros(3)), "Shape", "(2, 3)", "(3,)"),
    row(
        "a weight that enlarges",
        lambda: F.binary_cross_entropy(X, X, zeros(4, 2, 3)),
        "Shape",
        "weight: got shape (4, 2, 3)",
    ),
    row(
        "a pos_weight that enlarges",
        lambda: F.binary_cross_entropy_with_logits(X, X, pos_weight=zeros(4, 1, 1)),
        "Shape",
        "pos_weight: got shape (4, 1, 1)",
    ),
    row("a weight for some", lambda: F.mse_loss(X, X, weight=zeros(3)), "Shape", "mse_loss: weight: got shape (3,)"),
    row("a variance of another shape", lambda: nn.GaussianNLLLoss()(X, X, zeros(4)), "Shape", "var: got shape (4,)"),
    row("ranks without an axis", lambda: F.margin_ranking_loss(X, X, 1), "Shape", "target ()", "equally many axes"),
    row(
        "a triplet's missing axis",
        lambda: F.triplet_margin_loss(X, X, zeros(3)),
        "Shape",
        "negative (3,)",
        "unsqueeze(0)",
    ),
    row(
        "one sign too many", lambda: nn.CosineEmbeddingLoss()(X, X, X), "Shape", "target (2, 3)", "each pair of vectors"
    ),
    row("margins of one-hot rows", lambda: F.multi_margin_loss(X, X), "Shape", "multi_margin_loss", "target.argmax(1)"),
    row(
        "an image of labels",
        lambda: F.multilabel_margin_loss(zeros(1, 2, 3), zeros(1, 2, 3)),
        "Shape",
        "(N, C) or (C,)",
    ),
    row(
        "labels in a row that do not add up",
        lambda: F.ctc_loss(zeros(4, 2, 3), [1, 2, 1], (4, 4), (2, 2)),
        "Shape",
        "got 3 labels",
        "adds up to: 4",
    ),
]

VALUES = [
    row(
        "logits for probabilities",
        lambda: nn.BCELoss()(minidl.tensor([0.5, 3.0]), zeros(2)),
        "Argument",
        "got 3 at position (1,)",
        "layer: BCELoss",
        "binary_cross_entropy_with_logits",
    ),
    row("a variance below 0", lambda: F.gaussian_nll_loss(X, X, X - 1), "Argument", "var: got -1.0", "logarithm"),
    row("margins: labels of floats", lambda: F.multi_margin_loss(X, zeros(2)), "DType", "got float32 (2,)", ".long()"),
    row("margins: a label too large", lambda: F.multi_margin_loss(X, labels(0, 3)), "Label", "got 3 at position (1,)"),
    row(
        "many labels, one too large",
        lambda: F.multilabel_margin_loss(X[0], labels(1, 3, -1)),
        "Label",
        "got 3 at",
        "(1,)",
    ),
    row(
        "a label that is the blank",
        lambda: F.ctc_loss(zeros(4, 1, 3), [[1, 0]], (4,), (2,)),
        "Label",
        "got the blank, 0",
    ),
    row(
        "more steps than there are",
        lambda: F.ctc_loss(zeros(4, 1, 3), [[1]], (5,), (1,)),
        "Label",
        "input_lengths: got 5",
    ),
]

ROWS = [*CLASSES, *ARGUMENTS, *SHAPES, *VALUES]
