import numpy as np

from . import sample


def spread(*shape):
    """Symmetric matrices with eigenvalues far from each other."""
    rng = np.random.default_rng(shape)
    x = rng.normal(size=shape)
    return (x + x.swapaxes(-1, -2)) / 4 + np.diag(2.0 * np.arange(shape[-1]))


def tall(*shape):
    """Matrices with columns far from depending on each other."""
    return np.random.default_rng(shape).normal(size=shape) + 3 * np.eye(*shape[-2:])


SAMPLES = {
    "eigh": [
        sample(spread(3, 3), analytic=False),
        sample(spread(2, 2, 2), analytic=False),
        sample(spread(2, 2) + [[0.0, 0.3], [0.0, 0.0]], analytic=False),
        sample(spread(0, 2, 2), analytic=False),
    ],
    "pinv": [
        sample(tall(3, 3), rcond=1e-15, analytic=False),
        sample(tall(4, 2), rcond=1e-15, analytic=False),
        sample(tall(2, 2, 3), rcond=1e-15, analytic=False),
        sample(tall(0, 2, 3), rcond=1e-15, analytic=False),
    ],
    "svd": [
        sample(tall(3, 3) * [1.0, 2.0, 4.0], analytic=False),
        sample(tall(4, 2) * [1.0, 3.0], analytic=False),
        sample(tall(2, 3, 2) * [3.0, 1.0], analytic=False),
        sample(tall(0, 2, 2), analytic=False),
    ],
    "qr": [
        sample(tall(3, 3), analytic=False),
        sample(tall(4, 2), analytic=False),
        sample(tall(2, 3, 2), analytic=False),
        sample(tall(0, 2, 2), analytic=False),
    ],
}
