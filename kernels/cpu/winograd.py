"""Convolution by Winograd's F(4 × 4, 3 × 3): a fourth of the multiplications, for float32 and kernels of 3 × 3.

x (N, C, H, W), y (N, R, H', W'), w (R, C, 3, 3); stride and dilation 1.  ξ: the 36 places of a transformed tile.

A polynomial of degree 5 is known from its values at 6 points, and there a product of polynomials is 6 products of
numbers. So 4 neighbours of a sum of 3 taps, 12 multiplications, are a transform of 6 pixels, 6 products, and a
transform back; and 4 × 4 places of y, 144 multiplications in two dimensions, are 36,

    Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A          d: 6 × 6 pixels of x;  g: a kernel;  Y: 4 × 4 places of y

with points 0, ±1, ±2 and ∞. The sum over channels moves inside the bracket: for each ξ it is a product of matrices, of
all tiles by all kernels, U[ξ] (C, R) and V[ξ] (tiles, C). A band of tiles, its V and the products stay in the second-
level cache.

The adjoints. For x: a correlation of dy with the flipped kernels, again by this file. For w: Y is linear in g, so its
adjoint is read off,

    dg = Gᵀ [(Bᵀ d B) ⊙ (A dY Aᵀ)] G,       summed over tiles: dU[ξ] = V[ξ]ᵀ M[ξ], 36 products of matrices

The price. The transforms subtract numbers larger than their result. Of the largest value, errors are 4e-6 to 1.5e-5 for
y and dx (directly 1e-6, in PyTorch 4e-7), 2e-6 to 1e-5 for dw (directly 1e-6, in PyTorch 2e-6 to 9e-6), with 16 to 256
channels; and an infinity becomes NaN, in the tiles that it touches. Hence for float32 only, and never in float64, where
gradients are checked. MINIDL_WINOGRAD=0 in the environment turns it off.

Versions (float32, one thread, a busy machine): direct sums (conv_patches.py) take 1.2 (16 channels of 14 × 14) to 2.2
times as long (64 channels of 32 × 32). PyTorch with channels last takes 1.2 to 1.9 times as long with 32 channels or
more, 0.9 to 1.2 with 16; with channels first 1.6 to 2.4, and 1.1 to 1.4. dw with 128 channels of 8 × 8 and with 256 of
16 × 16 gains least. Counted as direct sums, 64 channels of 32 × 32 reach 315 GFLOP/s, where `sums` alone does 180.
Bands of twice and four times the size are slower for 32 and 64 channels, and faster for 256: hence TILES.

Source: A. Lavin, S. Gray, Fast algorithms for convolutional neural networks (2016), section 4.3.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .conv_patches import SHARES, STEPS, Sizes, channels_of, lay_down, panels_of
from .jit import dense, serial
from .patches import TALL, panel_width, part, sums, turned
from .tile import share
from .vector import BYTES, fma, load, store

BAND = 1 << 11  # tiles of a band times channels, about: 36 numbers of V for each, and as much again of the products
TILES = 16  # in a band, at least: U is read once for each


class Plan(NamedTuple):
    """Where things lie; the first eight as in conv_patches.py."""

    batch: int  # images in a band
    lines: int  # results of an image, in lines: four for each row of tiles
    blocks: int  # for one image
    advance: int  # lines of the source from one block to the next
    lead: int  # lines of zeros above the source
    height: int  # lines of a band for one image
    pitch: int  # numbers in a line of a band
    homes: np.ndarray  # of the pixels of a source image
    depth: int  # numbers for a pixel: channels, filled up to whole registers
    tiles: int  # of an image in a band
    corners: np.ndarray  # of the tiles in the band
    results: np.ndarray  # of the tiles among the results: their first place
    width: int  # results in a line, in whole tiles
    order: np.ndarray  # among the results in whole tiles, of the results of a band
    rows: np.ndarray  # of V
    pieces: np.ndarray  # of a row, for a product of `inner` numbers at a time
    inner: int


@lru_cache(maxsize=256)
def plan_of(images: int, channels: int, size: Sizes, places: Sizes, padding: Sizes) -> Plan:
    """`images` of `size` pixels → `places` results; `padding` lines and columns of zeros before the first."""
    (h, w), lanes = size, BYTES // 4
    depth = -(-channels // lanes) * lanes
    across, down = -(-places[1] // 4), -(-places[0] // 4)
    most = max(1, max(TILES, BAND // depth) // across)  # rows of tiles in a band
    blocks = -(-down // most)
    deep = -(-down // blocks)
    batch = max(1, min(most // down, images // 8)) if blocks == 1 else 1
    height, pitch = 4 * deep + 2, (max(4 * across + 2, w + padding[1])) * depth
    tiles = [(n, i, j) for n in range(batch) for i in range(deep) for j in range(across)]
    corners = [(n * height + 4 * i) * pitch + 4 * j * depth for n, i, j in tiles]
    results = [(n * deep + i) * 16 * across + 4 * j for n, i, j in tiles]
    lines = min(4 * deep, places[0])
    order = np.arange(batch * 16 * deep * across).reshape(batch, 4 * deep, 4 * across)[:, :lines, : places[1]]
    pieces = next(n for n in range(1, depth + 1) if depth % n == 0 and depth // n <= STEPS)
    filled = len(tiles) + -len(tiles) % TALL
    return Plan(
        batch=batch,
        lines=lines,
        blocks=-(-places[0] // lines),
        advance=4 * deep,
        lead=padding[0],
        height=height,
        pitch=pitch,
        homes=np.array([i * pitch + (j + padding[1]) * depth for i in range(h) for j in range(w)]),
        depth=depth,
        tiles=deep * across,
        corners=np.array(corners),
        results=np.array(results),
        width=4 * across,
        order=order.reshape(-1),
        rows=np.arange(filled) * depth,
        pieces=np.arange(0, depth, depth // pieces),
        inner=depth // pieces,
    )


def correlate(x: Any, w: Any, size: Sizes, padding: Sizes) -> Any:
    """x (N, C, H, W), w (R, C, 3, 3) → y (N, R, *size); `padding` is what lies before the first pixel."""
    results, channels = w.shape[:2]
    y = np.empty((len(x), results, *size), x.dtype)
    plan = plan_of(len(x), channels, x.shape[2:], size, padding)
    width = panel_width(x, results)
    w = panels_of(w[None], np.indices((3, 3)).reshape(2, 9))[0]  # (panels, 9 · C, results in a panel)
    u = np.zeros((len(w), 36, plan.depth, width), x.dtype)
    _transform_kernels(w.reshape(-1), channels, u)
    tables = channels_of(x, channels), plan.order * width, np.arange(width) * (size[0] * size[1])
    tasks, work = plan.blocks * -(-len(x) // plan.batch), y.size * channels * 3
    share(_correlate, tasks, work, dense(x), u.reshape(-1), y, plan, tables)
    return y


@serial
def _correlate(begin, end, x, u, y, plan, tables):
    """Each task is a band of images or of rows of tiles."""
    sources, order, sinks = tables
    channels, results, across, width, lanes = x.shape[1], y.shape[1], y.shape[3], len(sinks), BYTES // 4
    panels, pixels = -(-results // width), y.reshape(-1)
    band = np.zeros(plan.batch * plan.height * plan.pitch, x.dtype)
    v = np.zeros(36 * (len(plan.rows) * plan.depth + lanes), x.dtype)
    m = np.empty(36 * (len(plan.rows) * width + lanes), x.dtype)
    out, some = np.empty(16 * len(plan.corners) * width, x.dtype), np.empty(36 * lanes, x.dtype)
    for task in range(begin, end):
        image, block = task // plan.blocks * plan.batch, task % plan.blocks
        images, first = min(plan.batch, len(x) - image), block * plan.lines
        lines = min(plan.lines, y.shape[2] - first)
        tiles = images * plan.tiles
        lay_down(x, image, images, 0, channels, block * plan.advance - plan.lead, plan, sources, band)
        _transform(band, tiles, plan, some, v)
        for p in range(panels):
            for xi in range(36):
                a0, c0 = xi * (len(plan.rows) * plan.depth + lanes), xi * (len(plan.rows) * width + lanes)
                for k in range(len(plan.pieces)):
                    b0 = ((p * 36 + xi) * plan.depth + k * plan.inner) * width
                    for q in range(0, tiles, TALL):
                        sums(v, a0, plan.rows, q, plan.pieces, k, 1, plan.inner, u, b0, m, c0 + q * width, width, k > 0)
            _transform_back(m, tiles, plan, some, out, width)
            low, high = p * width, min(results, (p + 1) * width)
            for n in range(images):
                q, corner = n * plan.lines * across, (image + n) * results + low
                start = (corner * y.shape[2] + first) * across - q
                turned(out, order, q, q + lines * across, 0, pixels, sinks, 0, high - low, start)


@part
def _transform(band, tiles, plan, some, v):
    """V = Bᵀ d B of all tiles and channels, a register of channels at a time."""
    lanes = BYTES // 4
    step = len(plan.rows) * plan.depth + lanes  # a power of two between the 36 would have them share a cache line
    for tile in range(tiles):
        for c in range(0, plan.depth, lanes):
            corner = plan.corners[tile] + c
            for j in range(6):
                _points(band, corner + j * plan.depth, plan.pitch, some, j * lanes, 6 * lanes)
            for i in range(6):
                _points(some, 6 * i * lanes, lanes, v, 6 * i * step + tile * plan.depth + c, step)


@part
def _points(x, i, step, y, k, to):
    """Bᵀ: six pixels → the values of their polynomial's transposed map at 0, 1, −1, 2, −2, ∞."""
    a, b, c = load(x, i), load(x, i + step), load(x, i + 2 * step)
    d, e, f = load(x, i + 3 * step), load(x, i + 4 * step), load(x, i + 5 * step)
    even, odd = fma(-4.0, c, e), fma(-4.0, b, d)
    even2, odd2 = fma(-1.0, c, e), fma(-1.0, b, d)
    store(fma(4.0, a, fma(-5.0, c, e)), y, k)
    store(fma(1.0, odd, even), y, k + to)
    store(fma(-1.0, odd, even), y, k + 2 * to)
    store(fma(2.0, odd2, even2), y, k + 3 * to)
    store(fma(-2.0, odd2, even2), y, k + 4 * to)
    store(fma(4.0, b, fma(-5.0, d, f)), y, k + 5 * to)


