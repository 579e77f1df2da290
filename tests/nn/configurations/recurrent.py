import numpy as np

from . import chance, pick, size

KINDS = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}


def drawn(rng, nn, kind, layers, *, d, h, p=0, **kwargs):
    """A layer, and the sizes of its state."""
    if kind == "rnn" and chance(rng):
        kwargs["nonlinearity"] = pick(rng, "tanh", "relu")
    if p:
        kwargs["proj_size"] = p
    if chance(rng, 0.2):
        kwargs["dropout"] = 0.0
    return getattr(nn, KINDS[kind])(d, h, layers, **kwargs), (p or h, h) if kind == "lstm" else (h,)


def called(layer, x, *states):
    """A state of two parts is handed over as a pair."""
    if not states or states[0] is None:
        return layer(x)
    return layer(x, states if len(states) > 1 else states[0])


def over_time(kind, projected=False):
    def make(rng, nn):
        layers, both, first = pick(rng, 1, 1, 2, 3), chance(rng), chance(rng)
        d, h = size(rng, 1, 4), size(rng, 1, 4) + projected
        p = size(rng, 1, h - 1) if projected else 0
        flags = {"bias": chance(rng, 0.8), "batch_first": first, "bidirectional": both}
        layer, sizes = drawn(rng, nn, kind, layers, d=d, h=h, p=p, **flags)
        t, n = size(rng, 1, 6), size(rng, 1, 4)
        single = chance(rng, 0.2)
        x = rng.normal(size=(t, d) if single else (n, t, d) if first else (t, n, d))
        lead = (layers * (1 + both), *(() if single else (n,)))
        states = [rng.normal(size=(*lead, s)) for s in sizes] if chance(rng) else [None]
        return layer, [x, *states], called

    make.__name__ = kind + "_projected" * projected
    return make


def packed(kind, projected=False):
    def make(rng, nn):
        layers, both, first = pick(rng, 1, 2), chance(rng), chance(rng)
        d, h, n = size(rng, 1, 4), size(rng, 1, 4) + projected, size(rng, 1, 5)
        p = size(rng, 1, h - 1) if projected else 0
        layer, sizes = drawn(rng, nn, kind, layers, d=d, h=h, p=p, batch_first=first, bidirectional=both)
        lengths = rng.integers(1, 7, size=n)
        ordered = chance(rng)
        lengths = np.sort(lengths)[::-1].tolist() if ordered else lengths.tolist()
        t = max(lengths) + size(rng, 0, 2)
        x = rng.normal(size=(n, t, d) if first else (t, n, d))
        states = [rng.normal(size=(layers * (1 + both), n, s)) for s in sizes] if chance(rng) else [None]
        value, total = pick(rng, 0.0, -1.5), pick(rng, None, 8)

        def run(layer, x, *states):
            rnn = nn.utils.rnn
            y, state = called(
                layer, rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=ordered), *states
            )
            return y, rnn.pad_packed_sequence(y, batch_first=first, padding_value=value, total_length=total), state

        return layer, [x, *states], run

    make.__name__ = kind + "_packed" + "_projected" * projected
    return make


def cell(kind):
    def make(rng, nn):
        d, h, n = size(rng, 1, 4), size(rng, 1, 4), size(rng, 0, 4)
        kwargs = {"nonlinearity": pick(rng, "tanh", "relu")} if kind == "rnn" and chance(rng) else {}
        if chance(rng):
            kwargs["bias"] = chance(rng)
        layer = getattr(nn, f"{KINDS[kind]}Cell")(d, h, **kwargs)
        lead = () if chance(rng, 0.3) else (n,)
        states = [rng.normal(size=(*lead, h)) for _ in range(1 + (kind == "lstm"))] if chance(rng, 0.7) else [None]
        steps = size(rng, 1, 3)

        def run(layer, x, *states):
            for _ in range(steps):  # its own output is its next state
                last = called(layer, x, *states)
                states = last if isinstance(last, tuple) else (last,)
            return last

        return layer, [rng.normal(size=(*lead, d)), *states], run

    make.__name__ = f"{kind}_cell"
    return make


def lists_of_sequences(rng, nn):
    """pad, pack, and back, of sequences that are not sorted."""
    lengths = rng.integers(1, 6, size=size(rng, 1, 5)).tolist()
    tail = pick(rng, (), (2,), (2, 3))
    first, value, side = chance(rng), pick(rng, 0.0, 2.5), pick(rng, "right", "left")

    def run(_, *sequences):
        rnn = nn.utils.rnn
        packed = rnn.pack_sequence(list(sequences), enforce_sorted=False)
        padded = rnn.pad_sequence(list(sequences), first, value, side)
        # PyTorch's unpad_sequence exchanges the axes of what it is given, in place: so a copy.
        unpadded = rnn.unpad_sequence(padded.clone(), rnn.pad_packed_sequence(packed)[1], first)
        order = rnn.invert_permutation(packed.sorted_indices)
        return packed, padded, unpadded, rnn.unpack_sequence(packed), order, packed.double().data

    return None, [rng.normal(size=(n, *tail)) for n in lengths], run


CONFIGURATIONS = {
    **{over_time(kind): 50 for kind in KINDS},
    **{packed(kind): 40 for kind in KINDS},
    **{cell(kind): 40 for kind in KINDS},
    over_time("lstm", projected=True): 50,
    packed("lstm", projected=True): 40,
    lists_of_sequences: 30,
}
