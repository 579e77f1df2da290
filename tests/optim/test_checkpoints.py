"""State_dicts: a training goes on bit for bit, in PyTorch's structure; those that do not fit are refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minidl
from minidl import optim
from minidl.errors import StateDictError
from minidl.optim import Adam
from minidl.tensor import Parameter

from . import CONFIGURATIONS, parameters, set_gradients

each_configuration = pytest.mark.parametrize(("kind", "options"), CONFIGURATIONS)


@each_configuration
def test_a_checkpoint_goes_on_bit_for_bit(kind, options, rng, tmp_path):
    first = parameters(rng, "float32")
    gradients = [[np.asarray(rng.normal(size=p.shape)).astype("float32") for p in first] for _ in range(6)]

    def run(optimizer, params, steps):
        for step in steps:
            for p, g in zip(params, gradients[step], strict=True):
                p.grad = minidl.tensor(g)
            optimizer.step()

    straight = kind([{"params": first[:1]}, {"params": first[1:], "lr": 0.3}], **options)
    run(straight, first, range(3))
    second = [Parameter(p.data.copy()) for p in first]
    resumed = kind([{"params": second[:1]}, {"params": second[1:]}])
    saved = straight.state_dict()
    resumed.load_state_dict(saved)
    run(straight, first, range(3, 6))
    run(resumed, second, range(3, 6))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.data, b.data)
    assert resumed.param_groups[1]["lr"] == 0.3
    assert resumed.state_dict()["param_groups"] == straight.state_dict()["param_groups"]


def test_state_dict_has_pytorchs_structure(rng):
    params = parameters(rng)
    optimizer = Adam([{"params": params[:2]}, {"params": params[2:], "lr": 1.0}])
    set_gradients(params[1:], rng)
    optimizer.step()
    saved = optimizer.state_dict()
    assert [group["params"] for group in saved["param_groups"]] == [[0, 1], [2]]
    assert saved["param_groups"][1]["lr"] == 1.0
    assert saved["state"].keys() == {1, 2}
    assert list(saved["state"][1]) == ["step", "exp_avg", "exp_avg_sq"]
    assert saved["state"][1]["exp_avg"].data is optimizer.state[params[1]]["exp_avg"]


def test_loading_copies(rng):
    (p,) = parameters(rng, shapes=((3,),))
    set_gradients([p], rng)
    a, b = Adam([p]), Adam([p])
    a.step()
    b.load_state_dict(a.state_dict())
    assert not np.shares_memory(a.state[p]["exp_avg"], b.state[p]["exp_avg"])


def altered(change):
    """A good state_dict of Adam over shapes (5, 3) and (7,), spoilt."""
    rng = np.random.default_rng(0)
    params = parameters(rng, shapes=((5, 3), (7,)))
    set_gradients(params, rng)
    optimizer = Adam(params)
    optimizer.step()
    state_dict = optimizer.state_dict()
    change(state_dict)
    return state_dict


BAD_STATE_DICTS = {
    "a model's": (lambda d: d.clear(), "expected a dictionary with 'state' and 'param_groups'"),
    "groups": (lambda d: d["param_groups"].append(d["param_groups"][0]), "got 2 parameter groups, expected 1"),
    "a group of another kind": (lambda d: d.update(param_groups=[[0, 1]]), "expected dictionaries with the key"),
    "count": (lambda d: d["param_groups"][0].update(params=[0]), "group 0 has 1 parameters, expected 2"),
    "shape": (lambda d: d["state"][1].update(exp_avg=minidl.tensor([1.0])), "exp_avg of parameter 1 has shape (1,)"),
    "option missing": (lambda d: d["param_groups"][0].pop("betas"), "group 0 lacks betas; Adam has the options lr"),
    "option unknown": (lambda d: d["param_groups"][0].update(centered=True), "has centered=True"),
    "strange state": (lambda d: d["state"].update({9: {}}), "state for parameter 9, which no group lists"),
    "twice": (lambda d: d["param_groups"][0].update(params=[0, 0]), "a parameter number twice"),
}


@pytest.mark.parametrize("name", BAD_STATE_DICTS)
def test_state_dicts_that_do_not_fit(name, rng):
    change, message = BAD_STATE_DICTS[name]
    optimizer = Adam(parameters(rng, shapes=((5, 3), (7,))))
    before = repr(optimizer)
    state_dict = altered(change)
    state_dict.get("state", {}).pop(1, None) if name == "twice" else None
    with pytest.raises(StateDictError, match=re.escape(message)):
        optimizer.load_state_dict(state_dict)
    assert repr(optimizer) == before
    assert not optimizer.state


def test_switches_of_pytorch_mean_nothing_here(rng):
    optimizer = Adam(parameters(rng, shapes=((5, 3), (7,))))
    switches = {"centered": False, "foreach": True, "fused": None, "capturable": True, "differentiable": False}
    optimizer.load_state_dict(altered(lambda d: d["param_groups"][0].update(switches)))
    assert not set(switches) & set(optimizer.param_groups[0])


def test_options_that_were_not_there_yet_are_off(rng):
    optimizer = Adam(parameters(rng, shapes=((5, 3), (7,))))
    optimizer.param_groups[0]["amsgrad"] = True
    optimizer.load_state_dict(altered(lambda d: d["param_groups"][0].pop("amsgrad")))
    assert optimizer.param_groups[0]["amsgrad"] is False


def test_notes_of_schedules_come_along(rng):
    optimizer = Adam(parameters(rng, shapes=((5, 3), (7,))))
    optimizer.load_state_dict(altered(lambda d: d["param_groups"][0].update(initial_lr=0.5)))
    assert optimizer.param_groups[0]["initial_lr"] == 0.5


def test_every_optimizer_goes_on_from_its_file_bit_for_bit(rng, tmp_path):
    for kind in (optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Adamax, optim.NAdam, optim.RAdam, optim.Rprop,
                 optim.ASGD, optim.Muon, optim.Lion, optim.LAMB):  # fmt: skip
        first = parameters(rng, "float32", shapes=((5, 3), (2, 4)))
        gradients = [[rng.normal(size=p.shape).astype("float32") for p in first] for _ in range(6)]

        def run(optimizer, params, steps, gradients=gradients):
            for step in steps:
                for p, g in zip(params, gradients[step], strict=True):
                    p.grad = minidl.tensor(g)
                optimizer.step()

        straight = kind(first, lr=0.1)
        run(straight, first, range(3))
        second = [Parameter(p.data.copy()) for p in first]
        minidl.save(straight.state_dict(), tmp_path / "state.safetensors")
        resumed = kind(second)
        resumed.load_state_dict(minidl.load(tmp_path / "state.safetensors"))
        run(straight, first, range(3, 6))
        run(resumed, second, range(3, 6))
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a.data, b.data)
            assert a.dtype == "float32"
            assert all(v.dtype == "float32" for v in straight.state[a].values() if isinstance(v, np.ndarray))
