"""Random configurations of every layer, written once for both libraries.

Each function draws a configuration from `rng` and builds it with the `nn` that it is given: `minidl.nn` or `torch.nn`.
The same seed gives the same layer, so that the text itself shows that names, arguments and defaults agree. It returns
(layer, inputs, run): inputs are arrays (floats get gradients), or None; `run(layer, *inputs)` calls the layer on them.
"""

from __future__ import annotations

import numpy as np


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def size(rng, low, high):
    return int(rng.integers(low, high + 1))


def chance(rng, p=0.5):
    return bool(rng.random() < p)


def call(layer, *inputs):
    return layer(*inputs)


def linear(rng, nn):
    layer = nn.Linear(size(rng, 1, 6), size(rng, 1, 6), bias=chance(rng, 0.7))
    lead = pick(rng, (), (1,), (5,), (2, 3), (2, 1, 3))
    return layer, [rng.normal(size=(*lead, layer.in_features))], call


def conv2d(rng, nn):
    groups = pick(rng, 1, 1, 2, 3)
    kernel = pick(rng, size(rng, 1, 3), (size(rng, 1, 3), size(rng, 1, 4)))
    dilation = pick(rng, 1, 1, 2, (1, 2))
    padding = pick(rng, 0, 1, (2, 0), (1, 3), "same", "valid")
    stride = 1 if padding == "same" else pick(rng, 1, 1, 2, 3, (2, 1))
    bias = chance(rng, 0.7)
    c, o = groups * size(rng, 1, 3), groups * size(rng, 1, 3)
    layer = nn.Conv2d(c, o, kernel, stride, padding=padding, dilation=dilation, groups=groups, bias=bias)
    batch = pick(rng, (), (1,), (3,))
    return layer, [rng.normal(size=(*batch, c, size(rng, 7, 10), size(rng, 7, 11)))], call


def image(rng):
    return rng.normal(size=(*pick(rng, (), (1,), (3,)), size(rng, 1, 3), size(rng, 6, 11), size(rng, 6, 11)))


