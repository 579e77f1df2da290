from . import call, pick


def activation(rng, nn):
    dim = pick(rng, 0, 1, -1)
    layer = pick(
        rng, nn.ReLU(), nn.GELU(), nn.GELU("tanh"), nn.Tanh(), nn.Sigmoid(), nn.Softmax(dim), nn.LogSoftmax(dim)
    )
    return layer, [rng.normal(size=pick(rng, (3, 4), (2, 3, 4))) * 3], call


CONFIGURATIONS = {
    activation: 50,
}
