"""Bringing the numbers along some axes to a common scale.

N: batch.  C: channels.  x̄ and σ² are the mean and the biased variance over the normalised axes,
r = 1/√(σ² + eps), x̂ = (x − x̄) r.
"""

import math

import numpy as np


def softmax(x: np.ndarray, *, axis: int = -1) -> np.ndarray:
    """y = eˣ / Σ eˣ along the axis; where all x are −∞, y = 0."""
    top = np.max(x.real, axis=axis, keepdims=True, initial=-np.inf)  # axis: 1
    e = np.exp(x - np.where(top == -np.inf, 0.0, top))  # a shift cancels in the quotient
    total = np.sum(e, axis=axis, keepdims=True)  # axis: 1
    return e / np.where(total == 0, 1.0, total)


def softmax_backward(dy: np.ndarray, x: np.ndarray, *, axis: int = -1) -> tuple[np.ndarray]:
    """dx = y ∘ (dy − Σ dy ∘ y), from ∂yₛ/∂xᵣ = yₛ (δₛᵣ − yᵣ)."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)  # axis: 1
    e = np.exp(x - np.where(top == -np.inf, 0.0, top))
    total = np.sum(e, axis=axis, keepdims=True)  # axis: 1
    y = e / np.where(total == 0, 1.0, total)
    return (y * (dy - np.sum(dy * y, axis=axis, keepdims=True)),)


def log_softmax(x: np.ndarray, *, axis: int = -1) -> np.ndarray:
    """y = x − log Σ eˣ along the axis; where all x are −∞, y = log 0 = −∞."""
    top = np.max(x.real, axis=axis, keepdims=True, initial=-np.inf)  # axis: 1
    z = x - np.where(top == -np.inf, 0.0, top)  # a shift cancels in the difference
    total = np.sum(np.exp(z), axis=axis, keepdims=True)  # axis: 1
    return z - np.log(np.where(total == 0, 1.0, total))


def log_softmax_backward(dy: np.ndarray, x: np.ndarray, *, axis: int = -1) -> tuple[np.ndarray]:
    """dx = dy − softmax(x) · Σ dy, from ∂yₛ/∂xᵣ = δₛᵣ − softmax(x)ᵣ."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)  # axis: 1
    e = np.exp(x - np.where(top == -np.inf, 0.0, top))
    total = np.sum(e, axis=axis, keepdims=True)  # axis: 1
    return (dy - e / np.where(total == 0, 1.0, total) * np.sum(dy, axis=axis, keepdims=True),)


def layer_norm(
    x: np.ndarray,
    w: np.ndarray | None = None,
    b: np.ndarray | None = None,
    *,
    dims: int = 1,
    eps: float = 1e-5,
) -> np.ndarray:
    """y = x̂ ∘ w + b, normalised over the last `dims` axes; w and b have the shape of those axes.

    Source: Ba, Kiros & Hinton 2016, equations 3 and 4.
    """
    axes = tuple(range(-dims, 0))
    mean = np.mean(x, axis=axes, keepdims=True)  # last dims axes: 1
    var = np.mean((x - mean) ** 2, axis=axes, keepdims=True)  # last dims axes: 1
    y = (x - mean) / np.sqrt(var + eps)
    if w is not None:
        y = y * w
    if b is not None:
        y = y + b
    return y


def layer_norm_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray | None = None,
    b: np.ndarray | None = None,
    *,
    dims: int = 1,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """dw = Σ dy ∘ x̂ and db = Σ dy over the leading axes; with dx̂ = dy ∘ w,

    dx = r (dx̂ − mean(dx̂) − x̂ ∘ mean(dx̂ ∘ x̂)).

    Derivation: x̂ = (x − x̄) r, and dr = −r² mean(x̂ dx), because d(σ²) = 2 mean((x − x̄) dx).
    So dL = Σ dx̂ ∘ (r (dx − mean dx) − r x̂ mean(x̂ dx)); collect the coefficient of dx.
    """
    axes = tuple(range(-dims, 0))
    lead = tuple(range(x.ndim - dims))
    mean = np.mean(x, axis=axes, keepdims=True)  # last dims axes: 1
    r = 1 / np.sqrt(np.mean((x - mean) ** 2, axis=axes, keepdims=True) + eps)  # likewise
    x_hat = (x - mean) * r

    dw = None if w is None else np.sum(dy * x_hat, axis=lead)  # w's shape
    db = None if b is None else np.sum(dy, axis=lead)  # b's shape
    dx_hat = dy if w is None else dy * w
    along = np.mean(dx_hat * x_hat, axis=axes, keepdims=True)  # last dims axes: 1
    dx = r * (dx_hat - np.mean(dx_hat, axis=axes, keepdims=True) - x_hat * along)
    return dx, dw, db


