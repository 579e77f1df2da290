"""Division with a remainder, each element by itself; two inputs broadcast as in NumPy."""

import numpy as np


def remainder(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y = x − w ⌊x/w⌋, the quotient taken of the real parts."""
    return x - w * np.floor(x.real / w.real)


def remainder_backward(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx = Σ dy,  dw = −Σ dy ⌊x/w⌋, each over the places its input was broadcast to."""
    at_x = np.broadcast_to(np.arange(x.size).reshape(x.shape), dy.shape)  # y's shape
    at_w = np.broadcast_to(np.arange(w.size).reshape(w.shape), dy.shape)  # y's shape
    dx, dw = np.zeros(x.size), np.zeros(w.size)
    np.add.at(dx, at_x, dy)
    np.add.at(dw, at_w, -dy * np.floor(x / w))
    return dx.reshape(x.shape), dw.reshape(w.shape)  # x's shape, w's shape
