"""Operations on each element by itself.

Two inputs broadcast as in NumPy: an element of x may take part in many elements of y, and its
gradient is the sum over all of them. The backwards say so literally: `at_x` has the shape of y and
holds, for each element of y, the flat number of the element of x that it was made from; the
cotangents are then added up at those numbers.
"""

import math

import numpy as np


def add(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = x + w."""
    return x + w


def add_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx = Σ dy,  dw = Σ dy, each over the places its input was broadcast to."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, dy)
    np.add.at(dw, at_w, dy)
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def sub(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = x − w."""
    return x - w


def sub_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx = Σ dy,  dw = −Σ dy."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, dy)
    np.add.at(dw, at_w, -dy)
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def mul(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = x · w."""
    return x * w


def mul_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx = Σ dy · w,  dw = Σ dy · x."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, dy * w)
    np.add.at(dw, at_w, dy * x)
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def div(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = x / w."""
    return x / w


def div_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx = Σ dy / w,  dw = −Σ dy · x / w²."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, dy / w)
    np.add.at(dw, at_w, -dy * x / (w * w))
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def pow(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = xʷ, with 0⁰ = 1."""
    return np.power(x, w)


def pow_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx = Σ dy · w · xʷ⁻¹, and 0 where w = 0;  dw = Σ dy · xʷ · log x, and 0 where x = 0 ≤ w.

    x⁰ is the constant 1 also at x = 0, where w · xʷ⁻¹ would read 0 · ∞. At x = 0 < w the limit of
    xʷ log x is 0, and the same value is taken at w = 0. For x < 0 the power is defined for integer
    w alone, so that it has no derivative in w: dw is NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slope_x = np.where(w == 0, 0.0, w * np.power(x, w - 1))
        slope_w = np.where((x == 0) & (w >= 0), 0.0, np.power(x, w) * np.log(x))
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, dy * slope_x)
    np.add.at(dw, at_w, dy * slope_w)
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def maximum(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = max(x, w)."""
    return np.maximum(x, w)  # NumPy orders complex numbers by their real part


def maximum_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The larger takes dy; at x = w each takes half, the one symmetric choice of a subgradient."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, np.where(x > w, dy, np.where(x == w, dy / 2, 0.0)))
    np.add.at(dw, at_w, np.where(w > x, dy, np.where(x == w, dy / 2, 0.0)))
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def minimum(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = min(x, w)."""
    return np.minimum(x, w)  # NumPy orders complex numbers by their real part


def minimum_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smaller takes dy; at x = w each takes half."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, np.where(x < w, dy, np.where(x == w, dy / 2, 0.0)))
    np.add.at(dw, at_w, np.where(w < x, dy, np.where(x == w, dy / 2, 0.0)))
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def neg(x: np.ndarray) -> np.ndarray:
    """y = −x."""
    return -x


def neg_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = −dy."""
    return (-dy,)


def exp(x: np.ndarray) -> np.ndarray:
    """y = eˣ."""
    return np.exp(x)


def exp_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy · eˣ."""
    return (dy * np.exp(x),)


def log(x: np.ndarray) -> np.ndarray:
    """y = log x, the natural logarithm."""
    return np.log(x)


def log_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy / x."""
    return (dy / x,)


def sqrt(x: np.ndarray) -> np.ndarray:
    """y = √x."""
    return np.sqrt(x)


def sqrt_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy / (2√x)."""
    return (dy / (2 * np.sqrt(x)),)


def abs(x: np.ndarray) -> np.ndarray:
    """y = |x|: −x on the left of 0, x on the right (not the complex modulus)."""
    return np.where(x.real < 0, -x, x)


def abs_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy · sign x, with sign 0 = 0: the subgradient at 0 that favours no side."""
    return (dy * np.sign(x),)


def erf(x: np.ndarray) -> np.ndarray:
    """y = 2/√π ∫₀ˣ exp(−t²) dt.

    The C library knows it for real x. Near the real axis, for the complex step:

    Re x ≤ 2:  erf x = 2/√π exp(−x²) Σₙ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)), free of alternating signs;
    Re x > 2:  1 − erf x = exp(−x²)/√π · 1/(x + ½/(x + 1/(x + ³⁄₂/(x + 2/(x + …))))).

    Source: Abramowitz & Stegun 1964, 7.1.6 and 7.1.14.
    """
    if not np.iscomplexobj(x):
        return np.vectorize(math.erf, otypes=[np.float64])(x)
    sign = np.where(x.real < 0, -1.0, 1.0)  # erf is odd
    near = sign * x.real <= 2

    z = np.where(near, sign * x, 0.0)
    term = series = z
    for n in range(1, 50):
        term = term * 2 * z * z / (2 * n + 1)
        series = series + term
    inside = 2 / math.sqrt(math.pi) * np.exp(-z * z) * series

    z = np.where(near, 2.0, sign * x)
    fraction = z
    for n in range(100, 0, -1):
        fraction = z + (n / 2) / fraction
    outside = 1 - np.exp(-z * z) / math.sqrt(math.pi) / fraction

    return sign * np.where(near, inside, outside)


def erf_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy · 2/√π exp(−x²)."""
    return (dy * 2 / math.sqrt(math.pi) * np.exp(-x * x),)


def tanh(x: np.ndarray) -> np.ndarray:
    """y = tanh x."""
    return np.tanh(x)


def tanh_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy / cosh² x = dy · 4e / (1 + e)², e = exp(−2|x|).

    Equal to dy · (1 − y²), but it neither overflows nor loses digits where y is close to ±1.
    """
    e = np.exp(-2 * np.abs(x))
    return (dy * 4 * e / (1 + e) ** 2,)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """y = 1 / (1 + e⁻ˣ), for x < 0 written eˣ / (1 + eˣ), so that it cannot overflow."""
    e = np.exp(np.where(x.real < 0, x, -x))
    return np.where(x.real < 0, e, 1.0) / (1 + e)


def sigmoid_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy · y(1 − y) = dy · e / (1 + e)², e = exp(−|x|): the slope is even in x."""
    e = np.exp(-np.abs(x))
    return (dy * e / (1 + e) ** 2,)


def relu(x: np.ndarray) -> np.ndarray:
    """y = max(x, 0). NaN stays NaN."""
    return np.where(x.real <= 0, 0.0, x)


def relu_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy where x > 0, else 0; at x = 0 the subgradient 0: a silent unit does not learn."""
    return (np.where(x > 0, dy, 0.0),)


def gelu(x: np.ndarray, *, approximate: str = "none") -> np.ndarray:
    """y = x · Φ(x), Φ the distribution function of the standard normal.

    "none":  Φ(x) = ½ (1 + erf(x/√2));
    "tanh":  Φ(x) ≈ ½ (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Source: Hendrycks & Gimpel 2016, section 2.
    """
    if approximate == "none":
        return x * (1 + erf(x / math.sqrt(2))) / 2
    if approximate == "tanh":
        return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
    raise ValueError(f"approximate is {approximate!r}, expected 'none' or 'tanh'")


def gelu_backward(dy: np.ndarray, x: np.ndarray, *, approximate: str = "none") -> tuple[np.ndarray]:
    """dx = dy · (Φ + x Φ′).

    "none":  Φ′ = exp(−x²/2) / √(2π);
    "tanh":  Φ′ = ½ (1 − tanh² u) u′,  u = √(2/π) (x + 0.044715 x³).
    """
    if approximate == "none":
        cdf = (1 + np.vectorize(math.erf, otypes=[np.float64])(x / math.sqrt(2))) / 2
        density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    elif approximate == "tanh":
        u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
        cdf = (1 + np.tanh(u)) / 2
        density = (1 - np.tanh(u) ** 2) * slope / 2
    else:
        raise ValueError(f"approximate is {approximate!r}, expected 'none' or 'tanh'")
    return (dy * (cdf + x * density),)


def where(mask: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = x where the mask is true, w elsewhere; all three broadcast."""
    return np.where(mask, x, w)


def where_backward(
    dy: np.ndarray, mask: np.ndarray, x: np.ndarray, w: np.ndarray
) -> tuple[None, np.ndarray, np.ndarray]:
    """dx = Σ dy where the mask is true,  dw = Σ dy where it is false."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, np.where(mask, dy, 0.0))
    np.add.at(dw, at_w, np.where(mask, 0.0, dy))
    return None, dx.reshape(x.shape), dw.reshape(w.shape)  # -, x's shape, w's shape


def clip(x: np.ndarray, *, low: float | None = None, high: float | None = None) -> np.ndarray:
    """y = min(max(x, low), high); a bound that is None does not bind."""
    y = x
    if low is not None:
        y = np.where(y.real < low, low, y)
    if high is not None:
        y = np.where(y.real > high, high, y)
    return y


def clip_backward(
    dy: np.ndarray, x: np.ndarray, *, low: float | None = None, high: float | None = None
) -> tuple[np.ndarray]:
    """dx = dy where low ≤ x ≤ high, bounds included, else 0."""
    above = True if low is None else x >= low
    below = True if high is None else x <= high
    return (np.where(np.logical_and(above, below), dy, 0.0),)


def cast(x: np.ndarray, *, dtype: np.typing.DTypeLike) -> np.ndarray:
    """y = x, rounded to dtype (to its complex counterpart where x is complex)."""
    return x.astype(np.result_type(dtype, np.complex64) if np.iscomplexobj(x) else dtype)


def cast_backward(dy: np.ndarray, x: np.ndarray, *, dtype: np.typing.DTypeLike) -> tuple[np.ndarray]:
    """dx = dy, in the dtype of x: rounding counts as the identity."""
    return (dy.astype(x.dtype),)


def move(x: np.ndarray, *, device: str) -> np.ndarray:
    """y = x: where an array lies does not change it, and here there is one device only."""
    return x.copy()


def move_backward(dy: np.ndarray, x: np.ndarray, *, device: str) -> tuple[np.ndarray]:
    """dx = dy."""
    return (dy.copy(),)


def dropout(x: np.ndarray, keep: np.ndarray, *, p: float) -> np.ndarray:
    """y = x · keep / (1 − p), so that E[y] = x when keep is true with probability 1 − p.

    p = 1 keeps nothing: y = 0. Source: Srivastava et al. 2014, section 10 (the inverted scaling).
    """
    return x * keep * (1 / (1 - p) if p < 1 else 0.0)


def dropout_backward(dy: np.ndarray, x: np.ndarray, keep: np.ndarray, *, p: float) -> tuple[np.ndarray, None]:
    """dx = dy · keep / (1 − p): the same units, the same scale."""
    return dy * keep * (1 / (1 - p) if p < 1 else 0.0), None
