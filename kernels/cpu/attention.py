"""Attention on the CPU, strip by strip.

Versions. The operation's body writes and reads (T, S) arrays for every head about ten times forward and backward, each
as large as all else together. Here a head's queries are taken 32 at a time: their scores, a strip of 32 × S, stay in
the second-level cache from the first product to the last, and only one number per query is kept, log Σₛ exp aₛ, from
which the backward pass computes the strip again (Dao et al. 2022). Causal strips end at the diagonal, which halves the
work. Heads are independent, and are shared among the threads; a single head is one thread's work.

Products through BLAS were slower: a strip is small, the calls are many, and BLAS's threads spin in the way of others.
So they are done tile by tile in registers, on matrices put into panels once per head or once per strip (`tile.py`);
the panels are wide ones where that fills up no more columns with zeros. Softmax takes all maxima of a strip, lane by
lane, before the first exponential, so that no row waits for its own; and o is divided by Σ exp instead of the strip.
That, and constants for the loops' lengths, took softmax from 0.7 to 0.45 ns a score.

The gradient of a mask is summed by one thread for all the heads that share a piece of the mask: so it needs no more
memory than the mask, and its bits do not depend on the number of threads.

On one core, for T = S = 512 and D = 64, it reaches 55 % of the tile's rate forward and 70 % backward; the rest is exp.
`python -m benchmarks kernels attention` shows the times.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .elementary import exp_down, full_registers
from .jit import dense, serial
from .tile import ROWS, panel, panels, part, product, share, transposed, up, wide_panel, wide_product
from .vector import get, put

QUERIES = 32  # in a strip; a multiple of 4, the rows of a tile


def attention_accepts(q: Any, k: Any, v: Any, mask: Any, keep: Any, *, scale: float, causal: bool, p: float) -> bool:
    """Not where there are no keys: a strip has at least one column."""
    return bool(k.shape[-2])


def attention(q: Any, k: Any, v: Any, mask: Any, keep: Any, *, scale: float, causal: bool, p: float) -> Any:
    """Twin of `minidl.ops.attention`; residuals: q, k, v with one batch axis, the masks, o and log-sum-exp."""
    batch = q.shape[:-2]
    q3, k3, v3 = (dense(a).reshape(prod(batch), *a.shape[-2:]) for a in (q, k, v))
    boolean = mask is not None and mask.dtype.kind == "b"
    masks = (
        _spread(None if boolean else mask, batch, q.dtype),  # added
        _spread(mask if boolean else None, batch, np.dtype(bool)),  # true: may attend
        _spread(keep, batch, np.dtype(bool)),
    )
    o = np.empty((*q3.shape[:2], v.shape[-1]), q.dtype)
    lse = np.empty(q3.shape[:2], q.dtype)
    scale, kept = q.dtype.type(scale), q.dtype.type(_kept(p))
    work = q3.size * v3.shape[1] + v3.size * q3.shape[1]
    share(_forward, len(q3), work, q3, k3, v3, *masks, scale, kept, causal, o, lse)
    return o.reshape(*batch, *o.shape[1:]), (q3, k3, v3, mask, masks, o, lse)


def attention_backward(
    do: Any, q3: Any, k3: Any, v3: Any, mask: Any, masks: Any, o: Any, lse: Any,
    *, scale: float, causal: bool, p: float, needs: tuple[bool, ...],
) -> Any:  # fmt: skip
    """dq, dk, dv and, only if it is wanted, dmask; the probabilities are computed again from log-sum-exp."""
    dq, dk, dv = np.empty_like(q3), np.empty_like(k3), np.empty_like(v3)
    added, places, _, _ = masks[0]
    dmask = np.zeros(added.size if needs[3] else 0, q3.dtype)
    if needs[3]:  # heads in groups that share a piece of the mask
        order = np.argsort(places, kind="stable")
        ends = np.flatnonzero(np.diff(places[order], append=-1)) + 1
    else:
        order = np.arange(len(q3))
        ends = order + 1
    do, scale, kept = dense(do), q3.dtype.type(scale), q3.dtype.type(_kept(p))
    work = 2 * (q3.size * v3.shape[1] + v3.size * q3.shape[1])
    args = order, ends, do.reshape(o.shape), q3, k3, v3, *masks, o, lse, scale, kept, causal, dq, dk, dv, dmask
    share(_backward, len(ends), work, *args)
    batch = do.shape[:-2]
    dqkv = (g.reshape(*batch, *g.shape[1:]) for g in (dq, dk, dv))
    return *dqkv, dmask.reshape(mask.shape) if needs[3] else None, None


def _kept(p: float) -> float:
    """What a weight that is not dropped is multiplied by."""
    return 0.0 if p == 1 else 1 / (1 - p)


def _spread(mask: Any, batch: tuple[int, ...], dtype: Any) -> Any:
    """A mask as its elements, where each head's begin, and the steps from query to query and from key to key."""
    if mask is None:
        return np.empty(0, dtype), np.zeros(0, np.int64), 0, 0
    shape = (1,) * (len(batch) + 2 - mask.ndim) + mask.shape
    lead, (queries, keys) = shape[:-2], shape[-2:]
    first = np.arange(prod(lead)).reshape(lead) * (queries * keys)
    places = np.broadcast_to(first, batch).flatten()
    return dense(mask).reshape(-1), places, keys if queries > 1 else 0, int(keys > 1)


