"""Tensor: an array, the edge of the graph that made it, and a gradient. No mathematics; that is in `minidl.ops`."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import graph
from .array import DEFAULT, as_dtype, axis_of, device_of, float64, is_array, is_float, to_device, xp
from .config import Scope
from .errors import ArgumentError, DTypeError, GraphError, ShapeError, describe
from .graph import Node, backpropagate
from .inplace import InPlace
from .methods import Methods
from .mutation import clock


class Tensor(Methods, InPlace):
    """An n-dimensional array that can be differentiated through.

    Make one with `minidl.tensor(...)`. Operations on tensors are recorded when one of them requires a gradient;
    `backward()` then adds d(this)/d(leaf) to the `.grad` of every leaf that it was computed from.

    Attributes:
        data: the raw array (NumPy or CuPy). Writing into it is not tracked; see the in-place methods.
        grad: the gradient, a Tensor of the same shape and dtype, or None.
    """

    # Defaults on the class: an operation's result sets only `data` and `edge`, which keeps recording cheap.
    edge: tuple[Any, int] | None = None  # (node, output index) that made it; None for leaves and constants
    is_variable = False  # a leaf that wants a gradient
    is_spent = False  # one that `minidl.functional` made, and by which it has differentiated
    grad: Tensor | None = None
    hooks: list[Callable[[Tensor], Any]] | None = None  # of a leaf; those of results live on their node
    __array_ufunc__ = None  # so that `ndarray * Tensor` asks Tensor.__rmul__

    def __init__(self, data: Any, edge: tuple[Any, int] | None = None) -> None:
        self.data = data if type(data) is np.ndarray else raw(data)
        self.edge = edge

    @staticmethod
    def _plain(array: Any) -> Tensor:
        return Tensor(array)

    # What it is ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, a NumPy dtype (`minidl.float32`, …)."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def device(self) -> str:
        """`"cpu"`, `"cuda:0"`, …"""
        return device_of(self.data)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded. Set it on leaves; results inherit it."""
        return self.is_variable or self.edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    @property
    def is_leaf(self) -> bool:
        """Made by the user, or constant: not the recorded result of an operation."""
        return self.edge is None

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor, or None."""
        return None if self.edge is None else self.edge[0]

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one axis."""
        return self.shape if dim is None else self.shape[axis_of("size: dim", dim, self.ndim)]

    def dim(self) -> int:
        """The number of axes."""
        return self.ndim

    def numel(self) -> int:
        """The number of elements."""
        return int(self.data.size)

    # The graph ----------------------------------------------------------------------------------------------------

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Say whether this leaf wants a gradient; returns itself.

        Raises:
            GraphError: it is the result of a recorded operation.
            DTypeError: its dtype is not floating.
        """
        if self.edge is not None:
            raise GraphError(
                f"requires_grad: this tensor is the result of {self.edge[0].operation.name!r}, not a leaf",
                fix="detach() it first",
            )
        if requires_grad and not is_float(self.dtype):
            raise DTypeError(
                f"requires_grad: got a tensor of {self.dtype}; only floating dtypes have gradients",
                fix="make it with dtype=minidl.float32, or convert it with .float()",
            )
        self.is_variable = bool(requires_grad)
        return self

    def detach(self) -> Tensor:
        """The same memory, outside the graph."""
        return Tensor(self.data)

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Add the derivative of this tensor to the `.grad` of the leaves that it was computed from.

        Args:
            gradient: the cotangent to start with, of this tensor's shape; may be left out for one element (then 1).
            retain_graph: keep the saved values, so that backward can run again (default: as `create_graph`).
            create_graph: record the backward pass too, so that the gradients can be differentiated.
            inputs: add only to these tensors' `.grad`.
        Raises:
            GraphError: not a scalar and no `gradient`; nothing to differentiate; the graph has been freed; a saved
                array was changed in place.
            ShapeError: `gradient` has another shape.
        """
        if not self.requires_grad:
            raise GraphError(
                "backward: this tensor was not computed from anything that requires a gradient",
                fix="set requires_grad=True on the inputs, and check for detach() or no_grad() on the way",
            )
        dy = self._cotangent(gradient, create_graph)
        retain = create_graph if retain_graph is None else retain_graph
        edge = self.own_edge()
        if inputs is None:
            backpropagate([(edge, dy)], create_graph=create_graph, retain_graph=retain)
            return
        targets = [each.own_edge() for each in inputs]
        found = backpropagate([(edge, dy)], targets=targets, create_graph=create_graph, retain_graph=retain)
        with Scope(recording=create_graph):
            for each, g in zip(inputs, found, strict=True):
                if g is not None:
                    each.accumulate(g.clone() if create_graph else g.copy())

    def own_edge(self, name: str = "inputs") -> tuple[Any, int]:
        """The edge at which this tensor's cotangent arrives; `name` is for the message."""
        if not self.requires_grad:
            raise GraphError(
                f"{name}: got a tensor of {describe(self)} that does not require a gradient",
                fix="call requires_grad_() on it before computing with it",
            )
        return self.edge or (self, 0)

    def _cotangent(self, gradient: Any, create_graph: bool) -> Any:
        if gradient is None:
            if self.numel() != 1:
                raise GraphError(
                    f"backward: got a tensor of shape {self.shape}; only a scalar has an obvious cotangent, 1",
                    fix="reduce it first (.sum(), .mean()), or pass gradient= of the same shape",
                )
            dy = xp(self.data).ones_like(self.data)
        else:
            dy = gradient.data if isinstance(gradient, Tensor) else xp(self.data).asarray(gradient, dtype=self.dtype)
            if dy.shape != self.shape:
                raise ShapeError(f"backward: gradient has shape {dy.shape}, expected the tensor's own, {self.shape}")
            dy = dy.astype(self.dtype, copy=False)
        if create_graph:
            return gradient if isinstance(gradient, Tensor) and gradient.dtype == self.dtype else Tensor(dy)
        return dy

    def accumulate(self, gradient: Any) -> None:
        """Add to `.grad`: a raw array that nobody else holds, or a tensor that is part of a graph."""
        if self.grad is None:
            self.grad = gradient if isinstance(gradient, Tensor) else Tensor(gradient)
        elif isinstance(gradient, Tensor) or self.grad.requires_grad:
            self.grad = self.grad + gradient
        else:
            clock.touch(self.grad.data)  # somebody may be differentiating through .grad
            xp(gradient).add(self.grad.data, gradient, out=self.grad.data)

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Call `hook(gradient)` when this tensor's gradient is known; it may return another one.

        Returns:
            A handle; `handle.remove()` takes the hook away.
        """
        node, index = self.own_edge("register_hook")
        if isinstance(node, Node):
            node.hooks = node.hooks or {}
            hooks = node.hooks.setdefault(index, [])
        else:
            hooks = self.hooks = self.hooks or []
        hooks.append(hook)
        return Handle(hooks, hook)

    def retain_grad(self) -> None:
        """Keep the gradient of this result in `.grad` too, as leaves do: what its hooks have made of it."""
        node, index = self.own_edge("retain_grad")
        if isinstance(node, Node):
            node.retained = {**(node.retained or {}), index: weakref.ref(self)}  # a node that held its result: a cycle

    # In and out ----------------------------------------------------------------------------------------------------

    def numpy(self) -> np.ndarray:
        """The values as a NumPy array: the same memory on the CPU, a copy from a GPU.

        Raises:
            GraphError: the tensor requires a gradient, which the array could not carry on.
        """
        if self.requires_grad:
            raise GraphError(
                "numpy: this tensor requires a gradient, which a NumPy array cannot carry",
                fix="use tensor.detach().numpy()",
            )
        return to_device(self.data, "cpu")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        if self.requires_grad:
            raise GraphError("dlpack: this tensor requires a gradient", fix="detach() it first")
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def item(self) -> Any:
        """The one element, as a Python number.

        Raises:
            ShapeError: there is not exactly one.
        """
        if self.numel() != 1:
            raise ShapeError(f"item: got a tensor of shape {self.shape}, expected one element", fix="use tolist()")
        return self.data.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.data.tolist()

    def __repr__(self) -> str:
        digits = np.array2string(to_device(self.data, "cpu"), precision=4, separator=", ", prefix="tensor(")
        extra = "" if self.dtype in (DEFAULT, np.int64, np.bool_) else f", dtype={self.dtype}"
        extra += "" if self.device == "cpu" else f", device={self.device!r}"
        made = f", grad_fn={self.grad_fn}" if self.edge is not None else ", requires_grad=True"
        return f"tensor({digits}{extra}{made if self.requires_grad else ''})"

    def __len__(self) -> int:
        if not self.shape:
            raise DTypeError("len: got a 0-d tensor, which has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise ShapeError(
                f"bool: got a tensor of shape {self.shape}; its truth is ambiguous", fix="use .any() or .all()"
            )
        return bool(self.data.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iub":
            raise DTypeError(f"index: got a tensor of {self.dtype}, expected an integer")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.edge is not None:
            raise GraphError(
                f"deepcopy: this tensor is the result of {self.edge[0].operation.name!r}; a copy would need its graph",
                fix="copy leaves (parameters) only, or detach() it first",
            )
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    __hash__ = object.__hash__  # identity: == compares elements


class Parameter(Tensor):
    """A leaf that a module trains: found by walking the module, moved and saved with it.

    Args:
        data: a tensor or array; its memory is taken over.
        requires_grad: whether it wants a gradient.
    """

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(raw(data))
        self.requires_grad_(requires_grad)


class Buffer(Tensor):
    """State of a module that is saved and moved with it, but not trained (running statistics).

    Args:
        data: a tensor or array; its memory is taken over.
        persistent: whether it belongs in the state_dict.
    """

    def __init__(self, data: Any, persistent: bool = True) -> None:
        super().__init__(raw(data))
        self.persistent = persistent


class Handle:
    """What `register_hook` gives: a way to take the hook away."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self.hooks, self.hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        if self.hook in self.hooks:
            self.hooks.remove(self.hook)


