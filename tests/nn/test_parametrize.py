"""Weights that are computed: always of the moment, for whoever reads them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.creation import randn
from minidl.functional import grad
from minidl.functions import allclose, equal
from minidl.nn.utils import parametrizations, parametrize

NORMS = {
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "older weight_norm": nn.utils.weight_norm,
    "older spectral_norm": nn.utils.spectral_norm,
}
each_norm = pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)


@pytest.mark.parametrize("name", ["weight_norm", "older weight_norm"])
def test_weight_norm_begins_with_the_same_weight(name):
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    assert NORMS[name](layer) is layer
    assert allclose(layer.weight, before, rtol=1e-6) and not isinstance(layer.weight, nn.Parameter)


@pytest.mark.parametrize("shape", ["Linear", "Conv2d", "wide"])
@pytest.mark.parametrize("name", ["spectral_norm", "older spectral_norm"])
def test_spectral_norm_makes_the_largest_singular_value_one(name, shape):
    layer = {"Linear": nn.Linear(4, 6), "Conv2d": nn.Conv2d(3, 5, 2), "wide": nn.Linear(9, 2)}[shape].double()
    NORMS[name](layer, n_power_iterations=300)
    layer.weight  # noqa: B018 - reading it takes the steps
    matrix = layer.eval().weight.detach().numpy().reshape(layer.weight.shape[0], -1)
    assert np.linalg.svd(matrix)[1][0] == pytest.approx(1, rel=1e-6)


def test_steps_are_taken_in_training_only():
    layer = parametrizations.spectral_norm(nn.Linear(4, 3))
    rule = layer.parametrizations.weight[0]
    layer.eval()
    before = rule._u.numpy().copy()
    layer(randn(1, 4))
    assert np.array_equal(rule._u.numpy(), before)
    layer.train()
    layer(randn(1, 4))
    assert not np.array_equal(rule._u.numpy(), before)


@each_norm
def test_two_forwards_before_a_backward(norm):
    """As a discriminator is trained: the second forward moves u and v, which the first has used."""
    layer = norm(nn.Linear(3, 2))
    (layer(randn(2, 3)).sum() - layer(randn(2, 3)).sum()).backward()
    assert all(p.grad is not None for name, p in layer.named_parameters() if "bias" not in name)


@pytest.mark.parametrize("name", ["weight_norm", "older weight_norm"])
def test_the_weight_is_of_this_moment(name):
    layer = NORMS[name](nn.Linear(3, 2))
    before = layer.weight.detach().numpy().copy()
    length = next(p for key, p in layer.named_parameters() if key.endswith(("original0", "_g")))
    with minidl.no_grad():
        length.mul_(2)
    np.testing.assert_allclose(layer.weight.detach().numpy(), 2 * before, rtol=1e-6)


@each_norm
def test_who_reads_the_weight_without_calling_the_layer_gets_it_too(norm):
    """MultiheadAttention takes the weight out of `out_proj`, which is never called."""
    attention = nn.MultiheadAttention(4, 2)
    norm(attention.out_proj)
    attention(*[randn(3, 2, 4)] * 3)[0].sum().backward()
    trained = dict(attention.out_proj.named_parameters())
    assert len(trained) >= 2 and all(p.grad is not None for p in trained.values())


@each_norm
@pytest.mark.parametrize("twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_copies_and_pickles(norm, twin):
    layer = norm(nn.Linear(3, 2)).eval()
    other = twin(layer)
    assert repr(other) == repr(layer) and isinstance(other, nn.Linear) and equal(other.weight, layer.weight)
    with minidl.no_grad():
        for p in other.parameters():
            p.mul_(3)
    assert not equal(other(randn(1, 3)), layer(randn(1, 3)))
    fresh = norm(nn.Linear(3, 2)).eval()
    fresh.load_state_dict(layer.state_dict())
    assert equal(fresh.weight, layer.weight)


def test_new_names_take_what_the_older_have_saved():
    older = nn.Sequential(nn.ReLU(), nn.utils.weight_norm(nn.Linear(3, 2)))
    newer = nn.Sequential(nn.ReLU(), parametrizations.weight_norm(nn.Linear(3, 2)))
    state = older.state_dict()
    assert repr(newer.load_state_dict(state)) == "<All keys matched successfully>"
    assert equal(newer[1].weight, older[1].weight) and set(state) == {"1.bias", "1.weight_g", "1.weight_v"}


@each_norm
def test_the_class_is_the_plain_one_again(norm):
    layer = norm(nn.Linear(3, 2))
    assert type(layer) is not nn.Linear
    removers = {
        parametrizations.weight_norm: lambda m: parametrize.remove_parametrizations(m, "weight"),
        parametrizations.spectral_norm: lambda m: parametrize.remove_parametrizations(m, "weight"),
        nn.utils.weight_norm: nn.utils.remove_weight_norm,
        nn.utils.spectral_norm: nn.utils.remove_spectral_norm,
    }
    removers[norm](layer)
    assert type(layer) is nn.Linear and list(vars(layer)) == list(dict.fromkeys(vars(layer)))
    assert set(layer.state_dict()) == {"weight", "bias"} and layer.weight.requires_grad


def test_the_original_may_be_left():
    layer = nn.Linear(3, 2)
    weight = layer.weight
    parametrizations.spectral_norm(layer)
    assert layer.parametrizations.weight.original is weight
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight is weight


def test_kinds_may_be_mixed():
    layer = nn.utils.weight_norm(parametrizations.weight_norm(nn.Linear(3, 2), "bias"))
    assert type(layer).__name__ == "ParametrizedLinear" and layer(randn(1, 3)).shape == (1, 2)
    parametrize.remove_parametrizations(layer, "bias")
    assert type(layer).__name__ == "Linear" and type(layer) is not nn.Linear and "weight_g" in layer.state_dict()
    assert type(copy.deepcopy(layer)) is type(layer) is type(nn.utils.weight_norm(nn.Linear(1, 1)))


def test_assigning_goes_to_the_originals():
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    layer.weight = randn(2, 3) + 5
    assert layer.parametrizations.weight.original1.detach().numpy().min() > 0
    assert allclose(layer.parametrizations.weight.original0.detach()[:, 0], layer.weight.detach().norm(dim=1))


def test_computed_once_in_a_block():
    layer = parametrizations.spectral_norm(nn.Linear(4, 3))
    with parametrize.cached():
        first = layer.weight
        with parametrize.cached():
            assert layer.weight is first
        (layer(randn(1, 4)) + layer(randn(1, 4))).sum().backward()
        assert layer.weight is first
    assert layer.weight is not first and layer.parametrizations.weight.original.grad is not None


def test_two_on_one_layer_come_and_go_apart():
    layer = parametrizations.weight_norm(parametrizations.weight_norm(nn.Linear(3, 2)), "bias")
    assert parametrize.is_parametrized(layer, "bias") and parametrize.is_parametrized(layer, "weight")
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer.weight, nn.Parameter)
    parametrize.remove_parametrizations(layer, "bias")
    assert type(layer) is nn.Linear and not hasattr(layer, "parametrizations")


def test_a_parametrization_that_does_not_fit_changes_nothing():
    class Flat(nn.Module):
        def forward(self, x):
            return x.reshape(-1)

    layer = nn.Linear(3, 2)
    with pytest.raises(minidl.errors.ShapeError):
        parametrize.register_parametrization(layer, "weight", Flat())
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter)


def test_second_derivatives():
    layer = parametrizations.weight_norm(nn.Linear(2, 1, bias=False).double())
    rule = layer.parametrizations.weight
    v = np.array([[3.0, 4.0]])
    g = grad(lambda v: (rule[0](minidl.tensor([[1.0]], dtype="float64"), v) ** 2)[0, 0])  # (v₀/‖v‖)²
    h = grad(lambda v: g(v)[0, 0])(v).numpy()
    step = 1e-6
    moved = [g(v + np.array([[s * step, 0.0]])).numpy()[0, 0] for s in (1, -1)]
    assert h[0, 0] == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-6)


def test_parameters_as_a_vector():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    vector = nn.utils.parameters_to_vector(model.parameters())
    assert vector.shape == (13,) and vector.requires_grad
    other = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    nn.utils.vector_to_parameters(vector, other.parameters())
    x = randn(4, 2)
    assert equal(model(x), other(x)) and other[0].weight.is_leaf
    (vector**2).sum().backward()
    assert allclose(model[0].bias.grad, 2 * model[0].bias.detach())
