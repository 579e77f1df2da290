import numpy as np

from . import chance, pick, size


def tanh_of(nn):
    """An activation of the user's own, and a module as one."""
    return {"function": lambda x: x.tanh(), "module": nn.GELU()}


def options(rng, nn, module=True):
    """What every Transformer takes; no dropout, so that there is nothing random.

    module: a module as activation, which PyTorch's copies of a decoder layer lose: they use relu instead.
    """
    activation = pick(rng, "relu", "gelu", "function", "module" if module else "relu", None)
    given = {} if activation is None else {"activation": tanh_of(nn).get(activation, activation)}
    if chance(rng, 0.3):
        given["layer_norm_eps"] = 1e-2
    if chance(rng, 0.3):
        given["bias"] = False
    return {"dropout": 0.0, "batch_first": chance(rng), "norm_first": chance(rng)} | given


def sizes(rng):
    """(E, heads, F); a norm of fewer than four features leaves little to compare."""
    heads = pick(rng, 1, 2, 3)
    return heads * (size(rng, 4, 6) if heads == 1 else size(rng, 2, 3)), heads, size(rng, 1, 7)


def sequences(rng, e, first, *lengths):
    """(N, sequences): of one batch, or of one sample without a batch axis."""
    single = chance(rng, 0.2)
    n = 1 if single else size(rng, 1, 3)
    shapes = [(t, e) if single else (n, t, e) if first else (t, n, e) for t in lengths]
    return (None if single else n), [rng.normal(size=shape) for shape in shapes]


def mask(rng, n, heads, t, s):
    """One of all kinds of masks: none, booleans or numbers, for all heads or for each."""
    kind = pick(rng, "none", "bool", "float", "bool per head", "float per head", "infinite")
    if kind == "none":
        return None
    shape = ((n or 1) * heads, t, s) if "head" in kind else (t, s)
    if kind.startswith("float"):
        return rng.normal(size=shape)
    forbidden = rng.random(shape) < 0.4
    forbidden[..., 0] = False  # where nothing may be attended to, PyTorch gives NaN
    return np.where(forbidden, -np.inf, rng.normal(size=shape)) if kind == "infinite" else forbidden


def padding(rng, n, s):
    if chance(rng):
        return None
    mask = rng.random((s,) if n is None else (n, s)) < 0.4
    mask[..., 0] = False
    return np.where(mask, -np.inf, 0.0) if chance(rng, 0.3) else mask


def causal(rng, t):
    """(mask, is_causal): PyTorch wants a causal mask together with the hint, and then gives it no gradient."""
    return ~np.tri(t, dtype=bool), chance(rng)


def encoder_layer(rng, nn):
    e, heads, width = sizes(rng)
    given = options(rng, nn)
    layer = nn.TransformerEncoderLayer(e, heads, width, **given)
    s = size(rng, 1, 5)
    n, [x] = sequences(rng, e, given["batch_first"], s)
    src_mask, is_causal = causal(rng, s) if chance(rng, 0.3) else (mask(rng, n, heads, s, s), False)

    def run(layer, x, src_mask, padding):
        return layer(x, src_mask, src_key_padding_mask=padding, is_causal=is_causal)

    return layer, [x, src_mask, padding(rng, n, s)], run


def decoder_layer(rng, nn):
    e, heads, width = sizes(rng)
    given = options(rng, nn)
    layer = nn.TransformerDecoderLayer(e, heads, width, **given)
    t, s = size(rng, 1, 4), size(rng, 1, 5)
    n, inputs = sequences(rng, e, given["batch_first"], t, s)
    tgt_mask, is_causal = causal(rng, t) if chance(rng, 0.3) else (mask(rng, n, heads, t, t), False)
    memory_mask, memory_padding = mask(rng, n, heads, t, s), padding(rng, n, s)

    def run(layer, tgt, memory, tgt_mask, memory_mask, tgt_padding, memory_padding):
        return layer(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask=tgt_padding,
            memory_key_padding_mask=memory_padding,
            tgt_is_causal=is_causal,
        )

    return layer, [*inputs, tgt_mask, memory_mask, padding(rng, n, t), memory_padding], run


def encoder(rng, nn):
    e, heads, width = sizes(rng)
    given = options(rng, nn)
    norm = nn.LayerNorm(e) if chance(rng) else None
    layer = nn.TransformerEncoderLayer(e, heads, width, **given)
    stack = nn.TransformerEncoder(layer, size(rng, 1, 2), norm, enable_nested_tensor=chance(rng))
    s = size(rng, 1, 5)
    n, [x] = sequences(rng, e, given["batch_first"], s)
    src_mask, is_causal = causal(rng, s) if chance(rng, 0.3) else (mask(rng, n, heads, s, s), None)
    is_causal = pick(rng, is_causal, None)  # PyTorch then looks at the mask itself

    def run(stack, x, src_mask, padding):
        return stack(x, mask=src_mask, src_key_padding_mask=padding, is_causal=is_causal)

    return stack.eval(), [x, src_mask, padding(rng, n, s)], run


def decoder(rng, nn):
    e, heads, width = sizes(rng)
    given = options(rng, nn, module=False)
    norm = nn.LayerNorm(e) if chance(rng) else None
    stack = nn.TransformerDecoder(nn.TransformerDecoderLayer(e, heads, width, **given), size(rng, 1, 2), norm)
    t, s = size(rng, 1, 4), size(rng, 1, 5)
    n, inputs = sequences(rng, e, given["batch_first"], t, s)
    tgt_mask, is_causal = causal(rng, t) if chance(rng, 0.3) else (mask(rng, n, heads, t, t), None)
    memory_mask, memory_padding = mask(rng, n, heads, t, s), padding(rng, n, s)

    def run(stack, tgt, memory, tgt_mask, memory_mask, memory_padding):
        masks = {"memory_mask": memory_mask, "memory_key_padding_mask": memory_padding}
        return stack(tgt, memory, tgt_mask=tgt_mask, tgt_is_causal=is_causal, **masks)

    return stack.eval(), [*inputs, tgt_mask, memory_mask, memory_padding], run


def transformer(rng, nn):
    e, heads, width = sizes(rng)
    given = options(rng, nn, module=False)
    if chance(rng, 0.1):
        given["custom_encoder"] = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(e, heads, width, 0.0, batch_first=given["batch_first"]), 1
        )
    model = nn.Transformer(e, heads, size(rng, 1, 2), size(rng, 1, 2), width, **given)
    t, s = size(rng, 1, 4), size(rng, 1, 5)
    n, inputs = sequences(rng, e, given["batch_first"], s, t)
    tgt_mask = pick(rng, None, "causal", "numbers")
    if tgt_mask is not None:
        square = nn.Transformer.generate_square_subsequent_mask(t)
        tgt_mask = np.asarray(square) == -np.inf if tgt_mask == "causal" else mask(rng, n, heads, t, t)
    masks = [mask(rng, n, heads, s, s), tgt_mask, mask(rng, n, heads, t, s)]
    paddings = [padding(rng, n, s), padding(rng, n, t), padding(rng, n, s)]
    return model, [*inputs, *masks, *paddings], lambda model, *inputs: model(*inputs)


CONFIGURATIONS = {
    encoder_layer: 90,
    decoder_layer: 80,
    encoder: 60,
    decoder: 50,
    transformer: 60,
}
