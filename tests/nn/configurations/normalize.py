from . import call, chance, pick, size


def layer_norm(rng, nn):
    shape = pick(rng, (4,), (1,), (2, 3), (3, 1, 2))
    affine, bias = chance(rng, 0.8), chance(rng, 0.8)
    layer = nn.LayerNorm(shape if len(shape) > 1 else shape[0], pick(rng, 1e-5, 0.1), affine, bias)
    return layer, [rng.normal(size=(*pick(rng, (), (3,), (2, 3)), *shape))], call


def rms_norm(rng, nn):
    shape = pick(rng, (4,), (1,), (2, 3), (3, 1, 2))
    given = pick(rng, {}, {"eps": 0.1}, {"eps": None, "elementwise_affine": False}, {"elementwise_affine": True})
    layer = nn.RMSNorm(shape if len(shape) > 1 else shape[0], **given)
    return layer, [pick(rng, 1e-4, 1.0) * rng.normal(size=(*pick(rng, (), (3,), (2, 3)), *shape))], call


def group_norm(rng, nn):
    groups, each = size(rng, 1, 3), size(rng, 1, 3)
    options = pick(rng, {}, {"affine": False}, {"bias": False}, {"eps": 0.1})
    layer = nn.GroupNorm(groups, groups * each, **options)
    places = pick(rng, (), (3,), (2, 3), (2, 1, 2))
    return layer, [rng.normal(pick(rng, 0, 3), 2, size=(size(rng, 2, 3), groups * each, *places))], call


def local_response_norm(rng, nn):
    options = pick(rng, {}, {"alpha": 0.5}, {"beta": 1.5}, {"k": 2.0}, {"alpha": 1.0, "beta": 0.5, "k": 0.1})
    layer = nn.LocalResponseNorm(size(rng, 1, 5), **options)
    places = pick(rng, (3,), (2, 3), (2, 1, 2))
    return layer, [rng.normal(size=(size(rng, 1, 2), size(rng, 1, 6), *places))], call


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


def batch_norm3d(rng, nn):
    c = size(rng, 1, 4)
    layer = nn.BatchNorm3d(c, pick(rng, 1e-5, 0.1), **_norm_options(rng))
    sizes = [(size(rng, 1, 3), c, size(rng, 2, 3), size(rng, 1, 3), size(rng, 1, 2)) for _ in range(2)]
    return _batch_norm(rng, layer, sizes)


def _instance_norm(rng, nn, axes):
    c = size(rng, 1, 4)
    options = pick(rng, {}, _norm_options(rng), _norm_options(rng) | {"bias": False})
    layer = getattr(nn, f"InstanceNorm{axes}d")(c, pick(rng, 1e-5, 0.1), **options)
    lead = pick(rng, (), (1,), (3,))
    return _batch_norm(rng, layer, [(*lead, c, *[size(rng, 2, 3) for _ in range(axes)]) for _ in range(2)])


def instance_norm1d(rng, nn):
    return _instance_norm(rng, nn, 1)


def instance_norm2d(rng, nn):
    return _instance_norm(rng, nn, 2)


def instance_norm3d(rng, nn):
    return _instance_norm(rng, nn, 3)


def norm_functions(rng, nn):
    F = nn.functional
    c, n = 2 * size(rng, 1, 2), size(rng, 2, 3)
    x = rng.normal(pick(rng, 0, 3), 2, size=(n, c, size(rng, 2, 3), 2))
    w, b, mean, var = rng.normal(size=c), rng.normal(size=c), rng.normal(size=c), rng.random(c) + 0.5
    eps = pick(rng, 1e-5, 0.1)

    def moved(_, x, w, b, m, v):
        m, v = m.detach(), v.detach()
        y = F.instance_norm(x, m, v, w, b, momentum=0.3, eps=eps)
        return y, m, v, F.instance_norm(x, m, v, w, b, use_input_stats=False, eps=eps)

    runs = {
        "group": ([x, w, b], lambda _, x, w, b: F.group_norm(x, c // 2, w, b, eps)),
        "group, scale only": ([x, w], lambda _, x, w: F.group_norm(x, 2, weight=w)),
        "instance": ([x, w, b], lambda _, x, w, b: F.instance_norm(x, weight=w, bias=b, eps=eps)),
        "instance, tracked": ([x, w, b, mean, var], moved),
        "layer": ([x], lambda _, x: F.layer_norm(x, x.shape[1:], eps=eps)),
        "rms": ([x], lambda _, x: F.rms_norm(x, x.shape[2:], eps=eps)),
        "response": ([x], lambda _, x: F.local_response_norm(x, n, 0.3, k=0.5)),
    }
    return None, *runs[pick(rng, *runs)]


def normalize(rng, nn):
    x = rng.normal(size=pick(rng, (3, 4), (2, 3, 4), (4,)))
    x[rng.random(x.shape) < pick(rng, 0, 0.3)] = 0.0
    if chance(rng, 0.3):
        x[..., :] *= 1e-13  # shorter than eps
    p, dim = pick(rng, 2.0, 1, 3, 1.5, 4.0, float("inf")), pick(rng, 0, -1, x.ndim - 1)
    options = pick(rng, {}, {"eps": 1.0}, {"eps": 1e-3})
    return None, [x], lambda _, x: nn.functional.normalize(x, p, dim, **options)


CONFIGURATIONS = {
    layer_norm: 30,
    rms_norm: 30,
    group_norm: 40,
    local_response_norm: 30,
    batch_norm1d: 40,
    batch_norm2d: 40,
    batch_norm3d: 30,
    instance_norm1d: 30,
    instance_norm2d: 30,
    instance_norm3d: 20,
    norm_functions: 40,
    normalize: 40,
}
