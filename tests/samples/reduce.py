import numpy as np

from . import distinct, normal, sample

AXES = [{}, {"axis": 1}, {"axis": (0, 2), "keepdims": True}, {"axis": -1, "keepdims": True}]

SAMPLES = {
    **{
        name: [sample(normal(3, 4, 5), **a) for a in AXES] + [sample(normal())] for name in ("sum", "mean", "logsumexp")
    },
    "var": [sample(normal(3, 4, 5), **a, correction=c) for a in AXES for c in (0, 1)],
    "std": [sample(normal(2, 3, 4), **a, correction=c) for a, c in zip(AXES, (0, 1, 1, 2), strict=True)],
    **{name: [sample(distinct(3, 4, 5), **a, analytic=False) for a in AXES] for name in ("max", "min")},
    "prod": [
        sample(normal(5)),
        sample(normal(2, 3, 2), axis=(0, 2), keepdims=True),
        sample(normal(2, 3, 2), axis=-2),
        sample(np.array([[0.0, 2.0, -3.0], [0.0, 1.5, 0.0], [1.0, 0.5, -2.0]]), axis=1),
        sample(normal(0, 3), axis=0),
        sample(normal()),
    ],
    "norm": [
        sample(normal(3, 4)),
        sample(normal(2, 3, 2), axis=(0, 2), keepdims=True),
        sample(distinct(3, 4), p=3.0, axis=1),
        sample(distinct(2, 3), p=1.5, axis=-1, keepdims=True),
        sample(distinct(4), p=0.5),
        sample(distinct(3), p=-2.0),
        sample(normal(0, 3), axis=1),
    ],
}
SAMPLES["sum"] += [sample(normal(0, 3)), sample(normal(0, 3), axis=0), sample(normal(2, 3), axis=())]
