from . import call, chance, pick, size


def linear(rng, nn):
    layer = nn.Linear(size(rng, 1, 6), size(rng, 1, 6), bias=chance(rng, 0.7))
    lead = pick(rng, (), (1,), (5,), (2, 3), (2, 1, 3))
    return layer, [rng.normal(size=(*lead, layer.in_features))], call


def reshaping(rng, nn):
    layer = pick(rng, nn.Flatten(), nn.Flatten(0), nn.Flatten(0, 1), nn.Flatten(-2, -1), nn.Identity())
    return layer, [rng.normal(size=pick(rng, (3, 4), (2, 3, 4), (2, 1, 3, 2)))], call


CONFIGURATIONS = {
    linear: 30,
    reshaping: 15,
}
