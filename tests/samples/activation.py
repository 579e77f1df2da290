from . import distinct, normal, sample, uniform

SAMPLES = {
    "prelu": [
        sample(distinct(3, 4), normal(1)),
        sample(distinct(2, 3, 2), normal(3, 1)),
        sample(distinct(7), 0.1),
        sample(distinct(0, 3), normal(3)),
        sample(distinct(1, 4), uniform(0.1, 0.5, 3, 4)),
    ],
    "elu": [
        sample(distinct(3, 4)),
        sample(distinct(3, 4), alpha=0.7, scale=1.3, input_scale=2.0),
        sample(distinct(2, 0)),
        sample(uniform(-1, -0.5), alpha=2.0),
        sample(distinct(5), input_scale=-0.5),
        sample(uniform(-3, -0.1, 41, 9), alpha=0.5),
    ],
    "softplus": [
        sample(normal(3, 4)),
        sample(distinct(3, 4), beta=2.0, threshold=2.25),
        sample(normal(5), beta=-0.5),
        sample(uniform(-9, 9, 41, 9), threshold=20.5),
        sample(normal()),
    ],
    **{
        name: [
            sample(normal(3, 4)),
            sample(uniform(-9, 9, 8)),
            sample(normal(2, 0)),
            sample(normal()),
            sample(uniform(-9, 9, 41, 9)),
        ]
        for name in ("silu", "mish")
    },
}
