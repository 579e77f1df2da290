"""The plain recurrence, the gated recurrent unit, the long short-term memory.

T: steps.  N: batch.  D: inputs.  H: hidden units.  P: hidden units shown, where there is a projection; else P = H.
"""

import numpy as np


def rnn(
    x: np.ndarray,
    h0: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    b_ih: np.ndarray | None = None,
    b_hh: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
    *,
    nonlinearity: str = "tanh",
    reverse: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """One layer in one direction. At each step, with the state h of the step before:

    h ← φ(x[t] w_ihᵀ + b_ih + h w_hhᵀ + b_hh),   y[t] = h,   φ = tanh or relu

    x (T, N, D), h0 (N, H), w_ih (H, D), w_hh (H, H), b_ih b_hh (H,), lengths (N,); y (T, N, H),
    and h_n (N, H), the last state. Where t ≥ lengths[n] the state stays as it is and y[t, n] = 0.
    With reverse, t runs from T − 1 down to 0.

    Source: Elman 1990.
    """
    steps, batch, _ = x.shape
    h = h0
    kinds = np.result_type(*(a for a in (x, h0, w_ih, w_hh, b_ih, b_hh) if a is not None))
    y = np.zeros((steps, batch, h0.shape[1]), kinds)
    for t in reversed(range(steps)) if reverse else range(steps):
        v = np.einsum("nd,kd->nk", x[t], w_ih) + np.einsum("nh,kh->nk", h, w_hh)  # (N, H)
        if b_ih is not None:
            v = v + b_ih
        if b_hh is not None:
            v = v + b_hh
        h_new = np.tanh(v) if nonlinearity == "tanh" else np.where(v.real > 0, v, 0.0)
        on = np.ones((batch, 1), bool) if lengths is None else (t < lengths)[:, None]  # (N, 1)
        h = np.where(on, h_new, h)
        y[t] = np.where(on, h_new, 0.0)
    return y, h


def rnn_backward(
    dy: np.ndarray,
    dh_n: np.ndarray,
    x: np.ndarray,
    h0: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    b_ih: np.ndarray | None = None,
    b_hh: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
    *,
    nonlinearity: str = "tanh",
    reverse: bool = False,
) -> tuple[np.ndarray | None, ...]:
    """Backpropagation through time: the steps once more, in the opposite order.

    dh, the cotangent of the state, begins as dh_n. With v what φ is applied to, at each step:

    dv = (dh + dy[t]) ∘ φ'(v),   tanh' = 1/cosh²,   relu' = 1 where v > 0, else 0
    dx[t] = dv w_ih,   dw_ih += dvᵀ x[t],   dw_hh += dvᵀ h₋₁,   db_ih += Σₙ dv,   db_hh likewise
    dh ← dv w_hh

    Where t ≥ lengths[n], dh passes unchanged and dy[t, n] is lost, for y is constant there.

    Gives (dx, dh0, dw_ih, dw_hh, db_ih, db_hh, None). Source: Werbos 1990.
    """
    steps, batch, _ = x.shape
    order = list(reversed(range(steps))) if reverse else list(range(steps))
    h, past = h0, {}
    for t in order:
        v = np.einsum("nd,kd->nk", x[t], w_ih) + np.einsum("nh,kh->nk", h, w_hh)  # (N, H)
        if b_ih is not None:
            v = v + b_ih
        if b_hh is not None:
            v = v + b_hh
        on = np.ones((batch, 1), bool) if lengths is None else (t < lengths)[:, None]  # (N, 1)
        past[t] = on, h, v
        h = np.where(on, np.tanh(v) if nonlinearity == "tanh" else np.maximum(v, 0.0), h)

    dx, dh = np.zeros(x.shape), dh_n
    dw_ih, dw_hh, db = np.zeros(w_ih.shape), np.zeros(w_hh.shape), np.zeros(w_ih.shape[0])
    for t in reversed(order):
        on, h_before, v = past[t]
        slope = np.cosh(np.clip(v, -300.0, 300.0)) ** -2 if nonlinearity == "tanh" else 1.0 * (v > 0)
        dv = np.where(on, (dh + dy[t]) * slope, 0.0)  # (N, H)
        dx[t] = np.einsum("nk,kd->nd", dv, w_ih)  # (N, D)
        dw_ih += np.einsum("nk,nd->kd", dv, x[t])  # (H, D)
        dw_hh += np.einsum("nk,nh->kh", dv, h_before)  # (H, H)
        db += np.einsum("nk->k", dv)  # (H,)
        dh = np.where(on, np.einsum("nk,kh->nh", dv, w_hh), dh)  # (N, H)
    return dx, dh, dw_ih, dw_hh, None if b_ih is None else db, None if b_hh is None else db.copy(), None


def gru(
    x: np.ndarray,
    h0: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    b_ih: np.ndarray | None = None,
    b_hh: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
    *,
    reverse: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """One layer in one direction. The weights hold three blocks, r z n. At each step, with h of the step before:

    r = σ(W_r x[t] + b_r + U_r h + c_r),   z = σ(W_z x[t] + b_z + U_z h + c_z)
    n = tanh(W_n x[t] + b_n + r ∘ (U_n h + c_n))
    h ← (1 − z) ∘ n + z ∘ h,   y[t] = h

    x (T, N, D), h0 (N, H), W: w_ih (3H, D), U: w_hh (3H, H), b: b_ih, c: b_hh (3H,), lengths (N,);
    y (T, N, H), and h_n (N, H), the last state. Where t ≥ lengths[n] the state stays as it is and
    y[t, n] = 0. With reverse, t runs from T − 1 down to 0.

    Source: Cho et al. 2014, equations 5–8, with r behind the product, as in cuDNN and PyTorch.
    """
    steps, batch, _ = x.shape
    hidden = h0.shape[1]
    kinds = np.result_type(*(a for a in (x, h0, w_ih, w_hh, b_ih, b_hh) if a is not None))
    b = np.zeros(3 * hidden) if b_ih is None else b_ih
    c = np.zeros(3 * hidden) if b_hh is None else b_hh
    h, y = h0, np.zeros((steps, batch, hidden), kinds)
    for t in reversed(range(steps)) if reverse else range(steps):
        wx = (np.einsum("nd,kd->nk", x[t], w_ih) + b).reshape(batch, 3, hidden)
        uh = (np.einsum("nh,kh->nk", h, w_hh) + c).reshape(batch, 3, hidden)
        r = (1 + np.tanh((wx[:, 0] + uh[:, 0]) / 2)) / 2  # σ(v) = (1 + tanh(v/2)) / 2, which cannot overflow
        z = (1 + np.tanh((wx[:, 1] + uh[:, 1]) / 2)) / 2
        n = np.tanh(wx[:, 2] + r * uh[:, 2])
        h_new = (1 - z) * n + z * h

        on = np.ones((batch, 1), bool) if lengths is None else (t < lengths)[:, None]  # (N, 1)
        h = np.where(on, h_new, h)
        y[t] = np.where(on, h_new, 0.0)
    return y, h


def gru_backward(
    dy: np.ndarray,
    dh_n: np.ndarray,
    x: np.ndarray,
    h0: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    b_ih: np.ndarray | None = None,
    b_hh: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
    *,
    reverse: bool = False,
) -> tuple[np.ndarray | None, ...]:
    """Backpropagation through time: the steps once more, in the opposite order, gate by gate.

    dh, the cotangent of the state, begins as dh_n. Call p, q, s what stands in the brackets of r, z
    and tanh, and m = U_n h₋₁ + c_n. At each step, from g = dh + dy[t]:

    dn = g ∘ (1 − z),        ds = dn ∘ (1 − n²)
    dz = g ∘ h₋₁ − g ∘ n,    dq = dz ∘ z(1 − z)
    dr = ds ∘ m,             dp = dr ∘ r(1 − r),     dm = ds ∘ r
    dx[t] = dp W_r + dq W_z + ds W_n
    dh ← g ∘ z + dp U_r + dq U_z + dm U_n

    and each block of dw_ih, db_ih gathers (dp, dq, ds) with x[t], of dw_hh, db_hh (dp, dq, dm) with
    h₋₁. Where t ≥ lengths[n], dh passes unchanged and dy[t, n] is lost, for y is constant there.

    Gives (dx, dh0, dw_ih, dw_hh, db_ih, db_hh, None).
    """
    steps, batch, _ = x.shape
    hidden = h0.shape[1]
    order = list(reversed(range(steps))) if reverse else list(range(steps))
    b = np.zeros(3 * hidden) if b_ih is None else b_ih
    c = np.zeros(3 * hidden) if b_hh is None else b_hh
    h, past = h0, {}
    for t in order:
        wx = (np.einsum("nd,kd->nk", x[t], w_ih) + b).reshape(batch, 3, hidden)
        uh = (np.einsum("nh,kh->nk", h, w_hh) + c).reshape(batch, 3, hidden)
        r = (1 + np.tanh((wx[:, 0] + uh[:, 0]) / 2)) / 2
        z = (1 + np.tanh((wx[:, 1] + uh[:, 1]) / 2)) / 2
        n = np.tanh(wx[:, 2] + r * uh[:, 2])
        on = np.ones((batch, 1), bool) if lengths is None else (t < lengths)[:, None]  # (N, 1)
        past[t] = on, h, r, z, n, uh[:, 2]
        h = np.where(on, (1 - z) * n + z * h, h)

    dx, dh = np.zeros(x.shape), dh_n
    dw_ih, dw_hh = np.zeros((3, hidden, x.shape[2])), np.zeros((3, hidden, hidden))
    db_ih, db_hh = np.zeros((3, hidden)), np.zeros((3, hidden))
    w, u = w_ih.reshape(dw_ih.shape), w_hh.reshape(dw_hh.shape)
    for t in reversed(order):
        on, h_before, r, z, n, m = past[t]
        g = dh + dy[t]
        ds = g * (1 - z) * (1 - n**2)
        dq = (g * h_before - g * n) * z * (1 - z)
        dp = ds * m * r * (1 - r)
        for_x = np.where(on, np.stack([dp, dq, ds]), 0.0)  # (3, N, H)
        for_h = np.where(on, np.stack([dp, dq, ds * r]), 0.0)  # (3, N, H)
        dx[t] = np.einsum("bnk,bkd->nd", for_x, w)
        dw_ih += np.einsum("bnk,nd->bkd", for_x, x[t])
        dw_hh += np.einsum("bnk,nh->bkh", for_h, h_before)
        db_ih += for_x.sum(axis=1)
        db_hh += for_h.sum(axis=1)
        dh = np.where(on, g * z + np.einsum("bnk,bkh->nh", for_h, u), dh)  # (N, H)
    return (
        dx,
        dh,
        dw_ih.reshape(w_ih.shape),
        dw_hh.reshape(w_hh.shape),
        None if b_ih is None else db_ih.ravel(),
        None if b_hh is None else db_hh.ravel(),
        None,
    )


def lstm(
    x: np.ndarray,
    h0: np.ndarray,
    c0: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    b_ih: np.ndarray | None = None,
    b_hh: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
    w_hr: np.ndarray | None = None,
    *,
    reverse: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One layer in one direction. At each step, with the state (h, c) of the step before:

    [zᵢ z_f z_g z_o] = x[t] w_ihᵀ + b_ih + h w_hhᵀ + b_hh
    i = σ(zᵢ),  f = σ(z_f),  g = tanh(z_g),  o = σ(z_o)
    c ← f ∘ c + i ∘ g,   h ← o ∘ tanh(c), or (o ∘ tanh(c)) w_hrᵀ,   y[t] = h

    x (T, N, D), h0 (N, P), c0 (N, H), w_ih (4H, D), w_hh (4H, P), b_ih b_hh (4H,), lengths (N,),
    w_hr (P, H); y (T, N, P), and h_n (N, P), c_n (N, H), the last state. Where t ≥ lengths[n] the
    state stays as it is and y[t, n] = 0. With reverse, t runs from T − 1 down to 0.

    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (the forget gate); Sak et al. 2014 (w_hr).
    """
    steps, batch, _ = x.shape
    h, c = h0, c0
    kinds = np.result_type(*(a for a in (x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr) if a is not None))
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
        if w_hr is not None:
            h_new = np.einsum("nh,ph->np", h_new, w_hr)  # (N, P)

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
    w_hr: np.ndarray | None = None,
    *,
    reverse: bool = False,
) -> tuple[np.ndarray | None, ...]:
    """Backpropagation through time: the steps once more, in the opposite order.

    (dh, dc), the cotangents of the state, begin as (dh_n, dc_n). At each step:

    dh ← dh + dy[t],   dm = dh, or dh w_hr,   dc ← dc + dm ∘ o ∘ (1 − tanh² c)
    dz = [dc ∘ g ∘ i(1 − i),  dc ∘ c₋₁ ∘ f(1 − f),  dc ∘ i ∘ (1 − g²),  dm ∘ tanh(c) ∘ o(1 − o)]
    dx[t] = dz w_ih,   dw_ih += dzᵀ x[t],   dw_hh += dzᵀ h₋₁,   db_ih += Σₙ dz,   db_hh likewise
    dw_hr += dhᵀ (o ∘ tanh c),   dh ← dz w_hh,   dc ← dc ∘ f

    with (h₋₁, c₋₁) the state before the step. Where t ≥ lengths[n], dh and dc pass unchanged and
    dy[t, n] is lost, for y is constant there.

    Gives (dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh, None, dw_hr). Source: Werbos 1990.
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
        h_new = o * np.tanh(c_new)
        if w_hr is not None:
            h_new = np.einsum("nh,ph->np", h_new, w_hr)
        h = np.where(on, h_new, h)
        c = np.where(on, c_new, c)

    dx = np.zeros(x.shape)
    dw_ih, dw_hh, db = np.zeros(w_ih.shape), np.zeros(w_hh.shape), np.zeros(w_ih.shape[0])
    dw_hr = None if w_hr is None else np.zeros(w_hr.shape)
    dh, dc = dh_n, dc_n
    for t in reversed(order):
        on, h_before, c_before, i, f, g, o, tanh_c = past[t]
        dh_new = dh + dy[t]
        dm = dh_new
        if w_hr is not None:
            dm = np.einsum("np,ph->nh", dh_new, w_hr)  # (N, H)
            dw_hr += np.einsum("np,nh->ph", np.where(on, dh_new, 0.0), o * tanh_c)  # (P, H)
        dc_new = dc + dm * o * (1 - tanh_c**2)
        dzi = dc_new * g * i * (1 - i)
        dzf = dc_new * c_before * f * (1 - f)
        dzg = dc_new * i * (1 - g**2)
        dzo = dm * tanh_c * o * (1 - o)
        dz = np.where(on, np.concatenate([dzi, dzf, dzg, dzo], axis=1), 0.0)  # (N, 4H)

        dx[t] = np.einsum("nk,kd->nd", dz, w_ih)  # (N, D)
        dw_ih += np.einsum("nk,nd->kd", dz, x[t])  # (4H, D)
        dw_hh += np.einsum("nk,nh->kh", dz, h_before)  # (4H, P)
        db += np.einsum("nk->k", dz)  # (4H,)
        dh = np.where(on, np.einsum("nk,kh->nh", dz, w_hh), dh)  # (N, P)
        dc = np.where(on, dc_new * f, dc)
    db_ih = None if b_ih is None else db
    db_hh = None if b_hh is None else db.copy()
    return dx, dh, dc, dw_ih, dw_hh, db_ih, db_hh, None, dw_hr
