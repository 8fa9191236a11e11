"""Two fleets beside each other: how often each thing is in the runs that could tell.

Before and after a change, one version against another: two sets of runs, no pairs.  A rate of few
runs says little, so each has its interval.  An interval without zero is a difference, but for one
in twenty, which chance makes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from inspector.errors import ExitCode
from inspector.fact import Fact
from inspector.fleet.rates import Rate, difference
from inspector.fleet.store import Store
from inspector.fleet.summary import LISTED, NONE_FAILED, Thing

_COLUMNS: Final = (
    "failure", "completeness", "cause", "could_tell", "findings", "proves_absence", "auth",
    "clients", "denied",
)  # fmt: skip


class RateDifference(Fact):
    """One thing in both sets."""

    of: Thing
    """What kind of thing it is."""
    name: str
    """Which."""
    a: Rate
    """In the first set."""
    b: Rate
    """In the second."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the second rate less the first."""
        return difference(self.a, self.b)

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval has no zero in it."""
        interval = self.interval
        return interval is not None and not interval[0] <= 0 <= interval[1]


@dataclass(slots=True)
class _Counted:
    """One set: hits by thing, and how many runs could tell of a thing that they do not have."""

    hits: Counter[tuple[Thing, str]] = field(default_factory=Counter)
    could_tell: Counter[Thing] = field(default_factory=Counter)
    #: Runs that have a thing and could not have told of its absence.
    beside: Counter[tuple[Thing, str]] = field(default_factory=Counter)

    def rate(self, of: Thing, name: str) -> Rate:
        return Rate(self.hits[of, name], self.could_tell[of] + self.beside[of, name])


def compare(a: Store, b: Store, ignored: Iterable[str] = ()) -> tuple[RateDifference, ...]:
    """Everything that is in a run of either set, those whose interval excludes zero first.

    `ignored` are patterns of `of` or `of/name`, as of `inspector compare`.
    """
    first, second = _counted(a), _counted(b)
    patterns = tuple(ignored)
    found = [
        RateDifference(of, name, first.rate(of, name), second.rate(of, name))
        for of, name in first.hits.keys() | second.hits.keys()
        if not _is_ignored(of, name, patterns)
    ]
    return tuple(sorted(found, key=_order))


def _order(each: RateDifference) -> tuple[bool, float, str, str]:
    change = abs((each.b.share or 0) - (each.a.share or 0))
    return not each.excludes_zero, -change, each.of, each.name


def _is_ignored(of: str, name: str, patterns: Iterable[str]) -> bool:
    return any(
        fnmatchcase(of, pattern) or fnmatchcase(f"{of}/{name}", pattern) for pattern in patterns
    )


def _counted(store: Store) -> _Counted:
    told = _Counted()
    for run in store.rows("runs", _COLUMNS):
        if run["failure"] is None:
            _count(told, run)
    return told


def _count(told: _Counted, run: Mapping[str, Any]) -> None:
    """A run tells of what it has, and of what it has not if nothing of it went unread."""
    if run["could_tell"]:
        told.could_tell["cause"] += 1
        told.hits["cause", run["cause"] or NONE_FAILED] += 1
    whole = run["completeness"] == "complete"
    for of, column in LISTED.items():
        proves = run["proves_absence"] if of == "finding" else whole
        told.could_tell[of] += proves
        for name in run[column]:
            told.hits[of, name] += 1
            told.beside[of, name] += not proves


def exit_code(differences: Sequence[RateDifference]) -> ExitCode:
    """What `--exit-code` ends with."""
    is_different = any(each.excludes_zero for each in differences)
    return ExitCode.BROKEN if is_different else ExitCode.DONE
