"""Convolution by shifted rows: for few results.

x (N, G·C, H, W): images, channels of G groups.  y (N, G·R, H', W').  w (G, R, C, KH, KW).  u v: places in the kernel.
s stride, p padding, r dilation.

An image is laid down as one long row, line after line with zeros between them. Then the tap (c, u, v) reads channel c's
row, only u lines and v places further on, and the convolution is a product of matrices,

    y[r, q] = Σ_t w[r, t] · x[place(t) + q]              t = (c, u, v);  q = 0, 1, 2, …

whose right factor is never built: its rows are shifted views of one small buffer, which stays in the cache. What q
finds between the lines is computed too, and left behind. With a stride, a row holds every s-th pixel of every s-th
line: there are s · s rows, called planes, for each channel, and again each tap is a shift of one of them. Small images
share a row.

Forwards x is taken apart into planes, and y found in one. The adjoint for x is the same with the parts exchanged: dy is
one plane, and each plane of dx is such a sum, over the taps that reach it. So one kernel serves both. The adjoint for w
is the other product with the same shifted rows, dw[r, t] = Σ_q dy[r, q] · x[place(t) + q].

It serves where results are few, and a register of neighbouring results would be mostly empty; see conv_plan.py.

Versions, in shares of the 133 GFLOP/s that one core with AVX-512 does at most (3×3, float32, 16 to 64 channels):
- windows and one matrix product (the operation's body): 0.1 to 0.3; it writes every pixel KH · KW times, and reads it.
- loops over q that LLVM vectorises, 4 rows by 4 taps at a time: 0.4; each sum goes to memory after every 4 taps.
- this one, 4 rows by 4 registers of q, whose 16 sums stay in registers while all taps go by: 0.95 within a tile, and
  0.5 to 0.7 in all (stride 2: 0.35), with laying down, picking up, and what is computed between the lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .conv_rows_plan import JOBS, RUN, forward, plan_of
from .conv_rows_plan import adjoint as backward
from .jit import dense, serial
from .tile import share
from .vector import BYTES, WIDE, add_totals, fma, gather, get, load, part, put, scatter, wide

Sizes = tuple[int, ...]  # one for each axis of the images

TILE = 4  # rows of y at a time
PART = 32  # rows of y in a job, at least: it is worth to lay x down for them
NEAR = 24 << 10  # bytes of x under one tile: they fit the first-level cache


# y[r, q] = Σ_t w[r, t] · x[place(t) + q] ------------------------------------------------------------------------------


def correlate(x: Any, w: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, adjoint: bool) -> Any:
    """x (N, G·C, H, W), w (G, R, C, KH, KW) → y (N, G·R, *size)."""
    groups, results, channels, kh, kw = w.shape
    axes = (backward if adjoint else forward)(size if adjoint else x.shape[2:], (kh, kw), stride, padding, dilation)
    planes = [(down, across) for down in axes[0].taps for across in axes[1].taps]
    full = len(planes) == axes[0].result_step * axes[1].result_step and x.size > 0
    y = (np.empty if full else np.zeros)((len(x), groups * results, *size), x.dtype)
    if not (x.size and y.size):
        return y
    parts = -(-results // PART)
    plan = plan_of(*axes, channels, len(x), parts=groups * parts, lanes=BYTES // x.itemsize, together=WIDE, cost=1)
    # The last one fills up the last tile: within one tile its copies are written alike, and not added twice.
    registers = np.pad(plan.registers, (0, -len(plan.registers) % WIDE), mode="edge")
    chunk = max(1, NEAR // (kh * (WIDE + 1) * BYTES)) * kh * kw
    runs = -(-len(x) // plan.batch)
    parts = min(parts, -(-JOBS // (groups * runs)))
    jobs, work = groups * parts * runs, y.size * channels * kh * kw
    share(_sums, jobs, work, dense(x), _factors(w, planes), y, groups, parts, chunk, registers, plan)
    return y


def _factors(w: Any, planes: list[tuple[Any, Any]]) -> Any:
    """w (G, R, C, KH, KW) as (G, R, taps), one result plane's after the other's, as one row."""
    if len(planes) == 1:
        return dense(w).reshape(-1)
    pieces = [w[:, :, :, [u for u, _, _ in down]][..., [v for v, _, _ in across]] for down, across in planes]
    return np.concatenate([piece.reshape(-1) for piece in pieces])


@serial
def _sums(begin, end, x, w, y, groups, parts, chunk, registers, plan):
    channels, results = x.shape[1] // groups, y.shape[1] // groups
    row = np.zeros(channels * len(plan.starts) * plan.length + plan.slack, x.dtype)
    sums = np.empty(-(-results // TILE) * TILE * plan.room, x.dtype)
    for job in range(begin, end):
        _some_sums(job, x, w, y, groups, parts, chunk, registers, plan, row, sums)


@part
def _some_sums(job, x, w, y, groups, parts, chunk, registers, plan, row, sums):
    """One group, one part of its results, one run of images."""
    channels, results = x.shape[1] // groups, y.shape[1] // groups
    runs, blocks = -(-len(x) // plan.batch), -(-results // TILE)
    g, share, image = job // (parts * runs), job // runs % parts, job % runs * plan.batch
    low, high = share * blocks // parts, (share + 1) * blocks // parts
    images, first, last = min(plan.batch, len(x) - image), low * TILE, min(high * TILE, results)
    _lay_down(x, image, images, g * channels, channels, plan.starts, plan.step, row, plan.length, plan)
    for f in range(len(plan.result_starts)):
        begin, taps = plan.ends[f], plan.ends[f + 1] - plan.ends[f]
        for t in range(0, taps, chunk):
            places = plan.places[begin + t : begin + min(t + chunk, taps)]
            factors = groups * results * begin + g * results * taps + t
            for q in range(0, len(registers), WIDE):
                for r in range(first, last, TILE):
                    k, at = factors + r * taps, (r - first) * plan.room
                    _tile(w, k, taps, last - r, row, places, registers, q, sums, at, plan.room, t > 0)
        start = plan.result_starts[f]
        _pick_up(sums, y, image, images, g * results + first, last - first, start, plan.result_step, plan)


@part
def _tile(w, k, taps, rows, x, places, registers, q, y, at, room, more):
    """Four rows of y in WIDE registers; if `more`, added to what they hold. With fewer rows, the last serves again."""
    l, m, n = k + min(1, rows - 1) * taps, k + min(2, rows - 1) * taps, k + min(3, rows - 1) * taps
    a = b = c = d = wide(x)
    if more:
        a, b = gather(y, registers, q, at), gather(y, registers, q, at + room)
        c, d = gather(y, registers, q, at + 2 * room), gather(y, registers, q, at + 3 * room)
    for t in range(len(places)):
        shifted = gather(x, registers, q, places[t])
        a = fma(get(w, k + t), shifted, a)
        b = fma(get(w, l + t), shifted, b)
        c = fma(get(w, m + t), shifted, c)
        d = fma(get(w, n + t), shifted, d)
    scatter(a, y, registers, q, at)
    scatter(b, y, registers, q, at + room)
    scatter(c, y, registers, q, at + 2 * room)
    scatter(d, y, registers, q, at + 3 * room)


# dw[r, t] = Σ_q dy[r, q] · x[place(t) + q] ----------------------------------------------------------------------------


def weight(x: Any, dy: Any, groups: int, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """x (N, G·C, H, W), dy (N, G·R, H', W') → dw (G·R, C, *size)."""
    axes = forward(x.shape[2:], size, stride, padding, dilation)
    channels, results = x.shape[1] // groups, dy.shape[1] // groups
    if not (x.size and dy.size):
        return np.zeros((groups * results, channels, *size), x.dtype)
    parts, taps, blocks = -(-results // PART), channels * size[0] * size[1], -(-results // TILE)
    plan = plan_of(*axes, channels, len(x), parts=groups * parts, lanes=BYTES // x.itemsize, together=1, cost=16)
    runs = -(-len(x) // plan.batch)
    shares = max(1, min(runs, JOBS // groups, (1 << 21) // (groups * results * taps)))  # of the images
    parts = min(parts, -(-JOBS // (groups * shares)))  # of the results
    dw = np.zeros((shares, groups, blocks * TILE, -(-taps // WIDE) * WIDE), x.dtype)
    places = np.pad(plan.places, (0, dw.shape[-1] - taps))  # the last few are not used
    share(_products, groups * parts * shares, dy.size * taps, dense(x), dense(dy), dw, parts, places, plan)
    return dw.sum(axis=0)[:, :results, :taps].reshape(groups * results, channels, *size)


@serial
def _products(begin, end, x, dy, dw, parts, places, plan):
    groups, results = dw.shape[1:3]
    row = np.zeros(x.shape[1] // groups * len(plan.starts) * plan.length + plan.slack, x.dtype)
    drow = np.zeros(results * plan.room, x.dtype)
    for job in range(begin, end):
        _some_products(job, x, dy, dw, parts, places, plan, row, drow)


@part
def _some_products(job, x, dy, dw, parts, places, plan, row, drow):
    """One group, one part of its results, one share of the images."""
    shares, groups = dw.shape[0], dw.shape[1]
    channels, results = x.shape[1] // groups, dy.shape[1] // groups
    runs, blocks = -(-len(x) // plan.batch), -(-results // TILE)
    g, some, share = job // (parts * shares), job // shares % parts, job % shares
    low, high = some * blocks // parts, (some + 1) * blocks // parts
    first, last = low * TILE, min(high * TILE, results)
    start, step = np.zeros((1, 2), np.int64), np.ones(2, np.int64)  # dy is one plane
    sums = dw.reshape(-1)
    drow[:] = 0  # between the lines, and where there is no result
    for run in range(share * runs // shares, (share + 1) * runs // shares):
        image = run * plan.batch
        images = min(plan.batch, len(x) - image)
        if images < plan.batch:
            drow[:] = 0  # what the run before has left
        _lay_down(x, image, images, g * channels, channels, plan.starts, plan.step, row, plan.length, plan)
        _lay_down(dy, image, images, g * results + first, last - first, start, step, drow, plan.room, plan)
        for q in range(0, len(plan.registers), RUN):
            registers = plan.registers[q : q + RUN]
            for b in range(low, high):
                k = ((share * groups + g) * blocks + b) * TILE * len(places)
                for t in range(0, len(places), WIDE):
                    _dots(drow, (b - low) * TILE * plan.room, plan.room, row, places, t, registers, sums, k + t)


@part
def _dots(dy, at, room, x, places, t, registers, dw, k):
    """Four rows of dy with WIDE taps of x: 4 · WIDE scalar products, added to dw."""
    a = b = c = d = wide(x)
    for q in registers:
        shifted = gather(x, places, t, q)
        a = fma(load(dy, at + q), shifted, a)
        b = fma(load(dy, at + room + q), shifted, b)
        c = fma(load(dy, at + 2 * room + q), shifted, c)
        d = fma(load(dy, at + 3 * room + q), shifted, d)
    add_totals(a, dw, k)
    add_totals(b, dw, k + len(places))
    add_totals(c, dw, k + 2 * len(places))
    add_totals(d, dw, k + 3 * len(places))


# In and out -----------------------------------------------------------------------------------------------------------


@part
def _lay_down(x, image, images, channel, channels, starts, step, rows, length, plan):
    """Some images and channels of x as rows; the zeros between the lines are there already."""
    pixels, h, w = x.reshape(-1), x.shape[2], x.shape[3]
    for c in range(channels):
        for f in range(len(starts)):
            i0, i1 = _inside(starts[f, 0], step[0], h, plan.lines)
            j0, j1 = _inside(starts[f, 1], step[1], w, plan.pitch)
            for n in range(images):
                at = (c * len(starts) + f) * length + n * plan.lines * plan.pitch
                corner = ((image + n) * x.shape[1] + channel + c) * h * w + starts[f, 0] * w + starts[f, 1]
                if step[1] == 1 and j1 - j0 == w == plan.pitch and step[0] == 1:  # lines follow on one another
                    _move(pixels, corner, 1, rows, at, 1, i0 * w, i1 * w)
                else:
                    for i in range(i0, i1):
                        _move(pixels, corner + i * step[0] * w, step[1], rows, at + i * plan.pitch, 1, j0, j1)


@part
def _pick_up(rows, y, image, images, channel, channels, start, step, plan):
    """Rows as one plane of some images and channels of y; what lies between the lines is left behind."""
    pixels, h, w = y.reshape(-1), y.shape[2], y.shape[3]
    i0, i1 = _inside(start[0], step[0], h, plan.down)
    j0, j1 = _inside(start[1], step[1], w, plan.across)
    for c in range(channels):
        for n in range(images):
            at = c * plan.room + n * plan.lines * plan.pitch
            corner = ((image + n) * y.shape[1] + channel + c) * h * w + start[0] * w + start[1]
            if step[1] == 1 and j1 - j0 == w == plan.pitch and step[0] == 1:
                _move(rows, at, 1, pixels, corner, 1, i0 * w, i1 * w)
            else:
                for i in range(i0, i1):
                    _move(rows, at + i * plan.pitch, 1, pixels, corner + i * step[0] * w, step[1], j0, j1)


@part
def _inside(start, step, size, count):
    """The range of k < count for which pixel start + k · step exists."""
    return max(0, -(start // step)), min(count, (size - 1 - start) // step + 1)


@part
def _move(source, i, step, target, k, target_step, first, last):
    """target[k + j · target_step] = source[i + j · step]; LLVM vectorises the usual steps, in loops of their own."""
    if step == 1 and target_step == 1:
        for j in range(first, last):
            put(get(source, i + j), target, k + j)
    elif step == 2:
        for j in range(first, last):
            put(get(source, i + 2 * j), target, k + j)
    else:
        for j in range(first, last):
            put(get(source, i + j * step), target, k + j * target_step)
