"""The LSTM over layers and directions; one layer in one direction is the operation `lstm`."""

from __future__ import annotations

import math
import warnings
from typing import Any

from minidl import ops
from minidl.array import xp
from minidl.creation import empty
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import Parameter, Tensor, as_tensor

from . import functional as F
from . import init
from .functional.dropout import check_probability
from .module import Module
from .utils.rnn import PackedSequence, pad_packed_sequence, places

__all__ = ["LSTM"]


class LSTM(Module):
    """A long short-term memory, in several layers and in one or both directions.

    Math: at each step, [i f g o] = [σ σ tanh σ](W_ih x + b_ih + W_hh h + b_hh);  c ← f ∘ c + i ∘ g;  h ← o ∘ tanh c
    Shapes: T steps, N sequences, D = input_size, H = hidden_size, L = num_layers, K = 2 if bidirectional, else 1:
        x (T, N, D), or (N, T, D) with batch_first, or (T, D), or a PackedSequence; h₀, c₀ (L·K, N, H), 0 by default
        → y like x but with K·H, (h_n, c_n) (L·K, N, H);
        weight_ih_l0 (4H, D), weight_hh_l0 (4H, H), bias_ih_l0, bias_hh_l0 (4H,), in later layers K·H for D;
        those of the backward direction end in _reverse.
    Args:
        bias: whether there are b_ih and b_hh.
        dropout: probability for the outputs of all layers but the last, in training.
        proj_size: only 0 so far.
    Raises:
        ArgumentError: proj_size, or sizes below 1. ShapeError (when called): an input or states of other sizes.
    Initial values: U(−1/√H, 1/√H), all.
    Source: S. Hochreiter, J. Schmidhuber, Long short-term memory (1997); F. Gers et al., Learning to forget (2000).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if proj_size:
            raise ArgumentError(f"LSTM: proj_size: got {proj_size}, expected 0", fix="put a Linear behind the LSTM")
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if size < 1:
                raise ArgumentError(f"LSTM: {name}: got {size}, expected at least 1")
        check_probability("LSTM: dropout", dropout)
        if dropout > 0 and num_layers == 1:
            warnings.warn("LSTM: dropout stands between layers, and there is only one layer", stacklevel=2)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        for layer in range(num_layers):
            size = input_size if layer == 0 else hidden_size * len(self._directions())
            for end in self._directions():
                for name, *columns in (("weight_ih", size), ("weight_hh", hidden_size), ("bias_ih",), ("bias_hh",)):
                    if columns or bias:
                        values = empty(4 * hidden_size, *columns, device=device, dtype=dtype)
                        setattr(self, f"{name}_l{layer}{end}", Parameter(values))
        self.reset_parameters()

    def _directions(self) -> tuple[str, ...]:
        """How the names of the parameters end."""
        return ("", "_reverse") if self.bidirectional else ("",)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input: Any, hx: tuple[Any, Any] | None = None) -> tuple[Any, tuple[Any, Any]]:
        states = _pair_of_states(hx)
        if isinstance(input, PackedSequence):
            x, lengths = pad_packed_sequence(input)  # (T, N, D), (N,)
            y, state = self._run(x, states, xp(x.data).asarray(lengths.data))
            return input._replace(data=ops.getitem(y, index=places(input))), state
        x = as_tensor(input)
        if x.ndim not in (2, 3):
            raise ShapeError(f"LSTM: input: got shape {x.shape}, expected {self._layout()} or (T, {self.input_size})")
        single = x.ndim == 2
        if single:
            x = ops.unsqueeze(x, axis=1)
            states = None if states is None else [ops.unsqueeze(s, axis=1) for s in states]
        elif self.batch_first:
            x = ops.swapaxes(x, 0, 1)
        y, (h, c) = self._run(x, states, None)
        if single:
            return ops.squeeze(y, axis=1), (ops.squeeze(h, axis=1), ops.squeeze(c, axis=1))
        return (ops.swapaxes(y, 0, 1) if self.batch_first else y), (h, c)

    def _run(self, x: Any, states: Any, lengths: Any) -> tuple[Any, tuple[Any, Any]]:
        """All layers and directions over x (T, N, D)."""
        if x.shape[-1] != self.input_size:
            raise ShapeError(
                f"LSTM: input: got sequences of {x.shape[-1]} features, expected {self.input_size} (input_size): "
                f"{self._layout()}"
            )
        h0, c0 = self._initial(x, states)
        ends = self._directions()
        h_n, c_n = [], []
        for layer in range(self.num_layers):
            if layer > 0:
                x = F.dropout(x, self.dropout, self.training)
            ys = []
            for direction, end in enumerate(ends):
                weights = [
                    getattr(self, f"{name}_l{layer}{end}", None)
                    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                ]
                i = layer * len(ends) + direction
                y, h, c = ops.lstm(x, h0[i], c0[i], *weights, lengths, reverse=direction == 1)  # (T, N, H)
                ys.append(y)
                h_n.append(h)
                c_n.append(c)
            x = ops.concatenate(*ys, axis=2) if len(ys) > 1 else ys[0]  # (T, N, K·H)
        return x, (ops.stack(h_n), ops.stack(c_n))

    def _initial(self, x: Any, states: Any) -> tuple[Any, Any]:
        """h₀ and c₀ (L·K, N, H), checked; zeros where none are given."""
        shape = (self.num_layers * len(self._directions()), x.shape[1], self.hidden_size)
        if states is None:
            zeros = Tensor(xp(x.data).zeros(shape, x.dtype))
            return zeros, zeros
        for name, state in zip(("h_0", "c_0"), states, strict=True):
            if state.shape != shape:
                raise ShapeError(
                    f"LSTM: {name}: got shape {state.shape}, expected {shape}: (layers · directions, N, H)"
                )
        return tuple(states)

    def _layout(self) -> str:
        return f"(N, T, {self.input_size})" if self.batch_first else f"(T, N, {self.input_size})"

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += f", num_layers={self.num_layers}" if self.num_layers != 1 else ""
        text += "" if self.bias else ", bias=False"
        text += ", batch_first=True" if self.batch_first else ""
        text += f", dropout={self.dropout}" if self.dropout else ""
        return text + (", bidirectional=True" if self.bidirectional else "")


def _pair_of_states(hx: Any) -> Any:
    if hx is None:
        return None
    if not isinstance(hx, tuple | list) or len(hx) != 2:
        raise ArgumentError(f"LSTM: hx: got {describe(hx)}, expected a pair (h_0, c_0)")
    return [as_tensor(state) for state in hx]
