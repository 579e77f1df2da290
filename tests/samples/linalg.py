import numpy as np

from . import normal, sample


def regular(*shape):
    """Matrices far from singular: a random one with a heavy diagonal, of either sign."""
    rng = np.random.default_rng(shape)
    signs = rng.choice([-1.0, 1.0], size=shape[-1])
    return rng.normal(size=shape) + np.diag(3.0 * signs)


def definite(*shape):
    """Symmetric positive definite matrices."""
    root = regular(*shape)
    return root @ root.swapaxes(-1, -2) / shape[-1]


SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.5, -1.0, 2.0]])

SAMPLES = {
    "solve": [
        sample(regular(3, 3), normal(3, 2)),
        sample(regular(2, 3, 3), normal(2, 3, 1)),
        sample(regular(2, 1, 2, 2), normal(3, 2, 2)),
        sample(regular(2, 2), normal(2, 2, 0)),
    ],
    "inv": [sample(regular(3, 3)), sample(regular(2, 2, 2)), sample(regular(0, 2, 2)), sample(np.array([[-0.5]]))],
    "cholesky": [
        sample(definite(3, 3), analytic=False),
        sample(definite(2, 2, 2), analytic=False),
        sample(definite(0, 2, 2), analytic=False),
        sample(definite(3, 3) + np.triu(np.full((3, 3), 0.2), 1), analytic=False),
    ],
    "det": [sample(regular(3, 3)), sample(regular(2, 2, 2)), sample(np.array([[0.5]])), sample(regular(0, 2, 2))],
    "cofactor": [sample(regular(3, 3)), sample(regular(2, 2, 2)), sample(regular(0, 2, 2))],
    "logabsdet": [sample(regular(3, 3)), sample(regular(2, 2, 2)), sample(regular(0, 3, 3))],
}
