"""Operations that users write, with the decorators that the library uses: they work like its own."""

import numpy as np
import pytest

import minidl
from minidl import errors, fused, ops, primitive
from minidl.array import xp
from minidl.functional import grad, hvp
from minidl.op import REGISTRY
from tests.witnesses import call, complex_step, cotangents, directions, finite_difference, pullback


@primitive(broadcasts=True, real=True)
def hypot(x, w, *, scale=1.0):
    """y = s √(x² + w²)"""
    return scale * xp(x).sqrt(x * x + w * w)


@hypot.vjp("x")
def hypot_dx(dy, x, y, *, scale):
    return dy * x / y * scale**2


@hypot.vjp("w")
def hypot_dw(dy, w, y, *, scale):
    return dy * w / y * scale**2


@primitive
def joined(*xs, axis=0):
    return xp(*xs).concatenate(xs, axis=axis)


@joined.vjp("xs")
def joined_dx(dy, position, xs_shape, *, axis):
    start = sum(shape[axis] for shape in xs_shape[:position])
    index = (slice(None),) * axis + (slice(start, start + xs_shape[position][axis]),)
    return ops.getitem(dy, index=index)


@fused
def polar(x, w, b=None, *, power=1):
    """r = √(x² + w²), and t = x / rᵖ (+ b)"""
    r = ops.sqrt(x * x + w * w)
    t = x / r**power
    return (r, t if b is None else t + b), (x, w, r, b)


@polar.backward
def polar_backward(dr, dt, x, w, r, b, *, power, needs):
    inner = dr - dt * power * x / r ** (power + 1)
    dx = inner * x / r + dt / r**power if needs[0] else None
    dw = inner * w / r if needs[1] else None
    return dx, dw, None if b is None else dt


RNG = np.random.default_rng(2)
SAMPLES = {
    "hypot": ([RNG.normal(size=(2, 3)), RNG.normal(size=3)], {"scale": 2.0}),
    "joined": ([RNG.normal(size=(2, 3)), RNG.normal(size=(2, 1)), RNG.normal(size=(2, 2))], {"axis": 1}),
    "polar": ([RNG.normal(size=4), RNG.normal(size=4), RNG.normal(size=4)], {"power": 2}),
    "polar without b": ([RNG.normal(size=4), RNG.normal(size=4), None], {"power": 1}),
}


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("mode", ["fast", "plain", "textbook", "reference"])
def test_the_witnesses_agree(sample, mode):
    (inputs, params), name = SAMPLES[sample], f"{__name__}.{sample.split()[0]}"
    us = cotangents(call(name, inputs, params))
    for i, g in pullback(name, inputs, params, us, mode).items():
        for d in directions(inputs[i]):
            assert np.sum(g * d) == pytest.approx(finite_difference(name, inputs, params, us, i, d), rel=1e-7, abs=1e-8)
            assert np.sum(g * d) == pytest.approx(complex_step(name, inputs, params, us, i, d), rel=1e-12, abs=1e-13)


def test_arrays_to_arrays_and_tensors_to_tensors():
    x, w = np.array([3.0, 5.0]), np.array([4.0, 12.0])
    assert type(hypot(x, w)) is np.ndarray and hypot(x, w).tolist() == [5, 13]
    y = hypot(minidl.tensor(x), w)
    assert type(y) is minidl.Tensor and not y.requires_grad
    y = hypot(minidl.tensor(x, requires_grad=True), w=w, scale=2)
    assert y.tolist() == [10, 26] and repr(y.grad_fn) == "<hypot>"
    assert hypot(3, 4) == 5 and hypot(np.array([3, 3]), np.array([4, 4])).dtype == np.float32
    r, t = polar(minidl.tensor(x), w)
    assert r.tolist() == [5, 13] and t.shape == (2,)


def test_second_order_needs_nothing_more():
    w = np.array([0.3, -0.4])

    def f(x):
        r, t = polar(x * 1, w, x, power=3)
        return (hypot(r, t) * r).sum()

    x, v, h = np.array([0.5, 1.2]), np.array([1.0, -1.0]), 1e-5
    product = hvp(f, x, v)[1].data
    difference = (grad(f)(x + h * v).data - grad(f)(x - h * v).data) / (2 * h)
    np.testing.assert_allclose(product, difference, rtol=1e-8)


