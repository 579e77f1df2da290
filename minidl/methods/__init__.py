"""PyTorch's method names on tensors: each a line over `minidl.ops`, in PyTorch's words (`dim`, `keepdim`)."""

from __future__ import annotations

from typing import Any

from . import arithmetic, arrange, convert, elementwise, order, picking, products, reduce, shape

PAGES = (arithmetic, arrange, convert, elementwise, order, picking, products, reduce, shape)


class Methods(
    arithmetic.Arithmetic,
    elementwise.Elementwise,
    reduce.Reductions,
    order.Order,
    shape.Shapes,
    arrange.Arrangement,
    picking.Picking,
    products.Products,
    convert.Conversion,
):
    """The methods of Tensor that stand on operations; they change nothing in place."""


def bind(ops: Any) -> None:
    """Give the operations, which stand above this package, to the methods, which are lines over them."""
    for page in PAGES:
        vars(page)["ops"] = ops
