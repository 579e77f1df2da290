from . import normal, sample, uniform

SAMPLES = {
    "rotary": [
        sample(normal(3, 4), uniform(-4, 4, 3, 2)),
        sample(normal(3, 4), uniform(-4, 4, 3, 2), interleaved=True),
        sample(normal(2, 2, 3, 6), uniform(-4, 4, 3, 3)),  # for all heads the same
        sample(normal(2, 2, 3, 6), uniform(-4, 4, 2, 1, 3, 1), interleaved=True),
        sample(normal(2), uniform(-4, 4)),
        sample(normal(0, 4), uniform(-4, 4, 2)),
        sample(normal(3, 0), uniform(-4, 4, 3, 0), interleaved=True),
    ],
}
