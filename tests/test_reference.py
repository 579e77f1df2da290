"""The reference kernels: every backward against the complex step of its own forward.

For a cotangent c and a direction d, both random, Im⟨c, f(x + ihd)⟩ / h must equal ⟨dx, d⟩. With
h = 10⁻³⁰ nothing is subtracted, so the two agree to rounding. Every operation keeps complex numbers
(piecewise ones choose by the real part), so that no case needs finite differences; integers and
booleans have no gradient, and None is checked. The cases avoid kinks and ties, which have tests of
their own below. Where PyTorch is installed, the same cases are compared with it.
"""

import ast
import importlib
import inspect
import math
import pathlib
import pkgutil

import numpy as np
import pytest

from minidl.kernels import reference
from minidl.kernels.reference import optimize

from . import reference_arrays, reference_elementwise, reference_loss, reference_recurrent

FILES = [importlib.import_module(f"{reference.__name__}.{m.name}") for m in pkgutil.iter_modules(reference.__path__)]
FUNCTIONS = {
    name: function
    for module in FILES
    for name, function in vars(module).items()
    if inspect.isfunction(function) and module is not optimize
}

draw = np.random.default_rng(1)
INF = np.inf
CASES: list[tuple[str, tuple, dict]] = []


def case(name, *inputs, **params):
    CASES.append((name, tuple(None if x is None else np.array(x) for x in inputs), params))


def R(*size):
    return draw.standard_normal(size)


