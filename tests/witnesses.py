"""The witnesses: independent ways to know a derivative.

Always with random cotangents, never all ones: a sum is blind to permuted gradients, and to a layer norm whose path
through the variance is missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl
from minidl.functional import vjp
from minidl.op import REGISTRY


def floats(inputs: list[Any]) -> list[int]:
    """Which inputs have a derivative."""
    return [i for i, a in enumerate(inputs) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]


def call(name: str, inputs: list[Any], params: dict[str, Any], mode: str = "plain") -> tuple[np.ndarray, ...]:
    """The operation on raw arrays: a tuple of outputs."""
    with minidl.mode(mode):
        y = REGISTRY[name](*inputs, **params)
    return y if isinstance(y, tuple) else (y,)


def cotangents(ys: tuple[np.ndarray, ...], seed: int = 7) -> tuple[np.ndarray, ...]:
    """A random cotangent for each output, read-only: no rule may write to it."""
    rng = np.random.default_rng(seed)
    us = [np.asarray(rng.normal(size=y.shape)).astype(y.dtype) for y in ys]
    for u in us:
        u.flags.writeable = False
    return tuple(us)


def pullback(
    name: str, inputs: list[Any], params: dict[str, Any], us: tuple[np.ndarray, ...], mode: str = "plain"
) -> dict[int, np.ndarray]:
    """The engine's gradients of ⟨u, y⟩ by input position."""
    where = floats(inputs)

    def function(*xs: Any) -> Any:
        args = list(inputs)
        for i, x in zip(where, xs, strict=True):
            args[i] = x
        return REGISTRY[name](*args, **params)

    with minidl.mode(mode):
        _, gradients = vjp(function, tuple(inputs[i] for i in where), us if len(us) > 1 else us[0])
    return {i: g.data for i, g in zip(where, gradients, strict=True)}


def inner(us: Any, ys: Any) -> Any:
    """⟨u, y⟩ over all outputs."""
    return sum((np.sum(u * y) for u, y in zip(us, ys, strict=True)), 0.0)


def directions(x: np.ndarray, count: int = 3, seed: int = 3) -> list[np.ndarray]:
    """Random directions: signs, times sizes from ½ to 1, so that no two elements weigh the same.

    Signs alone are blind to two elements exchanged, in half of all directions.
    """
    rng = np.random.default_rng(seed)
    return [
        np.asarray(rng.choice([-1.0, 1.0], size=x.shape) * rng.uniform(0.5, 1.0, size=x.shape)) for _ in range(count)
    ]


def richardson(function: Any, h: float = 1e-2) -> float:
    """The derivative at 0 of a function of one number: central differences, two extrapolations (error ∼ h⁶)."""
    rows = [(function(h / 2**k) - function(-h / 2**k)) / (2 * h / 2**k) for k in range(3)]
    once = [(4 * rows[k + 1] - rows[k]) / 3 for k in range(2)]
    return float((16 * once[1] - once[0]) / 15)


def replaced(inputs: list[Any], i: int, value: Any) -> list[Any]:
    """The inputs with one of them exchanged."""
    return [value if j == i else a for j, a in enumerate(inputs)]


def finite_difference(name: str, inputs: list[Any], params: dict[str, Any], us: Any, i: int, d: np.ndarray) -> float:
    """The derivative of ⟨u, y⟩ by input i along d, by differences of the forward alone."""
    return richardson(lambda t: inner(us, call(name, replaced(inputs, i, inputs[i] + t * d), params)))


def slopes(name: str, inputs: list[Any], params: dict[str, Any], us: Any) -> list[tuple[int, np.ndarray, float]]:
    """What finite differences say: (input, direction, derivative of ⟨u, y⟩ along it), for every input with one."""
    return [
        (i, d, finite_difference(name, inputs, params, us, i, d)) for i in floats(inputs) for d in directions(inputs[i])
    ]


def check_slopes(gradients: dict[int, np.ndarray], found: list[tuple[int, np.ndarray, float]]) -> None:
    """Gradients against the derivatives along the directions."""
    for i, d, difference in found:
        close(np.sum(gradients[i] * d), difference, 2e-8)


def close(a: Any, b: Any, tolerance: float = 1e-11) -> None:
    """Equal, relative to the largest value."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    scale = max(1.0, float(np.abs(b).max(initial=0)))
    np.testing.assert_allclose(a / scale, b / scale, rtol=0, atol=tolerance)


def complex_step(name: str, inputs: list[Any], params: dict[str, Any], us: Any, i: int, d: np.ndarray) -> float:
    """The same by f(x + ih)/h: no subtraction, so exact to the last digits.

    Source: W. Squire, G. Trapp, SIAM Review 40 (1998), 110–112.
    """
    h = 1e-30
    shifted = [np.asarray(a, complex) if j in floats(inputs) else a for j, a in enumerate(inputs)]
    shifted[i] = inputs[i] + 1j * h * d
    return float(np.imag(inner(us, call(name, shifted, params))) / h)
