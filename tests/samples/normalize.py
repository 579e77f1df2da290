import numpy as np

from . import normal, sample

SAMPLES = {
    "softmax": [
        sample(normal(4, 5)),
        sample(normal(5)),
        sample(normal(2, 3, 4), axis=1),
        sample(normal(3, 4), axis=0),
        sample(normal(1, 1)),
        sample(normal(0, 3)),
        sample(normal(3, 0)),
        sample(normal(70, 33)),
        sample(np.array([[0.5, -np.inf, 2.0, 0.1], [-1.0, 0.3, 0.2, -np.inf]])),
    ],
    "log_softmax": [
        sample(normal(4, 5)),
        sample(normal(5)),
        sample(normal(2, 3, 4), axis=1),
        sample(normal(3, 4), axis=0),
        sample(normal(1, 1)),
        sample(normal(0, 3)),
        sample(normal(3, 0)),
        sample(normal(70, 33)),
    ],
    "batch_norm": [
        sample(normal(4, 3), normal(3), normal(3)),
        sample(normal(4, 3), None, None),
        sample(normal(2, 3, 4), normal(3), None, eps=1e-2),
        sample(normal(2, 3, 4, 5), None, normal(3)),
        sample(normal(3, 2, 2, 3), normal(2), normal(2)),
        sample(normal(2, 1, 5), normal(1), normal(1)),
        sample(normal(37, 5, 9), normal(5), normal(5)),
        sample(normal(81, 19), normal(19), normal(19)),
        sample(normal(5, 3, 1, 1), normal(3), None),
    ],
    "layer_norm": [
        sample(normal(4, 5), normal(5), normal(5)),
        sample(normal(2, 3, 7), normal(7), None, eps=1e-2),
        sample(normal(3, 6), None, normal(6)),
        sample(normal(6), None, None),
        sample(normal(2, 3, 4), normal(3, 4), normal(3, 4), dims=2),
        sample(normal(70, 33), normal(33), normal(33)),
        sample(normal(0, 5), normal(5), normal(5)),
    ],
    "rms_norm": [
        sample(normal(4, 5), normal(5)),
        sample(normal(2, 3, 4), normal(3, 4), dims=2, eps=1e-2),
        sample(normal(6), None),
        sample(normal(70, 33), normal(33)),
        sample(normal(0, 5), normal(5)),
    ],
}
