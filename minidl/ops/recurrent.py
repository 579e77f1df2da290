"""The LSTM over a sequence, and backpropagation through time.

T: steps.  N: batch.  D: inputs.  H: hidden units.  ∘: element by element.

One step, from the state (h₋, c₋) to (h, c), as PyTorch writes it:

    z = x w_ihᵀ + b_ih + h₋ w_hhᵀ + b_hh              four blocks of H columns: zᵢ z_f z_g z_o
    i = σ(zᵢ),  f = σ(z_f),  g = tanh z_g,  o = σ(z_o)
    c = f ∘ c₋ + i ∘ g                                 what is kept of the old memory, and what is let in
    h = o ∘ tanh c                                     what is shown of the memory; it is also the output y

The same weights serve every step. Backpropagation through time draws the steps side by side, as one deep network, and
goes through it from the last step to the first with (dh, dc), the cotangents of the state. The last step starts from
(dh_n, dc_n), the cotangents of the final state. For each step, line by line upwards through the formulas above, with
σ' = σ(1 − σ) and tanh' = 1 − tanh²:

    dh ← dh + dy                                       h went to the next step and to the output
    dc ← dc + dh ∘ o ∘ (1 − tanh² c)                   c went to the next step and to h
    dzᵢ = dc ∘ g ∘ i ∘ (1 − i)
    dz_f = dc ∘ c₋ ∘ f ∘ (1 − f)
    dz_g = dc ∘ i ∘ (1 − g²)
    dz_o = dh ∘ tanh c ∘ o ∘ (1 − o)
    dh ← dz w_hh,   dc ← dc ∘ f                        for the step before

The line of c is the reason for the whole construction: dc goes back through time multiplied by f, not by a matrix and
a tanh', so with f near 1 it neither vanishes nor explodes. A weight gets the sum of what it did at every step. These
sums over T and N are matrix products over all steps at once, and so is dx:

    dx = dz w_ih,   dw_ih = Σₜ dzₜᵀ xₜ,   dw_hh = Σₜ dzₜᵀ h₋ₜ,   db_ih = db_hh = Σₜ Σₙ dz

Sequences of different length. Where t ≥ lengths[n], sequence n is over: (h, c) goes on unchanged, so (dh, dc) comes
back unchanged, dz is 0, and y is 0 whatever the inputs, so dy is dropped.
"""

from __future__ import annotations

from typing import Any

from minidl.errors import DTypeError, ShapeError, describe
from minidl.op import fused

from .elementwise import sigmoid, tanh, where
from .index import check_range
from .reduce import sum
from .shape import concatenate, mT, reshape, split, stack, unsqueeze

__all__ = [
    "lstm",
]


@fused
def lstm(
    x: Any,
    h0: Any,
    c0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    lengths: Any = None,
    *,
    reverse: bool = False,
) -> Any:
    """One layer of long short-term memory, in one direction.

    Math: top of this file, for t = 0 … T − 1; with `reverse`, for t = T − 1 … 0
    Shapes: x (T, N, D), h0 and c0 (N, H), w_ih (4H, D), w_hh (4H, H), b_ih and b_hh (4H,), lengths (N,)
        → y (T, N, H), h_n (N, H), c_n (N, H)
    Args:
        h0, c0: the state before the first step.
        w_ih, w_hh, b_ih, b_hh: the gates i, f, g, o one below the other; the biases may be None.
        lengths: how many steps each sequence has (integers), or None for all T. Beyond them the state stays as it is,
            and y is 0. With `reverse` these steps come first, so a sequence begins at its own end.
    Returns: the hidden state after every step, in the order of x, and the last state.
    Raises:
        ShapeError, DTypeError: an argument does not fit the others. LabelError: a length outside 0 … T.
    Derivation: top of this file.
    Source: S. Hochreiter, J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997), 1735–1780, section 4;
        F. Gers, J. Schmidhuber, F. Cummins, Learning to forget, Neural Computation 12 (2000), 2451–2471 (the gate f);
        P. Werbos, Backpropagation through time, Proc. IEEE 78 (1990), 1550–1560 (the backward pass).
    """
    steps, batch, _ = x.shape
    z = _rows(x) @ mT(w_ih)  # (T·N, 4H): nothing here waits for the step before
    for b in (b_ih, b_hh):
        z = z if b is None else z + b
    z = reshape(z, shape=(steps, batch, w_ih.shape[0]))  # (T, N, 4H)
    w = mT(w_hh)  # (H, 4H)

    h, c, past, ys = h0, c0, [], []
    for t in _order(steps, reverse):
        i, f, g, o = split(z[t] + h @ w, h0.shape[1], axis=1)  # 4 × (N, H)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c_new = f * c + i * g
        tanh_c = tanh(c_new)
        h_new = o * tanh_c
        past.append((h, c, i, f, g, o, tanh_c))
        if lengths is None:
            h, c = h_new, c_new
            ys.append(h)
        else:
            on = _on(lengths, t)
            h, c = where(on, h_new, h), where(on, c_new, c)
            ys.append(where(on, h_new, 0.0))

    step = -1 if reverse else 1  # back into the order of x
    return (stack(ys[::step]), h, c), (x, w_ih, w_hh, b_ih, b_hh, lengths, *zip(*past[::step], strict=True))


