"""Sequences of unequal lengths: padded to one length, or packed without the padding.

Three sequences a, b, c of lengths 3, 2, 1, in time-major order:

    padded (T, N, …)         packed (3 + 2 + 1, …)            batch_sizes
    a₀ b₀ c₀                 a₀ b₀ c₀ a₁ b₁ a₂                3 2 1
    a₁ b₁ ·
    a₂ ·  ·

Packing picks the places that hold something; padding puts them back among zeros. Each is the other's adjoint, and
that is how they are written: `getitem` and `getitem_adjoint` at the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl import ops
from minidl.array import xp
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import Tensor, as_tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "places",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence(NamedTuple):
    """Sequences without padding, as `pack_padded_sequence` makes them and recurrent layers take them.

    `to` and its relatives move or convert the data; batch sizes stay on the CPU, the orders go where the data goes.
    """

    data: Tensor  # (sum of lengths, …): step by step, and in each step the longest sequence first
    batch_sizes: Tensor  # (T,): how many sequences still run at each step
    sorted_indices: Tensor | None = None  # the sequences' numbers from longest to shortest; None: in order already
    unsorted_indices: Tensor | None = None  # the inverse permutation

    def to(self, device: Any = None, dtype: Any = None) -> PackedSequence:
        """On another device, in another dtype, or both; itself where nothing changes."""
        data = self.data.to(device, dtype)
        if data is self.data:
            return self
        orders = (None if o is None else o.to(data.device) for o in (self.sorted_indices, self.unsorted_indices))
        return PackedSequence(data, self.batch_sizes, *orders)

    def cpu(self) -> PackedSequence:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self) -> PackedSequence:
        """On the GPU."""
        return self.to("cuda")

    def float(self) -> PackedSequence:
        """As float32."""
        return self.to(dtype="float32")

    def double(self) -> PackedSequence:
        """As float64."""
        return self.to(dtype="float64")

    def half(self) -> PackedSequence:
        """As float16."""
        return self.to(dtype="float16")

    def int(self) -> PackedSequence:
        """As int32."""
        return self.to(dtype="int32")

    def long(self) -> PackedSequence:
        """As int64."""
        return self.to(dtype="int64")

    @property
    def is_cuda(self) -> bool:
        """Whether the data lies on a GPU."""
        return self.data.device != "cpu"


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The values of padded sequences, without the padding.

    Args:
        input: (T, N, …), or (N, T, …) with `batch_first`.
        lengths: (N,) how much of each sequence counts.
        enforce_sorted: the sequences come from longest to shortest; False: in any order, and they are sorted here.
    Raises:
        ShapeError, ArgumentError: lengths that do not fit the input, or are not sorted where they should be.
    """
    x = as_tensor(input)
    if x.ndim < 2:
        raise ShapeError(
            f"pack_padded_sequence: input: got shape {x.shape}, expected (T, N, …)",
            fix="pad_sequence makes it of a list of sequences; pack_sequence packs the list directly",
        )
    x = ops.swapaxes(x, 0, 1) if batch_first else x
    n = np.asarray([int(each) for each in lengths], dtype=np.int64)  # (N,)
    if n.size != x.shape[1]:
        raise ShapeError(
            f"pack_padded_sequence: lengths: got {n.size} lengths for a batch of {x.shape[1]}",
            fix=f"the input is read as {'(N, T, …)' if batch_first else '(T, N, …)'}: see batch_first",
        )
    if n.size == 0 or n.min() < 1 or n.max() > x.shape[0]:
        raise ArgumentError(
            f"pack_padded_sequence: lengths: got {n.tolist()}, expected each from 1 to {x.shape[0]}",
            fix="leave empty sequences out of the batch" if n.size else "pack at least one sequence",
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-n, kind="stable")
    elif (np.diff(n) > 0).any():
        raise ArgumentError(
            f"pack_padded_sequence: lengths: got {n.tolist()}, expected them from longest to shortest",
            fix="pass enforce_sorted=False",
        )
    batch_sizes = (n > np.arange(n.max())[:, None]).sum(axis=1)  # (T,)
    packed = PackedSequence(
        x,
        Tensor(batch_sizes),
        None if order is None else Tensor(order),
        None if order is None else Tensor(np.argsort(order)),
    )
    return packed._replace(data=ops.getitem(x, index=places(packed)))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Tensor]:
    """Packed sequences with their padding back, in their own order.

    Args:
        sequence: what `pack_padded_sequence` or a recurrent layer gave.
        batch_first: (N, T, …) instead of (T, N, …).
        padding_value: what stands where a sequence has ended.
        total_length: T, at least the longest length, which is the default.
    Returns:
        The padded sequences and their lengths (N,).
    Raises:
        ArgumentError: total_length is too short.
    """
    if not isinstance(sequence, PackedSequence):
        raise ArgumentError(
            f"pad_packed_sequence: sequence: got {describe(sequence)}, expected a PackedSequence",
            fix="a layer gives one back only if it was given one; else its output is padded already",
        )
    steps, batch = len(sequence.batch_sizes), int(sequence.batch_sizes.data[0])
    if total_length is not None and total_length < steps:
        raise ArgumentError(
            f"pad_packed_sequence: total_length: got {total_length}, expected at least {steps}",
            fix="leave it out for the longest length; to cut, index the result",
        )
    steps = total_length or steps
    index = places(sequence)
    x = ops.getitem_adjoint(sequence.data, index=index, shape=(steps, batch, *sequence.data.shape[1:]))
    lengths = np.bincount(index[1].tolist(), minlength=batch)
    if padding_value != 0:
        t = np.arange(steps).reshape(-1, 1, *(1,) * (x.ndim - 2))
        ended = t >= lengths.reshape(1, -1, *(1,) * (x.ndim - 2))  # (T, N, 1, …)
        x = ops.where(xp(x.data).asarray(ended), padding_value, x)
    return (ops.swapaxes(x, 0, 1) if batch_first else x), Tensor(lengths)


