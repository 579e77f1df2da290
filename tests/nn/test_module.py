"""Module: what it finds in itself, its state, its text, and the path of a layer in errors."""

from __future__ import annotations

import copy
import pickle
import re
from collections import OrderedDict

import numpy as np
import pytest

import minidl
from minidl import config, nn
from minidl.creation import ones, randn
from minidl.errors import ArgumentError, DeviceError, DTypeError, GraphError, ShapeError, StateDictError
from minidl.functions import equal


class Block(nn.Module):
    """Parameters, buffers, children, and things that are none of these, in a mixed order."""

    def __init__(self):
        self.name = "block"
        self.fc2 = nn.Linear(3, 3)
        self.scale = nn.Parameter(np.ones(3, np.float32))
        self.plain = minidl.tensor([1.0])
        self.fc1 = nn.Linear(3, 3, bias=False)
        self.steps = nn.Buffer(np.zeros((), np.int64))
        self.cache = nn.Buffer(np.zeros(2, np.float32), persistent=False)
        self.hidden = [nn.Linear(3, 3)]

    def forward(self, x):
        return self.fc1(self.fc2(x)) * self.scale


def names(pairs):
    return [name for name, _ in pairs]


# What it finds --------------------------------------------------------------------------------------------------------


def test_attributes_are_found_by_type_in_the_order_of_assignment():
    block = Block()
    assert names(block.named_parameters()) == ["scale", "fc2.weight", "fc2.bias", "fc1.weight"]
    assert names(block.named_buffers()) == ["steps", "cache"]
    assert names(block.named_children()) == ["fc2", "fc1"]
    assert names(block.named_modules()) == ["", "fc2", "fc1"]
    assert list(block.state_dict()) == ["scale", "steps", "fc2.weight", "fc2.bias", "fc1.weight"]
    assert [p.shape for p in block.parameters()] == [(3,), (3, 3), (3,), (3, 3)]
    assert len(list(block.buffers())) == 2 and len(list(block.modules())) == 3
    assert list(block.children()) == [block.fc2, block.fc1]


def test_names_can_be_prefixed_and_kept_to_the_top():
    block = Block()
    assert names(block.named_parameters(prefix="a")) == ["a.scale", "a.fc2.weight", "a.fc2.bias", "a.fc1.weight"]
    assert names(block.named_parameters(recurse=False)) == ["scale"]
    assert names(block.named_modules(prefix="a")) == ["a", "a.fc2", "a.fc1"]
    assert next(iter(block.state_dict(prefix="a."))) == "a.scale"


def test_a_new_value_takes_the_old_place():
    block = Block()
    block.fc2 = nn.Linear(3, 3, bias=False)
    assert names(block.named_parameters()) == ["scale", "fc2.weight", "fc1.weight"]
    block.fc2 = None
    assert names(block.named_modules()) == ["", "fc1"]


def test_shared_ones_are_found_once_but_saved_under_each_name():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), Block())
    model.append(model[0])
    model[1].weight = model[0].weight
    assert names(model.named_modules()) == ["", "0", "1", "2", "2.fc2", "2.fc1"]
    assert names(model.named_children()) == ["0", "1", "2"]
    assert names(model.named_parameters())[:3] == ["0.weight", "0.bias", "1.bias"]
    assert {"0.weight", "1.weight", "3.weight", "3.bias"} <= set(model.state_dict())


def test_a_module_that_holds_itself_does_not_hang():
    block = Block()
    block.me = block
    assert names(block.named_modules()) == ["", "fc2", "fc1"]


def test_register_buffer():
    block = Block()
    block.register_buffer("mean", minidl.tensor([1.0]))
    block.register_buffer("left_out", None)
    block.register_buffer("temporary", minidl.tensor([1.0]), persistent=False)
    assert names(block.named_buffers()) == ["steps", "cache", "mean", "temporary"]
    assert "mean" in block.state_dict() and "temporary" not in block.state_dict()


def test_register_parameter_and_module():
    block, weight = Block(), nn.Parameter(np.ones(2, np.float32))
    block.register_parameter("weight", weight)
    block.register_parameter("left_out", None)
    block.register_module("fc3", nn.Linear(3, 3))
    block.add_module("nothing", None)
    assert block.weight is weight and block.left_out is None and block.nothing is None
    assert names(block.named_children()) == ["fc2", "fc1", "fc3"]
    block.register_parameter("left_out", weight)
    assert names(block.named_parameters(recurse=False)) == ["scale", "weight"]
    for name in ("", "a.b", "fc1", "forward", "name"):
        with pytest.raises(ArgumentError, match="empty, dotted or taken"):
            block.register_parameter(name, weight)


