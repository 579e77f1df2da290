"""PyTorch's method names on tensors: each a line over `minidl.ops`, in PyTorch's words (`dim`, `keepdim`)."""

from __future__ import annotations

from typing import Any

from . import arithmetic, convert, elementwise, reduce, shape

PAGES = (arithmetic, convert, elementwise, reduce, shape)


class Methods(arithmetic.Arithmetic, elementwise.Elementwise, reduce.Reductions, shape.Shapes, convert.Conversion):
    """The methods of Tensor that stand on operations; they change nothing in place."""


def bind(ops: Any) -> None:
    """Give the operations, which stand above this package, to the methods, which are lines over them."""
    for page in PAGES:
        page.ops = ops