def max_pool2d(rng, nn):
    kernel = pick(rng, size(rng, 1, 3), (size(rng, 2, 3), size(rng, 1, 3)))
    smallest = kernel if isinstance(kernel, int) else min(kernel)
    stride = pick(rng, None, 1, 2, 3, (3, 1))
    padding = size(rng, 0, smallest // 2)
    dilation, ceil_mode = pick(rng, 1, 1, 2, (2, 1)), chance(rng)
    layer = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    return layer, [image(rng)], call


def avg_pool2d(rng, nn):
    kernel = pick(rng, size(rng, 1, 4), (size(rng, 2, 4), size(rng, 2, 4)))
    smallest = kernel if isinstance(kernel, int) else min(kernel)
    stride = pick(rng, None, 1, 2, 3, (3, 1))
    padding = size(rng, 0, smallest // 2)
    layer = nn.AvgPool2d(kernel, stride, padding, ceil_mode=chance(rng), count_include_pad=chance(rng))
    return layer, [image(rng)], call


def lstm(rng, nn):
    layers, both, first = pick(rng, 1, 1, 2, 3), chance(rng), chance(rng)
    d, h = size(rng, 1, 4), size(rng, 1, 4)
    layer = nn.LSTM(d, h, layers, bias=chance(rng, 0.8), batch_first=first, bidirectional=both)
    t, n = size(rng, 1, 6), size(rng, 1, 4)
    single = chance(rng, 0.2)
    x = rng.normal(size=(t, d) if single else (n, t, d) if first else (t, n, d))
    states = [None, None]
    if chance(rng):
        shape = (layers * (1 + both), *(() if single else (n,)), h)
        states = [rng.normal(size=shape), rng.normal(size=shape)]
    return layer, [x, *states], lambda layer, x, h, c: layer(x) if h is None else layer(x, (h, c))


def lstm_packed(rng, nn):
    layers, both, first = pick(rng, 1, 2), chance(rng), chance(rng)
    d, h, n = size(rng, 1, 4), size(rng, 1, 4), size(rng, 1, 5)
    layer = nn.LSTM(d, h, layers, batch_first=first, bidirectional=both)
    lengths = rng.integers(1, 7, size=n)
    ordered = chance(rng)
    lengths = np.sort(lengths)[::-1].tolist() if ordered else lengths.tolist()
    t = max(lengths) + size(rng, 0, 2)
    x = rng.normal(size=(n, t, d) if first else (t, n, d))
    shape = (layers * (1 + both), n, h)
    states = [rng.normal(size=shape), rng.normal(size=shape)] if chance(rng) else [None, None]
    value, total = pick(rng, 0.0, -1.5), pick(rng, None, 8)

    def run(layer, x, h, c):
        rnn = nn.utils.rnn
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=ordered)
        y, state = layer(packed) if h is None else layer(packed, (h, c))
        return y, rnn.pad_packed_sequence(y, batch_first=first, padding_value=value, total_length=total), state

    return layer, [x, *states], run


def multihead_attention(rng, nn):
    heads, first, single = pick(rng, 1, 2, 3), chance(rng), chance(rng, 0.2)
    e = heads * size(rng, 1, 3)
    kdim, vdim = (pick(rng, None, size(rng, 1, 5)), pick(rng, None, size(rng, 1, 5))) if chance(rng) else (None, None)
    layer = nn.MultiheadAttention(e, heads, bias=chance(rng, 0.7), kdim=kdim, vdim=vdim, batch_first=first)
    n, t, s = (1 if single else size(rng, 1, 3)), size(rng, 1, 5), size(rng, 1, 5)
    alone = kdim is None and vdim is None and chance(rng)  # self-attention: one x in three roles
    s = t if alone else s

    def sequence(length, features):
        shape = (length, features) if single else (n, length, features) if first else (length, n, features)
        return rng.normal(size=shape)

    inputs = [sequence(t, e), *([None] * 2 if alone else [sequence(s, kdim or e), sequence(s, vdim or e)])]
    options = {"need_weights": chance(rng), "average_attn_weights": chance(rng)}
    attn_mask = padding = None
    kind = pick(rng, "none", "bool", "float", "bool per head", "float per head", "causal")
    lead = (n * heads,) if "head" in kind else ()
    if kind == "causal":
        attn_mask, options["is_causal"] = ~np.tri(t, s, dtype=bool), True
    elif kind.startswith("bool"):
        attn_mask = rng.random((*lead, t, s)) < 0.4
        attn_mask[..., 0] = False  # where nothing may be attended to, PyTorch gives NaN
    elif kind.startswith("float"):
        attn_mask = rng.normal(size=(*lead, t, s))
    if chance(rng):
        padding = rng.random((s,) if single else (n, s)) < 0.4
        padding[..., 0] = False
        if chance(rng, 0.3):
            padding = np.where(padding, -np.inf, 0.0)

    def run(layer, q, k, v, attn_mask, padding):
        k, v = (q, q) if alone else (k, v)
        return layer(q, k, v, attn_mask=attn_mask, key_padding_mask=padding, **options)

    return layer, [*inputs, attn_mask, padding], run


def embedding(rng, nn):
    v = size(rng, 1, 8)
    layer = nn.Embedding(v, size(rng, 1, 5), padding_idx=pick(rng, None, 0, -1, v - 1))
    return layer, [rng.integers(0, v, size=pick(rng, (), (1,), (6,), (2, 5)))], call


def layer_norm(rng, nn):
    shape = pick(rng, (4,), (1,), (2, 3), (3, 1, 2))
    affine, bias = chance(rng, 0.8), chance(rng, 0.8)
    layer = nn.LayerNorm(shape if len(shape) > 1 else shape[0], pick(rng, 1e-5, 0.1), affine, bias)
    return layer, [rng.normal(size=(*pick(rng, (), (3,), (2, 3)), *shape))], call


def _batch_norm(rng, layer, shapes):
    evaluated = chance(rng, 0.4)

    def run(layer, *inputs):
        layer.eval() if evaluated else layer.train()
        return [layer(x) for x in inputs]  # several batches: the running statistics move with each

    return layer, [rng.normal(pick(rng, 0, 3), 2, size=shape) for shape in shapes], run


def _norm_options(rng):
    momentum = pick(rng, 0.1, 0.7, None)
    return {"momentum": momentum, "affine": chance(rng, 0.8), "track_running_stats": chance(rng, 0.8)}


def batch_norm1d(rng, nn):
    c, tail = size(rng, 1, 4), pick(rng, (), (3,))
    layer = nn.BatchNorm1d(c, pick(rng, 1e-5, 0.1), **_norm_options(rng))
    return _batch_norm(rng, layer, [(size(rng, 2, 5), c, *tail) for _ in range(2)])


def batch_norm2d(rng, nn):
    c = size(rng, 1, 4)
    layer = nn.BatchNorm2d(c, pick(rng, 1e-5, 0.1), **_norm_options(rng))
    return _batch_norm(rng, layer, [(size(rng, 1, 3), c, size(rng, 2, 4), size(rng, 1, 4)) for _ in range(2)])


def dropout(rng, nn):
    layer = nn.Dropout(0.0) if chance(rng) else nn.Dropout(rng.random()).eval()
    return layer, [rng.normal(size=(2, 3))], call


def activation(rng, nn):
    dim = pick(rng, 0, 1, -1)
    layer = pick(
        rng, nn.ReLU(), nn.GELU(), nn.GELU("tanh"), nn.Tanh(), nn.Sigmoid(), nn.Softmax(dim), nn.LogSoftmax(dim)
    )
    return layer, [rng.normal(size=pick(rng, (3, 4), (2, 3, 4))) * 3], call


def reshaping(rng, nn):
    layer = pick(rng, nn.Flatten(), nn.Flatten(0), nn.Flatten(0, 1), nn.Flatten(-2, -1), nn.Identity())
    return layer, [rng.normal(size=pick(rng, (3, 4), (2, 3, 4), (2, 1, 3, 2)))], call


def cross_entropy(rng, nn):
    c = size(rng, 1, 6)
    lead, tail = pick(rng, ((), ()), ((4,), ()), ((3,), (2,)), ((2,), (2, 3)))
    layer = nn.CrossEntropyLoss(reduction=pick(rng, "mean", "sum", "none"))
    x = rng.normal(size=(*lead, c, *tail)) * pick(rng, 1, 100)
    return layer, [x, rng.integers(0, c, size=(*lead, *tail))], call


def mse(rng, nn):
    shape = pick(rng, (), (4,), (2, 3))
    layer = nn.MSELoss(reduction=pick(rng, "mean", "sum", "none"))
    return layer, [rng.normal(size=shape), rng.normal(size=shape)], call


def attention(rng, nn):
    lead, t, s, d, e = pick(rng, (), (2,), (2, 3)), *(size(rng, 1, 5) for _ in range(4))
    shared = lead[1:] if chance(rng, 0.3) else lead  # keys and values that several batches have in common
    q, k, v = rng.normal(size=(*lead, t, d)), rng.normal(size=(*shared, s, d)), rng.normal(size=(*shared, s, e))
    kind, mask = pick(rng, "none", "causal", "bool", "float"), None
    if kind == "bool":
        mask = rng.random(pick(rng, (t, s), (*lead, t, s))) < 0.6  # a row may allow nothing: both give 0
    elif kind == "float":
        mask = rng.normal(size=pick(rng, (t, s), (*lead, t, s)))
    options = {"is_causal": kind == "causal", "scale": pick(rng, None, 0.3)}
    F = nn.functional
    return None, [q, k, v, mask], lambda _, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, **options)


