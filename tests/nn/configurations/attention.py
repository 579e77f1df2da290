import numpy as np

from . import chance, pick, size


def multihead_attention(rng, nn):
    heads, first, single = pick(rng, 1, 2, 3), chance(rng), chance(rng, 0.2)
    e = heads * size(rng, 1, 3)
    kdim, vdim = (pick(rng, None, size(rng, 1, 5)), pick(rng, None, size(rng, 1, 5))) if chance(rng) else (None, None)
    more = {"add_bias_kv": chance(rng, 0.3), "add_zero_attn": chance(rng, 0.3)}
    layer = nn.MultiheadAttention(e, heads, bias=chance(rng, 0.7), kdim=kdim, vdim=vdim, batch_first=first, **more)
    n, t, s = (1 if single else size(rng, 1, 3)), size(rng, 1, 5), size(rng, 1, 5)
    alone = kdim is None and vdim is None and chance(rng)  # self-attention: one x in three roles
    s = t if alone else s

    def sequence(length, features):
        shape = (length, features) if single else (n, length, features) if first else (length, n, features)
        return rng.normal(size=shape)

    inputs = [sequence(t, e), *([None] * 2 if alone else [sequence(s, kdim or e), sequence(s, vdim or e)])]
    options = {"need_weights": chance(rng), "average_attn_weights": chance(rng)}
    attn_mask = padding = None
    kind = pick(rng, "none", "bool", "float", "bool per head", "float per head", "causal")
    lead = (n * heads,) if "head" in kind else ()
    if kind == "causal":
        attn_mask, options["is_causal"] = ~np.tri(t, s, dtype=bool), True
        if any(more.values()):  # PyTorch hides what is put at the end from most queries, unless weights are wanted
            options["need_weights"] = True
    elif kind.startswith("bool"):
        attn_mask = rng.random((*lead, t, s)) < 0.4
        attn_mask[..., 0] = False  # where nothing may be attended to, PyTorch gives NaN
    elif kind.startswith("float"):
        attn_mask = rng.normal(size=(*lead, t, s))
    if chance(rng):
        padding = rng.random((s,) if single else (n, s)) < 0.4
        padding[..., 0] = False
        if chance(rng, 0.3):
            padding = np.where(padding, -np.inf, 0.0)

    def run(layer, q, k, v, attn_mask, padding):
        k, v = (q, q) if alone else (k, v)
        return layer(q, k, v, attn_mask=attn_mask, key_padding_mask=padding, **options)

    return layer, [*inputs, attn_mask, padding], run


def attention(rng, nn):
    lead, t, s, d, e = pick(rng, (), (2,), (2, 3)), *(size(rng, 1, 5) for _ in range(4))
    shared = lead[1:] if chance(rng, 0.3) else lead  # keys and values that several batches have in common
    q, k, v = rng.normal(size=(*lead, t, d)), rng.normal(size=(*shared, s, d)), rng.normal(size=(*shared, s, e))
    kind, mask = pick(rng, "none", "causal", "bool", "float"), None
    if kind == "bool":
        mask = rng.random(pick(rng, (t, s), (*lead, t, s))) < 0.6  # a row may allow nothing: both give 0
    elif kind == "float":
        mask = rng.normal(size=pick(rng, (t, s), (*lead, t, s)))
    options = {"is_causal": kind == "causal", "scale": pick(rng, None, 0.3)}
    F = nn.functional
    return None, [q, k, v, mask], lambda _, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, **options)


def grouped_heads(rng, nn):
    """Groups of query heads that share a head of keys and values."""
    groups, t, s, d, e = pick(rng, 1, 2, 3), *(size(rng, 1, 5) for _ in range(4))
    heads, batch = groups * size(rng, 1, 3), pick(rng, (), (2,), (1,))
    q = rng.normal(size=(*batch, heads, t, d))
    k, v = rng.normal(size=(*batch, groups, s, d)), rng.normal(size=(*batch, groups, s, e))
    kind = pick(rng, "none", "causal", "bool", "float")
    mask = rng.random((heads, t, s)) < 0.6 if kind == "bool" else rng.normal(size=(heads, 1, s))
    mask = mask if kind in ("bool", "float") else None
    options = {"is_causal": kind == "causal", "scale": pick(rng, None, 0.7), "enable_gqa": True}
    F = nn.functional
    return None, [q, k, v, mask], lambda _, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, **options)


def learned_bias(rng, nn):
    """A float mask with a gradient, broadcast over the batch, the heads, the queries or the keys; keys left out too."""
    n, h, t, s, d = (size(rng, 1, 4) for _ in range(5))
    q, k, v = rng.normal(size=(n, h, t, d)), rng.normal(size=(n, h, s, d)), rng.normal(size=(n, h, s, d))
    bias = rng.normal(size=pick(rng, (h, t, s), (1, h, t, s), (h, 1, s), (h, t, 1), (n, 1, t, s), (n, h, t, s), (s,)))
    hidden = np.where(rng.random((n, 1, 1, s)) < 0.3, -np.inf, 0.0)
    hidden[..., 0] = 0
    where = hidden if chance(rng) else None
    F = nn.functional

    def run(_, q, k, v, bias, hidden):
        mask = bias if hidden is None else bias + hidden  # padding and bias in one mask
        return F.scaled_dot_product_attention(q, k, v, mask)

    return None, [q, k, v, bias, where], run


CONFIGURATIONS = {
    multihead_attention: 150,
    attention: 50,
    grouped_heads: 50,
    learned_bias: 50,
}
