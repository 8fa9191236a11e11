"""Failed calls in groups of equal ones: what is counted together is the same.

"4 x 403" of calls to two APIs, with three errors, says something of none of them.  Equal are calls
with one status and error, asked of one provider by one method at one path, that ended alike.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.words import events
from inspector.fact import Changing
from inspector.model.addresses import path_of
from inspector.regex import regex

#: Groups of one cause that are kept apart; what comes later is counted with the first.
KEPT: Final = 64
#: What differs between equal calls: numbers, ids in labels.
_VARIES: Final = regex(r"<[^<>]{0,80}>|[0-9]+")


class Group(Changing):
    """Calls that failed alike: the first of them, and how many they are."""

    first: FailedCall
    count: int = 0


class Groups:
    """The groups of one cause's calls."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Group] = {}

    def add(self, call: FailedCall) -> None:
        """Count a call with its equals."""
        key = kind_of(call)
        group = self._groups.get(key)
        if group is None and len(self._groups) >= KEPT:
            group = next(iter(self._groups.values()))
        if group is None:
            group = self._groups[key] = Group(call)
        group.count += 1

    def heaviest_first(self) -> list[Group]:
        """The groups; of equally many calls, that of the earlier ones first."""
        return sorted(self._groups.values(), key=lambda group: -group.count)


def kind_of(call: FailedCall) -> Hashable:
    """What is equal of calls that are counted together."""
    request = call.exchange.request
    method = "" if request is None else request.method
    path = "" if request is None else path_of(request.target)
    said = _VARIES.sub("", f"{path} {call.words}")
    return (call.exchange.provider, call.outcome, call.status, method, said, events(call))
