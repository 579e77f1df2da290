"""Whether two tensors are the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.tensor import as_tensor

__all__ = [
    "allclose",
    "equal",
]


def equal(input: Any, other: Any) -> bool:
    """Whether both have the same shape and the same elements."""
    x, w = as_tensor(input), as_tensor(other)
    return x.shape == w.shape and bool((x == w).all())


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |input − other| ≤ atol + rtol · |other| everywhere."""
    x, w = as_tensor(input).detach().cpu().numpy(), as_tensor(other).detach().cpu().numpy()
    return np.allclose(x, w, rtol=rtol, atol=atol, equal_nan=equal_nan)
