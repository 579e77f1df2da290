import numpy as np

from . import chance, pick, size


def lstm(rng, nn):
    layers, both, first = pick(rng, 1, 1, 2, 3), chance(rng), chance(rng)
    d, h = size(rng, 1, 4), size(rng, 1, 4)
    layer = nn.LSTM(d, h, layers, bias=chance(rng, 0.8), batch_first=first, bidirectional=both)
    t, n = size(rng, 1, 6), size(rng, 1, 4)
    single = chance(rng, 0.2)
    x = rng.normal(size=(t, d) if single else (n, t, d) if first else (t, n, d))
    states = [None, None]
    if chance(rng):
        shape = (layers * (1 + both), *(() if single else (n,)), h)
        states = [rng.normal(size=shape), rng.normal(size=shape)]
    return layer, [x, *states], lambda layer, x, h, c: layer(x) if h is None else layer(x, (h, c))


def lstm_packed(rng, nn):
    layers, both, first = pick(rng, 1, 2), chance(rng), chance(rng)
    d, h, n = size(rng, 1, 4), size(rng, 1, 4), size(rng, 1, 5)
    layer = nn.LSTM(d, h, layers, batch_first=first, bidirectional=both)
    lengths = rng.integers(1, 7, size=n)
    ordered = chance(rng)
    lengths = np.sort(lengths)[::-1].tolist() if ordered else lengths.tolist()
    t = max(lengths) + size(rng, 0, 2)
    x = rng.normal(size=(n, t, d) if first else (t, n, d))
    shape = (layers * (1 + both), n, h)
    states = [rng.normal(size=shape), rng.normal(size=shape)] if chance(rng) else [None, None]
    value, total = pick(rng, 0.0, -1.5), pick(rng, None, 8)

    def run(layer, x, h, c):
        rnn = nn.utils.rnn
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=ordered)
        y, state = layer(packed) if h is None else layer(packed, (h, c))
        return y, rnn.pad_packed_sequence(y, batch_first=first, padding_value=value, total_length=total), state

    return layer, [x, *states], run


CONFIGURATIONS = {
    lstm: 60,
    lstm_packed: 50,
}
