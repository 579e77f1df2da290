"""Products by name, distances, linear algebra: of one matrix and of batches."""

import numpy as np

from . import call, chance, library, pick, size


def _regular(rng, *shape):
    """Matrices far from singular."""
    return rng.normal(size=shape) + np.diag(rng.choice([-4.0, 4.0], size=shape[-1]))


def _definite(rng, *shape):
    root = _regular(rng, *shape)
    return root @ root.swapaxes(-1, -2) / shape[-1]


def _batch(rng):
    return pick(rng, (), (), (3,), (2, 2), (1,))


def solve(rng, nn):
    lib = library(nn)
    n, k = size(rng, 1, 4), size(rng, 1, 3)
    lead = _batch(rng)
    a = _regular(rng, *lead, n, n)
    form = pick(rng, "matrix", "vector", "broadcast", "right", "one vector")
    if form == "vector":
        return None, [a, rng.normal(size=(*lead, n))], lambda _, a, b: lib.linalg.solve(a, b)
    if form == "one vector":
        return None, [a, rng.normal(size=n)], lambda _, a, b: lib.linalg.solve(a, b)
    if form == "right":
        return None, [a, rng.normal(size=(*lead, k, n))], lambda _, a, b: lib.linalg.solve(a, b, left=False)
    if form == "broadcast":
        a = _regular(rng, 2, 1, n, n)
        return None, [a, rng.normal(size=(3, n, k))], lambda _, a, b: lib.linalg.solve(a, b)
    return None, [a, rng.normal(size=(*lead, n, k))], lambda _, a, b: lib.linalg.solve(a, b)


def triangular(rng, nn):
    lib = library(nn)
    n, k = size(rng, 1, 4), size(rng, 1, 3)
    lead, left = _batch(rng), chance(rng)
    a = _regular(rng, *lead, n, n)
    b = rng.normal(size=(*lead, n, k) if left else (*lead, k, n))
    how = {"upper": chance(rng), "left": left, "unitriangular": chance(rng, 0.3)}
    return None, [a, b], lambda _, a, b: lib.linalg.solve_triangular(a, b, **how)


def one_matrix(rng, nn):
    lib = library(nn)
    n = size(rng, 1, 4)
    a = _regular(rng, *_batch(rng), n, n)
    power = size(rng, -3, 5)
    runs = [
        lambda _, a: lib.linalg.inv(a),
        lambda _, a: lib.inverse(a) + a.inverse(),
        lambda _, a: lib.linalg.det(a) + a.det(),
        lambda _, a: lib.linalg.slogdet(a)[1] * lib.linalg.slogdet(a).sign.detach(),
        lambda _, a: lib.slogdet(a).logabsdet + a.slogdet()[1],
        lambda _, a: lib.logdet(a @ a.mT) + (a @ a.mT).logdet(),
        lambda _, a: lib.linalg.matrix_power(a, power),
        lambda _, a: a.matrix_power(abs(power)),
        lambda _, a: lib.linalg.diagonal(a, offset=pick(np.random.default_rng(power + 5), 0, n - 1)),
        lambda _, a: lib.linalg.multi_dot([a.reshape(-1, n)[:n]] * pick(np.random.default_rng(power + 5), 2, 3)),
    ]
    return None, [a], pick(rng, *runs)


def cholesky(rng, nn):
    lib = library(nn)
    n = size(rng, 1, 4)
    a = _definite(rng, *_batch(rng), n, n)
    if chance(rng, 0.3):
        return None, [a], lambda _, a: lib.linalg.cholesky(a, upper=True)
    return None, [a], lambda _, a: lib.linalg.cholesky(a)


def eigen(rng, nn):
    """What does not depend on the signs of eigenvectors."""
    lib = library(nn)
    n = size(rng, 1, 4)
    x = rng.normal(size=(*_batch(rng), n, n))
    a = (x + x.swapaxes(-1, -2)) / 4 + np.diag(2.0 * rng.permutation(n))

    def run(_, a):
        values, vectors = lib.linalg.eigh(a + a.mT)
        return values, vectors**2, (vectors * values.unsqueeze(-2) ** 3) @ vectors.mT

    return None, [a], pick(rng, run, run, lambda _, a: lib.linalg.eigvalsh(a))


