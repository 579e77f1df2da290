"""Products by name: of vectors, matrices and batches of them; distances and angles. Made of other operations."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np

from minidl.array import axis_of
from minidl.errors import ArgumentError, ShapeError

from .arrange import movedim, roll
from .dense import einsum_of
from .elementwise import abs, maximum
from .factors import singular_values
from .reduce import Axis, max, min, norm, sum
from .rounding import sign
from .shape import expand, reshape, transpose

__all__ = [
    "bilinear",
    "bmm",
    "cdist",
    "cosine_similarity",
    "cross",
    "dot",
    "inner",
    "kron",
    "matrix_norm",
    "mm",
    "mv",
    "outer",
    "pairwise_distance",
    "tensordot",
    "vector_norm",
]


def _shapes(name: str, x: Any, w: Any, axes: tuple[int, int], expected: str) -> None:
    if (len(x.shape), len(w.shape)) != axes:
        raise ShapeError(
            f"{name}: got shapes {tuple(x.shape)} and {tuple(w.shape)}, expected {expected}",
            fix="matmul takes every combination",
        )


def mm(x: Any, w: Any) -> Any:
    """Matrix times matrix."""
    _shapes("mm", x, w, (2, 2), "two matrices")
    return x @ w


def bmm(x: Any, w: Any) -> Any:
    """Matrices times matrices, one by one: (B, I, J), (B, J, K) → (B, I, K)."""
    _shapes("bmm", x, w, (3, 3), "two batches of matrices, (B, I, J) and (B, J, K)")
    if x.shape[0] != w.shape[0]:
        raise ShapeError(f"bmm: got batches of {x.shape[0]} and {w.shape[0]} matrices, expected as many")
    return x @ w


def mv(x: Any, w: Any) -> Any:
    """Matrix times vector."""
    _shapes("mv", x, w, (2, 1), "a matrix and a vector")
    return x @ w


def dot(x: Any, w: Any) -> Any:
    """The scalar product of two vectors."""
    _shapes("dot", x, w, (1, 1), "two vectors")
    return x @ w


def outer(x: Any, w: Any) -> Any:
    """All products of an element of one vector and one of the other: (I,), (K,) → (I, K)."""
    _shapes("outer", x, w, (1, 1), "two vectors")
    return reshape(x, shape=(-1, 1)) * w


def inner(x: Any, w: Any) -> Any:
    """Scalar products along the last axes: y[…, ‥] = Σⱼ x[…, j] w[‥, j]; with a number, the product."""
    if not x.shape or not w.shape:
        return x * w
    return tensordot(x, w, ([-1], [-1]))


def tensordot(x: Any, w: Any, axes: Any = 2) -> Any:
    """Products summed over axes of x that are matched with axes of w.

    Args:
        axes: two lists, of the axes of x and those of w; or a number: the last axes of x with the first of w.
    Raises:
        ShapeError: matched axes differ in size. ArgumentError: not as many of x as of w.
    """
    n, m = len(x.shape), len(w.shape)
    if isinstance(axes, int):
        if not 0 <= axes <= (m if m < n else n):
            raise ArgumentError(f"tensordot: dims: got {axes} for arrays of {n} and {m} axes")
        axes = (list(range(n - axes, n)), list(range(axes)))
    left, right = ([part] if isinstance(part, int) else list(part) for part in axes)
    left = [axis_of("tensordot: dims", a, n) for a in left]
    right = [axis_of("tensordot: dims", a, m) for a in right]
    if len(left) != len(right):
        raise ArgumentError(f"tensordot: dims: got {len(left)} axes of the first and {len(right)} of the second")
    sizes = [x.shape[a] for a in left]
    if sizes != [w.shape[a] for a in right]:
        raise ShapeError(
            f"tensordot: got shapes {tuple(x.shape)} and {tuple(w.shape)}: the axes {left} and {right} differ in size"
        )
    rows, columns = [a for a in range(n) if a not in left], [a for a in range(m) if a not in right]
    shape = tuple(x.shape[a] for a in rows) + tuple(w.shape[a] for a in columns)
    x = reshape(transpose(x, axes=(*rows, *left)), shape=(prod(x.shape[a] for a in rows), prod(sizes)))
    w = reshape(transpose(w, axes=(*right, *columns)), shape=(prod(sizes), prod(w.shape[a] for a in columns)))
    return reshape(x @ w, shape=shape)


def kron(x: Any, w: Any) -> Any:
    """Kronecker's product: x, with every element replaced by itself times w."""
    n = len(x.shape) if len(x.shape) > len(w.shape) else len(w.shape)
    outer_, inner_ = ((1,) * (n - len(z.shape)) + tuple(z.shape) for z in (x, w))
    x = reshape(x, shape=tuple(s for size in outer_ for s in (size, 1)))
    w = reshape(w, shape=tuple(s for size in inner_ for s in (1, size)))
    return reshape(x * w, shape=tuple(a * b for a, b in zip(outer_, inner_, strict=True)))


def cross(x: Any, w: Any, axis: int = -1) -> Any:
    """The vector product along an axis of size 3; the others broadcast.

    Math: yᵢ = xᵢ₊₁ wᵢ₊₂ − xᵢ₊₂ wᵢ₊₁, indices modulo 3
    """
    for z in (x, w):
        if z.shape[axis_of("cross: dim", axis, len(z.shape))] != 3:
            raise ShapeError(f"cross: got shapes {tuple(x.shape)} and {tuple(w.shape)}, expected size 3 in dim {axis}")
    if len(x.shape) != len(w.shape):
        raise ShapeError(f"cross: got shapes {tuple(x.shape)} and {tuple(w.shape)}, expected as many axes")
    return roll(x, -1, axis) * roll(w, -2, axis) - roll(x, -2, axis) * roll(w, -1, axis)


