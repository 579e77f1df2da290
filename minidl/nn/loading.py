"""What is wrong with a state_dict, said so that it can be mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from minidl.errors import StateDictError

__all__ = ["check_fit"]

GUESSES = 10  # names that get a guess; looking for neighbours among thousands takes its time


def check_fit(
    kind: str,
    own: Mapping[str, Any],
    given: Mapping[str, Any],
    missing: list[str],
    unexpected: list[str],
    strict: bool,
) -> None:
    """Whether the values given fit the module's own.

    Args:
        kind: the module's class, for the message.
        own, given: names with tensors, and with arrays.
        missing, unexpected: the names that only one side has.
        strict: whether these are errors; shapes that differ always are.
    Raises:
        StateDictError: every name that is at fault, both shapes, the nearest names, and the likely fix.
    """
    shapes = [
        f"{name!r}: got {tuple(given[name].shape)}, expected {own[name].shape}"
        for name in own
        if name in given and tuple(given[name].shape) != own[name].shape
    ]
    if not shapes and not (strict and (missing or unexpected)):
        return
    parts = _part("wrong shape", shapes)
    if strict:
        parts += _part("missing", _guesses(missing, own, unexpected))
        parts += _part("unexpected", _guesses(unexpected, given, own))
    raise StateDictError(
        f"load_state_dict: the state_dict does not fit {kind}" + "".join(parts),
        fix=_prefix(own, given)
        or ("make the module with the sizes of the saved one" if shapes else "pass strict=False to load what fits"),
    )


def _part(title: str, lines: list[str]) -> list[str]:
    return [f"\n  {title} ({len(lines)}):", *(f"\n    {line}" for line in lines)] if lines else []


def _guesses(names: list[str], values: Mapping[str, Any], others: Iterable[str]) -> list[str]:
    """Each name with its shape, and the name on the other side that is most like it."""
    others, lines = list(others), []
    for i, name in enumerate(names):
        near = get_close_matches(name, others, n=1) if i < GUESSES else []
        shape = f" {tuple(values[name].shape)}" if name in values else ""  # a name that only a hook knows has none
        lines.append(f"{name!r}{shape}" + (f", nearest: {near[0]!r}" if near else ""))
    return lines


def _prefix(own: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """The fix where one prefix is all that differs (a model saved out of a wrapper, or inside one)."""
    for here, there, what in ((own, given, "remove the prefix {!r} from"), (given, own, "put the prefix {!r} before")):
        first = next(iter(here), None)
        if first is None:
            continue
        for prefix in (name.removesuffix(first) for name in there if name.endswith(first) and name != first):
            if all(prefix + name in there for name in here):
                return f"{what.format(prefix)} every name of the state_dict"
    return ""
