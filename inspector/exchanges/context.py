"""What every layer of a conversation may need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inspector.exchanges.layers import Layer, Slot
from inspector.exchanges.ledger import Ledger, TunnelRecord
from inspector.flows.addresses import endpoint
from inspector.flows.contract import ConnectionView
from inspector.model.capture import Fault
from inspector.model.network import Endpoint


@dataclass(slots=True)
class Context:
    """The conversation's surroundings.

    `detect` makes the layer that decides what comes next; `tunnel` is the
    innermost tunnel the layer stands in, `depth` the number of those around it; `turn`
    tells that the connection's ends are the other way round.
    """

    ledger: Ledger
    connection: ConnectionView
    detect: Callable[[Context, Slot], Layer]
    turn: Callable[[], None]
    tunnel: TunnelRecord | None = None
    depth: int = 0

    def within(self, tunnel: TunnelRecord) -> Context:
        """The context of a layer inside `tunnel`."""
        return Context(self.ledger, self.connection, self.detect, self.turn, tunnel, self.depth + 1)

    @property
    def ends(self) -> tuple[Endpoint, Endpoint]:
        """Client and server of the outer connection."""
        return endpoint(*self.connection.client), endpoint(*self.connection.server)

    def fault(self, fault: Fault) -> None:
        """Note an oddity, and what it leaves unread."""
        self.ledger.fault(self.connection.number, fault)
