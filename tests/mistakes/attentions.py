"""Mistakes with attention, Transformers and positions."""

import numpy as np

import minidl
from minidl import errors, nn
from minidl.nn import functional as F
from minidl.ops import rotary

from . import Row


def z(*shape):
    return minidl.zeros(*shape)


def attend(*shapes, **options):
    """scaled_dot_product_attention of zeros of these shapes."""
    return lambda _: F.scaled_dot_product_attention(*(z(*shape) for shape in shapes), **options)


def heads(*shapes, embed=8, first=False, **options):
    """MultiheadAttention of zeros of these shapes, called with these options."""
    return lambda _: nn.MultiheadAttention(embed, 4, batch_first=first)(*(z(*shape) for shape in shapes), **options)


def transform(src, tgt, first=False, **options):
    return lambda _: nn.Transformer(8, 2, 1, 1, 8, batch_first=first)(z(*src), z(*tgt), **options)


SAME = [(5, 2, 8)] * 3

ATTENTION = [
    Row(
        "groups that do not divide",
        attend((1, 4, 3, 5), (1, 3, 6, 5), (1, 3, 6, 5), enable_gqa=True),
        errors.ShapeError,
        ("key: got shape (1, 3, 6, 5)", "(1, 4, 3, 5)", "G divides H", "transpose(-3, -2)"),
    ),
    Row(
        "groups of values",
        attend((1, 4, 3, 5), (1, 2, 6, 5), (1, 3, 6, 5), enable_gqa=True),
        errors.ShapeError,
        ("value: got shape (1, 3, 6, 5)", "G divides H"),
    ),
    Row(
        "groups without heads",
        attend((3, 5), (6, 5), (6, 5), enable_gqa=True),
        errors.ShapeError,
        ("key: got shape (6, 5)", "(…, G, S, features)"),
    ),
    Row(
        "more heads of keys than of queries",
        attend((1, 2, 3, 5), (1, 4, 3, 5), (1, 4, 3, 5)),
        errors.ShapeError,
        ("k: got shape (1, 4, 3, 5)", "(1, 2)", "expand()"),
    ),
    Row(
        "keys of other features",
        attend((2, 3, 5), (2, 6, 4), (2, 6, 4)),
        errors.ShapeError,
        ("q has shape (2, 3, 5)", "k (2, 6, 4)", "last axis"),
    ),
    Row(
        "mask of integers",
        attend((2, 3, 5), (2, 3, 5), (2, 3, 5), attn_mask=minidl.tensor(np.ones((3, 3), int))),
        errors.DTypeError,
        ("mask: got int64 (3, 3)", "booleans (true: may attend) or floats", ".bool()"),
    ),
    Row(
        "dropout of more than everything",
        attend((2, 3, 5), (2, 3, 5), (2, 3, 5), dropout_p=1.5),
        errors.ArgumentError,
        ("scaled_dot_product_attention: p: got 1.5", "0 to 1"),
    ),
    Row(
        "heads that do not divide",
        lambda _: nn.MultiheadAttention(12, 5),
        errors.ArgumentError,
        ("num_heads: got 5", "12, the embed_dim", "1, 2, 3, 4, 6, 12 heads"),
    ),
    Row(
        "no features",
        lambda _: nn.MultiheadAttention(0, 1),
        errors.ArgumentError,
        ("num_heads: got 1", "0, the embed_dim", "1 or more"),
    ),
    Row(
        "keys of another length",
        heads((5, 2, 8), (5, 2, 6), (5, 2, 8)),
        errors.ShapeError,
        ("key: got shape (5, 2, 6)", "(length, N, 8)", "kdim=6"),
    ),
    Row(
        "queries of another length",
        heads((5, 2, 6), (5, 2, 8), (5, 2, 8), first=True),
        errors.ShapeError,
        ("query: got shape (5, 2, 6)", "(N, length, 8)", "embed_dim=6", "layer: MultiheadAttention"),
    ),
    Row(
        "one without a batch",
        heads((5, 2, 8), (5, 8), (5, 8)),
        errors.ShapeError,
        ("key: got shape (5, 8)", "all three alike", "the same axes"),
    ),
    Row(
        "more values than keys",
        heads((5, 2, 8), (5, 2, 8), (6, 2, 8)),
        errors.ShapeError,
        ("value: got shape (6, 2, 8)", "key of (5, 2, 8)", "each key has one value"),
    ),
    Row(
        "batch first or second",
        heads((5, 2, 8), (5, 3, 8), (5, 3, 8)),
        errors.ShapeError,
        ("(5, 2, 8)", "(5, 3, 8)", "equal batches", "axis 1", "batch_first"),
    ),
    Row(
        "mask of another length",
        heads(*SAME, attn_mask=np.zeros((5, 4), bool)),
        errors.ShapeError,
        ("attn_mask: got shape (5, 4)", "(5, 5) or (8, 5, 5)"),
    ),
    Row(
        "padding the other way round",
        heads(*SAME, key_padding_mask=np.zeros((5, 2), bool)),
        errors.ShapeError,
        ("key_padding_mask: got shape (5, 2)", "(2, 5)"),
    ),
    Row(
        "padding of integers",
        heads(*SAME, key_padding_mask=np.zeros((2, 5), int)),
        errors.DTypeError,
        ("key_padding_mask: got int64", "bool or floating", ".bool()"),
    ),
]