# ── elementwise ──────────────────────────────────────────────────────────────────────────────────
for left, right in [((), ()), ((4,), (4,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((1,), (2, 2)), ((0, 3), (1, 3))]:
    for name in ["add", "sub", "mul", "maximum", "minimum"]:
        case(name, R(*left), R(*right))
    case("div", R(*left), 0.3 + R(*right) ** 2)
    case("pow", 0.3 + R(*left) ** 2, R(*right))
case("pow", 0.3 + R(5) ** 2, np.array([2.0, 3.0, 1.0, 0.0, -2.0]))
for size in [(), (7,), (2, 0)]:
    for name in ["neg", "exp", "abs", "erf", "tanh", "sigmoid", "relu", "gelu", "clip"]:
        case(name, R(*size))
    case("gelu", R(*size), approximate="tanh")
    case("log", 0.3 + R(*size) ** 2)
    case("sqrt", 0.3 + R(*size) ** 2)
for name in ["erf", "tanh", "sigmoid", "gelu"]:
    case(name, np.array([-40.0, -7.5, -3.0, -2.1, -1.9, -1e-9, 1e-9, 1.9, 2.1, 3.0, 7.5, 40.0]))
for mask, left, right in [((2, 3), (2, 3), (2, 3)), ((3,), (2, 1), ()), ((0, 3), (1, 3), (0, 1))]:
    case("where", R(*mask) > 0, R(*left), R(*right))
for bounds in [{"low": -1.0, "high": 0.5}, {"low": 0.0}, {"high": 0.25}]:
    case("clip", R(2, 5), **bounds)
case("cast", R(2, 3), dtype=np.float32)
case("cast", R(), dtype=np.float64)
case("move", R(2, 3), device="cpu")
case("dropout", R(3, 4), R(3, 4) > 0, p=0.4)
case("dropout", R(3), np.zeros(3, bool), p=1.0)
for name, inputs, params in reference_elementwise.cases(R):
    case(name, *inputs, **params)

# ── reduce ───────────────────────────────────────────────────────────────────────────────────────
for name in ["sum", "mean", "max", "min", "logsumexp", "var"]:
    case(name, R(5))
    for axis in [None, 1, -1, (0, 2), (0, 1, 2)]:
        for keepdims in [False, True]:
            case(name, R(2, 3, 4), axis=axis, keepdims=keepdims)
for name in ["sum", "mean", "max", "min", "logsumexp"]:
    case(name, R())
    case(name, R(2, 3), axis=())
    case(name, R(0, 3), axis=1)
case("sum", R(0, 3))
case("sum", R(0, 3), axis=0)
case("logsumexp", np.array([[-INF, 1.0, 2.0], [800.0, 801.0, -800.0]]), axis=1)
for correction in [0, 2, 0.5]:
    case("var", R(3, 4), axis=0, correction=correction)

# ── shape ────────────────────────────────────────────────────────────────────────────────────────
for size, new in [((2, 6), (3, -1)), ((1,), ()), ((), (1, 1)), ((0, 3), (3, 0))]:
    case("reshape", R(*size), shape=new)
for axes in [None, (1, 2, 0), (-1, 0, 1)]:
    case("transpose", R(2, 3, 4), axes=axes)
case("transpose", R())
for size, new in [((3, 1), (2, 3, 4)), ((), (2, 2)), ((1, 3), (0, 3))]:
    case("expand", R(*size), shape=new)
case("concatenate", R(2, 3), R(1, 3), R(0, 3))
case("concatenate", R(2, 3), R(2, 1), axis=-1)
case("concatenate", R(4))
case("pad", R(2, 3), widths=((1, 2), (0, 3)))
case("pad", R(2), widths=((0, 1),), value=-INF)
case("pad", R(0, 2), widths=((1, 0), (1, 1)), value=2.5)
for size, kernel, stride, dilation in [
    ((2, 3, 5, 6), (2, 3), (1, 1), (1, 1)),
    ((1, 2, 7, 6), (3, 2), (2, 3), (1, 2)),
    ((1, 1, 5, 5), (2, 2), (3, 3), (2, 1)),
    ((0, 2, 3, 3), (2, 2), (1, 1), (1, 1)),
    ((2, 1, 9), (3,), (2,), (2,)),
    ((1, 2, 4, 3, 5), (2, 1, 3), (1, 2, 1), (2, 1, 1)),
]:
    x, how = R(*size), {"stride": stride, "dilation": dilation}
    case("windows", x, kernel_size=kernel, **how)
    case("windows_adjoint", R(*FUNCTIONS["windows"](x, kernel_size=kernel, **how).shape), size=size[2:], **how)

# ── index ────────────────────────────────────────────────────────────────────────────────────────
BASIC = [1, (2, 1), (slice(None), 2), (slice(None, None, -2), Ellipsis, None), Ellipsis]
REPEATED = [
    np.array([0, 2, 2, -1]),
    (np.array([0, 0, 2]), np.array([3, 3, 1])),
    (np.array([[0, 1], [1, 1]]), slice(1, 3)),
]
for picked in [*BASIC, *REPEATED, (slice(None), np.array([True, False, True, True])), np.array([], np.int64)]:
    x = R(3, 4)
    case("getitem", x, index=picked)
    case("getitem_adjoint", np.array(x[picked]), index=picked, shape=x.shape)
case("getitem", R(3), index=R(3) > 0)
for size, places, axis in [((3, 4), (3, 2), 1), ((3, 4), (5, 4), 0), ((2, 3, 2), (2, 0, 2), -2)]:
    case("take_along_axis", R(*size), draw.integers(size[axis], size=places), axis=axis)
    case("put_along_axis", R(*places), draw.integers(size[axis], size=places), axis=axis, size=size[axis])
for places in [(), (5,), (2, 3), (0,)]:
    case("embedding", R(4, 2), draw.integers(4, size=places))
    case("embedding_adjoint", R(*places, 2), draw.integers(4, size=places), size=4)

# ── dense ────────────────────────────────────────────────────────────────────────────────────────
for left, right in [
    ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)), ((2, 2, 3), (2, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((2, 3), (4, 3, 1)),
    ((2, 0), (0, 3)), ((0, 2, 3), (1, 3, 2)), ((0,), (0,)),
]:  # fmt: skip
    case("matmul", R(*left), R(*right))
for lead in [(), (2,), (2, 3), (0,)]:
    case("affine", R(*lead, 3), R(4, 3), R(4))
    case("affine", R(*lead, 3), R(4, 3), None)
case("affine", R(2, 0), R(4, 0), R(4))
for spec, *sizes in [
    ("ab,bc->ac", (2, 3), (3, 4)),
    ("ab,cb,ac->c", (2, 3), (4, 3), (2, 4)),
    ("nab,nbc->nac", (2, 0, 3), (2, 3, 2)),
    *[("abc->ca", (2, 3, 4)), ("ab->", (2, 3)), ("a,b->ba", (3,), (2,)), (",ab->ba", (), (2, 2))],
]:
    case("einsum", *[R(*size) for size in sizes], spec=spec)

# ── conv, pool ───────────────────────────────────────────────────────────────────────────────────
for size, kernel, stride, padding, dilation, groups in [
    ((2, 2, 4, 5), (3, 2, 2, 3), (1, 1), (0, 0), (1, 1), 1),
    ((1, 2, 5, 4), (2, 2, 3, 3), (2, 1), (1, 2), (1, 1), 1),
    ((2, 4, 4, 4), (6, 2, 2, 2), (1, 2), (1, 0), (2, 1), 2),
    ((1, 3, 5, 5), (3, 1, 3, 2), (2, 3), (1, 1), (1, 2), 3),
    ((1, 1, 6, 6), (1, 1, 2, 2), (4, 4), (0, 0), (1, 1), 1),
    ((0, 2, 3, 3), (2, 2, 2, 2), (1, 1), (1, 1), (1, 1), 1),
    ((2, 2, 7), (4, 1, 3), (2,), (1,), (2,), 2),
    ((1, 2, 3, 4, 5), (2, 2, 2, 3, 1), (1, 2, 1), (1, 0, 0), (2, 1, 1), 1),
]:
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x, w = R(*size), R(*kernel)
    dy = R(*FUNCTIONS["conv"](x, w, **how).shape)
    case("conv", x, w, **how)
    case("conv_input", dy, w, size=size[2:], **how)
    case("conv_weight", x, dy, size=kernel[2:], **how)
for size, kernel, stride, padding, dilation in [
    ((2, 2, 4, 6), (2, 3), (2, 2), (0, 0), (1, 1)),
    ((1, 1, 6, 5), (3, 2), (2, 3), (1, 1), (1, 1)),
    ((1, 2, 6, 7), (2, 3), (3, 2), (1, 1), (2, 2)),
    ((1, 1, 4, 4), (2, 2), (3, 3), (1, 1), (1, 1)),
    ((0, 1, 4, 4), (2, 2), (2, 2), (0, 0), (1, 1)),
]:
    for ceil in [False, True]:
        how = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
        case("max_pool", R(*size), dilation=dilation, **how)
        case("avg_pool", R(*size), count_include_pad=True, **how)
        case("avg_pool", R(*size), count_include_pad=False, **how)

# ── recurrent, attention ─────────────────────────────────────────────────────────────────────────
for name, inputs, params in [*reference_arrays.cases(R), *reference_recurrent.cases(R)]:
    case(name, *inputs, **params)


def qkv(*lead, t=3, s=4, d=2, e=3):
    return R(*lead, t, d), R(*lead, s, d), R(*lead, s, e)


BLOCKED = R(3, 4) < 0.5
BLOCKED[0], BLOCKED[1, 0] = False, True  # the first query may attend to nothing
for mask in [None, BLOCKED, R(3, 4), R(2, 1, 4), np.where(BLOCKED, 0.5, -INF)]:
    case("attention", *qkv(2), mask, None, scale=0.7)
case("attention", *qkv(2, 2), None, None, scale=0.5, causal=True)
case("attention", *qkv(t=4, s=2), None, None, scale=900.0, causal=True)
case("attention", *qkv(2), (R(2, 1, 4) > 0) | np.eye(3, 4, dtype=bool), None, scale=0.7, causal=True)
case("attention", *qkv(2, 2), R(2, 1, 1, 4), None, scale=-0.3, causal=True)
case("attention", *qkv(2), None, R(2, 3, 4) > 0, scale=0.7, p=0.25)
case("attention", *qkv(2), R(1, 4), R(2, 3, 4) > 0, scale=0.7, causal=True, p=0.5)
case("attention", *qkv(2), None, np.zeros((2, 3, 4), bool), scale=0.7, p=1.0)
case("attention", *qkv(0), None, None, scale=0.7)
case("attention", *qkv(s=0), None, None, scale=0.7)
case("rotary", R(2, 3, 4), R(3, 2))
case("rotary", R(2, 3, 4), R(2, 1, 1), interleaved=True)

# ── normalize, loss ──────────────────────────────────────────────────────────────────────────────
for name in ["softmax", "log_softmax"]:
    case(name, R(5))
    case(name, R(2, 3, 2), axis=1)
    case(name, R(0, 3))
    case(name, 1000 * R(2, 3), axis=0)
case("softmax", np.array([-INF, 0.3, 0.1]))
for w, b in [(R(4), R(4)), (None, None), (R(4), None), (None, R(4))]:
    case("layer_norm", R(2, 3, 4), w, b)
    case("batch_norm", R(3, 4, 2), w, b, eps=1e-3)
case("layer_norm", R(2, 3, 2), R(3, 2), R(3, 2), dims=2, eps=1e-2)
case("layer_norm", R(6), R(6), R(6))
case("rms_norm", R(2, 3, 2), R(3, 2), dims=2, eps=1e-2)
case("rms_norm", R(2, 5), None)
case("layer_norm", R(0, 4), R(4), R(4))
case("batch_norm", R(5, 2), R(2), R(2))
case("batch_norm", R(2, 2, 2, 3), R(2), R(2))
for name, inputs, params in reference_loss.cases(R, draw):
    case(name, *inputs, **params)

same, close = np.testing.assert_array_equal, np.testing.assert_allclose
NUMBERED = [pytest.param(*c, id=f"{c[0]}-{k}") for k, c in enumerate(CASES)]


def outputs(name, inputs, params):
    y = FUNCTIONS[name](*inputs, **params)
    return y if isinstance(y, tuple) else (y,)


def cotangents(ys):
    noise = np.random.default_rng(7)
    return [noise.standard_normal(np.shape(y)).astype(y.dtype) for y in ys]


@pytest.mark.parametrize(("name", "inputs", "params"), NUMBERED)
def test_backward_is_the_complex_step_of_the_forward(name, inputs, params):
    for x in inputs:
        if x is not None:
            x.flags.writeable = False
    ys = outputs(name, inputs, params)
    dys = cotangents(ys)
    grads = FUNCTIONS[f"{name}_backward"](*dys, *inputs, **params)
    assert isinstance(grads, tuple) and len(grads) == len(inputs)

    noise = np.random.default_rng(8)
    tolerance = 1e-6 if params.get("dtype") is np.float32 else 1e-11
    for k, (x, grad) in enumerate(zip(inputs, grads, strict=True)):
        if x is None or x.dtype.kind != "f":
            assert grad is None
            continue
        assert grad.shape == x.shape and grad.dtype == x.dtype == np.float64
        assert np.isfinite(grad).all()
        if x.size <= 24:
            directions = np.eye(x.size).reshape(-1, *x.shape) if x.size else [np.zeros(x.shape)]
        else:
            directions = noise.standard_normal((6, *x.shape))
        for d in directions:
            stepped = outputs(name, (*inputs[:k], x + 1e-30j * d, *inputs[k + 1 :]), params)
            for y, y_stepped in zip(ys, stepped, strict=True):
                close(y_stepped.real, y, rtol=1e-12, atol=1e-14)
            slope = sum(np.sum(dy * y.imag) for dy, y in zip(dys, stepped, strict=True)) / 1e-30
            size = 1 + np.sum(np.abs(grad * d))
            assert abs(np.sum(grad * d) - slope) <= tolerance * size, f"input {k}"


# ── the choices at kinks and ties ────────────────────────────────────────────────────────────────
def gradients(name, *inputs, dy=None, **params):
    y = FUNCTIONS[name](*inputs, **params)
    dy = np.ones(np.shape(y)) if dy is None else dy
    return FUNCTIONS[f"{name}_backward"](dy, *inputs, **params)


def test_elementwise_kinks():
    zero, one = np.array([0.0]), np.array([1.0])
    same(gradients("maximum", one, one), [[0.5], [0.5]])
    same(gradients("minimum", one, one), [[0.5], [0.5]])
    same(gradients("abs", zero)[0], zero)
    same(gradients("relu", zero)[0], zero)
    same(gradients("clip", np.array([-1.0, 1.0, 2.0]), low=-1.0, high=1.0)[0], [1, 1, 0])
    same(FUNCTIONS["relu"](np.array([np.nan])), np.nan)

    x, w = np.array([0.0, 0.0, 0.0, -2.0, 3.0]), np.array([0.0, 1.0, 2.0, 3.0, 0.0])
    dx, dw = gradients("pow", x, w)
    same(dx, [0, 1, 0, 12, 0])
    same(dw, [0, 0, 0, np.nan, math.log(3)])


def test_extrema_share_among_ties():
    x = np.array([[3.0, 1.0, 3.0], [2.0, 2.0, 2.0]])
    for name, signed in [("max", x), ("min", -x)]:
        same(gradients(name, signed, axis=1)[0], [[0.5, 0, 0.5], [1 / 3] * 3])
        same(gradients(name, signed)[0], [[0.5, 0, 0.5], [0, 0, 0]])


def test_max_pool_gives_ties_to_the_first():
    how = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1)}
    for x in [np.zeros((1, 1, 2, 2)), np.full((1, 1, 2, 2), -INF)]:
        same(gradients("max_pool", x, **how)[0], [[[[1, 0], [0, 0]]]])
        x[0, 0, 0, 1] = np.nan
        same(FUNCTIONS["max_pool"](x, **how), [[[[np.nan]]]])


