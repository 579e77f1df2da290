"""The plain update, the kernel and the definition agree: in all options, layouts and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import optim
from minidl.kernels.reference import optimize as definition
from minidl.optim import SGD, Adam, AdamW
from minidl.tensor import Parameter

from . import CONFIGURATIONS, parameters

KINDS = [getattr(optim, name) for name in optim.__all__ if isinstance(getattr(optim, name), type)]
KINDS = [kind for kind in KINDS if kind not in (optim.LBFGS, optim.Optimizer)]
each_configuration = pytest.mark.parametrize(("kind", "options"), CONFIGURATIONS)


def by_definition(kind, options, p, gradients):
    """The values of one parameter after each step, from kernels/reference."""
    options = dict(options)
    values = []
    if kind is SGD:
        state = [np.zeros_like(p)]
        for i, g in enumerate(gradients):
            p, *state = definition.sgd_step(p, g, *state, first=i == 0, **options)
            values.append(p)
        return values
    state = [np.zeros_like(p), np.zeros_like(p)]
    for i, g in enumerate(gradients):
        p, *state = definition.adam_step(p, g, *state, step=i + 1, decoupled=kind is AdamW, **options)
        values.append(p)
    return values


@each_configuration
@pytest.mark.parametrize("mode", ["plain", "fast"])
def test_is_its_definition(kind, options, mode, rng):
    (p,) = parameters(rng, shapes=((4, 6),))
    gradients = rng.normal(size=(6, 4, 6))
    expected = by_definition(kind, options, p.data.copy(), gradients)
    optimizer = kind([p], **options)
    with minidl.mode(mode):
        for g, value in zip(gradients, expected, strict=True):
            p.grad = minidl.tensor(g)
            optimizer.step()
            np.testing.assert_allclose(p.data, value, rtol=1e-12, atol=1e-14)


@each_configuration
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 1000, (1 << 17) + 77])
def test_kernel_and_plain_update_are_the_same_bits(kind, options, dtype, size, rng):
    start, gradients = rng.normal(size=size).astype(dtype), rng.normal(size=(3, size)).astype(dtype)
    results = []
    for mode in ("plain", "fast"):
        p = Parameter(start.copy())
        optimizer = kind([p], **options)
        with minidl.mode(mode):
            for g in gradients:
                p.grad = minidl.tensor(g)
                optimizer.step()
        results.append([p.data, *[v for v in optimizer.state[p].values() if isinstance(v, np.ndarray)]])
    for plain, fast in zip(*results, strict=True):
        assert plain.dtype == fast.dtype == dtype
        np.testing.assert_array_equal(plain, fast)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["transposed", "strided", "gradient transposed", "float16", "empty"])
def test_any_layout_and_dtype(kind, layout, rng):
    def make(array):
        p = Parameter(array.copy())
        if layout == "transposed":
            p.data = p.data.T
        elif layout == "strided":
            p.data = np.repeat(p.data, 2, axis=0)[::2]
        return p

    array = rng.normal(size=(0, 3) if layout == "empty" else (4, 4))
    array = array.astype("float16" if layout == "float16" else "float32")
    options = {"momentum": 0.9} if kind is SGD else {}
    results = []
    for mode in ("plain", "fast"):
        p = make(array)
        before, memory = p.data.copy(), p.data
        optimizer = kind([p], lr=0.1, **options)
        with minidl.mode(mode):
            for scale in (1, 2):
                gradient = scale * np.linspace(-1, 1, p.data.size, dtype=p.dtype).reshape(p.shape)
                p.grad = minidl.Tensor(np.asfortranarray(gradient) if layout == "gradient transposed" else gradient)
                optimizer.step()
        assert p.data is memory
        assert layout == "empty" or not np.array_equal(p.data, before)
        results.append(p.data)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_gradient_of_a_learning_rate_as_numpy_scalar_keeps_float32(kind, rng):
    (p,) = parameters(rng, "float32", ((3,),))
    twin = Parameter(p.data.copy())
    for q, lr, mode in ((p, np.float64(0.1), "plain"), (twin, 0.1, "fast")):
        optimizer = kind([q], lr=lr)
        q.grad = minidl.tensor(np.ones(3, np.float32))
        with minidl.mode(mode):
            optimizer.step()
    np.testing.assert_array_equal(p.data, twin.data)


@pytest.mark.parametrize("kind", KINDS)
def test_the_layout_changes_no_number(kind, rng):
    start, gradients = rng.normal(size=(4, 4)), rng.normal(size=(3, 4, 4))
    results = []
    for order in "CF":
        p = Parameter(np.asarray(start, order=order).copy(order="K"))
        optimizer = kind([p], lr=0.1)
        for g in gradients:
            p.grad = minidl.Tensor(np.asarray(g, order=order))
            optimizer.step()
        results.append(p.data)
    np.testing.assert_allclose(*results, rtol=1e-12)
