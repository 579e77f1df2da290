"""The LSTM: what a mask of lengths means, what the cell is for, and the kernel at sizes where its blocks end."""

import numpy as np
import pytest

import minidl
from minidl.errors import DTypeError, LabelError, ShapeError
from minidl.ops import lstm

from .witnesses import call, cotangents, pullback

MODES = ["fast", "plain", "textbook"]


def draw(rng, steps, batch, features, hidden, *, biases=True, lengths=None, dtype=np.float64):
    """x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths."""
    bound = hidden**-0.5
    shapes = [(4 * hidden, features), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,)]
    weights = [rng.uniform(-bound, bound, shape).astype(dtype) for shape in shapes]
    if not biases:
        weights[2:] = None, None
    x, h0, c0 = (rng.normal(size=s).astype(dtype) for s in [(steps, batch, features), *[(batch, hidden)] * 2])
    return [x, h0, c0, *weights, None if lengths is None else np.asarray(lengths)]


# What it means --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_does_not_show(rng, mode, reverse):
    """A batch of sequences of different length gives each of them what it gets alone."""
    lengths = [5, 0, 2, 4]
    inputs = draw(rng, 5, 4, 3, 6, lengths=lengths)
    y, h, c = call("lstm", inputs, {"reverse": reverse}, mode)
    for n, length in enumerate(lengths):
        assert not y[length:, n].any()
        if length == 0:
            alone = None, inputs[1][n : n + 1], inputs[2][n : n + 1]
        else:
            one = [inputs[0][:length, n : n + 1], inputs[1][n : n + 1], inputs[2][n : n + 1], *inputs[3:7], None]
            alone = call("lstm", one, {"reverse": reverse}, mode)
            np.testing.assert_allclose(y[:length, n], alone[0][:, 0], atol=1e-14)
        np.testing.assert_allclose(h[n], alone[1][0], atol=1e-14)
        np.testing.assert_allclose(c[n], alone[2][0], atol=1e-14)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reverse", [False, True])
def test_nothing_flows_into_padding(rng, mode, reverse):
    inputs = draw(rng, 5, 3, 3, 6, lengths=[5, 0, 2])
    us = cotangents(call("lstm", inputs, {"reverse": reverse}))
    dx, dh0, dc0 = list(pullback("lstm", inputs, {"reverse": reverse}, us, mode).values())[:3]
    assert dx[:, 0].all() and dx[:2, 2].all() and not dx[2:, 2].any() and not dx[:, 1].any()
    assert np.array_equal(dh0[1], us[1][1]) and np.array_equal(dc0[1], us[2][1])


@pytest.mark.parametrize("mode", MODES)
def test_the_state_carries_everything(rng, mode):
    inputs = draw(rng, 7, 2, 3, 5)
    y, h, c = call("lstm", inputs, {}, mode)
    first, h1, c1 = call("lstm", [inputs[0][:3], *inputs[1:]], {}, mode)
    second, h2, c2 = call("lstm", [inputs[0][3:], h1, c1, *inputs[3:]], {}, mode)
    for whole, parts in ((y, np.concatenate([first, second])), (h, h2), (c, c2)):
        np.testing.assert_allclose(whole, parts, atol=1e-14)


@pytest.mark.parametrize("mode", MODES)
def test_reverse_is_forward_on_the_flipped_sequence(rng, mode):
    inputs = draw(rng, 6, 2, 3, 5)
    y, h, c = call("lstm", inputs, {"reverse": True}, mode)
    flipped, h1, c1 = call("lstm", [inputs[0][::-1], *inputs[1:]], {}, mode)
    for a, b in ((y, flipped[::-1]), (h, h1), (c, c1)):
        np.testing.assert_allclose(a, b, atol=1e-14)


@pytest.mark.parametrize("mode", MODES)
def test_the_memory_neither_vanishes_nor_explodes(rng, mode):
    """With the forget gate open and the input gate shut, c and its gradient pass through 200 steps untouched."""
    steps, hidden = 200, 4
    inputs = draw(rng, steps, 2, 3, hidden)
    inputs[5] = np.repeat([-40.0, 40.0, 0.0, -40.0], hidden)  # gates i f g o
    us = np.zeros((steps, 2, hidden)), np.zeros((2, hidden)), rng.normal(size=(2, hidden))
    np.testing.assert_allclose(call("lstm", inputs, {}, mode)[2], inputs[2], atol=1e-13)
    np.testing.assert_allclose(pullback("lstm", inputs, {}, us, mode)[2], us[2], atol=1e-13)


# The kernel -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 3e-5)])
@pytest.mark.parametrize(
    "sizes", [(3, 1, 1, 1), (5, 7, 3, 9), (9, 3, 17, 33), (2, 33, 40, 65), (6, 6, 131, 70)], ids=str
)
def test_kernel_equals_body(rng, sizes, dtype, tolerance):
    """Sizes around those of tiles, panels, blocks and chunks of steps."""
    inputs = draw(rng, *sizes, lengths=rng.integers(0, sizes[0] + 1, sizes[1]), dtype=dtype)
    us = cotangents(call("lstm", inputs, {}))
    for reverse in (False, True):
        params = {"reverse": reverse}
        for y, e in zip(call("lstm", inputs, params, "fast"), call("lstm", inputs, params), strict=True):
            np.testing.assert_allclose(y, e, atol=tolerance)
        gradients, expected = (pullback("lstm", inputs, params, us, mode) for mode in ("fast", "plain"))
        for i, e in expected.items():
            np.testing.assert_allclose(gradients[i], e, rtol=0, atol=tolerance * max(1, np.abs(e).max()))


def test_the_number_of_threads_does_not_show(rng):
    inputs = draw(rng, 40, 19, 30, 48, lengths=rng.integers(0, 41, 19), dtype=np.float32)  # enough work to share
    us = cotangents(call("lstm", inputs, {}))
    numba = pytest.importorskip("numba")
    results, before = [], numba.get_num_threads()
    try:
        for threads in (1, min(2, before)):
            numba.set_num_threads(threads)
            results.append([*call("lstm", inputs, {}, "fast"), *pullback("lstm", inputs, {}, us, "fast").values()])
    finally:
        numba.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


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
