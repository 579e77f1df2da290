"""Functions of elementary calculus, each element by itself."""

import math

import numpy as np


def expm1(x: np.ndarray) -> np.ndarray:
    """y = eˣ − 1 = 2 e^(x/2) sinh(x/2), in which nothing is subtracted."""
    return 2 * np.exp(x / 2) * np.sinh(x / 2)


def expm1_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy · eˣ."""
    return (dy * np.exp(x),)


def log1p(x: np.ndarray) -> np.ndarray:
    """y = ln(1 + x) = 2 artanh(x / (2 + x)), which keeps the digits of a small x."""
    return 2 * np.arctanh(x / (2 + x))


def log1p_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy / (1 + x)."""
    return (dy / (1 + x),)


def log2(x: np.ndarray) -> np.ndarray:
    """y = ln x / ln 2."""
    return np.log(x) / math.log(2)


def log2_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy / (x ln 2) = dy · log₂e / x."""
    return (dy * math.log2(math.e) / x,)


def log10(x: np.ndarray) -> np.ndarray:
    """y = ln x / ln 10."""
    return np.log(x) / math.log(10)


def log10_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy / (x ln 10) = dy · log₁₀e / x."""
    return (dy * math.log10(math.e) / x,)


def reciprocal(x: np.ndarray) -> np.ndarray:
    """y = 1 / x."""
    return np.power(x, -1.0)


def reciprocal_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = −dy / x²."""
    return (-dy / (x * x),)


def rsqrt(x: np.ndarray) -> np.ndarray:
    """y = 1 / √x."""
    return np.power(x, -0.5)


def rsqrt_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = −dy / (2 x √x)."""
    return (-dy / (2 * x * np.sqrt(x)),)


def sin(x: np.ndarray) -> np.ndarray:
    """y = sin x."""
    return np.sin(x)


def sin_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy cos x."""
    return (dy * np.cos(x),)


def cos(x: np.ndarray) -> np.ndarray:
    """y = cos x."""
    return np.cos(x)


def cos_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = −dy sin x."""
    return (-dy * np.sin(x),)


def tan(x: np.ndarray) -> np.ndarray:
    """y = sin x / cos x."""
    return np.sin(x) / np.cos(x)


def tan_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy / cos² x, by the quotient rule."""
    return (dy / np.cos(x) ** 2,)


def atan(x: np.ndarray) -> np.ndarray:
    """y = arctan x."""
    return np.arctan(x)


def atan_backward(dy: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
    """dx = dy cos² y, the reciprocal of the slope of tan at y = arctan x."""
    return (dy * np.cos(np.arctan(x)) ** 2,)
