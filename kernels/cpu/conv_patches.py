"""Convolution by patches: for many channels, any kernel, stride and dilation.

x (N, G·C, H, W): images, channels of G groups.  y (N, G·R, H', W').  w (G, R, C, KH, KW).  u v: places in the kernel.

Images are laid down with their channels last, in a *band*: lines of an image with the zeros around it. Then the patch
under a kernel of one line is one run of KW · C numbers, and one of KH lines is KH such runs. So with the kernels as a
matrix of KH · KW · C rows and R columns,

    y[q, r] = Σ_t Σ_k band[corner(q) + run(t) + k] · w[t, k, r]          q: places of y;  t: runs;  k: numbers in a run

is a product of matrices whose left factor is never built (`sums` in patches.py). Strides are steps between corners, and
dilations steps between runs.

The adjoint for x is the same, with the taps that reach a pixel: dx[i] is the sum of w[u] · dy[j] over those u for which
i + p − u·r = j·s, and these depend on (i + p) mod s. So pixels are sorted by that remainder, into s · s *phases*, each
a sum with its own runs. The adjoint for w is the other product, Σ_q band[corner(q) + run(t) + k] · dy[q, r], with the
same corners and runs exchanged.

Versions, in PyTorch's time with channels last divided by theirs (float32, one thread, a machine that others used too):
- shifted rows (conv_rows.py): 0.5 to 1.0; with stride 2 0.3 to 0.6, images of 8 × 8 0.35 to 0.65. It computes what lies
  between lines, and with a stride lays down s · s planes.
- this one: 0.7 to 0.9 with 3×3, 5×5, 1×1 and 8 × 8 maps; 0.7 to 1.3 with stride 2. PyTorch with channels first: 0.8
  to 1.3, dx with stride 2 1.9. `sums` alone does 170 to 180 GFLOP/s on one core with AVX-512, this 120 to 155. Turning
  pixels into channels and back is 0.07 of a 5×5, 0.2 of a 1×1, and half of a 3×3 with 3 channels.
- longer and shorter pieces of a panel (STEPS 80, 256, 400), half and twice the band, tiles of 10 and 12 rows: no gain.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .jit import dense, serial
from .patches import TALL, panel_width, part, sums, turned
from .tile import share

Sizes = tuple[int, ...]

STEPS = 160  # rows of a panel that serve all patches of a band before the next do: half of a first-level cache
BAND = 1 << 16  # numbers in a band, about: with the sums it fits the second-level cache
SHARES = 8  # sums for dw, at most, each over its share of the images; a constant, and so are the bits


class Plan(NamedTuple):
    """Where things lie, in numbers of a band, as the kernel wants it: arrays and integers."""

    batch: int  # images in a band
    lines: int  # results of an image, in lines
    blocks: int  # for one image
    advance: int  # lines of the source from one block to the next
    lead: int  # lines of zeros above the source
    height: int  # lines of a band for one image
    pitch: int  # numbers in a line of a band
    homes: np.ndarray  # of the pixels of a source image
    corners: np.ndarray  # of the results, phase after phase, each filled up to whole tiles
    runs: np.ndarray  # from a corner to each run, phase after phase
    phases: np.ndarray  # (phases + 1, 2): where the corners and the runs of each begin
    inner: int  # numbers in a run
    order: np.ndarray  # among the corners, of the results of a band
    taps: np.ndarray  # (2, taps): u and v of each tap, in the order of the runs


class Axis(NamedTuple):
    """One axis: results in phases, and from where in the source each takes what by which tap."""

    phases: list[list[int]]  # the results of each phase
    origins: list[int]  # for every result: source place 0 of its taps
    taps: list[list[tuple[int, int]]]  # for each phase: (tap, how much further on), in the order of the source


def _axis(count: int, k: int, s: int, p: int, r: int, adjoint: bool) -> Axis:
    if not adjoint:
        return Axis([list(range(count))], [i * s - p for i in range(count)], [[(u, u * r) for u in range(k)]])
    rests = [a for a in range(s) if any((i + p) % s == a for i in range(count))]
    return Axis(
        [[i for i in range(count) if (i + p) % s == a] for a in rests],
        [(i + p) // s for i in range(count)],
        [[(u, -(u * r // s)) for u in reversed(range(k)) if u * r % s == a] for a in rests],
    )


@lru_cache(maxsize=256)
def plan_of(
    images: int, channels: int, size: Sizes, places: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes,
    dilation: Sizes, adjoint: bool,
) -> Plan:  # fmt: skip
    """`images` of `size` pixels → `places` results, or in adjoints the other way about: `size` is the source's."""
    (h, w), step = size, stride[0] if adjoint else 1
    across = _axis(places[1], kernel[1], stride[1], padding[1], dilation[1], adjoint)
    left, width = _extent(across)
    pitch = max(width, w - left) * channels
    taken = 1 / stride[0] if adjoint else stride[0]  # lines of the source for one of results
    fit = max(step, int(BAND / max(pitch * taken, places[1] * 64)))
    blocks = -(-places[0] // fit)
    lines = -(-places[0] // (blocks * step)) * step if blocks > 1 else places[0]  # blocks of like size, of whole steps
    blocks = -(-places[0] // lines)
    down = _axis(lines, kernel[0], stride[0], padding[0], dilation[0], adjoint)
    top, height = _extent(down)
    batch = max(1, min(256 // (lines * places[1]), images // 8)) if blocks == 1 else 1
    region = height * pitch
    homes = [i * pitch + (j - left) * channels for i in range(h) for j in range(w)]
    corners: list[int] = []
    runs: list[int] = []
    phases, order, taps = [(0, 0)], np.zeros((batch, lines, places[1]), np.int64), []
    merge = _merges(across) and channels * len(across.taps[0]) <= STEPS
    inner = channels * len(across.taps[0]) if merge else channels
    pieces = next((n for n in range(1, inner // 32) if inner % n == 0 and inner // n <= STEPS), 1)
    for rows, vertical in zip(down.phases, down.taps):
        for cols, horizontal in zip(across.phases, across.taps):
            for n in range(batch):
                for i in rows:
                    for j in cols:
                        order[n, i, j] = len(corners)
                        corners.append(
                            n * region + (down.origins[i] - top) * pitch + (across.origins[j] - left) * channels
                        )
            corners += corners[-1:] * (-len(corners) % TALL)
            for u, i in vertical:
                taps += [(u, v) for v, _ in horizontal]
                starts = [i * pitch + j * channels for _, j in (horizontal[:1] if merge else horizontal)]
                runs += [start + n * (inner // pieces) for start in starts for n in range(pieces)]
            phases.append((len(corners), len(runs)))
    return Plan(
        batch=batch,
        lines=lines,
        blocks=blocks,
        advance=lines // step if adjoint else lines * stride[0],
        lead=-top,
        height=height,
        pitch=pitch,
        homes=np.array(homes),
        corners=np.array(corners),
        runs=np.array(runs, np.int64),
        phases=np.array(phases),
        inner=inner // pieces,
        order=order.reshape(-1),
        taps=np.array(taps, np.int64).reshape(-1, 2).T,
    )


def _merges(axis: Axis) -> bool:
    """Whether the taps of every phase are equally many, and neighbours: then they are one run."""
    shifts = [[m for _, m in each] for each in axis.taps]
    return len({len(each) for each in shifts}) == 1 and all(
        each == list(range(each[0], each[0] + len(each))) for each in shifts if each
    )


def _extent(axis: Axis) -> tuple[int, int]:
    """The first place of the source that is touched, or 0, and how many there are from it to the last one."""
    origins = [[axis.origins[i] for i in phase] for phase in axis.phases]
    reach = [
        (min(some) + min(shifts), max(some) + max(shifts) + 1)
        for some, shifts in zip(origins, ([m for _, m in each] or [0] for each in axis.taps))
    ]
    first = min(0, *(low for low, _ in reach))
    return first, max(high for _, high in reach) - first


# y[q, r] = Σ_t Σ_k band[corner(q) + run(t) + k] · w[t, k, r] ----------------------------------------------------------


def correlate(x: Any, w: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, adjoint: bool) -> Any:
    """x (N, G·C, H, W), w (G, R, C, KH, KW) → y (N, G·R, *size)."""
    groups, results, channels = w.shape[:3]
    y = np.empty((len(x), groups * results, *size), x.dtype)
    if not (x.size and y.size):
        return np.zeros_like(y)
    plan = plan_of(len(x), channels, x.shape[2:], size, w.shape[3:], stride, padding, dilation, adjoint)
    tasks = groups * plan.blocks * -(-len(x) // plan.batch)
    width = panel_width(x, results)
    tables = channels_of(x, channels), plan.order * width, np.arange(width) * (size[0] * size[1])
    work = y.size * channels * plan.taps.shape[1] // len(plan.phases)
    share(_correlate, tasks, work, dense(x), panels_of(w, plan.taps), y, groups, plan, tables)
    return y


def panels_of(w: Any, taps: np.ndarray) -> np.ndarray:
    """w (G, R, C, KH, KW) → (G, panels, taps · C, results in a panel), the last panel filled up with zeros."""
    width = panel_width(w, w.shape[1])
    w = w[..., taps[0], taps[1]].transpose(0, 3, 2, 1)  # (G, taps, C, R)
    groups, _, _, results = w.shape
    panels = -(-results // width)
    y = np.zeros((groups, panels, w.shape[1] * w.shape[2], width), w.dtype)
    for p in range(panels):
        some = w[..., p * width : (p + 1) * width]
        y[:, p, :, : some.shape[-1]] = some.reshape(groups, -1, some.shape[-1])
    return y


def channels_of(x: Any, count: int) -> np.ndarray:
    """Where each channel of an image begins."""
    return np.arange(count) * (x.shape[2] * x.shape[3])


@serial
def _correlate(begin, end, x, w, y, groups, plan, tables):
    """Each task is a group, and a band of images or of lines."""
    sources, order, sinks = tables
    channels, results, (across, width) = x.shape[1] // groups, y.shape[1] // groups, (y.shape[3], w.shape[3])
    band = np.zeros(plan.batch * plan.height * plan.pitch, x.dtype)
    out = np.empty(len(plan.corners) * width, x.dtype)
    factors, pixels = w.reshape(-1), y.reshape(-1)
    chunk, bands = max(1, STEPS // plan.inner), -(-len(x) // plan.batch) * plan.blocks
    for task in range(begin, end):
        g, image, block = task // bands, task % bands // plan.blocks * plan.batch, task % plan.blocks
        images, first = min(plan.batch, len(x) - image), block * plan.lines
        lines = min(plan.lines, y.shape[2] - first)
        lay_down(x, image, images, g * channels, channels, block * plan.advance - plan.lead, plan, sources, band)
        used = images * lines * across if len(plan.phases) == 2 else len(plan.corners)
        for p in range(w.shape[1]):
            at = (g * w.shape[1] + p) * w.shape[2] * width
            for f in range(1, len(plan.phases)):
                (q0, t0), (q1, t1) = plan.phases[f - 1], plan.phases[f]
                for t in range(t0, max(t1, t0 + 1), chunk):
                    count, b = min(chunk, t1 - t), at + t * plan.inner * width
                    for q in range(q0, min(q1, used), TALL):
                        sums(
                            band,
                            0,
                            plan.corners,
                            q,
                            plan.runs,
                            t,
                            count,
                            plan.inner,
                            factors,
                            b,
                            out,
                            q * width,
                            width,
                            t > t0,
                        )
            some = min(width, results - p * width)
            for n in range(images):
                q, corner = n * plan.lines * across, (image + n) * y.shape[1] + g * results + p * width
                start = corner * y.shape[2] * across + first * across - q
                turned(out, order, q, q + lines * across, 0, pixels, sinks, 0, some, start)


@part
def lay_down(x, image, images, channel, channels, top, plan, sources, band):
    """Some images and channels of x, from line `top` on, with channels last; zeros where there is no line."""
    pixels, h, w = x.reshape(-1), x.shape[2], x.shape[3]
    region = plan.height * plan.pitch
    low = min(max(0, top), top + plan.height)
    high = max(low, min(h, top + plan.height))
    for n in range(images):
        at, corner = n * region, ((image + n) * x.shape[1] + channel) * h * w
        band[at : at + (low - top) * plan.pitch] = 0
        band[at + (high - top) * plan.pitch : at + region] = 0
        turned(pixels, sources, 0, channels, corner, band, plan.homes, low * w, high * w, at - top * plan.pitch)


# dw[t, k, r] = Σ_q band[corner(q) + run(t) + k] · dy[q, r] ------------------------------------------------------------


def weight(x: Any, dy: Any, groups: int, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """x (N, G·C, H, W), dy (N, G·R, H', W') → dw (G·R, C, *size)."""
    channels, results = x.shape[1] // groups, dy.shape[1] // groups
    if not (x.size and dy.size):
        return np.zeros((groups * results, channels, *size), x.dtype)
    plan = plan_of(len(x), channels, x.shape[2:], dy.shape[2:], size, stride, padding, dilation, False)
    width, taps = panel_width(x, results), plan.taps.shape[1]
    panels, runs = -(-results // width), -(-len(x) // plan.batch) * plan.blocks
    rows = (plan.runs[:, None] + np.arange(plan.inner)).reshape(-1)
    rows = np.pad(rows, (0, -len(rows) % TALL), mode="edge")
    shares = max(1, min(runs, SHARES, (1 << 22) // (groups * panels * len(rows) * width)))
    dw = np.zeros((shares, groups, panels, len(rows), width), x.dtype)
    work, spots = dy.size * channels * taps, np.arange(len(plan.corners)) * width
    tables = rows, spots, channels_of(x, channels), channels_of(dy, results)
    share(_weight, groups * shares, work, dense(x), dense(dy), dw, plan, tables)
    total = dw.sum(axis=0)[:, :, : taps * channels].reshape(groups, panels, *size, channels, width)
    total = total.transpose(0, 1, 5, 4, 2, 3).reshape(groups, panels * width, channels, *size)[:, :results]
    return dense(total.reshape(groups * results, channels, *size))


@serial
def _weight(begin, end, x, dy, dw, plan, tables):
    """Each task is a group, and a share of the images."""
    rows, spots, sources, dsources = tables
    shares, groups, panels, _, width = dw.shape
    channels, results, across = x.shape[1] // groups, dy.shape[1] // groups, dy.shape[3]
    band = np.zeros(plan.batch * plan.height * plan.pitch, x.dtype)
    columns = np.zeros(len(plan.corners) * width, x.dtype)
    totals, pixels = dw.reshape(-1), dy.reshape(-1)
    bands = -(-len(x) // plan.batch) * plan.blocks
    for task in range(begin, end):
        g, part_of = task // shares, task % shares
        for run in range(part_of * bands // shares, (part_of + 1) * bands // shares):
            image, block = run // plan.blocks * plan.batch, run % plan.blocks
            images, first = min(plan.batch, len(x) - image), block * plan.lines
            lines = min(plan.lines, dy.shape[2] - first)
            lay_down(x, image, images, g * channels, channels, block * plan.advance - plan.lead, plan, sources, band)
            for p in range(panels):
                low, high = p * width, min(results, (p + 1) * width)
                for n in range(images):
                    q, corner = n * lines * across, (image + n) * dy.shape[1] + g * results
                    start = corner * dy.shape[2] * across + first * across - q
                    turned(pixels, dsources, low, high, start, columns, spots, q, q + lines * across, -low)
                at, used = ((part_of * groups + g) * panels + p) * len(rows) * width, images * lines * across
                for q in range(0, used, STEPS):
                    count = min(STEPS, used - q)
                    for r in range(0, len(rows), TALL):
                        sums(
                            band,
                            0,
                            rows,
                            r,
                            plan.corners,
                            q,
                            count,
                            1,
                            columns,
                            q * width,
                            totals,
                            at + r * width,
                            width,
                            True,
                        )
