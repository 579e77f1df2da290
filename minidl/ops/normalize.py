"""Bringing values to a common scale: softmax along an axis, layer norm, RMS norm and batch norm.

N: batch.  C: channels.  D: the normalised axes of layer norm and RMS norm.  M: how many values share one mean.

One derivation serves all three norms. With x̂ = (x − μ)/σ over M values and σ = √(var + ε),

    ∂x̂ᵢ/∂xⱼ = (δᵢⱼ − 1/M − x̂ᵢ x̂ⱼ/M) / σ

because μ moves with every xⱼ (the 1/M), and so does σ (the x̂ᵢ x̂ⱼ/M: ∂σ/∂xⱼ = x̂ⱼ/M). Hence, for a cotangent g on x̂,

    dx = (g − mean(g) − x̂ · mean(g · x̂)) / σ

The two means are what makes dx orthogonal to a shift and to a stretch of x, which the norm does not see. RMS norm takes
no mean from x, so that it sees a shift: there the 1/M and mean(g) are missing, and the rest stays. (Layer norm is the
RMS norm of x − μ.)
"""

from __future__ import annotations

from typing import Any

from minidl.array import axis_of, xp
from minidl.errors import ShapeError
from minidl.op import fused, primitive

from .elementwise import exp, sqrt
from .reduce import count_of, mean, sum
from .shape import reshape

__all__ = [
    "batch_norm",
    "layer_norm",
    "log_softmax",
    "rms_norm",
    "softmax",
]

# Softmax: rows of positive numbers that add up to 1 -------------------------------------------------------------------


@primitive(real=True)
def softmax(x: Any, *, axis: int = -1) -> Any:
    """Scores to probabilities along `axis`; zeros where all scores are −∞, since nothing is possible there.

    Math: yᵣ = e^(xᵣ − m) / Σₛ e^(xₛ − m);  m = max x cancels, and keeps e from overflowing
    Derivation: ∂yₛ/∂xᵣ = yₛ (δₛᵣ − yᵣ): once by the numerator, once by the sum. Hence
        dxᵣ = Σₛ dyₛ yₛ (δₛᵣ − yᵣ) = yᵣ (dyᵣ − Σₛ dyₛ yₛ)
    Raises:
        AxisError: x has no such axis.
    Source: J. S. Bridle, Probabilistic interpretation of feedforward classification network outputs (1990), section 3.
    """
    e = xp(x).exp(_shifted(x, axis))
    total = e.sum(axis=axis, keepdims=True)
    return e / xp(x).where(total == 0, 1, total).astype(e.dtype, copy=False)


@softmax.vjp("x")
def softmax_dx(dy: Any, y: Any, *, axis: int) -> Any:
    return y * (dy - sum(dy * y, axis=axis, keepdims=True))


@primitive(real=True)
def log_softmax(x: Any, *, axis: int = -1) -> Any:
    """The logarithm of softmax, exact where the probability itself would round to 0 or to 1.

    Math: yᵣ = xᵣ − m − log Σₛ e^(xₛ − m),  m = max x;  −∞ where all x are −∞
    Derivation: ∂yₛ/∂xᵣ = δₛᵣ − softmax(x)ᵣ, and softmax(x) = e^y. Hence dx = dy − e^y Σ dy.
    Raises:
        AxisError: x has no such axis.
    """
    z = _shifted(x, axis)
    total = xp(x).exp(z).sum(axis=axis, keepdims=True)
    return z - xp(x).log(xp(x).where(total == 0, 1, total)).astype(z.dtype, copy=False)


@log_softmax.vjp("x")
def log_softmax_dx(dy: Any, y: Any, *, axis: int) -> Any:
    return dy - exp(y) * sum(dy, axis=axis, keepdims=True)


@softmax.check
@log_softmax.check
def softmax_check(x: Any, *, axis: int) -> None:
    axis_of("softmax: axis", axis, x.ndim)


def _shifted(x: Any, axis: int) -> Any:
    """x minus its largest value; as it is where that is −∞, because −∞ − (−∞) would be NaN."""
    top = x.real.max(axis=axis, keepdims=True, initial=-float("inf"))  # .real: the complex oracle shifts by a constant
    return x - xp(x).where(top == -float("inf"), 0, top).astype(top.dtype, copy=False)


# The norms ------------------------------------------------------------------------------------------------------------


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
    _check_last("layer_norm", "LayerNorm", x, dims, weight=w, bias=b)


