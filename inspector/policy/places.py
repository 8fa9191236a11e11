"""Where in a policy's file something stands, for its errors."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final, NoReturn

from inspector.errors import ExitCode, InspectorError, plain
from inspector.regex import regex

_HEADER: Final = regex(r"^[ \t]*\[\[[ \t]*([A-Za-z_]+)[ \t]*\]\]", re.MULTILINE)


class PolicyError(InspectorError):
    """A policy that cannot be used."""

    exit_code = ExitCode.USAGE


class Place:
    """A table of a policy's file: the top level, or one of several `[[expect]]`."""

    def __init__(self, file: str, table: str = "", index: int = 0, line: int | None = None) -> None:
        self._file = file
        self._table = table
        self._index = index
        self._line = line

    def __str__(self) -> str:
        if not self._table:
            return f"the policy {self._file}"
        line = "" if self._line is None else f" (line {self._line})"
        return f"[[{self._table}]] {self._index}{line} of the policy {self._file}"

    def wrong(self, name: str, meant: str, advice: str = "See docs/policy.md") -> NoReturn:
        """`name` is not what it is meant to be."""
        raise PolicyError(f"{name} in {self} is not {meant}", advice)

    def refuse(self, problem: str, advice: str) -> NoReturn:
        """What is right by itself and cannot be meant."""
        raise PolicyError(f"{self} {problem}", advice)

    def unknown(self, names: list[str], known: tuple[str, ...], of: str = "") -> NoReturn:
        """Names that the format does not have, and those that are nearest to them."""
        where = f"{of} in {self}" if of else str(self)
        near = [hint for name in names for hint in nearest(name, known)]
        advice = f"Did you mean {' or '.join(near)}? " if near else ""
        raise PolicyError(
            f"{where} has unknown names: {', '.join(map(plain, names))}",
            f"{advice}Known are {', '.join(known)}",
        )


def nearest(name: str, known: tuple[str, ...]) -> list[str]:
    """The known name that a typo was meant to be, if any."""
    return get_close_matches(name, known, n=1, cutoff=0.7)


def lines(text: str) -> dict[str, list[int]]:
    """The lines on which each `[[table]]` of a file begins.

    By the look of lines, so that one in a text of several lines counts too: whoever asks
    compares how many there are.
    """
    found: dict[str, list[int]] = {}
    for header in _HEADER.finditer(text):
        found.setdefault(header[1], []).append(text.count("\n", 0, header.start()) + 1)
    return found
