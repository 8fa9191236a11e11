"""What stands inside TLS, read with its keys: a layer's child like any other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from inspector.decryption.session import Hole, Lack, Plain, TlsSession
from inspector.exchanges.context import Context
from inspector.exchanges.layers import Slot
from inspector.flows.contract import BATCH
from inspector.model.network import Decryption, TunnelProtocol
from inspector.wire import Segment

_WHY: Final[dict[Lack, str]] = {
    "secrets": "no key log has its secrets",
    "probe": "no probe saw its secrets",
    "client-hello": "its ClientHello was not captured",
    "server-hello": "its ServerHello was not captured",
    "version": "its version of TLS is not read",
    "suite": "its cipher suite is not read",
    "master": "the key log lacks the secret that its version of TLS needs",
    "fit": "no record could be opened with the secrets that the key log has",
    "records": "records are missing, or some of its secrets are",
}


class Inside:
    """Decrypts one TLS connection, and lets a child read what it says.

    `reads`: it may still say something.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = TlsSession(context.ledger.keys)
        self._slot: Slot | None = None
        self._protocol: TunnelProtocol = "none"
        #: What was missing before anything could be read.
        self._holes: dict[bool, Hole] = {}

    @property
    def reads(self) -> bool:
        return not self._session.is_over

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes, encrypted."""
        if self.reads:
            self._pass_on(self._session.receive(up, segments))

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing."""
        if self.reads:
            self._pass_on(self._session.gap(up, count, at, packet))

    def lose(self, up: bool, count: int) -> None:
        """Bytes passed unseen, or were cut away on purpose."""
        if self.reads:
            self._session.lose(up, count)

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended with FIN."""
        self._pass_on(self._session.end(up, at, packet))
        if self._slot is not None:
            self._slot.layer.end(up, at, packet)

    def wanted(self, up: bool) -> int:
        """Every record has to be opened; whether they may come in batches is the child's."""
        return 0 if self._slot is None or not self._slot.layer.wanted(up) else BATCH

    def finish(self, at: int, packet: int) -> Decryption | None:
        """The connection is over: how far it was read."""
        session = self._session
        session.is_closed = self._context.connection.closed_by is not None
        for up in (True, False):
            self._pass_on(session.end(up, at, packet))
        if self._slot is not None:
            self._slot.layer.finish(at, packet)
        if session.is_other_leg:
            return None
        state, lack = session.state, session.lack
        because = None if lack is None else _WHY[lack]
        if state in ("partial", "failed"):
            number = self._context.connection.number
            self._context.ledger.unread.note(number, "protocol", packet or None)
        return Decryption(session.source, state, self._protocol, because)

    def _pass_on(self, told: Sequence[Plain | Hole]) -> None:
        for (is_plain, up), items in groupby(told, lambda item: (isinstance(item, Plain), item.up)):
            if is_plain:
                layer = self._child.layer
                layer.receive(up, [item.segment for item in items if isinstance(item, Plain)])
                continue
            for item in items:
                if isinstance(item, Hole) and item.size:
                    self._lack(item)

    def _lack(self, hole: Hole) -> None:
        if self._slot is not None:
            self._slot.layer.gap(hole.up, hole.size, hole.at, hole.packet)
        else:
            before = self._holes.get(hole.up)
            size = hole.size if before is None else before.size + hole.size
            self._holes[hole.up] = (before or hole)._replace(size=size)

    @property
    def _child(self) -> Slot:
        if self._slot is None:
            slot = self._slot = Slot()
            inner = self._context.in_plaintext(self._note, self._session.sni)
            slot.layer = inner.detect(inner, slot, (0, 0))
            for hole in self._holes.values():
                slot.layer.gap(hole.up, hole.size, hole.at, hole.packet)
        return self._slot

    def _note(self, protocol: TunnelProtocol) -> None:
        self._protocol = protocol
