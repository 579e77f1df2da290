"""The recurrent operations: what a mask of lengths means, what the gates are for, the walk through time, the kernel."""

import inspect

import numpy as np
import pytest

import minidl
from minidl.errors import ArgumentError, DTypeError, LabelError, ShapeError
from minidl.ops import gru, lstm, recurrent, rnn, through_time

from .test_mutation import SAMPLES, sample_notices
from .witnesses import call, cotangents, pullback

MODES = ["fast", "plain", "textbook"]
KINDS = {"rnn": (1, 1), "gru": (3, 1), "lstm": (4, 2)}  # gates, parts of the state

each_mode = pytest.mark.parametrize("mode", MODES)
each_kind = pytest.mark.parametrize("kind", KINDS)


def draw(rng, steps, batch, features, hidden, *, kind="lstm", biases=True, lengths=None, dtype=np.float64):
    """x, h0 (and c0), w_ih, w_hh, b_ih, b_hh, lengths."""
    bound = hidden**-0.5
    gates, parts = KINDS[kind]
    shapes = [(gates * hidden, features), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,)]
    weights = [rng.uniform(-bound, bound, shape).astype(dtype) for shape in shapes]
    if not biases:
        weights[2:] = None, None
    x, *state = (rng.normal(size=s).astype(dtype) for s in [(steps, batch, features), *[(batch, hidden)] * parts])
    return [x, *state, *weights, None if lengths is None else np.asarray(lengths)]


def sequence(kind, inputs, steps, state, lengths=None):
    """The inputs with other steps, another state, other lengths."""
    return [steps, *state, *inputs[1 + KINDS[kind][1] : -1], lengths]


# What it means --------------------------------------------------------------------------------------------------------


@each_kind
@each_mode
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_does_not_show(rng, kind, mode, reverse):
    """A batch of sequences of different length gives each of them what it gets alone."""
    lengths = [5, 0, 2, 4]
    inputs = draw(rng, 5, 4, 3, 6, kind=kind, lengths=lengths)
    x, *state = inputs[: 1 + KINDS[kind][1]]
    y, *last = call(kind, inputs, {"reverse": reverse}, mode)
    for n, length in enumerate(lengths):
        assert not y[length:, n].any()
        begin = [part[n : n + 1] for part in state]
        ends = begin
        if length:
            one = sequence(kind, inputs, x[:length, n : n + 1], begin)
            alone, *ends = call(kind, one, {"reverse": reverse}, mode)
            np.testing.assert_allclose(y[:length, n], alone[:, 0], atol=1e-14)
        for part, end in zip(last, ends, strict=True):
            np.testing.assert_allclose(part[n], end[0], atol=1e-14)


@each_kind
@each_mode
@pytest.mark.parametrize("reverse", [False, True])
def test_nothing_flows_into_padding(rng, kind, mode, reverse):
    inputs = draw(rng, 5, 3, 3, 6, kind=kind, lengths=[5, 0, 2])
    us = cotangents(call(kind, inputs, {"reverse": reverse}))
    dx, *dstate = list(pullback(kind, inputs, {"reverse": reverse}, us, mode).values())[: 1 + KINDS[kind][1]]
    assert dx[:, 0].all() and dx[:2, 2].all() and not dx[2:, 2].any() and not dx[:, 1].any()
    for d, u in zip(dstate, us[1:], strict=True):
        assert np.array_equal(d[1], u[1])


@each_kind
@each_mode
def test_the_state_carries_everything(rng, kind, mode):
    inputs = draw(rng, 7, 2, 3, 5, kind=kind)
    whole, *last = call(kind, inputs, {}, mode)
    first, *state = call(kind, [inputs[0][:3], *inputs[1:]], {}, mode)
    second, *end = call(kind, sequence(kind, inputs, inputs[0][3:], state), {}, mode)
    for a, b in zip([whole, *last], [np.concatenate([first, second]), *end], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)


@each_kind
@each_mode
def test_reverse_is_forward_on_the_flipped_sequence(rng, kind, mode):
    inputs = draw(rng, 6, 2, 3, 5, kind=kind)
    y, *last = call(kind, inputs, {"reverse": True}, mode)
    flipped, *end = call(kind, [inputs[0][::-1], *inputs[1:]], {}, mode)
    for a, b in zip([y, *last], [flipped[::-1], *end], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)


@each_mode
def test_the_memory_of_the_lstm_neither_vanishes_nor_explodes(rng, mode):
    """With the forget gate open and the input gate shut, c and its gradient pass through 200 steps untouched."""
    steps, hidden = 200, 4
    inputs = draw(rng, steps, 2, 3, hidden)
    inputs[5] = np.repeat([-40.0, 40.0, 0.0, -40.0], hidden)  # gates i f g o
    us = np.zeros((steps, 2, hidden)), np.zeros((2, hidden)), rng.normal(size=(2, hidden))
    np.testing.assert_allclose(call("lstm", inputs, {}, mode)[2], inputs[2], atol=1e-13)
    np.testing.assert_allclose(pullback("lstm", inputs, {}, us, mode)[2], us[2], atol=1e-13)


