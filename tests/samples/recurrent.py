import numpy as np

from . import normal, sample, uniform


def inputs(steps, batch, features, hidden, *, biases=(True, True), lengths=None):
    """x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths; weights between ±1/√H, as a layer draws them."""
    bound = hidden**-0.5
    w_ih = uniform(-bound, bound, 4 * hidden, features)
    w_hh = uniform(-bound, bound, 4 * hidden, hidden)
    b_ih, b_hh = (uniform(-bound, bound, 4 * hidden) if there else None for there in biases)
    state = normal(batch, hidden), normal(batch, hidden)
    return (
        normal(steps, batch, features),
        *state,
        w_ih,
        w_hh,
        b_ih,
        b_hh,
        None if lengths is None else np.array(lengths),
    )


SAMPLES = {
    "lstm": [
        sample(*inputs(3, 2, 4, 3)),
        sample(*inputs(3, 2, 4, 3), reverse=True),
        sample(*inputs(4, 3, 2, 2, biases=(False, False), lengths=[4, 0, 2])),
        sample(*inputs(4, 3, 2, 2, biases=(True, False), lengths=[1, 4, 0]), reverse=True),
        sample(*inputs(2, 2, 3, 2, biases=(False, True), lengths=[2, 2])),
        sample(*inputs(1, 2, 3, 2)),
        sample(*inputs(3, 1, 2, 3), reverse=True),
        sample(*inputs(2, 0, 3, 2)),
        sample(*inputs(5, 4, 7, 19, lengths=[5, 3, 1, 4])),
    ],
}
