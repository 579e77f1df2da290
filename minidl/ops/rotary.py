"""Rotary positions: each pair of features turned by an angle, so that products of turned vectors know their distance.

T: places.  D: features, an even number.  "…": batch and heads.

Take two features as a point of the plane. Turned by a, the point (x₁, x₂) goes to

    y₁ = x₁ cos a − x₂ sin a            R(a) = | cos a  −sin a |
    y₂ = x₁ sin a + x₂ cos a                   | sin a   cos a |

Turn a query at place t by t·θ and a key at place s by s·θ. Since R(a)ᵀ = R(−a) and R(a) R(b) = R(a + b), their product

    (R(tθ) q)ᵀ (R(sθ) k) = qᵀ R((s − t) θ) k

depends on the places by their distance alone: absolute angles go in, relative positions come out.

Backward. y is linear in x, by a matrix whose transpose turns back: dx = R(a)ᵀ dy = R(−a) dy, the inverse rotation. As a
grows, y moves along its circle, at right angles to itself: ∂y₁/∂a = −y₂, ∂y₂/∂a = y₁, hence da = dy₂ y₁ − dy₁ y₂.
"""

from __future__ import annotations

from typing import Any

from minidl.array import xp
from minidl.errors import ShapeError
from minidl.op import primitive, sum_to

from .shape import concatenate, flatten, stack

__all__ = [
    "rotary",
]


@primitive(promotes=True)
def rotary(x: Any, angles: Any, *, interleaved: bool = False) -> Any:
    """Each pair of features turned by its angle.

    Math: (y₁, y₂) = (x₁ cos a − x₂ sin a,  x₁ sin a + x₂ cos a)
    Shapes: x (…, D), angles of a shape that broadcasts to (…, D/2) → y (…, D)
    Args:
        interleaved: neighbours are pairs, (x₀, x₁), (x₂, x₃), …; else the halves, (x₀, x_{D/2}), (x₁, x_{D/2+1}), ….
    Raises:
        ShapeError: D is odd, or the angles do not fit.
    Derivation: top of this file.
    Source: J. Su et al., RoFormer: enhanced Transformer with rotary position embedding (2021), equations 13 to 16.
    """
    cos, sin = xp(angles).cos(angles), xp(angles).sin(angles)  # (…, D/2)
    x1, x2 = _pairs(x, interleaved)
    return _joined(x1 * cos - x2 * sin, x1 * sin + x2 * cos, interleaved)


@rotary.check
def rotary_check(x: Any, angles: Any, *, interleaved: bool) -> None:
    if x.ndim == 0 or x.shape[-1] % 2:
        raise ShapeError(
            f"rotary: x: got shape {x.shape}, expected an even number of features, to be turned in pairs",
            fix="use heads of even size",
        )
    turned = (*x.shape[:-1], x.shape[-1] // 2)
    stretched = zip(angles.shape[::-1], turned[::-1], strict=False)
    if angles.ndim > len(turned) or any(size not in (1, whole) for size, whole in stretched):
        raise ShapeError(
            f"rotary: angles: got shape {angles.shape}, which does not broadcast to {turned}: one for each pair of x",
            fix="angles (T, D/2) fit x (N, heads, T, D)",
        )


@rotary.vjp("x")
def rotary_dx(dy: Any, angles: Any, *, interleaved: bool) -> Any:
    return rotary(dy, -angles, interleaved=interleaved)


@rotary.vjp("angles")
def rotary_dangles(dy: Any, y: Any, angles_shape: Any, *, interleaved: bool) -> Any:
    (dy1, dy2), (y1, y2) = _pairs(dy, interleaved), _pairs(y, interleaved)
    return sum_to(dy2 * y1 - dy1 * y2, angles_shape)  # (…, D/2) → the angles' shape


def _pairs(x: Any, interleaved: bool) -> Any:
    """The first and the second of all pairs: (…, D) → (…, D/2) twice."""
    half = x.shape[-1] // 2
    return (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])


def _joined(first: Any, second: Any, interleaved: bool) -> Any:
    """(…, D/2) twice → (…, D): the inverse of `_pairs`."""
    if interleaved:
        return flatten(stack([first, second], axis=-1), start=-2)  # (…, D/2, 2) → (…, D)
    return concatenate(first, second, axis=-1)