@part
def _transform_back(m, tiles, plan, some, out, width):
    """Y = Aᵀ M A of all tiles, for one panel of results."""
    lanes = BYTES // 4
    step = len(plan.rows) * width + lanes
    for tile in range(tiles):
        for r in range(0, width, lanes):
            for i in range(6):
                _values(m, 6 * i * step + tile * width + r, step, some, i * lanes, 6 * lanes)
            for j in range(4):
                home = (plan.results[tile] + j) * width + r
                _values(some, 6 * j * lanes, lanes, out, home, plan.width * width)


@part
def _values(x, i, step, y, k, to):
    """Aᵀ: six products → four sums."""
    a, b, c = load(x, i), load(x, i + step), load(x, i + 2 * step)
    d, e, f = load(x, i + 3 * step), load(x, i + 4 * step), load(x, i + 5 * step)
    even, odd, even2, odd2 = fma(1.0, b, c), fma(-1.0, c, b), fma(1.0, d, e), fma(-1.0, e, d)
    store(fma(1.0, a, fma(1.0, even, even2)), y, k)
    store(fma(2.0, odd2, odd), y, k + to)
    store(fma(4.0, even2, even), y, k + 2 * to)
    store(fma(8.0, odd2, fma(1.0, odd, f)), y, k + 3 * to)