def qr(rng, nn):
    lib = library(nn)
    x = rng.normal(size=(*_batch(rng), size(rng, 1, 4), size(rng, 1, 4)))
    x = x + 3 * np.eye(*x.shape[-2:])
    return None, [x], lambda _, x: lib.linalg.qr(x)


def svd(rng, nn):
    """What does not depend on the signs of singular vectors."""
    lib = library(nn)
    m, n = size(rng, 1, 4), size(rng, 1, 4)
    x = (rng.normal(size=(*_batch(rng), m, n)) + 5 * np.eye(m, n)) * 2.0 ** np.arange(n)

    def run(_, a):
        u, s, vh = lib.linalg.svd(a, full_matrices=False) if m != n else lib.linalg.svd(a)
        return u**2, s, vh**2, (u * s.unsqueeze(-2) ** 2) @ vh

    return None, [x], pick(rng, run, run, lambda _, a: lib.linalg.svdvals(a), lambda _, a: lib.linalg.pinv(a))


def deficient(rng, nn):
    """Pseudo-inverses, also where the rank is not full."""
    lib = library(nn)
    rank = size(rng, 1, 3)
    a = rng.normal(size=(size(rng, 1, 4), rank)) @ rng.normal(size=(rank, size(rng, 1, 4)))
    return None, [a], lambda _, a: lib.linalg.pinv(a, rtol=1e-5)


def singular(rng, nn):
    """The gradient of the determinant of matrices of rank n − 1 and less."""
    lib = library(nn)
    n = size(rng, 1, 4)
    a = rng.normal(size=(2, n, n))
    a[0, 0] = a[0, -1] * (n > 1)
    return None, [a[0] if chance(rng) else a], lambda _, a: lib.linalg.det(a)


def matrix_norms(rng, nn):
    lib = library(nn)
    x = rng.normal(size=pick(rng, (3, 4), (2, 3, 3), (2, 3, 2, 2)))
    p = pick(rng, "fro", "nuc", 2, -2, 1, -1, float("inf"), -float("inf"))
    axes = pick(rng, (-2, -1), (0, 1), (1, 0), (-1, 0))
    keep = chance(rng)
    runs = [
        lambda _, x: lib.linalg.matrix_norm(x, p, axes, keep),
        lambda _, x: lib.linalg.matrix_norm(x),
        lambda _, x: lib.linalg.norm(x, p, axes, keep),
        lambda _, x: lib.linalg.norm(x, dim=axes, keepdim=keep),
        lambda _, x: lib.linalg.norm(x) + lib.linalg.norm(x, 3, 1).sum(),
        lambda _, x: lib.linalg.norm(x.flatten(1), p) + lib.linalg.norm(x[:, 0].flatten(), 3),
    ]
    return None, [x], pick(rng, *runs)


