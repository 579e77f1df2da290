"""`detect_anomaly` names the operation that first makes a NaN or an infinity, its source line, and the layer."""

import gc
import inspect

import numpy as np
import pytest

import minidl
from minidl import errors, nn, ops
from minidl.functional import checkpoint
from minidl.mutation import Lock
from minidl.op import fused

INF = float("inf")
MODES = ["fast", "plain", "textbook", "reference"]


def leaf(*values):
    return minidl.tensor(list(values), dtype="float64", requires_grad=True)


def line_of(function, text):
    """`file:line` of the first line of a function that holds `text`."""
    lines, first = inspect.getsourcelines(function)
    return f"{inspect.getsourcefile(function)}:{first + next(i for i, line in enumerate(lines) if text in line)}: "


@pytest.mark.parametrize("mode", MODES)
def test_forward(mode):
    def model(x):
        y = x * 2
        z = y.log()  # the culprit
        return z.sum()

    with minidl.mode(mode), minidl.detect_anomaly(), pytest.raises(errors.AnomalyError) as caught:
        model(leaf(1.0, -1.0))
    message = str(caught.value)
    assert message.startswith("forward of 'log' made a NaN")
    assert f"at {line_of(model, 'culprit')}z = y.log()  # the culprit" in message
    assert isinstance(caught.value, ArithmeticError)


@pytest.mark.parametrize("mode", MODES)
def test_backward(mode):
    def model(x):
        return x.sqrt().sum()  # the culprit: 1/(2√0)

    x = leaf(1.0, 0.0)
    with minidl.mode(mode), minidl.detect_anomaly():
        y = model(x) * 3
        with pytest.raises(errors.AnomalyError) as caught:
            y.backward()
    message = str(caught.value)
    assert message.startswith("backward of 'sqrt' made an infinity in the gradient of x")
    assert f"at {line_of(model, 'culprit')}return x.sqrt().sum()" in message
    assert x.grad is None


