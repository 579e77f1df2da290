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
from minidl.errors import ArgumentError, DTypeError, StateDictError, describe
from minidl.tensor import Buffer, Parameter, Tensor

from .hooks import Hooked
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


class Module(Hooked):
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
            return self.forward(*args, **kwargs) if self._hooks is None else self._hooks.call(self, args, kwargs)
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

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all inside it with their dotted paths, parents first; a shared one once.

        Args:
            memo: the `id`s of modules to leave out, which grows; for calls that belong together.
            prefix: stands before each path.
            remove_duplicate: False: a shared module under each of its paths.
        """
        seen = set() if memo is None else memo
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if not remove_duplicate or id(module) not in seen:
                seen.add(id(module))
                yield path, module
                stack.extend(reversed([(_join(path, name), child) for name, child in module._own(Module)]))

    def modules(self) -> Iterator[Module]:
        """This module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def _named(
        self, kind: type, prefix: str, recurse: bool, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        seen = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, tensor in module._own(kind):
                if not remove_duplicate or id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield _join(path, name), tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their dotted names; a shared one once, under its first name, or under each of them."""
        return self._named(Parameter, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters: what an optimizer takes."""
        return (tensor for _, tensor in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Buffer]]:
        """The buffers with their dotted names; a shared one once, under its first name, or under each of them."""
        return self._named(Buffer, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """The buffers."""
        return (tensor for _, tensor in self.named_buffers(recurse=recurse))

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """PyTorch's way to write `self.name = Buffer(tensor, persistent)`; None stands for a buffer left out."""
        self._register(name, None if tensor is None else Buffer(tensor, persistent), Buffer)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """PyTorch's way to write `self.name = param`; None stands for a parameter left out.

        Raises:
            ArgumentError: the name is empty, dotted, or that of something else. DTypeError: `param` is no Parameter.
        """
        self._register(name, param, Parameter)

    def register_module(self, name: str, module: Module | None) -> None:
        """PyTorch's way to write `self.name = module`; None stands for a module left out.

        Raises:
            ArgumentError: the name is empty, dotted, or that of something else. DTypeError: `module` is no Module.
        """
        self._register(name, module, Module)

    add_module = register_module

    def _register(self, name: str, value: Any, kind: type) -> None:
        what = f"register_{kind.__name__.lower()}"
        if value is not None and not isinstance(value, kind):
            raise DTypeError(
                f"{what}: {name!r}: got {describe(value)}, expected a {kind.__name__}",
                fix="wrap it in nn.Parameter" if isinstance(value, Tensor) else "",
            )
        taken = hasattr(self, name) and not isinstance(getattr(self, name), kind | None)
        if not name or "." in name or taken:
            raise ArgumentError(f"{what}: got the name {name!r}, which is empty, dotted or taken")
        setattr(self, name, value)

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path, e.g. `"encoder.0.fc1"`; `""` is this module.

        Raises:
            ArgumentError: there is none.
        """
        return self._get(target, Module)

    def set_submodule(self, target: str, module: Module) -> None:
        """Put a module at a dotted path, in the place of the one that is there.

        Raises:
            ArgumentError: there is none. DTypeError: `module` is no Module.
        """
        if not isinstance(module, Module):
            raise DTypeError(f"set_submodule: module: got {describe(module)}, expected a Module")
        if self.get_submodule(target) is self:
            raise ArgumentError("set_submodule: target: got '', which is the module itself", fix="name one inside")
        path, _, name = target.rpartition(".")
        setattr(self.get_submodule(path), name, module)

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
        yield from ((prefix + name, tensor) for name, tensor in self._own_state())
        for name, child in self._own(Module):
            yield from child._state(f"{prefix}{name}.")

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        for kind in (Parameter, Buffer):
            yield from ((name, t) for name, t in self._own(kind) if getattr(t, "persistent", True))

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Dotted name → tensor, detached, over the module's own memory: what changes there changes here.

        Args:
            prefix: stands before each name.
            keep_vars: the parameters and buffers themselves, not detached.
        """
        state: dict[str, Tensor] = {}
        self._save_into(state, prefix, keep_vars)
        return state

    def _save_into(self, state: dict[str, Tensor], prefix: str, keep_vars: bool) -> None:
        hooks = self._hooks
        for hook in () if hooks is None else hooks.state_dict_pre:
            hook.function(self, prefix, keep_vars)
        for name, tensor in self._own_state():
            state[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, child in self._own(Module):
            child._save_into(state, f"{prefix}{name}.", keep_vars)
        for hook in () if hooks is None else hooks.state_dict_post:
            hook.function(self, state, prefix, {})

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into the parameters and buffers, in place; nothing is copied if anything does not fit.

        Args:
            state_dict: dotted name → tensor or array (a PyTorch tensor on the CPU will do).
            strict: names must be the same on both sides. Shapes always must.
            assign: put the values in the place of the parameters and buffers, with their own memory, dtype and device,
                instead of copying. An optimizer made before still holds the old ones.
        Returns:
            The missing and the unexpected names (both empty if strict).
        Raises:
            StateDictError: lists missing, unexpected and mis-shaped names, and the nearest ones.
        """
        if not isinstance(state_dict, Mapping):
            raise DTypeError(f"load_state_dict: state_dict: got {describe(state_dict)}, expected names with tensors")
        own = dict(self._state(""))
        given = {name: _as_array(name, value) for name, value in state_dict.items()}
        missing, unexpected = self._adapt(given, strict)
        missing += [name for name in own if name not in given and not self._may_lack(name)]
        unexpected += [name for name in given if name not in own]
        check_fit(type(self).__name__, own, given, missing, unexpected, strict)
        if assign:
            self._assign(own, given)
        else:
            with no_grad():
                for name, tensor in own.items():
                    if name in given:
                        tensor.copy_(given[name])
        result = IncompatibleKeys(missing, unexpected)
        for module in self.modules():
            for hook in () if module._hooks is None else module._hooks.load_state_dict_post:
                hook.function(module, result)
        return result

    def _adapt(self, given: dict[str, Any], strict: bool) -> tuple[list[str], list[str]]:
        """What modules and their hooks do before loading; the names that they say are missing, or unexpected."""
        missing, unexpected, errors = list[str](), list[str](), list[str]()
        for path, module in self.named_modules():
            prefix = f"{path}." if path else ""
            module.adapt_state(given, prefix)
            for hook in () if module._hooks is None else module._hooks.load_state_dict_pre:
                hook.function(module, given, prefix, {}, strict, missing, unexpected, errors)
        if errors:
            raise StateDictError(f"load_state_dict: hooks of {type(self).__name__} say: " + "; ".join(errors))
        return missing, unexpected

    def adapt_state(self, state: dict[str, Any], prefix: str) -> None:
        """Called before loading: may rename or convert, in place, what other versions have saved; override it.

        Args:
            state: dotted name → array, of the whole that is loaded.
            prefix: with what the names of this module begin.
        """

    def _assign(self, own: Mapping[str, Tensor], given: Mapping[str, Any]) -> None:
        for name, tensor in own.items():
            if name in given:
                path, _, leaf = name.rpartition(".")
                if isinstance(tensor, Buffer):
                    new: Tensor = Buffer(given[name], tensor.persistent)
                else:
                    new = Parameter(given[name], tensor.requires_grad)
                setattr(self.get_submodule(path), leaf, new)

    def _may_lack(self, name: str) -> bool:
        path, _, leaf = name.rpartition(".")
        return leaf in self.get_submodule(path).optional_state

    # What it is made of -----------------------------------------------------------------------------------------------

    def summary(self, *inputs: Any, dtypes: Any = None) -> Any:
        """A table of the layers: their outputs' shapes, their parameters, and the bytes of both.

        A copy that stands in for the module is run on zeros; this module, its buffers, its mode and the stream of
        random numbers stay as they are.

        Args:
            *inputs: for each argument of forward its shape, or an example of it.
            dtypes: the inputs' dtype, or one for each; default: that of the parameters. Of integers, zeros are given.
        Returns:
            A `Summary`: `print` it, or look at its fields, e.g. `summary.parameters` and `summary.rows`.
        Raises:
            ArgumentError: no inputs, or what is no shape.
        """
        from .summary import summarize

        return summarize(self, *inputs, dtypes=dtypes)

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
