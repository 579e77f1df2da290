"""What every schedule shares: it counts, and writes the learning rates into the optimizer's groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import Any

from minidl.errors import ArgumentError, DTypeError, StateDictError, describe
from minidl.optim.optimizer import Optimizer
from minidl.optim.options import Group, is_number

HOLLOW = {"_get_lr_called_within_step"}  # what PyTorch's state_dicts have besides: whether a warning is due


class LRScheduler:
    """The base of all schedules; write one by defining `get_lr`.

    Made, it sets the learning rates of the first step. After each `optimizer.step()`, or once an epoch, whichever the
    schedule is meant for, `step()` sets those of the next.

    Args:
        optimizer: whose groups' "lr" is set. The rates that it has now are noted as "initial_lr" in its groups.
        last_epoch: how many steps were taken before, less one; −1: none. From 0 on, the groups must hold "initial_lr",
            as an optimizer's state_dict does.
    Attributes:
        last_epoch: the number t of the present step, from 0 on.
        base_lrs: the initial rate of each group.
    Raises:
        DTypeError: no optimizer. ArgumentError: no "initial_lr" to go on from.
    """

    hidden: tuple[str, ...] = ("optimizer",)  # what a state_dict leaves out

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = check_optimizer(type(self).__name__, optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"{type(self).__name__}: last_epoch: got {last_epoch}, but group {i} has no 'initial_lr'",
                    fix="load the optimizer's state_dict first, or leave last_epoch out",
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._begin()

    def _begin(self) -> None:
        self._step_count = 0
        self._is_initial = True  # the rates are there already; some schedules have only to leave them
        self.step()
        self._is_initial = False

    # What a schedule defines ------------------------------------------------------------------------------------------

    def get_lr(self) -> list[float]:
        """The rates of step `last_epoch`, one for each group. For those in force ask `get_last_lr`."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr(); write one")

    def _restart_lr(self) -> list[float]:
        """The rates of step 0, when the schedule follows on another; `get_lr` may build on the rates before it."""
        return self.get_lr()

    # The call of a training loop --------------------------------------------------------------------------------------

    def step(self) -> None:
        """Go on to the next step, and set its rates."""
        self._step_count += 1
        self.last_epoch += 1
        self._set(self.get_lr())

    def restart(self) -> None:
        """Begin at step 0, now: for `SequentialLR`."""
        self.last_epoch = 0
        self._set(self._restart_lr())

    def get_last_lr(self) -> list[float]:
        """The rates in force, one for each group."""
        return self._last_lr

    def _set(self, rates: Iterable[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._note()

    def _note(self) -> None:
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    # Checkpoints ------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All numbers of the schedule; not the optimizer, and no functions. PyTorch's names."""
        return {name: value for name, value in vars(self).items() if name not in self.hidden}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state_dict of this class, or of PyTorch's of the same name.

        The rates themselves come with the optimizer's state_dict.

        Raises:
            StateDictError: it is another schedule's.
        """
        own = set(self.state_dict())
        if not isinstance(state_dict, Mapping) or set(state_dict) - HOLLOW != own:
            given = sorted(map(str, state_dict)) if isinstance(state_dict, Mapping) else describe(state_dict)
            raise StateDictError(
                f"load_state_dict: got {given}, expected the numbers of a {type(self).__name__}: {sorted(own)}",
                fix="load it into the kind of schedule that it was saved from",
            )
        self._load({name: value for name, value in state_dict.items() if name in own})

    def _load(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def check_optimizer(name: str, optimizer: Any) -> Any:
    """The optimizer; raises DTypeError for anything else."""
    if not isinstance(optimizer, Optimizer):
        raise DTypeError(
            f"{name}: optimizer: got {describe(optimizer)}, expected an Optimizer", fix="pass the optimizer first"
        )
    return optimizer


def check_factor(name: str, argument: str, value: Any, *, zero: bool = False) -> None:
    """Raise ArgumentError where an argument is no number above 0 (or, with `zero`, from 0 on) and up to 1."""
    if not is_number(value) or not (0 < value <= 1 or (zero and value == 0)):
        raise ArgumentError(f"{name}: {argument}: got {value!r}, expected {'0 ≤' if zero else '0 <'} {argument} ≤ 1")


def check_whole(name: str, argument: str, value: Any) -> None:
    """Raise ArgumentError where an argument is no whole number from 1 on."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{name}: {argument}: got {value!r}, expected a whole number from 1 on")


def per_group(name: str, argument: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each group: a list as it is, anything else for all of them.

    Raises:
        ArgumentError: a list of another length.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * groups
    if len(value) != groups:
        raise ArgumentError(f"{name}: {argument}: got {len(value)} values, expected {groups}: one for each group")
    return list(value)


def state_of(function: Any) -> dict[str, Any] | None:
    """What a state_dict holds of a function: the attributes of an object with a call, nothing of a plain one."""
    return None if function is None or isinstance(function, FunctionType) else dict(vars(function))


class Cycled:
    """Momentum that goes down while the rate goes up: what `OneCycleLR` and `CyclicLR` share."""

    def start_momentum(self, name: str, optimizer: Optimizer, low: Any, high: Any, fresh: bool) -> None:
        """Find out what it is called, and note its bounds in the groups; a `fresh` schedule begins with the higher."""
        if not {"momentum", "betas"} & set(optimizer.defaults):
            raise ArgumentError(
                f"{name}: cycle_momentum: {type(optimizer).__name__} has neither momentum nor betas",
                fix="cycle_momentum=False",
            )
        self.use_beta1 = "betas" in optimizer.defaults
        highs = per_group(name, "max_momentum", high, optimizer)
        lows = per_group(name, "base_momentum", low, optimizer)
        if fresh:
            for group, least, most in zip(optimizer.param_groups, lows, highs, strict=True):
                self.set_momentum(group, most)
                group["max_momentum"], group["base_momentum"] = most, least

    def set_momentum(self, group: Group, value: float) -> None:
        """Momentum, or the first of two betas."""
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value