def test_shared_ones_under_every_name():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    model.extend([model[0], model[1]])
    assert names(model.named_modules(remove_duplicate=False)) == ["", "0", "1", "2", "3"]
    assert names(model.named_parameters(remove_duplicate=False)) == [
        f"{i}.{name}" for i in range(4) for name in ("weight", "bias")
    ]
    assert len(names(model.named_buffers(remove_duplicate=False))) == 2 * len(names(model.named_buffers()))
    memo = {id(model[1])}
    assert names(model.named_modules(memo)) == ["", "0"] and id(model[0]) in memo


def test_dotted_paths():
    model = nn.Sequential(OrderedDict(encoder=nn.ModuleList([Block()])))
    block = model.encoder[0]
    assert model.get_submodule("") is model
    assert model.get_submodule("encoder.0.fc1") is block.fc1
    assert model.get_parameter("encoder.0.scale") is block.scale
    assert model.get_buffer("encoder.0.steps") is block.steps


def test_a_module_at_a_path_is_replaced():
    model = nn.Sequential(OrderedDict(encoder=nn.ModuleList([Block()])))
    new = nn.Tanh()
    model.set_submodule("encoder.0.fc1", new)
    assert model.encoder[0].fc1 is new and names(model.encoder[0].named_children()) == ["fc2", "fc1"]
    with pytest.raises(ArgumentError, match=r"Sequential has no Module 'encoder\.1'"):
        model.set_submodule("encoder.1", new)
    with pytest.raises(ArgumentError, match="the module itself"):
        model.set_submodule("", new)
    with pytest.raises(DTypeError, match="expected a Module"):
        model.set_submodule("encoder", 5)


@pytest.mark.parametrize(
    ("method", "target", "known"),
    [
        ("get_submodule", "fc3", "it has fc2, fc1"),
        ("get_submodule", "fc1.weight", "it has fc2, fc1"),
        ("get_parameter", "fc1.weights", "it has scale, fc2.weight, fc2.bias, fc1.weight"),
        ("get_parameter", "steps", "it has scale"),
        ("get_buffer", "scale", "it has steps, cache"),
        ("get_submodule", "name.upper", "it has fc2, fc1"),
    ],
)
def test_dotted_paths_that_lead_nowhere(method, target, known):
    with pytest.raises(ArgumentError, match=re.escape("Block has no") + f"(?s:.*){re.escape(known)}"):
        getattr(Block(), method)(target)


# What it does ---------------------------------------------------------------------------------------------------------


def test_forward_has_to_be_written():
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no forward"):
        Empty()(1)


def test_train_and_eval_reach_every_module_and_can_be_overridden():
    seen = []

    class Frozen(nn.Module):
        def train(self, mode=True):
            seen.append(mode)
            return super().train(False)

    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm1d(3)), Frozen())
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    model.train()
    assert [m.training for m in model.modules()] == [True, True, True, True, False]
    assert seen == [False, True]
    with pytest.raises(ArgumentError, match="expected True or False"):
        model.train("yes")


def test_zero_grad():
    layer = nn.Linear(2, 2)
    layer(ones(1, 2)).sum().backward()
    gradient = layer.weight.grad
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.data is gradient.data and not gradient.numpy().any()
    layer.zero_grad()
    assert layer.weight.grad is None and layer.bias.grad is None
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad is None


def test_zero_grad_of_a_gradient_with_a_graph():
    layer = nn.Linear(2, 1)
    (layer(ones(1, 2)) ** 2).sum().backward(create_graph=True)
    assert layer.weight.grad.requires_grad
    layer.zero_grad(set_to_none=False)
    assert not layer.weight.grad.requires_grad and not layer.weight.grad.numpy().any()


def test_requires_grad_freezes():
    layer = nn.Linear(2, 2).requires_grad_(False)
    assert not layer(ones(1, 2)).requires_grad
    assert layer.requires_grad_()(ones(1, 2)).requires_grad


def test_to_converts_in_place_what_is_floating():
    block = Block()
    weight = block.fc1.weight
    block(ones(1, 3)).sum().backward()
    assert block.to(minidl.float64) is block
    assert block.fc1.weight is weight and weight.dtype == np.float64 and weight.grad.dtype == np.float64
    assert weight.requires_grad and weight.is_leaf
    assert block.steps.dtype == np.int64 and block.cache.dtype == np.float64
    assert block(ones(1, 3, dtype=minidl.float64)).dtype == np.float64
    assert block.half().scale.dtype == np.float16
    assert block.double().scale.dtype == np.float64
    assert block.float().scale.dtype == np.float32
    assert block.to("cpu", np.float64).scale.dtype == np.float64
    assert block.to(dtype="float32").cpu().scale.dtype == np.float32
    assert block.to(ones(1, dtype=np.float64)).scale.dtype == np.float64
    assert block.to("cpu").scale.dtype == np.float64


def test_to_keeps_shared_parameters_shared():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    model.double()
    assert model[1].weight is model[0].weight
    assert model[0].weight.dtype == np.float64


