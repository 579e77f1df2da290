"""Picking and placing by indices and masks."""

import numpy as np

from . import chance, library, pick, size


def _index(rng, shape, axis, unique=False):
    """An index for gather and scatter: smaller than the array in the other axes, of any length along the axis."""
    length = size(rng, 1, shape[axis]) if unique else size(rng, 0, shape[axis] + 2)
    smaller = [length if a == axis % len(shape) else size(rng, 1, n) for a, n in enumerate(shape)]
    if not unique:
        return rng.integers(0, shape[axis], size=smaller)
    order = np.argsort(rng.random([shape[axis] if a == axis % len(shape) else n for a, n in enumerate(smaller)]), axis)
    return np.take(order, np.arange(length), axis)


def gather(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (4,), (2, 3), (2, 3, 4)))
    axis = size(rng, -x.ndim, x.ndim - 1)
    i = _index(rng, x.shape, axis)
    if chance(rng):
        return None, [x, i], lambda _, x, i: x.gather(dim=axis, index=i)
    return None, [x, i], lambda _, x, i: lib.gather(x, axis, i)


def scatter_add(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (4,), (2, 3), (2, 3, 4)))
    axis = size(rng, -x.ndim, x.ndim - 1)
    i = _index(rng, x.shape, axis)
    src = rng.normal(size=i.shape)  # of a larger one PyTorch has no gradient
    return None, [x, i, src], lambda _, x, i, src: lib.scatter_add(x, axis, i, src) + x.scatter_add(axis, i, 2 * src)


def scatter(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (4,), (2, 3), (2, 3, 4)))
    axis = size(rng, -x.ndim, x.ndim - 1)
    if chance(rng, 0.3):
        return None, [x, _index(rng, x.shape, axis)], lambda _, x, i: lib.scatter(x, axis, i, 1.5)
    i = _index(rng, x.shape, axis, unique=True)  # of repeated ones PyTorch lets any win
    src = rng.normal(size=i.shape)
    return None, [x, i, src], lambda _, x, i, src: x.scatter(axis, i, src)


def slices(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (4,), (3, 3), (2, 3, 4)))
    axis = size(rng, -x.ndim, x.ndim - 1)
    n = x.shape[axis]
    i = rng.integers(0, n, size=size(rng, 1, 5))
    unique = rng.permutation(n)[: size(rng, 1, n)]
    shape = list(x.shape)
    shape[axis] = len(i)
    source = rng.normal(size=shape)
    shape[axis] = len(unique)
    fresh = rng.normal(size=shape)
    alpha = pick(rng, 1, -0.5)
    runs = {
        "select": ([x, i], lambda _, x, i: lib.index_select(x, axis, i)),
        "select one": ([x, i[:1].reshape(())], lambda _, x, i: x.index_select(axis, i)),
        "add": ([x, i, source], lambda _, x, i, s: lib.index_add(x, axis, i, s, alpha=alpha)),
        "add method": ([x, i, source], lambda _, x, i, s: x.index_add(axis, i, s)),
        "copy": ([x, unique, fresh], lambda _, x, i, s: lib.index_copy(x, axis, i, s)),
        "fill": ([x, i], lambda _, x, i: lib.index_fill(x, axis, i, 2.5) + x.index_fill(axis, i, -1)),
    }
    return None, *runs[pick(rng, *runs)]


def masks(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (4,), (2, 3), (2, 1, 4)))
    row = rng.random(x.shape[-1:]) < 0.5
    full = rng.random(x.shape) < 0.5
    wide = rng.random((2, *x.shape)) < 0.4
    source = rng.normal(size=x.size + 1)
    runs = {
        "select": ([x, full], lambda _, x, m: lib.masked_select(x, m)),
        "select row": ([x, row], lambda _, x, m: x.masked_select(m)),
        "select wide": ([x, wide], lambda _, x, m: x.masked_select(m)),
        "fill": ([x, row], lambda _, x, m: lib.masked_fill(x, m, 3.0) + x.masked_fill(m, float("-inf")).exp()),
        "scatter": ([x, full, source], lambda _, x, m, s: lib.masked_scatter(x, m, s)),
        "scatter row": ([x, row, source], lambda _, x, m, s: x.masked_scatter(m, s)),
        "nonzero": ([full], lambda _, m: lib.nonzero(m)),
        "nonzero tuple": ([full], lambda _, m: lib.nonzero(m, as_tuple=True)),
        "where": ([full], lambda _, m: lib.where(m)),
        "argwhere": ([full * rng.integers(0, 2, size=x.shape)], lambda _, m: lib.argwhere(m) + m.nonzero()),
    }
    return None, *runs[pick(rng, *runs)]


def flat(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (4,), (2, 3), (2, 3, 2)))
    axis = size(rng, -x.ndim, x.ndim - 1)
    i = rng.integers(-x.size, x.size, size=pick(rng, (3,), (), (2, 2)))
    along = _index(rng, x.shape, axis)
    if x.ndim > 1:  # the other axes broadcast
        sizes = [2 if a == axis % x.ndim else pick(rng, 1, n) for a, n in enumerate(x.shape)]
        along = rng.integers(0, x.shape[axis], size=sizes)
    runs = {
        "take": ([x, i], lambda _, x, i: lib.take(x, i) + x.take(i)),
        "along": ([x, along], lambda _, x, i: lib.take_along_dim(x, i, axis)),
        "along method": ([x, along], lambda _, x, i: x.take_along_dim(i, dim=axis)),
        "along none": ([x, i % x.size], lambda _, x, i: x.take_along_dim(i)),
        "argsort": ([x], lambda _, x: x.take_along_dim(x.argsort(axis), axis)),
    }
    return None, *runs[pick(rng, *runs)]


CONFIGURATIONS = {
    gather: 30,
    scatter_add: 30,
    scatter: 30,
    slices: 40,
    masks: 40,
    flat: 30,
}