def _check_last(name: str, layer: str, x: Any, dims: int, **scales: Any) -> None:
    shape = x.shape[x.ndim - dims :] if dims <= x.ndim else None
    for which, p in scales.items():
        if p is not None and p.shape != shape:
            raise ShapeError(
                f"{name}: {which} has shape {p.shape}, but the last {dims} axes of x, of shape {x.shape}, differ",
                fix=f"make it with {layer}({list(x.shape[-p.ndim :])})" if 0 < p.ndim <= x.ndim else "",
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


@fused
def rms_norm(x: Any, w: Any = None, *, dims: int = 1, eps: float = 1e-5) -> Any:
    """Each sample divided by the root of its mean square over the last `dims` axes, then scaled.

    Math: ρ = √(mean x² + ε),  x̂ = x/ρ,  y = x̂ ∘ w
    Shapes: x (…, D), w (D,) → y (…, D); with dims > 1, D stands for that many axes.
    Args:
        w: scale, or None.
        eps: added to the mean square.
    Raises:
        ShapeError: w has not the shape of the last axes of x.
    Derivation: ∂ρ/∂xⱼ = xⱼ/(M ρ) = x̂ⱼ/M, hence ∂x̂ᵢ/∂xⱼ = (δᵢⱼ − x̂ᵢ x̂ⱼ/M)/ρ; contracted with g = dy ∘ w below.
    Source: B. Zhang, R. Sennrich, Root mean square layer normalization (2019), equation 4.
    """
    r = 1 / sqrt(mean(x * x, axis=tuple(range(-dims, 0)), keepdims=True) + eps)  # (…, 1)
    n = x * r
    return n if w is None else n * w, (n, r, w)


@rms_norm.check
def rms_norm_check(x: Any, w: Any, *, dims: int, eps: float) -> None:
    _check_last("rms_norm", "RMSNorm", x, dims, weight=w)


@rms_norm.backward
def rms_norm_backward(dy: Any, n: Any, r: Any, w: Any, *, dims: int, eps: float) -> Any:
    """g = dy ∘ w;  dx = (g − x̂ ∘ mean(g ∘ x̂)) / ρ;  dw = Σ dy ∘ x̂"""
    g = dy if w is None else dy * w
    dx = (g - n * mean(g * n, axis=tuple(range(-dims, 0)), keepdims=True)) * r  # (…, D)
    dw = None if w is None else sum(dy * n, axis=tuple(range(len(dy.shape) - dims)))  # (D,)
    return dx, dw


@fused
def batch_norm(x: Any, w: Any = None, b: Any = None, *, eps: float = 1e-5) -> Any:
    """Each channel normalised over the batch and all places, then scaled and shifted.

    Math: μ = mean x,  v = mean (x − μ)²,  x̂ = (x − μ)/σ with σ = √(v + ε),  y = x̂ ∘ w + b
    Shapes: x (N, C, …), w (C,), b (C,) → y (N, C, …), μ (C,), v (C,)
    Args:
        w, b: scale and shift, or None.
        eps: added to the variance.
    Returns: y, the mean, and the biased variance: outputs like y, so that they may be used and differentiated too.
    Raises:
        ShapeError: x has no channel axis or no values; w or b is not (C,).
    Derivation: top of this file, with g = dy ∘ w and M = N · places;  dw = Σ dy ∘ x̂,  db = Σ dy over all but channels.
        μ and v are outputs, with cotangents of their own: ∂μ/∂xⱼ = 1/M, and ∂v/∂xⱼ = 2 (xⱼ − μ)/M, the path through
        μ vanishing because Σ (x − μ) = 0. These add (dμ + 2 dv (x − μ))/M to dx.
    Source: S. Ioffe, C. Szegedy, Batch normalization (2015), algorithm 1.
    """
    axes = _all_but_channels(x)
    m = mean(x, axis=axes, keepdims=True)  # (1, C, 1, …)
    x = x - m
    v = mean(x * x, axis=axes, keepdims=True)  # (1, C, 1, …)
    r = 1 / sqrt(v + eps)  # (1, C, 1, …)
    n = x * r
    y = n if w is None else n * reshape(w, shape=m.shape)
    y = y if b is None else y + reshape(b, shape=m.shape)
    channels = (x.shape[1],)
    return (y, reshape(m, shape=channels), reshape(v, shape=channels)), (n, r, w, b)


@batch_norm.check
def batch_norm_check(x: Any, w: Any, b: Any, *, eps: float) -> None:
    if x.ndim < 2 or x.size == 0:
        raise ShapeError(f"batch_norm: x: got shape {x.shape}, expected (N, C, …) with at least one value")
    for name, p in (("weight", w), ("bias", b)):
        if p is not None and p.shape != x.shape[1:2]:
            raise ShapeError(
                f"batch_norm: {name} has shape {p.shape}, but x, of shape {x.shape}, has {x.shape[1]} channels",
                fix=f"make it with BatchNorm(num_features={x.shape[1]})",
            )


@batch_norm.backward
def batch_norm_backward(dy: Any, dm: Any, dv: Any, n: Any, r: Any, w: Any, b: Any, *, eps: float) -> Any:
    """g = dy ∘ w;  dx = (g − mean g − x̂ ∘ mean(g ∘ x̂)) / σ + (dμ + 2 dv ∘ (x − μ)) / M;  dw = Σ dy ∘ x̂;  db = Σ dy"""
    axes, channel = _all_but_channels(dy), r.shape
    g = dy if w is None else dy * reshape(w, shape=channel)
    dx = (g - mean(g, axis=axes, keepdims=True) - n * mean(g * n, axis=axes, keepdims=True)) * r  # (N, C, …)
    dm, dv = reshape(dm, shape=channel), reshape(dv, shape=channel)
    dx = dx + (dm + 2 * dv * n / r) / count_of(n.shape, axes)  # (N, C, …); n / r = x − μ
    dw = None if w is None else sum(dy * n, axis=axes)  # (C,)
    db = None if b is None else sum(dy, axis=axes)  # (C,)
    return dx, dw, db


def _all_but_channels(x: Any) -> tuple[int, ...]:
    return (0, *range(2, len(x.shape)))
