"""What was on the wire and was not read, by connection: it proves nothing either way.

An oddity counts what was odd; this says whose bytes stayed unread, so that a
conclusion about them is withheld.  Unread is not well.
"""

from __future__ import annotations

from typing import Final

from inspector.model.capture import Unread, UnreadReason
from inspector.model.ids import connection_id

#: Connections with unread bytes listed one by one, once for each reason.
UNREAD_KEPT: Final = 10_000


class UnreadLog:
    """The first occurrence of each reason on each connection.

    Beyond `UNREAD_KEPT` of them `overflow` is set, and an entry that names no
    connection stands for all further ones of its reason.
    """

    __slots__ = ("_first", "overflow")

    def __init__(self) -> None:
        self._first: dict[tuple[int | None, UnreadReason], int | None] = {}
        self.overflow = False

    def note(self, connection: int | None, reason: UnreadReason, packet: int | None) -> None:
        """Something of a connection was not read; None: it may be of any."""
        if (connection, reason) in self._first:
            return
        if len(self._first) >= UNREAD_KEPT and connection is not None:
            self.overflow = True
            self._first.setdefault((None, reason), packet)
            return
        self._first[connection, reason] = packet

    def merge(self, other: UnreadLog) -> None:
        """Add what another log holds."""
        for (connection, reason), packet in other._first.items():
            self.note(connection, reason, packet)
        self.overflow |= other.overflow

    def clear(self) -> None:
        """Forget everything."""
        self._first.clear()
        self.overflow = False

    def clear_connections(self) -> None:
        """Forget all connections: what may be of any may be of one that is still to come."""
        self._first = {key: packet for key, packet in self._first.items() if key[0] is None}

    def facts(self) -> tuple[Unread, ...]:
        """In order of connection, packet and reason; what may be of any connection first."""
        ordered = sorted(
            self._first.items(), key=lambda item: (item[0][0] or 0, item[1] or 0, item[0][1])
        )
        return tuple(
            Unread(None if connection is None else connection_id(connection), reason, packet)
            for (connection, reason), packet in ordered
        )

    def count(self, reason: UnreadReason) -> int:
        """How many connections something was not read of for a reason."""
        return sum(found == reason and connection is not None for connection, found in self._first)

    def of_any(self, reason: UnreadReason) -> bool:
        """Whether something was not read for a reason that may be of any connection."""
        return (None, reason) in self._first