@serial
def _transform_kernels(w, channels, u):
    """U = G g Gᵀ, a register of results at a time."""
    panels, _, _, width = u.shape
    lanes, flat = BYTES // 4, u.reshape(-1)
    some = np.empty(18 * lanes, w.dtype)
    for p in range(panels):
        for c in range(channels):
            for r in range(0, width, lanes):
                start, step = (p * 9 * channels + c) * width + r, channels * width
                for j in range(3):
                    _weights(w, start + j * step, 3 * step, some, j * lanes, 3 * lanes)
                for i in range(6):
                    home = ((p * 36 + 6 * i) * u.shape[2] + c) * width + r
                    _weights(some, 3 * i * lanes, lanes, flat, home, u.shape[2] * width)


@part
def _weights(x, i, step, y, k, to):
    """G: three taps → the values of their polynomial at the six points, each over the others' distances."""
    a, b, c = load(x, i), load(x, i + step), load(x, i + 2 * step)
    zero = fma(-1.0, a, a)
    even, even2 = fma(-1 / 6, fma(1.0, a, c), zero), fma(1 / 24, a, fma(1 / 6, c, zero))
    store(fma(1 / 4, a, zero), y, k)
    store(fma(-1 / 6, b, even), y, k + to)
    store(fma(1 / 6, b, even), y, k + 2 * to)
    store(fma(1 / 12, b, even2), y, k + 3 * to)
    store(fma(-1 / 12, b, even2), y, k + 4 * to)
    store(c, y, k + 5 * to)


