"""Schedules without a judge: closed forms, own schedules, checkpoints in files, averages of what they meet."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minidl
from minidl.errors import StateDictError
from minidl.optim import SGD, lr_scheduler
from minidl.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

from . import leaf


def optimizer(*rates, **options):
    return SGD([{"params": [leaf()], "lr": rate} for rate in rates or (1.0,)], **options)


def rates(schedule, steps):
    """The first group's rate at steps 0, 1, …"""
    found = []
    for _ in range(steps):
        found.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.step()
    return found


CLOSED = {  # what the docstrings promise: schedule, and its rate at step t from an initial rate of 1
    "StepLR": (lambda o: StepLR(o, 3, 0.5), lambda t: 0.5 ** (t // 3)),
    "MultiStepLR": (lambda o: MultiStepLR(o, [2, 5, 5], 0.5), lambda t: 0.5 ** ((t >= 2) + 2 * (t >= 5))),
    "ConstantLR": (lambda o: lr_scheduler.ConstantLR(o, 0.25, 4), lambda t: 0.25 if t < 4 else 1),
    "LinearLR": (lambda o: LinearLR(o, 0.2, 0.8, 6), lambda t: 0.2 + 0.6 * min(t, 6) / 6),
    "ExponentialLR": (lambda o: ExponentialLR(o, 0.9), lambda t: 0.9**t),
    "PolynomialLR": (lambda o: PolynomialLR(o, 8, 2.0), lambda t: (1 - min(t, 8) / 8) ** 2),
    "LambdaLR": (lambda o: LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t)),
    "CosineAnnealingLR": (
        lambda o: CosineAnnealingLR(o, 5, 0.1),
        lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * t / 5)) / 2,
    ),
    "warm restarts": (
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2),
        lambda t: (1 + math.cos(math.pi * (t / 4 if t < 4 else (t - 4) / 8))) / 2,
    ),
    "constant after warm-up": (lambda o: get_constant_schedule_with_warmup(o, 4), lambda t: min(1, t / 4)),
    "linear after warm-up": (
        lambda o: get_linear_schedule_with_warmup(o, 4, 10),
        lambda t: t / 4 if t < 4 else max(0, (10 - t) / 6),
    ),
    "cosine after warm-up": (
        lambda o: get_cosine_schedule_with_warmup(o, 4, 12),
        lambda t: t / 4 if t < 4 else (1 + math.cos(math.pi * (t - 4) / 8)) / 2,
    ),
    "no warm-up": (lambda o: get_linear_schedule_with_warmup(o, 0, 12), lambda t: 1 - t / 12),
    "one cycle": (
        lambda o: OneCycleLR(o, 1.0, 12, anneal_strategy="linear", pct_start=0.25, div_factor=4, final_div_factor=5),
        lambda t: 0.25 + 0.75 * t / 2 if t <= 2 else 1 + (0.05 - 1) * (t - 2) / 9,
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_is_its_closed_form(name):
    make, closed = CLOSED[name]
    schedule = make(optimizer(momentum=0.9))
    np.testing.assert_allclose(rates(schedule, 12), [closed(t) for t in range(12)], rtol=1e-12, atol=1e-15)


def test_warm_up_and_cosine_in_sequence_are_one_schedule():
    o = optimizer()
    parts = [LinearLR(o, 0.2, 1.0, 5), CosineAnnealingLR(o, 10)]
    found = rates(SequentialLR(o, parts, [5]), 15)
    expected = [0.2 + 0.8 * t / 5 for t in range(5)] + [(1 + math.cos(math.pi * t / 10)) / 2 for t in range(10)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_chain_multiplies():
    o = optimizer()
    chain = ChainedScheduler([ExponentialLR(o, 0.9), StepLR(o, 2, 0.5)])
    np.testing.assert_allclose(rates(chain, 6), [0.9**t * 0.5 ** (t // 2) for t in range(6)], rtol=1e-12)
    np.testing.assert_allclose(chain.get_last_lr(), [0.9**6 * 0.5**3])


def test_each_group_has_its_own_rate_and_later_changes_are_kept():
    o = optimizer(1.0, 0.1)
    schedule = ExponentialLR(o, 0.5)
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 0.05]
    o.param_groups[1]["lr"] = 8.0
    schedule.step()
    assert schedule.get_last_lr() == [0.25, 4.0]


def test_momentum_takes_the_other_way():
    o = optimizer(momentum=0.3)
    schedule = OneCycleLR(o, 1.0, total_steps=11, pct_start=0.5, base_momentum=0.8, max_momentum=0.9)
    seen = []
    for _ in range(11):
        seen.append((o.param_groups[0]["lr"], o.param_groups[0]["momentum"]))
        schedule.step()
    by_rate = [momentum for _, momentum in sorted(seen[:5])]
    assert by_rate == sorted(by_rate, reverse=True)
    assert seen[0][1] == pytest.approx(0.9)
    assert min(m for _, m in seen) == pytest.approx(0.8, abs=0.01)


def test_the_base_class_is_open_to_other_schedules():
    class Square(LRScheduler):
        def get_lr(self):
            return [base / (1 + self.last_epoch) ** 2 for base in self.base_lrs]

    schedule = Square(optimizer(3.0))
    assert rates(schedule, 3) == [3.0, 0.75, 3 / 9]
    assert set(schedule.state_dict()) == {"base_lrs", "last_epoch", "_step_count", "_is_initial", "_last_lr"}


@pytest.mark.parametrize(
    "make",
    [
        lambda o: MultiStepLR(o, [2, 4], 0.5),
        lambda o: OneCycleLR(o, 1.0, 12),
        lambda o: SequentialLR(o, [LinearLR(o), ExponentialLR(o, 0.8)], [3]),
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 3, mode="triangular2"),
        lambda o: get_cosine_schedule_with_warmup(o, 2, 12),
    ],
)
def test_goes_on_from_its_file(make, tmp_path):
    straight = make(optimizer(momentum=0.9))
    rates(straight, 4)
    minidl.save([straight.optimizer.state_dict(), straight.state_dict()], tmp_path / "both.safetensors")
    resumed = make(optimizer(momentum=0.9))
    for each, state in zip((resumed.optimizer, resumed), minidl.load(tmp_path / "both.safetensors"), strict=True):
        each.load_state_dict(state)
    assert rates(straight, 6) == rates(resumed, 6)


def test_a_rate_that_rounding_made_negative_can_be_loaded():
    o = optimizer(0.2893)
    schedule = LinearLR(o, 0.37, 0.0, 9)
    rates(schedule, 12)
    o.param_groups[0]["lr"] = -1e-18
    other = optimizer()
    other.load_state_dict(o.state_dict())
    assert other.param_groups[0]["lr"] == -1e-18


def test_the_state_of_another_schedule():
    with pytest.raises(StateDictError, match="expected the numbers of a StepLR"):
        StepLR(optimizer(), 3).load_state_dict(ExponentialLR(optimizer(), 0.5).state_dict())


def test_plateau_looks_at_tensors_and_at_groups_that_were_added():
    o = optimizer(1.0)
    schedule = ReduceLROnPlateau(o, factor=0.5, patience=0, min_lr=0.2)
    schedule.step(minidl.tensor(1.0))
    o.add_param_group({"params": [leaf()], "lr": 0.3})
    schedule.step(minidl.tensor(1.0))
    assert [group["lr"] for group in o.param_groups] == [0.5, 0.2]
    assert schedule.get_last_lr() == [0.5, 0.2]
