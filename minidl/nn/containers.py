"""Modules and parameters in rows and under names: Sequential, which calls its modules one after the other; the lists
and dictionaries only hold what is in them, so that it is found.

What they hold are attributes, named "0", "1", … in a row, which is where the names in a state_dict come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import count, groupby
from typing import Any, ClassVar, Self

from minidl.array import is_array
from minidl.errors import ArgumentError, DTypeError, describe
from minidl.tensor import Parameter, Tensor

from .module import Module

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _Container(Module):
    """What all are: members of one kind, as attributes."""

    kind: ClassVar[type] = Module

    def _put(self, name: str, member: Any) -> None:
        if self.kind is Parameter and (isinstance(member, Tensor) or is_array(member)):
            member = member if isinstance(member, Parameter) else Parameter(member)
        if not isinstance(member, self.kind):
            raise DTypeError(
                f"{type(self).__name__}: {name}: got {describe(member)}, expected a {self.kind.__name__}",
                fix="write the class with parentheses, ReLU()" if isinstance(member, type) else "",
            )
        if not isinstance(name, str) or not name or "." in name or hasattr(type(self), name):
            raise ArgumentError(
                f"{type(self).__name__}: got the name {name!r}, which is no text, empty, dotted or taken",
                fix="choose a name without dots that is no method's",
            )
        setattr(self, name, member)

    def _names(self) -> list[str]:
        return [name for name, _ in self._own(self.kind)]

    def _members(self) -> list[Any]:
        return [member for _, member in self._own(self.kind)]

    def __len__(self) -> int:
        return len(self._names())


class _Row(_Container):
    """What the rows are: members in an order, which may change."""

    def _name_at(self, index: int) -> str:
        names = self._names()
        if not -len(names) <= index < len(names):
            what = "modules" if self.kind is Module else "parameters"
            raise IndexError(f"{type(self).__name__}: index {index} is out of range: it holds {len(names)} {what}")
        return names[index]

    def append(self, module: Any) -> Self:
        """Put a member at the end."""
        taken = self._names()  # a slice of a Sequential keeps its names, and need not begin at 0
        self._put(next(str(i) for i in count(len(taken)) if str(i) not in taken), module)
        return self

    def extend(self, modules: Iterable[Any]) -> Self:
        """Put several members at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Any) -> Self:
        """Put a member before the one at `index`; those behind it take the next numbers."""
        members = self._members()
        members.insert(index, module)
        return self._renumber(members)

    def pop(self, index: int = -1) -> Any:
        """Take a member out, and return it; those behind it take the numbers before."""
        member = self[index]
        del self[index]
        return member

    def _renumber(self, members: list[Any]) -> Self:
        for name in self._names():
            delattr(self, name)
        for i, member in enumerate(members):
            self._put(str(i), member)
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members())

    def __contains__(self, member: object) -> bool:
        return any(each is member for each in self)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._of(self._members()[index])
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: int, member: Any) -> None:
        self._put(self._name_at(index), member)

    def __delitem__(self, index: int | slice) -> None:
        members = self._members()
        del members[index]
        self._renumber(members)

    def __iadd__(self, others: Iterable[Any]) -> Self:
        return self.extend(others)

    def __add__(self, others: Iterable[Any]) -> Self:
        return self._of([*self, *others])

    def _of(self, members: list[Any]) -> Self:
        """Another one of the same kind."""
        kind: Any = type(self)
        return kind(members)


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
        return super().__getitem__(index)

    def __add__(self, others: Iterable[Any]) -> Self:
        return type(self)(*self, *others)

    def __mul__(self, times: int) -> Self:
        return type(self)(*list(self) * self._times(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self) * (self._times(times) - 1))

    def _times(self, times: int) -> int:
        if not isinstance(times, int) or times < 1:
            raise ArgumentError(f"Sequential: got {describe(times)} times, expected a whole number from 1 on")
        return times


class ModuleList(_Row):
    """A list of modules, which are found with those who hold it; it has no forward of its own.

    Args:
        modules: the first modules.
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

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


class ParameterList(_Row):
    """A list of parameters, which are found with those who hold it.

    Args:
        values: the first parameters; other tensors and arrays become parameters.
    """

    kind: ClassVar[type] = Parameter

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.extend(values)

    def __repr__(self) -> str:
        return self._text([(name, _parameter_text(value)) for name, value in self._own(Parameter)])


class _Names(_Container, MutableMapping[str, Any]):
    """What the dictionaries are: members under names, in the order of their arrival."""

    def __init__(self, members: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self.update(members)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names():
            raise KeyError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self._names()) or 'nothing'}")
        return getattr(self, name)

    def __setitem__(self, name: str, member: Any) -> None:
        self._put(name, member)

    def __delitem__(self, name: str) -> None:
        self[name]  # a KeyError where there is none
        delattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._names())

    def popitem(self) -> tuple[str, Any]:
        """Take the last member out, and return its name and itself."""
        name = next(reversed(self), None)
        if name is None:
            raise KeyError(f"popitem: the {type(self).__name__} is empty")
        return name, self.pop(name)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The member of this name; if there is none, `default` becomes it."""
        if name not in self:
            self[name] = default
        return self[name]

    __eq__, __hash__ = object.__eq__, object.__hash__  # a module is what it is, and not what it holds


class ModuleDict(_Names):
    """Modules under names, which are found with those who hold it; it has no forward of its own.

    Args:
        members: the first modules: a dictionary, or pairs.
    """


class ParameterDict(_Names):
    """Parameters under names, which are found with those who hold it.

    Args:
        members: the first parameters: a dictionary, or pairs; other tensors and arrays become parameters.
    """

    kind: ClassVar[type] = Parameter

    def copy(self) -> Self:
        """Another dictionary of the same parameters."""
        return type(self)(self)

    @classmethod
    def fromkeys(cls, keys: Iterable[str], default: Any = None) -> Self:
        """A dictionary that has the same values under every name."""
        return cls(dict.fromkeys(keys, default))

    def __or__(self, others: Mapping[str, Any]) -> Self:
        return type(self)({**self, **others})

    def __ior__(self, others: Mapping[str, Any]) -> Self:
        self.update(others)
        return self

    def __repr__(self) -> str:
        return self._text([(name, _parameter_text(value)) for name, value in self._own(Parameter)])


def _parameter_text(value: Parameter) -> str:
    device = "" if value.device == "cpu" else f" on {value.device}"
    return f"Parameter containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}{device}]"
