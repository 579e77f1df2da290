"""Convolution with each channel alone: a register of channels at a time.

x (N, G, H, W), y (N, G, H', W'), w (G, KH, KW).  t: taps, (u, v).

    y[q, g] = Σ_t band[corner(q) + run(t) + g] · w[t, g]        dw[t, g] = Σ_q band[corner(q) + run(t) + g] · dy[q, g]

There is no sum over channels here, and so no product of matrices: a tap is one multiply-add for each place. Bands,
corners and runs are those of conv_patches.py, with as many channels as a register holds, so that strides, dilations and
the adjoint for x come for nothing. Turning pixels into channels and back costs as much as the taps of a 3 × 3 kernel.

Versions (float32, one thread): shifted rows (conv_rows.py) take 1 to 1.2 times as long forwards, 2 to 4 times in the
adjoints, 1.6 to 3 times with stride 2 or 5 × 5. Both move pixels more than they multiply: a tenth of the multiply-add
rate here. PyTorch with channels first takes 0.75 to 2 times as long, and 1.4 or more for dw; with channels last, which
need not be turned, 0.2 to 0.8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .conv_patches import SHARES, Plan, Sizes, channels_of, lay_down, plan_of
from .jit import dense, serial
from .patches import part, turned
from .tile import share
from .vector import BYTES, fma, load, store


def correlate(x: Any, w: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, adjoint: bool) -> Any:
    """x (N, G, H, W), w (G, 1, 1, KH, KW) → y (N, G, *size)."""
    groups, lanes = len(w), BYTES // x.itemsize
    y = np.empty((len(x), groups, *size), x.dtype)
    if not (x.size and y.size):
        return np.zeros_like(y)
    plan = plan_of(len(x), lanes, x.shape[2:], size, w.shape[3:], stride, padding, dilation, adjoint)
    ends, firsts, count = plan.phases * [1, plan.inner // lanes], _firsts(groups, lanes), min(groups, lanes)
    factors = np.zeros((len(firsts), plan.taps.shape[1], lanes), x.dtype)
    for b, g in enumerate(firsts):
        factors[b, :, :count] = w[g : g + count, 0, 0, plan.taps[0], plan.taps[1]].T
    tables = channels_of(x, count), channels_of(y, count), plan.order * lanes, ends, _runs(plan, lanes), firsts
    tasks = len(firsts) * plan.blocks * -(-len(x) // plan.batch)
    share(_correlate, tasks, 8 * y.size * plan.taps.shape[1], dense(x), factors, y, plan, tables)
    return y


def _firsts(groups: int, lanes: int) -> np.ndarray:
    """Where the blocks of channels begin; the last one is full, too, if there are so many."""
    return np.maximum(0, np.minimum(np.arange(0, groups, lanes), groups - lanes))


def _runs(plan: Plan, lanes: int) -> np.ndarray:
    """One for each tap."""
    return (plan.runs[:, None] + np.arange(0, plan.inner, lanes)).reshape(-1)


@serial
def _correlate(begin, end, x, w, y, plan, tables):
    """Each task is a block of channels, and a band of images or of lines."""
    sources, sinks, order, ends, runs, firsts = tables
    across, count, lanes = y.shape[3], len(sources), w.shape[2]
    band = np.zeros(plan.batch * plan.height * plan.pitch, x.dtype)
    out, zero = np.empty(len(plan.corners) * lanes, x.dtype), np.zeros(lanes, x.dtype)
    factors, pixels, bands = w.reshape(-1), y.reshape(-1), -(-len(x) // plan.batch) * plan.blocks
    for task in range(begin, end):
        block, image, lot = task // bands, task % bands // plan.blocks * plan.batch, task % plan.blocks
        images, first, g = min(plan.batch, len(x) - image), lot * plan.lines, firsts[block]
        lines = min(plan.lines, y.shape[2] - first)
        lay_down(x, image, images, g, count, lot * plan.advance - plan.lead, plan, sources, band)
        for f in range(1, len(ends)):
            for q in range(ends[f - 1, 0], ends[f, 0], 2):
                a0, b0 = plan.corners[q], plan.corners[q + 1]
                a = b = load(zero, 0)
                for t in range(ends[f - 1, 1], ends[f, 1]):
                    factor = load(factors, (block * w.shape[1] + t) * lanes)
                    a = fma(factor, load(band, a0 + runs[t]), a)
                    b = fma(factor, load(band, b0 + runs[t]), b)
                store(a, out, q * lanes)
                store(b, out, (q + 1) * lanes)
        for n in range(images):
            q = n * plan.lines * across
            start = (((image + n) * y.shape[1] + g) * y.shape[2] + first) * across - q
            turned(out, order, q, q + lines * across, 0, pixels, sinks, 0, count, start)


def weight(x: Any, dy: Any, groups: int, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """x (N, G, H, W), dy (N, G, H', W') → dw (G, 1, *size)."""
    if not (x.size and dy.size):
        return np.zeros((groups, 1, *size), x.dtype)
    lanes = BYTES // x.itemsize
    plan = plan_of(len(x), lanes, x.shape[2:], dy.shape[2:], size, stride, padding, dilation, False)
    firsts, count = _firsts(groups, lanes), min(groups, lanes)
    shares = min(SHARES, -(-len(x) // plan.batch) * plan.blocks)
    dw = np.zeros((shares, len(firsts), plan.taps.shape[1], lanes), x.dtype)
    spots = np.arange(len(plan.corners)) * lanes
    tables = channels_of(x, count), channels_of(dy, count), spots, _runs(plan, lanes), firsts
    share(_weight, shares * len(firsts), 8 * dy.size * dw.shape[2], dense(x), dense(dy), dw, plan, tables)
    total = np.empty((groups, dw.shape[2]), x.dtype)
    for g, block in zip(firsts, dw.sum(axis=0)):
        total[g : g + count] = block[:, :count].T
    return total.reshape(groups, 1, *size)


@serial
def _weight(begin, end, x, dy, dw, plan, tables):
    """Each task is a block of channels, and a share of the images."""
    sources, dsources, spots, runs, firsts = tables
    shares, blocks, taps, lanes = dw.shape
    count, across, totals, pixels = len(sources), dy.shape[3], dw.reshape(-1), dy.reshape(-1)
    band = np.zeros(plan.batch * plan.height * plan.pitch, x.dtype)
    columns, bands = np.zeros(len(plan.corners) * lanes, x.dtype), -(-len(x) // plan.batch) * plan.blocks
    for task in range(begin, end):
        block, part_of = task // shares, task % shares
        g, home = firsts[block], (part_of * blocks + block) * taps * lanes
        for run in range(part_of * bands // shares, (part_of + 1) * bands // shares):
            image, lot = run // plan.blocks * plan.batch, run % plan.blocks
            images, first = min(plan.batch, len(x) - image), lot * plan.lines
            lines = min(plan.lines, dy.shape[2] - first)
            lay_down(x, image, images, g, count, lot * plan.advance - plan.lead, plan, sources, band)
            for n in range(images):
                q = n * lines * across
                start = (((image + n) * dy.shape[1] + g) * dy.shape[2] + first) * across - q
                turned(pixels, dsources, 0, count, start, columns, spots, q, q + lines * across, 0)
            for t in range(0, taps, 4):
                _four(band, plan, images * lines * across, runs, t, columns, totals, home, lanes)


@part
def _four(band, plan, used, runs, t, columns, totals, home, lanes):
    """Four taps; with fewer, the last serves again, and what it had is what it is added to."""
    last = len(runs) - 1
    t1, t2, t3 = min(t + 1, last), min(t + 2, last), min(t + 3, last)
    r0, r1, r2, r3 = runs[t], runs[t1], runs[t2], runs[t3]
    a, b = load(totals, home + t * lanes), load(totals, home + t1 * lanes)
    c, d = load(totals, home + t2 * lanes), load(totals, home + t3 * lanes)
    for q in range(used):
        corner, value = plan.corners[q], load(columns, q * lanes)
        a = fma(value, load(band, corner + r0), a)
        b = fma(value, load(band, corner + r1), b)
        c = fma(value, load(band, corner + r2), c)
        d = fma(value, load(band, corner + r3), d)
    store(a, totals, home + t * lanes)
    store(b, totals, home + t1 * lanes)
    store(c, totals, home + t2 * lanes)
    store(d, totals, home + t3 * lanes)
