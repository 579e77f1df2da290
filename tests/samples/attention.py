import numpy as np

from . import booleans, normal, sample

FEW = np.array(
    [[True, False, True, True], [False, False, False, False], [True, True, False, True]]
)  # (T, S), one row empty
FORBIDDING = np.where(FEW, np.array([[0.3], [-0.2], [0.1]]), -np.inf)


def qkv(*batch, queries=3, keys=4, features=2, values=3):
    return normal(*batch, queries, features), normal(*batch, keys, features), normal(*batch, keys, values)


SAMPLES = {
    "attention": [
        sample(*qkv(), None, None, scale=0.7),
        sample(*qkv(2), None, None, scale=0.5, causal=True),
        sample(*qkv(2, 2, queries=4, keys=3), None, None, scale=0.5, causal=True),
        sample(*qkv(2), FEW, None, scale=0.7),
        sample(*qkv(2), FORBIDDING, None, scale=0.7),
        sample(*qkv(2), normal(3, 4), None, scale=0.7, causal=True),
        sample(*qkv(2, 2), normal(2, 1, 1, 4), None, scale=0.7),
        sample(*qkv(2, 2), normal(2, 3, 1), booleans(2, 2, 3, 4), scale=0.7, p=0.3),
        sample(*qkv(2, 2), booleans(2, 1, 1, 4), booleans(2, 2, 3, 4), scale=0.7, causal=True, p=0.5),
        sample(*qkv(2), None, booleans(3, 1), scale=0.7, p=1.0),
        sample(*qkv(0), None, None, scale=1.0),
        sample(*qkv(2, queries=0), None, None, scale=1.0),
        sample(*qkv(2, keys=0), None, None, scale=1.0),
        sample(*qkv(2, queries=1, keys=1, features=1, values=1), None, None, scale=2.0),
        sample(
            *qkv(3, queries=37, keys=70, features=5, values=9), normal(3, 37, 70), booleans(3, 37, 70), scale=0.4, p=0.2
        ),
        sample(*qkv(1, 2, queries=70, keys=37, features=33, values=40), None, None, scale=0.2, causal=True),
        sample(*qkv(2, 2), normal(2, 3, 4), None, scale=0.7),  # a learned bias (H, T, S), for all samples the same
    ],
}
