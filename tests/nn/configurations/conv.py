from . import call, chance, pick, size


def conv2d(rng, nn):
    groups = pick(rng, 1, 1, 2, 3)
    kernel = pick(rng, size(rng, 1, 3), (size(rng, 1, 3), size(rng, 1, 4)))
    dilation = pick(rng, 1, 1, 2, (1, 2))
    padding = pick(rng, 0, 1, (2, 0), (1, 3), "same", "valid")
    stride = 1 if padding == "same" else pick(rng, 1, 1, 2, 3, (2, 1))
    bias = chance(rng, 0.7)
    c, o = groups * size(rng, 1, 3), groups * size(rng, 1, 3)
    layer = nn.Conv2d(c, o, kernel, stride, padding=padding, dilation=dilation, groups=groups, bias=bias)
    batch = pick(rng, (), (1,), (3,))
    return layer, [rng.normal(size=(*batch, c, size(rng, 7, 10), size(rng, 7, 11)))], call


def pad(rng, nn):
    sizes = [size(rng, -1, 3) for _ in range(2 * size(rng, 0, 3))]
    x, value = rng.normal(size=(3, 4, 5)), pick(rng, None, 2.5)
    return None, [x], lambda _, x: nn.functional.pad(x, sizes, value=value)


CONFIGURATIONS = {
    conv2d: 90,
    pad: 20,
}