@each_mode
def test_the_gru_keeps_its_state_where_z_is_1(rng, mode):
    steps, hidden = 200, 4
    inputs = draw(rng, steps, 2, 3, hidden, kind="gru")
    inputs[4] = np.repeat([0.0, 40.0, 0.0], hidden)  # gates r z n
    us = np.zeros((steps, 2, hidden)), rng.normal(size=(2, hidden))
    np.testing.assert_allclose(call("gru", inputs, {}, mode)[1], inputs[1], atol=1e-13)
    np.testing.assert_allclose(pullback("gru", inputs, {}, us, mode)[1], us[1], atol=1e-13)


def test_the_reset_gate_of_the_gru_hides_the_old_state_from_the_proposal(rng):
    """r = 0: n depends on x alone, not on h or b_hn; with z = 0 nothing of the old state is left."""
    inputs = draw(rng, 1, 2, 3, 4, kind="gru")
    inputs[4] = np.repeat([-1000.0, -1000.0, 0.3], 4)
    y, _ = call("gru", inputs, {})
    expected = np.tanh(inputs[0][0] @ inputs[2][8:].T + 0.3)
    np.testing.assert_allclose(y[0], expected, atol=1e-14)


def test_the_relu_recurrence_at_its_kink(rng):
    """relu'(0) = 0, as for the operation relu: a unit that is exactly 0 hands nothing back."""
    inputs = draw(rng, 2, 2, 3, 4, kind="rnn", biases=False)
    inputs[:2] = np.zeros((2, 2, 3)), np.zeros((2, 4))
    us = cotangents(call("rnn", inputs, {"nonlinearity": "relu"}))
    for mode in MODES:
        gradients = pullback("rnn", inputs, {"nonlinearity": "relu"}, us, mode)
        assert not any(g.any() for g in gradients.values())


@each_mode
def test_a_projection_that_changes_nothing(rng, mode):
    """w_hr = 1: the same as without; and then its own gradient is that of a linear layer behind."""
    inputs = draw(rng, 4, 3, 2, 5, lengths=[4, 1, 3])
    plain = call("lstm", inputs, {}, mode)
    for a, b in zip(call("lstm", [*inputs, np.eye(5)], {}, mode), plain, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)
    one = [inputs[0][:1], *inputs[1:7], None]
    w = rng.normal(size=(5, 5))
    us = cotangents(call("lstm", [*one, w], {}))
    y, _, _ = call("lstm", one, {})
    np.testing.assert_allclose(pullback("lstm", [*one, w], {}, us, mode)[8], (us[0][0] + us[1]).T @ y[0], atol=1e-13)


# The walk through time ------------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize(
    ("where", "struck", "instead"),
    [
        ("walk_back", "dh + dy[t]", "dy[t]"),  # time is cut: nothing comes from the step after
        ("walk_back", "dh + dy[t]", "dh"),  # nothing comes from the output
        ("walk_back", "_order(steps, not reverse)", "_order(steps, reverse)"),
        ("walk_back", "where(on, new, old)", "new"),  # a sequence that is over goes on
        ("walk_back", "where(on, d, 0.0)", "d"),
        ("products", "mT(da) @", "-mT(da) @"),
        ("products", "concatenate(*h)", "concatenate(*h[::-1])"),
        ("products", "else sum(du", "else sum(0 * du"),
    ],
)
def test_mistakes_in_the_walk_are_noticed(monkeypatch, kind, where, struck, instead):
    """As in test_mutation.py: each line of the text counts, for each of the three cells."""
    text = inspect.getsource(getattr(through_time, where))
    assert struck in text, f"{struck!r} stands no more in {where}"
    space = dict(vars(through_time))
    exec(text.replace(struck, instead), space)
    monkeypatch.setattr(recurrent, where, space[where])
    assert any(sample_notices(kind, sample) for sample in SAMPLES[kind])


@each_kind
def test_gradients_through_many_steps(rng, kind):
    """Hand-derived and primitive by primitive, over 60 steps in which the state comes round again and again."""
    inputs = draw(rng, 60, 2, 2, 3, kind=kind, lengths=[60, 41])
    us = cotangents(call(kind, inputs, {}))
    for i, g in pullback(kind, inputs, {}, us, "textbook").items():
        np.testing.assert_allclose(pullback(kind, inputs, {}, us, "plain")[i], g, atol=1e-11)