def pad(rng, nn):
    sizes = [size(rng, -1, 3) for _ in range(2 * size(rng, 0, 3))]
    x, value = rng.normal(size=(3, 4, 5)), pick(rng, None, 2.5)
    return None, [x], lambda _, x: nn.functional.pad(x, sizes, value=value)


def functional(rng, nn):
    """The functions that layers do not reach by themselves."""
    F = nn.functional
    w, b = rng.normal(size=4), rng.normal(size=4)
    shape = pick(rng, (3, 4), (2, 4, 3))
    mean, var = rng.normal(size=4), rng.random(4) + 0.5
    runs = {
        "batch_norm": (
            [rng.normal(size=shape), mean, var, w, b],
            lambda _, x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b),
        ),
        "bare": ([rng.normal(size=shape), mean, var], lambda _, x, m, v: F.batch_norm(x, m.detach(), v.detach())),
        "max_pool2d": ([image(rng)], lambda _, x: F.max_pool2d(x, (2, 3))),
        "avg_pool2d": ([image(rng)], lambda _, x: F.avg_pool2d(x, 2)),
        "conv2d": ([rng.normal(size=(2, 5, 5)), rng.normal(size=(3, 2, 2, 3))], lambda _, x, w: F.conv2d(x, w)),
        "one_hot": ([rng.integers(0, 5, size=(2, 3))], lambda _, i: F.one_hot(i, 6)),
        "linear": ([rng.normal(size=(2, 4)), rng.normal(size=(3, 4))], lambda _, x, w: F.linear(x, w)),
    }
    return None, *runs[pick(rng, *runs)]


CONFIGURATIONS = {
    linear: 30,
    conv2d: 90,
    max_pool2d: 50,
    avg_pool2d: 50,
    lstm: 60,
    lstm_packed: 50,
    multihead_attention: 110,
    embedding: 25,
    layer_norm: 30,
    batch_norm1d: 40,
    batch_norm2d: 40,
    dropout: 10,
    activation: 50,
    reshaping: 15,
    cross_entropy: 40,
    mse: 15,
    attention: 50,
    pad: 20,
    functional: 25,
}
