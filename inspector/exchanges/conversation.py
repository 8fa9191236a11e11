"""One TCP connection as its reader sees it: the root of the layer stack."""

from __future__ import annotations

from typing import Final

from inspector.exchanges.context import Context
from inspector.exchanges.detect import detect
from inspector.exchanges.layers import Opaque, Slot
from inspector.exchanges.ledger import INTERNAL_ERROR, Ledger
from inspector.flows.stream import TcpConnection
from inspector.model.capture import Fault
from inspector.wire import Segment

FAULTS: Final[dict[str, str]] = {
    INTERNAL_ERROR: "The inspector failed on this connection; it is a bug, the traffic"
    " is innocent. The rest of the report is not affected.",
}


class Conversation:
    """Passes a connection's bytes to its layers (implements `flows.stream.StreamReader`)."""

    __slots__ = ("_connection", "_layers", "_ledger", "_over")

    def __init__(self, ledger: Ledger, connection: TcpConnection) -> None:
        self._ledger = ledger
        self._connection = connection
        # Made when something is said: most connections of a scan say nothing.
        self._layers: tuple[Context, Slot] | None = None
        self._over = False

    @property
    def _slot(self) -> Slot:
        if self._layers is None:
            context, slot = Context(self._ledger, self._connection, detect), Slot()
            slot.layer = detect(context, slot)
            self._layers = context, slot
        return self._layers[1]

    def data(self, up: bool, segments: list[Segment]) -> int:
        """The next bytes of a direction."""
        client_side = self._connection.up
        try:
            self._slot.layer.receive(up, segments)
            # The ends may just have been found to be the other way round.
            turned = self._connection.up is not client_side
            return self._slot.layer.wanted(up is not turned)
        except Exception as error:
            return self._fail(error, segments[0][1])

    def skipped(self, up: bool, count: int, at: int, packet: int) -> int:
        """Bytes passed unseen."""
        try:
            self._slot.layer.skip(up, count, at, packet)
            return self._slot.layer.wanted(up)
        except Exception as error:
            return self._fail(error, packet)

    def gap(self, up: bool, count: int, at: int, packet: int) -> int:
        """Bytes are missing from the capture."""
        try:
            self._slot.layer.gap(up, count, at, packet)
            return self._slot.layer.wanted(up)
        except Exception as error:
            return self._fail(error, packet)

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
        """The capture's filter cut bytes away on purpose."""
        try:
            if not self._slot.layer.cut(up, kept, count, at, packet):
                return None
            return self._slot.layer.wanted(up)
        except Exception as error:
            return self._fail(error, packet)

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended with FIN."""
        try:
            self._slot.layer.end(up, at, packet)
        except Exception as error:
            self._fail(error, packet)

    def finish(self, at: int, packet: int) -> None:
        """Nothing more will be seen."""
        if self._over:
            return
        self._over = True
        if self._layers is None:
            return
        try:
            self._slot.layer.finish(at, packet)
        except Exception as error:
            self._fail(error, packet)
        self._slot.layer = Opaque()

    def _fail(self, error: Exception, packet: int) -> int:
        """A bug must not cost the person at 2 a.m. the other connections."""
        self._ledger.fault(
            self._connection.number, Fault(INTERNAL_ERROR, packet, type(error).__name__)
        )
        self._slot.layer = Opaque()
        return self._slot.layer.wanted(True)
