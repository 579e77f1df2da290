from . import call, pick, size


def cross_entropy(rng, nn):
    c = size(rng, 1, 6)
    lead, tail = pick(rng, ((), ()), ((4,), ()), ((3,), (2,)), ((2,), (2, 3)))
    layer = nn.CrossEntropyLoss(reduction=pick(rng, "mean", "sum", "none"))
    x = rng.normal(size=(*lead, c, *tail)) * pick(rng, 1, 100)
    return layer, [x, rng.integers(0, c, size=(*lead, *tail))], call


def mse(rng, nn):
    shape = pick(rng, (), (4,), (2, 3))
    layer = nn.MSELoss(reduction=pick(rng, "mean", "sum", "none"))
    return layer, [rng.normal(size=shape), rng.normal(size=shape)], call


CONFIGURATIONS = {
    cross_entropy: 40,
    mse: 15,
}
