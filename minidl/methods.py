"""PyTorch's method names on tensors: each a line over `minidl.ops`, in PyTorch's words (`dim`, `keepdim`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .array import as_dtype, axis_of, bool_, float16, float32, float64, int32, int64, is_array, xp
from .errors import ArgumentError, DTypeError, ShapeError, describe

ops: Any = None  # bound by ops/__init__.py, which stands above this module


class ValuesAndIndices(NamedTuple):
    """What `max(dim)` and `min(dim)` return."""

    values: Any
    indices: Any


def _compare(name: str, *, swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        operand = other.data if isinstance(other, Methods) else other
        if not (is_array(operand) or isinstance(operand, int | float | complex | list | tuple)):
            return NotImplemented  # Python then compares identities: x == None is False
        pair = (operand, self.data) if swapped else (self.data, operand)
        try:
            return self._plain(getattr(xp(self.data), name)(*pair))
        except (ValueError, TypeError) as error:
            kind = DTypeError if isinstance(error, TypeError) else ShapeError
            raise kind(f"{name}: got {describe(self)} and {describe(other)}: {error}") from error

    return method


def _dims(dim: Any) -> Any:
    """Several axes may come as a list too."""
    return tuple(dim) if isinstance(dim, list) else dim


class Methods:
    """The methods of Tensor that stand on operations; split from tensor.py to keep both short."""

    data: Any
    edge: Any
    requires_grad: Any

    @staticmethod
    def _plain(array: Any) -> Any:
        """A tensor outside any graph."""
        raise NotImplementedError

    # Arithmetic ----------------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return ops.sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return ops.sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return ops.mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return ops.mul(other, self)

    def __truediv__(self, other: Any) -> Any:
        return ops.div(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ops.div(other, self)

    def __pow__(self, other: Any) -> Any:
        return ops.pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return ops.pow(other, self)

    def __matmul__(self, other: Any) -> Any:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return ops.matmul(other, self)

    def __neg__(self) -> Any:
        return ops.neg(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return ops.abs(self)

    add, sub, mul, div, pow, matmul, neg = (
        __add__, __sub__, __mul__, __truediv__, __pow__, __matmul__, __neg__,
    )  # fmt: skip
    mm = bmm = __matmul__

    # Comparison and logic: booleans, without gradient ---------------------------------------------------------------

    __lt__ = lt = _compare("less")
    __le__ = le = _compare("less_equal")
    __gt__ = gt = _compare("greater")
    __ge__ = ge = _compare("greater_equal")
    __eq__ = eq = _compare("equal")
    __ne__ = ne = _compare("not_equal")
    logical_and = _compare("logical_and")
    logical_or = _compare("logical_or")
    logical_xor = _compare("logical_xor")
    __and__ = _compare("bitwise_and")  # on booleans the same
    __or__ = _compare("bitwise_or")
    __xor__ = _compare("bitwise_xor")
    __rand__ = _compare("bitwise_and", swapped=True)
    __ror__ = _compare("bitwise_or", swapped=True)
    __rxor__ = _compare("bitwise_xor", swapped=True)
    __hash__ = object.__hash__

    def __invert__(self) -> Any:
        if self.data.dtype.kind not in "iub":
            raise DTypeError(f"~: got a tensor of {self.data.dtype}, expected booleans or integers")
        return self._plain(~self.data)

    def logical_not(self) -> Any:
        """Where elements are 0 or false."""
        return self._plain(xp(self.data).logical_not(self.data))

    def _axis(self, name: str, dim: Any) -> Any:
        if not isinstance(dim, int | np.integer | None):
            raise DTypeError(f"{name}: dim: got {describe(dim)}, expected one axis", fix="amax and amin take several")
        axis = self._axes(name, dim)
        if not (self.data.size if axis is None else self.data.shape[axis]):
            raise ShapeError(f"{name}: got shape {self.data.shape}: among no values none is largest or smallest")
        return axis

    def _axes(self, name: str, dim: Any) -> Any:
        if isinstance(dim, tuple | list):
            return tuple(self._axes(name, each) for each in dim)
        return None if dim is None else axis_of(f"{name}: dim", dim, self.data.ndim)

    def any(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Whether any element is true."""
        return self._plain(xp(self.data).any(self.data, axis=self._axes("any", dim), keepdims=keepdim))

    def all(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Whether all elements are true."""
        return self._plain(xp(self.data).all(self.data, axis=self._axes("all", dim), keepdims=keepdim))

    def isfinite(self) -> Any:
        """Where elements are neither infinite nor NaN."""
        return self._plain(xp(self.data).isfinite(self.data))

    def isnan(self) -> Any:
        """Where elements are NaN."""
        return self._plain(xp(self.data).isnan(self.data))

    # Elementwise -------------------------------------------------------------------------------------------------

    def exp(self) -> Any:
        """eˣ."""
        return ops.exp(self)

    def log(self) -> Any:
        """The natural logarithm."""
        return ops.log(self)

    def sqrt(self) -> Any:
        """√x."""
        return ops.sqrt(self)

    def abs(self) -> Any:
        """|x|."""
        return ops.abs(self)

    def square(self) -> Any:
        """x²."""
        return ops.mul(self, self)

    def erf(self) -> Any:
        """The error function."""
        return ops.erf(self)

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return ops.tanh(self)

    def sigmoid(self) -> Any:
        """1 / (1 + e⁻ˣ)."""
        return ops.sigmoid(self)

    def relu(self) -> Any:
        """max(x, 0)."""
        return ops.relu(self)

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Limit to [min, max]."""
        return ops.clip(self, low=min, high=max)

    clip = clamp

    def maximum(self, other: Any) -> Any:
        """The larger one, element by element."""
        return ops.maximum(self, other)

    def minimum(self, other: Any) -> Any:
        """The smaller one, element by element."""
        return ops.minimum(self, other)

    def masked_fill(self, mask: Any, value: float) -> Any:
        """`value` where the mask is true, else this tensor."""
        return ops.where(mask, value, self)

    def where(self, condition: Any, other: Any) -> Any:
        """This tensor where the condition is true, else `other`."""
        return ops.where(condition, self, other)

    # Reductions ---------------------------------------------------------------------------------------------------

    def sum(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The sum over `dim` (an axis, several, or None for all)."""
        return ops.sum(self, axis=_dims(dim), keepdims=keepdim)

    def mean(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The mean over `dim`."""
        return ops.mean(self, axis=_dims(dim), keepdims=keepdim)

    def var(self, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Any:
        """The variance over `dim`, divided by n − correction."""
        return ops.var(self, axis=_dims(dim), keepdims=keepdim, correction=correction)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest value over `dim`; ties share the gradient."""
        return ops.max(self, axis=_dims(dim), keepdims=keepdim)

    def amin(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest value over `dim`; ties share the gradient."""
        return ops.min(self, axis=_dims(dim), keepdims=keepdim)

    def max(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The largest value of all; with `dim`, (values, indices), the gradient going to the first of ties."""
        if isinstance(dim, Methods):
            return ops.maximum(self, dim)
        return ops.max(self) if dim is None else self._extreme(self.argmax(dim, keepdim=True), dim, keepdim)

    def min(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The smallest value of all; with `dim`, (values, indices), the gradient going to the first of ties."""
        if isinstance(dim, Methods):
            return ops.minimum(self, dim)
        return ops.min(self) if dim is None else self._extreme(self.argmin(dim, keepdim=True), dim, keepdim)

    def _extreme(self, indices: Any, dim: int, keepdim: bool) -> ValuesAndIndices:
        values = ops.take_along_axis(self, indices, axis=dim)
        return ValuesAndIndices(*((values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))))

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The index of the largest value."""
        return self._plain(xp(self.data).argmax(self.data, axis=self._axis("argmax", dim), keepdims=keepdim))

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The index of the smallest value."""
        return self._plain(xp(self.data).argmin(self.data, axis=self._axis("argmin", dim), keepdims=keepdim))

    def logsumexp(self, dim: Any, keepdim: bool = False) -> Any:
        """log Σ eˣ over `dim`, without overflow."""
        return ops.logsumexp(self, axis=_dims(dim), keepdims=keepdim)

    def softmax(self, dim: int) -> Any:
        """eˣ / Σ eˣ along `dim`."""
        return ops.softmax(self, axis=dim)

    def log_softmax(self, dim: int) -> Any:
        """x − log Σ eˣ along `dim`."""
        return ops.log_softmax(self, axis=dim)

    # Shape -----------------------------------------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Any:
        """The same elements in another shape; one size may be −1."""
        return ops.reshape(self, shape=_sizes(shape))

    view = reshape

    def view_as(self, other: Any) -> Any:
        """In the shape of `other`."""
        return ops.reshape(self, shape=other.shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Axes `start_dim` to `end_dim` as one."""
        return ops.flatten(self, start=start_dim, end=end_dim)

    def permute(self, *dims: Any) -> Any:
        """The axes in another order."""
        return ops.transpose(self, axes=_sizes(dims))

    def transpose(self, dim0: int, dim1: int) -> Any:
        """Two axes exchanged."""
        return ops.swapaxes(self, dim0, dim1)

    def t(self) -> Any:
        """The transpose of a matrix."""
        if self.data.ndim > 2:
            raise ShapeError(f"t: got shape {self.data.shape}, expected a matrix", fix="use .mT, or transpose(0, 1)")
        return ops.transpose(self, axes=None)

    @property
    def T(self) -> Any:
        """All axes in reverse order."""
        return ops.transpose(self, axes=None)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return ops.mT(self)

    def squeeze(self, dim: Any = None) -> Any:
        """Without the axes of size 1, or without `dim` if its size is 1."""
        return ops.squeeze(self, axis=_dims(dim))

    def unsqueeze(self, dim: int) -> Any:
        """With a new axis of size 1 at `dim`."""
        return ops.unsqueeze(self, axis=dim)

    def expand(self, *sizes: Any) -> Any:
        """Axes of size 1 stretched to `sizes` (−1: as it is), without a copy."""
        sizes, shape = _sizes(sizes), self.data.shape
        added = len(sizes) - len(shape)
        if added < 0 or -1 in sizes[:added]:
            raise ShapeError(
                f"expand: got sizes {sizes} for a tensor of shape {shape}, expected at least {len(shape)} sizes, and "
                "no -1 for a new axis"
            )
        return ops.expand(self, shape=tuple(shape[i - added] if s == -1 else s for i, s in enumerate(sizes)))

    def expand_as(self, other: Any) -> Any:
        """Stretched to the shape of `other`."""
        return ops.expand(self, shape=other.shape)

    def split(self, split_size: Any, dim: int = 0) -> Any:
        """Pieces of `split_size` along `dim` (the last may be smaller), or of the sizes listed."""
        return ops.split(self, split_size, axis=dim)

    def chunk(self, chunks: int, dim: int = 0) -> Any:
        """At most `chunks` pieces along `dim`."""
        if chunks < 1:
            raise ArgumentError(f"chunk: chunks: got {chunks}, expected at least 1")
        size = self.data.shape[axis_of("chunk: dim", dim, self.data.ndim)]
        return ops.split(self, max(1, -(-size // chunks)), axis=dim)

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index=ops.plain_index(index))

    def contiguous(self) -> Any:
        """The same values, laid out in C order."""
        return self if self.data.flags.c_contiguous else self._with(self.data.copy(order="C"))

    def _with(self, array: Any) -> Any:
        """This tensor's place in the graph over other memory that holds the same values."""
        if not self.requires_grad:
            return self._plain(array)
        result = ops.reshape(self, shape=self.data.shape)
        result.data = array
        return result

    def clone(self) -> Any:
        """A copy, recorded in the graph."""
        return self._with(self.data.copy())

    # Dtype and device ----------------------------------------------------------------------------------------------

    def to(self, device: Any = None, dtype: Any = None) -> Any:
        """On another device, in another dtype, or both; `to(minidl.float64)` and `to(other_tensor)` work too."""
        if isinstance(device, Methods):
            device, dtype = device.device, device.data.dtype  # type: ignore[attr-defined]
        elif device is not None and not isinstance(device, str):
            device, dtype = dtype, device
        result: Any = self
        if dtype is not None and as_dtype(dtype) != self.data.dtype:
            result = ops.cast(result, dtype=as_dtype(dtype))
        if device is not None and result.device != device:
            result = ops.move(result, device=device)
        return result

    def float(self) -> Any:
        """As float32."""
        return self.to(dtype=float32)

    def double(self) -> Any:
        """As float64."""
        return self.to(dtype=float64)

    def half(self) -> Any:
        """As float16."""
        return self.to(dtype=float16)

    def int(self) -> Any:
        """As int32."""
        return self.to(dtype=int32)

    def long(self) -> Any:
        """As int64."""
        return self.to(dtype=int64)

    def bool(self) -> Any:
        """As bool."""
        return self.to(dtype=bool_)

    def type_as(self, other: Any) -> Any:
        """In the dtype of `other`."""
        return self.to(dtype=other.dtype)

    def cpu(self) -> Any:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self) -> Any:
        """On the GPU."""
        return self.to("cuda")

    def __contains__(self, value: Any) -> Any:
        if isinstance(value, str | bytes):
            raise DTypeError(f"in: got {describe(value)}, expected a number")
        return (self == value).data.any().item()


def _sizes(sizes: tuple[Any, ...]) -> tuple[Any, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