def test_names_and_documentation():
    assert hypot.__doc__ == "y = s √(x² + w²)" and hypot.__name__ == "hypot" and hypot.__module__ == __name__
    assert repr(hypot) == "<operation hypot(x, w, *, scale=1.0)>"
    assert REGISTRY[f"{__name__}.hypot"] is hypot and hypot.page is None


def test_a_rule_may_ask_for_all_inputs_of_a_variadic_operation():
    @primitive
    def product(*xs):
        y = 1.0
        for x in xs:
            y = y * x
        return y

    @product.vjp("xs")
    def product_dx(dy, xs, position):
        for i, x in enumerate(xs):
            dy = dy if i == position else dy * x
        return dy

    x, w, b = (minidl.tensor(v, dtype="float64", requires_grad=True) for v in (2.0, 3.0, 5.0))
    product(x, w, b).backward(create_graph=True)
    assert [t.grad.item() for t in (x, w, b)] == [15, 10, 6]
    g, x.grad, w.grad = x.grad, None, None
    g.backward()  # d(wb)/dw = b
    assert x.grad is None and w.grad.item() == 5


def test_rules_may_return_constants_of_either_kind():
    def times_three(constant):
        f = primitive(lambda x: 3.0 * x)
        f.vjp("x")(lambda dy: constant)
        return f

    for constant in (np.full(2, 3.0), minidl.tensor(np.full(2, 3.0))):
        f = times_three(constant)
        for create_graph in (False, True):
            x = minidl.tensor(np.ones(2), requires_grad=True)
            (f(x) + f(x)).sum().backward(create_graph=create_graph)
            assert type(x.grad) is minidl.Tensor and x.grad.tolist() == [6, 6]
            assert np.array_equal(np.asarray(constant), [3, 3])


def test_rules_can_be_replaced():
    @primitive
    def twice(x):
        return 2 * x

    def gradient():
        x = minidl.tensor([1.0], requires_grad=True)
        twice(x).backward()
        return x.grad.item()

    twice.vjp("x")(lambda dy: 2 * dy)
    assert gradient() == 2
    twice.vjp("x")(lambda dy, x: 5 * dy * x)  # asks for more than what the old one did
    assert gradient() == 5


def leaf():
    return minidl.tensor([1.0, 2.0], requires_grad=True)


def one_rule(rule):
    @primitive
    def f(x):
        return x * 2

    f.vjp("x")(rule)
    return f(leaf()).sum().backward


def one_backward(backward, body=lambda x: (x * 2, ())):
    f = fused(body)
    f.backward(backward)
    return f(leaf()).sum().backward


def unnamed(x):
    return x


