"""Convolution and its two adjoints: a trio closed under differentiation."""

__all__: list[str] = []