# A strip: the scores of `count` queries from `first` on; its rows lie `width` apart -----------------------------------


@part
def _scores(x, first, count, factor, a, b, wide, keys, s, width):
    """s = factor · x yᵀ for the strip's rows of x and the first keys, with yᵀ = b in panels; a is room for x."""
    w, length = _width(wide, s), x.shape[1]
    for i in range(count):
        for j in range(length):
            a[i * length + j] = x[first + i, j] * factor
    for j in range(0, keys, w):
        _product(wide, a, 0, length, 1, b, j * length, s, j, width, up(count, ROWS), length, False)


@part
def _wide(columns, x):
    """Whether wide panels hold a matrix with so many columns without more filling than narrow ones."""
    return up(columns, wide_panel(x)) == up(columns, panel(x))


@part
def _width(wide, x):
    return wide_panel(x) if wide else panel(x)


@part
def _product(wide, a, a0, down, right, b, b0, c, c0, width, rows, inner, more):
    if wide:
        wide_product(a, a0, down, right, b, b0, c, c0, width, rows, inner, more)
    else:
        product(a, a0, down, right, b, b0, c, c0, width, rows, inner, more)


@part
def _rows(y, w, rows, factors, x, first, count):
    """Out of panels of width w: row i of the strip times its factor."""
    full_registers()
    for column in range(0, x.shape[1], w):
        for i in range(count):
            row, to_x = y[column * rows + i * w :], x[first + i, column:]
            for j in range(min(w, len(to_x))):
                to_x[j] = row[j] * factors[i]


@part
def _visible(query, keys, causal):
    """How many keys a query may attend to at most."""
    return min(keys, query + 1) if causal else keys


@part
def _mask(s, width, head, first, count, keys, causal, added, allowed):
    """`added` is added to the scores; −∞ where a query may not attend, and to the right of the last key."""
    end = up(_visible(first + count - 1, keys, causal), panel(s))
    for i in range(count):
        for j in range(i * width + _visible(first + i, keys, causal), i * width + end):
            s[j] = -np.inf
    elements, places, down, right = added
    if len(elements):
        for i in range(count):
            row, m = s[i * width :], elements[places[head] + (first + i) * down :]
            for j in range(_visible(first + i, keys, causal)):
                row[j] += m[j * right]
    elements, places, down, right = allowed
    if len(elements):
        for i in range(count):
            row, m = s[i * width :], elements[places[head] + (first + i) * down :]
            for j in range(_visible(first + i, keys, causal)):
                row[j] = row[j] if m[j * right] else -np.inf


