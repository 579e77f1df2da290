"""Rotary positions: turning back, turning on, and what a product of two turned vectors knows."""

import numpy as np
import pytest

from minidl.functional import vjp
from minidl.ops import rotary

both = pytest.mark.parametrize("interleaved", [False, True])


def as_complex(x, interleaved):
    """Pairs as complex numbers, for which turning by a is multiplying by e^(ia)."""
    half = x.shape[-1] // 2
    return x[..., 0::2] + 1j * x[..., 1::2] if interleaved else x[..., :half] + 1j * x[..., half:]


@both
def test_turning_is_multiplying_by_a_complex_number(rng, interleaved):
    x, a = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(5, 3))
    y = rotary(x, a, interleaved=interleaved)
    np.testing.assert_allclose(as_complex(y, interleaved), as_complex(x, interleaved) * np.exp(1j * a), atol=1e-14)


@both
def test_turning_back_and_on(rng, interleaved):
    x, a, b = rng.normal(size=(3, 4)), rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    there = rotary(x, a, interleaved=interleaved)
    np.testing.assert_allclose(rotary(there, -a, interleaved=interleaved), x, atol=1e-14)
    np.testing.assert_allclose(rotary(there, b, interleaved=interleaved), rotary(x, a + b, interleaved=interleaved))
    np.testing.assert_allclose(np.linalg.norm(there, axis=-1), np.linalg.norm(x, axis=-1))


@both
def test_the_adjoint_is_the_inverse(rng, interleaved):
    x, a, u = rng.normal(size=(3, 4)), rng.normal(size=(3, 2)), rng.normal(size=(3, 4))
    _, dx = vjp(lambda x: rotary(x, a, interleaved=interleaved), x, u)
    np.testing.assert_allclose(dx.data, rotary(u, -a, interleaved=interleaved), atol=1e-15)


@pytest.mark.parametrize("of_query", [False, True])
@pytest.mark.parametrize("of_key", [False, True])
def test_products_know_the_distance_alone(rng, of_query, of_key):
    q, k, rates = rng.normal(size=6), rng.normal(size=6), rng.uniform(0.1, 1, size=3)
    t, s = np.array([[0], [3], [50]]), np.array([[2], [5], [52]])  # s − t = 2 everywhere
    queries = rotary(np.tile(q, (3, 1)), t * rates, interleaved=of_query)
    keys = rotary(np.tile(k, (3, 1)), s * rates, interleaved=of_key)
    spread = np.ptp((queries * keys).sum(-1))
    assert spread < 1e-12 if of_query == of_key else spread > 0.1  # two conventions in one product know nothing
