"""Normalisation: softmax, layer norm, batch norm.

One derivation serves the norms. With x̂ = (x − μ)/σ over M values and σ = √(var + ε),

    ∂x̂ᵢ/∂xⱼ = (δᵢⱼ − 1/M − x̂ᵢ x̂ⱼ/M) / σ

because μ moves with every xⱼ (the 1/M), and so does σ (the x̂ᵢ x̂ⱼ/M: ∂σ/∂xⱼ = x̂ⱼ/M). Hence, for a cotangent g on x̂,

    dx = (g − mean(g) − x̂ · mean(g · x̂)) / σ

The two means are what makes dx orthogonal to a shift and to a stretch of x, which the norm does not see.
"""

from __future__ import annotations

from typing import Any

from minidl.array import xp
from minidl.errors import ShapeError
from minidl.op import fused, primitive

from .elementwise import exp, sqrt
from .reduce import mean, sum

__all__ = [
    "layer_norm",
]


@fused
def layer_norm(x: Any, w: Any = None, b: Any = None, *, dims: int = 1, eps: float = 1e-5) -> Any:
    """Each sample normalised over its last `dims` axes, then scaled and shifted.

    Math: μ = mean x,  σ = √(mean (x − μ)² + ε),  x̂ = (x − μ)/σ,  y = x̂ ∘ w + b
    Shapes: x (…, D), w (D,), b (D,) → y (…, D); with dims > 1, D stands for that many axes.
    Args:
        w, b: scale and shift, or None.
        eps: added to the variance.
    Derivation: top of this file, with g = dy ∘ w;  dw = Σ dy ∘ x̂,  db = Σ dy over all samples.
    Source: J. L. Ba, J. R. Kiros, G. E. Hinton, Layer normalization (2016), equations 3 and 4.
    """
    axes = tuple(range(-dims, 0))
    x = x - mean(x, axis=axes, keepdims=True)
    r = 1 / sqrt(mean(x * x, axis=axes, keepdims=True) + eps)  # (…, 1)
    n = x * r
    y = n if w is None else n * w
    return y if b is None else y + b, (n, r, w, b)


@layer_norm.check
def layer_norm_check(x: Any, w: Any, b: Any, *, dims: int, eps: float) -> None:
    shape = x.shape[x.ndim - dims :] if dims <= x.ndim else None
    for name, p in (("weight", w), ("bias", b)):
        if p is not None and p.shape != shape:
            raise ShapeError(
                f"layer_norm: {name} has shape {p.shape}, but the last {dims} axes of x, of shape {x.shape}, differ",
                fix=f"make it with LayerNorm({list(x.shape[-p.ndim :])})" if 0 < p.ndim <= x.ndim else "",
            )


@layer_norm.backward
def layer_norm_backward(dy: Any, n: Any, r: Any, w: Any, b: Any, *, dims: int, eps: float) -> Any:
    """g = dy ∘ w;  dx = (g − mean g − x̂ ∘ mean(g ∘ x̂)) / σ;  dw = Σ dy ∘ x̂;  db = Σ dy"""
    axes, samples = tuple(range(-dims, 0)), tuple(range(len(dy.shape) - dims))
    g = dy if w is None else dy * w
    dx = (g - mean(g, axis=axes, keepdims=True) - n * mean(g * n, axis=axes, keepdims=True)) * r  # (…, D)
    dw = None if w is None else sum(dy * n, axis=samples)  # (D,)
    db = None if b is None else sum(dy, axis=samples)  # (D,)
    return dx, dw, db
