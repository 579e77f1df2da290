"""Mistakes with optimizers, schedules, clipping and averages."""

import numpy as np

import minidl
from minidl import errors, nn, optim
from minidl.optim import lr_scheduler as schedules
from minidl.optim import swa_utils
from minidl.tensor import Parameter

from . import Row

ARGUMENT, DTYPE, STATE = errors.ArgumentError, errors.DTypeError, errors.StateDictError


def made(kind=optim.SGD, **options):
    return kind([Parameter(np.zeros((3, 2), np.float32))], **options)


def option(kind, fragment, *, shape=(3, 2), **options):
    """An optimizer with an option that makes no sense."""
    name = f"{kind.__name__}: {next(iter(options))}"
    return Row(name, lambda _: kind([Parameter(np.zeros(shape))], **options), ARGUMENT, (fragment,))


def refused(name, call, *fragments, kind=ARGUMENT):
    return Row(name, lambda _: call(), kind, fragments)


def schedule(name, make, *fragments, kind=ARGUMENT):
    """A schedule over a plain optimizer with two groups."""
    params = [{"params": [Parameter(np.zeros(2))]} for _ in range(2)]
    return Row(name, lambda _: make(optim.SGD(params, momentum=0.9)), kind, fragments)


def no_closure():
    made(optim.LBFGS).step()


def state_of_another():
    made(optim.Adam).load_state_dict(made(optim.RMSprop).state_dict())


def state_of_another_schedule():
    schedules.StepLR(made(), 3).load_state_dict(schedules.ExponentialLR(made(), 0.9).state_dict())


def over_the_end():
    cycle = schedules.OneCycleLR(made(momentum=0.9), 1.0, total_steps=2)
    for _ in range(4):
        cycle.step()


OPTIONS = [
    option(optim.RMSprop, "alpha: got -0.1, expected a finite number ≥ 0", alpha=-0.1),
    option(optim.RMSprop, "momentum: got -1", momentum=-1),
    option(optim.Adagrad, "initial_accumulator_value: got -1.0", initial_accumulator_value=-1.0),
    option(optim.Adagrad, "lr_decay: got nan", lr_decay=float("nan")),
    option(optim.Adadelta, "rho: got 1.5, expected 0 ≤ ρ ≤ 1", rho=1.5),
    option(optim.Adamax, "betas: got (0.9, 1.0), expected two numbers", betas=(0.9, 1.0)),
    option(optim.NAdam, "momentum_decay: got -0.1", momentum_decay=-0.1),
    option(optim.RAdam, "eps: got '1e-8'", eps="1e-8"),
    option(optim.Rprop, "etas: got (1.5, 1.2), expected two numbers with 0 < η⁻ < 1 < η⁺", etas=(1.5, 1.2)),
    option(optim.Rprop, "step_sizes: got (1.0, 0.5), expected two numbers ≥ 0", step_sizes=(1.0, 0.5)),
    option(optim.ASGD, "lambd: got -1", lambd=-1),
    option(optim.Lion, "betas: got 0.9", betas=0.9),
    option(optim.LAMB, "weight_decay: got inf", weight_decay=float("inf")),
    option(optim.Muon, "ns_coefficients: got (1, 2), expected three numbers", ns_coefficients=(1, 2)),
    option(optim.Muon, "ns_steps: got 100, expected a whole number from 0 to 99", ns_steps=100),
    option(optim.Muon, "adjust_lr_fn: got 'adam', expected one of None, 'original'", adjust_lr_fn="adam"),
    refused(
        "Muon: a bias",
        lambda: optim.Muon(nn.Linear(2, 3).parameters()),
        "shape (3,), expected matrices",
        "AdamW",
        kind=errors.ShapeError,
    ),
    option(optim.LBFGS, "line_search_fn: got 'armijo', expected None or 'strong_wolfe'", line_search_fn="armijo"),
    option(optim.LBFGS, "history_size: got 0, expected a whole number from 1 on", history_size=0),
    refused(
        "LBFGS: groups",
        lambda: optim.LBFGS([{"params": [Parameter(np.zeros(2))]} for _ in range(2)]),
        "second group",
        "model.parameters()",
    ),
    refused("LBFGS: no closure", no_closure, "closure: got None, expected a function", "loss.backward()"),
    refused(
        "LBFGS: clip_norm",
        lambda: optim.LBFGS([{"params": [Parameter(np.zeros(2))], "clip_norm": 1.0}]),
        "clip_norm",
        "gradients as they are",
    ),
    refused(
        "clip_norm of a group",
        lambda: optim.SGD([{"params": [Parameter(np.zeros(2))], "clip_norm": -1.0}]),
        "clip_norm: got -1.0, expected a finite number ≥ 0",
    ),
    refused(
        "a whole model", lambda: optim.AdamW(nn.Linear(2, 3)), "a model (Linear)", "model.parameters()", kind=DTYPE
    ),
    refused(
        "a state of another kind",
        state_of_another,
        "group 0 lacks betas",
        "alpha=0.99",
        "kind of optimizer",
        kind=STATE,
    ),
]