def rms_norm(x: np.ndarray, w: np.ndarray | None = None, *, dims: int = 1, eps: float = 1e-5) -> np.ndarray:
    """y = x ∘ w / √(‖x‖²/M + eps), M the number of values in the last `dims` axes; w has the shape of those axes.

    Source: Zhang & Sennrich 2019, equation 4.
    """
    lead, last = x.shape[: x.ndim - dims], x.shape[x.ndim - dims :]
    rows = x.reshape(math.prod(lead), math.prod(last))  # (N, M)
    y = np.zeros_like(rows)
    for i, row in enumerate(rows):
        y[i] = row / np.sqrt(np.dot(row, row) / row.size + eps)
    y = y.reshape(x.shape)
    return y if w is None else y * w


def rms_norm_backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray | None = None, *, dims: int = 1, eps: float = 1e-5
) -> tuple[np.ndarray, np.ndarray | None]:
    """With s = ‖x‖²/M + eps and g = dy ∘ w:  dx = g s^(−1/2) − x ⟨g, x⟩ s^(−3/2)/M;  dw = Σ dy ∘ x s^(−1/2)."""
    lead, last = x.shape[: x.ndim - dims], x.shape[x.ndim - dims :]
    rows = x.reshape(math.prod(lead), math.prod(last))  # (N, M)
    cotangents = dy.reshape(rows.shape)  # (N, M)
    scale = np.ones(rows.shape[1]) if w is None else w.reshape(-1)  # (M,)
    dx, dscale = np.zeros_like(rows), np.zeros_like(scale)
    for i, row in enumerate(rows):
        s = np.dot(row, row) / row.size + eps
        g = cotangents[i] * scale
        dx[i] = g * s**-0.5 - row * np.dot(g, row) * s**-1.5 / row.size
        dscale += cotangents[i] * row * s**-0.5
    return dx.reshape(x.shape), None if w is None else dscale.reshape(w.shape)


def batch_norm(
    x: np.ndarray, w: np.ndarray | None = None, b: np.ndarray | None = None, *, eps: float = 1e-5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y = x̂ ∘ w + b, normalised over all axes but 1; and mean = x̄, var = σ² of each channel.

    x y (N, C, …), w b mean var (C,). Source: Ioffe & Szegedy 2015, algorithm 1.
    """
    axes = (0, *range(2, x.ndim))
    channel = (1, x.shape[1]) + (1,) * (x.ndim - 2)
    mean = np.mean(x, axis=axes)  # (C,)
    var = np.mean((x - mean.reshape(channel)) ** 2, axis=axes)  # (C,)
    y = (x - mean.reshape(channel)) / np.sqrt(var + eps).reshape(channel)  # (N, C, …)
    if w is not None:
        y = y * w.reshape(channel)  # (N, C, …)
    if b is not None:
        y = y + b.reshape(channel)  # (N, C, …)
    return y, mean, var


def batch_norm_backward(
    dy: np.ndarray,
    dmean: np.ndarray,
    dvar: np.ndarray,
    x: np.ndarray,
    w: np.ndarray | None = None,
    b: np.ndarray | None = None,
    *,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """dw = Σ dy ∘ x̂ and db = Σ dy over all axes but 1; with dx̂ = dy ∘ w and n elements a channel,

    dx = r (dx̂ − mean(dx̂) − x̂ ∘ mean(dx̂ ∘ x̂)) + dmean / n + dvar · 2 (x − x̄) / n.

    The first term is that of layer_norm over other axes; the others are x̄ and σ² as outputs.
    """
    axes = (0, *range(2, x.ndim))
    channel = (1, x.shape[1]) + (1,) * (x.ndim - 2)
    mean = np.mean(x, axis=axes, keepdims=True)  # (1, C, 1, …)
    r = 1 / np.sqrt(np.mean((x - mean) ** 2, axis=axes, keepdims=True) + eps)  # (1, C, 1, …)
    x_hat = (x - mean) * r

    dw = None if w is None else np.sum(dy * x_hat, axis=axes)  # (C,)
    db = None if b is None else np.sum(dy, axis=axes)  # (C,)
    dx_hat = dy if w is None else dy * w.reshape(channel)  # (N, C, …)
    along = np.mean(dx_hat * x_hat, axis=axes, keepdims=True)  # (1, C, 1, …)
    dx = r * (dx_hat - np.mean(dx_hat, axis=axes, keepdims=True) - x_hat * along)  # (N, C, …)

    n = math.prod(x.shape[axis] for axis in axes)
    dx = dx + dmean.reshape(channel) / n  # (N, C, …)
    dx = dx + dvar.reshape(channel) * 2 * (x - mean) / n  # (N, C, …)
    return dx, dw, db