def raw(value: Any, dtype: Any = None) -> Any:
    """The array of a tensor; an array as it is; numbers and lists as an array, floats in the default dtype.

    With `dtype`, in that one, and from the full precision of Python's floats.
    """
    if dtype is not None:
        dtype = as_dtype(dtype)
    if isinstance(value, Tensor):
        return value.data if dtype is None else value.data.astype(dtype, copy=False)
    array, typed = value, hasattr(value, "dtype")  # typed: the data say which dtype; else floats are of the default one
    try:
        if isinstance(value, list | tuple) and any(isinstance(each, Tensor) or is_array(each) for each in value):
            if any(isinstance(each, Tensor) and each.requires_grad for each in value):
                raise GraphError("tensor: data holds tensors that require a gradient", fix="use minidl.stack")
            array, typed = np.stack([raw(each) for each in value]), not isinstance(value[0], float)
        elif not is_array(value) or isinstance(value, np.ndarray | np.generic):
            array = np.asarray(value)
    except ValueError as error:
        raise ShapeError(f"tensor: data is ragged: {error}", fix="give every row the same length") from error
    if array.dtype.kind not in "fiubc":
        raise DTypeError(f"tensor: data: got {describe(value)}, expected numbers", fix="convert it to numbers first")
    if not array.dtype.isnative:  # of a file written on another machine
        array = array.astype(array.dtype.newbyteorder("="))
    if dtype is None:
        dtype = array.dtype if typed or array.dtype != float64 else DEFAULT
    return array.astype(dtype, copy=False)


