"""Helpers for training: sequences of unequal lengths in `rnn`; gradient clipping."""

from __future__ import annotations

from typing import Any

from . import rnn

__all__ = ["clip_grad_norm_", "clip_grad_value_", "rnn"]


def __getattr__(name: str) -> Any:
    """Clipping lives with the optimizers, which stand beside `nn` and not below it: fetched when asked for."""
    if name in ("clip_grad_norm_", "clip_grad_value_"):
        from minidl.optim import clip

        return getattr(clip, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
