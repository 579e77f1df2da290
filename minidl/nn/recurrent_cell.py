"""Recurrent cells: one step of a sequence; and what cells and layers share.

A cell is the operation `rnn`, `gru` or `lstm` over a sequence of one step. The layers of `recurrent.py` are stacks of
the same operations over all steps. Names and initial values of the weights, how a state is read, and in what the three
kinds differ stand here, once for both.
"""

from __future__ import annotations

import math
from typing import Any

from minidl import ops
from minidl.array import is_float, xp
from minidl.creation import empty
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import Parameter, Tensor, as_tensor

from . import init
from .module import Module

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]

WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")  # in the order of PyTorch's state_dict


class Recurrent(Module):
    """What layers and cells of every kind share."""

    gates = 1  # blocks of hidden_size rows, one below the other, in the weights
    state_names: tuple[str, ...] = ("h_0",)
    input_size: int
    hidden_size: int
    bias: bool
    proj_size = 0

    def _operation(self, x: Any, state: list[Any], weights: list[Any], lengths: Any, reverse: bool) -> Any:
        """One layer in one direction over x (T, N, D) → y (T, N, H), and the parts of the last state, each (N, H)."""
        raise NotImplementedError

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _keep_sizes(self, **sizes: Any) -> None:
        """As attributes: input_size, hidden_size, …, each a whole number from 1 on."""
        for name, size in sizes.items():
            if not isinstance(size, int) or isinstance(size, bool):
                raise DTypeError(
                    f"{self._kind()}: {name}: got {describe(size)}, expected a whole number", fix="convert with int()"
                )
            if size < 1:
                raise ArgumentError(
                    f"{self._kind()}: {name}: got {size}, expected at least 1",
                    fix="the arguments are input_size, hidden_size, …, in this order",
                )
            setattr(self, name, size)

    def _keep_flags(self, **flags: Any) -> None:
        """As attributes: bias, …, each True or False."""
        for name, flag in flags.items():
            if not isinstance(flag, bool):
                raise DTypeError(
                    f"{self._kind()}: {name}: got {describe(flag)}, expected True or False",
                    fix="pass the arguments behind the sizes by name",
                )
            setattr(self, name, flag)

    def _make(self, end: str, inputs: int, device: Any, dtype: Any) -> None:
        """The weights of one layer in one direction; `end` is how their names end."""
        rows, shown = self.gates * self.hidden_size, self.proj_size or self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, shown)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (shown, self.hidden_size)
        for name, shape in shapes.items():
            setattr(self, name + end, Parameter(empty(*shape, device=device, dtype=dtype)))

    def _weights(self, end: str) -> list[Any]:
        """w_ih, w_hh, b_ih, b_hh, w_hr; None where there is none."""
        return [getattr(self, name + end, None) for name in WEIGHTS]

    def _check_features(self, x: Any, layout: str) -> None:
        if x.shape[-1] != self.input_size:
            raise ShapeError(
                f"{self._kind()}: input: got sequences of {x.shape[-1]} features, expected {self.input_size} "
                f"(input_size): {layout}",
                fix=f"make it with {self._kind()}(input_size={x.shape[-1]}, …); or the features are not the last axis",
            )
        if not is_float(x.dtype):
            raise DTypeError(
                f"{self._kind()}: input: got {describe(x)}, expected floats",
                fix="convert with .float(); numbers of words go through an Embedding first",
            )

    def _begin(self, hx: Any, x: Any, lead: tuple[int, ...], axes: str) -> list[Any]:
        """The parts of the state, each (*lead, H), checked; zeros where none is given."""
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)
        shapes = [(*lead, size) for size in sizes[: len(self.state_names)]]
        if hx is None:
            return [Tensor(xp(x.data).zeros(shape, x.dtype)) for shape in shapes]
        several = len(self.state_names) > 1
        if isinstance(hx, tuple | list) is not several or (several and len(hx) != len(self.state_names)):
            names = ", ".join(self.state_names)
            raise ArgumentError(
                f"{self._kind()}: hx: got {describe(hx)}, expected {f'a pair ({names})' if several else names}",
                fix="pass the state as it was returned, or leave it out for zeros",
            )
        state = [as_tensor(part) for part in (hx if several else (hx,))]
        for name, part, shape in zip(self.state_names, state, shapes, strict=True):
            if part.shape != shape:
                raise ShapeError(
                    f"{self._kind()}: {name}: got shape {part.shape}, expected {shape}: {axes}",
                    fix=f"begin with minidl.zeros{shape}, or leave the state out for zeros",
                )
        return state

    def _kind(self) -> str:
        return type(self).__name__


# The three kinds: in what they differ ---------------------------------------------------------------------------------


class Plain(Recurrent):
    """h ← φ(W_ih x + b_ih + W_hh h + b_hh)."""

    nonlinearity: str

    def _keep_nonlinearity(self, nonlinearity: Any) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(
                f"{self._kind()}: nonlinearity: got {nonlinearity!r}, expected 'tanh' or 'relu'",
                fix="pass the arguments behind the sizes by name; gates are in GRU and LSTM",
            )
        self.nonlinearity = nonlinearity

    def _operation(self, x: Any, state: list[Any], weights: list[Any], lengths: Any, reverse: bool) -> Any:
        return ops.rnn(x, *state, *weights[:4], lengths, nonlinearity=self.nonlinearity, reverse=reverse)


