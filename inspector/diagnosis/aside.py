"""A gateway that puts its upstream aside after a failure: what it refuses meanwhile has that cause.

litellm asks nobody for some seconds (its cooldown) once a deployment's call failed with 401, 404,
408 or 429, and answers 429 itself.  A client that tries again sees the 429 alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.groups import Groups
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import answer, plural

#: litellm's words (router_utils/cooldown_handlers.py, seen in litellm 1.108).
SAYS: Final = re.compile(
    r"no deployments available.{0,60}try again in|deployments for selected model are in cooldown"
)


@dataclass(slots=True)
class Aside:
    """The cause of the last call that failed otherwise, for each service."""

    _causes: dict[tuple[str, int], Cause] = field(default_factory=dict)

    def cause(self, call: FailedCall) -> Cause | None:
        """The cause of the failure after which the gateway asked nobody; None for other answers."""
        if call.answered_by == "upstream" or not SAYS.search(call.message):
            return None
        return self._causes.get(_service(call))

    def note(self, call: FailedCall, cause: Cause) -> None:
        """Remember why a call failed, whatever is refused after it."""
        if not SAYS.search(call.message):
            self._causes[_service(call)] = cause


def _service(call: FailedCall) -> tuple[str, int]:
    server = call.exchange.server
    return server.ip, server.port


def told(meanwhile: Groups) -> tuple[str, ...]:
    """A line about the calls that were refused meanwhile; none without any."""
    groups = meanwhile.heaviest_first()
    if not groups:
        return ()
    count = sum(group.count for group in groups)
    return (
        f"Then the gateway refused {plural(count, 'call')} itself ({answer(groups[0].first)}):"
        " after a failure it asks nobody for some seconds.",
    )
