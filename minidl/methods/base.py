"""What the pages of methods know of a tensor."""

from __future__ import annotations

from typing import Any


class Base:
    """A tensor, as its methods see it."""

    data: Any
    edge: Any
    requires_grad: Any

    def _cast(self, dtype: Any) -> Any:
        """In another dtype; None: as it is."""
        return self if dtype is None else self.to(dtype=dtype)  # type: ignore[attr-defined]

    @staticmethod
    def _plain(array: Any) -> Any:
        """A tensor outside any graph."""
        raise NotImplementedError


def dims(dim: Any) -> Any:
    """Several axes may come as a list too."""
    return tuple(dim) if isinstance(dim, list) else dim


def as_sizes(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    return tuple(values[0]) if len(values) == 1 and isinstance(values[0], tuple | list) else values
