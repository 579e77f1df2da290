"""Every registered operation, over all of its samples, before every witness."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

import minidl
from minidl.functional import vjp
from minidl.op import REGISTRY

from .samples import all_samples
from .witnesses import (
    call,
    check_slopes,
    close,
    complex_step,
    cotangents,
    directions,
    floats,
    inner,
    pullback,
    replaced,
    richardson,
    slopes,
)

SAMPLES = all_samples()
LIBRARY = {name: operation for name, operation in REGISTRY.items() if operation.page is not None}

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=str)

ORDERED = "complex numbers have no order by which to choose"
NOT_ANALYTIC = {  # operations for which NumPy's complex arithmetic is no complex step, and why
    "cast": "the kind of number is what it changes",
    "cholesky": "LAPACK factors Hermitian matrices, A = L Lᴴ, and a conjugate is not analytic",
    "clip": ORDERED,
    "eigh": "LAPACK takes Hermitian matrices, and orthonormal with conjugates",
    "max": ORDERED,
    "maximum": ORDERED,
    "min": ORDERED,
    "minimum": ORDERED,
    "pinv": "what it is defined by are Hermitian products",
    "qr": "LAPACK's Q is orthonormal with conjugates",
    "svd": "LAPACK's vectors are orthonormal with conjugates, and singular values real",
}


def test_every_operation_has_samples():
    assert {s.operation for s in SAMPLES} == set(LIBRARY)


def test_every_operation_has_a_reference_twin():
    for name, operation in LIBRARY.items():
        page = import_module(f"minidl.kernels.reference.{operation.page}")
        assert callable(getattr(page, name)) and callable(getattr(page, f"{name}_backward"))


@each_sample
def test_forward_is_the_definition_in_every_mode(sample):
    inputs = sample.inputs()
    expected = call(sample.operation, inputs, sample.params, "reference")
    for mode in ("plain", "fast", "textbook"):
        for y, e in zip(call(sample.operation, inputs, sample.params, mode), expected, strict=True):
            close(y, e)
    args = [minidl.tensor(a) if i in floats(inputs) else a for i, a in enumerate(inputs)]
    with minidl.mode("textbook"):
        result = REGISTRY[sample.operation](*args, **sample.params)
    for y, e in zip(result if isinstance(result, tuple) else (result,), expected, strict=True):
        close(y.data, e)


@each_sample
def test_gradients_agree_in_every_mode(sample):
    inputs = sample.inputs()
    us = cotangents(call(sample.operation, inputs, sample.params))
    expected = pullback(sample.operation, inputs, sample.params, us, "reference")
    for mode in ("plain", "fast", "textbook"):
        gradients = pullback(sample.operation, inputs, sample.params, us, mode)
        for i, e in expected.items():
            assert gradients[i].dtype == inputs[i].dtype
            close(gradients[i], e)


@each_sample
def test_gradients_against_finite_differences(sample):
    inputs = sample.inputs()
    us = cotangents(call(sample.operation, inputs, sample.params))
    check_slopes(
        pullback(sample.operation, inputs, sample.params, us), slopes(sample.operation, inputs, sample.params, us)
    )


@each_sample
def test_gradients_against_the_complex_step(sample):
    if not sample.analytic:
        assert sample.operation in NOT_ANALYTIC, "say there why it is not"
        return
    inputs = sample.inputs()
    us = cotangents(call(sample.operation, inputs, sample.params))
    for i, g in pullback(sample.operation, inputs, sample.params, us).items():
        for d in directions(inputs[i]):
            close(np.sum(g * d), complex_step(sample.operation, inputs, sample.params, us, i, d), 1e-12)


@pytest.mark.parametrize("mode", ["plain", "fast", "textbook"])
@each_sample
def test_second_order(sample, mode):
    """The gradient of ⟨w, gradient⟩, by every input and the cotangent, against differences of the gradient."""
    inputs = sample.inputs()
    where = floats(inputs)
    us = cotangents(call(sample.operation, inputs, sample.params))
    first = pullback(sample.operation, inputs, sample.params, us)
    ws = cotangents(tuple(first.values()), seed=11)

    def gradient(*values):
        xs, vs = values[: len(where)], values[len(where) :]
        args = list(inputs)
        for i, x in zip(where, xs, strict=True):
            args[i] = x

        def function(*xs):
            for i, x in zip(where, xs, strict=True):
                args[i] = x
            return REGISTRY[sample.operation](*args, **sample.params)

        return vjp(function, tuple(xs), tuple(vs) if len(vs) > 1 else vs[0])[1]

    points = [inputs[i] for i in where] + list(us)
    with minidl.mode(mode):
        _, second = vjp(gradient, tuple(points), ws)
    for j, g in enumerate(second):
        for d in directions(points[j], 2):

            def along(t, j=j, d=d):
                return inner(ws, [g.data for g in gradient(*replaced(points, j, points[j] + t * d))])

            with minidl.mode("plain"):
                close(np.sum(g.data * d), richardson(along), 1e-6)


@each_sample
def test_float32_is_near_float64(sample):
    inputs = sample.inputs()
    if "dtype" in sample.params:
        pytest.skip("the dtype is what the operation is about")
    narrow = [a.astype(np.float32) if i in floats(inputs) else a for i, a in enumerate(inputs)]
    wide = [a.astype(np.float64) if i in floats(narrow) else a for i, a in enumerate(narrow)]
    ys = call(sample.operation, wide, sample.params)
    us = cotangents(ys)
    narrow_us = tuple(u.astype(np.float32) for u in us)
    wide_us = tuple(u.astype(np.float64) for u in narrow_us)
    expected = pullback(sample.operation, wide, sample.params, wide_us)
    for mode in ("fast", "plain", "textbook"):
        for y, e in zip(call(sample.operation, narrow, sample.params, mode), ys, strict=True):
            assert y.dtype == np.float32
            close(y, e, sample.float32)
        for i, g in pullback(sample.operation, narrow, sample.params, narrow_us, mode).items():
            assert g.dtype == np.float32
            close(g, expected[i], sample.float32)


LAYOUTS = {
    "fortran": lambda a: a.copy(order="F"),
    "transposed": lambda a: a.T.copy().T,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "reversed": lambda a: a[..., ::-1].copy()[..., ::-1] if a.ndim else a,
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@each_sample
def test_layouts(sample, layout):
    """Only the values count: forward and gradients are the same for every layout of the inputs and cotangents."""
    inputs = sample.inputs()
    laid = [LAYOUTS[layout](a) if isinstance(a, np.ndarray) else a for a in inputs]
    us = cotangents(call(sample.operation, inputs, sample.params))
    expected = pullback(sample.operation, inputs, sample.params, us)
    for mode in ("plain", "fast"):
        for y, e in zip(
            call(sample.operation, laid, sample.params, mode),
            call(sample.operation, inputs, sample.params),
            strict=True,
        ):
            close(y, e)
        gradients = pullback(sample.operation, laid, sample.params, tuple(map(LAYOUTS[layout], us)), mode)
        for i, e in expected.items():
            close(gradients[i], e)


@each_sample
def test_two_runs_are_bit_equal(sample):
    inputs = sample.inputs()
    us = cotangents(call(sample.operation, inputs, sample.params))
    once, again = (pullback(sample.operation, inputs, sample.params, us, "fast") for _ in range(2))
    assert all(np.array_equal(once[i], again[i]) for i in once)
