"""Activations with a derivative of their own; the others are lines over these, in `nn/functional/activation.py`.

Dimension letters: none; every rule holds for each element by itself.
At the kinks the slope is that of the negative side, as in PyTorch: prelu'(0) = w, elu'(0) = α. No value is computed
from e^x of a large x, which would overflow: exponents are kept at or below 0.
"""

from __future__ import annotations

from typing import Any

from minidl.array import xp
from minidl.errors import ArgumentError
from minidl.op import fused, primitive

from .elementwise import exp, sigmoid, tanh, where

__all__ = [
    "elu",
    "mish",
    "prelu",
    "silu",
    "softplus",
]

# Piecewise ------------------------------------------------------------------------------------------------------------


@primitive(broadcasts=True)
def prelu(x: Any, w: Any) -> Any:
    """A rectifier with a slope on its negative side: a number (leaky ReLU), or an array that learns (PReLU).

    Math: y = x where x > 0, else w · x;  dx = dy where x > 0, else w · dy;  dw = 0 where x > 0, else x · dy
    Source: K. He et al., Delving deep into rectifiers (2015), equations 1 to 3; with a constant slope A. Maas,
        A. Hannun, A. Ng, Rectifier nonlinearities improve neural network acoustic models (2013).
    """
    return xp(x, w).where(x.real > 0, x, w * x)


@prelu.vjp("x")
def prelu_dx(dy: Any, x: Any, w: Any) -> Any:
    return where(x > 0, dy, w * dy)


@prelu.vjp("w")
def prelu_dw(dy: Any, x: Any) -> Any:
    return where(x > 0, 0.0 * dy, x * dy)


@primitive(real=True)
def elu(x: Any, *, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    """A line that bends into an exponential below 0, where it saturates: ELU, and with other constants SELU and CELU.

    Math: y = s · x where x > 0, else s · α · (e^(cx) − 1);  dx = dy · s where x > 0, else dy · s · α · c · e^(cx)
    Args:
        alpha, scale, input_scale: α, s and c. ELU leaves s = c = 1; SELU chooses α and s such that mean 0 and variance
            1 are a fixed point; CELU has c = 1/α, which makes the slope continuous.
    Source: D. Clevert, T. Unterthiner, S. Hochreiter, ELUs (2016), equation 15; G. Klambauer et al., Self-normalizing
        neural networks (2017), equation 2; J. Barron, Continuously differentiable exponential linear units (2017).
    """
    positive = x.real > 0
    curve = alpha * xp(x).expm1(xp(x).where(positive, 0, input_scale * x))
    return scale * xp(x).where(positive, x, curve)


@elu.vjp("x")
def elu_dx(dy: Any, x: Any, *, alpha: float, scale: float, input_scale: float) -> Any:
    curve = exp(where(x > 0, 0.0, input_scale * x))
    return scale * where(x > 0, dy, alpha * input_scale * (dy * curve))


# Smooth ---------------------------------------------------------------------------------------------------------------


@primitive(real=True)
def softplus(x: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """A smooth rectifier; the larger β, the nearer to it. Its derivative is the logistic function.

    Math: y = ln(1 + e^(βx)) / β = (max(βx, 0) + ln(1 + e^(−|βx|))) / β;  dx = dy · σ(βx)
        Where βx > threshold, y = x and dx = dy: there the curve and the line are one to within e^(−threshold)/β.
    Source: C. Dugas et al., Incorporating second-order functional knowledge (2001).
    Raises:
        ArgumentError: β is 0.
    """
    b = beta * x
    positive = b.real > 0
    tail = xp(x).log1p(xp(x).exp(xp(x).where(positive, -b, b)))
    return xp(x).where(b.real > threshold, x, (xp(x).where(positive, b, 0) + tail) / beta)


@softplus.check
def softplus_check(x: Any, *, beta: float, threshold: float) -> None:
    if beta == 0:
        raise ArgumentError(f"softplus: beta: got {beta}, expected another number than 0")


@softplus.vjp("x")
def softplus_dx(dy: Any, x: Any, *, beta: float, threshold: float) -> Any:
    return where(beta * x > threshold, dy, dy * sigmoid(beta * x))


@fused(real=True)
def silu(x: Any) -> Any:
    """The sigmoid linear unit, also called swish.

    Math: y = x · σ(x)
    Source: D. Hendrycks, K. Gimpel, Gaussian error linear units (2016), section 2; S. Elfwing, E. Uchibe, K. Doya,
        Sigmoid-weighted linear units (2018), with the derivative.
    """
    s = sigmoid(x)
    return x * s, (x, s)


@silu.backward
def silu_backward(dy: Any, x: Any, s: Any) -> Any:
    """With σ' = σ(1 − σ): dx = dy · (σ + xσ(1 − σ)) = dy · σ · (1 + x(1 − σ))."""
    return (dy * s * (1 + x * (1 - s)),)


@fused(real=True)
def mish(x: Any) -> Any:
    """x times the hyperbolic tangent of its softplus: like silu, with a slightly deeper dip.

    Math: y = x · tanh(ln(1 + eˣ))
    Source: D. Misra, Mish: a self regularized non-monotonic activation function (2020).
    """
    t = tanh(softplus(x))
    return x * t, (x, t)


@mish.backward
def mish_backward(dy: Any, x: Any, t: Any) -> Any:
    """t = tanh u has t' = (1 − t²) u', and softplus has u' = σ(x): dx = dy · (t + x(1 − t²)σ(x))."""
    return (dy * (t + x * (1 - t * t) * sigmoid(x)),)
