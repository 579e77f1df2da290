"""Layers that say where things stand in a sequence, which attention alone does not see."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import ops
from minidl.creation import empty
from minidl.errors import ArgumentError, ShapeError
from minidl.tensor import Buffer, Parameter, as_tensor

from . import functional as F
from . import init
from .functional.dropout import check_probability
from .functional.positional import check_base, check_buckets
from .module import Module

__all__ = ["LearnedPositionalEncoding", "PositionalEncoding", "RelativePositionBias", "RotaryEmbedding"]


class _Added(Module):
    """What both encodings are: rows of a table, one for each place, added to what stands there."""

    def __init__(self, d_model: int, dropout: float = 0.1, max_len: int = 5000, batch_first: bool = False) -> None:
        name = type(self).__name__
        if d_model < 1 or max_len < 1:
            raise ArgumentError(f"{name}: got d_model {d_model}, max_len {max_len}, expected at least 1 of each")
        check_probability(f"{name}: dropout", dropout)
        self.d_model, self.dropout, self.max_len, self.batch_first = d_model, dropout, max_len, batch_first

    def _rows(self) -> Any:
        raise NotImplementedError

    def forward(self, input: Any) -> Any:
        x = as_tensor(input)
        name, axis = type(self).__name__, x.ndim - 2 if self.batch_first else 0
        if x.ndim not in (2, 3) or x.shape[-1] != self.d_model:
            batch = "N, T" if self.batch_first else "T, N"
            raise ShapeError(
                f"{name}: input: got shape {x.shape}, expected ({batch}, {self.d_model}) or (T, {self.d_model})",
                fix=f"make it with d_model={x.shape[-1]}" if x.ndim in (2, 3) else "an Embedding makes vectors",
            )
        t = x.shape[axis]
        if t > self.max_len:
            raise ShapeError(
                f"{name}: input: got shape {x.shape}, that is {t} places, expected at most max_len, {self.max_len}",
                fix=f"make it with max_len={t}; or see batch_first",
            )
        rows = self._rows()[:t]  # (T, E)
        if x.ndim == 3 and not self.batch_first:
            rows = ops.unsqueeze(rows, axis=1)  # (T, 1, E)
        return F.dropout(x + rows, self.dropout, self.training)

    def extra_repr(self) -> str:
        return f"{self.d_model}, dropout={self.dropout}, max_len={self.max_len}, batch_first={self.batch_first}"


class PositionalEncoding(_Added):
    """Waves added to what stands at each place: sines and cosines, each pair slower than the one before.

    Math: y = dropout(x + p);  p[t, 2i] = sin(t · 10000^(−2i/E)),  p[t, 2i + 1] = cos(t · 10000^(−2i/E))
    Shapes: (T, N, E) → the same, E = d_model, T ≤ max_len; N comes first with batch_first, and may be left out.
        pe (max_len, E), a buffer that is not saved: it can be computed again.
    Args:
        dropout: the probability of dropping a number of the sum, in training.
        max_len: the longest sequence.
    Raises:
        ArgumentError: sizes, or dropout. ShapeError (when called): other features, or a longer sequence.
    Source: A. Vaswani et al., Attention is all you need (2017), section 3.5.
    """

    def __init__(
        self,
        d_model: int,
        dropout: float = 0.1,
        max_len: int = 5000,
        batch_first: bool = False,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(d_model, dropout, max_len, batch_first)
        self.pe = Buffer(F.sinusoidal_positions(max_len, d_model, device=device, dtype=dtype), persistent=False)

    def _rows(self) -> Any:
        return self.pe


class LearnedPositionalEncoding(_Added):
    """A learned vector for each place, added to what stands there.

    Math: y = dropout(x + w)
    Shapes, Args, Raises: as PositionalEncoding; weight (max_len, E).
    Initial values: N(0, 0.02²).
    Source: J. Devlin et al., BERT (2019), section 3; A. Radford et al., Improving language understanding by generative
        pre-training (2018), section 4.1, for the initial values.
    """

    def __init__(
        self,
        d_model: int,
        dropout: float = 0.1,
        max_len: int = 5000,
        batch_first: bool = False,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(d_model, dropout, max_len, batch_first)
        self.weight = Parameter(empty(max_len, d_model, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight, std=0.02)

    def _rows(self) -> Any:
        return self.weight


class RotaryEmbedding(Module):
    """Rotary positions: each pair of features of a query or a key turned by an angle that grows with the place.

    Math: pair i of place t is turned by t · base^(−2i/D); the product of a query and a key then knows their distance
    Shapes: (…, T, D) → the same, D = dim, the size of a head.
    Args:
        base: the slowest pair turns by about a radian in `base` places.
        interleaved: neighbours are pairs (Su et al., LLaMA's own code); else the first half and the second are, feature
            by feature (Hugging Face).
    Raises:
        ArgumentError: dim is odd or below 2; base. ShapeError (when called): other features, positions that do not fit.
    Source: J. Su et al., RoFormer: enhanced Transformer with rotary position embedding (2021), section 3.2.2.
    """

    def __init__(self, dim: int, base: float = 10000.0, interleaved: bool = False) -> None:
        if dim < 2 or dim % 2:
            raise ArgumentError(f"RotaryEmbedding: dim: got {dim}, expected an even number of 2 or more")
        check_base("RotaryEmbedding", base)
        self.dim, self.base, self.interleaved = dim, base, interleaved

    def forward(self, input: Any, positions: Any = None) -> Any:
        """Queries or keys, turned; positions: the places' numbers, 0 to T − 1 by default."""
        x = as_tensor(input)
        if x.ndim < 2 or x.shape[-1] != self.dim:
            raise ShapeError(
                f"RotaryEmbedding: input: got shape {x.shape}, expected (…, T, {self.dim})",
                fix="dim is the size of one head, not of all: split into heads first",
            )
        return F.rotary(x, positions, self.base, self.interleaved)

    def extra_repr(self) -> str:
        return f"{self.dim}, base={self.base}, interleaved={self.interleaved}"


class RelativePositionBias(Module):
    """A learned number for each head and each class of distances, added to the scores of attention.

    Math: bias[h, t, s] = w[bucket(s − t), h], with `functional.relative_position_bucket`
    Shapes: (T, S) → (H, T, S), as attn_mask for queries (N, H, T, D), H = num_heads; weight (num_buckets, H).
    Args:
        num_buckets, max_distance: how many classes there are, and from where on all distances share the last one.
        bidirectional: whether keys that come later than the query have classes of their own; False under a causal mask.
    Raises:
        ArgumentError: too few heads or buckets, a max_distance too near; lengths below 0 when called.
    Initial values: N(0, 1).
    Source: C. Raffel et al., Exploring the limits of transfer learning with a unified text-to-text Transformer (2020),
        section 2.1.
    """

    def __init__(
        self,
        num_heads: int,
        num_buckets: int = 32,
        max_distance: int = 128,
        bidirectional: bool = True,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if num_heads < 1:
            raise ArgumentError(f"RelativePositionBias: num_heads: got {num_heads}, expected 1 or more")
        check_buckets("RelativePositionBias", bidirectional, num_buckets, max_distance)
        self.num_heads, self.num_buckets = num_heads, num_buckets
        self.max_distance, self.bidirectional = max_distance, bidirectional
        self.weight = Parameter(empty(num_buckets, num_heads, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)

    def forward(self, query_length: int, key_length: int | None = None) -> Any:
        """The bias of all queries and keys; key_length: query_length by default."""
        key_length = query_length if key_length is None else key_length
        if query_length < 0 or key_length < 0:
            raise ArgumentError(
                f"RelativePositionBias: got lengths {query_length} and {key_length}, expected 0 or more"
            )
        distance = np.arange(key_length) - np.arange(query_length)[:, None]  # (T, S)
        buckets = F.relative_position_bucket(distance, self.bidirectional, self.num_buckets, self.max_distance)
        rows = F.embedding(buckets.to(self.weight.device), self.weight)  # (T, S, H)
        return ops.transpose(rows, axes=(2, 0, 1))  # (H, T, S)

    def extra_repr(self) -> str:
        return (
            f"{self.num_heads}, num_buckets={self.num_buckets}, max_distance={self.max_distance}, "
            f"bidirectional={self.bidirectional}"
        )
