from . import call, chance, image, pick, size


def max_pool2d(rng, nn):
    kernel = pick(rng, size(rng, 1, 3), (size(rng, 2, 3), size(rng, 1, 3)))
    smallest = kernel if isinstance(kernel, int) else min(kernel)
    stride = pick(rng, None, 1, 2, 3, (3, 1))
    padding = size(rng, 0, smallest // 2)
    dilation, ceil_mode = pick(rng, 1, 1, 2, (2, 1)), chance(rng)
    layer = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    return layer, [image(rng)], call


def avg_pool2d(rng, nn):
    kernel = pick(rng, size(rng, 1, 4), (size(rng, 2, 4), size(rng, 2, 4)))
    smallest = kernel if isinstance(kernel, int) else min(kernel)
    stride = pick(rng, None, 1, 2, 3, (3, 1))
    padding = size(rng, 0, smallest // 2)
    layer = nn.AvgPool2d(kernel, stride, padding, ceil_mode=chance(rng), count_include_pad=chance(rng))
    return layer, [image(rng)], call


CONFIGURATIONS = {
    max_pool2d: 50,
    avg_pool2d: 50,
}
