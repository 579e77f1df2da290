"""Recurrent layers over whole sequences: stacks of the operations `rnn`, `gru`, `lstm`, in one or both directions."""

from __future__ import annotations

import warnings
from typing import Any

from minidl import ops
from minidl.array import xp
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import Parameter, as_tensor

from . import functional as F
from .functional.dropout import check_probability
from .recurrent_cell import Gated, LongShort, Plain, Recurrent
from .utils.rnn import PackedSequence, pad_packed_sequence, places

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]


class RNNBase(Recurrent):
    """What RNN, GRU and LSTM share.

    Shapes: T steps, N sequences, D = input_size, H = hidden_size, L = num_layers, K = 2 if bidirectional, else 1:
        x (T, N, D), or (N, T, D) with batch_first, or (T, D), or a PackedSequence; state (L·K, N, H), or (L·K, H)
        without a batch, zeros by default → y like x but with K·H, and the last state.
        weight_ih_l0 (G·H, D), weight_hh_l0 (G·H, H), bias_ih_l0, bias_hh_l0 (G·H,), with G gates; in later layers K·H
        stands for D; those of the backward direction end in _reverse.
    Args:
        bias: whether there are b_ih and b_hh.
        batch_first: x and y are (N, T, …). The state is not.
        dropout: probability for the outputs of all layers but the last, in training.
        bidirectional: a second set of weights reads the sequence from its end; the outputs stand side by side.
        variational: dropout draws one mask for all steps of a sequence, by `F.variational_dropout`, and not a new one
            at every step. (PyTorch has no such option.) The way from step to step is left alone.
    Raises:
        ArgumentError, DTypeError: sizes below 1 or no whole numbers, a dropout that is no probability.
        ShapeError, DTypeError (when called): an input or a state of other sizes, an input that is not floating.
    Initial values: U(−1/√H, 1/√H), all.
    """

    mode: str
    num_layers: int
    batch_first: bool
    bidirectional: bool
    variational: bool

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
        variational: bool = False,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._keep_sizes(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self._keep_flags(bias=bias, batch_first=batch_first, bidirectional=bidirectional, variational=variational)
        if isinstance(proj_size, bool) or not isinstance(proj_size, int):
            raise DTypeError(
                f"{self._kind()}: proj_size: got {describe(proj_size)}, expected a whole number",
                fix="pass the arguments behind the sizes by name",
            )
        if not 0 <= proj_size < hidden_size:
            raise ArgumentError(
                f"{self._kind()}: proj_size: got {proj_size}, expected 0 (none) to {hidden_size - 1}, less than "
                "hidden_size",
                fix="a projection makes the state smaller; leave it out to keep hidden_size",
            )
        if isinstance(dropout, bool):
            raise ArgumentError(
                f"{self._kind()}: dropout: got {dropout}, expected a probability, from 0 to 1",
                fix="pass the arguments behind the sizes by name",
            )
        check_probability(f"{self._kind()}: dropout", dropout)
        if dropout > 0 and num_layers == 1:
            text = f"{self._kind()}: dropout stands between layers, and there is only one layer"
            warnings.warn(text, stacklevel=3)
        self.dropout, self.proj_size = float(dropout), proj_size
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else (proj_size or hidden_size) * len(self._directions())
            for end in self._directions():
                self._make(f"_l{layer}{end}", inputs, device, dtype)
        self.reset_parameters()

    def _directions(self) -> tuple[str, ...]:
        """How the names of the parameters end."""
        return ("", "_reverse") if self.bidirectional else ("",)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        ends = [f"_l{layer}{end}" for layer in range(self.num_layers) for end in self._directions()]
        return [[w for w in self._weights(end) if w is not None] for end in ends]

    def flatten_parameters(self) -> None:
        """Nothing: PyTorch's layers move their weights together for cuDNN here, which ours do not use."""

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        if isinstance(input, PackedSequence):
            if input.data.ndim != 2:
                raise ShapeError(
                    f"{self._kind()}: input: got packed data of shape {input.data.shape}, expected (sum of lengths, "
                    f"{self.input_size})",
                    fix="give each step one row of features before packing",
                )
            x, lengths = pad_packed_sequence(input)  # (T, N, D), (N,)
            y, state = self._run(x, hx, xp(x.data).asarray(lengths.data))
            return input._replace(data=ops.getitem(y, index=places(input))), state
        x = as_tensor(input)
        if x.ndim not in (2, 3):
            raise ShapeError(
                f"{self._kind()}: input: got shape {x.shape}, expected {self._layout()} or (T, {self.input_size})",
                fix="x[:, None] makes a sequence of numbers one of rows" if x.ndim == 1 else "flatten the features",
            )
        if x.ndim == 2:
            y, state = self._run(ops.unsqueeze(x, axis=1), hx, None, single=True)
            return ops.squeeze(y, axis=1), state
        y, state = self._run(ops.swapaxes(x, 0, 1) if self.batch_first else x, hx, None)
        return (ops.swapaxes(y, 0, 1) if self.batch_first else y), state

    def _run(self, x: Any, hx: Any, lengths: Any, single: bool = False) -> tuple[Any, Any]:
        """All layers and directions over x (T, N, D); without a batch, the state has no axis for it."""
        self._check_features(x, self._layout())
        ends = self._directions()
        count = self.num_layers * len(ends)
        if single:
            axes = "(layers · directions, H) for an input without a batch"
            state = [ops.unsqueeze(part, axis=1) for part in self._begin(hx, x, (count,), axes)]
        else:
            state = self._begin(hx, x, (count, x.shape[1]), "(layers · directions, N, H), with batch_first too")
        last = []
        for layer in range(self.num_layers):
            if layer > 0:
                x = self._drop(x)
            ys = []
            for direction, end in enumerate(ends):
                parts = [part[layer * len(ends) + direction] for part in state]  # each (N, H)
                weights = self._weights(f"_l{layer}{end}")
                y, *parts = self._operation(x, parts, weights, lengths, direction == 1)  # (T, N, H)
                ys.append(y)
                last.append(parts)
            x = ops.concatenate(*ys, axis=2) if len(ys) > 1 else ys[0]  # (T, N, K·H)
        h_n, *rest = (ops.stack(parts) for parts in zip(*last, strict=True))  # each (L·K, N, H)
        if single:
            h_n, *rest = (ops.squeeze(part, axis=1) for part in (h_n, *rest))
        return x, (h_n, *rest) if rest else h_n

    def _drop(self, x: Any) -> Any:
        """What one layer hands to the next."""
        if self.variational:
            return F.variational_dropout(x, self.dropout, self.training)
        return F.dropout(x, self.dropout, self.training)

    def _layout(self) -> str:
        return f"(N, T, {self.input_size})" if self.batch_first else f"(T, N, {self.input_size})"

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += f", proj_size={self.proj_size}" if self.proj_size else ""
        text += f", num_layers={self.num_layers}" if self.num_layers != 1 else ""
        text += "" if self.bias else ", bias=False"
        text += ", batch_first=True" if self.batch_first else ""
        text += f", dropout={self.dropout}" if self.dropout else ""
        text += ", bidirectional=True" if self.bidirectional else ""
        return text + (", variational=True" if self.variational else "")


class RNN(Plain, RNNBase):
    """A plain recurrent network (Elman's), in several layers and in one or both directions.

    Math: at each step, h ← φ(W_ih x + b_ih + W_hh h + b_hh)
    Shapes, Args, Raises, Initial values: as for RNNBase, with one gate.
        nonlinearity: φ, "tanh" or "relu".
    Source: J. Elman, Finding structure in time, Cognitive Science 14 (1990).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        variational: bool = False,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._keep_nonlinearity(nonlinearity)
        self.mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            variational=variational, device=device, dtype=dtype,
        )  # fmt: skip


class GRU(Gated, RNNBase):
    """Gated recurrent units, in several layers and in one or both directions.

    Math: at each step, r = σ(W_ir x + b_ir + W_hr h + b_hr),  z = σ(W_iz x + b_iz + W_hz h + b_hz),
        n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn)),  h ← (1 − z) ∘ n + z ∘ h
    Shapes, Args, Raises, Initial values: as for RNNBase, with three gates, r, z, n.
    Source: K. Cho et al., Learning phrase representations using RNN encoder–decoder, EMNLP 2014, equations 5–8; with r
        behind the product, as in cuDNN and PyTorch.
    """

    mode = "GRU"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        variational: bool = False,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            variational=variational, device=device, dtype=dtype,
        )  # fmt: skip


class LSTM(LongShort, RNNBase):
    """A long short-term memory, in several layers and in one or both directions.

    Math: at each step, [i f g o] = [σ σ tanh σ](W_ih x + b_ih + W_hh h + b_hh);  c ← f ∘ c + i ∘ g;  h ← o ∘ tanh c,
        or with a projection h ← W_hr (o ∘ tanh c)
    Shapes, Args, Raises, Initial values: as for RNNBase, with four gates, i, f, g, o, and a state of two parts, (h, c).
        proj_size: P, the size of h if it is to be smaller than c, or 0. There is then weight_hr_l0 (P, H), and P stands
            for H in y, in h and in the columns of weight_hh.
    Source: S. Hochreiter, J. Schmidhuber, Long short-term memory (1997); F. Gers et al., Learning to forget (2000);
        H. Sak et al., Long short-term memory based recurrent neural network architectures (2014; the projection).
    """

    mode = "LSTM"

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
        variational: bool = False,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
            variational=variational, device=device, dtype=dtype,
        )  # fmt: skip