TRANSFORMERS = [
    Row(
        "unknown activation",
        lambda _: nn.TransformerEncoderLayer(8, 2, activation="swish"),
        errors.ArgumentError,
        ("TransformerEncoderLayer: activation: got", "swish", "'relu', 'gelu' or a function", "F.silu"),
    ),
    Row(
        "no activation",
        lambda _: nn.TransformerDecoderLayer(8, 2, activation=None),
        errors.ArgumentError,
        ("TransformerDecoderLayer: activation: got None", "a function"),
    ),
    Row(
        "heads of a layer",
        lambda _: nn.TransformerEncoderLayer(8, 3),
        errors.ArgumentError,
        ("num_heads: got 3", "8", "1, 2, 4, 8 heads"),
    ),
    Row(
        "no room to think",
        lambda _: nn.TransformerEncoderLayer(8, 2, 0),
        errors.ArgumentError,
        ("dim_feedforward: got 0", "1 or more"),
    ),
    Row(
        "a class for a layer",
        lambda _: nn.TransformerEncoder(nn.TransformerEncoderLayer, 2),
        errors.DTypeError,
        ("TransformerEncoder: encoder_layer", "expected a Module", "parentheses"),
    ),
    Row(
        "layers below zero",
        lambda _: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 8), -1),
        errors.ArgumentError,
        ("TransformerDecoder: num_layers: got -1", "0 or more"),
    ),
    Row(
        "numbers instead of vectors",
        transform((5, 2), (4, 2)),
        errors.ShapeError,
        ("src: got shape (5, 2)", "(length, N, 8) or (length, 8)", "Embedding"),
    ),
    Row(
        "a target without a batch",
        transform((5, 2, 8), (4, 8)),
        errors.ShapeError,
        ("tgt: got shape (4, 8)", "both alike"),
    ),
    Row(
        "batches of a Transformer",
        transform((5, 2, 8), (5, 3, 8)),
        errors.ShapeError,
        ("src (5, 2, 8)", "tgt (5, 3, 8)", "axis 1", "batch_first"),
    ),
    Row(
        "mask of a Transformer",
        transform((2, 5, 8), (2, 4, 8), first=True, tgt_mask=np.zeros((5, 5), bool)),
        errors.ShapeError,
        ("attn_mask: got shape (5, 5)", "(4, 4)", "layer: decoder.layers.0.self_attn"),
    ),
    Row(
        "padding of the memory",
        transform((2, 5, 8), (2, 4, 8), first=True, memory_key_padding_mask=np.zeros((2, 4), bool)),
        errors.ShapeError,
        ("key_padding_mask: got shape (2, 4)", "(2, 5)", "layer: decoder.layers.0.multihead_attn"),
    ),
]

