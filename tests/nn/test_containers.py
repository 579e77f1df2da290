"""Sequential; lists and dictionaries of modules and of parameters."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from minidl import nn
from minidl.creation import randn
from minidl.errors import ArgumentError, DTypeError
from minidl.functions import equal


def names(module):
    return [name for name, _ in module.named_children()]


def row():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))


def test_sequential_calls_one_after_the_other():
    model, x = row(), randn(4, 2)
    assert equal(model(x), model[2](model[1](model[0](x))))
    assert nn.Sequential()(x) is x


def test_indexing_and_slicing():
    model = row()
    assert len(model) == 3 and list(model) == [model[0], model[1], model[2]]
    assert model[-1] is model[2] and model[0] in model and nn.ReLU() not in model
    part = model[1:]
    assert type(part) is nn.Sequential and names(part) == ["1", "2"]
    assert part[0] is model[1] and part[-1] is model[2]
    assert names(model[:0]) == []
    part.append(nn.Tanh())  # "2" is taken
    assert names(part) == ["1", "2", "3"] and isinstance(part[2], nn.Tanh)


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_out_of_range(index):
    with pytest.raises(IndexError, match="it holds 3 modules"):
        row()[index]


def test_changing_a_row():
    model = row()
    model[1] = nn.Tanh()
    assert isinstance(model[1], nn.Tanh) and names(model) == ["0", "1", "2"]
    model.insert(1, nn.Dropout())
    assert [type(m).__name__ for m in model] == ["Linear", "Dropout", "Tanh", "Linear"]
    del model[1]
    assert [type(m).__name__ for m in model] == ["Linear", "Tanh", "Linear"]
    assert names(model) == ["0", "1", "2"]
    del model[1:]
    assert len(model) == 1
    assert model.extend([nn.ReLU(), nn.ReLU()]) is model and names(model) == ["0", "1", "2"]


def test_named_rows():
    model = nn.Sequential(OrderedDict(first=nn.Linear(2, 2), then=nn.ReLU()))
    assert names(model) == ["first", "then"] and model.first is model[0]
    assert names(model[1:]) == ["then"]
    assert list(model.state_dict()) == ["first.weight", "first.bias"]
    assert names(nn.Sequential({"a": nn.ReLU()})) == ["a"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Sequential(5), DTypeError, "expected a Module"),
        (lambda: nn.Sequential(nn.ReLU), DTypeError, r"write the class with parentheses"),
        (lambda: nn.ModuleList([None]), DTypeError, "expected a Module"),
        (lambda: nn.Sequential({"a.b": nn.ReLU()}), ArgumentError, "dotted"),
        (lambda: nn.Sequential({"": nn.ReLU()}), ArgumentError, "empty"),
        (lambda: nn.Sequential({"forward": nn.ReLU()}), ArgumentError, "taken"),
    ],
)
def test_what_cannot_be_in_a_row(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_module_list():
    layers = nn.ModuleList([nn.Linear(2, 2)])
    assert layers.append(nn.ReLU()) is layers
    layers += [nn.Tanh(), nn.ReLU()]
    layers.insert(0, nn.Dropout())
    assert [type(m).__name__ for m in layers] == ["Dropout", "Linear", "ReLU", "Tanh", "ReLU"]
    assert names(layers) == ["0", "1", "2", "3", "4"]
    part = layers[1:3]
    assert type(part) is nn.ModuleList and names(part) == ["0", "1"] and part[0] is layers[1]
    assert layers[-1] is layers[4]
    with pytest.raises(NotImplementedError):
        layers(1)


def test_the_text_of_a_list_takes_equal_neighbours_together():
    layers = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh(), nn.ReLU()])
    assert repr(layers) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n  (3): ReLU()\n)"
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_arithmetic_of_rows():
    model = row()
    both = model + nn.Sequential(nn.Tanh())
    assert type(both) is nn.Sequential and names(both) == ["0", "1", "2", "3"] and both[0] is model[0]
    assert [type(m).__name__ for m in nn.Sequential(nn.ReLU(), nn.Tanh()) * 2] == ["ReLU", "Tanh"] * 2
    assert len(2 * nn.Sequential(nn.ReLU())) == 2
    model *= 2
    assert len(model) == 6 and model[3] is model[0]
    model += nn.Sequential(nn.ReLU())
    assert names(model)[-1] == "6"
    layers = nn.ModuleList([nn.ReLU()]) + [nn.Tanh()]
    assert type(layers) is nn.ModuleList and names(layers) == ["0", "1"]


def test_taking_out_of_rows():
    model = row()
    last, first = model[-1], model[0]
    assert model.pop() is last and model.pop(0) is first and names(model) == ["0"]
    layers = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    assert isinstance(layers.pop(0), nn.ReLU) and names(layers) == ["0"]
    with pytest.raises(IndexError, match="it holds 1 modules"):
        layers.pop(5)


def test_module_dict():
    held = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ReLU()})
    held.update([("c", nn.Tanh()), ("a", nn.Dropout())])
    held["d"] = nn.ReLU()
    assert list(held) == names(held) == ["a", "b", "c", "d"] and len(held) == 4
    assert isinstance(held["a"], nn.Dropout) and held.a is held["a"] and "b" in held and "x" not in held
    assert [name for name, _ in held.items()] == list(held.keys()) and list(held.values())[2] is held.c
    assert isinstance(held.pop("c"), nn.Tanh) and list(held) == ["a", "b", "d"]
    del held["a"]
    assert list(reversed(held)) == ["d", "b"] and held.popitem()[0] == "d"
    held.clear()
    assert not held and held == held and held != nn.ModuleDict()  # noqa: PLR0124 - it is what it is
    for missing in (lambda: held["x"], lambda: held.pop("x"), held.popitem):
        with pytest.raises(KeyError, match="ModuleDict"):
            missing()
    with pytest.raises(NotImplementedError):
        held(1)
    text = "ModuleDict(\n  (f): ReLU()\n)"
    assert repr(nn.ModuleDict({"f": nn.ReLU()})) == text


def test_parameter_list():
    first = nn.Parameter(np.ones(2, np.float32))
    held = nn.ParameterList([first, randn(3), np.zeros((2, 3), np.float32)])
    assert held[0] is first and type(held[1]) is nn.Parameter and held[2].requires_grad
    held.append(randn(1)).extend([randn(4)])
    held += [randn(5)]
    assert [p.shape for p in held] == [(2,), (3,), (2, 3), (1,), (4,), (5,)]
    assert type(held[1:3]) is nn.ParameterList and held[1:3][0] is held[1]
    held[0] = randn(7)
    assert [name for name, _ in held.named_parameters()] == list("012345") and held[0].shape == (7,)
    assert list(held.state_dict()) == list("012345") and held.pop().shape == (5,)
    text = "ParameterList(\n  (0): Parameter containing: [float32 of size 2x3]\n)"
    assert repr(nn.ParameterList([randn(2, 3)])) == text


def test_parameter_dict():
    held = nn.ParameterDict({"w": randn(2), "b": nn.Parameter(randn(3))})
    assert list(held) == ["w", "b"] and type(held["w"]) is nn.Parameter and held.get("x") is None
    both = held | {"c": randn(1)}
    assert list(both) == ["w", "b", "c"] and both["w"] is held["w"] and list(held.copy()) == ["w", "b"]
    held |= {"w": randn(4)}
    assert held["w"].shape == (4,) and held.setdefault("z", randn(1)) is held["z"]
    assert [name for name, _ in held.named_parameters()] == ["w", "b", "z"]
    same = nn.ParameterDict.fromkeys(["x", "y"], nn.Parameter(randn(1)))
    assert same["x"] is same["y"] and len(list(same.parameters())) == 1
    assert (
        repr(nn.ParameterDict({"w": randn(2)})) == "ParameterDict(\n  (w): Parameter containing: [float32 of size 2]\n)"
    )
