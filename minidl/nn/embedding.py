"""The embedding layer: a vector for each of a number of things."""

from __future__ import annotations

from typing import Any

from minidl.config import no_grad
from minidl.creation import empty
from minidl.errors import ArgumentError
from minidl.tensor import Parameter

from . import functional as F
from . import init
from .module import Module

__all__ = ["Embedding"]


class Embedding(Module):
    """Rows of a table, picked by number.

    Shapes: (…) of integers → (…, embedding_dim); weight (num_embeddings, embedding_dim).
    Args:
        padding_idx: a row that starts as zeros and gets no gradient; it may be counted from the end.
    Raises:
        ArgumentError: there is no row padding_idx.
    Initial values: N(0, 1).
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError(f"Embedding: padding_idx: got {padding_idx}, expected one of {num_embeddings} rows")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def forward(self, input: Any) -> Any:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