@pytest.mark.parametrize(
    ("function", "operation", "what"),
    [
        (lambda: leaf(1.0) / 0, "div", "an infinity"),
        (lambda: leaf(1000.0).exp(), "exp", "an infinity"),
        (lambda: leaf(0.0).log(), "log", "an infinity"),
        (lambda: leaf(-1.0).sqrt(), "sqrt", "a NaN"),
        (lambda: leaf(INF) - INF, "sub", "a NaN"),
        (lambda: leaf(INF) * 0, "mul", "a NaN"),
        (lambda: leaf(1e200) * 1e200, "mul", "an infinity"),
        (lambda: leaf(2.0).detach() / 0, "div", "an infinity"),
        (lambda: leaf(1e30).to(minidl.float16), "cast", "an infinity"),
        (lambda: leaf(1.0, 2.0).var(correction=2), "var", "a NaN"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_found(function, operation, what):
    function()
    with minidl.detect_anomaly(), pytest.raises(errors.AnomalyError, match=f"^forward of '{operation}' made {what}"):
        function()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.masked_fill(minidl.tensor([True, False, True]), -INF).softmax(-1),
        lambda x: x.masked_fill(minidl.tensor([True, False, True]), -INF).logsumexp(-1),
        lambda x: x.masked_fill(minidl.tensor([True, True, True]), -INF).softmax(-1),
        lambda x: (x + np.array([0, -INF, 0])).softmax(-1),
        lambda x: (x + np.array([0, -INF, 0])).max(-1).values,
        lambda x: ops.pad(x, widths=((1, 1),), value=-INF).amax(),
        lambda x: ops.where(x > 0, x, -INF).exp(),
        lambda x: x.maximum(-INF) + x.clamp(max=INF),
        lambda x: minidl.tensor(np.array([np.nan, 1, 2])) * x.detach(),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_no_false_alarms(function, mode):
    x = leaf(1.0, 2.0, 3.0)
    with minidl.mode(mode), minidl.detect_anomaly():
        y = function(x)
        if y.requires_grad:
            y.sum().backward()
            assert np.isfinite(x.grad.data).all()


def test_a_masked_attention_row_is_no_alarm():
    q = minidl.tensor(np.ones((1, 2, 3)), requires_grad=True)
    mask = np.array([[True, False], [False, False]])
    for mode in MODES[:3]:
        with minidl.mode(mode), minidl.detect_anomaly():
            ops.attention(q, q, q, mask, scale=1.0).sum().backward()


class Block(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(3, 3)
        self.out = nn.Linear(3, 1)

    def forward(self, x):
        return self.out(self.fc(x).log())


def test_the_layer_forward():
    model = nn.Sequential(nn.Linear(3, 3), Block())
    with (
        minidl.detect_anomaly(),
        pytest.raises(errors.AnomalyError, match=r"'log'[\s\S]*in layer 1 \(Block\)") as caught,
    ):
        model(minidl.tensor(np.ones((2, 3), np.float32)) * -100)
        model(minidl.tensor(np.ones((2, 3), np.float32)) * 100)
    assert line_of(Block.forward, "log()") in str(caught.value)


def test_the_layer_backward():
    class Root(nn.Module):
        def forward(self, x):
            return x.sqrt()

    class Net(nn.Module):
        def __init__(self):
            self.blocks = nn.ModuleList([Root(), Root()])

        def forward(self, x):
            return self.blocks[1](x)

    with minidl.detect_anomaly():
        y = Net()(leaf(0.0))
        with pytest.raises(errors.AnomalyError, match=r"backward of 'sqrt'[\s\S]*in layer blocks\.1 \(Root\)"):
            y.sum().backward()


def test_a_fused_operation_of_ones_own():
    @fused
    def reciprocal(x):
        with np.errstate(divide="ignore"):
            return 1 / x, (x,)

    @reciprocal.backward
    def reciprocal_backward(dy, x):
        return (-dy / (x * x),)

    with minidl.detect_anomaly():
        with pytest.raises(errors.AnomalyError, match="forward of 'reciprocal' made an infinity"):
            reciprocal(leaf(0.0))
        y = reciprocal(leaf(1e-200))
        with pytest.raises(errors.AnomalyError, match="backward of 'reciprocal' made an infinity in the gradient of x"):
            y.sum().backward()
    with minidl.mode("textbook"), minidl.detect_anomaly(), pytest.raises(errors.AnomalyError, match="'div'"):
        reciprocal(leaf(0.0))


def test_second_order_and_checkpoints():
    x = leaf(1e-250)
    with minidl.detect_anomaly():
        x.sqrt().sum().backward(create_graph=True)  # 1/(2√x) is finite still
        g, x.grad = x.grad, None
        with pytest.raises(errors.AnomalyError, match="backward of 'sqrt' made an infinity"):
            g.sum().backward()
        with pytest.raises(errors.AnomalyError, match="forward of 'div' made an infinity") as caught:
            leaf(0.0).sqrt().sum().backward(create_graph=True)  # going back is recorded, hence a forward of its own
        assert caught.value.__notes__[0].startswith("in the backward pass of 'sqrt'")
        y = checkpoint(lambda x: x.sqrt(), leaf(0.0))
        with pytest.raises(errors.AnomalyError, match="backward of 'sqrt'"):
            y.sum().backward()


def test_errors_in_rules_name_operation_and_line():
    @fused
    def broken(x):
        return x * 1, ()

    @broken.backward
    def broken_backward(dy):
        raise KeyError("oh")

    with minidl.detect_anomaly():
        y = broken(leaf(1.0))  # here
    with pytest.raises(KeyError) as caught:
        y.sum().backward()
    (note,) = caught.value.__notes__
    assert note.startswith("in the backward pass of 'broken'\n  at ") and "# here" in note


def test_arrays_are_locked_until_backward_has_used_them():
    gc.collect()  # locks of graphs that other tests left in reference cycles (tracebacks of expected errors)
    x, constant, before = leaf(1.0, 2.0), np.ones(2), len(Lock.holders)
    with minidl.detect_anomaly():
        y = (x * constant).exp()
        for locked in (constant, y.data):
            with pytest.raises(ValueError, match="read-only"):
                locked[0] = 5
        y.sum().backward(retain_graph=True)
        assert not constant.flags.writeable
        y.sum().backward()
    assert constant.flags.writeable and y.data.flags.writeable and x.data.flags.writeable
    assert len(Lock.holders) == before


def test_what_was_read_only_stays_so():
    constant = np.ones(2)
    constant.flags.writeable = False
    with minidl.detect_anomaly():
        (leaf(1.0, 2.0) * constant).sum().backward()
    assert not constant.flags.writeable


def test_two_graphs_hold_one_array():
    x, constant = leaf(1.0, 2.0), np.ones(2)
    with minidl.detect_anomaly():
        first, second = (x * constant).sum(), (x * constant).sum()
    first.backward()
    assert not constant.flags.writeable
    second.backward()
    assert constant.flags.writeable


def test_switched_off_again():
    with minidl.detect_anomaly(), minidl.detect_anomaly(False):
        y = leaf(0.0).log()
    assert y.grad_fn.note == "" and y.grad_fn.lock is None
    assert not np.isfinite((leaf(0.0).log()).item())