@part
def _drop(s, width, head, first, count, keys, keep, kept):
    """The strip ∘ R."""
    elements, places, down, right = keep
    zero = s.dtype.type(0)
    if len(elements):
        for i in range(count):
            row, m = s[i * width :], elements[places[head] + (first + i) * down :]
            for j in range(keys):
                row[j] *= kept if m[j * right] else zero


@part
def _softmax(s, width, first, count, keys, top, scales, lse):
    """In place, but for the division by Σ exp: that is in scales, since a row of o is shorter than one of s.

    lse is log Σ exp, or ∞ for a row of −∞, which makes it zeros in the backward pass too: exp(a − ∞).
    """
    full_registers()
    w, one = panel(s), s.dtype.type(1)
    for i in range(count):
        start, end = i * width, i * width + up(keys, w)
        for n in range(w):
            top[n] = get(s, start + n)
        for j in range(start + w, end, w):  # lane by lane, and then in halves: a single maximum would be a chain
            for n in range(w):
                top[n] = get(s, j + n) if get(s, j + n) > top[n] else top[n]
        n = w
        while n > 1:
            n //= 2
            for j in range(n):
                top[j] = get(top, n + j) if get(top, n + j) > top[j] else top[j]
        scales[i] = top[0] if top[0] > -np.inf else -top[0]
    for i in range(count):  # a loop of its own, which need not wait for each row's maximum
        start, end, m = i * width, i * width + up(keys, w), scales[i]
        total = one - one
        for j in range(start, end):
            e = exp_down(get(s, j) - m)
            put(e, s, j)
            total += e
        scales[i] = one / total if total > 0 else one
        lse[first + i] = m + np.log(total) if total > 0 else m


@part
def _softmax_backward(s, ds, width, first, count, keys, do, o, lse):
    """Scores → P, and dP → dA = P ∘ (dP − Σ dP ∘ P), where the sum is dO · O."""
    full_registers()
    for i in range(count):
        row, drow = s[i * width : (i + 1) * width], ds[i * width : (i + 1) * width]
        dot, top = s.dtype.type(0), lse[first + i]
        for j in range(o.shape[1]):
            dot += do[first + i, j] * o[first + i, j]
        for j in range(up(keys, panel(s))):
            row[j] = exp_down(row[j] - top)
        for j in range(up(keys, panel(s))):
            drow[j] = row[j] * (drow[j] - dot)


@part
def _collect(ds, width, head, first, count, keys, causal, added, dmask):
    """dA, added where the mask's elements came from."""
    _, places, down, right = added
    for i in range(count):
        drow, dm = ds[i * width :], dmask[places[head] + (first + i) * down :]
        for j in range(_visible(first + i, keys, causal)):
            dm[j * right] += drow[j]


# Heads ----------------------------------------------------------------------------------------------------------------


@serial
def _forward(begin, end, q, k, v, added, allowed, keep, scale, kept, causal, o, lse):
    """o and log-sum-exp of the heads from `begin` to `end`. An s at the end of a name: in panels; t: transposed."""
    _, queries, features = q.shape
    _, keys, values = v.shape
    w, one = panel(q), q.dtype.type(1)
    wide_keys, wide = _wide(keys, q) and not causal, _wide(values, q)
    padded = up(keys, w)
    width = padded + w // 2  # no power of two: the rows of a strip would share a few lines of the cache
    kt = np.empty(padded * features, q.dtype)
    vs = np.empty(up(values, w) * keys, q.dtype)
    qs = np.zeros(QUERIES * features, q.dtype)
    os = np.empty(up(values, w) * QUERIES, q.dtype)
    s = np.empty(QUERIES * width, q.dtype)
    top, scales = np.empty(w, q.dtype), np.empty(QUERIES, q.dtype)
    for head in range(begin, end):
        transposed(k[head], kt, wide_keys)
        panels(v[head], 0, keys, one, keys, vs, wide)
        for first in range(0, queries, QUERIES):
            count = min(QUERIES, queries - first)
            seen = _visible(first + count - 1, keys, causal)
            _scores(q[head], first, count, scale, qs, kt, wide_keys, seen, s, width)
            _mask(s, width, head, first, count, keys, causal, added, allowed)
            _softmax(s, width, first, count, seen, top, scales, lse[head])
            _drop(s, width, head, first, count, seen, keep, kept)
            for j in range(0, values, _width(wide, q)):
                _product(
                    wide, s, 0, width, 1, vs, j * keys, os, j * QUERIES, _width(wide, q), up(count, ROWS), seen, False
                )
            _rows(os, _width(wide, q), QUERIES, scales, o[head], first, count)


