import numpy as np

from . import normal, sample

REPEATED = np.array(
    [[1, 1, 2], [2, 1, 0], [2, 0, 0]]
)  # a repeat, which needs a blank; beyond the lengths stands anything

SAMPLES = {
    "ctc_loss": [
        sample(normal(4, 2, 3), np.array([[1, 2], [2, 1]]), np.array([4, 4]), np.array([2, 2])),
        sample(normal(5, 3, 3), REPEATED, np.array([5, 3, 4]), np.array([3, 2, 1])),
        sample(normal(4, 2, 4), np.array([[0, 1], [3, 9]]), np.array([4, 3]), np.array([2, 0]), blank=2),
        sample(normal(2, 1, 2), np.zeros((1, 0), int), np.array([2]), np.array([0])),
        sample(normal(3, 0, 2), np.zeros((0, 1), int), np.zeros(0, int), np.zeros(0, int)),
    ],
}
