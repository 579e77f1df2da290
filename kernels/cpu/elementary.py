"""exp, tanh, sigmoid and the normal distribution, written so that LLVM computes eight or sixteen of them at once.

Numba hands `math.exp` to the C library, one number at a time: a loop around it cannot use vector registers. These
functions are plain arithmetic without a branch, table or call (both sides of each `if` are computed, and one is
selected), so that a loop around them can. They take numbers, not arrays: call them inside a kernel.

```python
from .elementary import exp, normal, sigmoid, tanh      # float32 in, float32 out; float64 in, float64 out
```

| function | float32 | float64 | at the ends |
| --- | --- | --- | --- |
| exp(x) | 1.0 ulp | 1.0 ulp | 0 and ∞, through the denormals |
| tanh(x) | 2.5 ulp | 2.5 ulp | ∓1; keeps the sign of zero |
| sigmoid(x) | 2.4 ulp | 2.5 ulp | 0 (through the denormals) and 1 |
| normal(x) = (Φ(x), φ(x)) | 1.1e-7 | 3.4e-16 | 0 and 1; 0 |

The largest errors found, over one float32 in 17 and seven million float64. One ulp is the distance of neighbouring
floats at the exact result; the errors of `normal` are absolute. NaN gives NaN.

How. eˣ = 2ᵏ eʳ with k the integer next to x/ln 2, so that |r| ≤ ½ ln 2, where a short polynomial suffices.
- k: adding 1.5 · 2^(bits of the fraction) pushes the digits behind the point out of the float, and leaves k in its last
  bits, as an integer. These lines must not be reassociated: hence options of their own.
- r = x − k ln 2 in two steps, with ln 2 = HIGH + LOW and HIGH so short that k · HIGH is exact (Cody & Waite, 1980).
- 2ᵏ is written into the bits of the exponent, in two halves, so that k may run through the denormals and up to ∞.
- eʳ − 1 = r + r² q(r), with q the polynomial of least largest error (Remez) relative to eʳ − 1.
- tanh |x| = −m / (2 + m) with m = e^(−2|x|) − 1 is free of cancellation; in sigmoid, e^(−|x|) cannot overflow.
- Φ(−|x|) = ½ erfc(z), z = |x|/√2, and erfc(z) = e^(−z²) (1 − u) Q(u), u = z/(z + K): the form of C. Hastings,
  Approximations for Digital Computers (1955), with Q fitted anew by Remez to the last digit of each precision.

A kernel that Numba has cached does not notice a change in this file: after one, clear the caches of its callers.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from numba.extending import overload

# "contract" allows fused multiply-adds, which only sharpen these formulas. `forceinline` leaves it to LLVM to put the
# functions into the caller's loop, which costs no compile time to speak of, and without which nothing is vectorised.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "forceinline": True}
scalar = numba.njit(**OPTIONS)

f4, f8 = np.float32, np.float64


@scalar
def _tail32(r):
    """(eʳ − 1 − r)/r² for |r| ≤ ½ ln 2; error 2.4e-10 of eʳ − 1."""
    q = f4(0.00019914888) * r + f4(0.0013941521)
    q = q * r + f4(0.008333272)
    q = q * r + f4(0.041666348)
    q = q * r + f4(0.16666667)
    return q * r + f4(0.5)


@scalar
def _tail64(r):
    """The same in float64; error 2.8e-19."""
    q = 2.0924911184192476e-09 * r + 2.5109604853739583e-08
    q = q * r + 2.7557241252581374e-07
    q = q * r + 2.7557242699105134e-06
    q = q * r + 2.4801587362307587e-05
    q = q * r + 0.00019841269887495384
    q = q * r + 0.001388888888886596
    q = q * r + 0.008333333333321149
    q = q * r + 0.041666666666666706
    q = q * r + 0.16666666666666677
    return q * r + 0.5


@scalar
def _erfc_factor32(z):
    """e^(z²) erfc(z) for z ≥ 0; relative error 8.6e-9 up to z = 10.3, where erfc itself is 0 in float32."""
    z = f4(10.3) if z > f4(10.3) else z
    u = z / (z + f4(2.5))
    q = f4(0.029014353) * u + f4(-0.06626416)
    q = q * u + f4(-0.022990018)
    q = q * u + f4(0.11669854)
    q = q * u + f4(0.11375982)
    q = q * u + f4(-0.26426846)
    q = q * u + f4(-0.46745247)
    q = q * u + f4(1.6081568)
    q = q * u + f4(-1.8209496)
    q = q * u + f4(1)
    return q * (f4(1) - u)


@scalar
def _erfc_factor64(z):
    """The same in float64, in powers of ½ − u; relative error 1.1e-16 up to z = 27.3."""
    z = 27.3 if z > 27.3 else z
    u = z / (z + 4.0)
    v = 0.5 - u
    q = -0.0019149977385188902 * v + -0.0007882763046372146
    q = q * v + 0.006969504730076577
    q = q * v + 0.002917258828280853
    q = q * v + -0.013555141714821254
    q = q * v + -0.011793297166436149
    q = q * v + 0.019180822923774665
    q = q * v + 0.03864707143358148
    q = q * v + -0.0037178475610802775
    q = q * v + -0.09053005477657085
    q = q * v + -0.11649376965673092
    q = q * v + 0.03596284354237024
    q = q * v + 0.3911715731270639
    q = q * v + 0.8438417032131735
    q = q * v + 1.222104238280956
    q = q * v + 1.3920874979866098
    q = q * v + 1.3234063515155114
    q = q * v + 1.081707662625918
    q = q * v + 0.7732087022652189
    q = q * v + 0.4882743645404423
    q = q * v + 0.2739989152501228
    return q * (1.0 - u)


def _functions(
    real: Any, integer: Any, fraction: int, bias: int, ends: tuple[float, float], ln2: tuple[float, float], tail, factor
) -> SimpleNamespace:
    """One text for both precisions: `fraction` and `bias` are the float format's, at `ends` eˣ is 0 and ∞."""
    magic = real(1.5 * 2.0**fraction)
    offset = magic.view(integer)
    zero, half, one, two, shift = real(0), real(0.5), real(1), real(2), integer(fraction)
    low, high = real(ends[0]), real(ends[1])
    per_ln2, ln2_high, ln2_low = real(1 / np.log(2.0)), real(ln2[0]), real(ln2[1])
    root_half, density = real(np.sqrt(0.5)), real(1 / np.sqrt(2 * np.pi))

    @scalar
    def power(k):
        """2ᵏ, for exponents of normal numbers."""
        return integer((k + bias) << shift).view(real)

    @scalar
    def split(x):
        """Two powers of 2 and eʳ − 1, where x = k ln 2 + r and the powers' product is 2ᵏ."""
        x = low if x < low else x  # NaN is not less, and passes
        x = high if x > high else x
        shifted = real(x * per_ln2 + magic)
        k = integer(shifted.view(integer) - offset)
        n = shifted - magic
        r = (x - n * ln2_high) - n * ln2_low
        first = integer(k >> 1)
        return power(first), power(integer(k - first)), tail(r) * (r * r) + r

    @scalar
    def exp(x):
        a, b, p = split(x)
        return (one + p) * a * b

    @scalar
    def tanh(x):
        a, b, p = split(-two * abs(x))
        m = a * b * p + (a * b - one)
        return np.copysign(m / (two + m), x)

    @scalar
    def sigmoid(x):
        e = exp(-abs(x))
        return (one if x >= zero else e) / (one + e)

    @scalar
    def normal(x):
        e = exp(-half * x * x)
        below = half * e * factor(abs(x) * root_half)
        return (one - below if x >= zero else below), density * e

    return SimpleNamespace(exp=exp, tanh=tanh, sigmoid=sigmoid, normal=normal)


