"""Embedding layers: a vector for each of a number of things, one by one or in bags."""

from __future__ import annotations

from typing import Any, Self

from minidl.config import no_grad
from minidl.creation import empty
from minidl.errors import ArgumentError, ShapeError, describe
from minidl.tensor import Parameter, as_tensor

from . import functional as F
from . import init
from .module import Module

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """What both are: a table of vectors, and how it is looked up."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        weight: Any,
        freeze: bool,
        device: str | None,
        dtype: Any,
    ) -> None:
        name = type(self).__name__
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError(
                f"{name}: padding_idx: got {padding_idx}, expected one of {num_embeddings} rows",
                fix=f"make it with num_embeddings={padding_idx + 1}" if padding_idx >= 0 else "count from the end, -1",
            )
        if max_norm is not None and not max_norm > 0:
            raise ArgumentError(f"{name}: max_norm: got {max_norm}, expected a length > 0")
        if sparse:
            raise ArgumentError(
                f"{name}: sparse: got True, and gradients are arrays here, with zeros for rows that were not picked",
                fix="leave it out",
            )
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        if weight is None:
            self.weight = Parameter(empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
            self.reset_parameters()
        else:
            self.weight = Parameter(weight)
            if self.weight.shape != (num_embeddings, embedding_dim):
                raise ShapeError(
                    f"{name}: _weight: got shape {self.weight.shape}, expected ({num_embeddings}, {embedding_dim})",
                    fix=f"use {name}.from_pretrained, which takes the sizes from it",
                )
        self.weight.requires_grad_(not freeze)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    @classmethod
    def _of(cls, embeddings: Any, **options: Any) -> Self:
        table = as_tensor(embeddings).detach()
        if table.ndim != 2:
            raise ShapeError(f"{cls.__name__}.from_pretrained: embeddings: got {describe(table)}, expected (V, D)")
        kind: Any = cls
        return kind(*table.shape, _weight=table, **options)

    def _options(self) -> list[str]:
        return [
            *([f"max_norm={self.max_norm}"] if self.max_norm is not None else []),
            *([f"norm_type={self.norm_type}"] if self.norm_type != 2 else []),
            *([f"scale_grad_by_freq={self.scale_grad_by_freq}"] if self.scale_grad_by_freq else []),
        ]


class Embedding(_Table):
    """Rows of a table, picked by number.

    Shapes: (…) of integers → (…, embedding_dim); weight (num_embeddings, embedding_dim).
    Args:
        padding_idx: a row that starts as zeros and gets no gradient; it may be counted from the end.
        max_norm: rows longer than this are brought to this length when they are picked, in place.
        norm_type: p, where the length is ‖row‖ₚ.
        scale_grad_by_freq: divide each row's gradient by how often it was picked.
        sparse: must be False; gradients are arrays.
        _weight, _freeze: a table to begin with, and whether it is not trained: what `from_pretrained` passes.
    Raises:
        ArgumentError: there is no row padding_idx; max_norm is not positive; sparse.
        DTypeError, LabelError (when called): not integers, or outside 0 … num_embeddings − 1.
    Initial values: N(0, 1).
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        lookup = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        super().__init__(num_embeddings, embedding_dim, *lookup, _weight, _freeze, device, dtype)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A layer over a table that is there: embeddings (V, D), whose memory it takes over.

        Args:
            freeze: the table is not trained.
            padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse: as for the class.
        Raises:
            ShapeError: embeddings is no matrix.
        """
        return cls._of(
            embeddings,
            _freeze=freeze,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )

    def forward(self, input: Any) -> Any:
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)

    def extra_repr(self) -> str:
        padding = [] if self.padding_idx is None else [f"padding_idx={self.padding_idx}"]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *padding, *self._options()])


class EmbeddingBag(_Table):
    """Rows of a table, picked by number and reduced by bags: their sum, mean or maximum.

    Shapes: (B, N) of integers → (B, embedding_dim); or (L,) of integers with offsets (B,), where the bags begin.
        weight (num_embeddings, embedding_dim).
    Args:
        max_norm, norm_type, scale_grad_by_freq, sparse: as for Embedding.
        mode: "sum", "mean" or "max".
        include_last_offset: offsets is (B + 1,), and its last number is the end of the last bag.
        padding_idx: a row that counts as not there; it starts as zeros, and may be counted from the end.
    Raises:
        ArgumentError: there is no row padding_idx; another mode; max_norm is not positive; sparse.
        ShapeError, ArgumentError, DTypeError, LabelError (when called): input, offsets and weights that do not fit.
    Initial values: N(0, 1).
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if mode not in ("sum", "mean", "max"):
            raise ArgumentError(f"EmbeddingBag: mode: got {mode!r}, expected 'sum', 'mean' or 'max'")
        self.mode, self.include_last_offset = mode, include_last_offset
        lookup = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        super().__init__(num_embeddings, embedding_dim, *lookup, _weight, False, device, dtype)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A layer over a table that is there: embeddings (V, D), whose memory it takes over.

        Args:
            freeze: the table is not trained.
            the others: as for the class.
        Raises:
            ShapeError: embeddings is no matrix.
        """
        layer = cls._of(
            embeddings,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            mode=mode,
            sparse=sparse,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
        layer.weight.requires_grad_(not freeze)
        return layer

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        padding = [] if self.padding_idx is None else [f"padding_idx={self.padding_idx}"]
        sizes = [str(self.num_embeddings), str(self.embedding_dim)]
        return ", ".join([*sizes, *self._options(), f"mode={self.mode!r}", *padding])
