"""A gateway that puts its upstream aside after a failure: what it refuses meanwhile has that cause.

litellm asks nobody for some seconds (its cooldown) once a deployment's call failed with 401, 404,
408 or 429, and answers 429 itself.  A client that tries again sees the 429 alone.
"""

from __future__ import annotations

from inspector.diagnosis.answers import is_put_aside
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.groups import Groups
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import answer, plural
from inspector.fact import Changing, field


class Aside(Changing):
    """The cause of the last call that failed otherwise, for each service."""

    _causes: dict[tuple[str, int], Cause] = field(default_factory=dict)

    def cause(self, call: FailedCall) -> Cause | None:
        """The cause of the failure after which the gateway asked nobody; None for other answers."""
        if not is_put_aside(call):
            return None
        return self._causes.get(_service(call))

    def note(self, call: FailedCall, cause: Cause) -> None:
        """Remember why a call failed, whatever is refused after it."""
        if not is_put_aside(call):
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
