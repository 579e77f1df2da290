"""Reductions over every form of dim, running totals, ranks."""

import numpy as np

from . import chance, library, pick, size


def _shape(rng, low=1, high=4):
    return pick(rng, (high,), (2, 3), (low, high), (2, 3, 4), (3, 1, 2))


def _dims(rng, n):
    """One axis, several, or all, counted from either end."""
    axis = size(rng, -n, n - 1)
    several = tuple(int(a) - n * chance(rng) for a in rng.permutation(n)[: size(rng, 1, n)])
    return pick(
        rng, {}, {"dim": axis}, {"dim": axis, "keepdim": True}, {"dim": several}, {"dim": several, "keepdim": True}
    )


def over_axes(rng, nn):
    lib = library(nn)
    x = rng.normal(size=_shape(rng))
    how = _dims(rng, x.ndim)
    name = pick(rng, "sum", "mean", "std", "var", "amax", "amin", "nansum", "nanmean", "std_mean", "var_mean")
    if name in ("std", "var", "std_mean", "var_mean"):
        x, how = rng.normal(size=(3, *x.shape[1:])), {**how, "correction": pick(rng, 0, 1, 2 if how == {} else 0)}
        how = how if "dim" in how else {"dim": None, **how}
    if name.startswith("nan"):
        x[rng.random(x.shape) < 0.3] = np.nan
        x.flat[0] = 1.5
    if name in ("sum", "mean", "nansum") and chance(rng, 0.3):
        how["dtype"] = lib.float64
    if name == "nanmean" and how.get("dim") is not None:
        x = np.where(np.isnan(x), 2.0, x)
        x.flat[-1] = np.nan if x.shape[0] * x.shape[-1] == x.size and x.ndim == 1 and x.size > 1 else 1.0
    return None, [x], lambda _, x: getattr(lib, name)(x, **how)


def over_one_axis(rng, nn):
    lib = library(nn)
    x = rng.normal(size=_shape(rng, 2, 5))
    axis = size(rng, -x.ndim, x.ndim - 1)
    name = pick(rng, "prod", "max", "min", "median", "aminmax", "kthvalue", "logsumexp")
    if name == "prod":  # none, one and more zeros
        x[rng.random(x.shape) < pick(rng, 0, 0.3, 0.7)] = 0
    if name == "aminmax":
        return None, [x], lambda _, x: lib.aminmax(x, dim=axis, keepdim=bool(axis % 2))
    args = pick(rng, (axis,), (axis, True), (axis, False), ())
    if name in ("kthvalue", "logsumexp"):
        args = args or (axis,)
    if name == "kthvalue":
        args = (size(rng, 1, x.shape[axis]), *args)
    return None, [x], lambda _, x: getattr(lib, name)(x, *args)


def counts(rng, nn):
    lib = library(nn)
    x = rng.integers(-2, 3, size=_shape(rng))
    axis = size(rng, -x.ndim, x.ndim - 1)
    name = pick(rng, "count_nonzero", "sum", "prod", "any", "all", "argmax", "argmin", "cumsum", "cumprod", "amax")
    if name.startswith("arg"):
        x = rng.permutation(x.size).reshape(x.shape)
    args = (axis,) if name.startswith("cum") else pick(rng, (), (axis,))
    return None, [x], lambda _, x: getattr(lib, name)(x, *args)


def running(rng, nn):
    lib = library(nn)
    x = rng.normal(size=_shape(rng, 2, 5))
    axis = size(rng, -x.ndim, x.ndim - 1)
    name = pick(rng, "cumsum", "cumprod", "cummax", "cummin")
    if name == "cumprod":
        x[rng.random(x.shape) < pick(rng, 0, 0.3, 0.7)] = 0
    if name.startswith("cumm") and chance(rng):
        x = np.round(x)  # ties: the last
    how = {"dtype": lib.float64} if name in ("cumsum", "cumprod") and chance(rng, 0.3) else {}
    return None, [x], lambda _, x: getattr(lib, name)(x, axis, **how)


def ranks(rng, nn):
    lib = library(nn)
    x = rng.normal(size=_shape(rng, 2, 6))
    axis = size(rng, -x.ndim, x.ndim - 1)
    name = pick(rng, "sort", "argsort", "topk")
    if name == "topk":
        args = (size(rng, 0, x.shape[axis]), axis, *pick(rng, (), (False,), (True, True)))
        return None, [x], lambda _, x: lib.topk(x, *args)
    if chance(rng):
        how = {"dim": axis, "descending": chance(rng), "stable": True}
        x = np.round(x)  # ties keep their order
        return None, [x], lambda _, x: getattr(lib, name)(x, **how)
    args = pick(rng, (), (axis,), (axis, True))
    return None, [x], lambda _, x: getattr(lib, name)(x, *args)


