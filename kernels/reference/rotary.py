"""Rotary positions.

D: features.  "…": batch, heads, places.
"""

import numpy as np


def rotary(x: np.ndarray, angles: np.ndarray, *, interleaved: bool = False) -> np.ndarray:
    """For each pair (i, j) of features and its angle a: y[i] = x[i] cos a − x[j] sin a, y[j] = x[i] sin a + x[j] cos a.

    x (…, D), angles broadcast to (…, D/2). Pair m is (2m, 2m + 1) if interleaved, else (m, m + D/2).

    Source: Su et al. 2021, equations 13 to 16.
    """
    half = x.shape[-1] // 2
    a = np.broadcast_to(angles, (*x.shape[:-1], half))  # (…, D/2)
    y = np.zeros(x.shape, np.result_type(x, angles))
    for m in range(half):
        i, j = (2 * m, 2 * m + 1) if interleaved else (m, m + half)
        y[..., i] = x[..., i] * np.cos(a[..., m]) - x[..., j] * np.sin(a[..., m])
        y[..., j] = x[..., i] * np.sin(a[..., m]) + x[..., j] * np.cos(a[..., m])
    return y


def rotary_backward(
    dy: np.ndarray, x: np.ndarray, angles: np.ndarray, *, interleaved: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Column by column of the rotation, and the derivative of each of its four entries by a:

    dx[i] = dy[i] cos a + dy[j] sin a,   dx[j] = dy[j] cos a − dy[i] sin a
    da = dy[i] (−x[i] sin a − x[j] cos a) + dy[j] (x[i] cos a − x[j] sin a), summed over the places of one angle
    """
    half = x.shape[-1] // 2
    a = np.broadcast_to(angles, (*x.shape[:-1], half))  # (…, D/2)
    dx, da = np.zeros(x.shape), np.zeros(a.shape)
    for m in range(half):
        i, j = (2 * m, 2 * m + 1) if interleaved else (m, m + half)
        c, s = np.cos(a[..., m]), np.sin(a[..., m])
        dx[..., i] = dy[..., i] * c + dy[..., j] * s
        dx[..., j] = dy[..., j] * c - dy[..., i] * s
        da[..., m] = dy[..., i] * (-x[..., i] * s - x[..., j] * c) + dy[..., j] * (x[..., i] * c - x[..., j] * s)

    at_angles = np.broadcast_to(np.arange(angles.size).reshape(angles.shape), a.shape)  # (…, D/2)
    dangles = np.zeros(angles.size)
    np.add.at(dangles, at_angles, da)
    return dx, dangles.reshape(angles.shape)
