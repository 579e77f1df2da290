from . import call, pick, size


def embedding(rng, nn):
    v = size(rng, 1, 8)
    layer = nn.Embedding(v, size(rng, 1, 5), padding_idx=pick(rng, None, 0, -1, v - 1))
    return layer, [rng.integers(0, v, size=pick(rng, (), (1,), (6,), (2, 5)))], call


CONFIGURATIONS = {
    embedding: 25,
}
