"""What every optimizer shares: groups of parameters, their state, and the walk over both.

An optimizer is told nothing of the loss. After `backward()` each parameter holds its gradient, and `step()` replaces
θ by θ + Δ(gradient, state), in place. The formula for Δ is all that a subclass adds: see `sgd.py` and `adam.py`, and
then the other pages, of which each is one formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from minidl.array import is_array, xp
from minidl.config import current, enable_grad
from minidl.dispatch import INTERPRETED_LIMIT, compiled
from minidl.errors import ArgumentError, DTypeError, ShapeError, StateDictError, describe
from minidl.mutation import clock
from minidl.tensor import Tensor

from .clip import clip_grad_norm_
from .options import NOTES, SWITCHES, Group, check_options, check_parameter


class Optimizer:
    """The base of all optimizers; write one by naming its options and defining `update`.

    Args:
        params: the tensors to optimize: an iterable of leaves that require a gradient, such as `model.parameters()`;
            or of groups, dictionaries with the key "params" and options that differ from `defaults`.
        defaults: the options and their values, for every group that does not give its own.
    A group may also have a "clip_norm": its gradients are then scaled before each step, so that their common norm is
    at most this; other groups have bounds of their own, or none.
    Attributes:
        param_groups: the groups; change an option (`group["lr"] *= 0.1`) and the next step uses it.
        state: parameter → what the optimizer remembers of it (its momentum, for one).
    Raises:
        ArgumentError: no parameters, one of them twice, an option that is unknown or makes no sense.
        DTypeError: something that is not a Tensor. GraphError: a tensor that is not a leaf.
    """

    slots: ClassVar[tuple[str, ...]] = ()  # state of the parameter's shape; what `load_state_dict` checks

    def __init__(self, params: Any, defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        if callable(getattr(params, "parameters", None)):
            raise DTypeError(
                f"optimizer: params: got a model ({type(params).__name__}), expected its tensors",
                fix="pass model.parameters()",
            )
        if isinstance(params, Tensor):
            raise DTypeError(
                "optimizer: params: got a single Tensor, expected an iterable of them", fix="write [tensor]"
            )
        if not isinstance(params, Iterable) or isinstance(params, str | Mapping):
            raise DTypeError(
                f"optimizer: params: got {describe(params)}, expected tensors", fix="pass model.parameters()"
            )
        entries = list(params)
        if not entries:
            raise ArgumentError(
                "optimizer: params: got an empty list, expected at least one parameter",
                fix="pass model.parameters(), as a fresh iterator, of a model that has parameters",
            )
        grouped = any(isinstance(entry, Mapping) for entry in entries)
        for group in entries if grouped else [{"params": entries}]:
            self.add_param_group(group)

    # What a subclass defines ------------------------------------------------------------------------------------------

    def check(self, group: Group) -> None:
        """Raise ArgumentError where a group's options make no sense."""

    def update(self, p: Any, g: Any, state: dict[str, Any], group: Group) -> None:
        """Change the array `p` in place, given its gradient; `state` starts as an empty dictionary."""
        raise NotImplementedError

    # The two calls of a training loop ---------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, which `backward()` would otherwise add to.

        Args:
            set_to_none: drop the arrays; else fill them with zeros, in place.
        """
        for p in self._parameters():
            if set_to_none or p.grad is None:
                p.grad = None
            else:
                p.grad = p.grad.detach()
                p.grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients anew; called first, with recording on.
        Returns:
            What the closure returned, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with np.errstate(all="ignore"):  # NaN and infinities pass on quietly, as they do in backward
            for group in self.param_groups:
                if group.get("clip_norm") is not None:
                    clip_grad_norm_(group["params"], group["clip_norm"])
                for p in group["params"]:
                    if p.grad is not None:
                        self.update(p.data, gradient_of(p), self.state.setdefault(p, {}), group)
                        clock.touch(p.data)  # a graph that saved the old values must not use the new ones
        return loss

    # Groups -----------------------------------------------------------------------------------------------------------

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Optimize more parameters, with options of their own where `group` gives any.

        Args:
            group: "params" (a tensor, or an iterable of them), and options by name; also "clip_norm".
        """
        if not isinstance(group, Mapping) or "params" not in group:
            raise DTypeError(f"param_groups: got {describe(group)}, expected a dictionary with the key 'params'")
        unknown = [name for name in group if name not in {"params", *self.defaults, *NOTES}]
        if unknown:
            raise ArgumentError(
                f"param_groups: {type(self).__name__} has no option {', '.join(map(repr, unknown))}",
                fix=f"its options are {', '.join(self.defaults)}",
            )
        given = group["params"]
        params = [given] if isinstance(given, Tensor) else list(given)
        seen = {id(p) for p in self._parameters()}
        for i, p in enumerate(params):
            check_parameter(i, p)
            if id(p) in seen:
                raise ArgumentError(
                    f"optimizer: params[{i}], of shape {p.shape}, was given before; it would be updated twice a step",
                    fix="list each parameter once; parameters() of a module does so for shared ones",
                )
            seen.add(id(p))
        complete = {**self.defaults, **group, "params": params}
        self._check(complete)
        self.param_groups.append(complete)

    def _check(self, group: Group) -> None:
        if group.get("clip_norm") is not None:
            check_options(group, at_least_zero=("clip_norm",))
        self.check(group)

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    # Checkpoints ------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """State and options, in PyTorch's structure: parameters are named by their number over all groups.

        Returns:
            {"state": {number: {name: value}}, "param_groups": [{option: value, "params": [numbers]}]}; the tensors
            in it are the optimizer's own memory, not copies. `minidl.save` writes it to a file.
        """
        numbers = {id(p): i for i, p in enumerate(self._parameters())}
        return {
            "state": {
                numbers[id(p)]: {name: _with_tensors(value) for name, value in state.items()}
                for p, state in self.state.items()
            },
            "param_groups": [
                {**group, "params": [numbers[id(p)] for p in group["params"]]} for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state_dict: of this class (or PyTorch's of the same name), over the same parameters in order.

        Copies what it takes over, in the dtype and on the device of each parameter. Nothing changes if it fails.

        Raises:
            StateDictError: other groups, other numbers of parameters, other shapes, options missing or unknown.
        """
        groups, states = _parts(state_dict)
        if len(groups) != len(self.param_groups):
            raise StateDictError(
                f"load_state_dict: got {len(groups)} parameter groups, expected {len(self.param_groups)}",
                fix="make the optimizer with the same groups as when it was saved",
            )
        numbers: list[Any] = []
        merged = []
        for i, (mine, theirs) in enumerate(zip(self.param_groups, groups, strict=True)):
            merged.append(self._merge(i, mine, theirs))
            numbers += theirs["params"]
        params = dict(zip(numbers, self._parameters(), strict=True))
        strange = [n for n in states if n not in params]
        if strange or len(params) != len(numbers):
            what = (
                f"state for parameter {strange[0]!r}, which no group lists" if strange else "a parameter number twice"
            )
            raise StateDictError(f"load_state_dict: got {what}")
        state = {params[n]: self._adopt(n, params[n], values) for n, values in states.items()}
        self.param_groups, self.state = merged, state

    def _merge(self, i: int, mine: Group, theirs: Mapping[str, Any]) -> Group:
        """Their options over my parameters."""
        if len(theirs["params"]) != len(mine["params"]):
            raise StateDictError(
                f"load_state_dict: group {i} has {len(theirs['params'])} parameters, expected {len(mine['params'])}",
                fix="load it into an optimizer over the same model",
            )
        # Younger options, which are off by default, may be missing; unknown ones are harmless while they are off.
        missing = [name for name, value in self.defaults.items() if name not in theirs and value not in (None, False)]
        known = {*mine, *NOTES, *SWITCHES}
        unknown = [name for name, value in theirs.items() if name not in known and value not in (None, False)]
        if missing or unknown:
            complaints = [f"lacks {', '.join(missing)}"] * bool(missing)
            complaints += [f"has {', '.join(f'{name}={theirs[name]!r}' for name in unknown)}"] * bool(unknown)
            raise StateDictError(
                f"load_state_dict: group {i} {' and '.join(complaints)}; {type(self).__name__} has the options "
                f"{', '.join(self.defaults)}",
                fix="load it into the kind of optimizer that it was saved from",
            )
        group = {name: theirs.get(name, self.defaults.get(name, value)) for name, value in mine.items()}
        group |= {name: value for name, value in theirs.items() if name in NOTES}
        group["params"] = mine["params"]
        # Not what a schedule has made of the rate: at the end of a line to 0 it may be −10⁻¹⁸, by rounding.
        self._check({**group, "lr": group["initial_lr"]} if "initial_lr" in group else group)
        return group

    def _adopt(self, number: Any, p: Tensor, values: Mapping[str, Any]) -> dict[str, Any]:
        """One parameter's state, as arrays of its own; PyTorch's 0-d tensors (`step`) as Python numbers."""
        state: dict[str, Any] = {}
        for name, value in values.items():
            if name not in self.slots:
                state[name] = value.item() if hasattr(value, "item") else value
                continue
            if value is None:  # PyTorch writes momentum_buffer=None where there is none
                continue
            array = value.data if isinstance(value, Tensor) else value if is_array(value) else np.asarray(value)
            if tuple(array.shape) != p.shape:
                raise StateDictError(
                    f"load_state_dict: {name} of parameter {number} has shape {tuple(array.shape)}, expected {p.shape}",
                    fix="load it into an optimizer over the same model",
                )
            state[name] = xp(p.data).array(array, dtype=p.dtype, order="C")
        return state

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}("]
        for group in self.param_groups:
            options = ", ".join(f"{name}={value!r}" for name, value in group.items() if name != "params")
            lines.append(
                f"  {sum(p.numel() for p in group['params'])} numbers in {len(group['params'])} tensors: {options}"
            )
        return "\n".join([*lines, ")"])


def kernel_for(name: str, *arrays: Any) -> Callable[..., None] | None:
    """The compiled twin of an update, where the mode is "fast" and the arrays fit it; None: use the plain one.

    Args:
        arrays: those that the update writes to; a kernel walks over their memory from end to end.
    """
    first = arrays[0]
    if current.get().mode != "fast" or first.dtype.char not in "fd":
        return None
    for a in arrays:  # a loop, not all(…): this runs for every parameter of every step
        if type(a) is not np.ndarray or a.dtype != first.dtype or not a.flags.carray:
            return None
    kernel = compiled(name, "cpu")
    if kernel is None or (kernel.interpreted and first.size > INTERPRETED_LIMIT):
        return None
    return kernel.forward


def slot(state: dict[str, Any], name: str, p: Any) -> Any:
    """The part of the state with this name, of the shape of `p`; zeros when it is asked for the first time."""
    if name not in state:
        state[name] = xp(p).zeros_like(p, order="C")
    return state[name]


def count(state: dict[str, Any]) -> int:
    """The number t of the step that begins now: 1, 2, …"""
    state["step"] = int(state.get("step", 0)) + 1
    return state["step"]


def decayed(p: Any, g: Any, group: Group) -> Any:
    """The gradient to step against: −g to maximize, and with it the weight decay; all rules begin with this.

    Either g ← g + λ p, as if λ/2 ‖p‖² were part of the loss; or, decoupled, p ← (1 − η λ) p, in place, here.
    """
    decay = group["weight_decay"]
    if group["maximize"]:
        g = -g
    if group.get("decoupled_weight_decay"):
        p *= 1 - float(group["lr"]) * decay
    elif decay != 0:
        g = g + decay * p
    return g


def gradient_of(p: Tensor) -> Any:
    """The array of its gradient, which must have its shape."""
    g = p.grad.data  # type: ignore[union-attr]
    if g.shape != p.shape:
        raise ShapeError(f"optimizer: a parameter of shape {p.shape} has a gradient of shape {g.shape}")
    return g


def _parts(state_dict: Any) -> tuple[list[Any], Mapping[Any, Any]]:
    """The groups and the states, when they look like it."""
    if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
        raise StateDictError(
            f"load_state_dict: got {describe(state_dict)}, expected a dictionary with 'state' and 'param_groups'",
            fix="pass what an optimizer's state_dict() gave; a model's goes into the model",
        )
    groups, states = state_dict["param_groups"], state_dict["state"]
    if not all(isinstance(group, Mapping) and "params" in group for group in groups):
        raise StateDictError("load_state_dict: param_groups: expected dictionaries with the key 'params'")
    return list(groups), states


def _with_tensors(value: Any) -> Any:
    """Part of a state for `state_dict`: arrays as tensors, in lists too."""
    if isinstance(value, list):
        return [_with_tensors(each) for each in value]
    return Tensor(value) if hasattr(value, "dtype") else value
