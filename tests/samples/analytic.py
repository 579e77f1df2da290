from . import normal, sample, uniform

ANYWHERE = [sample(normal(3, 4)), sample(normal(2, 0, 3)), sample(normal())]
POSITIVE = [sample(uniform(0.5, 3, 3, 4)), sample(uniform(0.5, 3))]

SAMPLES = {
    **dict.fromkeys(("expm1", "sin", "cos", "atan"), ANYWHERE),
    "tan": [sample(uniform(-1.2, 1.2, 3, 4)), sample(uniform(-1.2, 1.2))],
    **dict.fromkeys(("log2", "log10", "rsqrt"), POSITIVE),
    "log1p": [sample(uniform(-0.5, 3, 3, 4)), sample(uniform(-1e-3, 1e-3))],
    "reciprocal": [sample(uniform(0.5, 3, 3, 4)), sample(uniform(-3, -0.5, 3))],
}