def products(rng, nn):
    lib = library(nn)
    i, j, k, b = (size(rng, 1, 4) for _ in range(4))
    R = lambda *shape: rng.normal(size=shape)  # noqa: E731
    how = {"beta": pick(rng, 1, 0.5), "alpha": pick(rng, 1, -2.0)}
    runs = {
        "mm": lambda: ([R(i, j), R(j, k)], lambda _, x, w: lib.mm(x, w) + x.mm(w)),
        "bmm": lambda: ([R(b, i, j), R(b, j, k)], lambda _, x, w: lib.bmm(x, w) + x.bmm(w)),
        "mv": lambda: ([R(i, j), R(j)], lambda _, x, w: lib.mv(x, w) + x.mv(w)),
        "dot": lambda: ([R(j), R(j)], lambda _, x, w: lib.dot(x, w) + x.dot(w) + x.vdot(w)),
        "outer": lambda: ([R(i), R(k)], lambda _, x, w: lib.outer(x, w) + x.outer(w) + x.ger(w)),
        "inner": lambda: ([R(i, j), R(2, k, j)], lambda _, x, w: lib.inner(x, w)),
        "inner vectors": lambda: ([R(j), R(j)], lambda _, x, w: x.inner(w)),
        "inner number": lambda: ([R(), R(j)], lambda _, x, w: lib.inner(x, w)),
        "kron": lambda: ([R(i, j), R(k, b)], lambda _, x, w: lib.kron(x, w)),
        "kron of vectors": lambda: ([R(i), R(2, k, b)], lambda _, x, w: x.kron(w)),
        "cross": lambda: ([R(i, 3), R(i, 3)], lambda _, x, w: lib.linalg.cross(x, w)),
        "cross dim": lambda: ([R(3, k), R(3, k)], lambda _, x, w: lib.cross(x, w, dim=0) + x.cross(w, 0)),
        "cross broadcast": lambda: ([R(1, 3), R(i, 3)], lambda _, x, w: lib.linalg.cross(x, w, dim=1)),
        "vecdot": lambda: ([R(i, j), R(i, j)], lambda _, x, w: lib.linalg.vecdot(x, w, dim=-(i % 2))),
        "tensordot": lambda: ([R(i, j, k), R(j, k, b)], lambda _, x, w: lib.tensordot(x, w)),
        "tensordot 0": lambda: ([R(i), R(j, k)], lambda _, x, w: lib.tensordot(x, w, 0)),
        "tensordot 1": lambda: ([R(i, j), R(j)], lambda _, x, w: lib.tensordot(x, w, dims=1)),
        "tensordot lists": lambda: ([R(i, j, k), R(k, b, i)], lambda _, x, w: lib.tensordot(x, w, ([2, 0], [0, -1]))),
        "addmm": lambda: ([R(i, k), R(i, j), R(j, k)], lambda _, c, x, w: lib.addmm(c, x, w, **how)),
        "addmm row": lambda: ([R(k), R(i, j), R(j, k)], lambda _, c, x, w: c.addmm(x, w, **how)),
        "addmv": lambda: ([R(i), R(i, j), R(j)], lambda _, c, x, w: lib.addmv(c, x, w, **how)),
        "baddbmm": lambda: ([R(b, i, k), R(b, i, j), R(b, j, k)], lambda _, c, x, w: lib.baddbmm(c, x, w, **how)),
    }
    return None, *runs[pick(rng, *runs)]()


def distances(rng, nn):
    lib, F = library(nn), nn.functional
    p = pick(rng, 2.0, 1.0, 3.0, float("inf"))
    d = size(rng, 1, 4)
    x, w = rng.normal(size=(2, 3, d)), rng.normal(size=(2, 4, d))
    name = pick(rng, "cdist", "cdist", "pairwise_distance", "cosine_similarity", "CosineSimilarity", "PairwiseDistance")
    if name == "cdist":
        return None, [x[0], w[0]] if chance(rng) else [x, w], lambda _, x, w: lib.cdist(x, w, p)
    w = rng.normal(size=x.shape[-1:] if chance(rng) else x.shape)
    if name == "pairwise_distance":
        how = pick(rng, {}, {"keepdim": True}, {"eps": 0.1})
        return None, [x, w], lambda _, x, w: F.pairwise_distance(x, w, p, **how)
    if name == "PairwiseDistance":
        return nn.PairwiseDistance(p, pick(rng, 1e-6, 0.3), chance(rng)), [x, w], call
    x[0, 0] = 0 if chance(rng, 0.3) else x[0, 0]
    if name == "cosine_similarity":
        return None, [x, w], lambda _, x, w: F.cosine_similarity(x, w, dim=-1)
    layer = nn.CosineSimilarity() if chance(rng) else nn.CosineSimilarity(dim=pick(rng, -1, 2), eps=1e-6)
    return layer, [x, w], call


def bilinear(rng, nn):
    i, j, o = (size(rng, 1, 4) for _ in range(3))
    lead = pick(rng, (), (3,), (2, 3))
    x, z = rng.normal(size=(*lead, i)), rng.normal(size=(*lead, j))
    if chance(rng, 0.3):
        w = rng.normal(size=(o, i, j))
        return None, [x, z, w], lambda _, x, z, w: nn.functional.bilinear(x, z, w)
    return nn.Bilinear(i, j, o, bias=chance(rng, 0.7)), [x, z], call


CONFIGURATIONS = {
    solve: 40,
    triangular: 30,
    one_matrix: 50,
    cholesky: 25,
    eigen: 25,
    qr: 30,
    svd: 30,
    deficient: 15,
    singular: 15,
    matrix_norms: 50,
    products: 60,
    distances: 50,
    bilinear: 30,
}
