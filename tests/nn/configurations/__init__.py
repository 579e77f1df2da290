"""Random configurations of every layer, written once for both libraries: a file for each page of `minidl/nn`.

Each function draws a configuration from `rng` and builds it with the `nn` that it is given: `minidl.nn` or `torch.nn`.
The same seed gives the same layer, so that the text itself shows that names, arguments and defaults agree. It returns
(layer, inputs, run): inputs are arrays (floats get gradients), or None; `run(layer, *inputs)` calls the layer on them.
A page's `CONFIGURATIONS` says how many draws each function gets.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def size(rng, low, high):
    return int(rng.integers(low, high + 1))


def chance(rng, p=0.5):
    return bool(rng.random() < p)


def call(layer, *inputs):
    return layer(*inputs)


def image(rng):
    return rng.normal(size=(*pick(rng, (), (1,), (3,)), size(rng, 1, 3), size(rng, 6, 11), size(rng, 6, 11)))


def library(nn):
    """`minidl` or `torch`, whose `nn` this is."""
    return import_module(nn.__name__.partition(".")[0])


def configurations():
    """{function: number of draws} of every page."""
    pages = (import_module(f"{__name__}.{page.name}") for page in iter_modules(__path__))
    return {make: count for page in pages for make, count in page.CONFIGURATIONS.items()}
