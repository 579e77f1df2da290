"""`vmap` against the loop that it stands for: every operation, every choice of what is batched."""

import numpy as np
import pytest

import minidl
from minidl import errors, nn, ops
from minidl.functional import (
    functional_call,
    grad,
    hessian,
    jacobian,
    jvp,
    per_sample_grads,
    value_and_grad,
    vjp,
    vmap,
)
from minidl.functional.batching_rules import RULES, rule_of
from minidl.nn import functional as F
from minidl.op import REGISTRY, primitive
from tests.samples import all_samples
from tests.witnesses import close, floats

B = 3
SAMPLES = [s for s in all_samples() if floats(s.inputs())]


def batches(sample):
    """Three draws of a sample's inputs, stacked; what is no array stays as it is."""
    rng = np.random.default_rng(1)
    draws = [sample.inputs()]
    fixed = sample.operation == "ctc_loss"  # lengths and labels must fit each other
    changing = floats(draws[0]) if fixed else [i for i, a in enumerate(draws[0]) if hasattr(a, "shape")]
    for _ in range(B - 1):
        draws.append([moved(rng, a) if i in changing else a for i, a in enumerate(draws[0])])
    return [np.stack(each) if hasattr(each[0], "shape") else each[0] for each in zip(*draws, strict=True)]


def moved(rng, a):
    """Other values that are as good: floats a little away, so that they stay in the domain; the rest permuted."""
    if a.dtype.kind == "f":
        return a * (1 + 1e-3 * rng.random(a.shape))
    return rng.permutation(a.reshape(-1)).reshape(a.shape)


def loop(function, args, dims):
    each = [function(*[a if d is None else a[b] for a, d in zip(args, dims, strict=True)]) for b in range(B)]
    if isinstance(each[0], tuple):
        return tuple(np.stack([y.data for y in ys]) for ys in zip(*each, strict=True))
    return (np.stack([y.data for y in each]),)


def choices(args):
    """What is batched: all, and each array alone; the first draw stands for what is shared."""
    arrays = [i for i, a in enumerate(args) if hasattr(a, "shape")]
    for batched in [arrays, *([i] for i in arrays if len(arrays) > 1)]:
        dims = tuple(0 if i in batched else None for i in range(len(args)))
        yield dims, [a if i in batched or i not in arrays else a[0] for i, a in enumerate(args)]


@pytest.mark.parametrize("mode", ["plain", "fast"])
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_every_operation(sample, mode):
    operation = REGISTRY[sample.operation]

    def function(*xs):
        return operation(*[minidl.tensor(x) if isinstance(x, np.ndarray) else x for x in xs], **sample.params)

    for dims, args in choices(batches(sample)):
        with minidl.mode(mode):
            y = vmap(function, dims)(*args)
            expected = loop(function, args, dims)
        for a, e in zip(y if isinstance(y, tuple) else (y,), expected, strict=True):
            assert a.dtype == e.dtype
            close(a.data, e, 1e-11)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.number == 0], ids=str)
def test_gradients_of_each_sample(sample):
    """The gradient inside: of each sample, also by what all of them share."""
    where = floats(sample.inputs())

    def loss(*args):
        y = REGISTRY[sample.operation](*args, **sample.params)
        return sum(((each * each).sum() for each in (y if isinstance(y, tuple) else (y,))), 0.0)

    def gradients(*args):
        return grad(loss, tuple(where))(*args)

    for dims, args in choices(batches(sample)):
        with minidl.mode("plain"):
            for a, e in zip(vmap(gradients, dims)(*args), loop(gradients, args, dims), strict=True):
                close(a.data, e, 1e-10)


def test_what_has_a_rule_is_an_operation():
    assert set(RULES) <= set(REGISTRY)
    assert rule_of("exp") == "rule" and rule_of("lstm") == "body"


X = np.random.default_rng(0).normal(size=(4, 2, 3))


def test_dims():
    def f(x):
        return x @ x.mT

    close(vmap(f)(X), X @ X.transpose(0, 2, 1))
    close(vmap(f, 1)(X), np.stack([X[:, i] @ X[:, i].T for i in range(2)]))
    close(vmap(f, -1, out_dims=-1)(X), np.stack([X[..., i] @ X[..., i].T for i in range(3)], -1))
    close(vmap(lambda x, w: x * w, (0, None))(X[0], X[1, 0]), X[0] * X[1, 0])
    close(vmap(lambda x, w: x @ w, (None, 1))(X[0], X[1].T), (X[0] @ X[1].T).T)
    a, b = vmap(lambda x: (x.sum(), {"twice": 2 * x}), out_dims=(0, 1))(X)
    close(a, X.sum((1, 2)))
    close(b["twice"], 2 * X.transpose(1, 0, 2))


def test_structures():
    def f(pair, named):
        return {"y": pair[0] * named["w"] + pair[1]}

    y = vmap(f, ((0, None), {"w": 1}))((X, 2.0), {"w": X.transpose(1, 0, 2)})
    close(y["y"], X * X + 2)
    close(vmap(lambda *xs: sum(xs))(X, X), 2 * X)


def test_constants_and_numbers_come_out_for_every_sample():
    y = vmap(lambda x: (1.0, minidl.tensor([1.0, 2.0])))(X)
    assert y[0].tolist() == [1] * 4 and y[1].shape == (4, 2)