def test_to_refuses_integers_and_unknown_devices():
    with pytest.raises(DTypeError, match="expected a floating one"):
        Block().to(minidl.int64)
    with pytest.raises(DeviceError, match="tpu"):
        Block().to("tpu")


def test_apply_goes_from_the_inside_out():
    seen = []
    model = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Tanh())
    assert model.apply(lambda m: seen.append(type(m).__name__)) is model
    assert seen == ["ReLU", "Sequential", "Tanh", "Sequential"]


def test_copies_and_pickles_are_independent():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    x = randn(4, 2)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.load_state_dict(model.state_dict())
        assert equal(twin(x), model.eval()(x) if not twin.training else model(x))
        assert type(twin[0].weight) is nn.Parameter and twin[0].weight.requires_grad
        with minidl.no_grad():
            twin[0].weight.fill_(0)
        assert model[0].weight.detach().numpy().any()


# Its state ------------------------------------------------------------------------------------------------------------


def test_the_state_shares_memory_and_has_no_graph():
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    assert state["weight"].data is layer.weight.data
    assert not state["weight"].requires_grad
    state["bias"].fill_(7)
    assert (layer.bias.detach().numpy() == 7).all()


def test_round_trip():
    make = lambda: nn.Sequential(Block(), nn.BatchNorm1d(3), nn.Embedding(2, 2))  # noqa: E731
    a, b = make(), make()
    a[1](randn(5, 3))
    weight = b[0].fc1.weight
    memory = weight.data
    result = b.load_state_dict(a.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert b[0].fc1.weight is weight and weight.data is memory
    for name, value in a.state_dict().items():
        np.testing.assert_array_equal(b.state_dict()[name].numpy(), value.numpy())
    assert b[1].num_batches_tracked.item() == 1


def test_arrays_load_and_are_converted():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": np.array([3])})
    assert layer.weight.dtype == np.float32
    assert layer(minidl.tensor([1.0, 1.0])).item() == 6
    layer.load_state_dict({"weight": [[0.0, 0.0]], "bias": [1.0]})
    assert layer(minidl.tensor([1.0, 1.0])).item() == 1


def test_loading_marks_the_memory_as_changed():
    layer = nn.Linear(2, 2)
    y = layer(ones(1, 2).requires_grad_())
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(GraphError, match="changed in place"):
        y.sum().backward()


def test_the_state_itself():
    layer = nn.BatchNorm1d(2)
    state = layer.state_dict(keep_vars=True)
    assert state["weight"] is layer.weight and state["running_mean"] is layer.running_mean


def test_assigning_takes_the_values_memory_and_dtype():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[0].bias.requires_grad_(False)
    old = model[0].weight
    state = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).double().state_dict()
    assert repr(model.load_state_dict(state, assign=True)) == "<All keys matched successfully>"
    assert model[0].weight is not old and model[0].weight.data is state["0.weight"].data
    assert model[0].weight.dtype == np.float64 and model[0].weight.requires_grad and not model[0].bias.requires_grad
    assert type(model[1].running_var) is nn.Buffer and type(model[0].bias) is nn.Parameter
    assert list(model.state_dict()) == list(state)
    result = model.load_state_dict({"0.bias": [1.0, 2.0]}, strict=False, assign=True)
    assert len(result.missing_keys) == 5 and model[0].bias.tolist() == [1, 2]  # a count of batches may be missing
    with pytest.raises(StateDictError, match="wrong shape"):
        model.load_state_dict({"0.bias": [1.0]}, strict=False, assign=True)


