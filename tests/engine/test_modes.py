"""The four modes are four readings of one text: the same numbers, by kernels, bodies, primitives or definitions."""

import sys

import numpy as np
import pytest

import minidl
from minidl import dispatch, errors, nn, ops
from minidl.config import MODES
from minidl.functional import jacobian
from minidl.graph import topological
from minidl.kernels.reference import normalize as reference_normalize
from minidl.op import REGISTRY, Fused

has_numba = dispatch.compiled("layer_norm", "cpu") is not None
needs_numba = pytest.mark.skipif(not has_numba, reason="Numba is not installed")


@pytest.fixture
def fresh_lookups():
    """Kernels are looked up once; a test that hides them must not leave its findings behind."""
    dispatch.compiled.cache_clear()
    yield
    dispatch.compiled.cache_clear()


def network(dtype="float64"):
    minidl.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3))
    return model.to(dtype=np.dtype(dtype))


def run(mode, dtype="float64", order=1):
    model, rng = network(dtype), np.random.default_rng(2)
    x = minidl.tensor(rng.normal(size=(4, 6)).astype(dtype), requires_grad=True)
    target = minidl.tensor([0, 2, 1, 1])
    with minidl.mode(mode):
        loss = ops.cross_entropy(model(x), target)
        leaves = [x, *model.parameters()]
        loss.backward(create_graph=order > 1)
        if order > 1:
            grads = [leaf.grad for leaf in leaves]
            for leaf in leaves:
                leaf.grad = None
            sum((g * g).sum() for g in grads).backward()
    return loss, [leaf.grad.data for leaf in leaves]


def operations(tensor):
    return {node.operation for node in topological([tensor.grad_fn])}


def kernels(tensor):
    return {node.kernel.name for node in topological([tensor.grad_fn]) if node.kernel is not None}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [1, 2])
