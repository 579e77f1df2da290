"""Activations: far out, near 0, and on the kinks, where PyTorch's slopes are matched.

Hardsigmoid and Hardswish are in `tests/nn/test_activation.py`: PyTorch has 1/6 in float32 only. So it has 1/α of CELU,
for which powers of 2 are drawn here.
"""

import numpy as np

from . import call, chance, pick, size


def values(rng, *kinks, shape=None):
    """Of a random size, from a hundredth to a hundred; a few of them exactly on a kink."""
    shape = pick(rng, (3, 4), (2, 3, 4), (7,), ()) if shape is None else shape
    x = np.asarray(rng.normal(size=shape) * 10.0 ** rng.uniform(-2, 2))
    return np.where(rng.random(shape) < 0.3, rng.choice(kinks, size=shape), x) if kinks else x


def activation(rng, nn):
    dim = pick(rng, 0, 1, -1)
    layer = pick(
        rng, nn.ReLU(), nn.GELU(), nn.GELU("tanh"), nn.Tanh(), nn.Sigmoid(), nn.Softmax(dim), nn.LogSoftmax(dim)
    )
    return layer, [rng.normal(size=pick(rng, (3, 4), (2, 3, 4))) * 3], call


def rectifier(rng, nn):
    slope, low = pick(rng, 0.01, 0.2, 1.5, -0.5, 0), rng.uniform(0, 0.3)
    layer = pick(
        rng,
        nn.ReLU(inplace=False),
        nn.LeakyReLU(),
        nn.LeakyReLU(slope),
        nn.LeakyReLU(negative_slope=slope, inplace=False),
        nn.RReLU().eval(),
        nn.RReLU(low, low + 0.3, False).eval(),
        nn.RReLU(low, low),
        nn.RReLU(lower=0.1, upper=0.1),
        nn.Threshold(0.5, 20),
        nn.Threshold(threshold=-1.0, value=rng.normal(), inplace=False),
    )
    return layer, [values(rng, 0.0, 0.5, -1.0)], call


def prelu(rng, nn):
    channels, shape = size(rng, 1, 4), pick(rng, (), (3,), (2, 2))
    init = rng.normal()
    layer = pick(rng, nn.PReLU(), nn.PReLU(channels), nn.PReLU(num_parameters=channels, init=init))
    if layer.num_parameters == 1 and chance(rng):
        return layer, [values(rng, 0.0)], call
    return layer, [values(rng, 0.0, shape=(size(rng, 0, 3), channels, *shape))], call


def exponential(rng, nn):
    alpha = pick(rng, 0.25, 2.0, 1)
    layers = [nn.ELU(), nn.ELU(alpha), nn.ELU(alpha=alpha, inplace=False), nn.SELU(), nn.SELU(False)]
    layers += [nn.CELU(), nn.CELU(alpha), nn.CELU(alpha=-alpha, inplace=False)][: 2 if chance(rng) else 3]
    layer = pick(rng, *layers)
    x = values(rng, 0.0)
    return layer, [np.clip(x, -50 * alpha, 50) if "-" in repr(layer) else x], call  # α < 0 grows exponentially


def smooth(rng, nn):
    beta = pick(rng, 0.5, 3.0, 1)
    layer = pick(
        rng,
        nn.SiLU(),
        nn.Mish(),
        nn.Mish(inplace=False),
        nn.Softplus(),
        nn.Softplus(beta),
        nn.Softplus(beta=beta, threshold=pick(rng, 2, 10.0, 40)),
        nn.Softsign(),
        nn.LogSigmoid(),
        nn.Tanhshrink(),
    )
    return layer, [values(rng, 0.0, -300.0, 300.0)], call


def straight(rng, nn):
    lambd = pick(rng, 0.5, 0.25, 1.0, 0.0)
    layer = pick(
        rng,
        nn.ReLU6(),
        nn.Hardtanh(),
        nn.Hardtanh(-2, 0.5),
        nn.Hardtanh(min_val=-0.25, max_val=3.0, inplace=False),
        nn.Softshrink(),
        nn.Softshrink(lambd),
        nn.Hardshrink(),
        nn.Hardshrink(lambd=lambd),
    )
    return layer, [values(rng, *[s * k for k in (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0) for s in (-1, 1)])], call


def along(rng, nn):
    dim = pick(rng, 0, 1, -1, -2)
    shape = (2, 4, 6)
    layer = pick(rng, nn.Softmin(dim), nn.GLU(), nn.GLU(dim), nn.Softmax2d())
    return layer, [values(rng, shape=(pick(rng, 2, 3), *shape) if chance(rng) and dim < 0 else shape)], call


def by_function(rng, nn):
    """The same as functions, with their arguments by place and by name."""
    F = nn.functional
    alpha, beta, slope, lambd = (pick(rng, 0.25, 0.5, 2.0) for _ in range(4))
    runs = {
        "relu": lambda x: F.relu(x, False) + F.relu6(x),
        "leaky_relu": lambda x: F.leaky_relu(x) + F.leaky_relu(x, slope) + F.leaky_relu(x, negative_slope=-slope),
        "rrelu": lambda x: F.rrelu(x) + F.rrelu(x, slope, slope, True) + F.rrelu(x, lower=0.1, upper=0.6),
        "elu": lambda x: F.elu(x) + F.elu(x, alpha) + F.elu(x, alpha=alpha),
        "selu": lambda x: F.selu(x) + F.selu(x, inplace=False),
        "celu": lambda x: F.celu(x) + F.celu(x, alpha),
        "gelu": lambda x: F.gelu(x) + F.gelu(x, approximate="tanh"),
        "silu": lambda x: F.silu(x) + F.mish(x),
        "softplus": lambda x: F.softplus(x) + F.softplus(x, beta) + F.softplus(x, beta, threshold=4.0),
        "logsigmoid": lambda x: F.logsigmoid(x) + F.sigmoid(x),
        "softsign": lambda x: F.softsign(x) + F.tanh(x) + F.tanhshrink(x),
        "hardtanh": lambda x: F.hardtanh(x) + F.hardtanh(x, -slope, alpha) + F.hardtanh(x, max_val=0.5),
        "threshold": lambda x: F.threshold(x, 0.5, alpha) + F.threshold(x, threshold=-0.5, value=3),
        "shrink": lambda x: F.softshrink(x) + F.softshrink(x, lambd) + F.hardshrink(x) + F.hardshrink(x, lambd),
        "softmin": lambda x: F.softmin(x, 0) + F.softmin(x, dim=-1),
        "glu": lambda x: F.glu(x) + F.glu(x, dim=-1),
    }
    name = pick(rng, *runs)
    x = values(rng, 0.0, 0.25, -0.5, 2.0, -3.0, 6.0, shape=pick(rng, (3, 4), (2, 3, 4), (6,)))
    return None, [x], lambda _, x: runs[name](x)


def prelu_by_function(rng, nn):
    channels = size(rng, 1, 3)
    weight = rng.normal(size=pick(rng, (), (1,), (channels,)))
    x = values(rng, 0.0, shape=(2, channels, *pick(rng, (), (3,), (2, 2))))
    return None, [x, weight], lambda _, x, w: nn.functional.prelu(x, w)


CONFIGURATIONS = {
    activation: 50,
    rectifier: 50,
    prelu: 40,
    exponential: 50,
    smooth: 60,
    straight: 60,
    along: 40,
    by_function: 90,
    prelu_by_function: 25,
}
