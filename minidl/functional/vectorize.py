"""A function of one sample, run on a whole batch at once; and what that is good for: a gradient for each sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minidl import ops
from minidl.array import axis_of, is_array
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import Tensor, as_tensor

from .batching import Batched, Level, lifted
from .batching_rules import inside
from .derivatives import grad

__all__ = ["functional_call", "per_sample_grads", "vmap"]


def vmap(
    function: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, chunk_size: int | None = None
) -> Callable[..., Any]:
    """`function`, written for one sample, as a function of a batch: each operation in it runs on all samples at once.

    Each operation has its rule for batches, `minidl.functional.batching_rules.rule_of(name)` says which: a rule of its
    own, the body of a fused operation, or a loop over the samples, which is right but no faster than one in Python.
    Random numbers that the function draws are the same for all samples. Nests, and takes turns with `grad`, `jvp`, ….

    Args:
        function: tensors, and tuples, lists or dictionaries of them → the same.
        in_dims: the axis of each argument along which the samples lie; None: it is the same for all. One number for
            all arguments, or a tuple with one entry for each; an entry holds for all tensors in its argument, or is
            a tuple, list or dictionary as it is.
        out_dims: where that axis shall be in the results; one number, or as the result is.
        chunk_size: how many samples at once, at most; default: all.
    Raises (when called):
        ArgumentError: no argument has samples. ShapeError: arguments with different numbers of them.
        AxisError: an argument has no such axis. GraphError: the function looks at values (`if x > 0`).
    """
    if chunk_size is not None and chunk_size < 1:
        raise ArgumentError(f"vmap: chunk_size: got {chunk_size}, expected at least 1")

    def over_a_batch(*args: Any) -> Any:
        dims = in_dims if isinstance(in_dims, tuple | list) else (in_dims,) * len(args)
        if len(dims) != len(args):
            raise ArgumentError(f"vmap: in_dims: got {len(dims)} entries for {len(args)} arguments")
        axes = [_spread(d, a, f"in_dims[{i}]") for i, (d, a) in enumerate(zip(dims, args, strict=True))]
        sizes: dict[int, str] = {}
        for i, (a, d) in enumerate(zip(args, axes, strict=True)):
            _map(lambda x, axis, i=i: _note_size(sizes, i, x, axis), a, d)
        if len(sizes) != 1:
            if not sizes:
                raise ArgumentError("vmap: in_dims: no argument has an axis of samples", fix="give one of them a 0")
            found = ", ".join(f"{size} in {where}" for size, where in sizes.items())
            raise ShapeError(f"vmap: got different numbers of samples: {found}", fix="check in_dims")
        (size,) = sizes
        step = chunk_size or max(size, 1)
        parts = [_run(args, axes, start, min(start + step, size)) for start in range(0, max(size, 1), step)]
        joined = parts[0] if len(parts) == 1 else _map(lambda *xs: ops.concatenate(*xs, axis=0), *parts)
        return _map(_moved, joined, _spread(out_dims, joined, "out_dims"))

    def _run(args: Any, axes: Any, start: int, stop: int) -> Any:
        with inside(stop - start) as level:
            batches = [
                _map(lambda x, axis: _batch(x, axis, start, stop, level), a, d) for a, d in zip(args, axes, strict=True)
            ]
            y = function(*batches)
            return _map(lambda x: lifted(_result(x), level).behind, y)

    return over_a_batch


def _batch(x: Any, axis: int | None, start: int, stop: int, level: Level) -> Any:
    """Samples start … stop − 1 of x, as a tensor of one sample's shape; x itself where it has none."""
    if axis is None:
        return x
    x = _front(as_tensor(x), axis)
    return Batched(x if x.shape[0] == stop - start else x[start:stop], level)


def _front(x: Tensor, axis: int) -> Tensor:
    """The axis of samples first."""
    axis = axis_of("vmap: in_dims", axis, x.ndim)
    return x if axis == 0 else ops.transpose(x, axes=(axis, *(a for a in range(x.ndim) if a != axis)))


def _moved(x: Tensor, axis: int) -> Tensor:
    """The axis of samples where out_dims wants it."""
    axis = axis_of("vmap: out_dims", axis, x.ndim)
    rest = list(range(1, x.ndim))
    return x if axis == 0 else ops.transpose(x, axes=(*rest[:axis], 0, *rest[axis:]))


