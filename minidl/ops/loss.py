"""Losses: cross-entropy on logits, and the mean squared error."""

__all__: list[str] = []