def bilinear(x: Any, z: Any, w: Any, b: Any = None) -> Any:
    """A form that is linear in each of two inputs, and a shift.

    Math: y[…, o] = Σᵢⱼ x[…, i] w[o, i, j] z[…, j] + b[o]
    Shapes: x (…, I), z (…, J), w (O, I, J), b (O,) → y (…, O)
    Raises:
        ShapeError: x and z differ in the axes "…", or the sizes do not fit those of w.
    """
    if len(w.shape) != 3:
        raise ShapeError(f"bilinear: weight: got shape {tuple(w.shape)}, expected (out, in1, in2)")
    if not x.shape or not z.shape or x.shape[:-1] != z.shape[:-1] or (x.shape[-1], z.shape[-1]) != tuple(w.shape[1:]):
        raise ShapeError(
            f"bilinear: got inputs of shape {tuple(x.shape)} and {tuple(z.shape)}, expected (…, {w.shape[1]}) and "
            f"(…, {w.shape[2]}) with the same axes before"
        )
    if b is not None and tuple(b.shape) != (w.shape[0],):
        raise ShapeError(f"bilinear: bias: got shape {tuple(b.shape)}, expected {(w.shape[0],)}")
    y = einsum_of("...i,oij,...j->...o", x, w, z)
    return y if b is None else y + b


# Norms, distances, angles ---------------------------------------------------------------------------------------------


def vector_norm(x: Any, p: float = 2.0, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The p-norm over `axis`; p = ∞ and −∞: the largest and smallest |x|; p = 0: how many are not 0.

    At ties the largest share the gradient; where a norm is 0, so is its gradient; a count has gradient 0.
    """
    if p == 0:
        return sum(abs(sign(x)), axis=axis, keepdims=keepdims)
    if p == 1:
        return sum(abs(x), axis=axis, keepdims=keepdims)
    if p in (inf, -inf):
        return (max if p > 0 else min)(abs(x), axis=axis, keepdims=keepdims)
    return norm(x, p=p, axis=axis, keepdims=keepdims)


def matrix_norm(x: Any, p: Any = "fro", *, axis: tuple[int, int] = (-2, -1), keepdims: bool = False) -> Any:
    """A norm of matrices: "fro", the 2-norm of all elements; 1 and −1, the largest and smallest sum of |x| of a
    column; ∞ and −∞, of a row; 2 and −2, the largest and smallest singular value; "nuc", the sum of these.
    """
    if len(axis) != 2 or len(x.shape) < 2:
        raise ShapeError(f"matrix_norm: got shape {tuple(x.shape)} and dim {axis}, expected the two axes of matrices")
    rows, columns = (axis_of("matrix_norm: dim", a, len(x.shape)) for a in axis)
    if rows == columns:
        raise ArgumentError(f"matrix_norm: dim: got {axis}, expected two different axes")
    if p == "fro":
        return norm(x, axis=(rows, columns), keepdims=keepdims)
    if p not in ("nuc", 2, -2, 1, -1, inf, -inf):
        raise ArgumentError(f"matrix_norm: ord: got {p!r}, expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf")
    kept = tuple(s for a, s in enumerate(x.shape) if a not in (rows, columns))
    if p in ("nuc", 2, -2):
        values = singular_values(movedim(x, (rows, columns), (-2, -1)))  # (…, K)
        y = sum(values, axis=-1) if p == "nuc" else (max if p > 0 else min)(values, axis=-1)
    else:
        summed, chosen = (rows, columns) if p in (1, -1) else (columns, rows)
        y = (max if p > 0 else min)(sum(abs(x), axis=summed, keepdims=True), axis=chosen, keepdims=True)
    with_both = tuple(1 if a in (rows, columns) else s for a, s in enumerate(x.shape))
    return reshape(y, shape=with_both if keepdims else kept)


def cosine_similarity(x: Any, w: Any, *, axis: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along `axis`; norms below `eps` count as `eps`.

    Math: y = ⟨x, w⟩ / (max(‖x‖, ε) · max(‖w‖, ε))
    """
    try:
        shape = np.broadcast_shapes(tuple(x.shape), tuple(w.shape))
    except ValueError as error:
        raise ShapeError(f"cosine_similarity: got shapes {tuple(x.shape)} and {tuple(w.shape)}: {error}") from error
    axis = axis_of("cosine_similarity: dim", axis, len(shape))
    x, w = expand(x, shape=shape), expand(w, shape=shape)
    lengths = [maximum(norm(z, axis=axis, keepdims=True), eps) for z in (x, w)]
    return sum((x / lengths[0]) * (w / lengths[1]), axis=axis)


def pairwise_distance(x: Any, w: Any, p: float = 2.0, *, eps: float = 1e-6, keepdims: bool = False) -> Any:
    """The p-norm of x − w + ε along the last axis; ε keeps the root away from its kink at 0."""
    return vector_norm(x - w + eps, p, axis=-1, keepdims=keepdims)


def cdist(x: Any, w: Any, p: float = 2.0) -> Any:
    """The p-norm of the difference of every row of x and every row of w: (…, I, D), (…, K, D) → (…, I, K)."""
    if len(x.shape) < 2 or len(w.shape) < 2 or x.shape[-1] != w.shape[-1]:
        raise ShapeError(
            f"cdist: got shapes {tuple(x.shape)} and {tuple(w.shape)}, expected (…, I, D) and "
            "(…, K, D): rows of one length"
        )
    left = reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))
    right = reshape(w, shape=(*w.shape[:-2], 1, *w.shape[-2:]))
    return vector_norm(left - right, p, axis=-1)
