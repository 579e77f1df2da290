"""Functions that a module calls before and after its forward, and when the gradients pass it on their way back.

Backward hooks see all gradients of a call at once. For that the tensors that go in, and those that come out, pass
through an operation that does nothing but tell of their cotangents.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from minidl.errors import DTypeError, GraphError, describe
from minidl.graph import Node
from minidl.op import Fused
from minidl.tensor import Handle, Tensor, as_tensor

__all__ = ["Hooked", "Hooks"]


class Hook:
    """One function and how it wants to be called. Compared by identity: the same function may be hooked twice."""

    def __init__(self, function: Callable[..., Any], with_kwargs: bool = False, always_call: bool = False) -> None:
        self.function, self.with_kwargs, self.always_call = function, with_kwargs, always_call


class Hooks:
    """The hooks of one module, of all kinds."""

    def __init__(self) -> None:
        self.forward_pre: list[Hook] = []
        self.forward: list[Hook] = []
        self.backward_pre: list[Hook] = []
        self.backward: list[Hook] = []
        self.state_dict_pre: list[Hook] = []
        self.state_dict_post: list[Hook] = []
        self.load_state_dict_pre: list[Hook] = []
        self.load_state_dict_post: list[Hook] = []

    def add(self, kind: str, function: Any, prepend: bool = False, **options: bool) -> Handle:
        """One more, behind those there are, or before them."""
        if not callable(function):
            raise DTypeError(f"register_{kind}_hook: hook: got {describe(function)}, expected a function")
        hooks, hook = getattr(self, kind), Hook(function, **options)
        hooks.insert(0 if prepend else len(hooks), hook)
        return Handle(hooks, hook)

    def call(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The module's forward with everything around it."""
        called: list[Hook] = []
        try:
            args, kwargs = self._before(module, args, kwargs)
            watch = _Watch(module, self) if self.backward or self.backward_pre else None
            if watch is not None:
                args = watch.inputs(args)
            result = module.forward(*args, **kwargs)
            for hook in tuple(self.forward):
                called.append(hook)
                changed = hook.function(module, args, *([kwargs] if hook.with_kwargs else []), result)
                result = result if changed is None else changed
            return result if watch is None else watch.outputs(result)
        except Exception:
            for hook in self.forward:
                if hook.always_call and hook not in called:
                    _call_all_the_same(hook, module, args, kwargs)
            raise

    def _before(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        for hook in tuple(self.forward_pre):
            if not hook.with_kwargs:
                changed = hook.function(module, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
                continue
            changed = hook.function(module, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2 and isinstance(changed[1], dict)):
                    raise DTypeError(
                        f"forward_pre_hook: returned {describe(changed)}, expected None or a pair: arguments, keywords"
                    )
                args, kwargs = changed
        return args, kwargs


class Hooked:
    """The part of a module that has hooks."""

    _hooks: Hooks | None = None  # made with the first hook

    def _hooked(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call `hook(module, args)` before forward; what it returns, if not None, takes the place of the arguments.

        Args:
            prepend: before the hooks that are there already.
            with_kwargs: call `hook(module, args, kwargs)`, which returns None or a pair (args, kwargs).
        Returns:
            A handle; `handle.remove()` takes the hook away.
        """
        return self._hooked().add("forward_pre", hook, prepend, with_kwargs=with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> Handle:
        """Call `hook(module, args, output)` after forward; what it returns, if not None, is the output.

        Args:
            prepend: before the hooks that are there already.
            with_kwargs: call `hook(module, args, kwargs, output)`.
            always_call: call it even if forward raised an error, then with None as the output.
        """
        return self._hooked().add("forward", hook, prepend, with_kwargs=with_kwargs, always_call=always_call)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(module, grad_output)` when the gradients of the outputs are known; it may return others.

        grad_output is a tuple with a gradient for each output, None for what is no tensor or has none.
        """
        return self._hooked().add("backward_pre", hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are known.

        grad_input is a tuple with a gradient for each positional argument, None for what is no tensor or has none. The
        hook may return another one, with which the backward pass goes on.
        """
        return self._hooked().add("backward", hook, prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, prefix, keep_vars)` before the module's state is read."""
        return self._hooked().add("state_dict_pre", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, state_dict, prefix, {})` when the module's state is in there; it may change it."""
        return self._hooked().add("state_dict_post", hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, state, prefix, {}, strict, missing_keys, unexpected_keys, errors)` before loading.

        It may change the state, and append to the three lists; anything in `errors` ends the loading.
        """
        return self._hooked().add("load_state_dict_pre", hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, incompatible_keys)` after all has been loaded."""
        return self._hooked().add("load_state_dict_post", hook)


def _call_all_the_same(hook: Hook, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """After forward has failed; what fails in the hook too is told, and does not hide the first error."""
    try:
        hook.function(module, args, *([kwargs] if hook.with_kwargs else []), None)
    except Exception as error:
        warnings.warn(f"a forward hook with always_call raised {error!r}, after forward() had failed", stacklevel=4)


class _Identity(Fused):
    """An operation that leaves several arrays as they are, saves nothing, and hears of all their gradients at once."""

    has_body_of_operations = False  # in no mode may it dissolve

    def _save(self, node: Node, arrays: list[Any], ys: Sequence[Any], residuals: Any) -> None:
        node.residuals = ()

    def pull(self, node: Node, dys: list[Any], wanted: Sequence[bool], create_graph: bool) -> Sequence[Any]:
        gradients = node.params["notify"]([dy if create_graph else Tensor(dy) for dy in dys])
        return [g if create_graph else g.data for g in gradients]


@partial(_Identity, broadcasts=False, promotes=None, real=False)
def watched(*xs: Any, notify: Callable[[list[Any]], list[Any]]) -> Any:
    """The xs as they are; `notify(cotangents)` says what goes on."""
    return xs, ()


class _Watch:
    """One call of a module, as its backward hooks see it."""

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self.module, self.hooks = module, hooks
        self.places: list[int] | None = None  # of the inputs that want gradients, among the arguments
        self.size = self.out_size = 0
        self.out_places: list[int] = []  # the same of the outputs
        self.grad_output: tuple[Any, ...] = ()

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, those that want gradients being watched."""
        self.size = len(args)
        places, args = _through(args, self._arrived_at_inputs)
        self.places = places or None
        return args

    def outputs(self, result: Any) -> Any:
        """The result, being watched."""
        several = result if isinstance(result, tuple) else (result,)
        self.out_size = len(several)
        self.out_places, several = _through(several, self._arrived_at_outputs)
        return several if type(result) is tuple else type(result)(*several) if isinstance(result, tuple) else several[0]

    def _arrived_at_outputs(self, gradients: list[Any]) -> list[Any]:
        grad_output = _spread(gradients, self.out_places, self.out_size)
        for hook in tuple(self.hooks.backward_pre):
            changed = hook.function(self.module, grad_output)
            grad_output = grad_output if changed is None else self._as_tuple(changed, self.out_size)
        self.grad_output = grad_output
        if self.places is None:  # nothing further down will tell
            for hook in tuple(self.hooks.backward):
                changed = hook.function(self.module, (None,) * self.size, grad_output)
                if changed is not None and any(g is not None for g in self._as_tuple(changed, self.size)):
                    raise GraphError(
                        "backward hook: returned a gradient for an input of a module none of whose inputs has one",
                        fix="return None",
                    )
        return _chosen(grad_output, self.out_places)

    def _arrived_at_inputs(self, gradients: list[Any]) -> list[Any]:
        assert self.places is not None
        grad_input = _spread(gradients, self.places, self.size)
        for hook in tuple(self.hooks.backward):
            changed = hook.function(self.module, grad_input, self.grad_output)
            grad_input = grad_input if changed is None else self._as_tuple(changed, self.size)
        return _chosen(grad_input, self.places)

    def _as_tuple(self, gradients: Any, size: int) -> tuple[Any, ...]:
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        if len(gradients) != size:
            raise GraphError(f"backward hook: returned {len(gradients)} gradients, expected {size}")
        return gradients


def _through(values: tuple[Any, ...], notify: Callable[[list[Any]], list[Any]]) -> tuple[list[int], tuple[Any, ...]]:
    """The values, with those that want gradients passed through the identity; and their places."""
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor) and value.requires_grad]
    if not places:
        return places, values
    new = list(values)
    for i, value in zip(places, watched(*[values[i] for i in places], notify=notify), strict=True):
        new[i] = value
    return places, tuple(new)


def _spread(gradients: list[Any], places: list[int], size: int) -> tuple[Any, ...]:
    spread = [None] * size
    for i, gradient in zip(places, gradients, strict=True):
        spread[i] = gradient
    return tuple(spread)


def _chosen(gradients: tuple[Any, ...], places: list[int]) -> list[Tensor]:
    for i in places:
        if gradients[i] is None:
            raise GraphError(
                f"backward hook: returned None for number {i}, which has a gradient", fix="return a tensor"
            )
    return [as_tensor(gradients[i]) for i in places]