MISTAKES = {
    "a rule for no input": (
        lambda: primitive(unnamed).vjp("w")(lambda dy: dy),
        errors.ArgumentError,
        ("w", "inputs x"),
    ),
    "a rule that asks for what is not": (
        lambda: primitive(unnamed).vjp("x")(lambda dy, z: dy),
        errors.ArgumentError,
        ("z is no input or keyword of 'unnamed'", "inputs x", "keywords none"),
    ),
    "a rule that asks for the shape of y": (
        lambda: primitive(unnamed).vjp("x")(lambda dy, y_shape: dy),
        errors.ArgumentError,
        ("y_shape is no input",),
    ),
    "a rule with an unknown keyword": (
        lambda: hypot.vjp("x")(lambda dy, *, power: dy),
        errors.ArgumentError,
        ("power", "keywords scale"),
    ),
    "a rule without cotangent": (lambda: primitive(unnamed).vjp("x")(lambda: 1), errors.ArgumentError, ("dy",)),
    "vjp without parentheses": (
        lambda: primitive(unnamed).vjp(lambda dy: dy),
        errors.ArgumentError,
        ("unnamed.vjp", "names of inputs", '@unnamed.vjp("x")'),
    ),
    "vjp without names": (lambda: primitive(unnamed).vjp(), errors.ArgumentError, ("nothing", '@unnamed.vjp("x")')),
    "a body with **kwargs": (lambda: primitive(lambda x, **k: x), errors.ArgumentError, ("(x, **k)", "keyword-only")),
    "an option among the arrays": (
        lambda: primitive(lambda x, k=2: x),
        errors.ArgumentError,
        ("(x, k=2)", "None makes an array optional"),
    ),
    "a body without arrays": (lambda: fused(lambda *, k: (k, ())), errors.ArgumentError, ("(*, k)", "arrays first")),
    "named and unnamed arrays": (lambda: primitive(lambda x, *xs: x), errors.ArgumentError, ("(x, *xs)", "one *xs")),
    "no rule at all": (
        lambda: primitive(unnamed)(leaf()),
        errors.GraphError,
        ("no gradient with respect to 'x'", '@unnamed.vjp("x")', "detach()"),
    ),
    "no backward at all": (
        lambda: fused(lambda x: (x * 2, ()))(leaf()).sum().backward(),
        errors.GraphError,
        ("no backward is defined", ".backward"),
    ),
    "a rule without return": (
        one_rule(lambda dy: None),
        errors.GraphError,
        ("'f' returned None for input x", "return statement"),
    ),
    "a rule that returns a number": (one_rule(lambda dy: 2.0), errors.GraphError, ("float 2.0", "input x", "array")),
    "a rule of the wrong shape": (
        one_rule(lambda dy: dy[:1]),
        errors.GraphError,
        ("'f' returned shape (1,) for input x, which has shape (2,)",),
    ),
    "a backward without return": (one_backward(lambda dy: None), errors.GraphError, ("no tuple", "a tuple of 1")),
    "a backward that returns a list": (one_backward(lambda dy: [dy]), errors.GraphError, ("no tuple", "each of x")),
    "too many gradients": (one_backward(lambda dy: (dy, dy)), errors.GraphError, ("2 gradients", "a tuple of 1")),
    "a gradient that is None": (one_backward(lambda dy: (None,)), errors.GraphError, ("None for input x",)),
    "a gradient of another shape": (
        one_backward(lambda dy: (dy.reshape(2, 1),)),
        errors.GraphError,
        ("shape (2, 1) for input x, which has shape (2,)",),
    ),
    "a body without residuals": (
        lambda: fused(lambda x: x * 2)(np.ones(3)),
        errors.ArgumentError,
        ("float64 (3,)", "a pair", "return y, (x, y)"),
    ),
    "a body whose residuals are no tuple": (
        lambda: fused(lambda x: (x, x))(np.ones(3)),
        errors.ArgumentError,
        ("a tuple of what backward needs",),
    ),
    "an argument too many": (lambda: hypot(1.0, 2.0, 3.0), errors.DTypeError, ("hypot", "got 3", "x, w")),
    "an argument too few": (lambda: hypot(1.0), errors.DTypeError, ("hypot", "'w' is missing")),
    "an unknown keyword": (lambda: hypot(1.0, 2.0, power=2), errors.DTypeError, ("hypot", "'power'")),
    "shapes that do not fit": (
        lambda: hypot(np.ones(3), np.ones(4)),
        errors.ShapeError,
        ("x: float64 (3,)", "w: float64 (4,)", "scale=1.0", "broadcast from the right"),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    action, kind, fragments = MISTAKES[name]
    with pytest.raises(kind) as caught:
        action()
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    for fragment in fragments:
        assert fragment in text, text


def test_a_rule_that_reaches_for_numpy_fails_at_second_order_and_is_named():
    @primitive
    def f(x):
        return np.exp(x)

    @f.vjp("x")
    def f_dx(dy, x):
        return dy * np.exp(x)

    f(leaf()).sum().backward()
    with pytest.raises(TypeError) as caught:
        f(leaf()).sum().backward(create_graph=True)
    assert caught.value.__notes__ == ["in the backward pass of 'f'"]
