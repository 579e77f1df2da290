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
