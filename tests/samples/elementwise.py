from . import booleans, distinct, normal, sample, uniform

BROADCASTS = [
    (normal(3, 4), normal(3, 4)),
    (normal(3, 4), normal(4)),
    (normal(2, 1, 4), normal(3, 1)),
    (normal(), normal(2)),
]
POSITIVE = [(uniform(0.5, 2, 3, 4), uniform(0.5, 2, 4)), (uniform(0.5, 2, 2, 1), uniform(0.5, 2, 1, 3))]
UNARY = [normal(3, 4), normal(2, 0, 3), normal()]

SAMPLES = {
    **{name: [sample(*pair) for pair in [*BROADCASTS, (normal(0, 3), normal(1, 3))]] for name in ("add", "sub", "mul")},
    "div": [sample(*pair) for pair in [*POSITIVE, (normal(3, 4), uniform(-2, -0.5, 3, 1))]],
    "pow": [sample(*pair) for pair in POSITIVE],
    **{name: [sample(x) for x in [*UNARY, normal(41, 9)]] for name in ("neg", "exp", "tanh", "sigmoid")},
    "erf": [
        sample(uniform(-0.4, 0.4, 7)),
        sample(uniform(0.5, 3.5, 7)),
        sample(uniform(-5.5, -4.1, 3)),
        sample(uniform(0.5, 3.5, 41, 9)),
        sample(normal()),
    ],
    **{name: [sample(uniform(0.5, 3, *shape)) for shape in ((3, 4), (), (41, 9))] for name in ("log", "sqrt")},
    **{name: [sample(distinct(3, 4)), sample(distinct(2, 0, 3))] for name in ("abs", "relu")},
    "gelu": [sample(normal(3, 4)), sample(normal(40, 33)), sample(normal(3, 4), approximate="tanh"), sample(normal())],
    **{
        name: [
            sample(uniform(0, 1, 3, 4), uniform(2, 3, 4), analytic=False),
            sample(distinct(6), uniform(5, 6), analytic=False),
        ]
        for name in ("maximum", "minimum")
    },
    "where": [
        sample(booleans(3, 4), normal(3, 4), normal(4)),
        sample(booleans(2, 1), normal(3), normal(2, 3)),
        sample(booleans(3), normal(), normal(3)),
    ],
    "clip": [
        sample(distinct(3, 4), low=-1.0, high=1.0, analytic=False),
        sample(distinct(7), low=-1.0, analytic=False),
        sample(distinct(7), high=0.0, analytic=False),
    ],
    "cast": [sample(normal(3, 4), dtype="float64", analytic=False)],
    "move": [sample(normal(3, 4), device="cpu"), sample(normal(), device="cpu")],
    "dropout": [sample(normal(3, 4), booleans(3, 4), p=0.3), sample(normal(3, 4), booleans(3, 1), p=0.5)],
}
