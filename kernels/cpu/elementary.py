"""exp, log, tanh, erf, sigmoid and their kin, written so that LLVM computes eight or sixteen of them at once.

Numba hands `math.exp` to the C library, one number at a time: a loop around it cannot use vector registers. These
functions are plain arithmetic without a branch, table or call (both sides of each `if` are computed, and one is
selected), so that a loop around them can. They take numbers, not arrays: call them inside a kernel.

```python
from .elementary import exp, normal, sigmoid, tanh      # float32 in, float32 out; float64 in, float64 out
```

| function | float32 | float64 | at the ends |
| --- | --- | --- | --- |
| exp(x) | 1.0 ulp | 1.0 ulp | 0 and ∞, through the denormals |
| exp_down(x), x ≤ 0 | 1.0 ulp | 1.0 ulp | 0 below −87 (−708), where the denormals begin |
| expm1_down(x), x ≤ 0 | 1.2 ulp | 1.2 ulp | −1; keeps the sign of zero |
| log(x) | 0.9 ulp | 0.9 ulp | −∞, from the denormals on, and ∞; NaN below 0 |
| log1p_up(x), 0 ≤ x ≤ 1 | 2.0 ulp | 2.0 ulp | 0 |
| erf(x) | 2.4 ulp | 2.7 ulp | ∓1; keeps the sign of zero |
| tanh(x) | 2.5 ulp | 2.6 ulp | ∓1; keeps the sign of zero |
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
- For x ≤ 0, one power of 2 suffices if the denormals are given up: a third less to do, for softmax and the like.
- tanh |x| = −m / (2 + m) with m = e^(−2|x|) − 1 is free of cancellation; in sigmoid, e^(−|x|) cannot overflow.
- log x = k ln 2 + log(1 + f) with ½√2 ≤ 1 + f < √2, and log(1 + f) = 2 artanh s, s = f/(2 + f), put together such that
  nothing large cancels (the order of FreeBSD's e_log.c); artanh s = s + s³ g(s²), g by Chebyshev's points.
- erf x = x h(x²) for |x| ≤ ½, and 1 − erfc |x| beyond.
- Φ(−|x|) = ½ erfc(z), z = |x|/√2, and erfc(z) = e^(−z²) (1 − u) Q(u), u = z/(z + K): the form of C. Hastings,
  Approximations for Digital Computers (1955), with Q fitted anew by Remez to the last digit of each precision.

`full_registers()` at the top of a loop lets LLVM use AVX-512's registers of 64 bytes. On Intel's processors it prefers
32, since the first ones with AVX-512 became slower by using it; arithmetic as dense as this gains a fifth to a third.

A kernel that Numba has cached does not notice a change in this file: after one, clear the caches of its callers.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import lower_builtin, overload, type_callable

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
def _artanh32(z):
    """(artanh s / s − 1) / z for z = s² ≤ 1/9; error 4e-10 of artanh s."""
    q = f4(0.11612165) * z + f4(0.10853288)
    q = q * z + f4(0.14296179)
    q = q * z + f4(0.19999853)
    return q * z + f4(0.33333334)


@scalar
def _artanh64(z):
    """The same in float64; error 5e-18."""
    q = 0.08082022805971766 * z + 0.04400369243072337
    q = q * z + 0.06000536404795356
    q = q * z + 0.06657072104827468
    q = q * z + 0.07692785032479312
    q = q * z + 0.09090894718066429
    q = q * z + 0.11111111358713932
    q = q * z + 0.1428571428355438
    q = q * z + 0.20000000000007292
    return q * z + 0.3333333333333333


@scalar
def _erf32(t):
    """erf x / x for t = x² ≤ ¼; error 1.4e-9."""
    q = f4(0.0047190826) * t + f4(-0.026757733)
    q = q * t + f4(0.11282831)
    q = q * t + f4(-0.3761261)
    return q * t + f4(1.1283792)


@scalar
def _erf64(t):
    """The same in float64; error 4e-18."""
    q = 1.4725865480556744e-06 * t + -1.4845849259707869e-05
    q = q * t + 0.00012053335124353741
    q = q * t + -0.0008548297753674966
    q = q * t + 0.00522397737302147
    q = q * t + -0.026866170632887928
    q = q * t + 0.11283791670925353
    q = q * t + -0.37612638903183476
    return q * t + 1.1283791670955126


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
    real: Any, integer: Any, fraction: int, bias: int, ends: tuple[float, float, float], ln2: tuple[float, float],
    tail: Any, factor: Any, artanh: Any, erf_near_0: Any,
) -> SimpleNamespace:  # fmt: skip
    """One text for both precisions: `fraction` and `bias` are the float format's, at `ends` eˣ is 0, normal, and ∞."""
    magic = real(1.5 * 2.0**fraction)
    offset = magic.view(integer)
    zero, half, one, two, shift = real(0), real(0.5), real(1), real(2), integer(fraction)
    low, least, high = map(real, ends)
    per_ln2, ln2_high, ln2_low = real(1 / np.log(2.0)), real(ln2[0]), real(ln2[1])
    root_half, density = real(np.sqrt(0.5)), real(1 / np.sqrt(2 * np.pi))
    infinity, nan, tiny = real(np.inf), real(np.nan), np.finfo(real).tiny
    lift, lifted = real(2.0 ** (fraction + 2)), real(fraction + 2)
    middle = real(np.sqrt(0.5)).view(integer)

    @scalar
    def power(k):
        """2ᵏ, for exponents of normal numbers."""
        return integer((k + bias) << shift).view(real)

    @scalar
    def split(x):
        """k and eʳ − 1, where x = k ln 2 + r."""
        shifted = real(x * per_ln2 + magic)
        n = shifted - magic
        r = (x - n * ln2_high) - n * ln2_low
        return integer(shifted.view(integer) - offset), tail(r) * (r * r) + r

    @scalar
    def exp(x):
        x = low if x < low else x  # NaN is not less, and passes
        x = high if x > high else x
        k, p = split(x)
        first = integer(k >> 1)
        return (one + p) * power(first) * power(integer(k - first))

    @scalar
    def exp_down(x):
        k, p = split(least if x < least else x)
        a = power(k)
        return zero if x < least else a * p + a

    @scalar
    def expm1_down(x):
        k, p = split(least if x < least else x)
        a = power(k)
        return a * p + (a - one)

    @scalar
    def log(x):
        small = x < tiny
        raised = x * lift if small else x
        bits = real(raised).view(integer)
        k = integer((bits - middle) >> shift)
        f = integer(bits - integer(k << shift)).view(real) - one
        n = real(k) - (lifted if small else zero)
        s, h = f / (two + f), half * f * f
        z = s * s
        y = n * ln2_high - ((h - (s * (h + two * z * artanh(z)) + n * ln2_low)) - f)
        y = y if x < infinity else x
        return y if x > zero else (-infinity if x == zero else nan)

    @scalar
    def log1p_up(x):
        s = x / (two + x)
        z = s * s
        return two * s + two * s * (z * artanh(z))

    @scalar
    def erf(x):
        z = abs(x)
        t = z if z < half else half
        beyond = one - exp_down(-x * x) * factor(z)
        return np.copysign(t * erf_near_0(t * t) if z < half else beyond, x)

    @scalar
    def tanh(x):
        m = expm1_down(-two * abs(x))
        return np.copysign(m / (two + m), x)

    @scalar
    def sigmoid(x):
        e = exp(-abs(x))
        return (one if x >= zero else e) / (one + e)

    @scalar
    def normal(x):
        e = exp_down(-half * x * x)
        below = half * e * factor(abs(x) * root_half)
        return (one - below if x >= zero else below), density * e

    functions = (exp, exp_down, expm1_down, log, log1p_up, erf, tanh, sigmoid, normal)
    return SimpleNamespace(**{each.__name__: each for each in functions})


