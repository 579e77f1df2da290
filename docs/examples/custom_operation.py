"""An operation of one's own: Lambert's W, checked, and then used to fit the two constants of an enzyme.

W(x) is the solution y of y eʸ = x. No formula gives it, so the forward iterates. The backward need not follow the
iteration: whatever is defined by an equation is differentiated by that equation.

    python docs/examples/custom_operation.py
"""

import numpy as np

from minidl import primitive
from minidl.array import xp
from minidl.functional import grad, jacobian, vjp
from minidl.ops import exp


@primitive(real=True)
def lambert_w(x):
    """The solution y of y eʸ = x, for x > −1/e.

    Math: dx = dy · e⁻ʸ / (1 + y)
    Derivation: differentiate the equation: dx = (1 + y) eʸ dy.
    """
    y = xp(x).log1p(x)  # starts above the solution, from where Newton's steps cannot overshoot
    for _ in range(12):
        y = y - (y - x * xp(x).exp(-y)) / (1 + y)
    return y


@lambert_w.vjp("x")
def lambert_w_dx(dy, y):
    return dy * exp(-y) / (1 + y)


def check() -> None:
    """The rule against the complex step of the iteration; the rule's own derivative against the formula for it."""
    rng = np.random.default_rng(0)
    x, u = rng.uniform(0, 5, size=20), rng.normal(size=20)
    y, dx = vjp(lambert_w, x, u)
    assert np.allclose(y.numpy() * np.exp(y.numpy()), x, rtol=1e-14)
    assert np.allclose(dx.numpy(), u * lambert_w(x + 1e-30j).imag / 1e-30, rtol=1e-13)

    y = lambert_w(np.array(2.0))
    second = -np.exp(-2 * y) * (y + 2) / (1 + y) ** 3
    assert np.isclose(grad(grad(lambert_w))(np.array(2.0)).numpy(), second, rtol=1e-13)


def substrate(p, t, start=2.0):
    """What an enzyme has left at time t of what it was given, for p = (K, V), by Michaelis and Menten.

    Source: S. Schnell, C. Mendoza, Closed form solution for time-dependent enzyme kinetics (1997), equation 10.
    """
    k, v = p[0], p[1]
    return k * lambert_w(start / k * exp((start - v * t) / k))


def fit(t: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The K and V that explain what was seen: Gauss and Newton's steps, with the Jacobian through `lambert_w`."""
    q = np.zeros(2)  # the logarithms, so that no step can make K or V negative
    for _ in range(10):
        r = substrate(exp(q), t) - seen
        j = jacobian(lambda q: substrate(exp(q), t), q).numpy()  # (measurements, 2)
        q = q - np.linalg.solve(j.T @ j, j.T @ r)
    return exp(q)


if __name__ == "__main__":
    check()
    times = np.linspace(0, 4, 25)
    noise = np.random.default_rng(1).normal(scale=0.01, size=25)
    constants = fit(times, substrate(np.array([0.6, 1.2]), times) + noise)
    print("true K = 0.60, V = 1.20; found K = {:.2f}, V = {:.2f}".format(*constants))
