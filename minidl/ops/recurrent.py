"""The three recurrent layers, from the plainest to the LSTM: one layer, in one direction, over a batch of sequences.

T: steps.  N: batch.  D: inputs.  H: hidden units.  ∘: element by element.

The steps are walked by `through_time.py`, which also says what backpropagation through time is. A cell has to supply
its formula and its backward, for one step. It is given a = x[t] w_ihᵀ + b_ih and computes u = h₋ w_hhᵀ + b_hh, where h₋
is what it showed at the step before. It returns the cotangents of its old state, and da and du, from which everything
else follows by products over all steps. In `rnn` and `lstm` the two are only added, so there da = du.

What to look for in each backward is the line of the old state, since it is applied T times. A gradient that goes from
step T to step 1 is multiplied T times by what stands there:

    rnn     dh₋ = (dh ∘ φ') w_hh          a matrix and a slope: T of them vanish or explode
    gru     dh₋ = dh ∘ z + …              z near 1 hands it on as it is
    lstm    dc₋ = dc ∘ f                  so does f near 1; no matrix stands in this way
"""

from __future__ import annotations

from typing import Any

from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.op import fused

from .dense import affine
from .elementwise import relu, sigmoid, tanh, where
from .index import check_range
from .shape import concatenate, mT, split
from .through_time import products, walk, walk_back

__all__ = [
    "gru",
    "lstm",
    "rnn",
]


# The plain recurrence -------------------------------------------------------------------------------------------------


@fused
def rnn(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, lengths: Any = None,
    *, nonlinearity: str = "tanh", reverse: bool = False,
) -> Any:  # fmt: skip
    """One layer of the plain recurrent network (Elman's), in one direction.

    Math: h[t] = φ(a + u) = φ(x[t] w_ihᵀ + b_ih + h[t−1] w_hhᵀ + b_hh), φ = tanh or relu; y[t] = h[t]
    Shapes: x (T, N, D), h0 (N, H), w_ih (H, D), w_hh (H, H), b_ih and b_hh (H,), lengths (N,) → y (T, N, H), h_n (N, H)
    Args:
        h0: the state before the first step.
        lengths: how many steps each sequence has (integers), or None for all T. Beyond them the state stays as it is,
            and y is 0. With `reverse` these steps come first, so a sequence begins at its own end.
        nonlinearity: φ, "tanh" or "relu".
        reverse: for t = T − 1 … 0.
    Returns: the hidden state after every step, in the order of x, and the last state.
    Raises:
        ShapeError, DTypeError: an argument does not fit the others. LabelError: a length outside 0 … T.
        ArgumentError: another nonlinearity.
    Derivation: φ' can be told from h itself, so the sum a + u need not be kept: tanh' = 1 − h²; relu' is 1 where h > 0.
            da = du = dh ∘ φ',   dh₋ = du w_hh
        From step T to step t that is a product of T − t matrices w_hh, each with its rows scaled by φ' ≤ 1. If the
        largest singular value of w_hh is below 1, it shrinks geometrically.
    Source: J. Elman, Finding structure in time, Cognitive Science 14 (1990), 179–211; R. Pascanu, T. Mikolov,
        Y. Bengio, On the difficulty of training recurrent neural networks, ICML 2013, section 2 (the product).
    """

    def step(a: Any, h: Any) -> Any:
        h_new = _PHI[nonlinearity](a + affine(h, w_hh, b_hh))  # (N, H)
        return (h_new,), (h_new,)

    y, (h_n,), past = walk(step, affine(x, w_ih, b_ih), (h0,), lengths, reverse)
    return (y, h_n), (x, w_ih, w_hh, b_ih, b_hh, lengths, *past)


_PHI = {"tanh": tanh, "relu": relu}


@rnn.check
def rnn_check(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, *, nonlinearity: str, reverse: bool
) -> None:
    if nonlinearity not in _PHI:
        raise ArgumentError(
            f"rnn: nonlinearity: got {nonlinearity!r}, expected 'tanh' or 'relu'",
            fix="for gates take gru or lstm; other functions are not offered",
        )
    _check("rnn", "RNN", 1, x, {"h0": h0}, w_ih, w_hh, b_ih, b_hh, lengths)


