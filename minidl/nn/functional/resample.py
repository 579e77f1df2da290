"""Images at another size: each axis is multiplied by a matrix, whose rows say what a new pixel is made of.

    y[n, c, i, j] = Σₚ Σ_q A[i, p] B[j, q] x[n, c, p, q]

Nearest, linear and cubic interpolation and means over areas differ in these rows only. The gradient is that of a matrix
product; the rows are constants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl import ops
from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import as_tensor

__all__ = ["channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle"]

MODES = {  # mode → the ranks that it is for
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
}
SMOOTH = ("linear", "bilinear", "trilinear", "bicubic")
CUBIC = -0.75  # the free constant of the cubic kernel, as in PyTorch and OpenCV


def resampled(x: Any, matrices: Sequence[np.ndarray | None]) -> Any:
    """(N, C, H, …) with each axis after the channels multiplied by its matrix (H', H); None leaves it alone."""
    for axis, matrix in enumerate(matrices, start=2):
        if matrix is not None:
            rows = xp(x.data).asarray(matrix, dtype=x.dtype)
            last = x.ndim - 1
            y = x if axis == last else ops.swapaxes(x, axis, last)
            y = ops.matmul(y, rows.T)  # (N, C, …, H')
            x = y if axis == last else ops.swapaxes(y, axis, last)
    return x


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """Images made larger or smaller.

    Math: pixels are squares of side 1. The middle of pixel i lies at (i + ½)·H/H' in the old image; with
        align_corners the outermost middles lie on each other, at i·(H − 1)/(H' − 1). Linear: the weights of the two
        old middles around it fall off linearly; cubic: of four, by Keys' kernel with a = −¾.
    Shapes: input (N, C, L), (N, C, H, W) or (N, C, D, H, W) → the same with other sizes.
    Args:
        size: the sizes wanted, a number for all axes or one for each; or
        scale_factor: what to multiply the sizes by, likewise; results are rounded down.
        mode: "nearest" (PyTorch's, whose pixels are shifted by half of one), "nearest-exact", "linear", "bilinear",
            "trilinear", "bicubic", "area" (means).
        align_corners: for the linear and cubic modes.
        recompute_scale_factor: whether to take the scale from the rounded sizes, and not from scale_factor.
        antialias: for "bilinear" and "bicubic", when made smaller: let every old pixel count, with a kernel as wide as
            the new pixels.
    Raises:
        ArgumentError: both or none of size and scale_factor, an unknown mode, or options that the mode does not have.
        ShapeError: the input has not the mode's number of axes.
    Source: R. Keys, Cubic convolution interpolation for digital image processing (1981), equation 15.
    """
    x = as_tensor(input)
    rank = x.ndim - 2
    if mode not in MODES:
        raise ArgumentError(f"interpolate: mode: got {mode!r}, expected one of {', '.join(map(repr, MODES))}")
    if rank not in MODES[mode]:
        sizes = " or ".join(str(r + 2) for r in MODES[mode])
        raise ShapeError(f"interpolate: input: got shape {x.shape}, expected {sizes} axes for mode {mode!r}")
    if align_corners is not None and mode not in SMOOTH:
        raise ArgumentError(f"interpolate: align_corners: got {align_corners!r}, which mode {mode!r} does not have")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError(f"interpolate: antialias: got True, which mode {mode!r} does not have")
    target, scales = _target(x.shape[2:], size, scale_factor, recompute_scale_factor)
    matrices = []
    for n, m, scale in zip(x.shape[2:], target, scales, strict=True):
        matrices.append(_matrix(n, m, scale, mode, bool(align_corners), antialias))
    return resampled(x, matrices)


def _target(size: Any, wanted: Any, factor: Any, recompute: bool | None) -> tuple[list[int], list[float]]:
    """The new sizes, and for each axis how far apart, in old pixels, the new ones are."""
    if (wanted is None) == (factor is None):
        what = "neither size nor" if wanted is None else "both size and"
        raise ArgumentError(f"interpolate: got {what} scale_factor, expected one of them")
    given = wanted if factor is None else factor
    each = list(given) if isinstance(given, tuple | list) else [given] * len(size)
    if len(each) != len(size) or not all(isinstance(v, int | float | np.number) and v > 0 for v in each):
        name = "size" if factor is None else "scale_factor"
        raise ArgumentError(
            f"interpolate: {name}: got {given!r}, expected a number above 0, or {len(size)} of them, for images of "
            f"{tuple(size)}"
        )
    if factor is None:
        if recompute:
            raise ArgumentError(
                "interpolate: recompute_scale_factor: got True, but there is a size and no scale_factor"
            )
        return [int(v) for v in each], [n / int(v) for n, v in zip(size, each, strict=True)]
    target = [math.floor(n * v) for n, v in zip(size, each, strict=True)]
    if min(target) < 1:
        raise ArgumentError(f"interpolate: scale_factor: got {factor!r}, which leaves nothing of {tuple(size)}")
    if recompute:
        return target, [n / m for n, m in zip(size, target, strict=True)]
    return target, [1 / v for v in each]


def _matrix(n: int, m: int, scale: float, mode: str, aligned: bool, antialias: bool) -> np.ndarray:
    """What each of m new pixels is made of: the rows of a matrix (m, n)."""
    i = np.arange(m)
    if mode == "area":
        starts, ends = i * n // m, -(-(i + 1) * n // m)
        inside = (np.arange(n) >= starts[:, None]) & (np.arange(n) < ends[:, None])
        return inside / (ends - starts)[:, None]
    if mode in ("nearest", "nearest-exact"):
        middle = 0.5 if mode == "nearest-exact" else 0.0
        chosen = np.minimum(np.floor((i + middle) * np.float32(scale)).astype(int), n - 1)
        return (np.arange(n) == chosen[:, None]).astype(float)
    if aligned:
        scale = (n - 1) / (m - 1) if m > 1 else 0.0
    if antialias:
        return _antialiased(n, m, scale, mode)
    places = i * scale if aligned else (i + 0.5) * scale - 0.5
    if mode == "bicubic":
        return _taps(n, places, range(-1, 3), _cubic)
    return _taps(n, np.maximum(places, 0), range(2), _tent)


def _taps(n: int, places: np.ndarray, offsets: range, kernel: Any) -> np.ndarray:
    """Weights of the old pixels around each place; beyond the border the border's own pixel is repeated."""
    matrix = np.zeros((len(places), n))
    first = np.floor(places).astype(int)
    for offset in offsets:
        at = np.clip(first + offset, 0, n - 1)
        np.add.at(matrix, (np.arange(len(places)), at), kernel(places - first - offset))
    return matrix


def _antialiased(n: int, m: int, scale: float, mode: str) -> np.ndarray:
    """A kernel stretched to the new pixels' width, where they are wider than the old; rows that add up to 1.

    As in PyTorch the middles lie at (i + ½)·scale with align_corners too, and an axis that keeps its size stays.
    """
    if n == m:
        return np.eye(n)
    stretch, places = max(scale, 1.0), (np.arange(m) + 0.5) * scale - 0.5
    distance = (np.arange(n) - places[:, None]) / stretch
    weights = _tent(distance) if mode == "bilinear" else _cubic(distance, a=-0.5)  # Pillow's constant, as PyTorch's
    return weights / weights.sum(1, keepdims=True)


def _tent(t: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(t), 0)


def _cubic(t: np.ndarray, a: float = CUBIC) -> np.ndarray:
    t = np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


# Pixels and channels --------------------------------------------------------------------------------------------------


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Channels laid out as pixels: (…, C·r², H, W) → (…, C, H·r, W·r).

    Raises:
        ShapeError: r² does not divide the channels.
    Source: W. Shi et al., Real-time single image and video super-resolution (2016), equation 4.
    """
    x, r = as_tensor(input), _factor("pixel_shuffle", "upscale_factor", upscale_factor)
    _check_image("pixel_shuffle", x)
    *lead, channels, h, w = x.shape
    if channels % (r * r):
        raise ShapeError(f"pixel_shuffle: got {channels} channels, expected a multiple of {r * r}, {r}²")
    n = len(lead)
    y = ops.reshape(x, shape=(*lead, channels // (r * r), r, r, h, w))  # (…, C, r, r, H, W)
    y = ops.transpose(y, axes=(*range(n + 1), n + 3, n + 1, n + 4, n + 2))  # (…, C, H, r, W, r)
    return ops.reshape(y, shape=(*lead, channels // (r * r), h * r, w * r))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """The way back from `pixel_shuffle`: (…, C, H·r, W·r) → (…, C·r², H, W).

    Raises:
        ShapeError: r does not divide the height and the width.
    """
    x, r = as_tensor(input), _factor("pixel_unshuffle", "downscale_factor", downscale_factor)
    _check_image("pixel_unshuffle", x)
    *lead, channels, h, w = x.shape
    if h % r or w % r:
        raise ShapeError(f"pixel_unshuffle: got images of ({h}, {w}), expected multiples of {r}")
    n = len(lead)
    y = ops.reshape(x, shape=(*lead, channels, h // r, r, w // r, r))  # (…, C, H, r, W, r)
    y = ops.transpose(y, axes=(*range(n + 1), n + 2, n + 4, n + 1, n + 3))  # (…, C, r, r, H, W)
    return ops.reshape(y, shape=(*lead, channels * r * r, h // r, w // r))


def channel_shuffle(input: Any, groups: int) -> Any:
    """Channels of several groups dealt out in turn: (N, G·C, …), so that the next grouped layer sees all groups.

    Raises:
        ShapeError: the groups do not divide the channels.
    Source: X. Zhang et al., ShuffleNet (2018), section 3.1.
    """
    x, g = as_tensor(input), _factor("channel_shuffle", "groups", groups)
    if x.ndim < 3 or x.shape[1] % g:
        raise ShapeError(f"channel_shuffle: got shape {x.shape}, expected (N, C, …) with C a multiple of {g}")
    y = ops.reshape(x, shape=(x.shape[0], g, x.shape[1] // g, *x.shape[2:]))
    return ops.reshape(ops.swapaxes(y, 1, 2), shape=x.shape)


def _factor(name: str, what: str, value: Any) -> int:
    if not isinstance(value, int | np.integer) or value < 1:
        raise ArgumentError(f"{name}: {what}: got {describe(value)}, expected a whole number from 1 on")
    return int(value)


def _check_image(name: str, x: Any) -> None:
    if x.ndim < 3:
        raise ShapeError(f"{name}: got shape {x.shape}, expected (…, C, H, W)", fix="add the axis of channels")
