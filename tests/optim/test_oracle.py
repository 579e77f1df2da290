"""Every optimizer beside PyTorch's of the same name: parameters and state after every step, with random options."""

from __future__ import annotations

import numpy as np
import pytest

from . import Pair, pick

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.oracle, pytest.mark.usefixtures("float64_scalars")]

SHAPES = [(5, 3), (7,), (), (2, 1, 4), (1, 1), (3,), (2, 2)]


@pytest.fixture
def float64_scalars():
    """PyTorch keeps scalars of its state (NAdam's product) in the default dtype; ours are Python's."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def decay(rng):
    return pick(rng, 0.0, 0.01, 0.3)


def betas(rng):
    return pick(rng, 0.0, 0.7, 0.9), pick(rng, 0.5, 0.9, 0.99, 0.999)


def flag(rng):
    return bool(rng.integers(2))


def eps(rng):
    return float(10 ** rng.uniform(-9, -2))


def sgd(rng):
    momentum = pick(rng, 0.0, 0.5, 0.95)
    nesterov = bool(momentum) and flag(rng)
    dampening = 0.0 if nesterov else pick(rng, 0.0, 0.4)
    return {"momentum": momentum, "nesterov": nesterov, "dampening": dampening, "weight_decay": decay(rng)}


def adamw(rng):
    return {"betas": betas(rng), "eps": eps(rng), "weight_decay": decay(rng), "amsgrad": flag(rng)}


def adam(rng):
    return {**adamw(rng), "decoupled_weight_decay": flag(rng)}


def rmsprop(rng):
    return {
        "alpha": pick(rng, 0.3, 0.9, 0.99),
        "eps": eps(rng),
        "weight_decay": decay(rng),
        "momentum": pick(rng, 0.0, 0.5, 0.9),
        "centered": flag(rng),
    }


def adagrad(rng):
    return {
        "lr_decay": pick(rng, 0.0, 0.1),
        "weight_decay": decay(rng),
        "initial_accumulator_value": pick(rng, 0.0, 0.5),
        "eps": eps(rng),
    }


def adadelta(rng):
    return {"lr": pick(rng, 1.0, 0.3), "rho": pick(rng, 0.0, 0.5, 0.9), "eps": eps(rng), "weight_decay": decay(rng)}


def adamax(rng):
    return {"betas": betas(rng), "eps": eps(rng), "weight_decay": decay(rng)}


def nadam(rng):
    return {**adamax(rng), "momentum_decay": pick(rng, 0.0, 0.004, 0.5), "decoupled_weight_decay": flag(rng)}


def radam(rng):
    return {**adamax(rng), "decoupled_weight_decay": flag(rng)}


def rprop(rng):
    return {
        "etas": (pick(rng, 0.2, 0.5), pick(rng, 1.2, 2.0)),
        "step_sizes": (pick(rng, 1e-6, 0.01), pick(rng, 0.3, 50)),
    }


def asgd(rng):
    return {
        "lambd": pick(rng, 1e-4, 0.1),
        "alpha": pick(rng, 0.5, 0.75),
        "t0": pick(rng, 1e6, 0.0, 3.0),
        "weight_decay": decay(rng),
    }


def muon(rng):
    return {
        "weight_decay": decay(rng),
        "momentum": pick(rng, 0.0, 0.5, 0.95),
        "nesterov": flag(rng),
        "ns_coefficients": pick(rng, (3.4445, -4.775, 2.0315), (2.0, -1.5, 0.5)),
        "ns_steps": pick(rng, 0, 1, 5, 7),
        "eps": pick(rng, 1e-7, 10.0),
        "adjust_lr_fn": pick(rng, None, "original", "match_rms_adamw"),
    }


DRAW = {
    "SGD": sgd,
    "Adam": adam,
    "AdamW": adamw,
    "RMSprop": rmsprop,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "Adamax": adamax,
    "NAdam": nadam,
    "RAdam": radam,
    "Rprop": rprop,
    "ASGD": asgd,
    "Muon": muon,
}


@pytest.mark.parametrize("number", range(40))
@pytest.mark.parametrize("name", DRAW)
def test_steps_as_pytorch(name, number, rng, monkeypatch):
    options = {"lr": float(10 ** rng.uniform(-3, -0.5)), **DRAW[name](rng)}
    shapes = [SHAPES[i] for i in rng.integers(len(SHAPES), size=rng.integers(2, 5))]
    changes = [{"lr": options["lr"] * 3}, {"lr": 0.0}, {"weight_decay": 0.05}, {"maximize": True}]
    if name == "Muon":
        monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # PyTorch iterates in half precision
        shapes, changes = [tuple(rng.integers(1, 6, 2)) for _ in shapes], changes[:3]
    else:
        options["maximize"] = flag(rng)
    if name == "Rprop":
        del changes[2]
    pair = Pair(name, options, pick(rng, {}, *changes), [np.asarray(rng.normal(size=s)) for s in shapes], 1)
    moves = {int(rng.integers(1, 9)): pair.to_ours, int(rng.integers(1, 9)): pair.to_theirs}
    changed = rng.integers(1, 9)
    for step in range(10):
        for i, shape in enumerate(shapes):
            left_out = step and rng.random() < 0.15  # it keeps its value and its state
            pair.give(i, None if left_out else np.asarray(rng.normal(size=shape)) * 10 ** rng.uniform(-3, 1))
        pair.step()
        pair.compare()
        if step in moves:
            moves[step]()
            pair.compare()
        if step == changed:
            pair.change(**pick(rng, *changes))


def test_muon_stays_near_pytorchs_half_precision(rng):
    """PyTorch's iteration runs in bfloat16, which NumPy does not have: eight bits, so 1 % in the step."""
    pair = Pair("Muon", {"lr": 0.1}, {}, [rng.normal(size=(6, 4)), rng.normal(size=(3, 5))], 1)
    for _ in range(3):
        for i in range(2):
            pair.give(i, rng.normal(size=pair.ours[i].shape))
        pair.step()
        pair.compare(rtol=0, atol=0.01)
