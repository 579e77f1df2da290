"""Functions of each element, as methods of tensors and at the top level of both libraries."""

from importlib import import_module

import numpy as np

from . import chance, pick
from .activation import values


def library(nn):
    return import_module(nn.__name__.split(".")[0])


def analytic(rng, nn):
    anywhere, positive = values(rng, 0.0), np.abs(values(rng)) + 10.0 ** rng.uniform(-2, 1)
    draws = {
        "expm1": np.minimum(values(rng, 0.0, 1e-7), 10),
        "log1p": positive - 0.009,
        "log2": positive,
        "log10": positive,
        "log": positive,
        "sqrt": positive,
        "rsqrt": positive,
        "reciprocal": positive * pick(rng, -1, 1),
        "sin": anywhere,
        "cos": anywhere,
        "tan": np.clip(anywhere, -1.2, 1.2),
        "atan": anywhere,
        "arctan": anywhere,
        "erf": values(rng, 0.0, 0.46875, -4.0),
        "square": anywhere,
        "neg": anywhere,
        "abs": values(rng, 0.0),
        "exp": np.minimum(anywhere, 10),
        "tanh": anywhere,
        "sigmoid": anywhere,
        "relu": anywhere,
    }
    name, as_method = pick(rng, *draws), chance(rng)

    def run(_, x):
        return getattr(x, name)() if as_method else getattr(library(nn), name)(x)

    return None, [draws[name]], run


HALVES = (-2.5, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5)


def rounding(rng, nn):
    lib = library(nn)
    runs = {
        "floor": lambda x: x * lib.floor(x) + x.floor(),
        "ceil": lambda x: x * lib.ceil(x) + x.ceil(),
        "trunc": lambda x: x * lib.trunc(x) + x.trunc(),
        "sign": lambda x: x * lib.sign(x) + x.sign(),
        "round": lambda x: x * lib.round(x) + x.round() + lib.round(x, decimals=1) + x.round(decimals=-1),
    }
    name = pick(rng, *runs)
    return None, [np.clip(values(rng, *HALVES), -1000, 1000)], lambda _, x: runs[name](x)


def division(rng, nn):
    """Away from where rounding tells the two precisions apart: 1 % 0.1 is nearly 0 or nearly 0.1."""
    lib = library(nn)
    w = pick(rng, 0.75, -0.5, 3, -2, 0.125)
    runs = {
        "%": lambda x, v: x % w + x % v,
        "remainder": lambda x, v: x.remainder(v) + lib.remainder(x, v) + lib.remainder(x, w),
        "//": lambda x, v: x.detach() // w + x.detach() // v.detach(),
        "floor_divide": lambda x, v: lib.floor_divide(x.detach(), v.detach()) + x.detach().floor_divide(w),
        "reflected": lambda x, v: 3 // v.detach() + 7.5 // v.detach() + 2.25 % v.detach(),
    }
    name = pick(rng, *runs)
    x = np.round(64 * rng.normal(size=(3, 4)) * 10.0 ** rng.uniform(-1, 2)) / 64
    v = rng.choice([0.25, 0.5, 1.5, -0.75, 3.0, -2.0], size=pick(rng, (4,), (3, 1), (3, 4), ()))
    return None, [x, v], lambda _, x, v: runs[name](x, v)


def integers(rng, nn):
    lib = library(nn)
    runs = [
        lambda i, j: i % j + i // j + 100 // j - 100 % j,
        lambda i, j: lib.remainder(i, 3) + lib.floor_divide(i, -3) + i.floor() + i.ceil() + i.round() + i.trunc(),
        lambda i, j: i.sign() * lib.sign(j) + i.square(),
        lambda i, j: i % 2.5 + i // 1.5,
        lambda i, j: lib.reciprocal(2 ** j.abs()) + lib.rsqrt(j.square() // j.square()) + lib.log2(2 ** j.abs()),
        lambda i, j: lib.sign(i > 0),
    ]
    run = pick(rng, *runs)
    i, j = rng.integers(-9, 10, size=(3, 4)), rng.integers(1, 4, size=4) * pick(rng, -1, 1)
    return None, [i, j], lambda _, i, j: run(i, j)


def limits(rng, nn):
    lib = library(nn)
    runs = {
        "clamp": lambda x: x.clamp(-0.5, 1.5) + lib.clamp(x, min=0.0) + lib.clamp(x, max=1.0),
        "clamp_min": lambda x: x.clamp_min(0.5) + lib.clamp_min(x, -1.0),
        "clamp_max": lambda x: x.clamp_max(0.5) + lib.clamp_max(x, -1.0),
        "arithmetic": lambda x: lib.add(x, 2) + lib.sub(x, 0.5) * lib.mul(x, x) + lib.div(x, 3) + lib.neg(x),
        "pow": lambda x: lib.pow(x, 2) + lib.pow(x, 3.0),
    }
    name = pick(rng, *runs)
    return None, [values(rng, *HALVES)], lambda _, x: runs[name](x)


CONFIGURATIONS = {
    analytic: 110,
    rounding: 40,
    division: 40,
    integers: 30,
    limits: 30,
}
