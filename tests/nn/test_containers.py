"""Sequential and ModuleList."""

from __future__ import annotations

from collections import OrderedDict

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
