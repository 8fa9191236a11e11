"""What a report says was not read, held against what an expectation is about.

"Nothing but", "only these" and "never" are absences: they are proven of what was read, and of
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from inspector.fact import Fact
from inspector.model.capture import Unread, UnreadReason
from inspector.model.network import Connection
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.view import View

#: The reason of what is in a protocol that is not read; a ClientHello where plain HTTP is spoken
#: is the same.
_NOT_READ: Final[UnreadReason] = "protocol"

#: Whether an expectation is about what a connection carried.
Concerns: TypeAlias = Callable[[Connection], bool]


class Doubt(Fact):
    """Why an absence is not proven, and the connections it may be on."""

    because: str
    where: tuple[str, ...] = ()


class Unheard:
    """The unread connections of a report.

    A report of an earlier version does not list them: where its capture is not complete,
    anything may be unread.
    """

    def __init__(self, view: View) -> None:
        told = view.report.completeness
        self.whole: Final = told.verdict == "complete"
        self.lacking: Final = "the capture is " + "; ".join(
            (told.verdict, *(clipped(because, 120) for because in told.because))
        )
        self._anywhere = not self.whole and (
            not [entry for entry in told.unread if entry.reason != _NOT_READ]
            or any(entry.connection is None for entry in told.unread)
        )
        self._entries: dict[str, list[Unread]] = {}
        # A whole capture lacks nothing, and may hold what nobody reads all the same.  At the
        # proxies' ports that may be a call; elsewhere it is another protocol, as DNS is.
        at_proxies = {
            connection.id
            for connection in view.report.connections
            if view.role(connection.server.ip) in ("api-proxy", "forward-proxy")
        }
        for entry in told.unread:
            counts = entry.connection in at_proxies if entry.reason == _NOT_READ else not self.whole
            if entry.connection is not None and counts:
                self._entries.setdefault(entry.connection, []).append(entry)
        for direct in view.report.direct_tls:
            if view.role(direct.server.ip) == "api-proxy":
                entry = Unread(direct.connection, _NOT_READ, direct.packet)
                self._entries.setdefault(direct.connection, []).append(entry)
        self._connections: Sequence[Connection] = view.report.connections

    def of(self, concerns: Concerns) -> Doubt | None:
        """Why nothing is proven about these connections; None where all of them were read."""
        if self._anywhere:
            return Doubt(self.lacking)
        if not self._entries:
            return None
        found = [
            connection.id
            for connection in self._connections
            if connection.id in self._entries and concerns(connection)
        ]
        if not found:
            return None
        reasons = {entry.reason: None for name in found for entry in self._entries[name]}
        why = words.some([reason.replace("-", " ") for reason in reasons])
        return Doubt(
            f"{words.count(len(found), 'connection')} not read whole ({why})", tuple(found)
        )
