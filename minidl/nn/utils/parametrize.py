"""Weights that are computed from other parameters, each time that they are read.

`register_parametrization(layer, "weight", rule)` takes the parameter out of the layer and puts a property in its place,
on a class of the layer's own. So whoever reads `layer.weight`, the layer's forward or somebody else, gets what the
parameters of this moment say; nothing has to be called before, and nothing can be out of date.

The parameters are in `layer.parametrizations.weight`: `original`, or `original0`, `original1`, … where there are
several.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from minidl.config import no_grad
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.nn.containers import ModuleDict, ModuleList
from minidl.nn.module import Module
from minidl.tensor import Parameter, Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "computed",
    "is_parametrized",
    "not_computed",
    "register_parametrization",
    "remove_parametrizations",
]


class ParametrizationList(ModuleList):
    """The rules that make one tensor, in order, and the parameters from which the first of them makes it."""

    def __init__(self, rule: Module, tensor: Parameter) -> None:
        super().__init__([rule])
        originals = _inverse(rule, tensor)
        self.ntensors = len(originals) if isinstance(originals, tuple) else 0  # 0: one, which is not numbered
        for name, value in zip(self._originals(), originals if self.ntensors else [originals], strict=True):
            same = value is tensor or (isinstance(value, Tensor) and value.data is tensor.data)
            setattr(self, name, tensor if same else Parameter(value.detach(), tensor.requires_grad))

    def _originals(self) -> list[str]:
        return [f"original{i}" for i in range(self.ntensors)] or ["original"]

    def forward(self) -> Any:
        """The tensor."""
        first, *others = self
        x = first(*[getattr(self, name) for name in self._originals()])
        for rule in others:
            x = rule(x)
        return x

    def assign(self, value: Any) -> None:
        """Change the parameters so that they make `value`."""
        with no_grad():
            for rule in reversed(list(self)):
                value = _inverse(rule, value)
            for name, each in zip(self._originals(), value if self.ntensors else [value], strict=True):
                getattr(self, name).copy_(each)


def register_parametrization(module: Any, tensor_name: str, parametrization: Module) -> Any:
    """From now on `module.tensor_name` is what `parametrization` makes of the parameter that it has been.

    Args:
        parametrization: a module: its forward takes the parameter and gives the tensor. If it has a method
            `right_inverse(tensor)`, this says from which parameter, or tuple of parameters, forward makes the tensor.
            A second one takes what the first has made.
    Returns:
        The module.
    Raises:
        ArgumentError: the module has no such parameter. ShapeError: the parametrization makes another shape.
    """
    if not isinstance(parametrization, Module):
        raise DTypeError(
            f"register_parametrization: parametrization: got {describe(parametrization)}, expected a Module"
        )
    if is_parametrized(module, tensor_name):
        _check_shape(tensor_name, parametrization, getattr(module, tensor_name))
        module.parametrizations[tensor_name].append(parametrization)
        return module
    parameter = vars(module).get(tensor_name)
    if not isinstance(parameter, Parameter):
        raise ArgumentError(
            f"register_parametrization: {type(module).__name__} has no parameter {tensor_name!r}",
            fix=f"it has {', '.join(name for name, _ in module.named_parameters(recurse=False)) or 'none of its own'}",
        )
    rules = ParametrizationList(parametrization, parameter)
    _check_shape(tensor_name, parametrization, parameter)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = rules
    computed(module, tensor_name, _Parametrized(tensor_name))
    return module


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether the module, or one tensor of it, is made by parametrizations."""
    rules = vars(module).get("parametrizations")
    return isinstance(rules, ModuleDict) and (tensor_name is None or tensor_name in rules)


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make `module.tensor_name` a parameter again.

    Args:
        leave_parametrized: with the value that it has; False: with that of the original parameter.
    Raises:
        ArgumentError: it is not parametrized; or there is more than one original, of which none is the value.
    """
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(
            f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} is not parametrized",
            fix=f"parametrized are {', '.join(vars(module).get('parametrizations') or ()) or 'none'}",
        )
    rules = module.parametrizations[tensor_name]
    if not leave_parametrized and rules.ntensors:
        raise ArgumentError(
            f"remove_parametrizations: {tensor_name!r} is made of {rules.ntensors} parameters, none of them its value",
            fix="pass leave_parametrized=True",
        )
    first = getattr(rules, rules._originals()[0])
    with no_grad():
        value = getattr(module, tensor_name).detach() if leave_parametrized else first
    not_computed(module, tensor_name)
    del module.parametrizations[tensor_name]
    if not module.parametrizations:
        del module.parametrizations
    setattr(module, tensor_name, value if value is first else Parameter(value, first.requires_grad))
    return module


_cache: ContextVar[dict[Any, Any] | None] = ContextVar("minidl_parametrize_cache", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """Inside the block each parametrized tensor is computed once, where a forward reads it often: in a loop over time.

    The parameters must not change in there: who reads the tensor again gets the old one.
    """
    token = _cache.set({} if _cache.get() is None else _cache.get())
    try:
        yield
    finally:
        _cache.reset(token)


class _Parametrized:
    """The rule of a tensor that the module's own parametrizations make."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: Any) -> Any:
        known, key = _cache.get(), (id(module), self.name)
        if known is None:
            return module.parametrizations[self.name]()
        if key not in known:
            known[key] = module.parametrizations[self.name]()
        return known[key]

    def assign(self, module: Any, value: Any) -> None:
        module.parametrizations[self.name].assign(value)