@rnn.backward
def rnn_backward(
    dy: Any, dh_n: Any, x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, h: Any, h_new: Any,
    *, nonlinearity: str, reverse: bool,
) -> Any:  # fmt: skip
    """da = du = dh ∘ φ';  h[t] is the state before step t, h_new[t] the one after it."""

    def step(dh: Any, h: Any, h_new: Any) -> Any:
        du = dh * (1 - h_new * h_new) if nonlinearity == "tanh" else where(h_new > 0, dh, 0.0)  # (N, H)
        return (du @ w_hh,), (du,)

    (dh0,), (du,) = walk_back(step, dy, (dh_n,), (h, h_new), lengths, reverse)
    dx, *dws = products(du, du, x, h, w_ih, b_ih, b_hh)
    return dx, dh0, *dws, None


# The gated recurrent unit ---------------------------------------------------------------------------------------------


@fused
def gru(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, lengths: Any = None,
    *, reverse: bool = False,
) -> Any:  # fmt: skip
    """One layer of gated recurrent units, in one direction.

    Math: with a = x[t] w_ihᵀ + b_ih and u = h₋ w_hhᵀ + b_hh in three blocks of H columns, r z n,
        r = σ(a_r + u_r)                               how much of the old state the proposal may see
        z = σ(a_z + u_z)                               how much of the old state is kept
        n = tanh(a_n + r ∘ u_n)                        the proposal
        h = (1 − z) ∘ n + z ∘ h₋ = n + z ∘ (h₋ − n);   y[t] = h
    Shapes: x (T, N, D), h0 (N, H), w_ih (3H, D), w_hh (3H, H), b_ih and b_hh (3H,), lengths (N,)
        → y (T, N, H), h_n (N, H)
    Args, Returns: as for `rnn`; the gates r, z, n stand one below the other in the weights and biases.
    Raises:
        ShapeError, DTypeError: an argument does not fit the others. LabelError: a length outside 0 … T.
    Derivation: from the last line of the formulas upwards, with σ' = σ(1 − σ) and tanh' = 1 − tanh²:
            da_n = dh ∘ (1 − z) ∘ (1 − n²)
            da_z = dh ∘ (h₋ − n) ∘ z(1 − z)
            da_r = da_n ∘ u_n ∘ r(1 − r)               n reads r by way of r ∘ u_n
            du_r = da_r,   du_z = da_z,   du_n = da_n ∘ r
            dh₋  = dh ∘ z + du w_hh
        r stands between u_n and the sum, so b_hh's block n is scaled by r and b_ih's is not: two biases, not one twice.
    Source: K. Cho et al., Learning phrase representations using RNN encoder–decoder, EMNLP 2014, equations 5–8; there r
        scales h₋ before the product, here the product itself, as in cuDNN and PyTorch.
    """

    def step(a: Any, h: Any) -> Any:
        hidden = h.shape[1]
        (a_r, a_z, a_n), (u_r, u_z, u_n) = (split(v, hidden, axis=1) for v in (a, affine(h, w_hh, b_hh)))  # 6 × (N, H)
        r, z = sigmoid(a_r + u_r), sigmoid(a_z + u_z)
        n = tanh(a_n + r * u_n)
        return (n + z * (h - n),), (r, z, n, u_n)

    y, (h_n,), past = walk(step, affine(x, w_ih, b_ih), (h0,), lengths, reverse)
    return (y, h_n), (x, w_ih, w_hh, b_ih, b_hh, lengths, *past)


@gru.check
def gru_check(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, *, reverse: bool) -> None:
    _check("gru", "GRU", 3, x, {"h0": h0}, w_ih, w_hh, b_ih, b_hh, lengths)


