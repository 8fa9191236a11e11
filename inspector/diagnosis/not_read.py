"""What of a capture was not read, and what that leaves open: unread is not well."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.index import Index
from inspector.model.capture import Completeness, UnreadReason
from inspector.model.network import Connection

#: Reasons that leave open what the ends of a connection said to each other, whatever of it
#: was read.
_DOUBTFUL: Final[frozenset[UnreadReason]] = frozenset(
    {"one-sided", "conflict", "after-close", "limit", "internal-error"}
)


class NotRead:
    """Says of a capture whether absence from it proves anything."""

    def __init__(
        self,
        completeness: Completeness,
        connections: Index[Connection],
        api_proxies: AbstractSet[str],
    ) -> None:
        self._completeness = completeness
        self._connections = connections
        self._api_proxies = api_proxies
        #: Connections of which something was not read, other than behind the capture's end.
        self._unread: dict[str, list[UnreadReason]] = {}
        self._is_anything_unread = False
        #: Connections in a protocol that is not read: nothing of them is missing.
        self._other_protocols: set[str] = set()
        for entry in completeness.unread:
            if entry.connection is None:
                self._is_anything_unread = True
            elif entry.reason == "protocol":
                self._other_protocols.add(entry.connection)
            elif entry.reason != "capture-end":
                self._unread.setdefault(entry.connection, []).append(entry.reason)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be missing; only then absence from the capture is proof."""
        return self._completeness.verdict == "complete"

    @property
    def is_lossy(self) -> bool:
        """Whether something in the middle is known to be unread; then a close may be, too."""
        return self.lacks_packets or bool(self._unread) or self._is_anything_unread

    @property
    def lacks_packets(self) -> bool:
        """Whether packets are known to be missing in the middle of the capture."""
        told = self._completeness
        return bool(
            told.gaps
            or told.truncated_packets
            or told.dropped_by_kernel
            or told.midstream_connections
        )

    @property
    def may_hide_calls(self) -> bool:
        """Whether an unread part, on a connection not opened by the API proxy, may hold a call."""
        return self._is_anything_unread or any(
            connection.client.ip not in self._api_proxies
            for connection in map(self._connections.get, (*self._unread, *self._other_protocols))
            if connection is not None
        )

    def doubted(self, call: FailedCall) -> UnreadReason | None:
        """Why a call's receiver may have taken other bytes than were read; None: none is known."""
        reasons = self._unread.get(call.exchange.connection, ())
        return next((reason for reason in reasons if reason in _DOUBTFUL), None)
