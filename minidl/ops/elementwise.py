"""Element by element, with broadcasting. Gradients are summed back to each input's shape by the engine.

Dimension letters: none; every rule holds for each element by itself.
At the kinks a subgradient is chosen: relu'(0) = 0 and |·|'(0) = 0, so that a dead unit stays exactly dead and zero
stays a fixed point; max and min share equally among ties, so that the rule is symmetric in its arguments.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.array import DEFAULT, device_of, promote, to_device, xp
from minidl.errors import ArgumentError, DTypeError, describe
from minidl.op import primitive

from .cody import erf as erf_of_array

__all__ = [
    "abs",
    "add",
    "cast",
    "clip",
    "div",
    "dropout",
    "erf",
    "exp",
    "gelu",
    "log",
    "maximum",
    "minimum",
    "move",
    "mul",
    "neg",
    "pow",
    "relu",
    "sigmoid",
    "sqrt",
    "sub",
    "tanh",
    "where",
]

# Arithmetic -----------------------------------------------------------------------------------------------------------


@primitive(broadcasts=True)
def add(x: Any, w: Any) -> Any:
    """The sum.

    Math: y = x + w;  dx = dy,  dw = dy
    """
    return x + w


@add.vjp("x", "w")
def add_dx(dy: Any) -> Any:
    return dy


@primitive(broadcasts=True)
def sub(x: Any, w: Any) -> Any:
    """The difference.

    Math: y = x − w;  dx = dy,  dw = −dy
    """
    return x - w


@sub.vjp("x")
def sub_dx(dy: Any) -> Any:
    return dy


@sub.vjp("w")
def sub_dw(dy: Any) -> Any:
    return -dy


@primitive(broadcasts=True)
def mul(x: Any, w: Any) -> Any:
    """The product.

    Math: y = x · w;  dx = dy · w,  dw = dy · x
    """
    return x * w


@mul.vjp("x")
def mul_dx(dy: Any, w: Any) -> Any:
    return dy * w


@mul.vjp("w")
def mul_dw(dy: Any, x: Any) -> Any:
    return dy * x


@primitive(broadcasts=True, real=True)
def div(x: Any, w: Any) -> Any:
    """The quotient.

    Math: y = x / w;  dx = dy / w,  dw = −dy · y / w
    """
    return x / w


@div.vjp("x")
def div_dx(dy: Any, w: Any) -> Any:
    return dy / w


@div.vjp("w")
def div_dw(dy: Any, y: Any, w: Any) -> Any:
    return -dy * y / w


@primitive(broadcasts=True)
def pow(x: Any, w: Any) -> Any:
    """The power.

    Math: y = xʷ;  dx = dy · w · xʷ⁻¹,  dw = dy · y · log x
    At x = 0 both are taken as their limits where these are finite: dx = 0 for w = 0, dw = 0 for w ≥ 0.
    """
    return x**w


@pow.vjp("x")
def pow_dx(dy: Any, x: Any, w: Any) -> Any:
    if isinstance(w, int | float):
        return dy * w * pow(x, w - 1 if w else 1.0)  # a Python number has more digits than `where` would leave it
    return dy * w * pow(x, where(w == 0, 1.0, w - 1))


@pow.vjp("w")
def pow_dw(dy: Any, x: Any, y: Any) -> Any:
    return dy * y * log(where(x == 0, 1.0, x))


@primitive
def neg(x: Any) -> Any:
    """The negative.

    Math: y = −x;  dx = −dy
    """
    return -x


@neg.vjp("x")
def neg_dx(dy: Any) -> Any:
    return -dy


# Functions of one variable --------------------------------------------------------------------------------------------


@primitive(real=True)
def exp(x: Any) -> Any:
    """The exponential.

    Math: y = eˣ;  dx = dy · y
    """
    return xp(x).exp(x)


@exp.vjp("x")
def exp_dx(dy: Any, y: Any) -> Any:
    return dy * y


@primitive(real=True)
def log(x: Any) -> Any:
    """The natural logarithm; −∞ at 0, NaN below.

    Math: y = ln x;  dx = dy / x
    """
    return xp(x).log(x)


@log.vjp("x")
def log_dx(dy: Any, x: Any) -> Any:
    return dy / x


@primitive(real=True)
def sqrt(x: Any) -> Any:
    """The square root; NaN below 0.

    Math: y = √x;  dx = dy / 2y
    """
    return xp(x).sqrt(x)


@sqrt.vjp("x")
def sqrt_dx(dy: Any, y: Any) -> Any:
    return dy / (2 * y)


@primitive
def abs(x: Any) -> Any:
    """The absolute value.

    Math: y = |x|;  dx = dy · sign x  (0 at 0)
    """
    return xp(x).abs(x) if x.dtype.kind != "c" else xp(x).where(x.real < 0, -x, x)


@abs.vjp("x")
def abs_dx(dy: Any, x: Any) -> Any:
    return where(x > 0, dy, where(x < 0, -dy, 0.0 * dy))


@primitive(real=True)
def tanh(x: Any) -> Any:
    """The hyperbolic tangent.

    Math: y = tanh x;  dx = dy · (1 − y²)
    """
    return xp(x).tanh(x)


@tanh.vjp("x")
def tanh_dx(dy: Any, y: Any) -> Any:
    return dy * (1 - y * y)


@primitive(real=True)
def sigmoid(x: Any) -> Any:
    """The logistic function, as ½(1 + tanh(x/2)), which cannot overflow.

    Math: y = 1 / (1 + e⁻ˣ);  dx = dy · y · (1 − y)
    """
    return 0.5 * (1 + xp(x).tanh(0.5 * x))


@sigmoid.vjp("x")
def sigmoid_dx(dy: Any, y: Any) -> Any:
    return dy * y * (1 - y)


@primitive
def relu(x: Any) -> Any:
    """The rectifier.

    Math: y = max(x, 0);  dx = dy where y > 0, else 0
    """
    return xp(x).maximum(x, 0) if x.dtype.kind != "c" else x * (x.real > 0)


@relu.vjp("x")
def relu_dx(dy: Any, y: Any) -> Any:
    return where(y > 0, dy, 0.0 * dy)


@primitive(real=True)
def erf(x: Any) -> Any:
    """The error function, 2/√π ∫₀ˣ e^(−t²) dt.

    Math: dx = dy · 2/√π · e^(−x²)
    Source: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969), 631–637;
    the three ranges of its algorithm, with error below 1e-15.
    """
    return erf_of_array(x)


@erf.vjp("x")
def erf_dx(dy: Any, x: Any) -> Any:
    return dy * (2 / math.sqrt(math.pi)) * exp(-x * x)


@primitive(real=True)
def gelu(x: Any, *, approximate: str = "none") -> Any:
    """The Gaussian error linear unit.

    Math: y = x · Φ(x), Φ(x) = ½(1 + erf(x/√2));  dx = dy · (Φ(x) + x · φ(x)), φ(x) = e^(−x²/2) / √2π
    With approximate="tanh": y = ½ x (1 + tanh u), u = √(2/π) (x + 0.044715 x³).
    Source: D. Hendrycks, K. Gimpel, Gaussian error linear units (2016), section 2.
    Raises:
        ArgumentError: `approximate` is neither "none" nor "tanh".
    """
    if approximate == "tanh":
        return 0.5 * x * (1 + xp(x).tanh(_GELU_SCALE * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + erf_of_array(x * math.sqrt(0.5)))


@gelu.check
def gelu_check(x: Any, *, approximate: str) -> None:
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate: got {approximate!r}, expected 'none' or 'tanh'")


@gelu.vjp("x")
def gelu_dx(dy: Any, x: Any, *, approximate: str) -> Any:
    if approximate == "tanh":
        t = tanh(_GELU_SCALE * (x + 0.044715 * x * x * x))
        du = _GELU_SCALE * (1 + 3 * 0.044715 * x * x)
        return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * du)
    cdf = 0.5 * (1 + erf(x * math.sqrt(0.5)))
    pdf = exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return dy * (cdf + x * pdf)


_GELU_SCALE = math.sqrt(2 / math.pi)


# Choosing -------------------------------------------------------------------------------------------------------------


@primitive(broadcasts=True)
def maximum(x: Any, w: Any) -> Any:
    """The larger of two.

    Math: dx = dy where x > w, ½ dy where x = w, else 0;  dw likewise
    """
    return xp(x, w).maximum(x, w)


@maximum.vjp("x")
def maximum_dx(dy: Any, x: Any, w: Any) -> Any:
    return _share(dy, x > w, x == w)


@maximum.vjp("w")
def maximum_dw(dy: Any, x: Any, w: Any) -> Any:
    return _share(dy, w > x, x == w)


@primitive(broadcasts=True)
def minimum(x: Any, w: Any) -> Any:
    """The smaller of two.

    Math: dx = dy where x < w, ½ dy where x = w, else 0;  dw likewise
    """
    return xp(x, w).minimum(x, w)


@minimum.vjp("x")
def minimum_dx(dy: Any, x: Any, w: Any) -> Any:
    return _share(dy, x < w, x == w)


@minimum.vjp("w")
def minimum_dw(dy: Any, x: Any, w: Any) -> Any:
    return _share(dy, w < x, x == w)


def _share(dy: Any, wins: Any, ties: Any) -> Any:
    return where(wins, dy, where(ties, 0.5 * dy, 0.0 * dy))


@primitive(broadcasts=True, promotes=False)
def where(mask: Any, x: Any, w: Any) -> Any:
    """x where the mask is true, else w. The mask has no gradient.

    Math: dx = dy where mask, else 0;  dw = 0 where mask, else dy
    """
    x, w = promote((x, w), real=False)
    y = xp(mask, x, w).where(mask, x, w)
    return y.astype(DEFAULT) if type(x) is type(w) is float else y


@where.vjp("x")
def where_dx(dy: Any, mask: Any) -> Any:
    return where(mask, dy, 0.0 * dy)


@where.vjp("w")
def where_dw(dy: Any, mask: Any) -> Any:
    return where(mask, 0.0 * dy, dy)


@primitive
def clip(x: Any, *, low: float | None = None, high: float | None = None) -> Any:
    """Limited to [low, high].

    Math: dx = dy where low ≤ x ≤ high, else 0
    Raises:
        ArgumentError: neither limit is given. DTypeError: a limit is no number.
    """
    low, high = (limit.item() if isinstance(limit, np.generic) else limit for limit in (low, high))
    if x.dtype.kind in "iub" and float in (type(low), type(high)):
        x = x.astype(DEFAULT)
    return xp(x).clip(x, low, high)


@clip.check
def clip_check(x: Any, *, low: float | None, high: float | None) -> None:
    if low is None and high is None:
        raise ArgumentError("clip: got neither low nor high (clamp: min, max), expected at least one")
    for name, limit in (("low", low), ("high", high)):
        if not (limit is None or isinstance(limit, int | float | np.number)):
            raise DTypeError(f"clip: {name}: got {describe(limit)}, expected a number", fix="use maximum or minimum")


@clip.vjp("x")
def clip_dx(dy: Any, x: Any, *, low: float | None, high: float | None) -> Any:
    if low is not None:
        dy = where(x >= low, dy, 0.0 * dy)
    if high is not None:
        dy = where(x <= high, dy, 0.0 * dy)
    return dy


@primitive
def dropout(x: Any, keep: Any, *, p: float) -> Any:
    """Elements switched off where `keep` is false, the rest scaled so that the mean stays. `keep` has no gradient.

    Math: y = x · keep / (1 − p);  dx = dy · keep / (1 − p)
    Source: N. Srivastava et al., Dropout, JMLR 15 (2014), section 10 (scaling at training time).
    """
    return x * (keep * _survivor_scale(x, p))


@dropout.vjp("x")
def dropout_dx(dy: Any, keep: Any, *, p: float) -> Any:
    return dropout(dy, keep, p=p)


def _survivor_scale(x: Any, p: float) -> Any:
    """1/(1 − p) in x's dtype, since a mask of booleans times a Python float would be float64."""
    return x.dtype.type(0.0 if p == 1 else 1 / (1 - p))


# Dtype and device -----------------------------------------------------------------------------------------------------


@primitive
def cast(x: Any, *, dtype: Any) -> Any:
    """In another dtype; the gradient comes back in the old one.

    Math: dx = dy
    """
    return x.astype(dtype)


@cast.vjp("x")
def cast_dx(dy: Any) -> Any:
    return dy


@primitive
def move(x: Any, *, device: str) -> Any:
    """On another device; the gradient comes back to the old one.

    Math: dx = dy
    Raises:
        DeviceError: there is no such device.
    """
    return to_device(x, device)


@move.vjp("x")
def move_dx(dy: Any, x: Any) -> Any:
    return move(dy, device=device_of(x))
