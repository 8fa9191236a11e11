"""TLS as a layer: nothing is decrypted, but much of it can be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from inspector.exchanges.context import Context
from inspector.exchanges.ledger import TlsRecord
from inspector.facts import Tls
from inspector.flows.stream import BATCH
from inspector.packets import Segment
from inspector.protocols.tls import TlsConversation

#: Rests of records longer than this are worth a skip; shorter ones are
#: cheaper to take in batches (a skip costs two calls, about 1.5 us).
SKIP_FROM: Final = 4096


class TlsLayer:
    """Watches a TLS conversation, inside a tunnel or on its own."""

    __slots__ = ("_context", "_tls")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tls = TlsConversation()

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        self._tls.receive(up, segments)

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes within a record passed."""
        self._tls.skip(up, count, at, packet)

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing."""
        self._tls.gap(up, count, at, packet)

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended with FIN."""
        self._tls.close(up, at, packet, False)

    def wanted(self, up: bool) -> int:
        """Skip long records, take short ones in batches once the handshake is done."""
        skippable = self._tls.skippable(up)
        if skippable > SKIP_FROM:
            return skippable
        return BATCH if self._tls.handshake_complete else 0

    def finish(self, at: int, packet: int) -> None:
        """Write down what was seen."""
        context, tls = self._context, self._tls
        connection = context.connection
        if connection.closed_by in ("reset-by-client", "reset-by-server"):
            tls.close(connection.closed_by == "reset-by-client", at, packet, True)
        facts = _without_keys(
            tls.facts("open" if connection.closed_by is None else "closed"),
            context.ledger.credentials.scrub,
        )
        for fault in tls.faults:
            context.fault(fault)
        tunnel = context.tunnel
        if tunnel is not None:
            tunnel.tls = facts
            tunnel.hello = tls.client_hello_digest
            tunnel.records_up = tls.records_up
            tunnel.records_down = tls.records_down
            tunnel.first_data_at = tls.first_data_at
            tunnel.last_data_at = tls.last_data_at
            return
        client, server = context.ends
        context.ledger.tls.append(
            TlsRecord(
                connection=connection.number,
                client=client,
                server=server,
                tls=facts,
                hello=tls.client_hello_digest,
                bytes_up=connection.up.bytes,
                bytes_down=connection.down.bytes,
                records_up=tls.records_up,
                records_down=tls.records_down,
                first_data_at=tls.first_data_at,
                last_data_at=tls.last_data_at,
                opened_at=connection.opened_at,
                closed_at=connection.closed_at,
                closed_by=connection.closed_by,
                packet=connection.packet,
                midstream=connection.midstream,
            )
        )


def _without_keys(facts: Tls, scrub: Callable[[str], str]) -> Tls:
    """What a client wrote into its hello by mistake must not stand in a report either."""
    return replace(
        facts,
        sni=None if facts.sni is None else scrub(facts.sni),
        alpn_offered=tuple(map(scrub, facts.alpn_offered)),
    )
