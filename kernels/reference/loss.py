"""Losses: one number for each place, then their mean, their sum, or none of the two.

C: classes.  "…": places.
"""

import numpy as np


def cross_entropy(x: np.ndarray, target: np.ndarray, *, reduction: str = "mean") -> np.ndarray:
    """loss = −log softmax(x)[target] = log Σ eˣ − x[target];  x (…, C), target and loss (…)."""
    loss = np.zeros(target.shape, x.dtype)
    for place in np.ndindex(target.shape):
        scores = x[place]  # (C,)
        top = np.max(scores.real)  # keeps the exponentials from overflowing
        loss[place] = top + np.log(np.sum(np.exp(scores - top))) - scores[target[place]]
    if reduction == "none":
        return loss  # (…)
    if reduction == "sum":
        return np.sum(loss)  # ()
    if reduction == "mean":
        return np.sum(loss) / loss.size  # ()
    raise ValueError(f"reduction is {reduction!r}, expected 'mean', 'sum' or 'none'")


def cross_entropy_backward(
    dy: np.ndarray, x: np.ndarray, target: np.ndarray, *, reduction: str = "mean"
) -> tuple[np.ndarray, None]:
    """dx = (softmax(x) − onehot(target)) · dloss;  dloss = dy, or dy / places for the mean."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is {reduction!r}, expected 'mean', 'sum' or 'none'")
    dx = np.zeros(x.shape)
    for place in np.ndindex(target.shape):
        e = np.exp(x[place] - np.max(x[place]))  # (C,)
        dx[place] = e / np.sum(e)  # (C,)
        dx[place][target[place]] -= 1
        dx[place] *= dy[place] if reduction == "none" else dy
    return dx / target.size if reduction == "mean" else dx, None


def mse(x: np.ndarray, target: np.ndarray, *, reduction: str = "mean") -> np.ndarray:
    """loss = (x − target)² at each place;  x and target (…)."""
    loss = (x - target) ** 2
    if reduction == "none":
        return loss  # (…)
    if reduction == "sum":
        return np.sum(loss)  # ()
    if reduction == "mean":
        return np.sum(loss) / loss.size  # ()
    raise ValueError(f"reduction is {reduction!r}, expected 'mean', 'sum' or 'none'")


def mse_backward(
    dy: np.ndarray, x: np.ndarray, target: np.ndarray, *, reduction: str = "mean"
) -> tuple[np.ndarray, np.ndarray]:
    """dx = 2 (x − target) · dloss,  dtarget = −dx;  dloss = dy, or dy / places for the mean."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is {reduction!r}, expected 'mean', 'sum' or 'none'")
    dx = 2 * (x - target) * dy
    dx = dx / x.size if reduction == "mean" else dx
    return dx, -dx


def huber(x: np.ndarray, *, delta: float = 1.0) -> np.ndarray:
    """½ x² where |x| ≤ δ; beyond, the tangent there: δ |x| − ½ δ²;  x (…)."""
    loss = np.zeros(x.shape, x.dtype)
    for place in np.ndindex(x.shape):
        e = x[place]
        if np.abs(e.real) <= delta:
            loss[place] = e**2 / 2
        else:
            loss[place] = delta * np.sign(e.real) * e - delta**2 / 2
    return loss


def huber_backward(dy: np.ndarray, x: np.ndarray, *, delta: float = 1.0) -> tuple[np.ndarray]:
    """dx = dy · x near 0, and dy · ±δ farther away."""
    slope = np.where(np.abs(x) <= delta, x, delta * np.sign(x))
    return (dy * slope,)


def bce(x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """loss = −(t log x + (1 − t) log(1 − x)), a logarithm below −100 being −100;  x and target broadcast."""
    x, t = np.broadcast_arrays(x, target)
    loss = np.zeros(x.shape, np.result_type(x, t))
    for place in np.ndindex(x.shape):
        with np.errstate(divide="ignore"):
            yes, no = np.log(x[place]), np.log(1 - x[place])
        yes, no = (part if part.real >= -100 else -100 for part in (yes, no))
        loss[place] = -(t[place] * yes + (1 - t[place]) * no)
    return loss


def bce_backward(dy: np.ndarray, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx = −dy (t / x − (1 − t) / (1 − x)), its denominator at least 10⁻¹²;  dt = dy (log(1 − x) − log x)."""
    with np.errstate(divide="ignore"):
        dx = -dy * (target * (1 - x) - (1 - target) * x) / np.maximum(x * (1 - x), 1e-12)
        dt = dy * (np.maximum(np.log(1 - x), -100) - np.maximum(np.log(x), -100))
    gradients = []
    for g, shape in ((dx, x.shape), (dt, target.shape)):  # back through the broadcasting
        g = g.sum(axis=tuple(range(g.ndim - len(shape))))
        gradients.append(g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True))
    return gradients[0], gradients[1]


def bce_with_logits(x: np.ndarray, target: np.ndarray, pos_weight: np.ndarray | None = None) -> np.ndarray:
    """loss = −(p t log σ(x) + (1 − t) log(1 − σ(x)));  all broadcast.

    log σ(x) = −log(1 + e^−x), and 1 − σ(x) = σ(−x); where e^−x would overflow, log(1 + e^−x) = −x + log(1 + e^x).
    """
    x, t, p = np.broadcast_arrays(x, target, 1.0 if pos_weight is None else pos_weight)
    loss = np.zeros(x.shape, np.result_type(x, t, p))
    for place in np.ndindex(x.shape):
        z = x[place]
        if z.real > 0:
            log_yes = -np.log1p(np.exp(-z))
            log_no = -z - np.log1p(np.exp(-z))
        else:
            log_yes = z - np.log1p(np.exp(z))
            log_no = -np.log1p(np.exp(z))
        loss[place] = -(p[place] * t[place] * log_yes + (1 - t[place]) * log_no)
    return loss


def bce_with_logits_backward(
    dy: np.ndarray, x: np.ndarray, target: np.ndarray, pos_weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """dx = dy ((1 − t) s − p t (1 − s)), s = σ(x);  dt = dy (log(1 − s) − p log s);  dp = −dy t log s."""
    p = np.ones(()) if pos_weight is None else pos_weight
    s, c = np.exp(-np.logaddexp(0, -x)), np.exp(-np.logaddexp(0, x))  # σ(x) and 1 − σ(x)
    dx = dy * ((1 - target) * s - p * target * c)
    dt = dy * (p * np.logaddexp(0, -x) - np.logaddexp(0, x))
    dp = dy * target * np.logaddexp(0, -x)
    gradients = []
    for g, shape in ((dx, x.shape), (dt, target.shape), (dp, p.shape)):  # back through the broadcasting
        g = g.sum(axis=tuple(range(g.ndim - len(shape))))
        gradients.append(g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True))
    return gradients[0], gradients[1], None if pos_weight is None else gradients[2]
