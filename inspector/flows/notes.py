"""What the TCP room notices besides the streams themselves."""

from __future__ import annotations

from collections.abc import Mapping

from inspector.fact import Changing, field
from inspector.model.capture import Fault
from inspector.oddities import OddityCounter
from inspector.unread import UnreadLog


class Missing(Changing):
    """Bytes of a connection (its number) that were acknowledged and are not in the capture."""

    connection: int
    up: bool
    count: int
    packet: int


class FlowNotes(Changing):
    """Counters and lists for the report's completeness, filled as packets pass."""

    packets: int = 0
    tcp_packets: int = 0
    duplicate_packets: int = 0
    truncated_packets: int = 0
    midstream_connections: int = 0
    #: Packets that carry TCP inside headers that are not read.
    carriers: int = 0
    #: Connections whose server's SYN-ACK is not in the capture, though its data is.
    unopened: int = 0
    missing: list[Missing] = field(default_factory=list)
    oddities: OddityCounter = field(default_factory=OddityCounter)
    unread: UnreadLog = field(default_factory=UnreadLog)
    limits_hit: dict[str, None] = field(default_factory=dict)
    other_packets: dict[str, int] = field(default_factory=dict)

    def fault(self, name: str, packet: int, meanings: Mapping[str, str]) -> None:
        """Count an oddity; its detail is its meaning in the room's table."""
        self.oddities.add(Fault(name, packet, meanings[name]))