def test_rows_with_nothing_in_them():
    row, dy = np.full((1, 3), -INF), np.array([[1.0, 2.0, 3.0]])
    same(FUNCTIONS["logsumexp"](row), -INF)
    same(FUNCTIONS["logsumexp"](np.zeros((2, 0)), axis=1), [-INF, -INF])
    same(gradients("logsumexp", row)[0], 0 * dy)
    same(FUNCTIONS["softmax"](row), 0 * dy)
    same(gradients("softmax", row, dy=dy)[0], 0 * dy)
    same(FUNCTIONS["log_softmax"](row), row)
    same(gradients("log_softmax", row, dy=dy)[0], dy)
    q, k, v = qkv()
    same(FUNCTIONS["attention"](q, k, v, BLOCKED, scale=1.0)[0], np.zeros(3))
    same(gradients("attention", q, k, v, BLOCKED, None, scale=1.0)[0][0], np.zeros(2))


# ── forwards against other arithmetic ────────────────────────────────────────────────────────────
def test_erf_series_and_fraction_meet_the_library():
    erf = FUNCTIONS["erf"]
    x = np.concatenate([np.linspace(-8, 8, 1601), [1e-300, -1e-9, 2.0, np.nextafter(2.0, 3), 40.0]])
    same(erf(x), [math.erf(t) for t in x])
    close(erf(x + 0j).real, erf(x), rtol=2e-15, atol=0)
    slope = 2 / math.sqrt(math.pi) * np.exp(-x * x)
    close(erf(x + 1e-30j).imag / 1e-30, slope, rtol=1e-12)