def pad_sequence(
    sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Sequences (Tᵢ, …) padded to the longest, side by side: (T, N, …), or (N, T, …) with `batch_first`.

    Raises:
        ArgumentError: no sequences, or a `padding_side` that is neither "right" nor "left".
    """
    if padding_side not in ("right", "left"):
        raise ArgumentError(
            f"pad_sequence: padding_side: got {padding_side!r}, expected 'right' or 'left'",
            fix="leave it out for right",
        )
    if not len(sequences):
        raise ArgumentError(
            "pad_sequence: sequences: got none, expected at least one", fix="leave empty batches out before padding"
        )
    tensors = [as_tensor(each) for each in sequences]
    longest = max(len(each) for each in tensors)
    rows = []
    for each in tensors:
        missing = longest - len(each)
        first = (0, missing) if padding_side == "right" else (missing, 0)
        rows.append(ops.pad(each, widths=(first, *[(0, 0)] * (each.ndim - 1)), value=padding_value))
    return ops.stack(rows, axis=0 if batch_first else 1)


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (Tᵢ, …) side by side without padding.

    Args:
        enforce_sorted: the sequences come from longest to shortest; False: in any order, and they are sorted here.
    Raises:
        ShapeError, ArgumentError: as for `pad_sequence` and `pack_padded_sequence`.
    """
    lengths = [len(each) for each in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The inverse of `pad_sequence`: from (T, N, …), or (N, T, …) with `batch_first`, N sequences (Tᵢ, …).

    Raises:
        ShapeError: another number of lengths than sequences. ArgumentError: a length above T, or below 0.
    """
    x = as_tensor(padded_sequences)
    if x.ndim < 2:
        raise ShapeError(
            f"unpad_sequence: padded_sequences: got shape {x.shape}, expected (T, N, …)",
            fix="a single sequence needs no padding; x[:, None] makes it a batch of one",
        )
    x = x if batch_first else ops.swapaxes(x, 0, 1)  # (N, T, …)
    n = [int(length) for length in lengths]
    if len(n) != len(x):
        raise ShapeError(
            f"unpad_sequence: lengths: got {len(n)}, expected one for each of {len(x)} sequences",
            fix=f"the padded sequences are read as {'(N, T, …)' if batch_first else '(T, N, …)'}: see batch_first",
        )
    if n and not 0 <= min(n) <= max(n) <= x.shape[1]:
        raise ArgumentError(
            f"unpad_sequence: lengths: got {n}, expected each from 0 to {x.shape[1]}", fix="pass the unpadded lengths"
        )
    return [x[i, :length] for i, length in enumerate(n)]


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The inverse of `pack_sequence`: the sequences (Tᵢ, …), in the order in which they were packed.

    Raises:
        ArgumentError: it is no PackedSequence.
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)


def invert_permutation(permutation: Any) -> Tensor | None:
    """The permutation that undoes `permutation`; None for None."""
    return None if permutation is None else Tensor(np.argsort(as_tensor(permutation).numpy()))


def places(sequence: PackedSequence) -> tuple[Any, Any]:
    """For each row of the packed data its step, and its sequence's number in the order of the user."""
    sizes = sequence.batch_sizes.numpy()
    t, n = np.nonzero(np.arange(sizes[0]) < sizes[:, None])
    if sequence.sorted_indices is not None:
        n = sequence.sorted_indices.numpy()[n]
    module = xp(sequence.data.data)
    return module.asarray(t), module.asarray(n)
