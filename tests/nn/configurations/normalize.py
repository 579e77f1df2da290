from . import call, chance, pick, size


def layer_norm(rng, nn):
    shape = pick(rng, (4,), (1,), (2, 3), (3, 1, 2))
    affine, bias = chance(rng, 0.8), chance(rng, 0.8)
    layer = nn.LayerNorm(shape if len(shape) > 1 else shape[0], pick(rng, 1e-5, 0.1), affine, bias)
    return layer, [rng.normal(size=(*pick(rng, (), (3,), (2, 3)), *shape))], call


def _batch_norm(rng, layer, shapes):
    evaluated = chance(rng, 0.4)

    def run(layer, *inputs):
        layer.eval() if evaluated else layer.train()
        return [layer(x) for x in inputs]  # several batches: the running statistics move with each

    return layer, [rng.normal(pick(rng, 0, 3), 2, size=shape) for shape in shapes], run


def _norm_options(rng):
    momentum = pick(rng, 0.1, 0.7, None)
    return {"momentum": momentum, "affine": chance(rng, 0.8), "track_running_stats": chance(rng, 0.8)}


def batch_norm1d(rng, nn):
    c, tail = size(rng, 1, 4), pick(rng, (), (3,))
    layer = nn.BatchNorm1d(c, pick(rng, 1e-5, 0.1), **_norm_options(rng))
    return _batch_norm(rng, layer, [(size(rng, 2, 5), c, *tail) for _ in range(2)])


def batch_norm2d(rng, nn):
    c = size(rng, 1, 4)
    layer = nn.BatchNorm2d(c, pick(rng, 1e-5, 0.1), **_norm_options(rng))
    return _batch_norm(rng, layer, [(size(rng, 1, 3), c, size(rng, 2, 4), size(rng, 1, 4)) for _ in range(2)])


CONFIGURATIONS = {
    layer_norm: 30,
    batch_norm1d: 40,
    batch_norm2d: 40,
}
