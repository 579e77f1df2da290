"""Convolution on the CPU: one sum of shifted rows, forwards and backwards.

x (N, G·C, H, W): images, groups of channels.  y (N, G·R, H', W').  KH KW: kernel.  u v: its taps.  s stride,
p padding, r dilation.

An image is laid down as one long row, line after line with zeros between them. Then the tap (u, v) reads the same row,
only u lines and v places further on, and the convolution is a product of matrices,

    y[r, q] = Σ_t w[r, t] · x[place(t) + q]              t = (c, u, v);  q = 0, 1, 2, …

whose right factor is never built: its rows are shifted views of one small buffer, which stays in the cache. What q
finds between the lines is computed too, and left behind. With a stride, a row holds every s-th pixel of every s-th
line: s · s rows, called planes, and again each tap is a shift of one of them. Small images share a row.

`conv2d` takes x apart into planes, and finds y in one. Its adjoint for x is the same with the roles exchanged: dy is
one plane, and each plane of dx is such a sum over the taps that reach it. So one kernel serves both. The adjoint for w
is the other product with the same shifted rows, dw[r, t] = Σ_q dy[r, q] · x[place(t) + q].

Versions, as shares of the 133 GFLOP/s that a core with AVX-512 does at most (3×3, float32, 16 to 64 channels):
- windows and one matrix product (the operation's body): 0.1; it writes every pixel KH · KW times and reads it back.
- loops over q that LLVM vectorises, 4 rows by 4 taps at a time: 0.4; each sum goes to memory after every 4 taps.
- this one, a tile of 4 rows by 4 registers of q, whose 16 sums stay in registers while all taps go by: 0.95 in the
  tile, 0.6 to 0.8 with laying down and picking up.

`python -m benchmarks kernels conv2d conv2d_input conv2d_weight` shows the times.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .jit import dense, prange, serial, strips_jit, strips_of
from .vector import BYTES, WIDE, add_totals, fma, gather, get, load, put, scatter, wide

Pair = tuple[int, int]

TILE = 4  # rows of y at a time
JOBS = 16  # what is shared among the threads, at least; constant, so that the sums do not depend on their number
NEAR = 24 << 10  # bytes of x under one tile: they fit the first-level cache
REGISTERS = 96  # of a row of dy at a time: four rows fit the first-level cache


def conv2d(x: Any, w: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """Twin of `minidl.ops.conv2d`."""
    axes = [_forward(*each) for each in zip(x.shape[2:], w.shape[2:], stride, padding, dilation)]
    w = w.reshape(groups, -1, *w.shape[1:])  # (G, R, C, KH, KW)
    return _correlate(x, w, axes, (axes[0].count, axes[1].count))


def conv2d_input(dy: Any, w: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """Twin of `minidl.ops.conv2d_input`."""
    axes = [_adjoint(*each) for each in zip(size, w.shape[2:], stride, padding, dilation)]
    w = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2)  # (G, C, R, KH, KW)
    return _correlate(dy, w, axes, size)


def conv2d_weight(x: Any, dy: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """Twin of `minidl.ops.conv2d_weight`."""
    axes = [_forward(*each) for each in zip(x.shape[2:], size, stride, padding, dilation)]
    channels, results = x.shape[1] // groups, dy.shape[1] // groups
    taps, blocks = channels * size[0] * size[1], -(-results // TILE)
    if not (x.size and dy.size):
        return np.zeros((groups * results, channels, *size), x.dtype)
    lanes = BYTES // x.itemsize
    plan = _plan(*axes, channels, len(x), lanes=lanes, run=REGISTERS * lanes, cost=16)
    runs, whole = -(-len(x) // plan.batch), dy.shape[1] * taps
    shares = max(1, min(runs, JOBS // (2 * groups), (1 << 21) // whole))  # sums for each share of the images
    parts = min(-(-blocks // 4), -(-JOBS // (groups * shares)))
    dw = np.zeros((shares, groups, blocks * TILE, -(-taps // WIDE) * WIDE), x.dtype)
    places = np.pad(plan.places, (0, dw.shape[-1] - taps))
    strips = strips_of(groups * parts * shares, dy.size * taps >> 4)
    _products(strips, dense(x), dense(dy), dw, results, parts, plan.registers[-1] + lanes, places, plan)
    return dw.sum(axis=0)[:, :results, :taps].reshape(groups * results, channels, *size)


# Where things lie -----------------------------------------------------------------------------------------------------


class Axis(NamedTuple):
    """Lines, or places in a line: which pixels the planes take, and which taps join them.

    Source plane a holds the pixels starts[a] + k · step of x, k = 0, 1, …, with 0 where there is none.
    Result plane b holds the pixels result_starts[b] + k · result_step of y, k = 0 … count − 1, and is
    y_b[k] = Σ w[u] · x_a[k + shift] over its taps (u, a, shift).
    """

    step: int
    starts: tuple[int, ...]
    result_step: int
    result_starts: tuple[int, ...]
    taps: tuple[tuple[tuple[int, int, int], ...], ...]
    count: int
    pitch: int  # from one line, or image, to the next


@cache
def _forward(n: int, k: int, s: int, p: int, r: int) -> Axis:
    """Result i takes pixel i·s + u·r − p of x: place i + ⌊u·r/s⌋ of the plane that starts at (u·r mod s) − p."""
    m = (n + 2 * p - r * (k - 1) - 1) // s + 1
    phases = sorted({u * r % s for u in range(k)})
    taps = tuple((u, phases.index(u * r % s), u * r // s) for u in range(k))
    pitch = _pitch(m, lead=p // s, end=-(-(n + p) // s), reach=r * (k - 1) // s)
    return Axis(s, tuple(a - p for a in phases), 1, (0,), (taps,), m, pitch)


@cache
def _adjoint(n: int, k: int, s: int, p: int, r: int) -> Axis:
    """The same pairs from the other side: pixel i·s + a − p of dx takes place i − ⌊u·r/s⌋ of dy if u·r mod s = a."""
    m = (n + 2 * p - r * (k - 1) - 1) // s + 1
    phases = sorted({u * r % s for u in range(k)})
    skip = p // s  # the first i that is no padding, in some plane
    lead = max(0, r * (k - 1) // s - skip)
    taps = tuple(tuple((u, 0, lead + skip - u * r // s) for u in range(k) if u * r % s == a) for a in phases)
    count = (n - 1 + p) // s - skip + 1
    pitch = _pitch(count, lead=lead, end=lead + m, reach=lead + skip)
    return Axis(1, (-lead,), s, tuple(a - p % s for a in phases), taps, count, pitch)


def _pitch(count: int, *, lead: int, end: int, reach: int) -> int:
    """The least that keeps lines apart: the zeros after one may be the `lead` zeros before the next."""
    return max(count, end, count + reach - lead)


class Plan(NamedTuple):
    """Both axes together, as the kernels want them."""

    starts: np.ndarray  # (source planes, 2)
    step: np.ndarray  # (2,)
    result_starts: np.ndarray  # (result planes, 2)
    result_step: np.ndarray  # (2,)
    places: np.ndarray  # where each tap begins to read; one result plane's after the other's
    ends: np.ndarray  # where in `places` each result plane's taps end, after a 0
    registers: np.ndarray  # where results are computed, one register each: places in a row
    batch: int  # images in a row
    lines: int  # of an image, with the zeros
    pitch: int  # places in a line, with the zeros
    down: int  # lines of results
    across: int  # results in a line
    slack: int  # places after the last row that may be read


@cache
def _plan(rows: Axis, columns: Axis, channels: int, images: int, *, lanes: int, run: int, cost: int) -> Plan:
    """With as many images in a row as take the fewest registers, where a row may have `run` places.

    A row costs as much as `cost` registers more.
    """
    most = max(1, min(run // (rows.pitch * columns.pitch), images // 8))
    registers = [_registers(rows, columns, batch, lanes) for batch in range(1, most + 1)]
    batch = min(range(1, most + 1), key=lambda batch: -(-images // batch) * (len(registers[batch - 1]) + cost))
    starts = [(a, b) for a in rows.starts for b in columns.starts]
    length = batch * rows.pitch * columns.pitch
    places, ends = [], [0]
    for vertical in rows.taps:
        for horizontal in columns.taps:
            for c in range(channels):
                for _, a, down in vertical:
                    for _, b, right in horizontal:
                        plane = c * len(starts) + a * len(columns.starts) + b
                        places.append(plane * length + down * columns.pitch + right)
            ends.append(len(places))
    reach = [max(shift for taps in axis.taps for _, _, shift in taps) for axis in (rows, columns)]
    return Plan(
        np.array(starts),
        np.array([rows.step, columns.step]),
        np.array([(a, b) for a in rows.result_starts for b in columns.result_starts]),
        np.array([rows.result_step, columns.result_step]),
        np.array(places),
        np.array(ends),
        registers[batch - 1],
        batch,
        rows.pitch,
        columns.pitch,
        rows.count,
        columns.count,
        reach[0] * columns.pitch + reach[1] + lanes,
    )


def _registers(rows: Axis, columns: Axis, batch: int, lanes: int) -> np.ndarray:
    """Where the registers stand that cover all results, each once: through the row, or from each image on anew."""
    plane, image = rows.pitch * columns.pitch, (rows.count - 1) * columns.pitch + columns.count
    through = range(0, (batch - 1) * plane + image, lanes)
    anew = [n * plane + q for n in range(batch) for q in range(0, image, lanes)]
    fits = -(-image // lanes) * lanes <= plane
    return np.array(anew if fits and len(anew) < len(through) else through)


# y[r, q] = Σ_t w[r, t] · x[place(t) + q] ------------------------------------------------------------------------------


def _correlate(x: Any, w: Any, axes: list[Axis], shape: Pair) -> Any:
    """x (N, G·C, H, W), w (G, R, C, KH, KW) → y (N, G·R, *shape)."""
    groups, results, channels, kh, kw = w.shape
    planes = [(vertical, horizontal) for vertical in axes[0].taps for horizontal in axes[1].taps]
    full = len(planes) == axes[0].result_step * axes[1].result_step and x.size > 0
    y = (np.empty if full else np.zeros)((len(x), groups * results, *shape), x.dtype)
    if not (x.size and y.size):
        return y
    lanes = BYTES // x.itemsize
    plan = _plan(*axes, channels, len(x), lanes=lanes, run=512, cost=1)
    packed = [_packed(w[:, :, :, [u for u, _, _ in down]][..., [v for v, _, _ in right]]) for down, right in planes]
    runs, blocks = -(-len(x) // plan.batch), -(-results // TILE)
    parts = min(-(-blocks // 4), -(-JOBS // (groups * runs)))
    chunk = max(1, NEAR // (kh * (WIDE + 1) * 64)) * kh * kw
    strips = strips_of(groups * parts * runs, y.size * channels * kh * kw >> 4)
    registers = np.pad(plan.registers, (0, -len(plan.registers) % WIDE))
    _sums(strips, dense(x), np.concatenate(packed), y, groups, parts, chunk, registers, plan.registers[-1] + lanes, plan)
    return y


def _packed(w: Any) -> Any:
    """(G, R, C, KH, KW) as one row in the order (G, R/4, C, KH, KW, 4): side by side what a tile wants at once."""
    groups, results = w.shape[:2]
    blocks = -(-results // TILE)
    full = np.zeros((groups, blocks * TILE, *w.shape[2:]), w.dtype)
    full[:, :results] = w
    return full.reshape(groups, blocks, TILE, -1).swapaxes(2, 3).reshape(-1)


@strips_jit
def _sums(strips, x, w, y, groups, parts, chunk, registers, room, plan):
    channels, results = x.shape[1] // groups, y.shape[1] // groups
    runs, blocks = -(-len(x) // plan.batch), -(-results // TILE)
    jobs = groups * parts * runs
    length = plan.batch * plan.lines * plan.pitch
    for strip in prange(strips):
        row = np.zeros(channels * len(plan.starts) * length + plan.slack, x.dtype)
        sums = np.empty(blocks * TILE * room, x.dtype)
        for job in range(strip * jobs // strips, (strip + 1) * jobs // strips):
            g, part, first = job // (parts * runs), job // runs % parts, job % runs * plan.batch
            images = min(plan.batch, len(x) - first)
            _lay_down(x, first, images, g * channels, channels, plan.starts, plan.step, row, length, plan)
            low, high = part * blocks // parts, (part + 1) * blocks // parts
            top, count = g * results + low * TILE, min(high * TILE, results) - low * TILE
            for f in range(len(plan.result_starts)):
                begin, taps = plan.ends[f], plan.ends[f + 1] - plan.ends[f]
                for t in range(0, taps, chunk):
                    places = plan.places[begin + t : begin + min(t + chunk, taps)]
                    k = TILE * (groups * blocks * begin + (g * blocks + low) * taps + t)
                    for q in range(0, len(registers), WIDE):
                        for b in range(high - low):
                            _tile(t > 0, w, k + b * TILE * taps, row, places, registers, q, sums, b * TILE * room, room)
                _pick_up(sums, room, y, first, images, top, count, plan.result_starts[f], plan.result_step, plan)


@serial
def _tile(more, w, k, x, places, registers, q, y, at, length):
    """Four rows of y, in WIDE registers; added to what is there, if these are more taps for them."""
    a = b = c = d = wide(x)
    if more:
        a, b = gather(y, registers, q, at), gather(y, registers, q, at + length)
        c, d = gather(y, registers, q, at + 2 * length), gather(y, registers, q, at + 3 * length)
    for t in range(len(places)):
        shifted = gather(x, registers, q, places[t])
        a = fma(w[k], shifted, a)
        b = fma(w[k + 1], shifted, b)
        c = fma(w[k + 2], shifted, c)
        d = fma(w[k + 3], shifted, d)
        k += TILE
    scatter(a, y, registers, q, at)
    scatter(b, y, registers, q, at + length)
    scatter(c, y, registers, q, at + 2 * length)
    scatter(d, y, registers, q, at + 3 * length)


# dw[r, t] = Σ_q dy[r, q] · x[place(t) + q] ----------------------------------------------------------------------------


@strips_jit
def _products(strips, x, dy, dw, results, parts, room, places, plan):
    shares, groups = dw.shape[0], dw.shape[1]
    channels, runs, blocks = x.shape[1] // groups, -(-len(x) // plan.batch), dw.shape[2] // TILE
    jobs = groups * parts * shares
    length = plan.batch * plan.lines * plan.pitch
    start, step = np.zeros((1, 2), np.int64), np.ones(2, np.int64)  # results lie in one plane
    for strip in prange(strips):
        row = np.zeros(channels * len(plan.starts) * length + plan.slack, x.dtype)
        for job in range(strip * jobs // strips, (strip + 1) * jobs // strips):
            g, part, share = job // (parts * shares), job // shares % parts, job % shares
            low, high = part * blocks // parts, (part + 1) * blocks // parts
            top, count = g * results + low * TILE, min(high * TILE, results) - low * TILE
            drow = np.zeros((high - low) * TILE * room, x.dtype)
            for run in range(share * runs // shares, (share + 1) * runs // shares):
                first = run * plan.batch
                images = min(plan.batch, len(x) - first)
                if images < plan.batch:
                    drow[:] = 0  # what the run before has left after the end
                _lay_down(x, first, images, g * channels, channels, plan.starts, plan.step, row, length, plan)
                _lay_down(dy, first, images, top, count, start, step, drow, room, plan)
                for q in range(0, len(plan.registers), REGISTERS):
                    registers = plan.registers[q : q + REGISTERS]
                    for r in range(low * TILE, high * TILE, TILE):
                        for t in range(0, len(places), WIDE):
                            _dots(drow, (r - low * TILE) * room, room, registers, row, places, t, dw[share, g], r)


@serial
def _dots(dy, at, length, registers, x, places, t, dw, r):
    """Four rows of dy with WIDE taps of x: 4 · WIDE scalar products over q."""
    a = b = c = d = wide(x)
    for q in registers:
        shifted = gather(x, places, t, q)
        a = fma(load(dy, at + q), shifted, a)
        b = fma(load(dy, at + length + q), shifted, b)
        c = fma(load(dy, at + 2 * length + q), shifted, c)
        d = fma(load(dy, at + 3 * length + q), shifted, d)
    add_totals(a, dw[r], t)
    add_totals(b, dw[r + 1], t)
    add_totals(c, dw[r + 2], t)
    add_totals(d, dw[r + 3], t)


# In and out -----------------------------------------------------------------------------------------------------------


@serial
def _lay_down(x, image, images, channel, channels, starts, step, row, length, plan):
    """Images and channels from the given ones on, into rows; the zeros between the lines are there already."""
    pixels, h, w = x.reshape(-1), x.shape[2], x.shape[3]
    for c in range(channels):
        for f in range(len(starts)):
            top, left = starts[f]
            i0, i1 = max(0, -(top // step[0])), min(plan.lines, (h - 1 - top) // step[0] + 1)
            j0, j1 = max(0, -(left // step[1])), min(plan.pitch, (w - 1 - left) // step[1] + 1)
            for n in range(images):
                at = (c * len(starts) + f) * length + n * plan.lines * plan.pitch
                line = (((image + n) * x.shape[1] + channel + c) * h + top) * w + left
                for i in range(i0, i1):
                    _move(pixels, line + i * step[0] * w, step[1], row, at + i * plan.pitch, 1, j0, j1)


@serial
def _pick_up(row, length, y, image, images, channel, channels, start, step, plan):
    """Rows into one plane of y; what lies between the lines is left behind."""
    pixels, h, w = y.reshape(-1), y.shape[2], y.shape[3]
    i0, i1 = max(0, -(start[0] // step[0])), min(plan.down, (h - 1 - start[0]) // step[0] + 1)
    j0, j1 = max(0, -(start[1] // step[1])), min(plan.across, (w - 1 - start[1]) // step[1] + 1)
    for c in range(channels):
        for n in range(images):
            at = c * length + n * plan.lines * plan.pitch
            line = (((image + n) * y.shape[1] + channel + c) * h + start[0]) * w + start[1]
            for i in range(i0, i1):
                _move(row, at + i * plan.pitch, 1, pixels, line + i * step[0] * w, step[1], j0, j1)


@serial
def _move(source, i, step, target, k, target_step, first, last):
    """Elements first … last of one line to another; the usual steps in loops of their own, which LLVM vectorises."""
    if step == 1 and target_step == 1:
        for j in range(first, last):
            put(get(source, i + j), target, k + j)
    elif step == 2:
        for j in range(first, last):
            put(get(source, i + 2 * j), target, k + j)
    else:
        for j in range(first, last):
            put(get(source, i + j * step), target, k + j * target_step)
