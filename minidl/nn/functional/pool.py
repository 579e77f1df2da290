"""Pooling: windows that slide (max, average, Lp), windows that adapt to the size wanted, and the way back."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minidl import ops
from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import Tensor, as_tensor, raw

from .resample import resampled
from .sizes import batched, numbers

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

# Largest values -------------------------------------------------------------------------------------------------------


def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """As `max_pool2d`, along one axis: (N, C, L) or (C, L)."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest value in each window; the first of ties gets the gradient.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, H', W') or (C, H', W').
    Args:
        kernel_size, padding, dilation: a number, or one for each axis; `stride` too (default: kernel_size).
        ceil_mode: let windows reach over the right and the lower edge.
        return_indices: give (values, indices) instead, with each value's place in the flattened image, for
            `max_unpool2d`.
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """As `max_pool2d`, along three axes: (N, C, D, H, W) or (C, D, H, W)."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(
    rank: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, indices: bool
) -> Any:
    x, single = batched(f"max_pool{rank}d", input, rank)
    how = {**_windows(rank, kernel_size, stride, padding), "dilation": numbers("dilation", dilation, rank)}
    if indices:
        places = ops.largest_places(x, ceil_mode=ceil_mode, **how)
        return _unbatched(_at(x, places), single), _unbatched(Tensor(places), single)
    return _unbatched(ops.max_pool(x, ceil_mode=ceil_mode, **how), single)


def _windows(rank: int, kernel_size: Any, stride: Any, padding: Any) -> dict[str, tuple[int, ...]]:
    kernel = numbers("kernel_size", kernel_size, rank)
    return {
        "kernel_size": kernel,
        "stride": kernel if stride is None else numbers("stride", stride, rank),
        "padding": numbers("padding", padding, rank),
    }


def _unbatched(y: Any, single: bool) -> Any:
    return ops.squeeze(y, axis=0) if single else y


def _at(x: Tensor, places: Any) -> Tensor:
    """The values at places of the flattened image: (N, C, …), (N, C, *size) → (N, C, *size)."""
    flat = ops.flatten(x, start=2)
    values = ops.take_along_axis(flat, places.reshape(*places.shape[:2], prod(places.shape[2:])), axis=2)
    return ops.reshape(values, shape=places.shape)


# Back to where they came from -----------------------------------------------------------------------------------------


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """As `max_unpool2d`, along one axis."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Each value at the place that it was pooled from, among zeros.

    Where two windows chose one place, the later one stands there, and has the gradient. (PyTorch leaves open which.)

    Shapes: input and indices (N, C, H', W') or (C, H', W') → (N, C, H, W) or (C, H, W).
    Args:
        indices: places in the flattened image, as `max_pool2d(…, return_indices=True)` gives them.
        kernel_size, stride, padding: those of the pooling.
        output_size: the size to come back to, where several sizes pool to the same; default: the smallest of them,
            (H' − 1)·S − 2P + K.
    Raises:
        ShapeError: indices have another shape than the input, or the output_size does not pool to the input's.
        ArgumentError: an index outside the image.
    """
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """As `max_unpool2d`, along three axes."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    rank: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Any:
    name = f"max_unpool{rank}d"
    x, single = batched(name, input, rank)
    i = raw(indices)[None] if single else raw(indices)
    if i.shape != x.shape:
        raise ShapeError(
            f"{name}: indices: got shape {i.shape} for an input of {x.shape}, expected the same",
            fix="take both from max_pool(…, return_indices=True)",
        )
    size = _unpooled_size(name, x, output_size, **_windows(rank, kernel_size, stride, padding))
    if i.size and (int(i.min()) < 0 or int(i.max()) >= prod(size)):
        raise ArgumentError(
            f"{name}: indices: got places from {i.min()} to {i.max()}, expected 0 to {prod(size) - 1}, in an image of "
            f"{size}",
            fix="give the size before the pooling as output_size",
        )
    n, c = x.shape[:2]
    i = i.reshape(n, c, prod(x.shape[2:]))
    values = ops.where(_last_of_each(i), ops.flatten(x, start=2), 0.0)
    return _unbatched(ops.reshape(ops.put_along_axis(values, i, axis=2, size=prod(size)), shape=(n, c, *size)), single)


def _unpooled_size(
    name: str, x: Tensor, output_size: Any, *, kernel_size: Any, stride: Any, padding: Any
) -> tuple[int, ...]:
    each = zip(x.shape[2:], kernel_size, stride, padding, strict=True)
    least = tuple((n - 1) * s - 2 * p + k for n, k, s, p in each)
    if output_size is None:
        return least
    size = tuple(output_size)[-len(least) :]
    if len(size) != len(least) or any(abs(n - m) >= s for n, m, s in zip(size, least, stride, strict=False)):
        raise ShapeError(
            f"{name}: output_size: got {tuple(output_size)}, expected sizes near {least}: less "
            f"than a stride, {stride}, away"
        )
    return size


def _last_of_each(i: Any) -> Any:
    """Where along the last axis no later element is equal."""
    order = xp(i).argsort(i, axis=-1, kind="stable")
    ordered = xp(i).take_along_axis(i, order, -1)
    last = xp(i).ones(i.shape, bool)
    last[..., :-1] = ordered[..., 1:] != ordered[..., :-1]
    found = xp(i).empty(i.shape, bool)
    xp(i).put_along_axis(found, order, last, -1)
    return found


# Means ----------------------------------------------------------------------------------------------------------------


def avg_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:  # fmt: skip
    """As `avg_pool2d`, along one axis: (N, C, L) or (C, L)."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """The mean of each window.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, H', W') or (C, H', W').
    Args:
        kernel_size, padding: a number, or one for each axis; `stride` too (default: kernel_size).
        ceil_mode: let windows reach over the right and the lower edge.
        count_include_pad: whether the zeros of the padding count as values.
        divisor_override: divide each window's sum by this, and not by its number of values.
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """As `avg_pool2d`, along three axes: (N, C, D, H, W) or (C, D, H, W)."""
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool(
    rank: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, counted: bool, divisor: Any
) -> Any:
    name = f"avg_pool{rank}d"
    x, single = batched(name, input, rank)
    how: dict[str, Any] = {**_windows(rank, kernel_size, stride, padding), "ceil_mode": ceil_mode}
    if divisor is None:
        return _unbatched(ops.avg_pool(x, count_include_pad=counted, **how), single)
    if not isinstance(divisor, int) or divisor == 0:
        raise ArgumentError(f"{name}: divisor_override: got {describe(divisor)}, expected a whole number other than 0")
    y = ops.avg_pool(x, count_include_pad=False, **how)
    values = np.ones(())  # of the image, in each window
    for axis, (n, m) in enumerate(zip(x.shape[2:], y.shape[2:], strict=True)):
        first = np.arange(m) * how["stride"][axis] - how["padding"][axis]
        inside = np.minimum(first + how["kernel_size"][axis], n) - np.maximum(first, 0)
        values = np.multiply.outer(values, inside)
    return _unbatched(y * xp(x.data).asarray(values / divisor, dtype=x.dtype), single)


