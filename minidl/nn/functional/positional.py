"""Where things stand in a sequence: rotations, waves, and what distance adds to the scores of attention.

PyTorch has none of these; the names are those of the papers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl import ops
from minidl.array import DEFAULT, as_dtype, is_float, to_device
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import Tensor, as_tensor

__all__ = [
    "alibi_bias",
    "alibi_slopes",
    "relative_position_bucket",
    "rotary",
    "sinusoidal_positions",
]


def rotary(input: Any, positions: Any = None, base: float = 10000.0, interleaved: bool = False) -> Any:
    """Each pair of features turned by an angle that grows with the place: for queries and keys, before attention.

    Math: pair i of place t is turned by t · base^(−2i/D)
    Shapes: (…, T, D) → the same; D is even.
    Args:
        positions: the places' numbers, 0 to T − 1 by default; integers or floats, of a shape that broadcasts to (…, T).
        base: the slowest pair turns by about a radian in `base` places.
        interleaved: neighbours are pairs (Su et al., LLaMA's own code); else the first half and the second are, feature
            by feature (Hugging Face). Weights that were trained with one do not fit the other.
    Raises:
        ShapeError: D is odd, or the positions do not fit. DTypeError: the input is not of floats. ArgumentError: base.
    Source: J. Su et al., RoFormer: enhanced Transformer with rotary position embedding (2021), equation 15.
    """
    x = as_tensor(input)
    if not is_float(x.dtype):
        raise DTypeError(f"rotary: input: got {describe(x)}, expected floats", fix="convert it with .float()")
    if x.ndim < 2 or x.shape[-1] % 2:
        raise ShapeError(
            f"rotary: input: got shape {x.shape}, expected (…, T, D) with an even D",
            fix="split into heads of even size first: (N, heads, T, D)",
        )
    check_base("rotary", base)
    t, d = x.shape[-2:]
    places = np.arange(t) if positions is None else _numbers("rotary: positions", positions)
    stretched = zip(places.shape[::-1], x.shape[-2::-1], strict=False)
    if places.ndim >= x.ndim or any(size not in (1, whole) for size, whole in stretched):
        raise ShapeError(
            f"rotary: positions: got shape {places.shape}, which does not broadcast to {x.shape[:-1]}, the places",
            fix="for (N, heads, T, D), positions of each sample are (N, 1, T)",
        )
    # Whole turns are taken off in float64, so that far places keep their digits in float32.
    angles = np.remainder(places[..., None] * _rates(d, base), 2 * math.pi)  # (…, T, D/2)
    return ops.rotary(x, _like(x, angles), interleaved=interleaved)


def sinusoidal_positions(
    length: int, dim: int, base: float = 10000.0, *, device: str | None = None, dtype: Any = None
) -> Tensor:
    """Sines and cosines of the place, in turns, each pair slower than the one before.

    Math: p[t, 2i] = sin(t · base^(−2i/dim)),  p[t, 2i + 1] = cos(t · base^(−2i/dim))
    Shapes: → (length, dim), float32 by default; an odd dim ends in a sine.
    Raises:
        ArgumentError: length below 0, dim below 1, or base.
    Source: A. Vaswani et al., Attention is all you need (2017), section 3.5.
    """
    if length < 0 or dim < 1:
        raise ArgumentError(f"sinusoidal_positions: got length {length}, dim {dim}, expected at least 0 and at least 1")
    check_base("sinusoidal_positions", base)
    rates = _rates(dim, base)  # (dim/2,)
    angles = np.arange(length)[:, None] * rates  # (length, dim/2)
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=2)  # (length, dim/2, 2)
    waves = waves.reshape(length, 2 * len(rates))[:, :dim]  # (length, dim)
    return Tensor(waves.astype(DEFAULT if dtype is None else as_dtype(dtype))).to(device)


def relative_position_bucket(
    relative_position: Any, bidirectional: bool = True, num_buckets: int = 32, max_distance: int = 128
) -> Tensor:
    """Distances in classes: the near ones each alone, the far ones together, ever more of them; T5's.

    Of the buckets of one direction, the first half holds the distances 0, 1, 2, …; the second grows by equal factors up
    to max_distance, and its last holds all beyond.
    Shapes: (…) of integers → (…), int64 from 0 to num_buckets − 1
    Args:
        relative_position: place of the key minus place of the query.
        bidirectional: whether keys that come later have buckets of their own, the upper half; else they count as
            distance 0, since a causal mask hides them.
    Raises:
        ArgumentError: too few buckets, or max_distance not beyond the near ones. DTypeError: no integers.
    Source: C. Raffel et al., Exploring the limits of transfer learning with a unified text-to-text Transformer (2020),
        section 2.1, and the code published with it.
    """
    distance = _numbers("relative_position_bucket: relative_position", relative_position, integers=True)
    check_buckets("relative_position_bucket", bidirectional, num_buckets, max_distance)
    first: Any = 0
    if bidirectional:
        num_buckets //= 2
        first = np.where(distance > 0, num_buckets, 0)
        distance = abs(distance)
    else:
        distance = np.maximum(-distance, 0)
    near = num_buckets // 2
    steps = np.log(np.maximum(distance, near) / near) / math.log(max_distance / near) * (num_buckets - near)
    # A distance that stands exactly where a bucket begins must not fall short of it by rounding.
    far = np.minimum(near + np.floor(steps + 1e-9).astype(np.int64), num_buckets - 1)
    return Tensor(first + np.where(distance < near, distance, far))


def alibi_slopes(num_heads: int, *, device: str | None = None, dtype: Any = None) -> Tensor:
    """How much each head minds distance, by equal factors from head to head.

    Math: slope h of H is 2^(−8h/H), h = 1 … H; where H is no power of 2, the slopes of the next lower power H', then
        every second one of 2H'
    Shapes: → (H,), float32 by default
    Raises:
        ArgumentError: num_heads is below 1.
    Source: O. Press, N. Smith, M. Lewis, Train short, test long (2022), section 3, and the code published with it.
    """
    if num_heads < 1:
        raise ArgumentError(f"alibi_slopes: num_heads: got {num_heads}, expected 1 or more")
    lower = 1 << (num_heads.bit_length() - 1)
    slopes = [2.0 ** (-8 * h / lower) for h in range(1, lower + 1)]
    slopes += [2.0 ** (-4 * h / lower) for h in range(1, 2 * (num_heads - lower), 2)]
    return Tensor(np.array(slopes, DEFAULT if dtype is None else as_dtype(dtype))).to(device)


def alibi_bias(
    num_heads: int,
    query_length: int,
    key_length: int | None = None,
    *,
    device: str | None = None,
    dtype: Any = None,
) -> Tensor:
    """What attention with linear biases adds to its scores: the further away a key, the less.

    Math: bias[h, t, s] = −slope_h · |t − s|;  softmax sees no constant, so under a causal mask it is the paper's
    Shapes: → (H, T, S), as attn_mask for queries (N, H, T, D); S = T by default.
    Raises:
        ArgumentError: num_heads is below 1, or a length below 0.
    Source: as alibi_slopes.
    """
    key_length = query_length if key_length is None else key_length
    if query_length < 0 or key_length < 0:
        raise ArgumentError(f"alibi_bias: got lengths {query_length} and {key_length}, expected 0 or more")
    distance = abs(np.arange(key_length) - np.arange(query_length)[:, None])  # (T, S)
    slopes = alibi_slopes(num_heads, dtype=dtype).data  # (H,)
    return Tensor(-slopes[:, None, None] * distance.astype(slopes.dtype)).to(device)


def check_base(name: str, base: float) -> None:
    """Powers of it are rates of turning."""
    if not base > 0:
        raise ArgumentError(f"{name}: base: got {base!r}, expected a number above 0", fix="10000.0 is the usual one")


def check_buckets(name: str, bidirectional: bool, num_buckets: int, max_distance: int) -> None:
    """Each direction has near buckets and far ones, and the far ones begin before they end."""
    least, near = (4, num_buckets // 4) if bidirectional else (2, num_buckets // 2)
    if num_buckets < least or num_buckets % (least // 2):
        even = ", an even number" if bidirectional else ""
        raise ArgumentError(f"{name}: num_buckets: got {num_buckets}, expected {least} or more{even}")
    if max_distance <= near:
        raise ArgumentError(
            f"{name}: max_distance: got {max_distance}, expected more than {near}, up to where each has its own bucket",
            fix="use fewer buckets",
        )


def _rates(dim: int, base: float) -> np.ndarray:
    """Radians per place for each pair of features, (dim/2,), rounded up."""
    return base ** (-np.arange(0, dim, 2) / dim)


def _numbers(name: str, values: Any, integers: bool = False) -> Any:
    """The values on the CPU, where places are counted."""
    array = np.asarray(values.detach().cpu().data if isinstance(values, Tensor) else values)
    if array.dtype.kind not in ("iu" if integers else "iuf"):
        raise DTypeError(f"{name}: got {describe(values)}, expected {'integers' if integers else 'numbers'}")
    return array


def _like(x: Tensor, array: Any) -> Any:
    """An array of x's dtype on x's device."""
    return to_device(array.astype(x.dtype), x.device)
