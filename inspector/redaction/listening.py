"""A connection in a copy: hears what the layers read in it, and grants what may stand.

`Listening` never frames anything: which bytes are a head, a chunk or a record it is told
by whoever reads the connection for the report (`exchanges.listener`).  Whatever fails in
it blanks the connection from there on, is logged and counted, and stays its own affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from inspector.exchanges.listener import Pair
from inspector.exchanges.marks import BlankReason, BodyFacts
from inspector.exchanges.response_bodies import is_broken
from inspector.flows.addresses import endpoint
from inspector.flows.contract import ConnectionView
from inspector.model.network import Endpoint
from inspector.pipeline import log_failure
from inspector.protocols.detect import H2_PREFACE
from inspector.protocols.extent import Extent
from inspector.protocols.messages import Event
from inspector.protocols.websocket import unmasked
from inspector.redaction.copied_direction import CopiedDirection, Host
from inspector.redaction.heads import masked_pairs
from inspector.regex import regex
from inspector.wire import Segment, joined, size_of

#: Why bytes were blanked that a reader failed on.
INTERNAL_ERROR: Final = "internal-error"
#: Why connections were blanked that nobody had the time to understand.
NO_TIME: Final = "no-time"
#: What is granted as a constant, if that is what stands there.
_CONSTANTS: Final = frozenset({H2_PREFACE})
_STATUS: Final = regex(rb"HTTP/[0-9]\.[0-9] [0-9]{3}[ \r\n]")


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
        side = self._told(up)
        if self.dead or side.records is None or not side.records.pass_over(count):
            side.track.passed(count)

    def passable(self, up: bool, count: int) -> int:
        """See `Listener`."""
        records = self._told(up).records
        return 0 if self.dead or records is None else records.passable(count)

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
        elif facts is not None and (extent.stop in blanked or is_broken(facts.faults)):
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
