"""The Transformer: layers of attention and of thought, in an encoder, a decoder, or both."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from minidl.array import to_device
from minidl.creation import zeros
from minidl.errors import ArgumentError, DTypeError, ShapeError, describe
from minidl.tensor import Tensor, as_tensor

from . import functional as F
from . import init
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalize import LayerNorm

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": F.relu, "gelu": F.gelu}


class _Layer(Module):
    """What both layers are: branches, each added to what came in, with a norm for each branch."""

    attentions: ClassVar[tuple[str, ...]]  # their names; one more branch thinks

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        e, width, kind = d_model, dim_feedforward, dict[str, Any](device=device, dtype=dtype)
        if width < 1:
            raise ArgumentError(f"{type(self).__name__}: dim_feedforward: got {width}, expected 1 or more")
        for name in self.attentions:
            setattr(self, name, MultiheadAttention(e, nhead, dropout, bias, batch_first=batch_first, **kind))
        self.linear1 = Linear(e, width, bias, **kind)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(width, e, bias, **kind)
        self.norm_first = norm_first
        branches = range(1, len(self.attentions) + 2)
        for i in branches:
            setattr(self, f"norm{i}", LayerNorm(e, layer_norm_eps, bias=bias, **kind))
        for i in branches:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _activation(type(self).__name__, activation)

    def _branches(self, x: Any, *branches: Callable[[Any], Any]) -> Any:
        """x ← x + dropout(branch(norm(x))) one after the other, or x ← norm(x + dropout(branch(x)))."""
        for i, branch in enumerate(branches, 1):
            norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
            x = x + dropout(branch(norm(x))) if self.norm_first else norm(x + dropout(branch(x)))
        return x

    def _feed_forward(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))  # (…, F) → (…, E)


class TransformerEncoderLayer(_Layer):
    """Each place looks at all others, then thinks about what it saw.

    Math: x ← norm₁(x + attention(x, x, x));  x ← norm₂(x + W₂ f(W₁ x + b₁) + b₂);  with norm_first
        x ← x + attention(norm₁(x), …);  x ← x + W₂ f(W₁ norm₂(x) + b₁) + b₂
    Shapes: (S, N, E) → the same, E = d_model; N comes first with batch_first, and may be left out.
    Args:
        d_model: E, the length of the vector that stands for a place.
        nhead: how many heads the attention has.
        dim_feedforward: F, the rows of W₁.
        dropout: the probability, in training, of dropping an attention weight, a number behind f, and one of a branch.
        activation: f: "relu", "gelu", or any function of a tensor; a module among them becomes a part of the layer.
        layer_norm_eps: added to the variance in the norms.
        norm_first: the norm at the head of each branch, so that x itself passes through all layers unchanged.
        bias: whether projections, W₁, W₂ and norms have biases.
    Raises:
        ArgumentError: sizes that do not fit, an unknown activation. ShapeError (when called): inputs or masks that do
        not fit.
    Initial values: those of the parts.
    Source: A. Vaswani et al., Attention is all you need (2017), section 3; for norm_first, R. Xiong et al., On layer
        normalization in the Transformer architecture (2020), figure 1.
    """

    attentions: ClassVar[tuple[str, ...]] = ("self_attn",)
    self_attn: MultiheadAttention

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The layer's output.

        Args:
            src_mask: (S, S) or (N·H, S, S), as `attn_mask` of MultiheadAttention: boolean, **true where a place may not
                attend**, or a number that is added.
            src_key_padding_mask: (N, S): boolean, **true where a place is padding**, or a number that is added.
            is_causal: each place attends to itself and those before it; no src_mask is needed beside it.
        """

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        return self._branches(as_tensor(src), attend, self._feed_forward)


