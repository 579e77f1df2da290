"""Modules in a row: Sequential, which calls them one after the other, and ModuleList, which only holds them.

The modules are attributes named "0", "1", …, which is where the names in a state_dict come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, groupby
from typing import Any, Self

from minidl.errors import ArgumentError, DTypeError, describe

from .module import Module

__all__ = ["ModuleList", "Sequential"]


class _Row(Module):
    """What both are: a list of modules."""

    def _put(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            raise DTypeError(
                f"{type(self).__name__}: {name}: got {describe(module)}, expected a Module",
                fix="write the class with parentheses, ReLU()" if isinstance(module, type) else "",
            )
        if not name or "." in name or hasattr(type(self), name):
            raise ArgumentError(f"{type(self).__name__}: got the name {name!r}, which is empty, dotted or taken")
        setattr(self, name, module)

    def _names(self) -> list[str]:
        return [name for name, _ in self._own(Module)]

    def _name_at(self, index: int) -> str:
        names = self._names()
        if not -len(names) <= index < len(names):
            raise IndexError(f"{type(self).__name__}: index {index} is out of range: it holds {len(names)} modules")
        return names[index]

    def append(self, module: Module) -> Self:
        """Put a module at the end."""
        taken = self._names()  # a slice of a Sequential keeps its names, and need not begin at 0
        self._put(next(str(i) for i in count(len(taken)) if str(i) not in taken), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put several modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at `index`; those behind it take the next numbers."""
        modules = list(self)
        modules.insert(index, module)
        return self._renumber(modules)

    def _renumber(self, modules: list[Module]) -> Self:
        for name in self._names():
            delattr(self, name)
        for i, module in enumerate(modules):
            self._put(str(i), module)
        return self

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[Any]:
        return iter([module for _, module in self._own(Module)])

    def __contains__(self, module: object) -> bool:
        return any(each is module for each in self)

    def __setitem__(self, index: int, module: Module) -> None:
        self._put(self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index]
        self._renumber(modules)


class Sequential(_Row):
    """Modules that are called one after the other, each with the result of the one before.

    Args:
        *modules: the modules, named "0", "1", …; or one dictionary, whose keys are the names.
    """

    def __init__(self, *modules: Any) -> None:
        named = modules[0] if len(modules) == 1 and isinstance(modules[0], dict) else None
        for name, module in enumerate(modules) if named is None else named.items():
            self._put(str(name), module)

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):  # a part of it keeps the names
            return type(self)(dict([(name, getattr(self, name)) for name in self._names()][index]))
        return getattr(self, self._name_at(index))


class ModuleList(_Row):
    """A list of modules, which are found with those who hold it; it has no forward of its own.

    Args:
        modules: the first modules.
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._name_at(index))

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __repr__(self) -> str:
        """As of any module, with equal neighbours taken together: `(0-2): 3 x ReLU()`."""
        parts, first = [], 0
        for text, group in groupby(map(repr, self)):
            size = len(list(group))
            if size == 1:
                parts.append((str(first), text))
            else:
                parts.append((f"{first}-{first + size - 1}", f"{size} x {text}"))
            first += size
        return self._text(parts)