def _inverse(rule: Module, value: Any) -> Any:
    """What `rule` makes `value` of; a rule that does not say is given the value itself."""
    with no_grad():
        return rule.right_inverse(value) if hasattr(rule, "right_inverse") else value


def _check_shape(name: str, rule: Module, value: Any) -> None:
    """Whether the rule makes something like the value, in a dry run that leaves the rule's own state as it is."""
    originals = _inverse(rule, value)
    trying = copy.deepcopy(rule)
    with no_grad():
        made = trying(*originals) if isinstance(originals, tuple) else trying(originals)
    if made.shape != value.shape:
        raise ShapeError(
            f"register_parametrization: {type(rule).__name__} makes {name!r} of shape {made.shape}, "
            f"expected {value.shape}",
            fix="return a tensor of the parameter's shape",
        )


# A property on a class of the module's own ----------------------------------------------------------------------------


def computed(module: Any, name: str, rule: Callable[[Any], Any]) -> None:
    """From now on `module.name` is `rule(module)`; if the rule has a method `assign`, it may be assigned to."""
    vars(module).pop(name, None)
    _compute(module, vars(module).get("_computed", {}) | {name: rule})


def not_computed(module: Any, name: str) -> None:
    """`module.name` is an ordinary attribute again."""
    _compute(module, {other: rule for other, rule in module._computed.items() if other != name})


def _compute(module: Any, rules: dict[str, Any]) -> None:
    """Give the module its plain class, or one with a property for each tensor that a rule computes."""
    plain: Any = getattr(type(module), "_plain", type(module))
    if rules:
        new = any(isinstance(rule, _Parametrized) for rule in rules.values())
        module._computed = rules
        module.__class__ = _class(plain, "Parametrized" if new else "", tuple(rules))
    else:
        del module._computed
        module.__class__ = plain


@cache
def _class(plain: type, prefix: str, names: tuple[str, ...]) -> type:
    members: dict[str, Any] = {name: _property(name) for name in names}
    members |= {"_plain": plain, "_prefix": prefix, "__reduce__": _reduce, "__module__": plain.__module__}
    return type(prefix + plain.__name__, (plain,), members)


def _property(name: str) -> property:
    def get(module: Any) -> Any:
        return module._computed[name](module)

    def set_(module: Any, value: Any) -> None:
        module._computed[name].assign(module, value)

    return property(get, set_)


def _reduce(module: Any) -> tuple[Any, ...]:
    """How to copy and pickle it, although nobody can find its class by name."""
    kind = type(module)
    return _rebuild, (kind._plain, kind._prefix, tuple(module._computed)), vars(module)


def _rebuild(plain: type, prefix: str, names: tuple[str, ...]) -> Any:
    return object.__new__(_class(plain, prefix, names))