def quantile(rng, nn):
    lib = library(nn)
    x = rng.normal(size=_shape(rng, 2, 6))
    if chance(rng, 0.2):
        x.flat[0] = np.nan
        q, how = 0.4, {"dim": size(rng, -x.ndim, x.ndim - 1)}
        return None, [x], lambda _, x: lib.quantile(x, q, **how).nansum()
    how = {"interpolation": pick(rng, "linear", "lower", "higher", "midpoint", "nearest")}
    if chance(rng, 0.7):
        how |= {"dim": size(rng, -x.ndim, x.ndim - 1), "keepdim": chance(rng)}
    q = pick(rng, 0.0, 1.0, 0.37, 0.5, [0.2, 0.9], [0.61])
    return None, [x], lambda _, x: lib.quantile(x, q if isinstance(q, float) else lib.tensor(q, dtype=x.dtype), **how)


def norms(rng, nn):
    lib = library(nn)
    x = rng.normal(size=_shape(rng))
    if chance(rng, 0.3):
        x[..., 0] = 0  # at the tip, where a row is all zeros
    p = pick(rng, 2, 1, 3, 1.5, 0.5, float("inf"), -float("inf"), 2.0)
    how = _dims(rng, x.ndim)
    kind = pick(rng, "vector_norm", "norm", "method")
    if kind == "vector_norm":
        if chance(rng, 0.2):  # a count, whose gradient PyTorch leaves out, and which is 0 here
            return None, [x], lambda _, x: lib.linalg.vector_norm(x.detach(), 0, **how)
        return None, [x], lambda _, x: lib.linalg.vector_norm(x, p, **how)
    how = {"dim": None, **how}
    p = pick(rng, p, "fro") if kind == "norm" else p
    return None, [x], lambda _, x: lib.norm(x, p, **how) if kind == "norm" else x.norm(p, **how)


def spread(rng, nn):
    """The standard deviation where it is 0, and of too few values."""
    lib = library(nn)
    x = np.tile(rng.normal(size=(3, 1)), (1, 4))
    x[0, 0] += 1.0
    how = pick(rng, {"dim": 1}, {"dim": 1, "unbiased": False}, {"dim": 1, "correction": 0, "keepdim": True})
    return None, [x], lambda _, x: lib.std(x, **how)


def methods_of_reduction(rng, nn):
    x = rng.normal(size=(3, 4))
    calls = [
        lambda _, x: x.std(),
        lambda _, x: x.std(dim=1, keepdim=True),
        lambda _, x: x.std((0, 1), correction=0),
        lambda _, x: x.std(unbiased=False) + x.var(unbiased=False),
        lambda _, x: x.var(0, unbiased=False),
        lambda _, x: x.prod(),
        lambda _, x: x.prod(1, True),
        lambda _, x: x.cumsum(-1) * x.cumprod(dim=0),
        lambda _, x: x.sort(descending=True),
        lambda _, x: x.sort(dim=0)[0],
        lambda _, x: x.argsort(0, True),
        lambda _, x: x.topk(2),
        lambda _, x: x.topk(k=2, dim=0, largest=False).values,
        lambda _, x: x.median(),
        lambda _, x: x.median(dim=1, keepdim=True),
        lambda _, x: x.kthvalue(2, 0),
        lambda _, x: x.quantile(0.3),
        lambda _, x: x.cummax(1)[0] + x.cummin(1).values,
        lambda _, x: x.norm() + x.norm(1) + x.norm(p=3, dim=1).sum(),
        lambda _, x: x.norm(dim=0, keepdim=True),
        lambda _, x: x.nansum() + x.nanmean(0),
        lambda _, x: x.count_nonzero(dim=1),
        lambda _, x: x.aminmax(),
        lambda _, x: x.sum(0, dtype=x.dtype) + x.mean(0, dtype=x.dtype),
    ]
    return None, [x], pick(rng, *calls)


CONFIGURATIONS = {
    over_axes: 60,
    over_one_axis: 50,
    counts: 30,
    running: 30,
    ranks: 30,
    quantile: 30,
    norms: 50,
    spread: 6,
    methods_of_reduction: 40,
}
