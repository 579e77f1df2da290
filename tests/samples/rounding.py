from . import sample, uniform

SAMPLES = {
    "remainder": [
        sample(uniform(2.3, 2.7, 3, 4), uniform(0.97, 1.03, 4)),
        sample(uniform(2.3, 2.7, 3, 1), uniform(-1.03, -0.97, 1, 2)),
        sample(uniform(-2.7, -2.3, 3), uniform(0.97, 1.03)),
        sample(uniform(2.3, 2.7, 5), 1.5),
    ],
}
