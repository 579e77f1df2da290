import numpy as np

from . import distinct, integers, normal, sample, uniform

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
    "huber": [
        sample(distinct(5, 6)),
        sample(distinct(4, 5), delta=0.6),
        sample(distinct(3), delta=10.0),
        sample(normal(0, 3)),
    ],
    "bce": [
        sample(uniform(0.1, 0.9, 3, 4), uniform(0.0, 1.0, 3, 4)),
        sample(uniform(0.1, 0.9, 2, 3), np.array([0.0, 1.0, 1.0])),
        sample(uniform(0.1, 0.9), uniform(0.0, 1.0, 3)),
        sample(uniform(0.1, 0.9, 0, 2), uniform(0.0, 1.0, 0, 2)),
    ],
    "bce_with_logits": [
        sample(distinct(3, 4), uniform(0.0, 1.0, 3, 4), uniform(0.5, 2.0, 4)),
        sample(distinct(2, 3), np.array([0.0, 1.0, 1.0]), None),
        sample(distinct(2, 3), uniform(0.0, 1.0, 2, 3)),
        sample(distinct(), uniform(0.0, 1.0, 3), uniform(0.5, 2.0, 2, 1)),
        sample(normal(0, 2), uniform(0.0, 1.0, 0, 2), normal(2)),
    ],
}
