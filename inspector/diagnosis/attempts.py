"""Connections to the API proxy that nobody took: retries after a death, a port without a
listener, a wait for its start, or nothing that can be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inspector.wire import Moment, precedes

if TYPE_CHECKING:
    from inspector.diagnosis.case import Case


@dataclass(slots=True)
class Attempts:
    """Failed attempts by what they mean, each the number of its connection and its packet."""

    #: The port has no listener while the API proxy lives.
    refused: list[tuple[int, int]] = field(default_factory=list)
    #: After a call that the API proxy died of: tries of the same call.
    retries: int = 0
    unexplained: list[tuple[int, int]] = field(default_factory=list)


def classify(case: Case, died: Mapping[str, Moment]) -> Attempts:
    """What the failed attempts mean; `died` has when an API proxy closed a call that it died of.

    A port that takes connections later was waited for.  That the API proxy lives is shown by
    a connection it takes or opens after the first refusal, never before: it may have died in
    between.  Silence shows nothing where packets are missing.
    """
    found = Attempts()
    for (address, _), service in case.services.items():
        if address not in case.api_proxies or not service.failed:
            continue
        tries = service.failed
        if service.accepted_after(tries.moment(len(tries) - 1)):
            continue
        taken = service.accepted
        start = tries.place_after(taken.moment(len(taken) - 1)) if taken else 0
        entries = list(zip(tries.names[start:], tries.packets[start:], strict=True))
        first = tries.moment(start)
        if address in died and not precedes(first, died[address]):
            found.retries += len(entries)
        elif (
            case.lives_after(address, first)
            and not service.accepted
            and (case.is_whole or not service.silent)
        ):
            found.refused += entries
        else:
            found.unexplained += entries
    return found
