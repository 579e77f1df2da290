import numpy as np

from . import call, chance, pick, size


def as_tensor(nn, values):
    """Integers as a tensor of the library of `nn`."""
    if nn.__name__ == "torch.nn":
        import torch

        return torch.tensor(values)
    import minidl

    return minidl.tensor(values)


def _lookup(rng):
    """Options that both layers have."""
    options = {"max_norm": pick(rng, 0.5, 1.5), "norm_type": pick(rng, 2.0, 1.0, 3.0, float("inf"))}
    return pick(rng, {}, options, {"max_norm": 1.0})


def embedding(rng, nn):
    v = size(rng, 1, 8)
    layer = nn.Embedding(v, size(rng, 1, 5), padding_idx=pick(rng, None, 0, -1, v - 1))
    return layer, [rng.integers(0, v, size=pick(rng, (), (1,), (6,), (2, 5)))], call


def embedding_options(rng, nn):
    v = size(rng, 2, 6)
    layer = nn.Embedding(v, size(rng, 1, 5), pick(rng, None, 0, -1), **_lookup(rng), scale_grad_by_freq=chance(rng))
    return layer, [rng.integers(0, v, size=pick(rng, (1,), (9,), (2, 5)))], call


def embedding_bag(rng, nn):
    """Bags of one length. Not scaled by frequency: there PyTorch, on the CPU, takes another row's frequency."""
    v, mode = size(rng, 2, 6), pick(rng, "sum", "mean", "max")
    layer = nn.EmbeddingBag(v, size(rng, 1, 4), mode=mode, padding_idx=pick(rng, None, None, 0, -1), **_lookup(rng))
    return layer, [rng.integers(0, v, size=(size(rng, 1, 4), size(rng, 1, 5)))], call


def _offsets(rng, length, include_last):
    starts = [0, *sorted(rng.integers(0, length + 1, size=size(rng, 0, 4)).tolist())]
    return np.array([*starts, length] if include_last else starts)


def embedding_bag_offsets(rng, nn):
    """Bags of any length, none among them."""
    v, length, include_last = size(rng, 2, 6), size(rng, 1, 9), chance(rng)
    layer = nn.EmbeddingBag(
        v,
        size(rng, 1, 4),
        mode=pick(rng, "sum", "mean", "max"),
        include_last_offset=include_last,
        padding_idx=pick(rng, None, None, 1),
    )
    return layer, [rng.integers(0, v, size=length), _offsets(rng, length, include_last)], call


def embedding_bag_weights(rng, nn):
    """A factor for each row, which has a gradient too."""
    v, include_last = size(rng, 2, 6), chance(rng)
    options = {"include_last_offset": include_last, "padding_idx": pick(rng, None, None, 1)}
    layer = nn.EmbeddingBag(v, size(rng, 1, 4), mode="sum", **options)
    if chance(rng):
        shape = (size(rng, 1, 3), size(rng, 1, 4))
        factors = rng.normal(size=shape)
        return layer, [rng.integers(0, v, size=shape), factors], lambda layer, i, f: layer(i, per_sample_weights=f)
    length = size(rng, 1, 9)
    offsets = _offsets(rng, length, include_last)
    return layer, [rng.integers(0, v, size=length), offsets, rng.normal(size=length)], call


def embedding_functions(rng, nn):
    F, v = nn.functional, size(rng, 3, 6)
    w, i, factors = rng.normal(size=(v, 3)), rng.integers(0, v, size=(2, 4)), rng.normal(size=(2, 4))
    offsets = _offsets(rng, 8, False)
    runs = {
        "rows": ([i, w], lambda _, i, w: F.embedding(i, w, padding_idx=-2, scale_grad_by_freq=True)),
        "bags": ([i, w], lambda _, i, w: F.embedding_bag(i, w, mode=["sum", "mean", "max"][v % 3])),
        "weights": ([i, w, factors], lambda _, i, w, f: F.embedding_bag(i, w, mode="sum", per_sample_weights=f)),
        "offsets": (
            [i.reshape(-1), w, offsets],
            lambda _, i, w, o: F.embedding_bag(i, w, o, padding_idx=-1),
        ),
    }
    return None, *runs[pick(rng, *runs)]


def from_pretrained(rng, nn):
    v, d = size(rng, 2, 5), size(rng, 1, 4)
    table, kind = as_tensor(nn, rng.normal(size=(v, d))), pick(rng, nn.Embedding, nn.EmbeddingBag)
    layer = kind.from_pretrained(table, freeze=chance(rng), padding_idx=pick(rng, None, 1))
    return layer, [rng.integers(0, v, size=(2, 3))], call


CONFIGURATIONS = {
    embedding: 25,
    embedding_options: 40,
    embedding_bag: 40,
    embedding_bag_offsets: 40,
    embedding_bag_weights: 30,
    embedding_functions: 30,
    from_pretrained: 20,
}