class Gated(Recurrent):
    """[r z] = σ(…);  n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn));  h ← (1 − z) ∘ n + z ∘ h."""

    gates = 3

    def _operation(self, x: Any, state: list[Any], weights: list[Any], lengths: Any, reverse: bool) -> Any:
        return ops.gru(x, *state, *weights[:4], lengths, reverse=reverse)


class LongShort(Recurrent):
    """[i f g o] = [σ σ tanh σ](…);  c ← f ∘ c + i ∘ g;  h ← o ∘ tanh c."""

    gates = 4
    state_names = ("h_0", "c_0")

    def _operation(self, x: Any, state: list[Any], weights: list[Any], lengths: Any, reverse: bool) -> Any:
        return ops.lstm(x, *state, *weights[:4], lengths, weights[4], reverse=reverse)


# Cells ----------------------------------------------------------------------------------------------------------------


class RNNCellBase(Recurrent):
    """What the cells share: one step, from an input and a state to the next state."""

    bias_ih = bias_hh = None  # without biases

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, *, device: str | None = None, dtype: Any = None
    ) -> None:
        self._keep_sizes(input_size=input_size, hidden_size=hidden_size)
        self._keep_flags(bias=bias)
        self._make("", input_size, device, dtype)
        self.reset_parameters()

    def forward(self, input: Any, hx: Any = None) -> Any:
        x = as_tensor(input)
        if x.ndim not in (1, 2):
            raise ShapeError(
                f"{self._kind()}: input: got shape {x.shape}, expected (N, {self.input_size}) or ({self.input_size},)",
                fix=f"a cell takes one step, x[t]; for whole sequences there is {self._kind().removesuffix('Cell')}",
            )
        self._check_features(x, f"(N, {self.input_size}) or ({self.input_size},)")
        lead = x.shape[:-1]
        state = self._begin(hx, x, lead, "(N, H), or (H,) for an input without a batch")
        rows = [ops.reshape(each, shape=(-1, each.shape[-1])) if not lead else each for each in (x, *state)]  # (N, …)
        _, *new = self._operation(ops.unsqueeze(rows[0], axis=0), rows[1:], self._weights(""), None, False)
        h, *rest = new if lead else [ops.squeeze(part, axis=0) for part in new]
        return (h, *rest) if rest else h

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(Plain, RNNCellBase):
    """One step of the plain recurrence.

    Math: h' = φ(W_ih x + b_ih + W_hh h + b_hh)
    Shapes: x (N, D), h (N, H) → h' (N, H); or all without N. weight_ih (H, D), weight_hh (H, H), bias_ih, bias_hh (H,)
    Args:
        bias: whether there are b_ih and b_hh.
        nonlinearity: φ, "tanh" or "relu".
    Raises:
        ArgumentError, DTypeError: a size below 1 or no whole number; another nonlinearity.
        ShapeError, DTypeError (when called): an input or a state of another size, an input that is not floating.
    Initial values: U(−1/√H, 1/√H), all.
    Source: J. Elman, Finding structure in time, Cognitive Science 14 (1990).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._keep_nonlinearity(nonlinearity)
        super().__init__(input_size, hidden_size, bias, device=device, dtype=dtype)

    def extra_repr(self) -> str:
        return super().extra_repr() + (f", nonlinearity={self.nonlinearity}" if self.nonlinearity != "tanh" else "")


class GRUCell(Gated, RNNCellBase):
    """One step of the gated recurrent unit.

    Math: r = σ(W_ir x + b_ir + W_hr h + b_hr),  z = σ(W_iz x + b_iz + W_hz h + b_hz),
        n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn)),  h' = (1 − z) ∘ n + z ∘ h
    Shapes: x (N, D), h (N, H) → h' (N, H); or all without N.
        weight_ih (3H, D), weight_hh (3H, H), bias_ih, bias_hh (3H,): the gates r, z, n one below the other
    Args, Raises, Initial values: as for RNNCell.
    Source: K. Cho et al., Learning phrase representations using RNN encoder–decoder, EMNLP 2014.
    """


class LSTMCell(LongShort, RNNCellBase):
    """One step of the long short-term memory.

    Math: [i f g o] = [σ σ tanh σ](W_ih x + b_ih + W_hh h + b_hh);  c' = f ∘ c + i ∘ g;  h' = o ∘ tanh c'
    Shapes: x (N, D), (h, c) each (N, H) → (h', c'); or all without N.
        weight_ih (4H, D), weight_hh (4H, H), bias_ih, bias_hh (4H,): the gates i, f, g, o one below the other
    Args, Raises, Initial values: as for RNNCell.
    Source: S. Hochreiter, J. Schmidhuber, Long short-term memory (1997); F. Gers et al., Learning to forget (2000).
    """
