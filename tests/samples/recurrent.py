import numpy as np

from . import normal, sample, uniform


def inputs(gates, states, steps, batch, features, hidden, *, biases=(True, True), lengths=None, shown=None):
    """x, h0 (and c0), w_ih, w_hh, b_ih, b_hh, lengths (and w_hr); weights between ±1/√H, as a layer draws them."""
    bound = hidden**-0.5
    w_ih = uniform(-bound, bound, gates * hidden, features)
    w_hh = uniform(-bound, bound, gates * hidden, shown or hidden)
    b_ih, b_hh = (uniform(-bound, bound, gates * hidden) if there is True else there for there in biases)
    state = [normal(batch, shown or hidden), normal(batch, hidden)][:states]
    lengths = None if lengths is None else np.array(lengths)
    projection = [uniform(-bound, bound, shown, hidden)] if shown else []
    return normal(steps, batch, features), *state, w_ih, w_hh, b_ih, b_hh, lengths, *projection


def rnn(*sizes, reverse=False, nonlinearity="tanh", **kwargs):
    return sample(*inputs(1, 1, *sizes, **kwargs), reverse=reverse, nonlinearity=nonlinearity)


def gru(*sizes, reverse=False, **kwargs):
    return sample(*inputs(3, 1, *sizes, **kwargs), reverse=reverse)


def lstm(*sizes, reverse=False, **kwargs):
    return sample(*inputs(4, 2, *sizes, **kwargs), reverse=reverse)


SAMPLES = {
    "gru": [
        gru(3, 2, 4, 3),
        gru(4, 3, 2, 2, biases=(None, True), lengths=[4, 0, 2], reverse=True),
        gru(2, 2, 3, 2, biases=(True, None), lengths=[1, 2]),
        gru(2, 1, 2, 3, biases=(None, None), reverse=True),
        gru(2, 0, 3, 2),
    ],
    "lstm": [
        lstm(3, 2, 4, 3),
        lstm(3, 2, 3, 4, shown=2),
        lstm(3, 2, 4, 3, reverse=True),
        lstm(4, 3, 2, 2, biases=(None, None), lengths=[4, 0, 2]),
        lstm(4, 3, 2, 2, biases=(True, None), lengths=[1, 4, 0], reverse=True),
        lstm(2, 2, 3, 2, biases=(None, True), lengths=[2, 2]),
        lstm(1, 2, 3, 2),
        lstm(3, 1, 2, 3, reverse=True),
        lstm(2, 0, 3, 2),
        lstm(5, 4, 7, 19, lengths=[5, 3, 1, 4]),
        lstm(3, 3, 2, 3, biases=(True, None), lengths=[0, 3, 1], shown=1, reverse=True),
    ],
    "rnn": [
        rnn(3, 2, 4, 3),
        rnn(4, 3, 2, 2, biases=(True, None), lengths=[1, 4, 0], reverse=True),
        # Biases that keep each unit of relu on its side, out of reach of a finite difference.
        rnn(3, 2, 2, 3, biases=(np.array([5.0, -7.0, 6.0]), None), nonlinearity="relu"),
        rnn(3, 2, 2, 2, biases=(None, np.array([6.0, -8.0])), lengths=[3, 1], nonlinearity="relu", reverse=True),
        rnn(2, 2, 2, 2, biases=(None, None), reverse=True),
        rnn(2, 0, 3, 2),
    ],
}