def tensor(data: Any, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`.

    Args:
        data: an array (keeps its dtype), a tensor, a number or nested lists (floats become float32).
        dtype: convert to this dtype.
        device: `"cpu"` or `"cuda"`; default: where the data is.
        requires_grad: whether it is a leaf that wants a gradient.
    Raises:
        DTypeError, ShapeError: `data` is not numeric, or ragged.
    """
    array = raw(data, dtype)
    if not isinstance(data, list | tuple | int | float | complex):  # of these there is a new array already
        array = array.copy()
    array = to_device(array, device) if device is not None else array
    return Tensor(array).requires_grad_(requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor over the memory of a NumPy array, without a copy."""
    if not isinstance(array, np.ndarray):
        raise DTypeError(f"from_numpy: got {describe(array)}, expected a numpy.ndarray", fix="use minidl.tensor(...)")
    if not array.dtype.isnative:
        raise DTypeError(f"from_numpy: got dtype {array.dtype}, of another byte order", fix="use minidl.tensor(...)")
    return Tensor(raw(array))


def as_tensor(data: Any, *, dtype: Any = None, device: str | None = None) -> Tensor:
    """A tensor over `data`, copying only where dtype or device demand it; a tensor stays in its graph."""
    if isinstance(data, Tensor):
        return data.to(device, dtype=dtype)
    array = raw(data, dtype)
    return Tensor(array if device is None else to_device(array, device))


def from_dlpack(source: Any) -> Tensor:
    """A tensor over the memory of any object with `__dlpack__` (PyTorch, JAX, CuPy, …), without a copy.

    Raises:
        ArgumentError: the object does not speak DLPack.
    """
    if not hasattr(source, "__dlpack_device__"):
        raise ArgumentError(f"from_dlpack: got {describe(source)}, expected an object with __dlpack__")
    try:
        if source.__dlpack_device__()[0] == 2:  # kDLCUDA
            import cupy

            return Tensor(cupy.from_dlpack(source))
        return Tensor(np.from_dlpack(source))
    except (BufferError, RuntimeError) as error:
        raise ArgumentError(
            f"from_dlpack: got {describe(source)}, which cannot be shared: {error}",
            fix="detach() it, or convert it first",
        ) from error


graph.Tensor = Tensor
