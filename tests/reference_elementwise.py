"""Cases for the definitions of the pages analytic, rounding and activation, and PyTorch's names for the same."""

from __future__ import annotations

from typing import Any

import numpy as np

FAR = np.array([-700.0, -40.0, -7.5, -1e-9, 1e-9, 2.1, 19.0, 40.0, 700.0])


def cases(R: Any) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """(operation, inputs, parameters), inputs drawn by R(*size)."""
    found = []
    for size in [(), (7,), (2, 0)]:
        positive = 0.3 + R(*size) ** 2
        found += [(name, (positive,), {}) for name in ("log1p", "log2", "log10", "rsqrt", "reciprocal")]
        found += [
            (name, (R(*size),), {}) for name in ("expm1", "sin", "cos", "atan", "elu", "softplus", "silu", "mish")
        ]
        found += [("tan", (np.arctan(R(*size)),), {}), ("reciprocal", (-positive,), {})]
    found += [(name, (np.array([-1e-5, 1e-5, 0.5]),), {}) for name in ("expm1", "log1p")]
    found += [(name, (FAR,), {}) for name in ("elu", "silu", "mish", "softplus")]
    found += [
        ("elu", (R(2, 3),), {"alpha": 0.7, "scale": 1.5, "input_scale": 2.0}),
        ("softplus", (R(2, 3),), {"beta": 2.0, "threshold": 1.0}),
        ("softplus", (R(5),), {"beta": -0.5}),
    ]
    for left, right in [((), ()), ((4,), (4,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 3), (1,)), ((0, 3), (1, 3))]:
        found += [("prelu", (R(*left), R(*right)), {}), ("remainder", (R(*left), 0.3 + R(*right) ** 2), {})]
    return [*found, ("remainder", (R(6), -0.3 - R(6) ** 2), {})]


def twins(torch: Any) -> dict[str, Any]:
    """The operations as PyTorch has them, under our parameters."""
    F = torch.nn.functional
    return {
        "elu": lambda x, alpha=1.0, scale=1.0, input_scale=1.0: torch._C._nn.elu(x, alpha, scale, input_scale),
        "softplus": lambda x, beta=1.0, threshold=20.0: F.softplus(x, beta, threshold),
        "prelu": lambda x, w: torch.where(x > 0, x, w * x),
    }
