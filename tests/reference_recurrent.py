"""The recurrent operations in `test_reference.py`: cases for the definitions, and the same layers in PyTorch."""

import numpy as np

SIZES = [  # T, N, D, H, biases, lengths
    (3, 2, 2, 2, True, None),
    (4, 3, 2, 1, True, np.array([4, 0, 2])),
    (3, 2, 1, 2, False, np.array([1, 3])),
    (1, 1, 3, 2, False, None),
    (0, 2, 2, 2, True, None),
]


def cases(R):
    """(operation, inputs, parameters), drawn with R."""
    for t, n, d, h, bias, lengths in SIZES:
        for reverse in [False, True]:
            for name, gates in [("lstm", 4), ("gru", 3), ("rnn", 1)]:
                biases = [R(gates * h), R(gates * h)] if bias else [None, None]
                weights, rest = [R(gates * h, d), R(gates * h, h), *biases], [None] * (name == "lstm")
                states = [R(n, h) for _ in range(2 if name == "lstm" else 1)]
                inputs = [R(t, n, d), *states, *weights, lengths, *rest]
                yield name, inputs, {"reverse": reverse}
                if name == "rnn":
                    yield name, inputs, {"reverse": reverse, "nonlinearity": "relu"}
            biases = [R(8), R(8)] if bias else [None, None]
            projected = [R(t, n, d), R(n, 1), R(n, 2), R(8, d), R(8, 1), *biases, lengths, R(1, 2)]
            yield "lstm", projected, {"reverse": reverse}


def twins(torch):
    """The operations by PyTorch's own layers, one sequence at a time, cut to its length."""

    def layer(run, x, states, lengths, reverse):
        turn = (lambda z: z.flip(0)) if reverse else (lambda z: z)
        columns = []
        for n in range(x.shape[1]):
            steps = len(x) if lengths is None else int(lengths[n])
            y, *last = x.new_zeros(0, 1, states[0].shape[1]), *[s[None, n : n + 1] for s in states]
            if steps:
                y, *last = run(turn(x[:steps, n : n + 1]), *last)
            missing = len(x) - steps
            y = torch.cat([turn(y), y.new_zeros(missing, *y.shape[1:])])
            columns.append((y, *[s[0] for s in last]))
        ys, *ends = zip(*columns, strict=True)
        return torch.cat(ys, 1), *map(torch.cat, ends)

    def how(weights):
        weights = [w for w in weights if w is not None]
        return weights, (len(weights) >= 4, 1, 0.0, False, False, False)

    def lstm(x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, w_hr, *, reverse):
        weights, options = how([w_ih, w_hh, b_ih, b_hh, w_hr])
        return layer(lambda x, h, c: torch.lstm(x, (h, c), weights, *options), x, (h0, c0), lengths, reverse)

    def gru(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, *, reverse):
        weights, options = how([w_ih, w_hh, b_ih, b_hh])
        return layer(lambda x, h: torch.gru(x, h, weights, *options), x, (h0,), lengths, reverse)

    def rnn(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, *, reverse, nonlinearity="tanh"):
        weights, options = how([w_ih, w_hh, b_ih, b_hh])
        run = getattr(torch, f"rnn_{nonlinearity}")
        return layer(lambda x, h: run(x, h, weights, *options), x, (h0,), lengths, reverse)

    return {"lstm": lstm, "gru": gru, "rnn": rnn}