# The adjoint for w ----------------------------------------------------------------------------------------------------


def weight(x: Any, dy: Any, padding: Sizes) -> Any:
    """x (N, C, H, W), dy (N, R, H', W') → dw (R, C, 3, 3)."""
    channels, results = x.shape[1], dy.shape[1]
    plan, width = plan_of(len(x), channels, x.shape[2:], dy.shape[2:], padding), panel_width(x, results)
    panels, bands = -(-results // width), -(-len(x) // plan.batch) * plan.blocks
    shares = max(1, min(bands, SHARES, (1 << 23) // (36 * plan.depth * panels * width)))
    held = -(-plan.depth // TALL) * TALL
    du = np.zeros((shares, panels, 36, held, width), x.dtype)
    tables = channels_of(x, channels), channels_of(dy, results), plan.order * width
    share(_weight, shares, dy.size * channels * 3, dense(x), dense(dy), du, plan, tables)
    dw = np.empty((panels, 9, channels, width), x.dtype)
    _transform_kernels_back(du, dw)
    return dense(dw.transpose(0, 3, 2, 1).reshape(panels * width, channels, 3, 3)[:results])


@serial
def _weight(begin, end, x, dy, du, plan, tables):
    """Each task is a share of the bands."""
    sources, dsources, order = tables
    (shares, panels, _, held, width), depth = du.shape, plan.depth
    channels, results, across, lanes = x.shape[1], dy.shape[1], dy.shape[3], BYTES // 4
    totals, pixels, bands = du.reshape(-1), dy.reshape(-1), -(-len(x) // plan.batch) * plan.blocks
    band = np.zeros(plan.batch * plan.height * plan.pitch, x.dtype)
    v = np.zeros(36 * (len(plan.rows) * depth + lanes), x.dtype)
    m = np.empty(36 * (len(plan.rows) * width + lanes), x.dtype)
    into, some = np.zeros(16 * len(plan.corners) * width, x.dtype), np.empty(36 * lanes, x.dtype)
    rows = np.minimum(np.arange(held), depth - 1)
    for some_bands in range(begin, end):
        for run in range(some_bands * bands // shares, (some_bands + 1) * bands // shares):
            image, block = run // plan.blocks * plan.batch, run % plan.blocks
            images, first = min(plan.batch, len(x) - image), block * plan.lines
            lines = min(plan.lines, dy.shape[2] - first)
            tiles = images * plan.tiles
            lay_down(x, image, images, 0, channels, block * plan.advance - plan.lead, plan, sources, band)
            _transform(band, tiles, plan, some, v)
            for p in range(panels):
                low, high = p * width, min(results, (p + 1) * width)
                if lines < plan.lines or high < low + width:
                    into[:] = 0  # below the last line; beside the last result
                for n in range(images):
                    q, start = n * plan.lines * across, ((image + n) * results * dy.shape[2] + first) * across
                    turned(pixels, dsources, low, high, start - q, into, order, q, q + lines * across, -low)
                _transform_results(into, tiles, plan, some, m, width)
                for xi in range(36):
                    a0, b0 = xi * (len(plan.rows) * depth + lanes), xi * (len(plan.rows) * width + lanes)
                    c0 = ((some_bands * panels + p) * 36 + xi) * held * width
                    for q in range(0, tiles, STEPS):
                        count = min(STEPS, tiles - q)
                        for c in range(0, held, TALL):
                            sums(
                                v,
                                a0,
                                rows,
                                c,
                                plan.rows,
                                q,
                                count,
                                1,
                                m,
                                b0 + q * width,
                                totals,
                                c0 + c * width,
                                width,
                                True,
                            )


@part
def _transform_results(into, tiles, plan, some, m, width):
    """A dY Aᵀ of all tiles, for one panel of results."""
    lanes = BYTES // 4
    step = len(plan.rows) * width + lanes
    for tile in range(tiles):
        for r in range(0, width, lanes):
            for j in range(4):
                home = (plan.results[tile] + j) * width + r
                _values_adjoint(into, home, plan.width * width, some, j * lanes, 4 * lanes)
            for i in range(6):
                _values_adjoint(some, 4 * i * lanes, lanes, m, 6 * i * step + tile * width + r, step)


@part
def _values_adjoint(x, i, step, y, k, to):
    """A: four → six."""
    a, b, c, d = load(x, i), load(x, i + step), load(x, i + 2 * step), load(x, i + 3 * step)
    even, odd, even2, odd2 = fma(1.0, a, c), fma(1.0, b, d), fma(4.0, c, a), fma(4.0, d, b)
    store(a, y, k)
    store(fma(1.0, odd, even), y, k + to)
    store(fma(-1.0, odd, even), y, k + 2 * to)
    store(fma(2.0, odd2, even2), y, k + 3 * to)
    store(fma(-2.0, odd2, even2), y, k + 4 * to)
    store(d, y, k + 5 * to)


@serial
def _transform_kernels_back(du, dw):
    """dg = Gᵀ dU G, summed over the shares."""
    shares, panels, _, depth, width = du.shape
    channels, lanes, totals, flat = dw.shape[2], BYTES // 4, du.reshape(-1), dw.reshape(-1)
    size, some = panels * 36 * depth * width, np.empty(18 * lanes, dw.dtype)
    for one in range(1, shares):
        for i in range(size):
            totals[i] += totals[one * size + i]
    for p in range(panels):
        for c in range(channels):
            for r in range(0, width, lanes):
                for j in range(6):
                    start = ((p * 36 + j) * depth + c) * width + r
                    _weights_adjoint(totals, start, 6 * depth * width, some, j * lanes, 6 * lanes)
                for i in range(3):
                    home = ((p * 9 + 3 * i) * channels + c) * width + r
                    _weights_adjoint(some, 6 * i * lanes, lanes, flat, home, channels * width)


@part
def _weights_adjoint(x, i, step, y, k, to):
    """Gᵀ: six → three."""
    a, b, c = load(x, i), load(x, i + step), load(x, i + 2 * step)
    d, e, f = load(x, i + 3 * step), load(x, i + 4 * step), load(x, i + 5 * step)
    zero, even, odd, even2, odd2 = fma(-1.0, a, a), fma(1.0, b, c), fma(-1.0, b, c), fma(1.0, d, e), fma(-1.0, e, d)
    store(fma(1 / 4, a, fma(-1 / 6, even, fma(1 / 24, even2, zero))), y, k)
    store(fma(1 / 6, odd, fma(1 / 12, odd2, zero)), y, k + to)
    store(fma(-1 / 6, even, fma(1 / 6, even2, f)), y, k + 2 * to)