CLIPPING = [
    refused("total norm", lambda: optim.get_total_norm([], 0), "get_total_norm: norm_type: got 0"),
    refused(
        "clip with norm",
        lambda: optim.clip_grads_with_norm_([], -1.0, minidl.tensor(1.0)),
        "clip_grads_with_norm_: max_norm: got -1.0",
    ),
    refused(
        "a total that is not finite",
        lambda: optim.get_total_norm([minidl.tensor([1.0, float("nan")])], error_if_nonfinite=True),
        "the norm of all tensors is nan",
        "shape (2,)",
        kind=errors.AnomalyError,
    ),
]

SCHEDULES = [
    refused(
        "a model",
        lambda: schedules.StepLR(nn.Linear(2, 2), 3),
        "StepLR: optimizer: got Linear",
        "expected an Optimizer",
        kind=DTYPE,
    ),
    schedule("step_size", lambda o: schedules.StepLR(o, 0), "step_size: got 0, expected a whole number from 1 on"),
    schedule(
        "milestones", lambda o: schedules.MultiStepLR(o, 30), "milestones: got int 30, expected a list", kind=DTYPE
    ),
    schedule("factor", lambda o: schedules.ConstantLR(o, 2.0), "ConstantLR: factor: got 2.0, expected 0 < factor ≤ 1"),
    schedule("start_factor", lambda o: schedules.LinearLR(o, 0.0), "start_factor: got 0.0, expected 0 < start_factor"),
    schedule("end_factor", lambda o: schedules.LinearLR(o, 1.0, -0.1), "end_factor: got -0.1, expected 0 ≤ end_factor"),
    schedule("T_max", lambda o: schedules.CosineAnnealingLR(o, 10.5), "T_max: got 10.5, expected a whole number"),
    schedule("T_mult", lambda o: schedules.CosineAnnealingWarmRestarts(o, 5, 0), "T_mult: got 0"),
    schedule(
        "epoch", lambda o: schedules.CosineAnnealingWarmRestarts(o, 5).step(-1), "epoch: got -1, expected a number ≥ 0"
    ),
    schedule("no function", lambda o: schedules.LambdaLR(o, 0.9), "lr_lambda: got float 0.9", "step", kind=DTYPE),
    schedule(
        "functions",
        lambda o: schedules.MultiplicativeLR(o, [abs]),
        "MultiplicativeLR: lr_lambda: got 1 values, expected 2: one for each group",
    ),
    schedule("no steps", lambda o: schedules.OneCycleLR(o, 1.0, epochs=3), "total_steps: got None", "steps_per_epoch"),
    schedule("pct_start", lambda o: schedules.OneCycleLR(o, 1.0, 10, pct_start=3.0), "pct_start: got 3.0"),
    schedule("strategy", lambda o: schedules.OneCycleLR(o, 1.0, 10, anneal_strategy="sin"), "got 'sin'", "'cos'"),
    refused("too many steps", over_the_end, "got step 3, expected at most 2", "total_steps"),
    refused(
        "no momentum",
        lambda: schedules.OneCycleLR(made(optim.Adagrad), 1.0, 10),
        "Adagrad has neither momentum nor betas",
        "cycle_momentum=False",
    ),
    schedule("mode of a cycle", lambda o: schedules.CyclicLR(o, 0.1, 1.0, mode="round"), "mode: got 'round'"),
    schedule("scale_mode", lambda o: schedules.CyclicLR(o, 0.1, 1.0, scale_mode="step"), "scale_mode: got 'step'"),
    schedule("plateau: factor", lambda o: schedules.ReduceLROnPlateau(o, factor=1.0), "factor: got 1.0", "< 1"),
    schedule("plateau: mode", lambda o: schedules.ReduceLROnPlateau(o, "lowest"), "mode: got 'lowest'", "'min'"),
    schedule(
        "plateau: threshold_mode",
        lambda o: schedules.ReduceLROnPlateau(o, threshold_mode="ratio"),
        "threshold_mode: got 'ratio'",
    ),
    schedule(
        "plateau: no value", lambda o: schedules.ReduceLROnPlateau(o).step(), "metrics: got None", "validation_loss"
    ),
    schedule("sequence: none", lambda o: schedules.SequentialLR(o, [], []), "expected a list of at least one"),
    schedule(
        "sequence: milestones",
        lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 3)], [5]),
        "milestones: got 1 for 1 schedulers, expected 0",
    ),
    schedule(
        "sequence: plateau",
        lambda o: schedules.SequentialLR(o, [schedules.ReduceLROnPlateau(o)], []),
        "schedulers[0]: a ReduceLROnPlateau waits for results",
        "on its own",
    ),
    schedule(
        "chain: another optimizer",
        lambda o: schedules.ChainedScheduler([schedules.StepLR(o, 3), schedules.StepLR(made(), 3)]),
        "schedulers[1]: a StepLR over another optimizer",
    ),
    schedule(
        "chain: no schedule",
        lambda o: schedules.ChainedScheduler([o]),
        "schedulers[0]: got SGD",
        "schedule",
        kind=DTYPE,
    ),
    schedule(
        "last_epoch", lambda o: schedules.StepLR(o, 3, last_epoch=5), "group 0 has no 'initial_lr'", "state_dict first"
    ),
    refused("a state of another schedule", state_of_another_schedule, "the numbers of a StepLR", "gamma", kind=STATE),
]

AVERAGES = [
    refused("decay", lambda: swa_utils.get_ema_avg_fn(1.5), "get_ema_avg_fn: decay: got 1.5, expected 0 ≤ decay ≤ 1"),
    refused(
        "two functions",
        lambda: swa_utils.AveragedModel(nn.Linear(2, 2), avg_fn=abs, multi_avg_fn=abs),
        "avg_fn and multi_avg_fn",
        "one of them",
    ),
    refused("no model", lambda: swa_utils.AveragedModel([]), "model: got list []", "Module", kind=DTYPE),
    refused(
        "another model",
        lambda: swa_utils.AveragedModel(nn.Linear(2, 2)).update_parameters(nn.Linear(2, 3)),
        "a Linear with other parameters",
        "made from",
        kind=errors.ShapeError,
    ),
    schedule("SWALR", lambda o: swa_utils.SWALR(o, [0.1]), "swa_lr: got 1 values, expected 2"),
    schedule("anneal_epochs", lambda o: swa_utils.SWALR(o, 0.1, -1), "anneal_epochs: got -1"),
]

ROWS = [*OPTIONS, *CLIPPING, *SCHEDULES, *AVERAGES]
