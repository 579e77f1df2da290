"""The same elements in other places."""

import numpy as np

from . import chance, library, pick, size


def _axes(rng, n, high=None):
    count = size(rng, 1, high or n)
    return tuple(int(a) - n * chance(rng) for a in rng.permutation(n)[:count])


def moved(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (4,), (2, 3), (2, 3, 4), (3, 1, 2)))
    n = x.ndim
    one = size(rng, -n, n - 1)
    both = _axes(rng, n)
    back = _axes(rng, n)[: len(both)]
    both = both[: len(back)]
    runs = {
        "flip": lambda _, x: lib.flip(x, both),
        "flip method": lambda _, x: x.flip(*both),
        "flipud": lambda _, x: lib.flipud(x),
        "roll": lambda _, x: lib.roll(x, size(rng, -5, 5)),
        "roll one": lambda _, x: x.roll(3, one),
        "roll several": lambda _, x: lib.roll(x, tuple(range(-1, len(both) - 1)), both),
        "movedim": lambda _, x: lib.movedim(x, both, back),
        "movedim one": lambda _, x: x.movedim(one, 0),
        "swapaxes": lambda _, x: lib.swapaxes(x, one, 0) + x.swapdims(0, one),
        "ravel": lambda _, x: lib.ravel(x),
        "unbind": lambda _, x: lib.unbind(x, one),
        "select": lambda _, x: lib.select(x, one, -1) + x.select(one, x.shape[one] - 1),
        "narrow": lambda _, x: lib.narrow(x, one, -1, 1) + x.narrow(one, 0, x.shape[one]),
        "tensor_split": lambda _, x: lib.tensor_split(x, 3, one),
        "tensor_split at": lambda _, x: x.tensor_split((1, 2), one),
    }
    if n > 1:
        runs |= {
            "rot90": lambda _, x: lib.rot90(x, size(rng, -4, 5), both[:2] if len(both) > 1 else [0, 1]),
            "fliplr": lambda _, x: x.fliplr(),
            "adjoint": lambda _, x: lib.adjoint(x),
        }
    name = pick(rng, *runs)
    seed = int(rng.integers(1000))

    def run(layer, x):
        nonlocal rng
        rng = np.random.default_rng(seed)
        return runs[name](layer, x)

    return None, [x], run


def copies(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (), (3,), (2, 3), (2, 1, 3)))
    n = x.ndim
    counts = tuple(size(rng, 0, 3) for _ in range(n + size(rng, 0, 1))) or (2,)
    short = tuple(size(rng, 1, 3) for _ in range(size(rng, 1, 3)))
    runs = [
        lambda _, x: x.repeat(*counts),
        lambda _, x: x.repeat(counts),
        lambda _, x: lib.tile(x, short),
        lambda _, x: x.tile(*short),
        lambda _, x: lib.broadcast_to(x, (2, *x.shape)),
        lambda _, x: lib.broadcast_tensors(x, x.sum(), lib.tensor([[[1.0]]], dtype=x.dtype)),
        lambda _, x: lib.repeat_interleave(x, counts[0]),
    ]
    if n:
        axis = size(rng, -n, n - 1)
        each = rng.integers(0, 4, size=x.shape[axis])
        runs += [
            lambda _, x: lib.repeat_interleave(x, lib.tensor(each), axis),
            lambda _, x: x.repeat_interleave(3, dim=axis),
            lambda _, x: x.repeat_interleave(lib.tensor([2]), dim=axis),
        ]
    return None, [x], pick(rng, *runs)