@gru.backward
def gru_backward(
    dy: Any, dh_n: Any, x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any,
    h: Any, r: Any, z: Any, n: Any, u_n: Any, *, reverse: bool,
) -> Any:  # fmt: skip
    """Line by line as derived above; h[t] is the state before step t."""

    def step(dh: Any, h: Any, r: Any, z: Any, n: Any, u_n: Any) -> Any:
        da_n = dh * (1 - z) * (1 - n * n)
        da_z = dh * (h - n) * z * (1 - z)
        da_r = da_n * u_n * r * (1 - r)
        da = concatenate(da_r, da_z, da_n, axis=1)  # (N, 3H)
        du = concatenate(da_r, da_z, da_n * r, axis=1)  # (N, 3H)
        return (dh * z + du @ w_hh,), (da, du)

    (dh0,), (da, du) = walk_back(step, dy, (dh_n,), (h, r, z, n, u_n), lengths, reverse)
    dx, *dws = products(da, du, x, h, w_ih, b_ih, b_hh)
    return dx, dh0, *dws, None


# Long short-term memory -----------------------------------------------------------------------------------------------


@fused
def lstm(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, lengths: Any = None,
    w_hr: Any = None, *, reverse: bool = False,
) -> Any:  # fmt: skip
    """One layer of long short-term memory, in one direction.

    Math: with a + u = x[t] w_ihᵀ + b_ih + h₋ w_hhᵀ + b_hh in four blocks of H columns, i f g o,
        i = σ(zᵢ),  f = σ(z_f),  g = tanh z_g,  o = σ(z_o)
        c = f ∘ c₋ + i ∘ g                             what is kept of the old memory, and what is let in
        m = o ∘ tanh c                                 what is shown of the memory
        h = m, or m w_hrᵀ with a projection;   y[t] = h
    Shapes: x (T, N, D), h0 (N, P), c0 (N, H), w_ih (4H, D), w_hh (4H, P), b_ih and b_hh (4H,), lengths (N,),
        w_hr (P, H) → y (T, N, P), h_n (N, P), c_n (N, H); without w_hr P = H
    Args, Returns: as for `rnn`, with a state of two parts; the gates stand one below the other.
        w_hr: the projection, which makes the state that is shown smaller than the memory; or None.
    Raises:
        ShapeError, DTypeError: an argument does not fit the others. LabelError: a length outside 0 … T.
    Derivation: line by line upwards, with σ' = σ(1 − σ) and tanh' = 1 − tanh²:
            dm = dh, or dh w_hr
            dc ← dc + dm ∘ o ∘ (1 − tanh² c)           c went to the next step and to m
            dzᵢ = dc ∘ g ∘ i(1 − i),   dz_f = dc ∘ c₋ ∘ f(1 − f),   dz_g = dc ∘ i ∘ (1 − g²)
            dz_o = dm ∘ tanh c ∘ o(1 − o)
            dc₋ = dc ∘ f,   dh₋ = dz w_hh,   da = du = dz,   dw_hr = Σₜ dh[t]ᵀ m[t]
        The line of c is the reason for the whole construction: dc goes back through time multiplied by f, not by a
        matrix and a tanh', so with f near 1 it neither vanishes nor explodes.
    Source: S. Hochreiter, J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997), 1735–1780, section 4;
        F. Gers, J. Schmidhuber, F. Cummins, Learning to forget, Neural Computation 12 (2000), 2451–2471 (the gate f);
        H. Sak, A. Senior, F. Beaufays, Long short-term memory based recurrent neural network architectures,
        arXiv:1402.1128 (the projection).
    """

    def step(a: Any, h: Any, c: Any) -> Any:
        i, f, g, o = split(a + affine(h, w_hh, b_hh), c.shape[1], axis=1)  # 4 × (N, H)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c_new = f * c + i * g
        tanh_c = tanh(c_new)
        m = o * tanh_c
        return (m if w_hr is None else m @ mT(w_hr), c_new), (i, f, g, o, tanh_c)

    y, (h_n, c_n), past = walk(step, affine(x, w_ih, b_ih), (h0, c0), lengths, reverse)
    return (y, h_n, c_n), (x, w_ih, w_hh, b_ih, b_hh, lengths, w_hr, *past)


@lstm.check
def lstm_check(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, w_hr: Any, *, reverse: bool
) -> None:
    _check("lstm", "LSTM", 4, x, {"h0": h0, "c0": c0}, w_ih, w_hh, b_ih, b_hh, lengths, w_hr)


