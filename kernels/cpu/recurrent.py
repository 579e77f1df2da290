"""The LSTM on the CPU.

Versions. The operation's body makes about thirty small arrays a step, reads each gate several times, and calls tanh for
one number at a time. One product by BLAS and one compiled loop a step did as well as PyTorch at N = 32, H = 256, and
worse for small layers, which spend their time between the steps. Here all steps are inside one kernel, and a thread
takes some of the sequences through all of them: sequences do not meet, so nobody waits. The products are those of
`tile.py`, with the weights put into panels once; the gates come from the vector sigmoid and tanh of `elementary.py`.
Only the sums over all steps are left to BLAS, at the end of the backward pass: dx, dw_ih and dw_hh, one product each.

The products are the limit: T·N·8H(D + H) multiplications and additions forward, twice that backward. On one core, for
T = 64, N = 32, D = 128, H = 256, it reaches 65 % of their rate; the rest is σ and tanh. A loop over the gates writes
one array and reads few, since otherwise LLVM has more overlaps to rule out than it cares to.

`python -m benchmarks kernels lstm` shows the times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementary import sigmoid, tanh
from .jit import dense, rows, serial
from .tile import ROWS, panel, panels, part, product, share, transposed, up

GATES = 64  # the work for one unit at one step beside the products, in multiply-adds


def lstm_accepts(*arrays: Any, reverse: bool) -> bool:
    """A projection is left to the body."""
    return len(arrays) < 9 or arrays[8] is None


def lstm(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, w_hr: Any = None,
    *, reverse: bool,
) -> Any:  # fmt: skip
    """Twin of `minidl.ops.lstm` without w_hr; residuals: x, the weights, lengths, gates, states and tanh c.

    The states h and c (T + 1, N, H) are kept by time: step t goes from place t to t + 1, or back if reverse.
    """
    (steps, batch, features), hidden = x.shape, h0.shape[1]
    x2, w_ih, w_hh = rows(x), dense(w_ih), dense(w_hh)
    bias = np.zeros(4 * hidden, x.dtype)
    for b in (b_ih, b_hh):
        bias += 0 if b is None else b
    ends = np.full(batch, steps) if lengths is None else lengths.astype(np.int64)
    gates = np.empty((steps, batch, 4 * hidden), x.dtype)
    h, c = np.empty((2, steps + 1, batch, hidden), x.dtype)
    tanh_c, y = np.empty((2, steps, batch, hidden), x.dtype)
    first = steps if reverse else 0
    h[first], c[first] = h0, c0
    work = steps * batch * 4 * hidden * (features + hidden + GATES)
    share(_forward, -(-batch // ROWS), work, reverse, x2, w_ih, w_hh, bias, ends, gates, h, c, tanh_c, y)
    last = steps - first
    return (y, h[last].copy(), c[last].copy()), (x2, w_ih, w_hh, b_ih, b_hh, ends, gates, h, c, tanh_c)


def lstm_backward(
    dy: Any, dh_n: Any, dc_n: Any,
    x2: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, ends: Any, gates: Any, h: Any, c: Any, tanh_c: Any,
    *, reverse: bool, needs: tuple[bool, ...],
) -> Any:  # fmt: skip
    """Backpropagation through time; dz of all steps is kept for the products at the end."""
    steps, batch, hidden = tanh_c.shape
    dz, dh, dc = np.empty_like(gates), dh_n.copy(order="C"), dc_n.copy(order="C")
    work = steps * batch * 4 * hidden * (hidden + GATES)
    share(_backward, -(-batch // ROWS), work, reverse, dense(dy), w_hh, ends, gates, c, tanh_c, dh, dc, dz)
    dz2 = rows(dz)  # (T·N, 4H)
    before = rows(h[1:] if reverse else h[:-1])  # (T·N, H)
    db = dz2.sum(axis=0)  # (4H,)
    return (
        (dz2 @ w_ih).reshape(steps, batch, w_ih.shape[1]) if needs[0] else None,  # (T, N, D)
        dh,
        dc,
        dz2.T @ x2 if needs[3] else None,  # (4H, D)
        dz2.T @ before if needs[4] else None,  # (4H, H)
        None if b_ih is None else db,
        None if b_hh is None else db.copy(),
        None,
        None,
    )


@serial
def _forward(begin, end, reverse, x, w_ih, w_hh, bias, ends, gates, h, c, tanh_c, y):
    """All steps for the sequences of the groups (of ROWS) from `begin` to `end`."""
    steps, batch, hidden = y.shape
    features = x.shape[1]
    begin, end = begin * ROWS, min(end * ROWS, batch)
    w = panel(x)
    width, count = up(4 * hidden, w), up(end - begin, ROWS)
    input_weights, state_weights = np.empty(width * features, x.dtype), np.empty(width * hidden, x.dtype)
    transposed(w_ih, input_weights)
    transposed(w_hh, state_weights)
    chunk = min(steps, max(1, 32 // max(1, count)))  # steps whose inputs are projected at once: a better use of weights
    xs, hs = np.zeros(chunk * count * features, x.dtype), np.zeros(count * hidden, x.dtype)
    z = np.empty(chunk * count * width, x.dtype)
    for step in range(steps):
        place = step % chunk
        if place == 0:
            for s in range(step, min(step + chunk, steps)):
                t = steps - 1 - s if reverse else s
                _copy(x, t * batch + begin, end - begin, xs[(s - step) * count * features :])
            for j in range(0, width, w):
                product(xs, 0, features, 1, input_weights, j * features, z, j, width, chunk * count, features, False)
        t = steps - 1 - step if reverse else step
        before, after = t + reverse, t + 1 - reverse
        zs = z[place * count * width :]
        _copy(h[before], begin, end - begin, hs)
        for j in range(0, width, w):
            product(hs, 0, hidden, 1, state_weights, j * hidden, zs, j, width, count, hidden, True)
        for n in range(begin, end):
            if t < ends[n]:
                a = zs[(n - begin) * width :]
                _cell(a, bias, gates[t, n], c[before, n], c[after, n], tanh_c[t, n], h[after, n], y[t, n])
            else:
                for j in range(hidden):
                    h[after, n, j], c[after, n, j], y[t, n, j] = h[before, n, j], c[before, n, j], 0


@part
def _copy(x, first, count, y):
    """`count` rows of x, from `first` on."""
    for i in range(count):
        for j in range(x.shape[1]):
            y[i * x.shape[1] + j] = x[first + i, j]


@part
def _cell(z, bias, gates, c, c_new, tanh_c, h_new, y):
    """z → the gates i f g o → the new state of one sequence, and its output."""
    hidden = len(c)
    for k in range(2 * hidden):
        gates[k] = sigmoid(z[k] + bias[k])
    for k in range(2 * hidden, 3 * hidden):
        gates[k] = tanh(z[k] + bias[k])
    for k in range(3 * hidden, 4 * hidden):
        gates[k] = sigmoid(z[k] + bias[k])
    i, f, g, o = gates[:hidden], gates[hidden:], gates[2 * hidden :], gates[3 * hidden :]
    for j in range(hidden):
        c_new[j] = f[j] * c[j] + i[j] * g[j]
    for j in range(hidden):
        tanh_c[j] = tanh(c_new[j])
    for j in range(hidden):
        h_new[j] = o[j] * tanh_c[j]
    for j in range(hidden):
        y[j] = h_new[j]


@serial
def _backward(begin, end, reverse, dy, w_hh, ends, gates, c, tanh_c, dh, dc, dz):
    """All steps back for the sequences of the groups from `begin` to `end`; dh and dc become those before step 0."""
    steps, batch, hidden = dy.shape
    begin, end = begin * ROWS, min(end * ROWS, batch)
    w = panel(dy)
    width, count = up(hidden, w), up(end - begin, ROWS)
    weights = np.empty(width * 4 * hidden, dy.dtype)
    panels(w_hh, 0, 4 * hidden, dy.dtype.type(1), 4 * hidden, weights)
    dzs, dh_old = np.zeros(count * 4 * hidden, dy.dtype), np.empty(count * width, dy.dtype)
    for step in range(steps):
        t = step if reverse else steps - 1 - step
        for n in range(begin, end):
            if t < ends[n]:
                _cell_backward(dy[t, n], gates[t, n], c[t + reverse, n], tanh_c[t, n], dh[n], dc[n], dz[t, n])
            else:
                for k in range(4 * hidden):
                    dz[t, n, k] = 0
        _copy(dz[t], begin, end - begin, dzs)
        for j in range(0, width, w):
            product(dzs, 0, 4 * hidden, 1, weights, j * 4 * hidden, dh_old, j, width, count, 4 * hidden, False)
        for n in range(begin, end):
            if t < ends[n]:
                for j in range(hidden):
                    dh[n, j] = dh_old[(n - begin) * width + j]


@part
def _cell_backward(dy, gates, c, tanh_c, dh, dc, dz):
    """dh and dc of the new state → dz of one sequence, and dc of the old state."""
    hidden = len(c)
    one = dz.dtype.type(1)
    i, f, g, o = gates[:hidden], gates[hidden:], gates[2 * hidden :], gates[3 * hidden :]
    di, df, dg, do = dz[:hidden], dz[hidden:], dz[2 * hidden :], dz[3 * hidden :]
    for j in range(hidden):
        dh[j] += dy[j]
    for j in range(hidden):
        dc[j] += dh[j] * o[j] * (one - tanh_c[j] * tanh_c[j])
    for j in range(hidden):
        di[j] = dc[j] * g[j] * i[j] * (one - i[j])
    for j in range(hidden):
        df[j] = dc[j] * c[j] * f[j] * (one - f[j])
    for j in range(hidden):
        dg[j] = dc[j] * i[j] * (one - g[j] * g[j])
    for j in range(hidden):
        do[j] = dh[j] * tanh_c[j] * o[j] * (one - o[j])
    for j in range(hidden):
        dc[j] *= f[j]
