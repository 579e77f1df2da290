"""The long short-term memory.

T: steps.  N: batch.  D: inputs.  H: hidden units.
"""

import numpy as np


def lstm(
    x: np.ndarray,
    h0: np.ndarray,
    c0: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    b_ih: np.ndarray | None = None,
    b_hh: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
    *,
    reverse: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One layer in one direction. At each step, with the state (h, c) of the step before:

    [zᵢ z_f z_g z_o] = x[t] w_ihᵀ + b_ih + h w_hhᵀ + b_hh
    i = σ(zᵢ),  f = σ(z_f),  g = tanh(z_g),  o = σ(z_o)
    c ← f ∘ c + i ∘ g,   h ← o ∘ tanh(c),   y[t] = h

    x (T, N, D), h0 c0 (N, H), w_ih (4H, D), w_hh (4H, H), b_ih b_hh (4H,), lengths (N,);
    y (T, N, H), and h_n c_n (N, H), the last state. Where t ≥ lengths[n] the state stays as it is
    and y[t, n] = 0. With reverse, t runs from T − 1 down to 0.

    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (the forget gate).
    """
    steps, batch, _ = x.shape
    h, c = h0, c0
    kinds = np.result_type(*(a for a in (x, h0, c0, w_ih, w_hh, b_ih, b_hh) if a is not None))
    y = np.zeros((steps, batch, h0.shape[1]), kinds)
    for t in reversed(range(steps)) if reverse else range(steps):
        z = np.einsum("nd,kd->nk", x[t], w_ih) + np.einsum("nh,kh->nk", h, w_hh)  # (N, 4H)
        if b_ih is not None:
            z = z + b_ih
        if b_hh is not None:
            z = z + b_hh
        zi, zf, zg, zo = np.split(z, 4, axis=1)  # 4 × (N, H)
        i = (1 + np.tanh(zi / 2)) / 2  # σ(z) = (1 + tanh(z/2)) / 2, which cannot overflow
        f = (1 + np.tanh(zf / 2)) / 2
        g = np.tanh(zg)
        o = (1 + np.tanh(zo / 2)) / 2
        c_new = f * c + i * g
        h_new = o * np.tanh(c_new)

        on = np.ones((batch, 1), bool) if lengths is None else (t < lengths)[:, None]  # (N, 1)
        c = np.where(on, c_new, c)
        h = np.where(on, h_new, h)
        y[t] = np.where(on, h_new, 0.0)
    return y, h, c


def lstm_backward(
    dy: np.ndarray,
    dh_n: np.ndarray,
    dc_n: np.ndarray,
    x: np.ndarray,
    h0: np.ndarray,
    c0: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    b_ih: np.ndarray | None = None,
    b_hh: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
    *,
    reverse: bool = False,
) -> tuple[np.ndarray | None, ...]:
    """Backpropagation through time: the steps once more, in the opposite order.

    (dh, dc), the cotangents of the state, begin as (dh_n, dc_n). At each step:

    dh ← dh + dy[t],   dc ← dc + dh ∘ o ∘ (1 − tanh² c)
    dz = [dc ∘ g ∘ i(1 − i),  dc ∘ c₋₁ ∘ f(1 − f),  dc ∘ i ∘ (1 − g²),  dh ∘ tanh(c) ∘ o(1 − o)]
    dx[t] = dz w_ih,   dw_ih += dzᵀ x[t],   dw_hh += dzᵀ h₋₁,   db_ih += Σₙ dz,   db_hh likewise
    dh ← dz w_hh,   dc ← dc ∘ f

    with (h₋₁, c₋₁) the state before the step. Where t ≥ lengths[n], dh and dc pass unchanged and
    dy[t, n] is lost, for y is constant there.

    Gives (dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh, None). Source: Werbos 1990.
    """
    steps, batch, _ = x.shape
    order = list(reversed(range(steps))) if reverse else list(range(steps))
    h, c = h0, c0
    past = {}
    for t in order:
        z = np.einsum("nd,kd->nk", x[t], w_ih) + np.einsum("nh,kh->nk", h, w_hh)  # (N, 4H)
        if b_ih is not None:
            z = z + b_ih
        if b_hh is not None:
            z = z + b_hh
        zi, zf, zg, zo = np.split(z, 4, axis=1)  # 4 × (N, H)
        i = (1 + np.tanh(zi / 2)) / 2
        f = (1 + np.tanh(zf / 2)) / 2
        g = np.tanh(zg)
        o = (1 + np.tanh(zo / 2)) / 2
        c_new = f * c + i * g
        on = np.ones((batch, 1), bool) if lengths is None else (t < lengths)[:, None]  # (N, 1)
        past[t] = (on, h, c, i, f, g, o, np.tanh(c_new))
        h = np.where(on, o * np.tanh(c_new), h)
        c = np.where(on, c_new, c)

    dx = np.zeros(x.shape)
    dw_ih, dw_hh, db = np.zeros(w_ih.shape), np.zeros(w_hh.shape), np.zeros(w_ih.shape[0])
    dh, dc = dh_n, dc_n
    for t in reversed(order):
        on, h_before, c_before, i, f, g, o, tanh_c = past[t]
        dh_new = dh + dy[t]
        dc_new = dc + dh_new * o * (1 - tanh_c**2)
        dzi = dc_new * g * i * (1 - i)
        dzf = dc_new * c_before * f * (1 - f)
        dzg = dc_new * i * (1 - g**2)
        dzo = dh_new * tanh_c * o * (1 - o)
        dz = np.where(on, np.concatenate([dzi, dzf, dzg, dzo], axis=1), 0.0)  # (N, 4H)

        dx[t] = np.einsum("nk,kd->nd", dz, w_ih)  # (N, D)
        dw_ih += np.einsum("nk,nd->kd", dz, x[t])  # (4H, D)
        dw_hh += np.einsum("nk,nh->kh", dz, h_before)  # (4H, H)
        db += np.einsum("nk->k", dz)  # (4H,)
        dh = np.where(on, np.einsum("nk,kh->nh", dz, w_hh), dh)  # (N, H)
        dc = np.where(on, dc_new * f, dc)
    db_ih = None if b_ih is None else db
    db_hh = None if b_hh is None else db.copy()
    return dx, dh, dc, dw_ih, dw_hh, db_ih, db_hh, None