def diagonals(rng, nn):
    lib = library(nn)
    k = size(rng, -3, 3)
    name = pick(rng, "tril", "triu", "diagonal", "diagonal of axes", "diag", "diag vector", "diag_embed", "trace")
    batch = rng.normal(size=(*pick(rng, (), (2,), (2, 2)), size(rng, 1, 4), size(rng, 1, 4)))
    matrix, vector = batch.reshape(-1, *batch.shape[-2:])[0], rng.normal(size=pick(rng, (3,), (2, 3), (2, 1, 2)))
    if name in ("diagonal", "diagonal of axes", "diag"):  # PyTorch refuses diagonals that lie outside
        k = size(rng, -matrix.shape[0] + 1, matrix.shape[1] - 1)
    if name in ("tril", "triu"):
        return None, [batch], lambda _, x: getattr(lib, name)(x, k) + getattr(x, name)()
    if name == "diagonal":
        return None, [batch], lambda _, x: lib.diagonal(x, k, -2, -1)
    if name == "diagonal of axes":
        axes = pick(rng, (0, 2), (2, 1), (-1, 0))
        return None, [rng.normal(size=(3, 4, 3))], lambda _, x: x.diagonal(k % 3, *axes)
    if name == "diag":
        return None, [matrix], lambda _, x: lib.diag(x, k)
    if name == "diag vector":
        return None, [vector.reshape(-1)], lambda _, x: x.diag(k)
    if name == "diag_embed":
        where = pick(rng, (), (0, 1), (-1, 0), (0, -1), (1, 0))
        return None, [vector], lambda _, x: lib.diag_embed(x, k, *where)
    return None, [matrix], lambda _, x: lib.trace(x) + x.trace()


def windows(rng, nn):
    x = rng.normal(size=pick(rng, (6,), (2, 5), (3, 4, 2), (4, 1)))
    axis = size(rng, -x.ndim, x.ndim - 1)
    width, step = size(rng, 1, x.shape[axis]), size(rng, 1, 3)
    return None, [x], lambda _, x: x.unfold(axis, width, step)


def unflattened(rng, nn):
    lib = library(nn)
    sizes = pick(rng, (2, 3), (6,), (-1, 2), (3, -1, 1), [1, 6])
    lead, tail = pick(rng, (), (2,)), pick(rng, (), (3,))
    x = rng.normal(size=(*lead, 6, *tail))
    axis = len(lead) - pick(rng, 0, x.ndim)
    if chance(rng):
        return nn.Unflatten(axis, tuple(sizes)), [x], lambda layer, x: layer(x)
    return None, [x], lambda _, x: lib.unflatten(x, axis, sizes) + x.unflatten(axis, sizes)


def joined(rng, nn):
    lib = library(nn)
    name = pick(rng, "hstack", "vstack", "dstack", "column_stack")
    shape = pick(rng, (), (3,), (2, 3), (2, 3, 2))
    xs = [rng.normal(size=shape) for _ in range(size(rng, 1, 3))]
    if name == "column_stack" and len(shape) == 2:
        xs.append(rng.normal(size=2))
    if name == "column_stack" and len(shape) == 0:
        xs.append(rng.normal(size=1))
    return None, xs, lambda _, *xs: getattr(lib, name)(pick(np.random.default_rng(len(shape)), xs, tuple(xs)))


def lifted(rng, nn):
    lib = library(nn)
    name = pick(rng, "atleast_1d", "atleast_2d", "atleast_3d")
    xs = [rng.normal(size=pick(rng, (), (3,), (2, 3), (2, 3, 2), (1, 2, 1, 2))) for _ in range(size(rng, 1, 2))]
    return None, xs, lambda _, *xs: getattr(lib, name)(*xs) if len(shape_of(xs)) % 2 else getattr(lib, name)(xs)


def shape_of(xs):
    return xs[0].shape


def grids(rng, nn):
    lib = library(nn)
    xs = [rng.normal(size=pick(rng, (2,), (3,), (1,), ())) for _ in range(size(rng, 1, 3))]
    indexing = pick(rng, "ij", "xy")
    several = chance(rng)
    return None, xs, lambda _, *xs: lib.meshgrid(*([xs] if several else xs), indexing=indexing)


CONFIGURATIONS = {
    moved: 70,
    copies: 40,
    diagonals: 50,
    windows: 20,
    unflattened: 25,
    joined: 20,
    lifted: 15,
    grids: 15,
}
