"""The recurrent layers on the CPU: rnn, gru and lstm, on one walk through time.

Versions. The operations' bodies make up to thirty small arrays a step, read each gate several times, and call tanh for
one number at a time. One product by BLAS and one compiled loop a step did as well as PyTorch at N = 32, H = 256, and
worse for small layers, which spend their time between the steps. Here all steps are inside one kernel, and a thread
takes some of the sequences through all of them: sequences do not meet, so nobody waits. The products of a step are
those of `tile.py`, with the weights put into panels once. With tiles of two registers the LSTM was slower than
PyTorch, since BLAS, which PyTorch calls, is not so bad at 32 rows either; four registers are faster than BLAS. The
gates come from the vector sigmoid and tanh of `elementary.py`. What is a sum over all steps is left to BLAS, at the end
of the backward pass: dx, dw_ih and dw_hh, one product each. (Cut into strips for threads of
our own, with BLAS held at one, they made the step of `python -m benchmarks steps lstm` 58 ms long instead of 50.)

The three cells share the kernel, which is told by a number which of them to run: one compilation instead of three.
A loop over the gates writes one array and reads few, since otherwise LLVM has more overlaps to rule out than it cares
to. Rows of 4 KiB in a product would share few lines of the cache, so the rows of a step are copied, and lie apart.

The products are the limit: for G gates T·N·2GH(D + H) multiplications and additions forward, twice that backward.
On one core, for T = 64, N = 32, D = 128, H = 256, an LSTM reaches 70 % forward and backward of the rate of a large
product; the rest is σ and tanh, and memory that is written for the first time. Beside PyTorch, processor time on one
thread, forward and backward together: LSTM 0.9 to 1.0, GRU 1.6 (1.14), RNN 1.4. Tried and not better: dx,
dw by these tiles instead of BLAS, which are faster only if one factor stays in the second-level cache (175 against 150
GFLOP/s for dx at H = 256, but 127 against 138 for dw, and 120 against 143 at H = 512).

`python -m benchmarks kernels lstm gru rnn` shows the times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementary import full_registers, sigmoid, tanh
from .jit import dense, rows, serial
from .tile import ROWS, panels, part, share, transposed, up, wide_panel, wide_product

RELU, TANH, GRU, LSTM = 0, 1, 3, 4  # the cells
CELLS = {"relu": RELU, "tanh": TANH}
GATES = 64  # the work for one unit at one step beside the products, in multiply-adds
CHUNK = 32  # rows of which the inputs are projected at once, for a better use of the weights
APART = 16  # elements between two rows of a step


def rnn(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, *, nonlinearity: str, reverse: bool
) -> Any:
    """Twin of `minidl.ops.rnn`."""
    y, h, _, residuals = _walk(CELLS[nonlinearity], x, h0, None, w_ih, w_hh, b_ih, b_hh, lengths, reverse)
    return (y, h), residuals


def rnn_backward(dy: Any, dh_n: Any, *residuals: Any, nonlinearity: str, reverse: bool, needs: tuple[bool, ...]) -> Any:
    """da = du = dh ∘ φ'"""
    dx, dh, _, *dws = _walk_back(
        CELLS[nonlinearity], dy, dh_n, None, *residuals, reverse=reverse, needs=(*needs[:2], False, *needs[2:])
    )
    return dx, dh, *dws, None


def gru(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, *, reverse: bool) -> Any:
    """Twin of `minidl.ops.gru`."""
    y, h, _, residuals = _walk(GRU, x, h0, None, w_ih, w_hh, b_ih, b_hh, lengths, reverse)
    return (y, h), residuals


def gru_backward(dy: Any, dh_n: Any, *residuals: Any, reverse: bool, needs: tuple[bool, ...]) -> Any:
    """da in three blocks; du is the same but for the last, da_n ∘ r."""
    dx, dh, _, *dws = _walk_back(
        GRU, dy, dh_n, None, *residuals, reverse=reverse, needs=(*needs[:2], False, *needs[2:])
    )
    return dx, dh, *dws, None


def lstm_accepts(*arrays: Any, reverse: bool) -> bool:
    """A projection is left to the body."""
    return len(arrays) < 9 or arrays[8] is None


def lstm(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, w_hr: Any = None,
    *, reverse: bool,
) -> Any:  # fmt: skip
    """Twin of `minidl.ops.lstm` without w_hr."""
    y, h, c, residuals = _walk(LSTM, x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, reverse)
    return (y, h, c), residuals


