from . import call, chance, pick, size


def images(rng, rank, low, high):
    """(C, …) or (N, C, …), without ties."""
    shape = (*pick(rng, (), (1,), (2,)), size(rng, 1, 3), *(size(rng, low, high) for _ in range(rank)))
    return rng.normal(size=shape)


def each(rng, rank, low, high):
    """A number for all axes, or one for each."""
    return size(rng, low, high) if chance(rng) else tuple(size(rng, low, high) for _ in range(rank))


def half(kernel, rng):
    """A padding of at most half of the window."""
    if isinstance(kernel, int):
        return size(rng, 0, kernel // 2)
    return tuple(size(rng, 0, k // 2) for k in kernel)


def max_pool(rng, nn):
    rank = pick(rng, 1, 2, 2, 3)
    kernel, stride = each(rng, rank, 1, 3), pick(rng, None, 1, 2, 3)
    indices = chance(rng, 0.3)
    options = {"dilation": pick(rng, 1, 1, 2), "ceil_mode": chance(rng), "return_indices": indices}
    layer = getattr(nn, f"MaxPool{rank}d")(kernel, stride, half(kernel, rng), **options)
    return layer, [images(rng, rank, 6, 9 if rank < 3 else 7)], call


def avg_pool(rng, nn):
    rank = pick(rng, 1, 2, 2, 3)
    kernel, stride = each(rng, rank, 1, 4), pick(rng, None, 1, 2, 3)
    options = {"ceil_mode": chance(rng), "count_include_pad": chance(rng)}
    if rank > 1:
        options["divisor_override"] = pick(rng, None, None, 5)
    layer = getattr(nn, f"AvgPool{rank}d")(kernel, stride, half(kernel, rng), **options)
    return layer, [images(rng, rank, 5, 9 if rank < 3 else 7)], call


def lp_pool(rng, nn):
    rank = pick(rng, 1, 2, 3)
    norm = pick(rng, 1, 2, 2.0, 4, 3.5)
    kernel = size(rng, 1, 3) if rank == 1 else each(rng, rank, 1, 3)
    layer = getattr(nn, f"LPPool{rank}d")(norm, kernel, pick(rng, None, 1, 2), ceil_mode=chance(rng))
    return layer, [abs(images(rng, rank, 4, 7)) + 0.1], call


def adaptive(rng, nn):
    rank = pick(rng, 1, 2, 2, 3)
    kind = pick(rng, "Avg", "Max")
    wanted = pick(rng, 1, size(rng, 1, 7), tuple(size(rng, 1, 6) for _ in range(rank)))
    if rank > 1 and chance(rng, 0.3):
        wanted = (None, *(size(rng, 1, 6) for _ in range(rank - 1)))
    options = {"return_indices": chance(rng)} if kind == "Max" else {}
    layer = getattr(nn, f"Adaptive{kind}Pool{rank}d")(wanted, **options)
    return layer, [images(rng, rank, 1, 7)], call


def unpool(rng, nn):
    """There and back, with and without the size to come back to."""
    rank = pick(rng, 1, 2, 3)
    kernel = pick(rng, 2, (2,) * rank, 3)
    x = images(rng, rank, 6, 8)
    there = getattr(nn, f"MaxPool{rank}d")(kernel, return_indices=True)
    back = getattr(nn, f"MaxUnpool{rank}d")(kernel)
    whole = all(n % (3 if kernel == 3 else 2) == 0 for n in x.shape[-rank:])

    def run(layer, x):
        y, i = there(x)
        return y, back(y * y, i) if whole else back(y * y, i, output_size=x.shape[-rank:])

    return back, [x], run


def interpolate(rng, nn):
    F = nn.functional
    mode = pick(
        rng, "nearest", "nearest-exact", "area", "linear", "bilinear", "bilinear", "trilinear", "bicubic", "bicubic"
    )
    rank = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.get(mode) or pick(rng, 1, 2, 3)
    x = rng.normal(size=(size(rng, 1, 2), size(rng, 1, 2), *(size(rng, 1, 6) for _ in range(rank))))
    options = {"mode": mode}
    if mode in ("linear", "bilinear", "trilinear", "bicubic"):
        options["align_corners"] = pick(rng, None, True, False)
    if chance(rng):
        options["size"] = pick(rng, size(rng, 1, 9), tuple(size(rng, 1, 9) for _ in range(rank)))
    else:
        odd = tuple(float(1.5 + 2 * rng.random()) for _ in range(rank))
        # with such a scale PyTorch's backward of the nearest pixels takes others than its forward did
        options["scale_factor"] = pick(rng, 2, 1.5, 3.0, 1.0, 2 if mode.startswith("nearest") else odd)
        options["recompute_scale_factor"] = pick(rng, None, True, False)
    return None, [x], lambda _, x: F.interpolate(x, **options)


def antialias(rng, nn):
    """Smaller ones, and larger. (PyTorch contradicts itself on lines of one pixel, and where a size stays as it is.)"""
    F = nn.functional
    x = rng.normal(size=(size(rng, 1, 2), size(rng, 1, 2), size(rng, 5, 9), size(rng, 5, 9)))
    target = tuple(pick(rng, size(rng, 2, 4), size(rng, 10, 12)) for _ in range(2))
    options = {"mode": pick(rng, "bilinear", "bicubic"), "align_corners": pick(rng, None, True, False)}
    return None, [x], lambda _, x: F.interpolate(x, target, antialias=True, **options)


def upsample(rng, nn):
    rank, factor, corners = pick(rng, 1, 2, 3), pick(rng, 2, 1.5), chance(rng)
    smooth = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
    layers = [
        nn.Upsample(scale_factor=factor),
        nn.Upsample(size=5, mode="nearest-exact"),
        nn.Upsample(scale_factor=factor, mode=smooth, align_corners=corners),
        nn.Upsample(7, mode=smooth),
    ]
    if rank == 2:
        layers += [
            nn.UpsamplingNearest2d(scale_factor=2),
            nn.UpsamplingBilinear2d((4, 5)),
            nn.Upsample((3, 4), mode="bicubic"),
            nn.Upsample(scale_factor=(2, 3), mode="bicubic"),
        ]
    return pick(rng, *layers), [rng.normal(size=(1, 2, *(size(rng, 2, 4) for _ in range(rank))))], call


def shuffle(rng, nn):
    r, h, w, c = size(rng, 1, 3), size(rng, 1, 3), size(rng, 1, 3), size(rng, 1, 3)
    lead = pick(rng, (), (2,), (2, 1))
    layer, x = pick(
        rng,
        (nn.PixelShuffle(r), rng.normal(size=(*lead, c * r * r, h, w))),
        (nn.PixelUnshuffle(r), rng.normal(size=(*lead, c, h * r, w * r))),
        (nn.ChannelShuffle(r), rng.normal(size=(2, c * r, *pick(rng, (h,), (h, w))))),
    )
    return layer, [x], call


CONFIGURATIONS = {
    max_pool: 90,
    avg_pool: 90,
    lp_pool: 40,
    adaptive: 120,
    unpool: 40,
    interpolate: 130,
    antialias: 30,
    upsample: 40,
    shuffle: 30,
}