ADJOINTS = ["windows", "getitem", "take_along_axis", "embedding", "conv"]


@pytest.mark.parametrize(("name", "inputs", "params"), [c for c in NUMBERED if c.values[0] in ADJOINTS])
def test_an_operation_and_its_adjoint_agree(name, inputs, params):
    """⟨A x, dy⟩ = ⟨x, Aᵀ dy⟩, with Aᵀ written twice: as an operation and as a backward."""
    (x, *others), (y,) = inputs, outputs(name, inputs, params)
    (dy,) = cotangents([y])
    dx, *_, dw = FUNCTIONS[f"{name}_backward"](dy, *inputs, **params) + (None,) * (len(inputs) == 1)
    if name == "windows":
        how = {key: params[key] for key in ["stride", "dilation"]}
        adjoint = FUNCTIONS["windows_adjoint"](dy, size=x.shape[2:], **how)
        reach = [r * (k - 1) + 1 for k, r in zip(params["kernel_size"], how["dilation"], strict=True)]
        views = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(2, x.ndim)))
        same(y, views[:, :, *[slice(None, None, step) for step in (*how["stride"], *how["dilation"])]])
    elif name == "getitem":
        adjoint = FUNCTIONS["getitem_adjoint"](dy, shape=x.shape, **params)
    elif name == "take_along_axis":
        same(y, np.take_along_axis(x, *others, **params))
        adjoint = FUNCTIONS["put_along_axis"](dy, *others, size=x.shape[params["axis"]], **params)
    elif name == "embedding":
        same(y, x[others[0]])
        adjoint = FUNCTIONS["embedding_adjoint"](dy, *others, size=len(x))
    else:
        adjoint = FUNCTIONS["conv_input"](dy, *others, size=x.shape[2:], **params)
        weight = FUNCTIONS["conv_weight"](x, dy, size=others[0].shape[2:], **params)
        close(weight, dw, rtol=1e-13, atol=1e-13)
    close(adjoint, dx, rtol=1e-13, atol=1e-13)
    close(np.sum(y * dy), np.sum(x * adjoint), rtol=1e-12, atol=1e-12)


