"""Where the rows of a convolution lie: what conv_rows.py's kernels are told, worked out once for each shape.

One axis at a time, with n pixels, kernel size k, stride s, padding p, dilation r: result i takes pixel i·s + u·r − p by
tap u. Write u·r = a + s·m with 0 ≤ a < s; then that pixel is a − p + s·(i + m), at place i + m of the *plane* a, which
holds every s-th pixel from a − p on. So within planes each tap is a mere shift by m. Seen from the other side, place j
of plane a of dx takes place j − m of dy.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

RUN = 96  # registers in a row, at most, if it holds several images: four rows of floats fit the first-level cache
JOBS = 16  # to share among the threads, if there are as many; a constant, so that the sums do not depend on threads


class Axis(NamedTuple):
    """Lines of an image, or places of a line: which pixels the planes take, and which taps join them.

    Source plane a holds the pixels starts[a] + k · step of x for k = 0, 1, …, and 0 where x has none. Result plane b
    holds the pixels result_starts[b] + k · result_step of y for k < count; it is the sum over its taps (u, a, shift) of
    w[u] times source plane a, `shift` further on.
    """

    step: int
    starts: tuple[int, ...]
    result_step: int
    result_starts: tuple[int, ...]
    taps: tuple[tuple[tuple[int, int, int], ...], ...]
    count: int
    pitch: int  # from one line, or image, to the next


def forward(*pairs: Any) -> list[Axis]:
    """Sizes of x, sizes of the kernel, strides, paddings, dilations → how x makes y."""
    return [_forward_axis(*each) for each in zip(*pairs)]


def adjoint(*pairs: Any) -> list[Axis]:
    """The same → how dy makes dx."""
    return [_adjoint_axis(*each) for each in zip(*pairs)]


@lru_cache
def _forward_axis(n: int, k: int, s: int, p: int, r: int) -> Axis:
    """x in planes, y in one."""
    m = (n + 2 * p - r * (k - 1) - 1) // s + 1
    phases = sorted({u * r % s for u in range(k)})
    taps = tuple((u, phases.index(u * r % s), u * r // s) for u in range(k))
    pitch = _pitch(m, lead=p // s, end=-(-(n + p) // s), reach=r * (k - 1) // s)
    return Axis(s, tuple(a - p for a in phases), 1, (0,), (taps,), m, pitch)


@lru_cache
def _adjoint_axis(n: int, k: int, s: int, p: int, r: int) -> Axis:
    """dy in one plane, dx in planes."""
    m = (n + 2 * p - r * (k - 1) - 1) // s + 1
    phases = sorted({u * r % s for u in range(k)})
    skip = p // s  # the least i that is not in the padding for every a
    lead = max(0, r * (k - 1) // s - skip)
    taps = tuple(tuple((u, 0, lead + skip - u * r // s) for u in range(k) if u * r % s == a) for a in phases)
    count = (n - 1 + p) // s - skip + 1
    pitch = _pitch(count, lead=lead, end=lead + m, reach=lead + skip)
    return Axis(1, (-lead,), s, tuple(a - p % s for a in phases), taps, count, pitch)


def _pitch(count: int, *, lead: int, end: int, reach: int) -> int:
    """The least that keeps lines apart: the zeros after one may be the `lead` zeros before the next."""
    return max(count, end, count + reach - lead)


class Plan(NamedTuple):
    """Both axes together, as the kernels want them: arrays and numbers."""

    starts: np.ndarray  # (source planes, 2)
    step: np.ndarray  # (2,)
    result_starts: np.ndarray  # (result planes, 2)
    result_step: np.ndarray  # (2,)
    places: np.ndarray  # where each tap begins to read; one result plane's after the other's
    ends: np.ndarray  # where in `places` each result plane's taps end, after a 0
    registers: np.ndarray  # the q that are computed, each with those behind it that fill a register
    batch: int  # images in a row
    lines: int  # of an image, with the zeros
    pitch: int  # of a line, with the zeros
    down: int  # lines of results
    across: int  # results in a line
    length: int  # of a row
    room: int  # for a row of results
    slack: int  # behind the last row, where taps may read


@lru_cache
def plan_of(
    rows: Axis, columns: Axis, channels: int, images: int, *, parts: int, lanes: int, together: int, cost: int
) -> Plan:
    """With so many images in a row that the registers are fewest.

    Each row of images is for `parts` jobs. Registers are computed in numbers of `together`; each row costs as much as
    `cost` registers more.
    """
    most = max(1, min(RUN * lanes // (rows.pitch * columns.pitch), images * parts // JOBS))
    registers = [_registers(rows, columns, batch, lanes) for batch in range(1, most + 1)]
    costs = [-(-images // i) * (-(-len(each) // together) * together + cost) for i, each in enumerate(registers, 1)]
    batch = costs.index(min(costs)) + 1
    starts = [(a, b) for a in rows.starts for b in columns.starts]
    length = batch * rows.pitch * columns.pitch
    places, ends = [], [0]
    for vertical in rows.taps:
        for horizontal in columns.taps:
            for c in range(channels):
                for _, a, down in vertical:
                    for _, b, right in horizontal:
                        row = c * len(starts) + a * len(columns.starts) + b
                        places.append(row * length + down * columns.pitch + right)
            ends.append(len(places))
    furthest = [max(shift for taps in axis.taps for _, _, shift in taps) for axis in (rows, columns)]
    return Plan(
        starts=np.array(starts),
        step=np.array([rows.step, columns.step]),
        result_starts=np.array([(a, b) for a in rows.result_starts for b in columns.result_starts]),
        result_step=np.array([rows.result_step, columns.result_step]),
        places=np.array(places),
        ends=np.array(ends),
        registers=registers[batch - 1],
        batch=batch,
        lines=rows.pitch,
        pitch=columns.pitch,
        down=rows.count,
        across=columns.count,
        length=length,
        room=int(registers[batch - 1][-1]) + lanes,
        slack=furthest[0] * columns.pitch + furthest[1] + lanes,
    )


def _registers(rows: Axis, columns: Axis, batch: int, lanes: int) -> np.ndarray:
    """Places that cover all results, each once: through the whole row, or from the beginning of each image anew."""
    plane, image = rows.pitch * columns.pitch, (rows.count - 1) * columns.pitch + columns.count
    through = range(0, (batch - 1) * plane + image, lanes)
    anew = [n * plane + q for n in range(batch) for q in range(0, image, lanes)]
    apart = -(-image // lanes) * lanes <= plane
    return np.array(anew if apart and len(anew) < len(through) else through)
