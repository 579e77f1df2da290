"""Mistakes with recurrent layers, their states, and sequences of unequal lengths."""

import numpy as np

import minidl
from minidl import errors, nn, ops
from minidl.nn import functional as F
from minidl.nn.utils import rnn

from . import Row
from .layers import path, run

ones = minidl.ones
GRU, LSTM, SHAPE, ARGUMENT, DTYPE = (
    nn.GRU(4, 5),
    nn.LSTM(4, 5),
    errors.ShapeError,
    errors.ArgumentError,
    errors.DTypeError,
)


def call(layer, *args):
    return lambda _: layer(*args)


ROWS = [
    # Layers: arguments
    Row(
        "bias where the nonlinearity stands",
        lambda _: nn.RNN(4, 5, 2, False),
        ARGUMENT,
        ("RNN: nonlinearity: got False", "'tanh' or 'relu'", "by name"),
    ),
    Row(
        "an unknown nonlinearity",
        lambda _: nn.RNNCell(4, 5, nonlinearity="sigmoid"),
        ARGUMENT,
        ("RNNCell: nonlinearity: got 'sigmoid'", "'tanh' or 'relu'"),
    ),
    Row(
        "dropout where bias stands",
        lambda _: nn.GRU(4, 5, 2, 0.5),
        DTYPE,
        ("GRU: bias: got float 0.5", "True or False", "by name"),
    ),
    Row(
        "the bias where the dropout stands",
        lambda _: nn.LSTM(4, 5, 2, True, True, True),
        ARGUMENT,
        ("LSTM: dropout: got True", "a probability, from 0 to 1", "by name"),
    ),
    Row("no layers", lambda _: nn.GRU(4, 5, 0), ARGUMENT, ("GRU: num_layers: got 0", "at least 1", "fix:")),
    Row(
        "a size that is no whole number",
        lambda _: nn.LSTM(4, 10 / 2),
        DTYPE,
        ("LSTM: hidden_size: got float 5.0", "a whole number", "int()"),
    ),
    Row(
        "a projection that does not make smaller",
        lambda _: nn.LSTM(4, 5, proj_size=5),
        ARGUMENT,
        ("LSTM: proj_size: got 5", "0 (none) to 4", "leave it out to keep hidden_size"),
    ),
    # Layers: inputs
    Row(
        "GRU: features",
        run(nn.GRU(4, 5), 2, 3, 7),
        SHAPE,
        ("got sequences of 7 features", "4 (input_size)", "(T, N, 4)", path("GRU"), "GRU(input_size=7"),
    ),
    Row(
        "the channels of an image",
        run(nn.RNN(4, 5, batch_first=True), 2, 3, 8, 4),
        SHAPE,
        ("RNN: input: got shape (2, 3, 8, 4)", "(N, T, 4) or (T, 4)", path("RNN"), "flatten the features"),
    ),
    Row(
        "a sequence of numbers",
        run(nn.RNN(1, 5), 9),
        SHAPE,
        ("RNN: input: got shape (9,)", "(T, N, 1) or (T, 1)", "x[:, None]"),
    ),
    Row(
        "words without an embedding",
        run(nn.LSTM(4, 5), value=np.zeros((7, 2, 4), int)),
        DTYPE,
        ("LSTM: input: got int64 (7, 2, 4)", "expected floats", path("LSTM"), "an Embedding first"),
    ),
    Row("no steps", run(nn.GRU(4, 5), 0, 2, 4), SHAPE, ("(0, 2, 4)", "at least one step", path("GRU"))),
    # Layers: states
    Row(
        "GRU: a state for the batch first",
        call(nn.GRU(4, 5, 2, batch_first=True), ones(3, 7, 4), ones(3, 2, 5)),
        SHAPE,
        ("GRU: h_0: got shape (3, 2, 5)", "expected (2, 3, 5)", "N, H), with batch_first too", "zeros(2, 3, 5)"),
    ),
    Row(
        "a state of one direction",
        call(nn.RNN(4, 5, bidirectional=True), ones(7, 3, 4), ones(1, 3, 5)),
        SHAPE,
        ("RNN: h_0: got shape (1, 3, 5)", "expected (2, 3, 5)", "layers · directions"),
    ),
    Row(
        "a batch's state for one sequence",
        call(GRU, ones(7, 4), ones(1, 1, 5)),
        SHAPE,
        ("GRU: h_0: got shape (1, 1, 5)", "expected (1, 5)", "without a batch"),
    ),
    Row(
        "c_0 of a projected LSTM",
        call(nn.LSTM(4, 5, proj_size=2), ones(7, 3, 4), (ones(1, 3, 2), ones(1, 3, 2))),
        SHAPE,
        ("LSTM: c_0: got shape (1, 3, 2)", "expected (1, 3, 5)", "minidl.zeros(1, 3, 5)"),
    ),
    Row(
        "h_0 without c_0",
        call(LSTM, ones(7, 3, 4), ones(1, 3, 5)),
        ARGUMENT,
        ("LSTM: hx: got float32 (1, 3, 5)", "a pair (h_0, c_0)", "as it was returned"),
    ),
    Row(
        "an LSTM's state for a GRU",
        call(GRU, ones(7, 3, 4), (ones(1, 3, 5), ones(1, 3, 5))),
        ARGUMENT,
        ("GRU: hx: got tuple", "expected h_0", "as it was returned"),
    ),
    # Cells
    Row(
        "a sequence for a cell",
        run(nn.LSTMCell(4, 5), 7, 3, 4),
        SHAPE,
        ("LSTMCell: input: got shape (7, 3, 4)", "(N, 4) or (4,)", path("LSTMCell"), "x[t]", "LSTM"),
    ),
    Row(
        "a cell's state",
        call(nn.GRUCell(4, 5), ones(3, 4), ones(2, 5)),
        SHAPE,
        ("GRUCell: h_0: got shape (2, 5)", "expected (3, 5)", "minidl.zeros(3, 5)"),
    ),
    Row(
        "a cell's features",
        run(nn.RNNCell(4, 5), 3, 6),
        SHAPE,
        ("RNNCell: input: got sequences of 6 features", "4 (input_size)", path("RNNCell"), "RNNCell(input_size=6"),
    ),
    # Packing and padding
    Row(
        "lengths that are not sorted",
        lambda _: rnn.pack_padded_sequence(ones(4, 2, 3), [2, 4]),
        ARGUMENT,
        ("lengths: got [2, 4]", "from longest to shortest", "enforce_sorted=False"),
    ),
    Row(
        "an empty sequence",
        lambda _: rnn.pack_padded_sequence(ones(4, 2, 3), [4, 0]),
        ARGUMENT,
        ("lengths: got [4, 0]", "from 1 to 4", "leave empty sequences out"),
    ),
    Row(
        "batch_first forgotten",
        lambda _: rnn.pack_padded_sequence(ones(2, 4, 3), [4, 2]),
        SHAPE,
        ("got 2 lengths for a batch of 4", "(T, N, …)", "batch_first"),
    ),
    Row(
        "lengths for other sequences",
        lambda _: rnn.unpad_sequence(ones(2, 4, 3), [4, 2]),
        SHAPE,
        ("unpad_sequence: lengths: got 2", "each of 4 sequences", "batch_first"),
    ),
    Row(
        "what is padded already",
        lambda _: rnn.pad_packed_sequence(GRU(ones(4, 2, 4))[0]),
        ARGUMENT,
        ("sequence: got float32 (4, 2, 5)", "a PackedSequence", "padded already"),
    ),
    Row(
        "images, packed",
        lambda _: LSTM(rnn.pack_padded_sequence(ones(4, 2, 3, 8), [4, 2])),
        SHAPE,
        ("packed data of shape (6, 3, 8)", "(sum of lengths, 4)", "one row of features"),
    ),
    # Operations, functions
    Row(
        "gru: the weights of an LSTM",
        lambda _: ops.gru(ones(3, 2, 4), ones(2, 5), LSTM.weight_ih_l0, LSTM.weight_hh_l0),
        SHAPE,
        ("gru: w_hh: got shape (20, 5)", "(3H, H)", "r, z, n", "weight_hh_l0"),
    ),
    Row(
        "the last place for the length",
        lambda _: ops.rnn(ones(3, 1, 4), ones(1, 5), ones(5, 4), ones(5, 5), lengths=np.array([-1])),
        errors.LabelError,
        ("rnn: lengths: got -1", "0 to 3", "how many steps"),
    ),
    Row(
        "no axis of time",
        lambda _: F.variational_dropout(ones(3), time_axis=1),
        errors.AxisError,
        ("time_axis: got 1", "(3,)", "1 for (N, T, D)"),
    ),
]
