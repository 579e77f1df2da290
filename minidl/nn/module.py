"""Module: a part of a model, which knows its parameters, buffers and children by looking at its own attributes.

There is no registration. Assigning `self.weight = Parameter(…)` or `self.fc = Linear(…)` is an ordinary assignment,
and walking `vars(self)` in the order of assignment finds what is a `Parameter`, a `Buffer` or a `Module`. Hence no
call of `super().__init__()` is needed before it, and a list of modules is a plain list: use `ModuleList`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from minidl.array import as_dtype, is_array, is_float, to_device
from minidl.config import layers, no_grad
from minidl.errors import ArgumentError, DTypeError, describe
from minidl.tensor import Buffer, Parameter, Tensor

from .loading import check_fit

__all__ = ["IncompatibleKeys", "Module"]


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` could not use, and could not find."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module:
    """The base of all layers and models: subclass it, make parameters and layers in `__init__`, write `forward`.

    Attributes:
        training: whether the module behaves as in training (dropout, batch statistics); see `train` and `eval`.
    """

    training = True
    optional_state: tuple[str, ...] = ()  # names of its state that a state_dict may lack, being older than they are

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; call the module itself, `module(x)`, not this."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(); write one")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = layers.set((*layers.get(), self))  # so that an error inside can name this layer
        try:
            return self.forward(*args, **kwargs)
        finally:
            layers.reset(token)

    # Finding what it is made of -----------------------------------------------------------------------------------

    def _own(self, kind: type) -> Iterator[tuple[str, Any]]:
        """The module's own attributes of one kind, in the order of their first assignment."""
        return ((name, value) for name, value in list(vars(self).items()) if isinstance(value, kind))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside, each once."""
        seen = set()
        for name, child in self._own(Module):
            if id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly inside, without their names."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all inside it with their dotted paths, parents first; a shared one once."""
        seen = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module
                stack.extend(reversed([(_join(path, name), child) for name, child in module._own(Module)]))

    def modules(self) -> Iterator[Module]:
        """This module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def _named(self, kind: type, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, tensor in module._own(kind):
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield _join(path, name), tensor

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their dotted names; a shared one once, under its first name."""
        return self._named(Parameter, prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters: what an optimizer takes."""
        return (tensor for _, tensor in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Buffer]]:
        """The buffers with their dotted names; a shared one once, under its first name."""
        return self._named(Buffer, prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """The buffers."""
        return (tensor for _, tensor in self.named_buffers(recurse=recurse))

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """PyTorch's way to write `self.name = Buffer(tensor, persistent)`; None stands for a buffer left out."""
        setattr(self, name, None if tensor is None else Buffer(tensor, persistent))

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path, e.g. `"encoder.0.fc1"`; `""` is this module.

        Raises:
            ArgumentError: there is none.
        """
        return self._get(target, Module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with a dotted name.

        Raises:
            ArgumentError: there is none.
        """
        return self._get(target, Parameter)

    def get_buffer(self, target: str) -> Buffer:
        """The buffer with a dotted name.

        Raises:
            ArgumentError: there is none.
        """
        return self._get(target, Buffer)

    def _get(self, target: str, kind: type) -> Any:
        found: Any = self
        for name in target.split(".") if target else ():
            found = vars(found).get(name) if isinstance(found, Module) else None
        if not isinstance(found, kind):
            known = self.named_modules() if kind is Module else self._named(kind, "", True)
            raise ArgumentError(
                f"get_{'submodule' if kind is Module else kind.__name__.lower()}: {type(self).__name__} has no "
                f"{kind.__name__} {target!r}",
                fix=f"it has {', '.join(name for name, _ in known if name) or 'none'}",
            )
        return found

    # Training, gradients, dtype, device -----------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in all modules inside."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"train: mode: got {describe(mode)}, expected True or False")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """The same as `train(False)`."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else parameter.grad.detach().zero_()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say whether the parameters want gradients; False freezes the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Move parameters and buffers to a device, convert the floating ones to a dtype, or both; in place.

        Raises:
            DTypeError: `dtype` is not floating. DeviceError: no such device.
        """
        if isinstance(device, Tensor):
            device, dtype = device.device, device.dtype
        elif device is not None and not isinstance(device, str):
            device, dtype = dtype, device
        if dtype is not None and not is_float(as_dtype(dtype)):
            raise DTypeError(f"to: dtype: got {as_dtype(dtype)}, expected a floating one", fix="use minidl.float32")
        for tensor in (*self.parameters(), *self.buffers()):
            tensor.data = _moved(tensor.data, device, dtype)
            if tensor.grad is not None:
                tensor.grad = Tensor(_moved(tensor.grad.data, device, dtype))
        return self

    def float(self) -> Self:
        """To float32."""
        return self.to(dtype="float32")

    def double(self) -> Self:
        """To float64."""
        return self.to(dtype="float64")

    def half(self) -> Self:
        """To float16."""
        return self.to(dtype="float16")

    def cpu(self) -> Self:
        """To the CPU."""
        return self.to("cpu")

    def cuda(self) -> Self:
        """To the GPU."""
        return self.to("cuda")

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` with every module inside, then with this one."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    # State ----------------------------------------------------------------------------------------------------------

    def _state(self, prefix: str) -> Iterator[tuple[str, Tensor]]:
        """All that is saved, under every name it has: own parameters, own buffers, then the children's."""
        for kind in (Parameter, Buffer):
            yield from ((prefix + name, t) for name, t in self._own(kind) if getattr(t, "persistent", True))
        for name, child in self._own(Module):
            yield from child._state(f"{prefix}{name}.")

    def state_dict(self, *, prefix: str = "") -> dict[str, Tensor]:
        """Dotted name → tensor, detached, over the module's own memory: what changes there changes here."""
        return {name: tensor.detach() for name, tensor in self._state(prefix)}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy values into the parameters and buffers, in place; nothing is copied if anything does not fit.

        Args:
            state_dict: dotted name → tensor or array (a PyTorch tensor on the CPU will do).
            strict: names must be the same on both sides. Shapes always must.
        Returns:
            The missing and the unexpected names (both empty if strict).
        Raises:
            StateDictError: lists missing, unexpected and mis-shaped names, and the nearest ones.
        """
        if not isinstance(state_dict, Mapping):
            raise DTypeError(f"load_state_dict: state_dict: got {describe(state_dict)}, expected names with tensors")
        own = dict(self._state(""))
        given = {name: _as_array(name, value) for name, value in state_dict.items()}
        missing = [name for name in own if name not in given and not self._may_lack(name)]
        unexpected = [name for name in given if name not in own]
        check_fit(type(self).__name__, own, given, missing, unexpected, strict)
        with no_grad():
            for name, tensor in own.items():
                if name in given:
                    tensor.copy_(given[name])
        return IncompatibleKeys(missing, unexpected)

    def _may_lack(self, name: str) -> bool:
        path, _, leaf = name.rpartition(".")
        return leaf in self.get_submodule(path).optional_state

    # Text -------------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the parentheses: override it."""
        return ""

    def __repr__(self) -> str:
        return self._text([(name, repr(child)) for name, child in self._own(Module)])

    def _text(self, parts: list[tuple[str, str]]) -> str:
        """The class's name and arguments, then each part on lines of its own."""
        extra = self.extra_repr()
        if not parts:
            return f"{type(self).__name__}({extra})"
        lines = [extra] if extra else []
        lines += [f"({name}): {text}".replace("\n", "\n  ") for name, text in parts]
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _moved(array: Any, device: str | None, dtype: Any) -> Any:
    if dtype is not None and is_float(array.dtype):
        array = array.astype(dtype, copy=False)
    return array if device is None else to_device(array, device)


def _as_array(name: str, value: Any) -> Any:
    """The array of a value, in its own dtype (`tensor.raw` would make float64 float32)."""
    if isinstance(value, Tensor):
        return value.data
    array = value if is_array(value) else np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DTypeError(f"load_state_dict: {name!r}: got {describe(value)}, expected a tensor or an array")
    return array