def test_a_module_may_adapt_what_was_saved():
    class Renamed(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(np.zeros(2, np.float32))

        def adapt_state(self, state, prefix):
            if prefix + "gamma" in state:
                state[prefix + "weight"] = state.pop(prefix + "gamma")

    state = {"1.gamma": np.ones(2)}
    model = nn.Sequential(nn.ReLU(), Renamed())
    model.load_state_dict(state)
    assert model[1].weight.tolist() == [1, 1] and list(state) == ["1.gamma"]
    Renamed().load_state_dict({"gamma": np.ones(2)})


def test_strict_errors_list_everything_and_copy_nothing():
    model = nn.Sequential(OrderedDict(fc1=nn.Linear(2, 3), norm=nn.LayerNorm(3)))
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    state = {"fc1.weight": np.zeros((3, 4)), "fc1.bais": np.zeros(3), "norm.weight": np.zeros(3), "extra": np.zeros(5)}
    with pytest.raises(StateDictError) as caught:
        model.load_state_dict(state)
    text = str(caught.value)
    assert "does not fit Sequential" in text
    assert "wrong shape (1):\n    'fc1.weight': got (3, 4), expected (3, 2)" in text
    assert "missing (2):\n    'fc1.bias' (3,), nearest: 'fc1.bais'\n    'norm.bias' (3,)" in text
    assert "unexpected (2):\n    'fc1.bais' (3,), nearest: 'fc1.bias'\n    'extra' (5,)" in text
    assert "fix: make the module with the sizes of the saved one" in text
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert issubclass(StateDictError, RuntimeError)  # what PyTorch raises


def test_without_strict_only_shapes_must_fit():
    layer = nn.Linear(2, 1)
    result = layer.load_state_dict({"bias": [5.0], "other": [1.0]}, strict=False)
    assert result.missing_keys == ["weight"] and result.unexpected_keys == ["other"]
    assert repr(result) == "IncompatibleKeys(missing_keys=['weight'], unexpected_keys=['other'])"
    assert layer.bias.item() == 5
    with pytest.raises(StateDictError, match="wrong shape") as caught:
        layer.load_state_dict({"bias": [5.0, 1.0]}, strict=False)
    assert "missing" not in str(caught.value)
    with pytest.raises(StateDictError, match="pass strict=False"):
        layer.load_state_dict({"bias": [5.0]})


def test_a_prefix_is_recognised():
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    wrapped = {f"module.{name}": value for name, value in model.state_dict().items()}
    with pytest.raises(StateDictError, match=r"fix: remove the prefix 'module\.' from every name"):
        model.load_state_dict(wrapped)
    outer = nn.Sequential(OrderedDict(backbone=model))
    with pytest.raises(StateDictError, match=r"fix: put the prefix 'backbone\.' before every name"):
        outer.load_state_dict(model.state_dict())


def test_only_the_first_names_are_compared():
    model = nn.ModuleList([nn.Linear(1, 1) for _ in range(40)])
    with pytest.raises(StateDictError) as caught:
        model.load_state_dict({f"x{name}": value for name, value in model.state_dict().items() if name != "0.weight"})
    text = str(caught.value)
    assert "missing (80)" in text and "unexpected (79)" in text
    assert text.count("nearest") == 20


def test_values_that_are_no_arrays():
    layer = nn.Linear(2, 1)
    with pytest.raises(DTypeError, match="'weight': got None"):
        layer.load_state_dict({"weight": None, "bias": [1.0]})
    with pytest.raises(DTypeError, match="expected names with tensors"):
        layer.load_state_dict([("weight", 1)])


def test_a_module_without_state():
    assert repr(nn.ReLU().load_state_dict({})) == "<All keys matched successfully>"
    with pytest.raises(StateDictError, match="unexpected"):
        nn.ReLU().load_state_dict({"weight": [1.0]})


def test_batch_counts_may_be_missing():
    state = nn.BatchNorm1d(2).state_dict()
    del state["num_batches_tracked"]
    assert repr(nn.Sequential(nn.BatchNorm1d(2))[0].load_state_dict(state)) == "<All keys matched successfully>"


# Its text -------------------------------------------------------------------------------------------------------------


def test_text():
    class Named(nn.Module):
        def __init__(self):
            self.inner = nn.Sequential(nn.Linear(1, 2), nn.ReLU())

        def extra_repr(self):
            return "a=1"

    expected = """Named(
  a=1
  (inner): Sequential(
    (0): Linear(in_features=1, out_features=2, bias=True)
    (1): ReLU()
  )
)"""
    assert repr(Named()) == expected


# The path of a layer in errors ----------------------------------------------------------------------------------------


def test_errors_name_the_layer():
    model = nn.Sequential(OrderedDict(encoder=nn.ModuleList([Block()]), head=nn.Linear(3, 1)))
    model.forward = lambda x: model.head(model.encoder[0](x))
    with pytest.raises(ShapeError) as caught:
        model(ones(2, 5))
    assert caught.value.layer == "encoder.0.fc2 (Linear)"
    assert "\n  layer: encoder.0.fc2 (Linear)" in str(caught.value)
    model.encoder[0].fc1 = nn.Linear(7, 3)
    with pytest.raises(ShapeError) as caught:
        model(ones(2, 3))
    assert caught.value.layer == "encoder.0.fc1 (Linear)"


def test_a_layer_alone_and_one_that_is_not_found():
    with pytest.raises(ShapeError) as caught:
        nn.Linear(2, 2)(ones(3))
    assert caught.value.layer == "Linear"

    class Hidden(Block):
        def forward(self, x):
            return self.hidden[0](x)

    with pytest.raises(ShapeError) as caught:
        Hidden()(ones(5))
    assert caught.value.layer == "Linear"  # in a list, so it has no path


def test_the_path_ends_with_the_call():
    layer = nn.Linear(2, 2)
    with pytest.raises(ShapeError):
        layer(ones(3))
    layer(ones(2))
    assert config.layers.get() == ()
    with pytest.raises(ShapeError) as caught:
        ones(2) @ ones(3)
    assert caught.value.layer == ""
