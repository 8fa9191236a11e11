"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from inspector.policy.hearing import Hearing
from inspector.policy.model import Expect
from inspector.report.page.escape import clipped

#: Why a call is a doubt of a check that looks at what was asked.
UNSEEN: Final = "the request was not seen whole"


class Demand(NamedTuple):
    """`wanted` says what is asked, None for nothing; `hold` looks whether it is so.

    `of` names the fields of an expectation that it reads, `about` what of the traffic it
    speaks of: what was not read of that makes it not proven.
    """

    of: tuple[str, ...]
    about: str
    wanted: Callable[[Expect], str | None]
    hold: Callable[[Hearing, str], None]


def either(names: Iterable[str]) -> str:
    """`a or b`, for a sentence."""
    return " or ".join(names)


def times(number: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


class Places:
    """Where each of several things was found, to be said together."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def add(self, found: str, id: str) -> None:
        """One place; a captured text is escaped and bounded here."""
        self._found.setdefault(clipped(found, 120), []).append(id)

    def tell(self, hearing: Hearing, wanted: str, form: str = "{}") -> None:
        """One breach for each thing."""
        for found, ids in self._found.items():
            hearing.breach(wanted, form.format(found), dict.fromkeys(ids))

    def doubt(self, hearing: Hearing, wanted: str, form: str = "{}") -> None:
        """One doubt for each thing."""
        for found, ids in self._found.items():
            hearing.doubt(wanted, form.format(found), dict.fromkeys(ids))
