"""Pooling: windows reduced to their largest value or their mean."""

__all__: list[str] = []
