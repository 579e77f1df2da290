from . import call, chance


def dropout(rng, nn):
    layer = nn.Dropout(0.0) if chance(rng) else nn.Dropout(rng.random()).eval()
    return layer, [rng.normal(size=(2, 3))], call


CONFIGURATIONS = {
    dropout: 10,
}
