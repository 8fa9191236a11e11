"""Runs the cases: what leaks by search, and what differs between two keys."""

from __future__ import annotations

from pathlib import Path

from tests.leaks.artifacts import artifacts, without_fingerprints
from tests.leaks.cases import Case, cases, pair
from tests.leaks.record import Record
from tests.leaks.views import is_leaked

SEARCHED = "found"
INTERFERING = "differs"


def looked_at(case: Case, work: Path) -> tuple[frozenset[str], frozenset[str]]:
    """(outputs in which a piece of the key stands, outputs that tell one key from another)."""
    one, other = pair(case.name, case.shape)
    first = artifacts(case.built(one), work)
    second = artifacts(case.built(other), work)
    found = {name for name, data in first.items() if is_leaked([one.secret], data)}
    if "redact" not in first:
        found.add("refused")
    differing = {
        name
        for name in first.keys() | second.keys()
        if without_fingerprints(first.get(name, b"")) != without_fingerprints(second.get(name, b""))
    }
    return frozenset(found), frozenset(differing)


def seen(work: Path, step: int = 1) -> Record:
    """What leaks and what interferes now, of every `step`th case."""
    record = Record()
    for case in list(cases())[::step]:
        found, differing = looked_at(case, work)
        record.lines[SEARCHED, case.kind, case.name] = found
        record.lines[INTERFERING, case.kind, case.name] = differing
    return record
