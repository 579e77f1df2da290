"""A value that backward needs was changed in place: said, and not silently used.

The stamp lies on the memory, so that every tensor that shares it counts: views, detached aliases, `.T`, slices. What is
written through a NumPy array (`x.data[0] = 1`, `x.numpy()[0] = 1`) is out of reach of the stamps, for NumPy tells
nobody, and so is what comes over DLPack, which hides whose memory it is.
`detect_anomaly()` locks the arrays and makes that an error too, except through views that were made before.
"""

import numpy as np
import pytest

import minidl
from minidl import errors, ops
from minidl.functional import checkpoint
from minidl.mutation import clock


def leaf():
    return minidl.tensor([[1.0, 2.0], [3.0, 4.0]], dtype="float64", requires_grad=True)


CHANGES = {
    "method": lambda x: x.add_(1),
    "assignment": lambda x: x.__setitem__(0, 5),
    "augmented": lambda x: x.__imul__(2),
    "zero_": lambda x: x.zero_(),
    "copy_": lambda x: x.copy_(np.zeros((2, 2))),
    "random": lambda x: x.normal_(),
    "detached": lambda x: x.detach().add_(1),
    "view": lambda x: x[0].mul_(2),
    "element": lambda x: x[1, 1].fill_(0),
    "reshaped": lambda x: x.reshape(4)[2:].zero_(),
    "transposed": lambda x: x.T[0].zero_(),
    "an alias": lambda x: minidl.from_numpy(x.data).add_(1),
    "an alias of its numpy()": lambda x: minidl.from_numpy(x.detach().numpy()[1:]).add_(1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_way_to_change_an_input_is_noticed(change):
    x = leaf()
    y = (x * x).sum()
    with minidl.no_grad():
        change(x)
    message = r"mul: (x|w) \(float64 \(2, 2\)\) was changed in place.*wrong"
    with pytest.raises(errors.GraphError, match=message) as caught:
        y.backward()
    assert "clone()" in str(caught.value) and x.grad is None


SAVED = {
    "the output": (lambda x: x.exp(), lambda x, y: y.add_(1), "y "),
    "the output, through a view": (lambda x: x.exp(), lambda x, y: y[0].add_(1), "y "),
    "an expanded view": (lambda x: x[:1].expand(2, 2) * x, lambda x, y: x.add_(1), "was changed"),
    "strided windows": (
        lambda x: ops.windows(x.reshape(1, 1, 2, 2), kernel_size=(1, 1), stride=(1, 1), dilation=(1, 1)) ** 2,
        lambda x, y: x.add_(1),
        "pow: x",
    ),
    "a residual": (lambda x: ops.layer_norm(x, x[0]), lambda x, y: x[0].add_(1), "layer_norm: "),
    "one of many": (lambda x: ops.log(x) + ops.exp(x), lambda x, y: x.add_(1), "log: x"),
    "a power": (lambda x: x**2, lambda x, y: x.add_(1), "pow: x"),
}


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("mode", ["fast", "plain", "textbook"])
def test_every_kind_of_saved_value(name, mode):
    function, change, message = SAVED[name]
    x = leaf()
    with minidl.mode(mode):
        y = function(x)
        with minidl.no_grad():
            change(x, y)
        with pytest.raises(errors.GraphError, match="changed in place") as caught:
            y.sum().backward()
    if mode != "textbook":
        assert message in str(caught.value)


def test_what_is_not_needed_may_change():
    x, w = leaf(), leaf()
    for y, changed in [
        ((x + w).sum(), x),  # a sum needs neither
        ((x * w.detach()).sum(), x),  # dx needs w only
        (x.exp().sum(), x),  # dx needs the output only
        ((x.clone() * 1).sum(), x),
    ]:
        with minidl.no_grad():
            changed.add_(1)
        y.backward()


def test_a_change_before_or_after_is_fine():
    x = leaf()
    with minidl.no_grad():
        x.mul_(2)
    y = (x * x).sum()
    y.backward()
    with minidl.no_grad():
        x.sub_(x.grad, alpha=0.25)
    (x * x).sum().backward()
    assert x.grad.tolist() == [[6, 12], [18, 24]]


def test_a_change_of_another_tensor_is_fine():
    x, other = leaf(), leaf().detach()
    y = (x * x).sum()
    other.add_(1)
    minidl.tensor(x).zero_()
    x.detach().clone().zero_()
    y.backward()


def test_old_stamps_do_not_pass_on_to_new_memory():
    x = leaf()
    for _ in range(200):  # the allocator gives the same addresses again and again
        y = (x * x).sum()
        minidl.tensor(np.zeros((2, 2))).add_(1)
        y.backward()
    before = len(clock.stamps)
    for _ in range(50):
        minidl.tensor(np.zeros((2, 2))).add_(1)
    assert len(clock.stamps) <= before


def test_second_order_notices_as_well():
    x = leaf()
    y = (x * x * x).sum()
    y.backward(create_graph=True)
    g = x.grad
    with minidl.no_grad():
        x.add_(1)
    with pytest.raises(errors.GraphError, match="changed in place"):
        g.sum().backward()


def test_accumulating_into_a_gradient_that_is_needed():
    x, w = leaf(), leaf()
    (x * 2).sum().backward()
    y = (x.grad * w).sum()
    (x * 2).sum().backward()  # adds to x.grad, in place
    with pytest.raises(errors.GraphError, match="changed in place"):
        y.backward()


def test_backward_never_changes_a_gradient_graph_in_place():
    x = leaf()
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    (x * 2).sum().backward()
    assert x.grad is not first and first.tolist() == (3 * x.data**2).tolist()


@pytest.mark.parametrize("what", ["argument", "leaf", "constant"])
def test_a_checkpoint_would_compute_something_else(what):
    x, w, c = leaf(), leaf(), leaf().detach()
    y = checkpoint(lambda x: ((x + w).exp() * c).sum(), x)
    with minidl.no_grad():
        {"argument": x, "leaf": w, "constant": c}[what].add_(1)
    with pytest.raises(errors.GraphError, match=r"checkpoint: .*changed in place after the forward pass"):
        y.backward()


def test_a_checkpoint_that_writes_to_its_own_memory_is_fine():
    def function(x):
        mask = minidl.tensor(np.zeros((2, 2)))
        mask[0] = 1
        return (x * x * mask).sum()

    x = leaf()
    checkpoint(function, x).backward()
    assert x.grad.tolist() == [[2, 4], [0, 0]]


def test_numpy_writes_are_seen_in_debug_mode_only():
    x = leaf()
    y = (x * x).sum()
    x.data[...] = 100
    y.backward()  # nobody could know: the gradient is that of the new values
    assert x.grad.tolist() == [[200, 200], [200, 200]]
    with minidl.detect_anomaly():
        y = (x * x).sum()
        with pytest.raises(ValueError, match="read-only"):
            x.data[...] = 1
        with pytest.raises(errors.GraphError, match="read-only"), minidl.no_grad():
            x.add_(1)
    y.backward()
    x.data[...] = 1