def test_a_network_computes_the_same_in_every_mode(mode, order):
    expected, gradients = run("plain", order=order)
    loss, found = run(mode, order=order)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    for g, e in zip(found, gradients, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("mode", MODES)
def test_a_network_in_float32(mode):
    expected, gradients = run("reference")
    loss, found = run(mode, "float32")
    assert loss.dtype == np.float32 and loss.item() == pytest.approx(expected.item(), rel=1e-5)
    for g, e in zip(found, gradients, strict=True):
        assert g.dtype == np.float32
        np.testing.assert_allclose(g, e, rtol=1e-3, atol=1e-5)


def test_textbook_shows_primitives_only():
    loss, _ = run("textbook")
    assert not any(isinstance(operation, Fused) for operation in operations(loss)) and not kernels(loss)
    assert {"sqrt", "mean", "mul", "matmul"} <= {operation.name for operation in operations(loss)}
    loss, _ = run("plain")
    assert any(isinstance(operation, Fused) for operation in operations(loss)) and not kernels(loss)


def test_reference_uses_the_definitions(monkeypatch):
    loss, _ = run("reference")
    assert kernels(loss) == {f"reference.{operation.name}" for operation in operations(loss)}
    calls = []
    monkeypatch.setattr(reference_normalize, "layer_norm", lambda x, *rest, **params: (calls.append(x.dtype), x)[1])
    dispatch.reference.cache_clear()
    try:
        with minidl.mode("reference"):
            y = ops.layer_norm(minidl.tensor([[1.0, 2.0]]))
    finally:
        dispatch.reference.cache_clear()
    assert calls == [np.float64] and y.dtype == np.float32 and y.tolist() == [[1, 2]]


def test_the_node_remembers_which_pair_ran():
    x = minidl.tensor([[1.0, 2.0, 4.0]], requires_grad=True)
    with minidl.mode("reference"):
        y = ops.layer_norm(x)
    with minidl.mode("plain"):
        y.backward(np.ones((1, 3)))
    assert y.grad_fn.kernel.name == "reference.layer_norm"


@needs_numba
@pytest.mark.parametrize(
    ("x", "w", "expected"),
    [
        (np.ones((2, 3)), None, "cpu.layer_norm"),
        (np.ones((2, 3), np.float32), None, "cpu.layer_norm"),
        (np.ones((2, 3)), np.ones(3), "cpu.layer_norm"),
        (np.ones((2, 3)).T.copy().T, np.ones(6)[::2], "cpu.layer_norm"),
        (np.ones((0, 3)), None, "cpu.layer_norm"),
        (np.ones((2, 3), np.float16), None, None),
        (np.ones((2, 3), ">f4"), None, None),
        (np.ones((2, 3), np.float32), np.ones(3), None),
        (np.ones((2, 3)), np.ones(3, np.float32), None),
        (np.ones((2, 3), complex), None, None),
        (np.ones((2, 3)).view(np.recarray), None, None),
    ],
)
def test_when_a_kernel_is_chosen(x, w, expected):
    kernel = dispatch.find(ops.layer_norm, [x, w, None], {"dims": 1, "eps": 1e-5}, "fast")
    assert (kernel and kernel.name) == expected
    for mode in ("plain", "textbook"):
        assert dispatch.find(ops.layer_norm, [x, w, None], {"dims": 1, "eps": 1e-5}, mode) is None


def test_numbers_and_numpys_own_array_classes_never_reach_a_kernel(monkeypatch):
    def forbidden(name, folder):
        raise AssertionError(f"{folder}.{name}")

    monkeypatch.setattr(dispatch, "compiled", forbidden)
    for first in (2.0, 2, np.float64(2), np.ones(2).view(np.matrix), np.ones(2).view(np.recarray)):
        assert dispatch.find(ops.tanh, [first], {}, "fast") is None
    with pytest.raises(AssertionError, match=r"cpu\.tanh"):
        dispatch.find(ops.tanh, [np.ones(2)], {}, "fast")


def test_a_kernel_may_refuse_a_layout(monkeypatch):
    kernel = dispatch.Kernel("cpu.tanh", lambda x: x * 0, None, accepts=lambda x: x.shape != (3,))
    monkeypatch.setattr(dispatch, "compiled", lambda name, folder: kernel if name == "tanh" else None)
    assert ops.tanh(np.ones(2)).tolist() == [0, 0] and ops.tanh(np.ones(3))[0] == np.tanh(1)
    interpreted = kernel._replace(interpreted=True)
    monkeypatch.setattr(dispatch, "compiled", lambda name, folder: interpreted)
    assert ops.tanh(np.ones(dispatch.INTERPRETED_LIMIT))[0] == 0
    assert ops.tanh(np.ones(dispatch.INTERPRETED_LIMIT + 1))[0] == np.tanh(1)


def test_without_numba_the_bodies_serve(monkeypatch, fresh_lookups):
    expected, gradients = run("plain")
    for name in list(sys.modules):
        if name.startswith("minidl.kernels.cpu."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numba", None)  # `import numba` fails
    assert dispatch.compiled("layer_norm", "cpu") is None
    loss, found = run("fast")
    assert not kernels(loss)
    assert loss.item() == expected.item()
    for g, e in zip(found, gradients, strict=True):
        assert np.array_equal(g, e)


def test_without_cupy_there_is_no_cuda_kernel(monkeypatch, fresh_lookups):
    for name in list(sys.modules):
        if name.split(".")[0] == "cupy" or name.startswith("minidl.kernels.cuda."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(errors.DeviceError, match="CuPy is not installed"):
        minidl.tensor([1.0]).cuda()


def test_every_kernel_names_an_operation():
    from minidl.kernels import cpu, cuda

    for table in (cpu.TABLE, cuda.TABLE):
        for name, page in table.items():
            assert name in REGISTRY or page == "optimize"
            assert name not in REGISTRY or REGISTRY[name].page == page


def test_modes_nest_and_go_back():
    with minidl.mode("textbook"):
        with minidl.mode("plain"):
            assert minidl.config.current.get().mode == "plain"
        assert minidl.config.current.get().mode == "textbook"

    @minidl.mode("reference")
    def inside():
        return minidl.config.current.get().mode

    assert inside() == "reference" and minidl.config.current.get().mode == "fast"
    with pytest.raises(errors.ArgumentError, match=r"mode: got 'quick', expected one of 'fast', 'plain'"):
        minidl.mode("quick")


def test_textbook_differentiates_again():
    x = np.random.default_rng(0).normal(size=4)
    with minidl.mode("textbook"):
        textbook = jacobian(lambda x: jacobian(ops.layer_norm, x), x)
    np.testing.assert_allclose(textbook.data, jacobian(lambda x: jacobian(ops.layer_norm, x), x).data, atol=1e-10)