NARROW = _functions(
    f4, np.int32, 23, 127, (-104.0, -87.0, 89.0), (0.693145751953125, 1.4286068e-06),
    _tail32, _erfc_factor32, _artanh32, _erf32,
)  # fmt: skip
WIDE = _functions(
    f8, np.int64, 52, 1023, (-746.0, -708.0, 710.0), (0.6931471805601177, -1.7239444525614835e-13),
    _tail64, _erfc_factor64, _artanh64, _erf64,
)  # fmt: skip


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
def exp_down(x: Any) -> Any:
    """eˣ for x ≤ 0, and 0 where that is not a normal number."""


@_of_both_widths
def expm1_down(x: Any) -> Any:
    """eˣ − 1 for x ≤ 0."""


@_of_both_widths
def log(x: Any) -> Any:
    """The natural logarithm."""


@_of_both_widths
def log1p_up(x: Any) -> Any:
    """log(1 + x) for 0 ≤ x ≤ 1."""


@_of_both_widths
def erf(x: Any) -> Any:
    """The error function, 2/√π ∫₀ˣ e^(−t²) dt."""


@_of_both_widths
def tanh(x: Any) -> Any:
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)."""


@_of_both_widths
def sigmoid(x: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""


@_of_both_widths
def normal(x: Any) -> Any:
    """Φ(x) and φ(x): the standard normal distribution and its density, which share one exponential."""


def full_registers() -> None:
    """In a kernel's function, or in the body of its `prange`: vectorise its loops for the widest registers."""


@type_callable(full_registers)
def _(context):
    return lambda: types.none


@lower_builtin(full_registers)
def _(context, builder, call, args):
    set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # a string, of which llvmlite knows none
    return context.get_dummy_value()
