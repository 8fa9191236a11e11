"""The texts of `inspector explain`: a finding, a hypothesis, an oddity, for a terminal."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from textwrap import fill
from typing import Final

from inspector.diagnosis.hypotheses import QUESTIONS
from inspector.diagnosis.rule import Code

_WIDTH: Final = 78
#: The rooms whose modules have tables of what they find odd.
ROOMS: Final = ("pcap", "flows", "protocols", "credentials", "exchanges")
_VERDICTS: Final = fill(
    "confirmed: a failed call shows it. refuted: what was captured excludes it for every failed"
    " call, or no call failed. not observable: the capture does not hold what would decide it. no"
    " traffic: there was no call to judge.",
    _WIDTH,
)
_ODDITY: Final = fill(
    "An oddity is a fact about the capture, not an error of the run; docs/oddities.md has all of"
    " them.",
    _WIDTH,
)


def explanation(entry: Code) -> str:
    """One code as plain text for a terminal of 80 columns."""
    lines = [f"{entry.code}  {entry.severity}", "", fill(f"{entry.title}.", _WIDTH), ""]
    lines += [fill(entry.meaning, _WIDTH), ""]
    lines.append(fill(f"Needs: {entry.needs}.", _WIDTH, subsequent_indent="  "))
    lines.append(fill(f"Next: {entry.advice}", _WIDTH, subsequent_indent="  "))
    if entry.shown_by is not None:
        lines.append(f"Shown by: captures/{entry.shown_by}")
    return "\n".join(lines)


def hypothesis(name: str) -> str | None:
    """One of the questions that every report answers; None of a name that is none of theirs."""
    for each in QUESTIONS:
        if each.id == name:
            lines = [f"{each.id}  hypothesis", "", fill(each.question, _WIDTH), "", _VERDICTS]
            return "\n".join(lines)
    return None


def oddity(name: str) -> str | None:
    """What a parser finds odd under a name; None of a name that no parser has."""
    for room in ROOMS:
        meaning = dict(table_rows(room, "FAULTS")).get(name)
        if meaning is not None:
            told = fill(f"{meaning[:1].upper()}{meaning[1:].rstrip('.')}.", _WIDTH)
            return "\n".join((f"{name}  oddity", "", told, "", _ODDITY))
    return None


def table_rows(room: str, table: str) -> list[tuple[str, str]]:
    """(name, meaning) from the tables called `table` in a room's modules, sorted."""
    rows: dict[str, str] = {}
    for module in _modules(f"inspector.{room}"):
        found = getattr(import_module(module), table, None)
        if isinstance(found, Mapping):
            rows.update((str(name), str(meaning)) for name, meaning in found.items())
    return sorted(rows.items())


def _modules(package: str) -> Iterator[str]:
    yield package
    for found in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        yield found.name
