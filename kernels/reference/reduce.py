"""Operations that reduce axes of x.

`axis` is None (all axes), an axis or a tuple of axes. With keepdims the reduced axes stay, with
length 1: the "kept shape", which broadcasts against x. The backwards bring dy to it first.
"""

import numpy as np

Axis = int | tuple[int, ...] | None


def sum(x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> np.ndarray:
    """y = Σ x over the axes."""
    return np.sum(x, axis=axis, keepdims=keepdims)  # reduced


def sum_backward(dy: np.ndarray, x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> tuple[np.ndarray]:
    """dx = dy at every element of the sum."""
    kept = np.sum(x, axis=axis, keepdims=True).shape
    return (dy.reshape(kept) + np.zeros(x.shape),)  # x's shape


def mean(x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> np.ndarray:
    """y = Σ x / n,  n the number of elements that each y is made of."""
    n = np.sum(np.ones(x.shape), axis=axis, keepdims=keepdims)  # reduced
    return np.sum(x, axis=axis, keepdims=keepdims) / n  # reduced


def mean_backward(dy: np.ndarray, x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> tuple[np.ndarray]:
    """dx = dy / n."""
    n = np.sum(np.ones(x.shape), axis=axis, keepdims=True)  # kept
    return ((dy.reshape(n.shape) + np.zeros(x.shape)) / n,)  # x's shape


def max(x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> np.ndarray:
    """y = the largest x along the axes."""
    return np.max(x, axis=axis, keepdims=keepdims)  # reduced; complex: by real part


def max_backward(dy: np.ndarray, x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> tuple[np.ndarray]:
    """dx = dy / k at the k elements that equal the maximum, else 0.

    Of all subgradients, the equal share is the one that does not depend on the order of elements.
    """
    winners = x == np.max(x, axis=axis, keepdims=True)  # x's shape
    k = np.sum(winners, axis=axis, keepdims=True)  # kept
    return (winners * dy.reshape(k.shape) / k,)  # x's shape


def min(x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> np.ndarray:
    """y = the smallest x along the axes."""
    return np.min(x, axis=axis, keepdims=keepdims)  # reduced; complex: by real part


def min_backward(dy: np.ndarray, x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> tuple[np.ndarray]:
    """dx = dy / k at the k elements that equal the minimum, else 0."""
    winners = x == np.min(x, axis=axis, keepdims=True)  # x's shape
    k = np.sum(winners, axis=axis, keepdims=True)  # kept
    return (winners * dy.reshape(k.shape) / k,)  # x's shape


def logsumexp(x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> np.ndarray:
    """y = log Σ eˣ = m + log Σ exp(x − m) for any m.

    m = max x keeps the exponentials from overflowing; where it is infinite, m = 0, so that
    elements that are all −∞ give log 0 = −∞.
    """
    m = np.max(x.real, axis=axis, keepdims=True, initial=-np.inf)  # kept
    m = np.where(np.isfinite(m), m, 0.0)
    total = np.sum(np.exp(x - m), axis=axis, keepdims=True)  # kept
    with np.errstate(divide="ignore"):
        y = m + np.log(total)  # kept
    return y.reshape(np.sum(x, axis=axis, keepdims=keepdims).shape)  # reduced


def logsumexp_backward(
    dy: np.ndarray, x: np.ndarray, *, axis: Axis = None, keepdims: bool = False
) -> tuple[np.ndarray]:
    """dx = dy · eˣ / Σ eˣ, the softmax; 0 where all elements are −∞."""
    m = np.max(x, axis=axis, keepdims=True, initial=-np.inf)  # kept
    e = np.exp(x - np.where(np.isfinite(m), m, 0.0))  # x's shape
    total = np.sum(e, axis=axis, keepdims=True)  # kept
    return (dy.reshape(total.shape) * e / np.where(total == 0, 1.0, total),)  # x's shape


def var(x: np.ndarray, *, axis: Axis = None, keepdims: bool = False, correction: float = 1) -> np.ndarray:
    """y = Σ (x − x̄)² / (n − correction),  x̄ = Σ x / n."""
    n = np.sum(np.ones(x.shape), axis=axis, keepdims=True)  # kept
    d = x - np.sum(x, axis=axis, keepdims=True) / n  # x's shape
    y = np.sum(d * d, axis=axis, keepdims=True) / (n - correction)  # kept
    return y.reshape(np.sum(x, axis=axis, keepdims=keepdims).shape)  # reduced


def var_backward(
    dy: np.ndarray,
    x: np.ndarray,
    *,
    axis: Axis = None,
    keepdims: bool = False,
    correction: float = 1,
) -> tuple[np.ndarray]:
    """dx = dy · 2 (x − x̄) / (n − correction).

    The path through x̄ adds nothing: its factor Σ (x − x̄) is 0.
    """
    n = np.sum(np.ones(x.shape), axis=axis, keepdims=True)  # kept
    d = x - np.sum(x, axis=axis, keepdims=True) / n  # x's shape
    return (dy.reshape(n.shape) * 2 * d / (n - correction),)  # x's shape


def std(x: np.ndarray, *, axis: Axis = None, keepdims: bool = False, correction: float = 1) -> np.ndarray:
    """y = √(Σ (x − x̄)² / (n − correction)),  x̄ = Σ x / n."""
    n = np.sum(np.ones(x.shape), axis=axis, keepdims=True)  # kept
    d = x - np.sum(x, axis=axis, keepdims=True) / n  # x's shape
    y = np.sqrt(np.sum(d * d, axis=axis, keepdims=True) / (n - correction))  # kept
    return y.reshape(np.sum(x, axis=axis, keepdims=keepdims).shape)  # reduced


def std_backward(
    dy: np.ndarray,
    x: np.ndarray,
    *,
    axis: Axis = None,
    keepdims: bool = False,
    correction: float = 1,
) -> tuple[np.ndarray]:
    """dx = dy · (x − x̄) / ((n − correction) y);  0 where all values are equal, of all subgradients the middle."""
    n = np.sum(np.ones(x.shape), axis=axis, keepdims=True)  # kept
    d = x - np.sum(x, axis=axis, keepdims=True) / n  # x's shape
    y = np.sqrt(np.sum(d * d, axis=axis, keepdims=True) / (n - correction))  # kept
    slope = np.divide(d, y, out=np.zeros(x.shape), where=y != 0)  # x's shape
    return (dy.reshape(n.shape) * slope / (n - correction),)  # x's shape


def prod(x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> np.ndarray:
    """y = Π x over the axes."""
    return np.prod(x, axis=axis, keepdims=keepdims)  # reduced


def prod_backward(dy: np.ndarray, x: np.ndarray, *, axis: Axis = None, keepdims: bool = False) -> tuple[np.ndarray]:
    """dxᵢ = dy · the product of all others, found with a 1 in the place of xᵢ."""
    kept = np.sum(x, axis=axis, keepdims=True).shape
    dx = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        others = x.copy()
        others[place] = 1.0
        slopes = dy.reshape(kept) * np.prod(others, axis=axis, keepdims=True)  # kept
        dx[place] = np.broadcast_to(slopes, x.shape)[place]
    return (dx,)  # x's shape


def norm(x: np.ndarray, *, p: float = 2.0, axis: Axis = None, keepdims: bool = False) -> np.ndarray:
    """y = (Σ |x|ᵖ)^(1/p); a complex x counts as positive or negative by its real part."""
    size = np.where(x.real < 0, -x, x)  # x's shape
    return np.asarray(np.sum(size**p, axis=axis, keepdims=keepdims) ** (1 / p))  # reduced


def norm_backward(
    dy: np.ndarray, x: np.ndarray, *, p: float = 2.0, axis: Axis = None, keepdims: bool = False
) -> tuple[np.ndarray]:
    """dx = dy · y^(1 − p) · |x|^(p − 1) · sign x;  0 where x or y is 0."""
    y = np.sum(np.abs(x) ** p, axis=axis, keepdims=True) ** (1 / p)  # kept
    sloped = (x != 0) & (y != 0)  # x's shape
    power = np.power(np.abs(x), p - 1, out=np.zeros(x.shape), where=sloped)  # x's shape
    scale = np.power(y, 1 - p, out=np.zeros(y.shape), where=y != 0)  # kept
    return (dy.reshape(y.shape) * scale * power * np.sign(x),)  # x's shape