@each_kind
def test_half_precision_stays_half(rng, kind):
    inputs = draw(rng, 3, 2, 3, 4, kind=kind, dtype=np.float16)
    y, *last = call(kind, inputs, {}, "fast")
    assert {a.dtype for a in (y, *last)} == {np.dtype(np.float16)}
    assert {g.dtype for g in pullback(kind, inputs, {}, cotangents((y, *last)), "fast").values()} == {y.dtype}


# The kernel -----------------------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 3e-5)])
@pytest.mark.parametrize(
    "sizes", [(3, 1, 1, 1), (5, 7, 3, 9), (9, 3, 17, 33), (2, 33, 40, 65), (6, 6, 131, 70)], ids=str
)
def test_kernel_equals_body(rng, kind, sizes, dtype, tolerance):
    """Sizes around those of tiles, panels, blocks and chunks of steps."""
    inputs = draw(rng, *sizes, kind=kind, lengths=rng.integers(0, sizes[0] + 1, sizes[1]), dtype=dtype)
    us = cotangents(call(kind, inputs, {}))
    for reverse in (False, True):
        params = {"reverse": reverse}
        for y, e in zip(call(kind, inputs, params, "fast"), call(kind, inputs, params), strict=True):
            np.testing.assert_allclose(y, e, atol=tolerance)
        gradients, expected = (pullback(kind, inputs, params, us, mode) for mode in ("fast", "plain"))
        for i, e in expected.items():
            np.testing.assert_allclose(gradients[i], e, rtol=0, atol=tolerance * max(1, np.abs(e).max()))


@each_kind
def test_the_number_of_threads_does_not_show(rng, kind):
    """Enough work to be shared: for rnn, which has the least, 129 steps of 67 sequences."""
    inputs = draw(rng, 129, 67, 30, 80, kind=kind, lengths=rng.integers(0, 130, 67), dtype=np.float32)
    us = cotangents(call(kind, inputs, {}))
    numba = pytest.importorskip("numba")
    results, before = [], numba.get_num_threads()
    try:
        for threads in (1, min(2, before)):
            numba.set_num_threads(threads)
            results.append([*call(kind, inputs, {}, "fast"), *pullback(kind, inputs, {}, us, "fast").values()])
    finally:
        numba.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_a_projection_is_left_to_the_body(rng):
    inputs = draw(rng, 3, 2, 3, 4, dtype=np.float32)
    inputs[1], inputs[4] = inputs[1][:, :2].copy(), inputs[4][:, :2].copy()
    inputs.append(rng.normal(size=(2, 4)).astype(np.float32))
    for a, b in zip(call("lstm", inputs, {}, "fast"), call("lstm", inputs, {}, "plain"), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_gradients_that_nobody_wants(rng):
    """Weights alone: their gradients are the same as with all others."""
    inputs = draw(rng, 4, 3, 5, 6)
    us = cotangents(call("lstm", inputs, {}))
    for mode in MODES:
        tensors = [minidl.tensor(a, requires_grad=i in (3, 6)) if a is not None else None for i, a in enumerate(inputs)]
        with minidl.mode(mode):
            y, h, c = lstm(*tensors)
            ((y * us[0]).sum() + (h * us[1]).sum() + (c * us[2]).sum()).backward()
        expected = pullback("lstm", inputs, {}, us)
        for i in (3, 6):
            np.testing.assert_allclose(tensors[i].grad.data, expected[i], atol=1e-13)
        assert tensors[0].grad is None


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "position, value, error, words",
    [
        (0, np.zeros((2, 3)), ShapeError, r"x: got shape \(2, 3\), expected \(T, N, D\)"),
        (0, np.zeros((0, 3, 4)), ShapeError, "at least one step"),
        (0, np.zeros((2, 3, 5)), ShapeError, r"w_ih: got shape \(8, 4\), expected \(8, 5\)[^$]*input_size=5"),
        (1, np.zeros((4, 2)), ShapeError, r"h0: got shape \(4, 2\), expected \(3, 2\)"),
        (2, np.zeros((3, 3)), ShapeError, r"c0: got shape \(3, 3\), expected \(3, 2\)"),
        (4, np.zeros((2, 8)), ShapeError, r"w_hh: got shape \(2, 8\), expected \(4H, H\)"),
        (5, np.zeros(2), ShapeError, r"b_ih: got shape \(2,\), expected \(8,\)"),
        (6, np.zeros((8, 1)), ShapeError, r"b_hh: got shape \(8, 1\), expected \(8,\)"),
        (7, np.array([1, 2]), ShapeError, r"lengths: got shape \(2,\), expected \(3,\)"),
        (7, np.array([1.0, 2.0, 0.0]), DTypeError, "lengths: got float64"),
        (7, np.array([1, 3, 0]), LabelError, "lengths: got 3 at position"),
    ],
)
def test_errors_name_the_argument(rng, position, value, error, words):
    inputs = draw(rng, 2, 3, 4, 2)
    inputs[position] = value
    with pytest.raises(error, match=words):
        lstm(*inputs)


