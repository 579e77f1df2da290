"""Convolutions of every rank, forwards and transposed; borders; patches as columns."""

from . import call, chance, pick, size


def each(rng, rank, draw):
    """One number for all axes, or one for each."""
    return draw() if chance(rng) else tuple(draw() for _ in range(rank))


def images(rng, rank, c, low=None):
    """A batch, or one image without a batch axis; volumes are small."""
    low = (7, 6, 4)[rank - 1] if low is None else low
    return rng.normal(size=(*pick(rng, (), (1,), (3,)), c, *(size(rng, low, low + 3) for _ in range(rank))))


def conv(rng, nn):
    rank = size(rng, 1, 3)
    groups = pick(rng, 1, 1, 2, 3)
    c, o = groups * size(rng, 1, 3), groups * size(rng, 1, 3)
    if chance(rng, 0.2):  # depthwise
        groups, o = c, c * size(rng, 1, 2)
    kernel = each(rng, rank, lambda: size(rng, 1, 4 if rank == 1 else 3))
    dilation = pick(rng, 1, 1, each(rng, rank, lambda: size(rng, 1, 2)))
    padding = pick(rng, "same", "valid", *[each(rng, rank, lambda: size(rng, 0, 2)) for _ in range(3)])
    stride = 1 if padding == "same" else pick(rng, 1, each(rng, rank, lambda: size(rng, 1, 3)))
    low = 7 if rank < 3 else 5  # every kernel fits
    how = {"padding": padding, "dilation": dilation, "groups": groups, "bias": chance(rng, 0.7)}
    mode = pick(rng, "zeros", "zeros", "reflect", "replicate", "circular")
    layer = getattr(nn, f"Conv{rank}d")(c, o, kernel, stride, padding_mode=mode, **how)
    return layer, [images(rng, rank, c, low)], call


def conv_same(rng, nn):
    """'same' with even kernels: one pixel more behind than before."""
    rank = size(rng, 1, 3)
    kernel = tuple(pick(rng, 2, 3, 4) for _ in range(rank))
    mode = pick(rng, "zeros", "reflect", "replicate", "circular")
    how = {"dilation": pick(rng, 1, 1, 2) if rank < 3 else 1, "padding": "same", "padding_mode": mode}
    return getattr(nn, f"Conv{rank}d")(2, 3, kernel, **how), [images(rng, rank, 2, 7 if rank < 3 else 4)], call


def conv_arguments(rng, nn):
    """The order of the arguments, and every one of them."""
    rank = size(rng, 1, 3)
    mode = pick(rng, "zeros", "circular")
    layer = getattr(nn, f"Conv{rank}d")(4, 6, 2, 2, 1, 1, 2, chance(rng), mode)
    return layer, [images(rng, rank, 4)], call