POSITIONS = [
    Row("odd head", lambda _: nn.RotaryEmbedding(5), errors.ArgumentError, ("dim: got 5", "even number")),
    Row(
        "all heads at once",
        lambda _: nn.RotaryEmbedding(4)(z(2, 3, 8)),
        errors.ShapeError,
        ("RotaryEmbedding: input: got shape (2, 3, 8)", "(…, T, 4)", "split into heads"),
    ),
    Row("odd features", lambda _: F.rotary(z(3, 5)), errors.ShapeError, ("rotary: input: got shape (3, 5)", "even D")),
    Row("no places", lambda _: F.rotary(z(4)), errors.ShapeError, ("rotary: input: got shape (4,)", "(…, T, D)")),
    Row(
        "rotary of integers",
        lambda _: F.rotary(minidl.tensor(np.ones((3, 4), int))),
        errors.DTypeError,
        ("rotary: input: got int64 (3, 4)", ".float()"),
    ),
    Row(
        "positions of another length",
        lambda _: F.rotary(z(2, 3, 4), np.arange(5)),
        errors.ShapeError,
        ("positions: got shape (5,)", "(2, 3)", "(N, 1, T)"),
    ),
    Row(
        "positions of another type",
        lambda _: F.rotary(z(2, 3, 4), np.ones(3, bool)),
        errors.DTypeError,
        ("rotary: positions: got", "expected numbers"),
    ),
    Row("base", lambda _: nn.RotaryEmbedding(4, base=0), errors.ArgumentError, ("RotaryEmbedding: base: got 0",)),
    Row(
        "rotary: odd",
        lambda _: rotary(z(2, 3), z(2, 1)),
        errors.ShapeError,
        ("rotary: x: got shape (2, 3)", "even number", "even size"),
    ),
    Row(
        "rotary: angles",
        lambda _: rotary(z(2, 4), z(2, 4)),
        errors.ShapeError,
        ("rotary: angles: got shape (2, 4)", "(2, 2)", "(T, D/2)"),
    ),
    Row(
        "longer than the table",
        lambda _: nn.PositionalEncoding(4, max_len=3)(z(5, 2, 4)),
        errors.ShapeError,
        ("PositionalEncoding: input: got shape (5, 2, 4)", "5 places", "max_len=5", "batch_first"),
    ),
    Row(
        "features of an encoding",
        lambda _: nn.LearnedPositionalEncoding(4, batch_first=True)(z(2, 5, 6)),
        errors.ShapeError,
        ("LearnedPositionalEncoding: input: got shape (2, 5, 6)", "(N, T, 4)", "d_model=6"),
    ),
    Row("size of an encoding", lambda _: nn.PositionalEncoding(0), errors.ArgumentError, ("d_model 0", "max_len 5000")),
    Row(
        "dropout of an encoding",
        lambda _: nn.PositionalEncoding(4, dropout=-1),
        errors.ArgumentError,
        ("PositionalEncoding: dropout: p: got -1",),
    ),
    Row("waves", lambda _: F.sinusoidal_positions(3, 0), errors.ArgumentError, ("sinusoidal_positions", "dim 0", "1")),
    Row(
        "heads of a bias",
        lambda _: nn.RelativePositionBias(0),
        errors.ArgumentError,
        ("RelativePositionBias: num_heads: got 0",),
    ),
    Row(
        "buckets",
        lambda _: nn.RelativePositionBias(2, num_buckets=7),
        errors.ArgumentError,
        ("num_buckets: got 7", "4 or more, an even number"),
    ),
    Row(
        "buckets that leave nothing far",
        lambda _: F.relative_position_bucket([1], num_buckets=32, max_distance=8),
        errors.ArgumentError,
        ("max_distance: got 8", "more than 8", "fewer buckets"),
    ),
    Row(
        "distances of floats",
        lambda _: F.relative_position_bucket([1.5]),
        errors.DTypeError,
        ("relative_position: got", "expected integers"),
    ),
    Row(
        "lengths of a bias",
        lambda _: nn.RelativePositionBias(2)(-1),
        errors.ArgumentError,
        ("RelativePositionBias: got lengths -1 and -1",),
    ),
    Row("ALiBi: heads", lambda _: F.alibi_slopes(0), errors.ArgumentError, ("alibi_slopes: num_heads: got 0",)),
    Row(
        "ALiBi: lengths", lambda _: F.alibi_bias(2, 3, -1), errors.ArgumentError, ("alibi_bias: got lengths 3 and -1",)
    ),
]

ROWS = [*ATTENTION, *TRANSFORMERS, *POSITIONS]
