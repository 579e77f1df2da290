"""Memory goes when it is no longer needed, at once and without the garbage collector; none is shared by accident."""

import gc
import itertools
import weakref

import numpy as np
import pytest

import minidl
from minidl import ops
from minidl.functional import checkpoint, grad, hessian, jvp, vjp
from minidl.graph import Node
from minidl.mutation import Lock
from minidl.op import primitive


@pytest.fixture
def no_collector():
    """Only reference counts free anything; what is left afterwards is a cycle."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def nodes():
    return sum(type(each) is Node for each in gc.get_objects())


def leaf(shape=(3, 3)):
    rng = np.random.default_rng(4)
    return minidl.tensor(rng.normal(size=shape), requires_grad=True)


def forward(x):
    a, b = ops.split(x @ x.T, (1, 2), axis=0)
    y = ops.concatenate(a * 2, b.exp(), axis=0)
    return (ops.layer_norm(y, x[0], x[1]) * y.softmax(-1) + y.max(1).values).sum()


@pytest.mark.parametrize("mode", ["fast", "plain", "textbook", "reference"])
@pytest.mark.parametrize("end", ["dropped", "backward", "retained", "create_graph", "hooks", "anomaly", "error"])
def test_a_graph_is_freed_by_reference_counts_alone(no_collector, mode, end):
    x = leaf()
    with minidl.mode(mode):
        before = nodes()
        with minidl.detect_anomaly(end == "anomaly"):
            y = forward(x)
        assert nodes() > before
        if end == "hooks":
            z = y * 2
            y.retain_grad()
            y.register_hook(lambda g: g * 2)
            z.backward()
            del z
        if end == "error":
            with pytest.raises(Exception, match="shape"):
                y.backward(np.ones(7))
        if end in ("backward", "anomaly"):
            y.backward()
        if end == "retained":
            y.backward(retain_graph=True)
        if end == "create_graph":
            y.backward(create_graph=True)
            x.grad = None  # this is part of a graph, and the graph of it: a cycle that the user may make
        del y
        assert nodes() == before


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_checkpoints_are_freed_as_well(no_collector, backward, nested):
    def function(x):
        return checkpoint(lambda x: forward(x).exp(), x) * 2 if nested else forward(x)

    x, before = leaf(), nodes()
    y = checkpoint(function, x)
    assert nodes() > before
    if backward:
        y.backward()
    del y
    assert nodes() == before


def test_derivatives_as_functions_leave_nothing_behind(no_collector):
    x, before = leaf().detach(), nodes()
    for derivative in (
        lambda: grad(forward)(x),
        lambda: grad(lambda x: (grad(forward)(x) ** 2).sum())(x),
        lambda: hessian(lambda x: (x * x).sum(), x[0]),
        lambda: jvp(lambda x: x.exp(), x, x),
        lambda: vjp(lambda x: x.exp(), x, x),
    ):
        derivative()
        assert nodes() == before


def test_backward_frees_values_as_it_goes(no_collector):
    """While the last rule runs, of all saved values and cotangents only its own are left."""
    alive, references = [], []

    @primitive
    def probe(x):
        return x + 1

    @probe.vjp("x")
    def probe_dx(dy, y):
        references.append(weakref.ref(dy))
        references.append(weakref.ref(y))
        alive.append(sum(r() is not None for r in references))
        return dy * 2

    x = leaf()
    y = x
    for _ in range(10):
        y = probe(y)
    total = y.sum()
    del y
    total.backward()
    assert max(alive) <= 4


def test_what_no_rule_asks_for_is_not_kept(no_collector):
    x = leaf()
    for function, kept in [
        (lambda t: t + 1, False),
        (lambda t: t.sum(), False),
        (lambda t: t.reshape(9), False),
        (lambda t: t.tanh(), False),
        (lambda t: t * 2, False),
        (lambda t: t * t, True),
        (lambda t: t.log(), True),
    ]:
        t = x * 1
        memory = weakref.ref(t.data)
        y = function(t)
        del t
        if not np.shares_memory(y.data, x.data) and y.data.base is None:
            assert (memory() is not None) is kept
        del y


def test_a_checkpoint_keeps_no_values_between_forward_and_backward(no_collector):
    references = []

    @primitive
    def spy(x):
        y = x * 1.5
        references.append(weakref.ref(y))
        return y

    @spy.vjp("x")
    def spy_dx(dy, y):
        return 1.5 * dy * y / y

    def function(x):
        for _ in range(5):
            x = spy(x)
        return x.sum()

    def alive():
        return sum(r() is not None for r in references)

    x = leaf()
    y = function(x)
    assert alive() == 5
    y.backward()
    references.clear()
    for anomaly in (False, True):
        with minidl.detect_anomaly(anomaly):
            y = checkpoint(function, x)
        assert (len(references), alive()) == (5, 0)
        y.backward()
        assert (len(references), alive()) == (10, 0)
        references.clear()


def test_locks_go_with_their_graph(no_collector):
    x, before = leaf(), len(Lock.holders)
    with minidl.detect_anomaly():
        view = x.detach().T
        y = (x * x).sum() + forward(x) + (x * view).sum()
        assert not x.data.flags.writeable and Lock.holders
        del y
        assert x.data.flags.writeable and view.data.flags.writeable
        forward(x).backward()
    assert x.data.flags.writeable and len(Lock.holders) == before and not Lock.waiting


CASES = {
    "a sum": lambda a, b: a + b,
    "twice the same": lambda a, b: (a + b) + (a + b),
    "views": lambda a, b: a.reshape(9).reshape(3, 3) + b.T.T,
    "expanded": lambda a, b: a.sum().expand(3, 3) + b,
    "split": lambda a, b: ops.concatenate(a, b, axis=0)[:3] + a,
    "the identity": lambda a, b: a,
    "saved as it is": lambda a, b: a * b,
    "where": lambda a, b: ops.where(np.ones((3, 3), bool), a, b) + b,
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_gradients_are_memory_of_their_own(case, create_graph):
    a, b, u = leaf(), leaf(), minidl.tensor(np.ones((3, 3)))
    y = CASES[case](a, b)
    y.retain_grad()
    y.backward(u, create_graph=create_graph)
    arrays = [t.data for t in (a, b, u)] + [t.grad.data for t in {a, b, y} if t.grad is not None]
    for one, other in itertools.combinations(arrays, 2):
        assert not np.shares_memory(one, other)
    assert all(array.flags.writeable for array in arrays)


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_of_named_inputs_are_memory_of_their_own(create_graph):
    a, b, u = leaf(), leaf(), minidl.tensor(np.ones((3, 3)))
    y = a + b
    y.backward(u, inputs=[a, b, y], create_graph=create_graph)
    for one, other in itertools.combinations([u.data, a.grad.data, b.grad.data, y.grad.data], 2):
        assert not np.shares_memory(one, other)


@pytest.mark.parametrize("case", CASES)
def test_products_are_memory_of_their_own(case):
    a, b, u = leaf().detach(), leaf().detach(), minidl.tensor(np.ones((3, 3)))
    arrays = [t.data for t in (a, b, u, *vjp(CASES[case], (a, b), u)[1])]
    for one, other in itertools.combinations(arrays, 2):
        assert not np.shares_memory(one, other)


def test_a_rule_may_keep_what_it_returns():
    constant = np.full((3, 3), 2.0)

    @primitive
    def double(x):
        return 2 * x

    @double.vjp("x")
    def double_dx(dy):
        return constant  # wrong for any dy but ones, and legal

    x = leaf()
    for _ in range(3):
        (double(x) + double(x)).backward(np.ones((3, 3)))
    assert np.all(constant == 2) and np.all(x.grad.data == 12)
