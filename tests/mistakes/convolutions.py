"""Mistakes with convolutions of every rank, borders, and patches."""

import numpy as np

import minidl
from minidl import errors, nn, ops
from minidl.nn import functional as F

from . import Row
from .layers import path, run


def ones(*shape):
    return minidl.tensor(np.ones(shape, np.float32))


def refused(name, call, *fragments, kind=errors.ShapeError):
    return Row(name, lambda _: call(), kind, fragments)


def argument(name, call, *fragments):
    return refused(name, call, *fragments, kind=errors.ArgumentError)


def op(name, *arrays, **sizes):
    """An operation itself, on arrays of these shapes."""
    given = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1} | sizes
    return lambda: getattr(ops, name)(*[np.ones(shape) for shape in arrays], **given)


MADE = [
    argument("stride 0", lambda: nn.Conv2d(3, 4, 3, stride=0), "Conv2d: stride: got 0", "at least 1"),
    argument("kernel of nothing", lambda: nn.Conv1d(3, 4, 0), "Conv1d: kernel_size: got 0", "at least 1"),
    argument("dilation 0", lambda: nn.Conv3d(3, 4, 3, dilation=(1, 0, 1)), "Conv3d: dilation: got (1, 0, 1)"),
    argument("negative padding", lambda: nn.Conv2d(3, 4, 3, padding=-1), "Conv2d: padding: got -1", "at least 0"),
    argument("a pair for a sound", lambda: nn.Conv1d(3, 4, (3, 3)), "Conv1d: kernel_size: got tuple (3, 3)", "one"),
    argument("a pair for a volume", lambda: nn.Conv3d(3, 4, 3, (2, 2)), "Conv3d: stride: got tuple (2, 2)", "three"),
    argument("channels below 0", lambda: nn.Conv2d(-3, 4, 3), "Conv2d: in_channels: got -3"),
    argument("groups", lambda: nn.ConvTranspose1d(4, 6, 3, groups=4), "groups: got 4", "out_channels 6"),
    argument("another padding_mode", lambda: nn.Conv1d(3, 4, 3, padding_mode="mirror"), "'mirror'", "'reflect'"),
    argument("'same' and a stride", lambda: nn.Conv3d(3, 4, 3, 2, "same"), "'same'", "stride (2, 2, 2)", "in numbers"),
    argument("'full'", lambda: nn.Conv1d(3, 4, 3, padding="full"), "'full'", "'same' or 'valid'"),
    argument(
        "transposed: a word", lambda: nn.ConvTranspose2d(3, 4, 3, padding="same"), "padding: got 'same'", "numbers"
    ),
    argument(
        "transposed: padding_mode",
        lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="circular"),
        "ConvTranspose2d: padding_mode: got 'circular', expected 'zeros'",
    ),
    argument("transposed: stride 0", lambda: nn.ConvTranspose3d(3, 4, 3, 0), "ConvTranspose3d: stride: got 0"),
    argument("border: sides", lambda: nn.ReflectionPad2d((1, 2)), "ReflectionPad2d: padding: got tuple (1, 2)", "four"),
    argument("border: a fraction", lambda: nn.ZeroPad3d(0.5), "ZeroPad3d: padding: got float 0.5", "six"),
]