def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """As `lp_pool2d`, along one axis."""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """(Σ xᵖ)^(1/p) of each window: p = 1 its sum, p → ∞ its largest value.

    Where the sum is 0 the gradient is 0, as in PyTorch; for odd p a negative sum gives NaN, as there.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, H', W') or (C, H', W').
    Args:
        norm_type: p.
        kernel_size: a number, or one for each axis; `stride` too (default: kernel_size).
        ceil_mode: let windows reach over the right and the lower edge.
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """As `lp_pool2d`, along three axes."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(rank: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Any:
    p = float(norm_type)
    if p == 0:
        raise ArgumentError(f"lp_pool{rank}d: norm_type: got {norm_type!r}, expected another number than 0")
    mean = _avg_pool(rank, as_tensor(input) ** p, kernel_size, stride, 0, ceil_mode, True, None)
    total = mean * prod(numbers("kernel_size", kernel_size, rank))
    nothing = total.data == 0
    return ops.where(nothing, 0.0, ops.where(nothing, 1.0, total) ** (1 / p))


# To a given size ------------------------------------------------------------------------------------------------------


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """As `adaptive_avg_pool2d`, along one axis."""
    return _adaptive_avg_pool(1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """Means of windows that are laid out so that the result has the size wanted.

    Math: window i of H' covers the places ⌊i·H/H'⌋ … ⌈(i + 1)·H/H'⌉ − 1; with H' = 1 all of them: global pooling.
    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, H', W') or (C, H', W').
    Args:
        output_size: a number for both axes, or (H', W'); None leaves an axis as it is.
    """
    return _adaptive_avg_pool(2, input, output_size)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """As `adaptive_avg_pool2d`, along three axes."""
    return _adaptive_avg_pool(3, input, output_size)


def _adaptive_avg_pool(rank: int, input: Any, output_size: Any) -> Any:
    name = f"adaptive_avg_pool{rank}d"
    x, single = batched(name, input, rank)
    size = _wanted(name, output_size, x)
    if all(m == 1 for m in size):
        return _unbatched(ops.mean(x, axis=tuple(range(2, x.ndim)), keepdims=True), single)
    if all(m and n % m == 0 for n, m in zip(x.shape[2:], size, strict=True)):
        window = tuple(n // m for n, m in zip(x.shape[2:], size, strict=True))
        return _unbatched(ops.avg_pool(x, kernel_size=window, stride=window, padding=(0,) * rank), single)
    return _unbatched(resampled(x, [_means(n, m) for n, m in zip(x.shape[2:], size, strict=True)]), single)


def _wanted(name: str, output_size: Any, x: Tensor) -> tuple[int, ...]:
    rank = x.ndim - 2
    each = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,) * rank
    if len(each) != rank or not all(m is None or (isinstance(m, int | np.integer) and m >= 0) for m in each):
        raise ArgumentError(f"{name}: output_size: got {output_size!r}, expected a number, None, or {rank} of them")
    if 0 in x.shape[1:]:
        raise ShapeError(f"{name}: got an input of shape {x.shape}, expected no axis but the first to be empty")
    return tuple(n if m is None else int(m) for n, m in zip(x.shape[2:], each, strict=True))


def _spans(n: int, m: int) -> list[tuple[int, int]]:
    """Where each of m windows over n places begins and ends."""
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def _means(n: int, m: int) -> np.ndarray:
    """The matrix (m, n) that takes the means."""
    matrix = np.zeros((m, n))
    for i, (start, end) in enumerate(_spans(n, m)):
        matrix[i, start:end] = 1 / (end - start)
    return matrix


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """As `adaptive_max_pool2d`, along one axis."""
    return _adaptive_max_pool(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest values of windows that are laid out so that the result has the size wanted.

    Math, Shapes, Args: as for `adaptive_avg_pool2d`; return_indices as for `max_pool2d`.
    """
    return _adaptive_max_pool(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """As `adaptive_max_pool2d`, along three axes."""
    return _adaptive_max_pool(3, input, output_size, return_indices)


def _adaptive_max_pool(rank: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    name = f"adaptive_max_pool{rank}d"
    x, single = batched(name, input, rank)
    size = _wanted(name, output_size, x)
    array, module = x.data, xp(x.data)
    places = np.zeros((1,) * rank + (1,), np.int64)  # of each window, in the flattened image: (H', …, most places)
    for axis, (n, m) in enumerate(zip(x.shape[2:], size, strict=True)):
        spans = _spans(n, m)
        most = max((end - start for start, end in spans), default=1)
        along = np.array([[min(start + u, end - 1) for u in range(most)] for start, end in spans], np.int64)
        along = along.reshape(m, most)  # a shorter window repeats its last place
        shape = [1] * rank + [1, most]
        shape[axis] = m
        places = (places[..., None] * n + along.reshape(shape)).reshape(*_stretched(places, axis, m), -1)
    flat = array.reshape(*array.shape[:2], -1)
    i = flat[:, :, module.asarray(places)].argmax(-1)[..., None]  # (N, C, H', …, 1)
    everywhere = module.broadcast_to(module.asarray(places), (*i.shape[:-1], places.shape[-1]))
    found = module.take_along_axis(everywhere, i, -1)[..., 0]
    values = _unbatched(_at(x, found), single)
    return (values, _unbatched(Tensor(found), single)) if return_indices else values


def _stretched(places: np.ndarray, axis: int, m: int) -> tuple[int, ...]:
    shape = list(places.shape[:-1])
    shape[axis] = m
    return tuple(shape)
