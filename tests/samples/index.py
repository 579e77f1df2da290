import numpy as np

from . import integers, normal, sample

INDICES = [
    1,
    (slice(None), 2),
    (Ellipsis, slice(None, None, -2)),
    (None, slice(1, 3), None, 0),
    np.array([0, 2, 0, 0]),
    (np.array([[0, 1], [2, 2]]), slice(1, None)),
    (np.array([0, 2]), np.array([1, 1])),
    np.arange(3) % 2 == 0,
    np.zeros(0, int),
]


def _shape(index):
    return np.empty((3, 4))[index].shape


SAMPLES = {
    "getitem": [sample(normal(3, 4), index=i) for i in INDICES],
    "getitem_adjoint": [sample(normal(*_shape(i)), index=i, shape=(3, 4)) for i in INDICES],
    "take_along_axis": [
        sample(normal(3, 4), integers(4, 3, 2), axis=1),
        sample(normal(3, 4), integers(3, 5, 4), axis=-2),
        sample(normal(2, 3, 4), integers(3, 2, 1, 4), axis=1),
    ],
    "put_along_axis": [
        sample(normal(3, 2), integers(4, 3, 2), axis=1, size=4),
        sample(normal(5, 4), integers(3, 5, 4), axis=-2, size=3),
    ],
    "embedding": [
        sample(normal(5, 3), integers(5, 4)),
        sample(normal(7, 2), integers(7, 2, 3)),
        sample(normal(3, 2), integers(3)),
    ],
    "embedding_adjoint": [
        sample(normal(4, 3), integers(5, 4), size=5),
        sample(normal(2, 3, 2), integers(7, 2, 3), size=7),
    ],
}