def _result(x: Any) -> Tensor:
    if not isinstance(x, Tensor | int | float) and not is_array(x):
        raise DTypeError(f"vmap: the function returned {describe(x)}, expected tensors")
    return as_tensor(x)


def _note_size(sizes: dict[int, str], i: int, x: Any, axis: int | None) -> None:
    if axis is not None:
        x = as_tensor(x)
        sizes.setdefault(x.shape[axis_of(f"vmap: in_dims[{i}]", axis, x.ndim)], f"argument {i}")


def _spread(dims: Any, value: Any, name: str) -> Any:
    """One entry for all tensors of an argument, as a structure like it."""
    if dims is None or isinstance(dims, int):
        return _map(lambda _: dims, value)
    if isinstance(value, Mapping) and isinstance(dims, Mapping) and set(dims) == set(value):
        return {key: _spread(dims[key], value[key], name) for key in value}
    if isinstance(value, tuple | list) and isinstance(dims, tuple | list) and len(dims) == len(value):
        return type(value)(_spread(d, v, name) for d, v in zip(dims, value, strict=True))
    raise ArgumentError(f"vmap: {name}: got {dims!r}, which does not fit {describe(value)}", fix="a number, or None")


def _map(function: Callable[..., Any], first: Any, *rest: Any) -> Any:
    """`function` of every leaf of tuples, lists and dictionaries of one structure."""
    if isinstance(first, Mapping):
        return {key: _map(function, first[key], *(r[key] for r in rest)) for key in first}
    if isinstance(first, tuple | list):
        values = [_map(function, *each) for each in zip(first, *rest, strict=True)]
        return type(first)(*values) if hasattr(first, "_fields") else type(first)(values)
    return function(first, *rest)


# Parameters as arguments ----------------------------------------------------------------------------------------------


def functional_call(module: Any, parameters: Mapping[str, Any], args: Any = (), kwargs: Any = None) -> Any:
    """`module(*args, **kwargs)` with other parameters and buffers in place of its own, which stay as they are.

    So a module becomes a function of its parameters, for `grad`, `jvp` and `vmap`.

    Args:
        parameters: dotted names, as in `module.named_parameters()` → tensors; what is not named stays.
        args: a tuple of arguments, or a single one.
        kwargs: arguments by name.
    Raises:
        ArgumentError: a name that the module does not have. ShapeError: another shape than its own.
    """
    own = dict([*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)])
    unknown = [name for name in parameters if name not in own]
    if unknown:
        raise ArgumentError(
            f"functional_call: {type(module).__name__} has no parameter or buffer {', '.join(map(repr, unknown))}",
            fix="take the names of named_parameters()",
        )
    places = {id(own[name]): as_tensor(value) for name, value in parameters.items()}  # tied ones go together
    replaced: list[tuple[Any, str, Any]] = []
    try:
        for owner in module.modules():
            for name, value in list(vars(owner).items()):
                new = places.get(id(value)) if isinstance(value, Tensor) else None
                if new is None:
                    continue
                if new.shape != value.shape:
                    raise ShapeError(f"functional_call: {name}: got shape {new.shape}, expected {value.shape}")
                replaced.append((owner, name, value))
                vars(owner)[name] = new
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
    finally:
        for owner, name, value in replaced:
            vars(owner)[name] = value


def per_sample_grads(
    module: Any, loss: Callable[[Any, Any], Any], inputs: Any, targets: Any, chunk_size: int | None = None
) -> dict[str, Tensor]:
    """The gradient of every sample's own loss: what `backward()` would sum over the batch.

    Args:
        module: takes a batch; it is given batches of one.
        loss: (output, target), batches of one → a scalar.
        inputs, targets: (N, …).
        chunk_size: how many samples at once, at most.
    Returns:
        {name of the parameter: gradients (N, *its shape)}, for the parameters that require a gradient.
    """
    parameters = {name: p.detach() for name, p in module.named_parameters() if p.requires_grad}

    def of_one(values: tuple[Any, ...], x: Any, t: Any) -> Any:
        named = dict(zip(parameters, values, strict=True))
        return loss(functional_call(module, named, (ops.unsqueeze(x, axis=0),)), ops.unsqueeze(t, axis=0))

    def gradients(x: Any, t: Any) -> Any:
        return grad(lambda *values: of_one(values, x, t), tuple(range(len(parameters))))(*parameters.values())

    found = vmap(gradients, chunk_size=chunk_size)(as_tensor(inputs), as_tensor(targets))
    return dict(zip(parameters, found, strict=True))
