import numpy as np

from . import normal, sample

HOLES = np.array([[2.0, 0.0, -3.0, 0.5], [0.0, 0.0, 1.5, 2.0]])

SAMPLES = {
    "cumsum": [sample(normal(4), axis=0), sample(normal(2, 3, 2), axis=1), sample(normal(2, 0), axis=-1)],
    "cumprod": [
        sample(normal(4), axis=0),
        sample(normal(2, 3, 2), axis=-2),
        sample(HOLES, axis=1),
        sample(normal(0, 2), axis=0),
    ],
    "linear_scan": [
        sample(normal(4), normal(4), axis=0),
        sample(normal(2, 3, 2), normal(2, 3, 2), axis=1),
        sample(HOLES, normal(2, 4), axis=-1),
        sample(normal(2, 0), normal(2, 0), axis=1),
    ],
}