def lstm_backward(
    dy: Any, dh_n: Any, dc_n: Any, *residuals: Any, reverse: bool, needs: tuple[bool, ...]
) -> Any:  # fmt: skip
    """da = du = dz"""
    return *_walk_back(LSTM, dy, dh_n, dc_n, *residuals, reverse=reverse, needs=needs), None, None


# The walk -------------------------------------------------------------------------------------------------------------


def _walk(
    cell: int, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, reverse: bool
) -> Any:
    """y, h_n, c_n; residuals: x, the weights, lengths, gates, the states h and c, and what the cell keeps besides.

    The states (T + 1, N, H) are kept by time: step t goes from place t to t + 1, or back if reverse. Besides, an lstm
    keeps tanh c and a gru u_n (T, N, H); where there is no c, it is empty.
    """
    (steps, batch, features), hidden = x.shape, h0.shape[1]
    x2, w_ih, w_hh = rows(x), dense(w_ih), dense(w_hh)
    bias, bias_n = np.zeros(len(w_ih), x.dtype), np.zeros(hidden, x.dtype)
    bias += 0 if b_ih is None else b_ih
    if b_hh is not None:
        shared = 2 * hidden if cell == GRU else len(b_hh)  # r stands between the last block and the sum
        bias[:shared] += b_hh[:shared]
        bias_n[:] = b_hh[-hidden:]
    ends = np.full(batch, steps) if lengths is None else lengths.astype(np.int64)
    h = np.empty((steps + 1, batch, hidden), x.dtype)
    y = np.empty((steps, batch, hidden), x.dtype)
    gates = np.empty((steps, batch, len(w_ih)) if cell > TANH else (0, 0, 0), x.dtype)
    c = np.empty((steps + 1, batch, hidden) if cell == LSTM else (0, 0, 0), x.dtype)
    kept = np.empty((steps, batch, hidden) if cell > TANH else (0, 0, 0), x.dtype)
    first = steps if reverse else 0
    last = steps - first
    h[first] = h0
    if cell == LSTM:
        c[first] = c0
    work = steps * batch * len(w_ih) * (features + hidden + GATES)
    args = x2, w_ih, w_hh, bias, bias_n, ends, gates, h, c, kept, y
    share(_forward, -(-batch // ROWS), work, cell, reverse, *args)
    c_n = c[last].copy() if cell == LSTM else None
    return y, h[last].copy(), c_n, (x2, w_ih, w_hh, b_ih, b_hh, ends, gates, h, c, kept)


def _walk_back(
    cell: int, dy: Any, dh_n: Any, dc_n: Any,
    x2: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, ends: Any, gates: Any, h: Any, c: Any, kept: Any,
    *, reverse: bool, needs: tuple[bool, ...],
) -> Any:  # fmt: skip
    """dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh; da of all steps is kept for the products at the end."""
    steps, batch, hidden = dy.shape
    da, dh = np.empty((steps, batch, len(w_hh) + APART), h.dtype), dh_n.copy(order="C")
    dc = np.empty((0, 0), h.dtype) if dc_n is None else dc_n.copy(order="C")
    du_n = np.empty((steps, batch, hidden) if cell == GRU else (0, 0, 0), h.dtype)
    work = steps * batch * len(w_hh) * (hidden + GATES)
    args = dense(dy), w_hh, ends, gates, h, c, kept, dh, dc, da, du_n
    share(_backward, -(-batch // ROWS), work, cell, reverse, *args)
    da2 = rows(da)[:, : len(w_hh)]  # (T·N, GH)
    before = rows(h[1:] if reverse else h[:-1])  # (T·N, H)
    blocks = ((da2[:, : 2 * hidden], slice(0, 2 * hidden)), (rows(du_n), slice(2 * hidden, None)))
    dw_hh = None
    if needs[4]:
        dw_hh = np.empty_like(w_hh)
        for du, block in blocks if cell == GRU else ((da2, slice(None)),):
            np.matmul(du.T, before, out=dw_hh[block])  # (GH, H)
    db_ih = da2.sum(axis=0) if b_ih is not None or b_hh is not None else None
    db_hh = None if b_hh is None or db_ih is None else db_ih.copy()
    if db_hh is not None and cell == GRU:
        db_hh[2 * hidden :] = rows(du_n).sum(axis=0)
    return (
        (da2 @ w_ih).reshape(steps, batch, w_ih.shape[1]) if needs[0] else None,  # (T, N, D)
        dh,
        None if dc_n is None else dc,
        da2.T @ x2 if needs[3] else None,  # (GH, D)
        dw_hh,
        None if b_ih is None else db_ih,
        db_hh,
    )


@serial
def _forward(begin, end, cell, reverse, x, w_ih, w_hh, bias, bias_n, ends, gates, h, c, kept, y):
    """All steps for the sequences of the groups (of ROWS) from `begin` to `end`."""
    full_registers()
    steps, batch, hidden = y.shape
    features, total = x.shape[1], len(bias)
    begin, end = begin * ROWS, min(end * ROWS, batch)
    w = wide_panel(x)
    width, count = up(total, w), up(end - begin, ROWS)
    input_weights, state_weights = np.empty(width * features, x.dtype), np.empty(width * hidden, x.dtype)
    transposed(w_ih, input_weights, True)
    transposed(w_hh, state_weights, True)
    chunk = min(steps, max(1, CHUNK // max(1, count)))  # steps
    xs, hs = np.zeros(chunk * count * features, x.dtype), np.zeros(count * (hidden + APART), x.dtype)
    across, down = width + APART, hidden + APART
    a, u = np.empty(chunk * count * across, x.dtype), np.empty(count * across if cell == GRU else 0, x.dtype)
    for step in range(steps):
        place = step % chunk
        if place == 0:
            for s in range(step, min(step + chunk, steps)):
                t = steps - 1 - s if reverse else s
                _copy(x, t * batch + begin, end - begin, xs[(s - step) * count * features :], features)
            for j in range(0, width, w):
                first = j * features
                wide_product(xs, 0, features, 1, input_weights, first, a, j, across, chunk * count, features, False)
        t = steps - 1 - step if reverse else step
        before, after = t + reverse, t + 1 - reverse
        now = a[place * count * across :]
        _copy(h[before], begin, end - begin, hs, down)
        for j in range(0, width, w):
            to = u if cell == GRU else now
            wide_product(hs, 0, down, 1, state_weights, j * hidden, to, j, across, count, hidden, cell != GRU)
        for n in range(begin, end):
            row = now[(n - begin) * across :]
            if t >= ends[n]:
                for j in range(hidden):
                    h[after, n, j] = h[before, n, j]
                for j in range(hidden):
                    y[t, n, j] = 0
                if cell == LSTM:
                    for j in range(hidden):
                        c[after, n, j] = c[before, n, j]
            elif cell == LSTM:
                _lstm(row, bias, gates[t, n], c[before, n], c[after, n], kept[t, n], h[after, n], y[t, n])
            elif cell == GRU:
                _gru(row, u[(n - begin) * across :], bias, bias_n, gates[t, n], kept[t, n], h[before, n], h[after, n])
                _same(h[after, n], y[t, n])
            else:
                _rnn(cell, row, bias, h[after, n])
                _same(h[after, n], y[t, n])


@serial
def _backward(begin, end, cell, reverse, dy, w_hh, ends, gates, h, c, kept, dh, dc, da, du_n):
    """All steps back for the sequences of the groups from `begin` to `end`; dh and dc become those before step 0."""
    full_registers()
    steps, batch, hidden = dy.shape
    total = len(w_hh)
    begin, end = begin * ROWS, min(end * ROWS, batch)
    w = wide_panel(dy)
    width, count = up(hidden, w), up(end - begin, ROWS)
    weights = np.empty(width * total, dy.dtype)
    panels(w_hh, 0, total, dy.dtype.type(1), total, weights, True)
    across, down = width + APART, total + APART
    du, dh_old = np.zeros(count * down, dy.dtype), np.empty(count * across, dy.dtype)
    for step in range(steps):
        t = step if reverse else steps - 1 - step
        before, after = t + reverse, t + 1 - reverse
        for n in range(begin, end):
            du_row = du[(n - begin) * down :]
            if t >= ends[n]:
                for k in range(total):
                    da[t, n, k] = 0
                if cell == GRU:
                    for k in range(hidden):
                        du_n[t, n, k] = 0
                for k in range(total):
                    du_row[k] = 0
                continue
            for j in range(hidden):
                dh[n, j] += dy[t, n, j]
            if cell == LSTM:
                _lstm_backward(gates[t, n], c[before, n], kept[t, n], dh[n], dc[n], da[t, n])
            elif cell == GRU:
                _gru_backward(gates[t, n], h[before, n], kept[t, n], dh[n], da[t, n], du_n[t, n])
            else:
                _rnn_backward(cell, h[after, n], dh[n], da[t, n])
            for k in range(total):
                du_row[k] = da[t, n, k]
            if cell == GRU:
                for k in range(hidden):
                    du_row[2 * hidden + k] = du_n[t, n, k]
        for j in range(0, width, w):
            wide_product(du, 0, down, 1, weights, j * total, dh_old, j, across, count, total, False)
        for n in range(begin, end):
            old = dh_old[(n - begin) * across :]
            if t < ends[n]:
                if cell == GRU:
                    z = gates[t, n, hidden:]
                    for j in range(hidden):
                        dh[n, j] = dh[n, j] * z[j] + old[j]
                else:
                    for j in range(hidden):
                        dh[n, j] = old[j]


@part
def _copy(x, first, count, y, width):
    """`count` rows of x, from `first` on, to rows of `width`."""
    for i in range(count):
        row = y[i * width :]
        for j in range(x.shape[1]):
            row[j] = x[first + i, j]


@part
def _same(x, y):
    for j in range(len(x)):
        y[j] = x[j]


# The cells: one sequence, one step ------------------------------------------------------------------------------------


@part
def _rnn(cell, a, bias, h_new):
    """a + u → the new state."""
    full_registers()
    if cell == RELU:
        zero = h_new.dtype.type(0)
        for j in range(len(h_new)):
            v = a[j] + bias[j]
            h_new[j] = zero if v <= zero else v  # NaN stays NaN
    else:
        for j in range(len(h_new)):
            h_new[j] = tanh(a[j] + bias[j])


@part
def _rnn_backward(cell, h_new, dh, da):
    """dh → da = dh ∘ φ'."""
    full_registers()
    zero, one = da.dtype.type(0), da.dtype.type(1)
    if cell == RELU:
        for j in range(len(dh)):
            da[j] = dh[j] if h_new[j] > zero else zero
    else:
        for j in range(len(dh)):
            da[j] = dh[j] * (one - h_new[j] * h_new[j])


@part
def _gru(a, u, bias, bias_n, gates, u_n, h, h_new):
    """a, u → the gates r z n → the new state; u_n is kept."""
    full_registers()
    hidden = len(h)
    for k in range(2 * hidden):
        gates[k] = sigmoid(a[k] + u[k] + bias[k])
    a_n, part_n, b_n = a[2 * hidden :], u[2 * hidden :], bias[2 * hidden :]
    for j in range(hidden):
        u_n[j] = part_n[j] + bias_n[j]
    r, z, n = gates[:hidden], gates[hidden:], gates[2 * hidden :]
    for j in range(hidden):
        n[j] = tanh(a_n[j] + b_n[j] + r[j] * u_n[j])
    for j in range(hidden):
        h_new[j] = n[j] + z[j] * (h[j] - n[j])


@part
def _gru_backward(gates, h, u_n, dh, da, du_n):
    """dh of the new state → da, and the block of du that is another."""
    full_registers()
    hidden = len(h)
    one = da.dtype.type(1)
    r, z, n = gates[:hidden], gates[hidden:], gates[2 * hidden :]
    da_r, da_z, da_n = da[:hidden], da[hidden:], da[2 * hidden :]
    for j in range(hidden):
        da_n[j] = dh[j] * (one - z[j]) * (one - n[j] * n[j])
    for j in range(hidden):
        da_z[j] = dh[j] * (h[j] - n[j]) * z[j] * (one - z[j])
    for j in range(hidden):
        da_r[j] = da_n[j] * u_n[j] * r[j] * (one - r[j])
    for j in range(hidden):
        du_n[j] = da_n[j] * r[j]


@part
def _lstm(z, bias, gates, c, c_new, tanh_c, h_new, y):
    """z → the gates i f g o → the new state, and the output."""
    full_registers()
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


@part
def _lstm_backward(gates, c, tanh_c, dh, dc, dz):
    """dh and dc of the new state → dz, and dc of the old state."""
    full_registers()
    hidden = len(c)
    one = dz.dtype.type(1)
    i, f, g, o = gates[:hidden], gates[hidden:], gates[2 * hidden :], gates[3 * hidden :]
    di, df, dg, do = dz[:hidden], dz[hidden:], dz[2 * hidden :], dz[3 * hidden :]
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
