"""Reductions, running totals, linear algebra in `test_reference.py`: cases for the definitions; PyTorch's twins."""

import numpy as np

HOLES = np.array([[2.0, 0.0, -3.0, 0.5], [0.0, 0.0, 1.5, 2.0]])


def cases(R):
    """(operation, inputs, parameters), drawn with R."""
    for axis in [None, 1, -1, (0, 2), (0, 1, 2)]:
        for keepdims in [False, True]:
            how = {"axis": axis, "keepdims": keepdims}
            yield "std", [R(2, 3, 4)], how | {"correction": int(keepdims)}
            yield "prod", [R(2, 3, 4)], how
            for p in [2.0, 1.5, 3.0, 0.5, -1.0]:
                yield "norm", [R(2, 3, 4)], how | {"p": p}
    for x in [R(), HOLES, np.zeros((2, 2)), R(0, 3)]:
        yield "prod", [x], {}
    yield "prod", [HOLES], {"axis": 1}
    yield "prod", [R(0, 3)], {"axis": 1}
    yield "norm", [R(0, 3)], {"axis": 1}

    for size, axis in [((4,), 0), ((2, 3, 2), 1), ((2, 3, 2), -1), ((0, 2), 0), ((2, 0), 1)]:
        for name in ["cumsum", "cumprod"]:
            yield name, [R(*size)], {"axis": axis}
        yield "linear_scan", [R(*size), R(*size)], {"axis": axis}
    yield "cumprod", [HOLES], {"axis": 1}
    yield "linear_scan", [HOLES, R(2, 4)], {"axis": 1}

    for lead in [(), (2,), (0,), (2, 1)]:
        for n in [1, 2, 4]:
            a = R(*lead, n, n) + 3 * np.eye(n)
            for name in ["det", "cofactor", "logabsdet", "inv"]:
                yield name, [a], {}
            yield "solve", [a, R(*lead, n, 2)], {}
            yield "cholesky", [a @ a.swapaxes(-1, -2)], {}
            if not lead or n < 4:
                yield "eigh", [(a + a.swapaxes(-1, -2)) / 4 + np.diag(2.0 * np.arange(n))], {}
                yield "svd", [(R(*lead, n + len(lead), n) + 5 * np.eye(n + len(lead), n)) * 2.0 ** np.arange(n)], {}
                yield "pinv", [R(*lead, n + len(lead), n) + 3 * np.eye(n + len(lead), n)], {"rcond": 1e-15}
                yield "pinv", [R(*lead, n, n + 1) + 3 * np.eye(n, n + 1)], {"rcond": 1e-15}
                yield "qr", [R(*lead, n + len(lead), n) + 3 * np.eye(n + len(lead), n)], {}
    yield "det", [np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.5, -1.0, 2.0]])], {}
    yield "solve", [R(2, 1, 3, 3) + 3 * np.eye(3), R(4, 3, 1)], {}
    yield "cholesky", [np.diag([2.0, 3.0]) + R(2, 2) / 4], {}  # of the symmetric part


def twins(torch):
    """The operations as PyTorch has them, under our parameters."""

    def all_axes(x, axis):
        return tuple(range(x.ndim)) if axis is None else axis

    def prod(x, axis=None, keepdims=False):
        """One axis after another, the last first."""
        axes = all_axes(x, axis)
        for a in sorted([axes] if isinstance(axes, int) else axes, reverse=True):
            x = x.prod(a, keepdims)
        return x

    def linear_scan(a, b, axis):
        states = []
        for factor, term in zip(a.unbind(axis), b.unbind(axis), strict=True):
            states.append(factor * states[-1] + term if states else term)
        return torch.stack(states, axis) if states else a * b

    def eigh(a):
        """Of each vector and its opposite, the one whose largest component is positive."""
        values, vectors = linalg.eigh((a + a.mT) / 2)
        signs = vectors.gather(-2, vectors.abs().argmax(-2, keepdim=True)).sign() if vectors.numel() else 1
        return torch.cat([values.unsqueeze(-2), vectors * signs], -2)

    def svd(a):
        """Of each pair of vectors and its opposite, the one with the largest component of V positive."""
        u, s, vt = linalg.svd(a, full_matrices=False)
        signs = vt.mT.gather(-2, vt.mT.abs().argmax(-2, keepdim=True)).sign() if vt.numel() else 1
        return torch.cat([u * signs, s.unsqueeze(-2), vt.mT * signs], -2)

    linalg = torch.linalg
    return {
        "prod": prod,
        "norm": lambda x, p=2.0, axis=None, keepdims=False: linalg.vector_norm(x, p, all_axes(x, axis), keepdims),
        "cumsum": lambda x, axis: x.cumsum(axis),
        "cumprod": lambda x, axis: x.cumprod(axis),
        "linear_scan": linear_scan,
        "eigh": eigh,
        "svd": svd,
        "pinv": lambda a, rcond: linalg.pinv(a, rtol=rcond),
        "qr": lambda a: torch.cat(linalg.qr(a), -2),
        "det": linalg.det,
        "cofactor": lambda a: linalg.det(a)[..., None, None] * linalg.inv(a).mT,
        "logabsdet": lambda a: linalg.slogdet(a).logabsdet,
        "inv": linalg.inv,
        "solve": linalg.solve,
        "cholesky": lambda a: linalg.cholesky((a + a.mT) / 2),
    }