def transposed(rng, nn):
    rank = size(rng, 1, 3)
    groups = pick(rng, 1, 1, 2, 3)
    c, o = groups * size(rng, 1, 3), groups * size(rng, 1, 2)
    kernel = each(rng, rank, lambda: size(rng, 1, 3))
    stride = tuple(size(rng, 1, 3) for _ in range(rank))
    dilation = tuple(pick(rng, 1, 1, 2) for _ in range(rank))
    padding = each(rng, rank, lambda: size(rng, 0, 2 if rank < 3 else 1))
    more = tuple(size(rng, 0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    how = {"groups": groups, "bias": chance(rng, 0.7), "dilation": dilation}
    layer = getattr(nn, f"ConvTranspose{rank}d")(c, o, kernel, stride, padding, more, **how)
    return layer, [images(rng, rank, c, 5 if rank < 3 else 3)], call


def transposed_arguments(rng, nn):
    """The order of the arguments, and every one of them."""
    rank = size(rng, 1, 3)
    layer = getattr(nn, f"ConvTranspose{rank}d")(4, 6, 3, 2, 1, 1, 2, chance(rng), 2, "zeros")
    return layer, [images(rng, rank, 4, 3)], call


def transposed_output_size(rng, nn):
    """A size asked for, with the batch and the channels or without."""
    rank = size(rng, 1, 3)
    stride, padding, kernel = (tuple(size(rng, low, low + 1) for _ in range(rank)) for low in (2, 0, 2))
    x = images(rng, rank, 2, 4 if rank < 3 else 3)
    axes = zip(x.shape[-rank:], kernel, stride, padding, strict=True)
    wanted = [(n - 1) * s - 2 * p + k + size(rng, 0, s - 1) for n, k, s, p in axes]
    if x.ndim == rank + 2 and chance(rng):
        wanted = [len(x), 3, *wanted]
    layer = getattr(nn, f"ConvTranspose{rank}d")(2, 3, kernel, stride, padding, bias=chance(rng))
    return layer, [x], lambda layer, x: layer(x, output_size=wanted)


def conv_functions(rng, nn):
    """As functions, with their own order of arguments."""
    rank, groups = size(rng, 1, 3), pick(rng, 1, 2)
    stride, padding, dilation = pick(rng, 1, 2), pick(rng, 0, 1), pick(rng, 1, 2)
    x, kernel = images(rng, rank, 2 * groups, 5), [size(rng, 1, 2) for _ in range(rank)]
    w, b = rng.normal(size=(2 * groups, 2, *kernel)), rng.normal(size=2 * groups)
    if chance(rng):
        f, arguments = getattr(nn.functional, f"conv{rank}d"), (stride, padding, dilation, groups)
    else:
        f, arguments = getattr(nn.functional, f"conv_transpose{rank}d"), (stride, padding, stride - 1, groups, dilation)
    if chance(rng, 0.3):
        return None, [x, w], lambda _, x, w: f(x, w, None, *arguments)
    return None, [x, w, b], lambda _, x, w, b: f(x, w, b, *arguments)


def pad_layer(rng, nn):
    rank = size(rng, 1, 3)
    kind = pick(rng, "Zero", "Constant", "Reflection", "Replication", "Circular")
    padding = pick(rng, size(rng, 0, 3), tuple(size(rng, 0, 3) for _ in range(2 * rank)))
    if kind in ("Zero", "Constant", "Reflection") and chance(rng, 0.3):
        padding = tuple(size(rng, -2, 3) for _ in range(2 * rank))
    value = (pick(rng, 2.5, -1),) if kind == "Constant" else ()
    return getattr(nn, f"{kind}Pad{rank}d")(padding, *value), [images(rng, rank, 2, 4)], call


def pad_constant(rng, nn):
    """Any number of axes, and sizes below 0."""
    sizes = [size(rng, -1, 3) for _ in range(2 * size(rng, 0, 3))]
    x, value = rng.normal(size=(3, 4, 5)), pick(rng, None, 2.5)
    return None, [x], lambda _, x: nn.functional.pad(x, sizes, value=value)


def pad_mode(rng, nn):
    """Modes that repeat the image; sizes below 0 crop it, and PyTorch's own rules hold where both meet."""
    rank, mode = size(rng, 1, 3), pick(rng, "reflect", "replicate", "circular")
    low = pick(rng, 0, -2)
    sizes = [size(rng, low, 3) for _ in range(2 * rank)]
    if mode == "circular":  # PyTorch refuses, or reads beyond the image, where one side crops and the other pads
        sizes = [n for i in range(rank) for n in _of_one_sign(sizes[2 * i], sizes[2 * i + 1])]
    return None, [images(rng, rank, 2, 5)], lambda _, x: nn.functional.pad(x, sizes, mode)


def _of_one_sign(before, after):
    return (before, after) if before * after >= 0 else (abs(before), abs(after))


def unfold(rng, nn):
    kernel, how = _patches(rng)
    x = images(rng, 2, size(rng, 1, 3), 6)
    if chance(rng):
        return nn.Unfold(kernel, **how), [x], call
    return None, [x], lambda _, x: nn.functional.unfold(x, kernel, *how.values())


def fold(rng, nn):
    kernel, how = _patches(rng)
    output = each(rng, 2, lambda: size(rng, 6, 9))
    axes = zip(*[n if isinstance(n, tuple) else (n, n) for n in (output, kernel, *how.values())], strict=True)
    rows, columns = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in axes]
    area = kernel[0] * kernel[1] if isinstance(kernel, tuple) else kernel * kernel
    x = rng.normal(size=(*pick(rng, (), (1,), (3,)), size(rng, 1, 3) * area, rows * columns))
    if chance(rng):
        return nn.Fold(output, kernel, **how), [x], call
    return None, [x], lambda _, x: nn.functional.fold(x, output, kernel, *how.values())


def _patches(rng):
    how = {"dilation": (1, 2), "padding": (0, 2), "stride": (1, 3)}
    how = {name: each(rng, 2, lambda low=low, high=high: size(rng, low, high)) for name, (low, high) in how.items()}
    return each(rng, 2, lambda: size(rng, 1, 3)), how


CONFIGURATIONS = {
    conv: 160,
    conv_arguments: 12,
    conv_functions: 40,
    conv_same: 40,
    fold: 40,
    pad_constant: 20,
    pad_layer: 70,
    pad_mode: 70,
    transposed: 90,
    transposed_arguments: 10,
    transposed_output_size: 30,
    unfold: 40,
}
