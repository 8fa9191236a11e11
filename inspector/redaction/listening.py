"""A connection in a copy: hears what the layers read in it, and grants what may stand.

`Listening` never frames anything: which bytes are a head, a chunk or a record it is told
by whoever reads the connection for the report (`exchanges.listener`).  Whatever fails in
it blanks the connection from there on, is logged and counted, and stays its own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, Protocol

from inspector.credentials.masking import Found, Masker
from inspector.exchanges.listener import Pair
from inspector.exchanges.marks import BlankReason, BlockHead, BodyFacts
from inspector.flows.addresses import endpoint
from inspector.flows.contract import ConnectionView
from inspector.model.network import Endpoint
from inspector.pipeline import log_failure
from inspector.protocols.detect import H2_PREFACE
from inspector.protocols.extent import Extent
from inspector.protocols.messages import EVERYTHING, Event
from inspector.protocols.websocket import unmasked
from inspector.redaction.brought import Brought
from inspector.redaction.heads import masked_pairs
from inspector.redaction.held import HeldPieces
from inspector.redaction.marking import Sequence as Numbers
from inspector.redaction.messages import Messages
from inspector.redaction.records import Records
from inspector.redaction.track import HISTORY, PAST, Track
from inspector.regex import regex
from inspector.wire import Segment, joined, size_of

#: Why bytes were blanked that a reader failed on.
INTERNAL_ERROR: Final = "internal-error"
#: Why connections were blanked that nobody had the time to understand.
NO_TIME: Final = "no-time"
#: What is granted as a constant, if that is what stands there.
_CONSTANTS: Final = frozenset({H2_PREFACE})
_STATUS: Final = regex(rb"HTTP/[0-9]\.[0-9] [0-9]{3}[ \r\n]")


class Host(Protocol):
    """Who holds the packets of the connections that are listened to."""

    @property
    def masker(self) -> Masker:
        """What knows the keys."""

    @property
    def gives_way(self) -> bool:
        """Whether packets are blank whatever is told of them: there is no time."""

    @property
    def keep_bodies(self) -> bool:
        """Whether bodies keep their text."""

    @property
    def keep_ciphertext(self) -> bool:
        """Whether what is encrypted in TLS stays."""

    def decided(self, side: CopiedDirection, *, over: bool) -> None:
        """More of a direction may be decided now; `over`: all that will ever be."""

    def ended(self, talk: Listening) -> None:
        """Nothing more of a connection comes."""

    def mark(
        self,
        talk: Listening,
        up: bool,
        at: int,
        extent: Extent,
        why: BlankReason,
        facts: BodyFacts | None,
        key: str | None,
        head: BlockHead = (),
    ) -> None:
        """A stretch of a direction as the engine means it is blank, and this was found there."""

    def note(self, packet: int, found: list[Found], why: str) -> None:
        """Something was masked in a packet; if not, something was hidden, and why."""


class CopiedDirection:
    """One direction of a connection in which something was said."""

    __slots__ = (
        "_at", "_host", "brought", "encrypted", "messages", "records", "sequence", "track",
        "unread", "waiting",
    )  # fmt: skip

    def __init__(self, host: Host, force: Callable[[], None]) -> None:
        self.track = Track()
        self.messages = Messages(self.track, host.masker, self.note, keep_bodies=host.keep_bodies)
        self.records: Records | None = None
        self.sequence = Numbers()
        #: When TLS began, in ns, and where; None: it did not.
        self.encrypted: tuple[int, int] | None = None
        self._at = 0
        #: The packets that wait for it.
        self.waiting = HeldPieces(force)
        self._host = host
        #: The time of the packet, in ns, and the offset of the first byte that nobody read.
        self.unread: tuple[int, int] | None = None
        self.brought = Brought()

    def add(self, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        if not segments:
            return
        self._at = self.brought.add(self.track.end, segments)
        data = joined(segments)
        self.track.add(data)
        if self.records is not None:
            self._take_records(data)

    def begin_records(self, start: int) -> None:
        """From this byte on it consists of TLS records."""
        host, track = self._host, self.track
        self.encrypted = self._at, start
        self.records = Records(track, host.masker, start, keep_ciphertext=host.keep_ciphertext)
        data = track.read(start, track.end)
        if not data and start < track.end:
            self.records.gap(track.end - start)  # it is found out behind a gap
        self._take_records(data)

    def _take_records(self, data: bytes) -> None:
        records = self.records
        if records is not None:
            before = records.changed
            records.take(data)
            if records.changed and not before:
                self.note(self.track.end, [], "tls")

    def settle(self, before: int) -> bool:
        """Nothing more will be told of the bytes before this one; whether more is decided now."""
        track = self.track
        held = self.messages.settled if self.records is None else self.records.settled
        if min(before, held, track.end) <= track.decided:
            return False
        start = track.settle(min(before, held))
        if start is not None and self.unread is None:
            self.unread = self.brought.of(start)[1], start
            self.note(start, [], "plaintext")
        self.brought.forget(track.decided)
        return True

    def force(self) -> None:
        """Decide everything that is here, come what may."""
        self.messages.force()
        if self.records is not None:
            self.records.force()
        self.settle(EVERYTHING)
        self.track.settle(EVERYTHING)

    def trim(self, history: int = HISTORY, past: int = PAST) -> None:
        """Forget what is older than `history`, but nothing that a packet here waits for."""
        track, most = self.track, 2 * history
        if track.end > most and track.remembered > most:  # most have not said so much
            track.trim(self.waiting.first(track.decided), history, past)

    def give_up(self) -> bool:
        """Nobody understands it: what is not decided stays blank; whether there was any."""
        before = self.track.decided
        start = self.track.settle(EVERYTHING)
        if start is not None and self.unread is None:
            self.unread = self.brought.of(start)[1], start
        return self.track.decided > before

    def let_go(self) -> None:
        """Nobody asks for it any more: what refers to it from within does so no longer.

        Python frees it at once then, and not when it looks for cycles, minutes later.
        """
        del self.messages, self.waiting

    def note(self, offset: int, found: list[Found], why: str) -> None:
        """Tell what was masked at an offset, or for which reason something was hidden there."""
        self._host.note(self.brought.of(offset)[0], found, why)


class Listening:
    """Implements `exchanges.listener.Listener` for one connection.

    Its sides are those of the engine, whatever its ends turn out to be.
    """

    __slots__ = ("_connection", "_host", "_turned", "dead", "ends", "number", "over", "sides")

    #: Who `up` comes from as the engine means it, and the other end; known when there are sides.
    ends: tuple[Endpoint, Endpoint]

    def __init__(self, host: Host, connection: ConnectionView) -> None:
        self.number = connection.number
        self._connection = connection
        self._host = host
        self._turned = False
        self.dead = False
        self.over = False
        #: Down and up; made when something is said, before anybody can take the ends for
        #: each other: a scan has many connections in which nothing is.
        self.sides: tuple[CopiedDirection, CopiedDirection] | None = None

    def side(self, up: bool) -> CopiedDirection:
        """One direction as the engine means it, from the first byte of either on."""
        if self.sides is None:
            self.sides = (
                CopiedDirection(self._host, partial(self.force, False)),
                CopiedDirection(self._host, partial(self.force, True)),
            )
            self.ends = endpoint(*self._connection.client), endpoint(*self._connection.server)
        return self.sides[up]

    def let_go(self) -> None:
        """It is over, and no late packet is compared with it any more."""
        sides, self.sides = self.sides, None
        for side in sides or ():
            side.let_go()

    def force(self, up: bool) -> None:
        """A limit was hit: decide now what came of a direction as the engine means it."""
        with self._guarded():
            self.side(up).force()
        self._host.decided(self.side(up), over=self.over)

    # -- what the layers tell ------------------------------------------------------

    def bytes_came(self, up: bool, segments: Sequence[Segment]) -> None:
        """See `Listener`."""
        side = self._told(up)
        if self.dead:
            if self._host.gives_way:
                side.track.passed(size_of(segments))
            else:
                side.track.add(joined(segments))
            return
        end = side.track.end + size_of(segments)
        try:
            side.add(segments)
        except Exception as error:
            self._die(error)
            if side.track.end < end:
                side.track.passed(end - side.track.end)

    def bytes_passed(self, up: bool, count: int) -> None:
        """See `Listener`."""
        self._told(up).track.passed(count)

    def bytes_lack(self, up: bool, count: int) -> None:
        """See `Listener`."""
        side = self._told(up)
        side.track.gap(count)
        if side.records is not None and not self.dead:
            with self._guarded():
                side.records.gap(count)

    def turned(self) -> None:
        """See `Listener`."""
        self._turned = not self._turned

    def http(self, up: bool, events: Sequence[Event]) -> None:
        """See `Listener`."""
        if not self.dead:
            try:
                self._told(up).messages.take(events)
            except Exception as error:
                self._die(error)

    def http_over(self) -> None:
        """See `Listener`."""
        if not self.dead:
            with self._guarded():
                for up in (True, False):
                    self._told(up).messages.leave()

    def body(
        self, up: bool, at: int, extent: Extent, facts: BodyFacts | None, key: str | None
    ) -> None:
        """See `Listener`."""
        host, blanked = self._host, self._told(up).messages.blanked
        side = up is not self._turned
        if key is not None:
            host.mark(self, side, at, extent, "text", None, key)
        elif extent.stop in blanked and facts is not None:
            why: BlankReason = "coded" if facts.coding else "body"
            host.mark(self, side, at, extent, why, facts, None)
        blanked.discard(extent.stop)

    def records(self, up: bool, start: int) -> None:
        """See `Listener`."""
        if not self.dead:
            with self._guarded():
                side = self._told(up)
                side.begin_records(start)

    def constant(self, up: bool, extent: Extent) -> None:
        """See `Listener`."""
        track = self._told(up).track
        data = track.read(*extent)
        if data in _CONSTANTS or _STATUS.fullmatch(data):
            track.grant(extent.start, data)

    def numbers(self, up: bool, extent: Extent) -> None:
        """See `Listener`."""
        track = self._told(up).track
        track.grant(extent.start, track.read(*extent))

    def head(self, up: bool, at: int, extent: Extent, pairs: Sequence[Pair]) -> None:
        """See `Listener`."""
        if self.dead:
            return
        with self._guarded():
            masked = masked_pairs(pairs, self._host.masker)
            side = self._told(up)
            side.note(side.brought.last(at, extent.start), self._host.masker.found[:], "bodies")
            self._host.masker.found.clear()
            self._host.mark(self, up is not self._turned, at, extent, "head", None, None, masked)

    def blank(self, up: bool, extent: Extent) -> None:
        """See `Listener`."""
        self._told(up).track.grant(extent.start, b"x" * extent.size)

    def words(self, up: bool, extent: Extent, mask: bytes) -> None:
        """See `Listener`."""
        if self.dead:
            return
        with self._guarded():
            track = self._told(up).track
            text = unmasked(track.read(*extent), mask).decode("latin-1")
            shown = self._host.masker.granted_words(text).encode("latin-1")
            track.grant(extent.start, unmasked(shown, mask))

    def conversation(self, at: int, extent: Extent, facts: BodyFacts) -> None:
        """See `Listener`."""
        self._host.mark(self, self._turned, at, extent, "body", facts, None)

    def settled(self, up: bool, before: int) -> None:
        """See `Listener`."""
        if self.sides is None:
            return
        side = self._told(up)
        track = side.track
        if track.decided == track.end and not self.over:
            return  # mostly it is the other one that said something
        try:
            is_more = side.give_up() if self.dead else side.settle(before)
        except Exception as error:
            self._die(error)
        else:
            if is_more or self.over:
                self._host.decided(side, over=self.over)

    def failed(self, error: Exception) -> None:
        """See `Listener`."""
        self._die(None)

    def finished(self) -> None:
        """See `Listener`."""
        self.over = True
        for up, side in enumerate(self.sides or ()):
            if side.encrypted is not None:
                at, start = side.encrypted
                self._host.mark(
                    self, bool(up), at, Extent(start, side.track.end), "tls", None, None
                )
        for up, side in enumerate(self.sides or ()):
            with self._guarded():
                side.force()
                if side.unread is not None:
                    at, start = side.unread
                    stretch = Extent(start, side.track.end)
                    self._host.mark(self, bool(up), at, stretch, "plaintext", None, None)
        for side in self.sides or ():
            self._host.decided(side, over=True)
        self._host.ended(self)

    # -- what fails ------------------------------------------------------------------

    def give_up(self, why: str) -> None:
        """Nothing more of it is granted: it is blank from here on, for this reason."""
        if self.dead:
            return
        self.dead = True
        self._host.note(0, [], why)
        for side in self.sides or ():
            side.give_up()
            self._host.decided(side, over=self.over)

    def _told(self, up: bool) -> CopiedDirection:
        return self.side(up is not self._turned)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """A bug must not let a key out, nor cost the report this connection."""
        try:
            yield
        except Exception as error:
            self._die(error)

    def _die(self, error: Exception | None) -> None:
        """`error` is to be logged; None: whoever failed did so."""
        if error is not None:
            log_failure(error)
        self.give_up(INTERNAL_ERROR)