NARROW = _functions(f4, np.int32, 23, 127, (-104.0, 89.0), (0.693145751953125, 1.4286068e-06), _tail32, _erfc_factor32)
WIDE = _functions(
    f8, np.int64, 52, 1023, (-746.0, 710.0), (0.6931471805601177, -1.7239444525614835e-13), _tail64, _erfc_factor64
)


def _of_both_widths(function: Callable[..., Any]) -> Callable[..., Any]:
    """In kernels the text for the argument's type; the same where Numba is switched off (NUMBA_DISABLE_JIT)."""
    narrow, wide = getattr(NARROW, function.__name__), getattr(WIDE, function.__name__)

    def interpreted(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return narrow(x) if isinstance(x, np.float32) else wide(np.float64(x))

    interpreted.__name__, interpreted.__doc__ = function.__name__, function.__doc__

    @overload(interpreted, jit_options=OPTIONS)
    def choose(x):
        chosen = narrow if x == numba.float32 else wide

        def call(x):
            return chosen(x)

        return call

    return interpreted


@_of_both_widths
def exp(x: Any) -> Any:
    """eˣ."""


@_of_both_widths
def tanh(x: Any) -> Any:
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)."""


@_of_both_widths
def sigmoid(x: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""


@_of_both_widths
def normal(x: Any) -> Any:
    """Φ(x) and φ(x): the standard normal distribution and its density, which share one exponential."""