# ── the same cases in PyTorch ────────────────────────────────────────────────────────────────────
# What only moves numbers is not here: its definition is one line, or the adjoint test covers it. So
# does it cover conv_input and conv_weight. An axis () means all axes in PyTorch, and it draws its own
# dropout mask.
COMPARED = [
    pytest.param(*c, id=n.id)
    for c, n in zip(CASES, NUMBERED, strict=True)
    if not FUNCTIONS[c[0]].__module__.endswith(("shape", "index"))
    and c[0] not in ("cast", "move", "dropout", "conv_input", "conv_weight")
    and c[2].get("axis") != ()
    and not (c[0] == "attention" and c[1][4] is not None)
]


def ranked(F, name):
    return lambda x, *xs, **how: getattr(F, f"{name}{x.ndim - 2}d")(x, *xs, **how)


def twin(torch, name):
    """The operation as PyTorch has it, under our parameters."""
    F, arrays = torch.nn.functional, reference_arrays.twins(torch)
    if name in arrays:
        return arrays[name]
    if FUNCTIONS[name].__module__.endswith("reduce"):
        function = getattr(torch, {"max": "amax", "min": "amin"}.get(name, name))
        return lambda x, axis=None, keepdims=False, **rest: function(
            x, dim=tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims, **rest
        )

    def attention(q, k, v, mask, keep, scale, causal=False, p=0.0):
        if causal:
            past = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
            mask = past if mask is None else mask
            mask = mask & past if mask.dtype == torch.bool else mask.masked_fill(~past, -INF)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)

    def batch_norm(x, w, b, eps=1e-5):
        axes = (0, *range(2, x.ndim))
        y = F.batch_norm(x, None, None, w, b, training=True, eps=eps)
        return y, x.mean(axes), x.var(axes, correction=0)

    def rotary(x, angles, interleaved=False):
        pairs = (x.unflatten(-1, (-1, 2)) if interleaved else x.unflatten(-1, (2, -1)).mT).contiguous()
        turned = torch.view_as_complex(pairs) * torch.polar(torch.ones_like(angles), angles)
        return (torch.view_as_real(turned) if interleaved else torch.view_as_real(turned).mT).flatten(-2)

    adapted = {
        **reference_elementwise.twins(torch),
        **reference_loss.twins(torch),
        **reference_recurrent.twins(torch),
        "attention": attention,
        "batch_norm": batch_norm,
        "rotary": rotary,
        "clip": lambda x, low=-INF, high=INF: x.clamp(low, high),
        "affine": F.linear,
        **{n: ranked(F, n) for n in ("conv", "max_pool", "avg_pool")},
        "einsum": lambda *xs, spec: torch.einsum(spec, *xs),
        "softmax": lambda x, axis=-1: x.softmax(axis),
        "log_softmax": lambda x, axis=-1: x.log_softmax(axis),
        "layer_norm": lambda x, w, b, dims=1, eps=1e-5: F.layer_norm(x, x.shape[-dims:], w, b, eps),
        "rms_norm": lambda x, w, dims=1, eps=1e-5: F.rms_norm(x, x.shape[-dims:], w, eps),
    }
    return adapted.get(name) or getattr(torch, name, None) or getattr(F, name)


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "inputs", "params"), COMPARED)
def test_forward_and_backward_agree_with_pytorch(name, inputs, params):
    torch = pytest.importorskip("torch")
    ys = outputs(name, inputs, params)
    dys = cotangents(ys)
    grads = FUNCTIONS[f"{name}_backward"](*dys, *inputs, **params)

    tensors = [None if x is None else torch.tensor(x) for x in inputs]
    wanted = [x.requires_grad_() for x in tensors if x is not None and x.is_floating_point()]
    theirs = twin(torch, name)(*tensors, **params)
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    for y, y_theirs in zip(ys, theirs, strict=True):
        close(y, y_theirs.detach(), rtol=1e-11, atol=1e-13)
    both = [(y, torch.tensor(dy)) for y, dy in zip(theirs, dys, strict=True) if y.requires_grad]
    theirs = torch.autograd.grad([y for y, _ in both], wanted, [dy for _, dy in both], materialize_grads=True)
    for g, g_theirs in zip([g for g in grads if g is not None], theirs, strict=True):
        close(g, g_theirs, rtol=1e-10, atol=1e-12)


