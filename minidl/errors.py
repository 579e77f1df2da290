"""Errors that say what came, what was expected, in which layer, and the likely fix.

Each is also the built-in exception that a NumPy or PyTorch user would catch.
"""

from __future__ import annotations

from typing import Any

from .config import layers


class MinidlError(Exception):
    """The base of all of the library's errors: the text, then the layer's path, then the fix."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        where = layer_path()
        self.layer = where
        text = message + (f"\n  layer: {where}" if where else "") + (f"\n  fix: {fix}" if fix else "")
        super().__init__(text)


class ShapeError(MinidlError, ValueError):
    """Arrays whose shapes do not fit together."""


class ArgumentError(MinidlError, ValueError):
    """An argument with a value that makes no sense."""


class DTypeError(MinidlError, TypeError):
    """An array of the wrong dtype, or an object of the wrong type."""


class DeviceError(MinidlError, RuntimeError):
    """Arrays on different devices, or a device that is not there."""


class AxisError(MinidlError, ValueError, IndexError):
    """An axis that the array does not have."""


class LabelError(MinidlError, IndexError):
    """Class labels or indices outside their range."""


class GraphError(MinidlError, RuntimeError):
    """A graph used in a way that it cannot serve: freed, cut, not scalar, changed in place."""


class AnomalyError(MinidlError, ArithmeticError):
    """A NaN or an infinity, with the operation that first made it."""


class StateDictError(MinidlError, RuntimeError):
    """A state_dict that does not fit the module or optimizer."""


class DataError(MinidlError, ValueError):
    """A file that cannot be read as what it should be."""


def layer_path() -> str:
    """The dotted path and the class of the module running now, e.g. `encoder.0.fc1 (Linear)`; else ''."""
    stack = layers.get()
    if not stack:
        return ""
    innermost = stack[-1]
    path = next((name for name, module in stack[0].named_modules() if module is innermost), "")
    kind = type(innermost).__name__
    return f"{path} ({kind})" if path else kind


def describe(value: Any) -> str:
    """An argument in a few words: `float32 (2, 3)` for arrays and tensors, else its type and value."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype} {tuple(value.shape)}"
    if value is None:
        return "None"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
