"""TLS as a layer: much of it can be seen, and with its keys a child reads what is inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from inspector.credentials.reader import CredentialReader
from inspector.exchanges.context import Context
from inspector.exchanges.ledger import DirectTlsRecord
from inspector.fact import replace
from inspector.flows.contract import BATCH, IN_PLACE
from inspector.model.network import Tls
from inspector.protocols.detect import begins_tls_record
from inspector.protocols.messages import EVERYTHING
from inspector.protocols.tls import TlsConversation
from inspector.protocols.tls_record import MAX_RECORD, RECORD_HEADER_SIZE
from inspector.wire import Segment

if TYPE_CHECKING:
    from inspector.exchanges.inside_tls import Inside

#: Rests of records longer than this are worth a skip while segments are shown one by one, and
#: shorter ones are not (a skip costs two calls, about 1.5 us).
SKIP_FROM: Final = 4096

#: No direction.  Sets are only taken from, so that all tunnels of a capture may have this one.
_NEITHER: Final[set[bool]] = set()


def _inside(context: Context) -> Inside:
    """What reads inside, in a run that has keys: few have, and the room that decrypts is large."""
    from inspector.exchanges.inside_tls import Inside

    return Inside(context)


class TlsLayer:
    """Watches a TLS conversation, inside a tunnel or on its own.

    `midstream`: something came before it that was not captured, so each
    direction is taken from the first segment on that begins with a record.
    """

    __slots__ = (
        "_context", "_inside", "_is_answered", "_midstream", "_out_of_step", "_position", "_tls",
        "_untold",
    )  # fmt: skip

    def __init__(
        self, context: Context, *, midstream: bool = False, start: tuple[int, int] = (0, 0)
    ) -> None:
        self._context = context
        self._position = [*start]
        self._midstream = midstream or context.connection.midstream
        self._out_of_step = {True, False} if self._midstream else _NEITHER
        self._tls = TlsConversation()
        # Directions that consist of records, as far as is known, and are not told to be.
        # What a proxy says first in a tunnel may be something else (`first_answer`).
        self._untold = _NEITHER
        if not self._midstream and context.listener is not None:
            self._untold = {True, False}
            self._tell(True)
            if context.tunnel is None:
                self._tell(False)
        # The server's first bytes were seen; in a tunnel they are not this layer's to judge.
        self._is_answered = self._midstream or context.tunnel is not None
        self._inside = _inside(context) if context.ledger.keys else None

    def _tell(self, up: bool) -> None:
        if up in self._untold and self._context.listener is not None:
            self._untold.remove(up)
            self._context.listener.records(up, self._position[up])

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        self._tell(up)
        if up in self._out_of_step:
            starts = (i for i, (_, _, data) in enumerate(segments) if begins_tls_record(data))
            first = next(starts, None)
            passed = sum([len(data) for _, _, data in segments[:first]])
            self._position[up] += passed
            if first is None:
                return
            self._out_of_step.remove(up)
            segments = segments[first:]
            if self._context.listener is not None:
                self._context.listener.records(up, self._position[up])
        if not up and not self._is_answered:
            self._is_answered = True
            self._context.note_plain_answer(self._position[False], segments[0][2])
        self._tls.receive(up, segments)
        if self._inside is not None:
            self._inside.receive(up, segments)

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes within a record passed."""
        self._tell(up)
        self._tls.skip(up, count, at, packet)
        if self._inside is not None:
            self._inside.lose(up, count)

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing."""
        self._tell(up)
        if up not in self._out_of_step:
            self._tls.gap(up, count, at, packet)
            if self._inside is not None:
                self._inside.gap(up, count, at, packet)
        self._position[up] += count

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        """Encrypted bytes were cut away; how many records ended in them is one less than `kept`."""
        if up in self._out_of_step:
            return False
        self._tell(up)
        # No more than can be: a record of type 23 has a header at least.
        if self._inside is not None:
            self._inside.lose(up, count)
        records = min(kept - 1, count // RECORD_HEADER_SIZE) if kept else None
        return self._tls.cut(up, records, at, packet, count)

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended with FIN."""
        self._tls.close(up, at, packet, False)
        if self._inside is not None:
            self._inside.end(up, at, packet)

    def wanted(self, up: bool) -> int:
        """Skip long records; once the handshake is done, count them where they lie."""
        if self._inside is not None and self._inside.reads:
            return self._inside.wanted(up) if self._tls.handshake_complete else 0
        is_complete = self._tls.handshake_complete
        if self._inside is not None:
            return BATCH if is_complete else 0
        if self._context.listener is not None:
            return IN_PLACE if is_complete else self._passable(up)
        skippable = self._tls.skippable(up)
        if is_complete and skippable <= MAX_RECORD:
            return IN_PLACE  # of each record the header is read, and nothing is kept
        return skippable if skippable > SKIP_FROM else 0

    def _passable(self, up: bool) -> int:
        """What neither this layer needs to see during the handshake nor who listens."""
        skippable, listener = self._tls.skippable(up), self._context.listener
        return 0 if listener is None or skippable <= SKIP_FROM else listener.passable(up, skippable)

    def settled(self, up: bool) -> int:
        """Everything: a listener walks the records, and waits for those that it wants whole."""
        return EVERYTHING

    def finish(self, at: int, packet: int) -> None:
        """Write down what was seen."""
        context, tls = self._context, self._tls
        connection = context.connection
        if connection.closed_by in ("reset-by-client", "reset-by-server"):
            tls.close(connection.closed_by == "reset-by-client", at, packet, True)
        decryption = None if self._inside is None else self._inside.finish(at, packet)
        facts = shown(
            tls.facts("open" if connection.closed_by is None else "closed"),
            context.ledger.credentials,
        )
        tunnel = context.tunnel
        partly_heard = self._midstream or connection.half_heard or connection.answer_unheard
        if tunnel is not None and tunnel.connect_status is None:
            partly_heard = True  # what came beside the lost reply is not in its order either
        if partly_heard and facts.handshake == "failed" and not facts.alerts:
            # What it lacks may have been there, before the capture saw the connection or unheard.
            facts = replace(facts, handshake="incomplete")
        for fault in tls.faults:
            context.fault(fault)
        if tunnel is not None:
            tunnel.tls = facts
            tunnel.hello = tls.client_hello_digest
            tunnel.decryption = decryption
            tunnel.records_up = tls.records_up
            tunnel.records_down = tls.records_down
            tunnel.data_down = tls.data_down
            tunnel.first_data_at = tls.first_data_at
            tunnel.last_data_at = tls.last_data_at
            return
        client, server = context.ends
        context.ledger.tls.append(
            DirectTlsRecord(
                connection=connection.number,
                client=client,
                server=server,
                tls=facts,
                hello=tls.client_hello_digest,
                bytes_up=connection.bytes_up,
                bytes_down=connection.bytes_down,
                records_up=tls.records_up,
                records_down=tls.records_down,
                first_data_at=tls.first_data_at,
                last_data_at=tls.last_data_at,
                opened_at=connection.opened_at,
                closed_at=connection.closed_at,
                closed_by=connection.closed_by,
                packet=connection.packet,
                midstream=self._midstream,
                decryption=decryption,
            )
        )


def shown(facts: Tls, credentials: CredentialReader) -> Tls:
    """The names of a hello as they may be shown: that of the server as an authority is."""
    return replace(
        facts,
        sni=None if facts.sni is None else credentials.authority(facts.sni),
        alpn_offered=tuple(map(credentials.words, facts.alpn_offered)),
        alpn=None if facts.alpn is None else credentials.words(facts.alpn),
        certificates=tuple(
            replace(
                shown,
                subject=credentials.words(shown.subject),
                issuer=credentials.words(shown.issuer),
                names=tuple(map(credentials.authority, shown.names)),
            )
            for shown in facts.certificates
        ),
    )