@lstm.backward
def lstm_backward(
    dy: Any, dh_n: Any, dc_n: Any,
    x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, w_hr: Any,
    h: Any, c: Any, i: Any, f: Any, g: Any, o: Any, tanh_c: Any,
    *, reverse: bool,
) -> Any:  # fmt: skip
    """Line by line as derived above; h[t] and c[t] are those before step t."""

    def step(dh: Any, dc: Any, _: Any, c: Any, i: Any, f: Any, g: Any, o: Any, tanh_c: Any) -> Any:
        dm = dh if w_hr is None else dh @ w_hr  # (N, H)
        dc = dc + dm * o * (1 - tanh_c * tanh_c)
        di = dc * g * i * (1 - i)
        df = dc * c * f * (1 - f)
        dg = dc * i * (1 - g * g)
        do = dm * tanh_c * o * (1 - o)
        dz = concatenate(di, df, dg, do, axis=1)  # (N, 4H)
        return (dz @ w_hh, dc * f), (dz, dh)

    (dh0, dc0), (dz, dh) = walk_back(step, dy, (dh_n, dc_n), (h, c, i, f, g, o, tanh_c), lengths, reverse)
    dx, *dws = products(dz, dz, x, h, w_ih, b_ih, b_hh)
    dw_hr = None if w_hr is None else mT(dh) @ (concatenate(*o) * concatenate(*tanh_c))  # (P, H)
    return dx, dh0, dc0, *dws, None, dw_hr


# What all three expect ------------------------------------------------------------------------------------------------


def _check(
    name: str, layer: str, gates: int, x: Any, states: dict[str, Any],
    w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, w_hr: Any = None,
) -> None:  # fmt: skip
    """Every shape follows from x and w_hh, and from w_hr if there is a projection."""
    if x.ndim != 3 or x.shape[0] == 0:
        raise ShapeError(
            f"{name}: x: got shape {x.shape}, expected (T, N, D) with at least one step",
            fix="give x the axes steps, batch, features, in this order",
        )
    (steps, batch, inputs), shown = x.shape, w_hh.shape[-1]
    hidden = shown if w_hr is None else w_hr.shape[-1]
    rows = gates * hidden
    if w_hh.shape != (rows, shown):
        order = {1: "", 3: ": the gates r, z, n one below the other", 4: ": the gates i, f, g, o one below the other"}
        raise ShapeError(
            f"{name}: w_hh: got shape {w_hh.shape}, expected ({gates if gates > 1 else ''}H, "
            f"{'H' if w_hr is None else 'P'}){order[gates]}",
            fix=f"store it as PyTorch does: {layer}(…).weight_hh_l0; transpose it (.mT) if it comes from elsewhere",
        )
    state = "the state has one row for each sequence of x, and as many columns as w_hh"
    bias = "a bias has one number for each row of w_hh"
    made = f"{layer}(input_size={inputs}, hidden_size={hidden})"
    expected = {
        "h0": (states["h0"], (batch, shown), state),
        "c0": (states.get("c0"), (batch, hidden), state if w_hr is None else "the memory has as many columns as w_hr"),
        "w_ih": (w_ih, (rows, inputs), f"make the layer with {made}"),
        "b_ih": (b_ih, (rows,), bias),
        "b_hh": (b_hh, (rows,), bias),
        "lengths": (lengths, (batch,), "one number for each sequence of x"),
        "w_hr": (w_hr, (shown, hidden), "the projection has one row for each column of w_hh"),
    }
    for argument, (array, shape, fix) in expected.items():
        if array is not None and array.shape != shape:
            raise ShapeError(
                f"{name}: {argument}: got shape {array.shape}, expected {shape}: x has shape {x.shape}, "
                f"w_hh {w_hh.shape}",
                fix=fix,
            )
    if lengths is not None:
        if lengths.dtype.kind not in "iu":
            raise DTypeError(f"{name}: lengths: got {describe(lengths)}, expected integers", fix="convert with .long()")
        fix = "pass how many steps each sequence has, not where its last one stands"
        check_range(f"{name}: lengths", lengths, steps + 1, fix)
