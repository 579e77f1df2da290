"""The error function on raw arrays, for NumPy has none.

Source: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969), 631–637: one
rational function for each of three ranges of |x|; largest error below 1e-15 in float64.
"""

from __future__ import annotations

import math
from typing import Any

from minidl.array import xp

# erf(x) = x · P(x²)/Q(x²) for |x| ≤ 0.46875; highest power first, as Horner's rule takes them.
SMALL_P = (0.185777706184603153, 3.16112374387056560, 113.864154151050156, 377.485237685302021, 3209.37758913846947)
SMALL_Q = (1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062)

# erfc(y) = e^(−y²) · P(y)/Q(y) for 0.46875 < y ≤ 4
MIDDLE_P = (
    2.15311535474403846e-8, 0.564188496988670089, 8.88314979438837594, 66.1191906371416295, 298.635138197400131,
    881.952221241769090, 1712.04761263407058, 2051.07837782607147, 1230.33935479799725,
)  # fmt: skip
MIDDLE_Q = (
    1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019, 3290.79923573345963,
    4362.61909014324716, 3439.36767414372164, 1230.33935480374942,
)  # fmt: skip

# erfc(y) = e^(−y²)/y · (1/√π − s·P(s)/Q(s)), s = 1/y², for y > 4
LARGE_P = (
    0.0163153871373020978, 0.305326634961232344, 0.360344899949804439, 0.125781726111229246, 0.0160837851487422766,
    0.000658749161529837803,
)  # fmt: skip
LARGE_Q = (
    1.0, 2.56852019228982242, 1.87295284992346725, 0.527905102951428412, 0.0605183413124413191, 0.00233520497626869185,
)  # fmt: skip


def erf(x: Any) -> Any:
    """2/√π ∫₀ˣ e^(−t²) dt, element by element; complex arrays are taken along the real axis's neighbourhood."""
    module = xp(x)
    y = module.where(x.real < 0, -x, x)
    small = x * _horner(SMALL_P, x * x) / _horner(SMALL_Q, x * x)
    bounded = module.where(y.real < 6, y, 6)  # erf(6) is 1 to the last bit, and powers of more could overflow
    middle = _horner(MIDDLE_P, bounded) / _horner(MIDDLE_Q, bounded)
    away = module.where(bounded.real > 1, bounded, 1)
    s = 1 / (away * away)
    large = (1 / math.sqrt(math.pi) - s * _horner(LARGE_P, s) / _horner(LARGE_Q, s)) / away
    tail = 1 - module.exp(-bounded * bounded) * module.where(y.real > 4, large, middle)
    return module.where(y.real <= 0.46875, small, module.where(x.real < 0, -tail, tail))


def _horner(coefficients: tuple[float, ...], x: Any) -> Any:
    total = coefficients[0] * x + coefficients[1]
    for c in coefficients[2:]:
        total = total * x + c
    return total