CALLED = [
    Row(
        "Conv1d: channels",
        run(nn.Conv1d(3, 4, 3), 1, 2, 8),
        errors.ShapeError,
        ("2 channels", "takes 3", "Conv1d(in_channels=2", path("Conv1d")),
    ),
    Row(
        "Conv1d: a picture",
        run(nn.Conv1d(3, 4, 3), 1, 3, 8, 8),
        errors.ShapeError,
        ("conv1d: input: got shape (1, 3, 8, 8)", "(N, C, L) or (C, L)", path("Conv1d")),
    ),
    Row(
        "Conv3d: no channels",
        run(nn.Conv3d(1, 4, 3), 8, 8, 8),
        errors.ShapeError,
        ("(8, 8, 8)", "(N, C, D, H, W) or (C, D, H, W)", "x[None, None]", path("Conv3d")),
    ),
    Row(
        "Conv3d: kernel",
        run(nn.Conv3d(1, 4, 3, dilation=2), 1, 1, 5, 4, 5),
        errors.ShapeError,
        ("reaches over (5, 5, 5)", "(5, 4, 5)", "padding of at least (0, 1, 0)", path("Conv3d")),
    ),
    Row(
        "Conv2d: mirrored too far",
        run(nn.Conv2d(1, 1, 3, padding=4, padding_mode="reflect"), 1, 1, 4, 9),
        errors.ShapeError,
        ("(4, 4) for axis 2", "at most 3", "'reflect'", path("Conv2d")),
    ),
    Row(
        "ConvTranspose2d: channels",
        run(nn.ConvTranspose2d(3, 4, 3), 1, 4, 5, 5),
        errors.ShapeError,
        ("4 channels", "takes 3", "ConvTranspose2d(in_channels=4", path("ConvTranspose2d")),
    ),
    Row(
        "ConvTranspose2d: output_padding",
        run(nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=2), 1, 3, 5, 5),
        errors.ArgumentError,
        ("output_padding: got (2, 2)", "less than the stride (2, 2) or the dilation (1, 1)", path("ConvTranspose2d")),
    ),
    Row(
        "ConvTranspose1d: nothing left",
        run(nn.ConvTranspose1d(1, 1, 2, padding=2), 1, 1, 3),
        errors.ShapeError,
        ("padding (2,)", "give (0,)", "less padding", path("ConvTranspose1d")),
    ),
    refused(
        "output_size",
        lambda: nn.ConvTranspose2d(1, 1, 3, stride=2)(ones(1, 1, 4, 4), output_size=(9, 11)),
        *("output_size: got (9, 11)", "from (9, 9) to (10, 10)", "(4, 4) places"),
    ),
    refused(
        "output_size: axes",
        lambda: nn.ConvTranspose2d(1, 1, 3)(ones(1, 1, 4, 4), output_size=(1, 6, 6)),
        *("output_size: got (1, 6, 6)", "expected 2 sizes, or 4"),
    ),
    refused("weight", lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 3, 3)), "weight: got shape (1, 3, 3)", "KH, KW"),
    refused("transposed weight", lambda: F.conv_transpose1d(ones(1, 1, 4), ones(3)), "(3,)", "(C, O/groups, K)"),
    refused("bias", lambda: F.conv1d(ones(1, 1, 4), ones(2, 1, 3), ones(1)), "bias: got shape (1,)", "(2,)"),
    argument("transposed groups", lambda: F.conv_transpose1d(ones(1, 3, 4), ones(3, 1, 2), groups=2), "got 2", "the 3"),
]

BORDERS = [
    argument("half a pair", lambda: F.pad(ones(2, 3), (1,)), "got (1,)", "pairs (before, after)"),
    argument(
        "a value with a mode", lambda: F.pad(ones(2, 3), (1, 1), "circular", 2.0), "value: got 2.0", "leave it out"
    ),
    argument("another mode", lambda: F.pad(ones(2, 3), (1, 1), "edge"), "mode: got 'edge'", "'replicate'"),
    refused(
        "too few sizes", lambda: F.pad(ones(1, 2, 3, 3), (1, 1), "reflect"), "(1, 2, 3, 3)", "1 axes", "every axis"
    ),
    refused("mirrored too far", lambda: F.pad(ones(2, 3), (0, 3), "reflect"), "(0, 3)", "at most 2", "the 3"),
    refused("around more than once", lambda: nn.CircularPad1d(4)(ones(2, 3)), "(4, 4)", "at most 3", "CircularPad1d"),
    refused("nothing to repeat", lambda: F.pad(ones(2, 0), (1, 1), "replicate"), "at most 0", "'replicate'"),
    refused("all cropped", lambda: F.pad(ones(2, 3), (-1, -2), "replicate"), "(-1, -2)", "leaves images of (0,)"),
    refused("more than all cropped", lambda: nn.ZeroPad1d(-2)(ones(2, 3)), "(-2, -2)", "the 3 of axis 1", "ZeroPad1d"),
]

PATCHES = [
    argument("unfold: stride", lambda: F.unfold(ones(1, 1, 4, 4), 2, stride=0), "unfold: stride: got 0", "at least 1"),
    refused("unfold: axes", lambda: nn.Unfold(2)(ones(4, 4)), "(4, 4)", "(N, C, H, W)", "layer: Unfold"),
    refused("unfold: too large", lambda: nn.Unfold(5)(ones(1, 1, 4, 4)), "(5, 5)", "(4, 4)", "layer: Unfold"),
    refused("fold: columns", lambda: F.fold(ones(1, 4, 8), 4, 2), "(1, 4, 8)", "(N, C·4, 9)", "3 · 3 patches"),
    refused("fold: rows", lambda: nn.Fold(4, 2)(ones(1, 6, 9)), "(1, 6, 9)", "as unfold had them", "layer: Fold"),
]

OPERATIONS = [
    argument("conv: sizes", op("conv", (1, 1, 4, 4), (1, 1, 2, 2)), "stride: got (1,)", "2 numbers", "(H, W)"),
    refused("conv_input: size", op("conv_input", (1, 1, 4), (1, 1, 2), size=(6,)), "got shape (1, 1, 4)", "(1, 1, 5)"),
    refused("conv_weight: size", op("conv_weight", (1, 1, 4), (1, 1, 4), size=(2,)), "(1, 1, 4)", "(1, 1, 3)"),
    refused(
        "windows: axes",
        lambda: ops.windows(np.ones((1, 4, 4)), kernel_size=(2, 2), stride=(1, 1), dilation=(1, 1)),
        *("(1, 4, 4)", "(N, C, H, W)"),
    ),
]

ROWS = MADE + CALLED + BORDERS + PATCHES + OPERATIONS