@pytest.mark.parametrize(
    "operation, position, value, error, words",
    [
        (gru, 0, np.zeros((2, 3)), ShapeError, r"gru: x: got shape \(2, 3\), expected \(T, N, D\)"),
        (gru, 1, np.zeros((3, 3)), ShapeError, r"gru: h0: got shape \(3, 3\), expected \(3, 2\)"),
        (
            gru,
            2,
            np.zeros((8, 4)),
            ShapeError,
            r"gru: w_ih: got shape \(8, 4\), expected \(6, 4\)[^$]*GRU\(input_size=4",
        ),
        (gru, 3, np.zeros((8, 2)), ShapeError, r"gru: w_hh: got shape \(8, 2\), expected \(3H, H\): the gates r, z, n"),
        (gru, 6, np.array([3, 1, 1]), LabelError, "gru: lengths: got 3 at position"),
        (rnn, 3, np.zeros((2, 3)), ShapeError, r"rnn: w_hh: got shape \(2, 3\), expected \(H, H\)"),
        (rnn, 5, np.zeros(3), ShapeError, r"rnn: b_hh: got shape \(3,\), expected \(2,\)"),
        (rnn, 6, np.array([True, True, False]), DTypeError, "rnn: lengths: got bool"),
    ],
)
def test_errors_of_the_others_name_the_argument(rng, operation, position, value, error, words):
    inputs = draw(rng, 2, 3, 4, 2, kind=operation.name)
    inputs[position] = value
    with pytest.raises(error, match=words):
        operation(*inputs)


def test_errors_of_projection_and_nonlinearity(rng):
    inputs = draw(rng, 2, 3, 4, 2)
    with pytest.raises(ShapeError, match=r"w_hr: got shape \(1, 2\), expected \(2, 2\)"):
        lstm(*inputs, np.zeros((1, 2)))
    with pytest.raises(ShapeError, match=r"w_hh: got shape \(8, 2\), expected \(4H, P\)"):
        lstm(*inputs, np.zeros((2, 5)))
    with pytest.raises(ArgumentError, match="nonlinearity: got 'gelu', expected 'tanh' or 'relu'"):
        rnn(*draw(rng, 2, 3, 4, 2, kind="rnn"), nonlinearity="gelu")


# PyTorch --------------------------------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("mode", ["fast", "plain"])
def test_against_pytorch(seed, mode):
    """Both halves of a bidirectional layer, on packed sequences: outputs, last states, all gradients."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    rng = np.random.default_rng(seed)
    steps, batch, features, hidden = (int(rng.integers(1, high)) for high in (9, 8, 20, 40))
    biases, packed = rng.random() < 0.7, rng.random() < 0.7
    lengths = rng.integers(1, steps + 1, batch) if packed else None  # PyTorch knows no empty sequences
    layer = torch.nn.LSTM(features, hidden, bias=biases, bidirectional=True, dtype=torch.float64)
    x = torch.tensor(rng.normal(size=(steps, batch, features)), requires_grad=True)
    h0, c0 = (torch.tensor(rng.normal(size=(2, batch, hidden)), requires_grad=True) for _ in range(2))
    sequence = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False) if packed else x
    y, (h, c) = layer(sequence, (h0, c0))
    y = pad_packed_sequence(y, total_length=steps)[0] if packed else y
    us = cotangents((y.detach().numpy(), h.detach().numpy(), c.detach().numpy()))
    torch.autograd.backward([y, h, c], [torch.tensor(u) for u in us])

    dx = 0
    for half, suffix in enumerate(("_l0", "_l0_reverse")):
        weights = [getattr(layer, name + suffix, None) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        leaves = [x, h0, c0, *weights]
        inputs = [a if a is None else a.detach().numpy() for a in leaves] + [lengths]
        inputs[1], inputs[2] = inputs[1][half], inputs[2][half]
        mine = call("lstm", inputs, {"reverse": bool(half)}, mode)
        columns = slice(half * hidden, (half + 1) * hidden)
        for a, b in zip(mine, (y[..., columns], h[half], c[half]), strict=True):
            np.testing.assert_allclose(a, b.detach().numpy(), atol=1e-12)
        halves = (us[0][..., columns], us[1][half], us[2][half])
        gradients = pullback("lstm", inputs, {"reverse": bool(half)}, halves, mode)
        dx = dx + gradients.pop(0)
        for i, g in gradients.items():
            expected = leaves[i].grad.numpy()
            np.testing.assert_allclose(g, expected[half] if i in (1, 2) else expected, atol=1e-11)
    np.testing.assert_allclose(dx, x.grad.numpy(), atol=1e-11)