# ── optimisers ───────────────────────────────────────────────────────────────────────────────────
SGD = {"lr": 0.1, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False}
ADAM = {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.0, "maximize": False}


def test_first_steps_by_hand():
    p, g, zero = np.array([1.0, -2.0]), np.array([3.0, -5.0]), np.zeros(2)
    close(optimize.sgd_step(p, g, zero, first=True, **SGD)[0], [0.7, -1.5])
    moved = optimize.adam_step(p, g, zero, zero, step=1, decoupled=False, **ADAM | {"eps": 0.0})[0]
    close(moved, p - 0.1 * np.sign(g), rtol=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize("how", [{}, {"weight_decay": 0.3}, {"weight_decay": 0.3, "maximize": True}])
@pytest.mark.parametrize("change", [{}, {"momentum": 0.9, "dampening": 0.4}, {"momentum": 0.9, "nesterov": True}])
@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
def test_steps_are_those_of_pytorch(kind, change, how):
    torch = pytest.importorskip("torch")
    how = (SGD | change if kind == "SGD" else ADAM) | how
    p, m, v = np.linspace(-2, 2, 5), np.zeros(5), np.zeros(5)
    theirs = torch.tensor(p, requires_grad=True)
    optimizer = getattr(torch.optim, kind)([theirs], **how)
    for step in range(1, 5):
        g = np.random.default_rng(step).standard_normal(5)
        theirs.grad = torch.tensor(g)
        optimizer.step()
        if kind == "SGD":
            p, m = optimize.sgd_step(p, g, m, first=step == 1, **how)
        else:
            p, m, v = optimize.adam_step(p, g, m, v, step=step, decoupled=kind == "AdamW", **how)
        close(p, theirs.detach(), rtol=1e-12)


# ── nothing is left out ──────────────────────────────────────────────────────────────────────────
def test_every_operation_has_a_backward_and_cases():
    names = {name for name in FUNCTIONS if not name.endswith("_backward")}
    assert set(FUNCTIONS) == names | {f"{name}_backward" for name in names}
    assert {name for name, _, _ in CASES} == names
    for name in names:  # the cotangents, then what the forward takes
        forward = list(inspect.signature(FUNCTIONS[name]).parameters.values())
        backward = list(inspect.signature(FUNCTIONS[f"{name}_backward"]).parameters.values())
        assert backward[-len(forward) :] == forward


def test_reference_files_stand_alone():
    for module in FILES:
        for node in ast.walk(ast.parse(pathlib.Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"math", "numpy"}
            assert not isinstance(node, ast.ImportFrom)
