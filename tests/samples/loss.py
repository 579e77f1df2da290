import numpy as np

from . import integers, normal, sample

SAMPLES = {
    "cross_entropy": [
        sample(normal(4, 5), integers(5, 4)),
        sample(normal(4, 5), integers(5, 4), reduction="sum"),
        sample(normal(2, 3, 4), integers(4, 2, 3), reduction="none"),
        sample(normal(2, 3, 4), integers(4, 2, 3)),
        sample(normal(5), np.array(3)),
        sample(normal(3, 1), integers(1, 3), reduction="none"),
        sample(normal(70, 33), integers(33, 70)),
        sample(normal(0, 4), integers(4, 0), reduction="sum"),
        sample(normal(3, 2500), integers(2500, 3)),
    ],
    "mse": [
        sample(normal(4, 5), normal(4, 5)),
        sample(normal(4, 5), normal(4, 5), reduction="sum"),
        sample(normal(2, 3), normal(2, 3), reduction="none"),
        sample(normal(), normal()),
        sample(normal(0, 4), normal(0, 4), reduction="none"),
        sample(normal(70, 33), normal(70, 33)),
    ],
}
