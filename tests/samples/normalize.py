from . import normal, sample

SAMPLES = {
    "layer_norm": [
        sample(normal(4, 5), normal(5), normal(5)),
        sample(normal(2, 3, 7), normal(7), None, eps=1e-2),
        sample(normal(3, 6), None, normal(6)),
        sample(normal(6), None, None),
        sample(normal(2, 3, 4), normal(3, 4), normal(3, 4), dims=2),
        sample(normal(70, 33), normal(33), normal(33)),
        sample(normal(0, 5), normal(5), normal(5)),
    ],
}
