"""What each operation is timed on: at the sizes where its speed matters, and small, where overhead does.

Every operation with a compiled kernel has entries here; a test holds it so. All arrays are float32.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

Draw = Callable[[np.random.Generator], np.ndarray]


class Case(NamedTuple):
    """One call of an operation.

    Attributes:
        args: draws, or None.
        params: the operation's keyword parameters.
        small: whether it is the small size, which `--smoke` runs.
        flops: multiplications and additions of the forward pass, where they and not memory decide; else 0.
        again: how many times that the backward pass costs (2: one product for each factor).
        backward: whether the backward pass is timed too; not for operations that are backward passes themselves.
        tolerance: the largest error allowed, relative to the largest value.
    """

    args: tuple[Any, ...]
    params: dict[str, Any]
    small: bool = False
    flops: int = 0
    again: float = 2.0
    backward: bool = True
    tolerance: float = 5e-5

    def inputs(self, seed: int = 0) -> list[np.ndarray | None]:
        """The arrays, the same every time."""
        rng = np.random.default_rng(seed)
        return [a(rng) if callable(a) else a for a in self.args]


def case(
    *args: Any, small: bool = False, flops: int = 0, again: float = 2.0, backward: bool = True, **params: Any
) -> Case:
    """A case in the words of the call: arrays by position, parameters by name."""
    return Case(args, params, small, flops, again, backward)


def normal(*shape: int, scale: float = 1.0) -> Draw:
    """Normal, with the standard deviation `scale`."""
    return lambda rng: rng.standard_normal(shape, np.float32) * np.float32(scale)


def positive(*shape: int) -> Draw:
    """Uniform between 0.5 and 1.5."""
    return lambda rng: rng.random(shape, np.float32) + np.float32(0.5)


def integers(high: int, *shape: int) -> Draw:
    """0 … high − 1."""
    return lambda rng: rng.integers(0, high, shape)


def booleans(p: float, *shape: int) -> Draw:
    """True with probability p."""
    return lambda rng: rng.random(shape) < p


def constant(value: float, *shape: int) -> Draw:
    """One value everywhere."""
    return lambda rng: np.full(shape, value, np.float32)


ROWS, SMALL = (4096, 1024), (32, 64)  # a layer of a transformer at work; a layer of a toy


def pointwise(count: int = 1, draw: Callable[..., Draw] = normal) -> list[Case]:
    """An operation on `count` arrays of one shape."""
    return [case(*[draw(*ROWS)] * count), case(*[draw(*SMALL)] * count, small=True)]


def rowwise(**params: Any) -> list[Case]:
    """An operation along the last axis."""
    return [case(normal(*ROWS), **params), case(normal(*SMALL), **params, small=True)]


def norm(draws: Callable[..., tuple[Any, ...]], **params: Any) -> list[Case]:
    """A norm with scale and shift; `draws(*shape)` gives its inputs."""
    return [case(*draws(*ROWS), **params), case(*draws(*SMALL), **params, small=True)]


def affine(n: int, i: int, o: int, small: bool = False) -> Case:
    """A dense layer: n rows, i → o features."""
    return case(normal(n, i), normal(o, i, scale=i**-0.5), normal(o), small=small, flops=2 * n * i * o)


def matmul(n: int, i: int, o: int, small: bool = False) -> Case:
    """(n, i) @ (i, o)."""
    return case(normal(n, i), normal(i, o, scale=i**-0.5), small=small, flops=2 * n * i * o)


def conv(
    which: str,
    n: int,
    c: int,
    size: int,
    o: int,
    k: int,
    stride: int = 1,
    groups: int = 1,
    rank: int = 2,
    small: bool = False,
) -> Case:
    """A convolution of n images of c × size × size to o channels, k × k, padded by k // 2; or one of its adjoints.

    Rank 1: sounds of c × size, kernels of k.
    """
    sizes, kernel, places = (size,) * rank, (k,) * rank, ((size + 2 * (k // 2) - k) // stride + 1,) * rank
    x, y = normal(n, c, *sizes), normal(n, o, *places)
    w = normal(o, c // groups, *kernel, scale=(c * k**rank) ** -0.5)
    args, extent = {
        "conv": ((x, w), {}),
        "conv_input": ((y, w), {"size": sizes}),
        "conv_weight": ((x, y), {"size": kernel}),
    }[which]
    how = {"stride": (stride,) * rank, "padding": (k // 2,) * rank, "dilation": (1,) * rank, "groups": groups}
    flops = 2 * n * o * places[0] ** rank * (c // groups) * k**rank
    return case(*args, **extent, **how, flops=flops, backward=which == "conv", small=small)


def convs(which: str) -> list[Case]:
    """The shapes of small networks: a residual block, LeNet, a step down, 1 × 1, 5 × 5, a stem, depthwise with and
    without a step, small maps, few channels; sounds."""
    shapes: list[dict[str, int]] = [
        {"n": 32, "c": 64, "size": 32, "o": 64, "k": 3},
        {"n": 64, "c": 16, "size": 14, "o": 32, "k": 3},
        {"n": 32, "c": 32, "size": 32, "o": 64, "k": 3, "stride": 2},
        {"n": 32, "c": 256, "size": 16, "o": 256, "k": 1},
        {"n": 32, "c": 64, "size": 16, "o": 64, "k": 5},
        {"n": 8, "c": 3, "size": 224, "o": 64, "k": 7, "stride": 2},
        {"n": 32, "c": 64, "size": 32, "o": 64, "k": 3, "groups": 64},
        {"n": 32, "c": 64, "size": 32, "o": 64, "k": 3, "groups": 64, "stride": 2},
        {"n": 32, "c": 128, "size": 8, "o": 128, "k": 3},
        {"n": 64, "c": 1, "size": 28, "o": 6, "k": 5},
        {"n": 16, "c": 32, "size": 500, "o": 32, "k": 5, "rank": 1},
    ]
    return [conv(which, **shape) for shape in shapes] + [conv(which, 4, 4, 8, 8, 3, small=True)]


def pool(**params: Any) -> list[Case]:
    """Windows of 2 × 2, and of 3 × 3 that overlap."""
    two, three = {"kernel_size": (2, 2), "stride": (2, 2)}, {"kernel_size": (3, 3), "stride": (2, 2)}
    return [
        case(normal(64, 32, 28, 28), **two, padding=(0, 0), **params),
        case(normal(32, 64, 56, 56), **three, padding=(1, 1), **params),
        case(normal(4, 4, 8, 8), **two, padding=(0, 0), **params, small=True),
    ]


def recurrent(gates: int, states: int, t: int, n: int, d: int, h: int, small: bool = False, **params: Any) -> Case:
    """t steps of n sequences, d features, h hidden units."""
    sizes = (gates * h, d), (gates * h, h), (gates * h,), (gates * h,)
    weights = [normal(*size, scale=(size[1] if len(size) > 1 else 1) ** -0.5) for size in sizes]
    state = [constant(0, n, h)] * states
    flops = 2 * gates * t * n * h * (d + h)
    return case(normal(t, n, d), *state, *weights, None, **params, small=small, flops=flops)


def recurrents(gates: int, states: int, **params: Any) -> list[Case]:
    """The first layer of a model of characters, one of its other layers if it is large, rows of an image."""
    sizes = (64, 32, 128, 256), (64, 32, 512, 512), (28, 64, 28, 128)
    small = recurrent(gates, states, 8, 4, 8, 16, small=True, **params)
    return [*(recurrent(gates, states, *size, **params) for size in sizes), small]


def attention(*lead: int, t: int, e: int, causal: bool = True, small: bool = False) -> Case:
    """Queries, keys and values of size e at t places; a causal one needs half of the products."""
    qkv, flops = [normal(*lead, t, e)] * 3, 4 * prod(lead) * t * t * e // (2 if causal else 1)
    return case(*qkv, None, None, scale=e**-0.5, causal=causal, small=small, flops=flops, again=2.5)


def classes(n: int, c: int, small: bool = False) -> Case:
    """Cross-entropy of n samples in c classes."""
    return case(normal(n, c), integers(c, n), small=small)


def rows_added(n: int, size: int, columns: int, small: bool = False) -> Case:
    """n rows, each added to one of `size` rows."""
    index = np.random.default_rng(1).integers(0, size, n)
    return case(normal(n, columns), index=index, shape=(size, columns), backward=False, small=small)


def weighted(*shape: int) -> tuple[Any, ...]:
    """x with a scale and a shift for each column."""
    return normal(*shape), positive(shape[-1]), normal(shape[-1])


BENCH: dict[str, list[Case]] = {
    **{name: pointwise(2) for name in ("add", "sub", "mul", "maximum", "minimum", "mse")},
    **{name: pointwise() for name in "neg exp abs erf tanh sigmoid relu gelu elu softplus silu mish".split()},
    **{name: pointwise(draw=positive) for name in ("log", "sqrt")},
    "div": pointwise(2, draw=positive),
    "pow": [case(positive(*ROWS), constant(1.5)), case(positive(*SMALL), constant(1.5), small=True)],
    "where": [case(booleans(0.5, *s), normal(*s), normal(*s), small=s == SMALL) for s in (ROWS, SMALL)],
    "clip": rowwise(low=-1.0, high=1.0),
    "dropout": [case(normal(*s), booleans(0.9, *s), p=0.1, small=s == SMALL) for s in (ROWS, SMALL)],
    **{name: rowwise(axis=-1) for name in ("sum", "mean", "max", "min", "var", "logsumexp", "softmax", "log_softmax")},
    "layer_norm": norm(weighted, dims=1, eps=1e-5),
    "rms_norm": norm(lambda *shape: weighted(*shape)[:2], dims=1, eps=1e-5),
    "batch_norm": [
        case(normal(64, 32, 32, 32), positive(32), normal(32), eps=1e-5),
        case(normal(4096, 256), positive(256), normal(256), eps=1e-5),
        case(normal(4, 4, 8, 8), positive(4), normal(4), eps=1e-5, small=True),
    ],
    "cross_entropy": [classes(4096, 10000), classes(2048, 96), classes(128, 10), classes(32, 10, small=True)],
    "affine": [affine(128, 784, 256), affine(2048, 256, 1024), affine(256, 4096, 4096), affine(32, 16, 16, small=True)],
    "matmul": [matmul(1024, 1024, 1024), matmul(32, 16, 16, small=True)],
    "embedding": [case(normal(10000, 256), integers(10000, 2048)), case(normal(96, 64), integers(96, 32), small=True)],
    "embedding_adjoint": [
        case(normal(2048, 256), integers(10000, 2048), size=10000, backward=False),
        case(normal(32, 64), integers(96, 32), size=96, backward=False, small=True),
    ],
    "getitem_adjoint": [rows_added(2048, 10000, 256), rows_added(32, 96, 64, small=True)],
    "take_along_axis": [
        case(normal(4096, 1024), integers(1024, 4096, 1), axis=-1),
        case(normal(32, 64), integers(64, 32, 1), axis=-1, small=True),
    ],
    "put_along_axis": [
        case(normal(4096, 1), integers(1024, 4096, 1), axis=-1, size=1024, backward=False),
        case(normal(32, 1), integers(64, 32, 1), axis=-1, size=64, backward=False, small=True),
    ],
    **{name: convs(name) for name in ("conv", "conv_input", "conv_weight")},
    "windows_adjoint": [
        case(normal(32, 16, 28, 28, 3, 3), size=(30, 30), stride=(1, 1), dilation=(1, 1), backward=False),
        case(normal(2, 2, 6, 6, 3, 3), size=(8, 8), stride=(1, 1), dilation=(1, 1), backward=False, small=True),
    ],
    **{
        name: [case(normal(n), normal(n), backward=False, small=n < 1000) for n in (10_000_000, 100_000, 256)]
        for name in ("adam_step", "sgd_step")
    },
    "max_pool": pool(dilation=(1, 1)),
    "avg_pool": pool(),
    "rnn": recurrents(1, 1),
    "gru": recurrents(3, 1),
    "lstm": recurrents(4, 2),
    "attention": [
        attention(16, 4, t=128, e=64),
        attention(8, 8, t=512, e=64),
        attention(8, 8, t=256, e=64, causal=False),
        attention(2, 2, t=16, e=8, small=True),
    ],
}
