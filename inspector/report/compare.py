"""What changed between two runs, or sets two clients of one run apart.

Both sides become the same list of aspects (`compare_values`); what differs is told, what is alike
is counted.  Credentials are equal when their fingerprints are, under one key.  Where the sides
have different keys, or one is of a redacted copy, whose masks are no credentials, two credentials
that look alike **cannot be compared**: that is said, and never taken for a difference or for none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from inspector.errors import ExitCode
from inspector.fact import Fact
from inspector.model.report import Report
from inspector.model.topology import Client
from inspector.report.compare_values import (
    OF_CALLS,
    RUN,
    Aspect,
    Aspects,
    credentials,
    of_clients,
    without_fingerprints,
)
from inspector.report.page.escape import clipped
from inspector.report.page.view import View

#: Why credentials of two sides cannot be compared.
OTHER_KEY: Final = "the reports' fingerprints were made with different keys"
NO_KEY: Final = "a report does not say with which key its fingerprints were made"
COPY: Final = "one of them is of a redacted copy, which holds masks in the place of credentials"


class Side(Fact):
    """A report, or with `client` one of its clients: those whose user agent contains it.

    `filtered` says by what its report was made one of some calls alone (`selecting.Selected`).
    What the run came to is not compared then: a verdict speaks of all calls.
    """

    name: str
    report: Report
    client: str | None = None
    filtered: str = ""


class Difference(Fact):
    """An aspect of something that the two sides have differently; null where a side lacks it."""

    of: str
    aspect: str
    a: Aspect | None
    b: Aspect | None


class Undecided(Fact):
    """An aspect of which nobody can tell whether the two sides have it alike, and why."""

    of: str
    aspect: str
    because: str


class Comparison(Fact):
    """What differs between `a` and `b`, what cannot be compared, and how many aspects are alike.

    `ignored` counts those that differ, or may, and that somebody asked to pass over.  `filtered`
    says which calls alone were compared; empty: all.
    """

    a: str
    b: str
    differences: tuple[Difference, ...]
    alike: int
    ignored: int = 0
    undecided: tuple[Undecided, ...] = ()
    filtered: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """`BROKEN` for a difference, `NOT_PROVEN` for what cannot be compared."""
        if self.differences:
            return ExitCode.BROKEN
        return ExitCode.NOT_PROVEN if self.undecided else ExitCode.DONE


def compare(a: Side, b: Side, ignore: Sequence[str] = ()) -> Comparison:
    """Compare two sides.  Two clients of one run are compared with each other alone.

    `ignore` are patterns (`*` is any text) of what may differ: an aspect (`requests`), a thing
    (`findings`), or both (`tunnels/*telemetry*`).
    """
    differences: list[Difference] = []
    undecided: list[Undecided] = []
    passed_over = alike = 0
    because = _incomparable(a.report, b.report)
    for of, left, right in _things(a, b):
        for aspect in dict.fromkeys((*left, *right)):
            before, after = left.get(aspect), right.get(aspect)
            open_ = because is not None and _is_open(before, after)
            if not open_ and _is_alike(before, after, keyed=because is None):
                alike += 1
            elif _is_ignored(of, aspect, ignore):
                passed_over += 1
            elif open_ and because is not None:
                undecided.append(Undecided(of, aspect, because))
            else:
                differences.append(Difference(of, aspect, before, after))
    return Comparison(
        _name(a), _name(b), tuple(differences), alike, passed_over, tuple(undecided),
        a.filtered or b.filtered,
    )  # fmt: skip


def _incomparable(a: Report, b: Report) -> str | None:
    """Why fingerprints of two reports say nothing about each other; None where they do."""
    if a is b:
        return None
    if any(capture.redacted is not None for each in (a, b) for capture in each.captures):
        return COPY
    keys = [None if r.provenance is None else r.provenance.fingerprint_key for r in (a, b)]
    if None in keys:
        return NO_KEY
    return None if keys[0] == keys[1] else OTHER_KEY


def _is_alike(a: Aspect | None, b: Aspect | None, *, keyed: bool) -> bool:
    if a is None or b is None:
        return a is b
    return a == b if keyed else without_fingerprints(a) == without_fingerprints(b)


def _is_open(a: Aspect | None, b: Aspect | None) -> bool:
    """Whether credentials look alike, and nothing but their fingerprints could tell them."""
    if a is None or b is None or without_fingerprints(a) != without_fingerprints(b):
        return False
    # A placeholder, and nothing at all, are told by themselves.
    return any(each.placeholder is None and each.length for each in credentials(a))


def _is_ignored(of: str, aspect: str, patterns: Sequence[str]) -> bool:
    names = (of, aspect, f"{of}/{aspect}")
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def matching(side: Side) -> list[Client]:
    """The clients that a side is about."""
    if side.client is None:
        return list(side.report.clients)
    wanted = side.client.lower()
    return [c for c in side.report.clients if wanted in (c.user_agent or "").lower()]


def _name(side: Side) -> str:
    return side.name if side.client is None else f"{side.name}, client {side.client}"


def _things(a: Side, b: Side) -> Iterator[tuple[str, Aspects, Aspects]]:
    left, right = View(a.report), View(b.report)
    if a.client is None and b.client is None:
        for of, aspects in OF_CALLS if a.filtered or b.filtered else RUN:
            yield of, aspects(left), aspects(right)
    for of, one, other in _pairs(a, b):
        yield of, of_clients(left, one), of_clients(right, other)


def _pairs(a: Side, b: Side) -> Iterator[tuple[str, list[Client], list[Client]]]:
    """Clients that are to be compared: by program and provider; two named ones by provider."""
    named = a.client is not None or b.client is not None

    def key(client: Client) -> str:
        program = "the clients" if named else _program(client.user_agent)
        return f"{program} -> {client.provider}"

    pairs: dict[str, tuple[list[Client], list[Client]]] = {}
    for place, side in enumerate((a, b)):
        for client in matching(side):
            pairs.setdefault(key(client), ([], []))[place].append(client)
    for of, (ours, theirs) in pairs.items():
        yield of, ours, theirs


def _program(user_agent: str | None) -> str:
    """The name of a program without its version."""
    if user_agent is None:
        return "no user agent"
    return clipped(user_agent.partition("/")[0], 60)