class TransformerDecoderLayer(_Layer):
    """Each place looks at the others, then at an encoder's output, the memory; then it thinks about what it saw.

    Math: x ← norm₁(x + attention(x, x, x));  x ← norm₂(x + attention(x, memory, memory));
        x ← norm₃(x + W₂ f(W₁ x + b₁) + b₂);  with norm_first as in TransformerEncoderLayer
    Shapes: tgt (T, N, E), memory (S, N, E) → (T, N, E); N comes first with batch_first, and may be left out.
    Args, Raises, Initial values, Source: as TransformerEncoderLayer.
    """

    attentions: ClassVar[tuple[str, ...]] = ("self_attn", "multihead_attn")
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The layer's output.

        Args:
            tgt_mask, memory_mask: (T, T) and (T, S), or one for each head, as `attn_mask` of MultiheadAttention.
            tgt_key_padding_mask, memory_key_padding_mask: (N, T) and (N, S).
            tgt_is_causal, memory_is_causal: place t attends to places ≤ t alone, of tgt and of memory.
        """
        memory = as_tensor(memory)

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def attend_to_memory(x: Any) -> Any:
            masks = memory_key_padding_mask, False, memory_mask
            return self.multihead_attn(x, memory, memory, *masks, is_causal=memory_is_causal)[0]

        return self._branches(as_tensor(tgt), attend, attend_to_memory, self._feed_forward)


class TransformerEncoder(Module):
    """Encoder layers in a row: copies of one.

    Shapes: (S, N, E) → the same; as the layers take it.
    Args:
        encoder_layer: the layer, of which copies are made: all begin with the same values, as in PyTorch.
        num_layers: how many.
        norm: a layer behind the last; where norm_first, nothing has normalised its output yet.
        enable_nested_tensor, mask_check: accepted, and without effect: PyTorch's way to leave out padding.
    Raises:
        DTypeError: the layer is no module. ArgumentError: num_layers is below 0.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        self.layers = _copies("TransformerEncoder: encoder_layer", encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Any:
        """The output of the last layer; masks as those of a layer."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Decoder layers in a row: copies of one.

    Shapes: tgt (T, N, E), memory (S, N, E) → (T, N, E); as the layers take it.
    Args, Raises: as TransformerEncoder.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = _copies("TransformerDecoder: decoder_layer", decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The output of the last layer; masks as those of a layer."""
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks, bool(tgt_is_causal), memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder that reads a sequence, and a decoder that writes another one, looking at what was read.

    Shapes: src (S, N, E), tgt (T, N, E) → (T, N, E), E = d_model; N comes first with batch_first, and may be left out.
        It has no embedding and no output layer: vectors come in, vectors come out.
    Args:
        num_encoder_layers, num_decoder_layers: how many layers.
        custom_encoder, custom_decoder: modules that take the place of the encoder or the decoder.
        The others: as TransformerEncoderLayer. Encoder and decoder end in a LayerNorm.
    Raises:
        ArgumentError: sizes that do not fit, an unknown activation. ShapeError (when called): inputs or masks that do
        not fit.
    Initial values: U(−a, a), a = √(6 / (fan_in + fan_out)), for everything of two axes or more; else as the parts.
    Source: A. Vaswani et al., Attention is all you need (2017), section 3.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        kind = dict[str, Any](device=device, dtype=dtype)
        options: tuple[Any, ...] = d_model, nhead, dim_feedforward, dropout, activation
        options += layer_norm_eps, batch_first, norm_first, bias

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, **kind)

        self.encoder, self.decoder = custom_encoder, custom_decoder
        if custom_encoder is None:
            layer: _Layer = TransformerEncoderLayer(*options, **kind)
            self.encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*options, **kind)
            self.decoder = TransformerDecoder(layer, num_decoder_layers, norm())
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values for everything of two axes or more; each layer its own."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """What the decoder makes of tgt and of the encoder's output for src.

        Args:
            src_mask, tgt_mask, memory_mask: (S, S), (T, T), (T, S), or one for each head, as `attn_mask` of
                MultiheadAttention: boolean, **true where a place may not attend**, or a number that is added.
            src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask: (N, S), (N, T), (N, S): boolean,
                **true where a place is padding**, or a number that is added.
            src_is_causal, tgt_is_causal, memory_is_causal: place t attends to places ≤ t alone; no mask is needed
                beside it.
        """
        src, tgt = as_tensor(src), as_tensor(tgt)
        self._check(src, tgt)
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        )

    def _check(self, src: Any, tgt: Any) -> None:
        batch = "N, length" if self.batch_first else "length, N"
        for name, x in (("src", src), ("tgt", tgt)):
            if x.ndim not in (2, 3) or x.ndim != src.ndim or x.shape[-1] != self.d_model:
                raise ShapeError(
                    f"Transformer: {name}: got shape {x.shape}, expected ({batch}, {self.d_model}) or "
                    f"(length, {self.d_model}), for both alike",
                    fix="an Embedding makes vectors of numbers",
                )
        axis = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[axis] != tgt.shape[axis]:
            raise ShapeError(
                f"Transformer: got src {src.shape} and tgt {tgt.shape}, expected equal batches",
                fix=f"batches stand at axis {axis}; see batch_first",
            )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: str | None = None, dtype: Any = None) -> Tensor:
        """Numbers (sz, sz) to add to scores: 0 where s ≤ t, −∞ where a place would look ahead.

        The same as is_causal=True, which is faster.
        """
        mask = zeros(sz, sz, dtype=dtype)
        mask.data[~np.tri(sz, dtype=bool)] = -math.inf
        return mask if device is None else Tensor(to_device(mask.data, device))


def _activation(name: str, activation: Any) -> Callable[[Any], Any]:
    found = ACTIVATIONS.get(activation) if isinstance(activation, str) else activation
    if not callable(found):
        raise ArgumentError(
            f"{name}: activation: got {describe(activation)}, expected 'relu', 'gelu' or a function of a tensor",
            fix="give the function itself: F.silu, nn.SiLU(), or one of your own",
        )
    return found


def _copies(name: str, layer: Any, count: int) -> ModuleList:
    if not isinstance(layer, Module):
        raise DTypeError(
            f"{name}: got {describe(layer)}, expected a Module, of which copies are made",
            fix="write the class with parentheses and sizes" if isinstance(layer, type) else "",
        )
    if count < 0:
        raise ArgumentError(f"{name.partition(':')[0]}: num_layers: got {count}, expected 0 or more")
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])
