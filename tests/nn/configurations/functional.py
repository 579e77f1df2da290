"""The functions that layers do not reach by themselves."""

from . import image, pick


def functional(rng, nn):
    """The functions that layers do not reach by themselves."""
    F = nn.functional
    w, b = rng.normal(size=4), rng.normal(size=4)
    shape = pick(rng, (3, 4), (2, 4, 3))
    mean, var = rng.normal(size=4), rng.random(4) + 0.5
    runs = {
        "batch_norm": (
            [rng.normal(size=shape), mean, var, w, b],
            lambda _, x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b),
        ),
        "bare": ([rng.normal(size=shape), mean, var], lambda _, x, m, v: F.batch_norm(x, m.detach(), v.detach())),
        "max_pool2d": ([image(rng)], lambda _, x: F.max_pool2d(x, (2, 3))),
        "avg_pool2d": ([image(rng)], lambda _, x: F.avg_pool2d(x, 2)),
        "conv2d": ([rng.normal(size=(2, 5, 5)), rng.normal(size=(3, 2, 2, 3))], lambda _, x, w: F.conv2d(x, w)),
        "one_hot": ([rng.integers(0, 5, size=(2, 3))], lambda _, i: F.one_hot(i, 6)),
        "linear": ([rng.normal(size=(2, 4)), rng.normal(size=(3, 4))], lambda _, x, w: F.linear(x, w)),
    }
    return None, *runs[pick(rng, *runs)]


CONFIGURATIONS = {
    functional: 25,
}
