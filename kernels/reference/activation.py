"""Activations, each element by itself."""

import numpy as np


def prelu(x: np.ndarray, w: np.ndarray | float) -> np.ndarray:
    """y = max(x, 0) + w min(x, 0)."""
    return np.where(x.real > 0, x, 0.0) + w * np.where(x.real > 0, 0.0, x)


def prelu_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray | float) -> tuple[np.ndarray, np.ndarray | None]:
    """dx = Σ dy where x > 0, else Σ w dy;  dw = Σ dy min(x, 0). At x = 0 the slope is w. No dw for a mere number w."""
    slopes = np.where(np.broadcast_to(x > 0, dy.shape), 1.0, w)
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    dx = np.zeros(x.size)
    np.add.at(dx, at_x, dy * slopes)
    if not isinstance(w, np.ndarray):
        return dx.reshape(x.shape), None
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dw = np.zeros(w.size)
    np.add.at(dw, at_w, dy * np.minimum(x, 0.0))
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape


def elu(x: np.ndarray, *, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> np.ndarray:
    """y = scale · (max(x, 0) + alpha (exp(input_scale · min(x, 0)) − 1))."""
    above, below = np.where(x.real > 0, x, 0.0), np.where(x.real > 0, 0.0, x)
    return scale * (above + alpha * (np.exp(input_scale * below) - 1))


def elu_backward(
    dy: np.ndarray, x: np.ndarray, *, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0
) -> tuple[np.ndarray]:
    """dx = scale · dy where x > 0, else scale · alpha · input_scale · exp(input_scale · x) dy; at 0 the latter."""
    slope = np.ones(x.shape)
    for i in np.ndindex(x.shape):
        if x[i] <= 0:
            slope[i] = alpha * input_scale * np.exp(input_scale * x[i])
    return (scale * slope * dy,)


def softplus(x: np.ndarray, *, beta: float = 1.0, threshold: float = 20.0) -> np.ndarray:
    """y = log(1 + e^(βx)) / β, with the larger of the two terms taken out of the sum; x where βx > threshold."""
    largest = np.maximum(beta * x.real, 0.0)
    curve = (largest + np.log(np.exp(-largest) + np.exp(beta * x - largest))) / beta
    return np.where(beta * x.real > threshold, x, curve)


def softplus_backward(
    dy: np.ndarray, x: np.ndarray, *, beta: float = 1.0, threshold: float = 20.0
) -> tuple[np.ndarray]:
    """dx = dy / (1 + e^(−βx)), for βx < 0 written e^(βx) / (1 + e^(βx)); dy where βx > threshold."""
    e = np.exp(-np.abs(beta * x))
    slope = np.where(beta * x < 0, e, 1.0) / (1 + e)
    return (dy * np.where(beta * x > threshold, 1.0, slope),)


def silu(x: np.ndarray) -> np.ndarray:
    """y = x / (1 + e⁻ˣ), for x < 0 written x eˣ / (1 + eˣ)."""
    e = np.exp(np.where(x.real < 0, x, -x))
    return x * np.where(x.real < 0, e, 1.0) / (1 + e)


def silu_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy · (1 + e + x e) / (1 + e)², e = e⁻ˣ, by the quotient rule; for x < 0 times e²ˣ above and below."""
    e = np.exp(-np.abs(x))
    above = np.where(x < 0, e * (e + 1 + x), 1 + e + x * e)
    return (dy * above / (1 + e) ** 2,)


def mish(x: np.ndarray) -> np.ndarray:
    """y = x tanh(log(1 + n)), n = eˣ: x n(n + 2) / (n(n + 2) + 2), for x > 0 divided by n² above and below."""
    n = np.exp(np.where(x.real > 0, -x, x))
    tanh = np.where(x.real > 0, (1 + 2 * n) / (1 + 2 * n + 2 * n * n), n * (n + 2) / (n * (n + 2) + 2))
    return x * tanh


def mish_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy · n ω / δ², n = eˣ, ω = 4(x + 1) + 4n² + n³ + n(4x + 6), δ = 2n + n² + 2.

    For x > 0 divided by n⁴ above and below. Source: Misra 2020, the paper's first version.
    """
    n = np.exp(-np.abs(x))
    left = n * (4 * (x + 1) + 4 * n**2 + n**3 + n * (4 * x + 6)) / (2 * n + n**2 + 2) ** 2
    right = (4 * (x + 1) * n**3 + 4 * n + 1 + (4 * x + 6) * n**2) / (2 * n + 1 + 2 * n**2) ** 2
    return (dy * np.where(x > 0, right, left),)
