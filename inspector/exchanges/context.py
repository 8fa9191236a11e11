"""What every layer of a conversation may need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inspector.exchanges.layers import Layer, Slot
from inspector.exchanges.ledger import Ledger, TunnelRecord
from inspector.exchanges.listener import Listener
from inspector.fact import Changing, replace
from inspector.flows.addresses import endpoint
from inspector.flows.contract import ConnectionView
from inspector.model.capture import Fault
from inspector.model.network import Endpoint, TunnelProtocol
from inspector.protocols.extent import Extent
from inspector.protocols.http1_head_reader import STATUS_START

#: Oddities that mean "these bytes are no message": whatever they say, nobody read it.
SENSELESS: Final = frozenset({"garbage-between-messages", "request-without-version", "bad-chunk"})


class Context(Changing):
    """The conversation's surroundings.

    `detect` makes the layer that decides what comes next, given where it begins in each
    direction: [down, up]; `tunnel` is the
    innermost tunnel the layer stands in, `depth` the number of those around it; `turn`
    tells that the connection's ends are the other way round.  `listener` is told what
    the layers read, if somebody wants to know.
    """

    ledger: Ledger
    connection: ConnectionView
    detect: Callable[[Context, Slot, tuple[int, int]], Layer]
    turn: Callable[[], None]
    tunnel: TunnelRecord | None = None
    depth: int = 0
    listener: Listener | None = None
    #: Told what the plaintext of a TLS connection is, inside which this stands.
    on_plaintext: Callable[[TunnelProtocol], None] | None = None
    #: The host and port that a client asked of a server's TLS itself, with no CONNECT (its SNI).
    asked: str | None = None

    @property
    def is_decrypted(self) -> bool:
        """Whether it is read inside TLS, with its keys."""
        return self.on_plaintext is not None

    def in_plaintext(self, told: Callable[[TunnelProtocol], None], sni: str | None) -> Context:
        """The context of a layer inside TLS: what it reads stands nowhere in the packets."""
        asked = None
        if sni is not None and self.tunnel is None:
            asked = f"{self.ledger.credentials.authority(sni)}:{self.connection.server[1]}"
        return replace(self, listener=None, depth=self.depth + 1, on_plaintext=told, asked=asked)

    def within(self, tunnel: TunnelRecord) -> Context:
        """The context of a layer inside `tunnel`."""
        return replace(self, tunnel=tunnel, depth=self.depth + 1)

    @property
    def ends(self) -> tuple[Endpoint, Endpoint]:
        """Client and server of the outer connection."""
        return endpoint(*self.connection.client), endpoint(*self.connection.server)

    def note_plain_answer(self, offset: int, start: bytes) -> None:
        """What a server says first, from `offset` on, to a client that began otherwise."""
        self.ledger.note_plain_answer(self.connection, start)
        if self.listener is not None:
            # And the blank, or the line's end, by which the status is one.
            self.listener.constant(False, Extent(offset, offset + STATUS_START + 1))

    def fault(self, fault: Fault) -> None:
        """Note an oddity, and what it leaves unread."""
        number = self.connection.number
        self.ledger.fault(number, fault)
        # What nobody reads inside TLS makes nothing unproven that would be proven without keys.
        if fault.name in SENSELESS and not self.is_decrypted:
            self.ledger.unread.note(number, "protocol", fault.packet)
