"""Every schedule beside PyTorch's of the same name: rates and momenta of thirty steps, resumed on the way."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from minidl import optim
from minidl.optim import lr_scheduler
from minidl.tensor import Parameter

from . import pick

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

STEPS = 30


def flag(rng):
    return bool(rng.integers(2))


def whole(rng, low, high):
    return int(rng.integers(low, high))


def number(rng, low, high):
    return float(rng.uniform(low, high))


def both(rng, draw):
    """One value for all groups, or one for each."""
    return draw() if flag(rng) else [draw(), draw()]


class Halving:
    """A function of the step with something to remember."""

    def __init__(self, size):
        self.size = size

    def __call__(self, t):
        return 0.5 ** (t / self.size)


# name → (rng) → (library's lr_scheduler, optimizer) → schedule
def function(rng):
    chosen = pick(rng, lambda t: 0.9**t, lambda t: 1 / (1 + t), Halving(whole(rng, 1, 9)))
    return [chosen, lambda t: 0.5 + 0.1 * t] if flag(rng) else chosen


def lambda_lr(rng):
    f = function(rng)
    return lambda lib, o, **k: lib.LambdaLR(o, f, **k)


def multiplicative(rng):
    f = function(rng)
    return lambda lib, o, **k: lib.MultiplicativeLR(o, f, **k)


def step_lr(rng):
    size, gamma = whole(rng, 1, 9), number(rng, 0.1, 1)
    return lambda lib, o, **k: lib.StepLR(o, size, gamma, **k)


def multi_step(rng):
    steps, gamma = [whole(rng, 0, 25) for _ in range(whole(rng, 0, 6))], number(rng, 0.1, 1)
    return lambda lib, o, **k: lib.MultiStepLR(o, steps, gamma, **k)


def constant(rng):
    factor, total = number(rng, 0.1, 1), whole(rng, 1, 12)
    return lambda lib, o, **k: lib.ConstantLR(o, factor, total, **k)


def linear(rng):
    start, end, total = number(rng, 0.1, 1), pick(rng, 1.0, 0.0, number(rng, 0, 1)), whole(rng, 1, 12)
    return lambda lib, o, **k: lib.LinearLR(o, start, end, total, **k)


def exponential(rng):
    gamma = number(rng, 0.5, 1)
    return lambda lib, o, **k: lib.ExponentialLR(o, gamma, **k)


def polynomial(rng):
    total, power = whole(rng, 1, 40), pick(rng, 1.0, 2.0, 0.5)
    return lambda lib, o, **k: lib.PolynomialLR(o, total, power, **k)


def cosine(rng):
    steps, low = whole(rng, 1, 20), pick(rng, 0.0, 0.01)
    return lambda lib, o, **k: lib.CosineAnnealingLR(o, steps, low, **k)


def restarts(rng):
    first, times, low = whole(rng, 1, 9), whole(rng, 1, 4), pick(rng, 0.0, 0.01)
    return lambda lib, o, **k: lib.CosineAnnealingWarmRestarts(o, first, times, low, **k)


def one_cycle(rng):
    options = {
        "max_lr": both(rng, lambda: number(rng, 0.1, 1)),
        "pct_start": number(rng, 0.1, 0.45),
        "anneal_strategy": pick(rng, "cos", "linear"),
        "cycle_momentum": flag(rng),
        "base_momentum": both(rng, lambda: number(rng, 0.5, 0.8)),
        "max_momentum": number(rng, 0.9, 0.99),
        "div_factor": number(rng, 2, 30),
        "final_div_factor": number(rng, 2, 100),
        "three_phase": flag(rng),
        **pick(rng, {"total_steps": whole(rng, STEPS, 60)}, {"epochs": 4, "steps_per_epoch": 10}),
    }
    return lambda lib, o, **k: lib.OneCycleLR(o, **options, **k)


def cyclic(rng):
    options = {
        "base_lr": both(rng, lambda: number(rng, 0.001, 0.01)),
        "max_lr": both(rng, lambda: number(rng, 0.1, 1)),
        "step_size_up": whole(rng, 1, 9),
        "step_size_down": pick(rng, None, whole(rng, 1, 9)),
        "mode": pick(rng, "triangular", "triangular2", "exp_range"),
        "gamma": number(rng, 0.8, 1),
        "scale_fn": pick(rng, None, None, lambda x: 1 / (1 + x), Halving(3)),
        "scale_mode": pick(rng, "cycle", "iterations"),
        "cycle_momentum": flag(rng),
        "base_momentum": number(rng, 0.5, 0.8),
    }
    return lambda lib, o, **k: lib.CyclicLR(o, **options, **k)


def swa(rng):
    options = {
        "swa_lr": both(rng, lambda: number(rng, 0.01, 0.1)),
        "anneal_epochs": whole(rng, 0, 12),
        "anneal_strategy": pick(rng, "cos", "linear"),
    }

    def make(lib, o, **k):
        return (optim if lib is lr_scheduler else torch.optim).swa_utils.SWALR(o, **options, **k)

    return make


PLAIN = {
    "LambdaLR": lambda_lr,
    "MultiplicativeLR": multiplicative,
    "StepLR": step_lr,
    "MultiStepLR": multi_step,
    "ConstantLR": constant,
    "LinearLR": linear,
    "ExponentialLR": exponential,
    "PolynomialLR": polynomial,
    "CosineAnnealingLR": cosine,
    "CosineAnnealingWarmRestarts": restarts,
    "OneCycleLR": one_cycle,
    "CyclicLR": cyclic,
    "SWALR": swa,
}


def some(rng, *left_out):
    """Two or three schedules that go together."""
    names = [name for name in PLAIN if name not in ("OneCycleLR", "CyclicLR", "SWALR", *left_out)]
    return [PLAIN[names[i]](rng) for i in rng.integers(len(names), size=whole(rng, 2, 4))]


def sequential(rng):
    parts = some(rng)
    stones = sorted(rng.choice(np.arange(1, 25), len(parts) - 1, replace=False).tolist())
    return lambda lib, o: lib.SequentialLR(o, [make(lib, o) for make in parts], stones)


def chained(rng):
    parts = some(rng, "LambdaLR", "CosineAnnealingWarmRestarts")  # which set the rate anew, and do not multiply
    return lambda lib, o: lib.ChainedScheduler([make(lib, o) for make in parts])


def sequential_in_a_chain(rng):
    first, second = sequential(rng), exponential(rng)
    return lambda lib, o: lib.ChainedScheduler([first(lib, o), second(lib, o)])


ALL = PLAIN | {"SequentialLR": sequential, "ChainedScheduler": chained, "chain of a sequence": sequential_in_a_chain}


def optimizer_of(library, rates, kind):
    groups = [
        {"params": [torch.zeros(1, requires_grad=True) if library is torch.optim else Parameter(np.zeros(1))], "lr": r}
        for r in rates
    ]
    return library.SGD(groups, momentum=0.7) if kind == "SGD" else library.Adam(groups, betas=(0.8, 0.99))


def compare(mine, judge, name=""):
    np.testing.assert_allclose(mine.get_last_lr(), judge.get_last_lr(), rtol=1e-12, atol=1e-16)
    assert mine.last_epoch == judge.last_epoch if hasattr(judge, "last_epoch") else True
    for a, b in zip(mine.optimizer.param_groups, judge.optimizer.param_groups, strict=True):
        for option in ("lr", "momentum", "betas"):
            if option in b:
                np.testing.assert_allclose(a[option], b[option], rtol=1e-12, atol=1e-16)


@pytest.fixture(autouse=True)
def no_warnings():
    """PyTorch warns of schedules that are stepped before their optimizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("number", range(24))
