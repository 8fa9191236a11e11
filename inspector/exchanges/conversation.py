"""One TCP connection as its reader sees it: the root of the layer stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from inspector.exchanges.context import Context
from inspector.exchanges.detect import detect
from inspector.exchanges.layers import Slot
from inspector.exchanges.ledger import INTERNAL_ERROR, Ledger
from inspector.exchanges.listener import Listener
from inspector.flows.contract import ConnectionView
from inspector.model.capture import Fault
from inspector.protocols.messages import EVERYTHING
from inspector.wire import Segment

FAULTS: Final[dict[str, str]] = {
    INTERNAL_ERROR: "The inspector failed on this connection; it is a bug, the traffic"
    " is innocent. The rest of the report is not affected.",
}

#: Turns the ends of a connection (`flows.contract.Engine.turn`).
Turn = Callable[[int], None]


class Conversation:
    """Passes a connection's bytes to its layers (implements `pipeline.StreamReader`).

    To its layers `up` is from the client, even where that was found out later.
    """

    __slots__ = ("_connection", "_layers", "_ledger", "_listener", "_turn", "_turned")

    def __init__(
        self,
        ledger: Ledger,
        connection: ConnectionView,
        turn: Turn,
        listener: Listener | None = None,
    ) -> None:
        self._listener = listener
        self._ledger = ledger
        self._connection = connection
        self._turn = turn
        self._turned = False
        # Made when something is said: most connections of a scan say nothing.
        self._layers: Slot | None = None

    @property
    def _slot(self) -> Slot:
        if self._layers is None:
            slot = self._layers = Slot()
            context = Context(
                self._ledger, self._connection, detect, self._turn_ends, listener=self._listener
            )
            slot.layer = detect(context, slot)
        return self._layers

    def _turn_ends(self) -> None:
        self._turned = not self._turned
        self._turn(self._connection.number)
        if self._listener is not None:
            self._listener.turned()

    def data(self, up: bool, segments: Sequence[Segment]) -> int:
        """The next bytes of a direction."""
        slot = self._layers or self._slot
        if self._listener is not None:
            self._listener.bytes_came(up is not self._turned, segments)
        slot.layer.receive(up is not self._turned, segments)
        if self._listener is not None:
            self._settle(self._listener)
        # The ends may just have been found to be the other way round.
        return slot.layer.wanted(up is not self._turned)

    def skipped(self, up: bool, count: int, at: int, packet: int) -> int:
        """Bytes passed unseen."""
        if self._listener is not None:
            self._listener.bytes_passed(up is not self._turned, count)
        self._slot.layer.skip(up is not self._turned, count, at, packet)
        if self._listener is not None:
            self._settle(self._listener)
        return self._slot.layer.wanted(up is not self._turned)

    def gap(self, up: bool, count: int, at: int, packet: int) -> int:
        """Bytes are missing from the capture."""
        if self._listener is not None:
            self._listener.bytes_lack(up is not self._turned, count)
        self._slot.layer.gap(up is not self._turned, count, at, packet)
        if self._listener is not None:
            self._settle(self._listener)
        return self._slot.layer.wanted(up is not self._turned)

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
        """The capture's filter cut bytes away on purpose."""
        if not self._slot.layer.cut(up is not self._turned, kept, count, at, packet):
            return None
        if self._listener is not None:
            self._listener.bytes_lack(up is not self._turned, count)
            self._settle(self._listener)
        return self._slot.layer.wanted(up is not self._turned)

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended with FIN."""
        self._slot.layer.end(up is not self._turned, at, packet)
        if self._listener is not None:
            self._settle(self._listener)

    def finish(self, at: int, packet: int) -> None:
        """Nothing more will be seen."""
        # Its layers lead back here: they go with this, not when cycles are looked for.
        slot, self._layers = self._layers, None
        if slot is not None:
            slot.layer.finish(at, packet)
        if self._listener is not None:
            self._listener.finished()

    def failed(self, error: Exception, packet: int) -> int:
        """A bug: the connection is not read on, and the report says so."""
        self._ledger.fault(
            self._connection.number, Fault(INTERNAL_ERROR, packet, type(error).__name__)
        )
        self._layers = Slot()
        if self._listener is not None:
            self._listener.failed(error)
        return EVERYTHING

    def _settle(self, listener: Listener) -> None:
        """Tell how far reading has come: what one direction says may settle the other."""
        for up in (True, False):
            listener.settled(up, self._slot.layer.settled(up))