def test_chunks():
    seen = []

    def f(x):
        seen.append(x)
        return x.softmax(-1).sum(0)

    close(vmap(f, chunk_size=3)(X), vmap(f)(X))
    assert len(seen) == 3


def test_an_empty_batch():
    assert vmap(lambda x: x.exp().sum(0))(X[:0]).shape == (0, 3)


def test_nested():
    w = np.random.default_rng(2).normal(size=(5, 3))
    y = vmap(lambda x: vmap(lambda w: (x @ w).tanh(), 0)(minidl.tensor(w)))(X)
    close(y, np.tanh(np.einsum("bij,kj->bki", X, w)))
    y = vmap(vmap(lambda x: x.sum() * x))(X)
    close(y, X.sum(-1, keepdims=True) * X)


def test_derivatives_inside_and_outside():
    def f(x):
        return (x.tanh() ** 2).sum() * x[0]

    rows = X.reshape(8, 3)
    for derivative in (grad(f), hessian_of(f), lambda x: jvp(f, x, minidl.tensor([1.0, 2.0, 3.0]).double())[1],
                       lambda x: jacobian(lambda x: x * x.sum(), x), lambda x: vjp(f, x)[1],
                       lambda x: jacobian(lambda x: x * x.sum(), x, "forward-mode"),
                       lambda x: value_and_grad(f)(x)[0]):  # fmt: skip
        close(vmap(derivative)(rows).detach(), np.stack([derivative(r).detach().data for r in rows]), 1e-10)
    outer = grad(lambda x: vmap(f)(x).sum())(rows)
    close(outer, np.stack([grad(f)(r).data for r in rows]))
    close(jvp(vmap(f), rows, rows)[1], np.stack([jvp(f, r, r)[1].data for r in rows]))


def hessian_of(f):
    return lambda x: hessian(f, x)


def test_parameters_outside_get_their_gradient():
    w = minidl.tensor(X[0, 0]).requires_grad_()
    vmap(lambda x: (x * w).sum())(X).sum().backward()
    close(w.grad, X.sum((0, 1)))


LOOK_AT_VALUES = {
    "argmax": lambda x, w: x.argmax(-1),
    "any": lambda x, w: (x > 0).any(),
    "all": lambda x, w: (x <= w).all(0),
    "isnan": lambda x, w: x.isnan(),
    "isfinite": lambda x, w: x.isfinite(),
    "not": lambda x, w: ~(x == w),
    "max": lambda x, w: x.max(0).values,
    "sort": lambda x, w: x.sort(-1)[1],
    "topk": lambda x, w: x.topk(2).indices,
    "median": lambda x, w: x.median(0)[0],
    "cummax": lambda x, w: x.cummax(0).values,
    "where": lambda x, w: ops.where(x > 0, x, -x),
}


@pytest.mark.parametrize("name", LOOK_AT_VALUES)
def test_methods_without_operations(name):
    w, f = minidl.tensor(X[0]), LOOK_AT_VALUES[name]
    expected = np.stack([f(minidl.tensor(x), w).data for x in X])
    np.testing.assert_array_equal(vmap(lambda x: f(x, w))(X).data, expected)


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2)), (3,)),
    "cnn": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3, groups=2, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                  nn.Flatten(), nn.Linear(4, 2)), (2, 4, 5)),
    "lstm": (lambda: Last(nn.LSTM(3, 2, batch_first=True)), (4, 3)),
    "attention": (lambda: Attended(nn.MultiheadAttention(4, 2, batch_first=True)), (3, 4)),
}  # fmt: skip


class Last(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class Attended(Last):
    def forward(self, x):
        return self.layer(x, x, x, need_weights=False)[0].mean(1)[:, :2]


@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_each_sample_through_a_model(name, rng):
    minidl.manual_seed(0)
    make, shape = MODELS[name]
    model = make().double()
    x, t = rng.normal(size=(5, *shape)), rng.integers(0, 2, size=5)
    found = per_sample_grads(model, F.cross_entropy, x, t)
    chunked = per_sample_grads(model, F.cross_entropy, x, t, chunk_size=2)
    for i in range(5):
        model.zero_grad()
        F.cross_entropy(model(minidl.tensor(x[i : i + 1])), minidl.tensor(t[i : i + 1])).backward()
        for key, p in model.named_parameters():
            close(found[key][i].data, p.grad.data, 1e-11)
            close(chunked[key][i].data, p.grad.data, 1e-11)


def test_a_module_as_a_function_of_its_parameters(rng):
    model = nn.Linear(3, 2).double()
    weight = model.weight
    w, x = rng.normal(size=(2, 3)), rng.normal(size=(4, 3))
    y = functional_call(model, {"weight": w}, x)
    close(y.detach(), x @ w.T + model.bias.detach().data)
    assert model.weight is weight
    with pytest.raises(errors.ShapeError, match="functional_call: weight"):
        functional_call(model, {"weight": w.T}, x)
    assert model.weight is weight


def own_operations():
    @primitive
    def tripled(x):
        return 3 * x

    @tripled.vjp("x")
    def tripled_dx(dy):
        return 3 * dy

    return tripled


def test_operations_of_your_own_are_looped():
    tripled = own_operations()
    close(vmap(tripled)(minidl.tensor(X)), 3 * X)
    close(vmap(grad(lambda x: tripled(x).sum()))(X), np.full(X.shape, 3))
    close(jvp(tripled, X, X)[1], 3 * X)