@pytest.mark.parametrize("name", ALL)
def test_rates_as_pytorchs(name, number, rng):
    make, kind = ALL[name](rng), pick(rng, "SGD", "Adam")
    rates = rng.uniform(0.05, 0.5, 2).tolist()
    judge = make(torch.optim.lr_scheduler, optimizer_of(torch.optim, rates, kind))
    mine = make(lr_scheduler, optimizer_of(optim, rates, kind))
    compare(mine, judge)
    moved, back = rng.integers(1, STEPS, 2)
    for step in range(STEPS):
        mine.step()
        judge.step()
        compare(mine, judge)
        if step in (moved, back):  # a new schedule over a new optimizer goes on from the state of either library
            source = judge if step == back else mine
            optimizer = optimizer_of(optim, rates, kind)
            mine = make(lr_scheduler, optimizer)
            optimizer.load_state_dict(source.optimizer.state_dict())
            mine.load_state_dict(source.state_dict())


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("name", [name for name in PLAIN if name != "SWALR"])
def test_last_epoch_as_pytorchs(name, number, rng):
    make, kind, rates = PLAIN[name](rng), pick(rng, "SGD", "Adam"), [0.3, 0.2]
    made = [
        make(lib, optimizer_of(library, rates, kind))
        for lib, library in ((lr_scheduler, optim), (torch.optim.lr_scheduler, torch.optim))
    ]
    for _ in range(whole(rng, 0, 12)):
        for each in made:
            each.step()
    mine, judge = (
        make(lib, each.optimizer, last_epoch=each.last_epoch)
        for lib, each in zip((lr_scheduler, torch.optim.lr_scheduler), made, strict=True)
    )
    for _ in range(10):
        compare(mine, judge)
        mine.step()
        judge.step()


@pytest.mark.parametrize("number", range(24))
def test_plateau_as_pytorch(number, rng):
    options = {
        "mode": pick(rng, "min", "max"),
        "factor": number_of(rng),
        "patience": whole(rng, 0, 4),
        "threshold": pick(rng, 1e-4, 0.1),
        "threshold_mode": pick(rng, "rel", "abs"),
        "cooldown": whole(rng, 0, 4),
        "min_lr": pick(rng, 0.0, [0.05, 0.01]),
        "eps": pick(rng, 1e-8, 0.02),
    }
    judge = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(torch.optim, [0.3, 0.2], "SGD"), **options)
    mine = lr_scheduler.ReduceLROnPlateau(optimizer_of(optim, [0.3, 0.2], "SGD"), **options)
    for step, value in enumerate(np.cumsum(rng.normal(size=STEPS)) / 3):
        mine.step(float(value))
        judge.step(float(value))
        compare(mine, judge)
        assert (mine.num_bad_epochs, mine.in_cooldown, mine.best) == (
            judge.num_bad_epochs,
            judge.in_cooldown,
            judge.best,
        )
        if step == number:
            mine.load_state_dict(judge.state_dict())


def number_of(rng):
    return float(rng.uniform(0.2, 0.9))


@pytest.mark.parametrize("number", range(8))
def test_restarts_at_parts_of_an_epoch_as_pytorch(number, rng):
    make = restarts(rng)
    judge = make(torch.optim.lr_scheduler, optimizer_of(torch.optim, [0.3, 0.2], "SGD"))
    mine = make(lr_scheduler, optimizer_of(optim, [0.3, 0.2], "SGD"))
    for epoch in np.cumsum(rng.uniform(0, 2, STEPS)).tolist():
        mine.step(epoch)
        judge.step(epoch)
        compare(mine, judge)
