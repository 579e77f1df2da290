"""Mistakes with pooling and with images at another size."""

import numpy as np

import minidl
from minidl import errors, nn
from minidl.nn import functional as F

from . import Row

X = minidl.tensor(np.ones((1, 4, 6, 6), np.float32))
Y, PLACES = F.max_pool2d(X, 2, return_indices=True)


def pool(layer, *shape):
    return lambda _: nn.Sequential(layer)(minidl.ones(*shape))


ROWS = [
    Row(
        "MaxPool1d: axes",
        pool(nn.MaxPool1d(2), 2, 3, 4, 5),
        errors.ShapeError,
        ("max_pool1d", "(2, 3, 4, 5)", "(N, C, L)", "0 (MaxPool1d)"),
    ),
    Row("AvgPool3d: axes", pool(nn.AvgPool3d(2), 3, 3), errors.ShapeError, ("avg_pool3d", "(3, 3)", "(N, C, D, H, W)")),
    Row("MaxPool3d: sizes", pool(nn.MaxPool3d((2, 2)), 1, 1, 4, 4, 4), errors.ArgumentError, ("kernel_size", "three")),
    Row("MaxPool2d: stride", lambda _: F.max_pool2d(X, 2, 0), errors.ArgumentError, ("stride", "(0, 0)", "≥ 1")),
    Row("AvgPool2d: window", lambda _: F.avg_pool2d(X, 7), errors.ShapeError, ("(7, 7)", "(6, 6)", "smaller")),
    Row("AvgPool2d: padding", lambda _: F.avg_pool2d(X, 3, padding=2), errors.ArgumentError, ("(2, 2)", "at most 1")),
    Row(
        "AvgPool2d: divisor",
        lambda _: F.avg_pool2d(X, 2, divisor_override=0),
        errors.ArgumentError,
        ("divisor_override", "int 0", "other than 0"),
    ),
    Row("LPPool2d: norm", lambda _: F.lp_pool2d(X, 0, 2), errors.ArgumentError, ("norm_type", "got 0")),
    Row(
        "AdaptiveAvgPool2d: size",
        lambda _: F.adaptive_avg_pool2d(X, (2, 2, 2)),
        errors.ArgumentError,
        ("adaptive_avg_pool2d", "(2, 2, 2)", "2 of them"),
    ),
    Row("AdaptiveMaxPool2d: size", lambda _: F.adaptive_max_pool2d(X, -1), errors.ArgumentError, ("-1", "a number")),
    Row(
        "AdaptiveMaxPool2d: empty",
        lambda _: F.adaptive_max_pool2d(X[:, :, :0], 2),
        errors.ShapeError,
        ("(1, 4, 0, 6)", "empty"),
    ),
    Row(
        "MaxUnpool2d: shape",
        lambda _: F.max_unpool2d(Y, PLACES[:, :2], 2),
        errors.ShapeError,
        ("indices", "(1, 2, 3, 3)", "(1, 4, 3, 3)", "return_indices=True"),
    ),
    Row(
        "MaxUnpool2d: places",
        lambda _: F.max_unpool2d(Y, PLACES + 9, 2),
        errors.ArgumentError,
        ("indices", "9 to", "0 to 35", "(6, 6)", "output_size"),
    ),
    Row(
        "MaxUnpool2d: size",
        lambda _: F.max_unpool2d(Y, PLACES, 2, output_size=(9, 9)),
        errors.ShapeError,
        ("output_size", "(9, 9)", "(6, 6)", "(2, 2)"),
    ),
    Row("interpolate: nothing", lambda _: F.interpolate(X), errors.ArgumentError, ("neither size nor scale_factor",)),
    Row("interpolate: both", lambda _: F.interpolate(X, 3, 2), errors.ArgumentError, ("both size", "one of them")),
    Row(
        "interpolate: mode", lambda _: F.interpolate(X, 3, mode="cubic"), errors.ArgumentError, ("'cubic'", "'bicubic'")
    ),
    Row(
        "interpolate: axes",
        lambda _: F.interpolate(X, 3, mode="linear"),
        errors.ShapeError,
        ("(1, 4, 6, 6)", "3 axes", "'linear'"),
    ),
    Row(
        "interpolate: corners",
        lambda _: F.interpolate(X, 3, align_corners=True),
        errors.ArgumentError,
        ("align_corners", "'nearest'"),
    ),
    Row(
        "interpolate: antialias",
        lambda _: F.interpolate(X, 3, antialias=True),
        errors.ArgumentError,
        ("antialias", "'nearest'"),
    ),
    Row(
        "interpolate: sizes",
        lambda _: F.interpolate(X, (3, 3, 3)),
        errors.ArgumentError,
        ("size: got (3, 3, 3)", "2 of them", "(6, 6)"),
    ),
    Row("interpolate: to nothing", lambda _: F.interpolate(X, None, 0.1), errors.ArgumentError, ("0.1", "nothing")),
    Row(
        "interpolate: recompute",
        lambda _: F.interpolate(X, 3, recompute_scale_factor=True),
        errors.ArgumentError,
        ("recompute_scale_factor", "no scale_factor"),
    ),
    Row("PixelShuffle", pool(nn.PixelShuffle(3), 1, 4, 2, 2), errors.ShapeError, ("4 channels", "multiple of 9")),
    Row("PixelShuffle: factor", pool(nn.PixelShuffle(1.5), 4, 2, 2), errors.ArgumentError, ("upscale_factor", "1.5")),
    Row("PixelShuffle: axes", pool(nn.PixelShuffle(1), 2, 2), errors.ShapeError, ("(2, 2)", "(…, C, H, W)")),
    Row("PixelUnshuffle", pool(nn.PixelUnshuffle(2), 1, 3, 4), errors.ShapeError, ("(3, 4)", "multiples of 2")),
    Row("ChannelShuffle", pool(nn.ChannelShuffle(3), 1, 4, 2), errors.ShapeError, ("(1, 4, 2)", "multiple of 3")),
]