@serial
def _backward(
    begin, end, order, ends, do, q, k, v, added, allowed, keep, o, lse, scale, kept, causal, dq, dk, dv, dmask
):
    """The gradients of the groups of heads from `begin` to `end`."""
    _, queries, features = q.shape
    _, keys, values = v.shape
    w, one = panel(q), q.dtype.type(1)
    wide_keys, wide_d, wide_e = _wide(keys, q) and not causal, _wide(features, q), _wide(values, q)
    wd, we = _width(wide_d, q), _width(wide_e, q)
    padded = up(keys, w)
    width = padded + w // 2
    kt = np.empty(padded * features, q.dtype)
    vt = np.empty(padded * values, q.dtype)
    ks = np.empty(up(features, w) * keys, q.dtype)
    dks = np.empty(up(features, w) * padded, q.dtype)
    dvs = np.empty(up(values, w) * padded, q.dtype)
    room = np.zeros(QUERIES * max(features, values), q.dtype)
    qs = np.empty(up(features, w) * QUERIES, q.dtype)
    dos = np.empty(up(values, w) * QUERIES, q.dtype)
    dqs = np.empty(up(features, w) * QUERIES, q.dtype)
    s, ds = np.empty(QUERIES * width, q.dtype), np.empty(QUERIES * width, q.dtype)
    scales, ones = np.full(QUERIES, scale), np.full(keys, one)
    for place in range(ends[begin - 1] if begin else 0, ends[end - 1] if end else 0):
        head = order[place]
        transposed(k[head], kt, wide_keys)
        transposed(v[head], vt, wide_keys)
        panels(k[head], 0, keys, one, keys, ks, wide_d)
        dks[:] = 0
        dvs[:] = 0
        for first in range(0, queries, QUERIES):
            count = min(QUERIES, queries - first)
            seen = _visible(first + count - 1, keys, causal)
            _scores(q[head], first, count, scale, room, kt, wide_keys, seen, s, width)
            _mask(s, width, head, first, count, keys, causal, added, allowed)
            _scores(do[head], first, count, one, room, vt, wide_keys, seen, ds, width)  # dP before dropout
            _drop(ds, width, head, first, count, seen, keep, kept)
            _softmax_backward(s, ds, width, first, count, seen, do[head], o[head], lse[head])  # now P and dA
            if len(dmask):
                _collect(ds, width, head, first, count, keys, causal, added, dmask)
            _drop(s, width, head, first, count, seen, keep, kept)  # P ∘ R
            panels(q[head], first, count, scale, QUERIES, qs, wide_d)
            panels(do[head], first, count, one, QUERIES, dos, wide_e)
            for j in range(0, features, wd):
                _product(wide_d, ds, 0, width, 1, ks, j * keys, dqs, j * QUERIES, wd, up(count, ROWS), seen, False)
                at = j * padded
                _product(wide_d, ds, 0, 1, width, qs, j * QUERIES, dks, at, wd, up(seen, ROWS), count, True)
            for j in range(0, values, we):
                at = j * padded
                _product(wide_e, s, 0, 1, width, dos, j * QUERIES, dvs, at, we, up(seen, ROWS), count, True)
            _rows(dqs, wd, QUERIES, scales, dq[head], first, count)
        _rows(dks, wd, padded, ones, dk[head], 0, keys)
        _rows(dvs, we, padded, ones, dv[head], 0, keys)