@lstm.check
def lstm_check(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, *, reverse: bool
) -> None:
    if x.ndim != 3 or x.shape[0] == 0:
        raise ShapeError(
            f"lstm: x: got shape {x.shape}, expected (T, N, D) with at least one step",
            fix="give x the axes steps, batch, features, in this order",
        )
    (steps, batch, inputs), hidden = x.shape, w_hh.shape[-1]
    if w_hh.shape != (4 * hidden, hidden):
        raise ShapeError(
            f"lstm: w_hh: got shape {w_hh.shape}, expected (4H, H): the gates i, f, g, o one below the other"
        )
    expected = {
        "h0": (h0, (batch, hidden), "the state has one row for each sequence of x, and as many columns as w_hh"),
        "c0": (c0, (batch, hidden), "the state has one row for each sequence of x, and as many columns as w_hh"),
        "w_ih": (w_ih, (4 * hidden, inputs), f"make the layer with LSTM(input_size={inputs}, hidden_size={hidden})"),
        "b_ih": (b_ih, (4 * hidden,), "a bias has one number for each row of w_hh"),
        "b_hh": (b_hh, (4 * hidden,), "a bias has one number for each row of w_hh"),
        "lengths": (lengths, (batch,), "one number for each sequence of x"),
    }
    for name, (array, shape, fix) in expected.items():
        if array is not None and array.shape != shape:
            raise ShapeError(
                f"lstm: {name}: got shape {array.shape}, expected {shape}: x has shape {x.shape}, w_hh {w_hh.shape}",
                fix=fix,
            )
    if lengths is not None:
        if lengths.dtype.kind not in "iu":
            raise DTypeError(f"lstm: lengths: got {describe(lengths)}, expected integers", fix="convert with .long()")
        check_range("lstm: lengths", lengths, steps + 1, f"x has {steps} steps")


@lstm.backward
def lstm_backward(
    dy: Any, dh_n: Any, dc_n: Any,
    x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any,
    h: Any, c: Any, i: Any, f: Any, g: Any, o: Any, tanh_c: Any,
    *, reverse: bool,
) -> Any:  # fmt: skip
    """Backpropagation through time, line by line as at the top of this file; h[t] and c[t] are those before step t."""
    steps = x.shape[0]
    dh, dc, dzs = dh_n, dc_n, [None] * steps
    for t in _order(steps, not reverse):
        dh_new = dh + dy[t]
        dc_new = dc + dh_new * o[t] * (1 - tanh_c[t] * tanh_c[t])
        di = dc_new * g[t] * i[t] * (1 - i[t])
        df = dc_new * c[t] * f[t] * (1 - f[t])
        dg = dc_new * i[t] * (1 - g[t] * g[t])
        do = dh_new * tanh_c[t] * o[t] * (1 - o[t])
        dz = concatenate(di, df, dg, do, axis=1)  # (N, 4H)
        if lengths is None:
            dh, dc = dz @ w_hh, dc_new * f[t]  # (N, H)
        else:
            on = _on(lengths, t)
            dz = where(on, dz, 0.0)
            dh, dc = where(on, dz @ w_hh, dh), where(on, dc_new * f[t], dc)
        dzs[t] = dz

    dz = concatenate(*dzs)  # (T·N, 4H)
    dx = reshape(dz @ w_ih, shape=tuple(x.shape))  # (T, N, D)
    dw_ih = mT(dz) @ _rows(x)  # (4H, D)
    dw_hh = mT(dz) @ concatenate(*h)  # (4H, H)
    db = sum(dz, axis=0)  # (4H,)
    return dx, dh, dc, dw_ih, dw_hh, None if b_ih is None else db, None if b_hh is None else db, None


def _order(steps: int, reverse: bool) -> Any:
    return reversed(range(steps)) if reverse else range(steps)


def _rows(x: Any) -> Any:
    """Steps and batch as one axis: (T·N, D)."""
    steps, batch, features = x.shape
    return reshape(x, shape=(steps * batch, features))


def _on(lengths: Any, t: int) -> Any:
    """Which sequences are still running at step t: (N, 1)."""
    return unsqueeze(lengths, axis=1) > t
