"""`Redactor`: batches in, the same packets without credentials out, in order.

A packet leaves when every byte of its payload is decided: a credential may go
on in the next packet, or in one that was lost and comes again.  What waits is
bounded by bytes and by time; when a bound is hit, what is not decided is
blanked, and counted.

TCP checksums are left as they are.  Nobody who reads captures on a bridge may
judge them (offloading leaves most of them unfinished), and right ones would
make redacted packets look untouched.
"""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final

from inspector.credentials.mask_notes import CLAIMS, PREFIX, written
from inspector.credentials.masking import Found, Masker
from inspector.flows.contract import Closed as StreamClosed
from inspector.flows.contract import ConnectionView, Cut, Delivery, End, Gap, Opened, Run, Skipped
from inspector.flows.decode import TcpPacket
from inspector.flows.engine import PacketEngine
from inspector.redaction.frames import FrameReader, Place, Reading
from inspector.redaction.streams import HISTORY, Pair, Stream
from inspector.wire import Batch, Segment

#: Ended connections whose late packets can still be compared.
LINGERING: Final = 256
#: Bytes of all connections that are remembered for retransmissions, and how many of
#: each direction stay when these are more.
REMEMBERED: Final = 32 << 20
REMEMBERED_EACH: Final = 4 << 10
#: Packets between two looks at how much is remembered.
LOOK_EVERY: Final = 8192
#: Waiting packets of one direction, from which on it is looked whether any have gone.
TIDY: Final = 64

#: Reasons for which a frame that holds no segment is still read as text.
_READABLE: Final = frozenset({
    "arp", "control", "encrypted", "icmp", "llc", "no-next-header", "not-ip", "not-tcp", "sctp",
    "truncated-header", "udp",
})  # fmt: skip
#: ICMP's and ICMPv6's types of messages that quote a packet (RFC 792, RFC 4443 2.1).
_ICMP_ERRORS: Final = frozenset({1, 2, 3, 4, 5, 11, 12})
#: Reasons -> bytes of the header that stays behind those that were peeled, so that the reason does.
_HEADERS: Final[Mapping[str, int]] = {
    "arp": 28,  # of Ethernet and IPv4 (RFC 826)
    "bad-ip-header": 20,
    "bad-tcp-header": 20,
    "encrypted": 8,  # ESP's index and number (RFC 4303 2), as much of MACsec's tag
    "icmp": 8,  # RFC 792
    "sctp": 12,  # RFC 9260 3.1
    "truncated-header": 20,
    "udp": 8,  # RFC 768
}


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """How much may wait: bytes, and ns between the oldest packet and the newest (None: any)."""

    held_bytes: int = 64 << 20
    held_time: int | None = None


#: For a capture that is written while it is taken.
LIVE: Final = HoldLimits(held_bytes=16 << 20, held_time=3_000_000_000)


@dataclass(slots=True)
class RedactionSummary:
    """What was masked; never a value.

    `positions`: credentials by the name of their header or parameter (`?key`).
    `echoes`: keys in free text.  `blanked`: stretches of bytes that were
    blanked, by the reason: "compressed" (a coded body with a key in it),
    "unreadable" (cannot be searched), "undecided" (a limit was hit), "unmatched"
    (not the bytes that were sent first), "forgotten" (the bytes that were sent
    first are not here any more), "unplaced" (they fit nowhere in a connection),
    "bodies" (but for their structure), "plaintext" (a direction of it that is no
    HTTP), "quoted" (a packet in an ICMP error), "tls" (a direction of it: what is encrypted
    and what is no name).  `again`: changes made when the result was read again.
    """

    packets: int = 0
    changed: int = 0
    positions: Counter[str] = field(default_factory=Counter)
    echoes: int = 0
    blanked: Counter[str] = field(default_factory=Counter)
    again: int = 0


@dataclass(slots=True)
class _Piece:
    """A stretch of a frame, and where its bytes are in a stream (None: nowhere)."""

    start: int
    stop: int
    stream: Stream | None
    offset: int
    done: bool = False


class _Held:
    """A captured packet, held back until every byte of its payload is decided."""

    __slots__ = (
        "at",
        "batch",
        "changed",
        "comments",
        "counted_cuts",
        "frame",
        "link",
        "notes",
        "number",
        "pending",
        "pieces",
        "wire",
    )

    def __init__(
        self, at: int, frame: bytearray, wire: int, link: int, number: int,
        comments: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.at = at
        self.frame = frame
        self.wire = wire
        self.link = link
        self.number = number
        self.comments = comments
        self.notes: list[str] = []
        self.changed = False
        self.batch = 0
        self.counted_cuts = False
        self.pieces: list[_Piece] = []
        self.pending = False  # a fragment whose datagram is not whole

    @property
    def ready(self) -> bool:
        return not self.pending and all(piece.done for piece in self.pieces)


class _Side:
    """One direction of a connection in which something was said."""

    __slots__ = ("brought", "stream", "tidy_at", "turn", "waiting")

    def __init__(self, redactor: Redactor, pair: Pair, *, midstream: bool) -> None:
        #: Where in the stream packets began: (offset, number).
        self.brought: deque[tuple[int, int]] = deque()
        #: A heap of (where the piece ends, a number of its own, its packet, itself).
        self.waiting: list[tuple[int, int, _Held, _Piece]] = []
        self.tidy_at = TIDY
        self.turn = 0

        def noted(offset: int, found: list[Found], why: str) -> None:
            redactor._note(self.packet(offset), found, why)

        self.stream = Stream(
            pair,
            redactor.masker,
            noted,
            midstream=midstream,
            keep_bodies=redactor.keep_bodies,
            keep_ciphertext=redactor.keep_ciphertext,
        )

    def packet(self, offset: int) -> int:
        """The packet that brought the byte at `offset`."""
        packet = 0
        for begin, number in self.brought:
            if begin > offset:
                break
            packet = number
        return packet

    def finish(self) -> None:
        try:
            self.stream.finish()
        except Exception:
            self.stream.give_up()

    def trim(self, history: int = HISTORY) -> None:
        """Forget what is older than `history`, but nothing that a packet here waits for."""
        stream = self.stream
        if stream.decided - stream.base > 2 * history:
            needed = min((entry[3].offset for entry in self.waiting), default=stream.decided)
            stream.trim(needed, history)


class _Talk:
    """Both directions of a connection, of which everything is seen.

    A connection in which nothing is said costs next to nothing: a scan has many.
    """

    __slots__ = ("_redactor", "connection", "over", "sides")

    def __init__(self, redactor: Redactor, connection: ConnectionView) -> None:
        self._redactor = redactor
        self.connection = connection
        self.over = False
        self.sides: tuple[_Side, _Side] | None = None

    def side(self, up: bool) -> _Side:
        """One direction, from the first byte of either on."""
        if self.sides is None:
            pair, midstream = Pair(), self.connection.midstream
            self.sides = (
                _Side(self._redactor, pair, midstream=midstream),
                _Side(self._redactor, pair, midstream=midstream),
            )
        return self.sides[up]

    def take(self, delivery: Delivery) -> None:
        """What the engine delivers of this connection."""
        match delivery:
            case Run(_, up, segments):
                self._data(up, segments)
            case Gap(_, up, length) | Skipped(_, up, length) | Cut(_, up, _, length):
                self._gap(up, length)
            case End(_, up) if self.sides is not None:
                self.sides[up].finish()
                self.settle(self.sides[up])
            case StreamClosed():
                self._finish()

    def _data(self, up: bool, segments: list[Segment]) -> None:
        side = self.side(up)
        stream, brought = side.stream, side.brought
        for _, packet, data in segments:
            brought.append((stream.end, packet))
            following = stream.end + len(data)
            try:
                stream.receive(data)
            except Exception:  # a bug must not let a key out, nor cost the other connections
                stream.lack(following)
            self.settle(side)
            while len(brought) > 1 and brought[1][0] <= stream.decided:
                brought.popleft()

    def _gap(self, up: bool, count: int) -> None:
        side = self.side(up)
        following = side.stream.end + count
        try:
            side.stream.gap(count)
        except Exception:
            side.stream.lack(following)
        self.settle(side)

    def wait(self, up: bool, held: _Held, piece: _Piece) -> None:
        """A piece of a packet that is masked when its bytes are decided."""
        side = self.side(up)
        waiting = side.waiting
        if len(waiting) >= side.tidy_at:
            # Packets that could wait no longer have gone: theirs are done.
            waiting[:] = [entry for entry in waiting if not entry[3].done]
            heapify(waiting)
            side.tidy_at = 2 * len(waiting) + TIDY
        side.turn += 1
        end = piece.offset + piece.stop - piece.start
        heappush(waiting, (end, side.turn, held, piece))
        self.settle(side)
        # Not before: this packet may have closed a hole in front of a megabyte.
        side.trim()

    def settle(self, side: _Side) -> None:
        """Mask what is decided.

        A heap by where pieces end: of packets out of order the later may be
        decided first, and what is not is not looked at again for each packet.
        """
        waiting, decided = side.waiting, side.stream.decided
        while waiting and (self.over or waiting[0][0] <= decided):
            _, _, held, piece = heappop(waiting)
            if not piece.done:
                self._redactor._mask(held, piece)

    def _finish(self) -> None:
        self.over = True
        if self.sides is not None:
            for side in self.sides:
                side.finish()
            for side in self.sides:
                self.settle(side)
        self._redactor._ended(self)


class Redactor:
    """Masks every credential in the packets of one capture.

    `feed` batches in order and `finish` once; both give batches that are safe
    to write, in the order, and with the numbers, in which the packets came.
    `auth_headers` are further headers that carry a credential, `kept_headers` those whose
    value stays though no grammar grants it; `keep_bodies` keeps what bodies and other
    plaintext say, but for what looks like a key or was met as one; `keep_ciphertext` what
    is encrypted in TLS.  Masks of equal values are equal within one Redactor.
    """

    def __init__(
        self,
        *,
        auth_headers: Iterable[str] = (),
        kept_headers: Iterable[str] = (),
        keep_bodies: bool = False,
        keep_ciphertext: bool = False,
        limits: HoldLimits | None = None,
        checking: bool = False,
    ) -> None:
        self.masker = Masker(
            secrets.token_bytes(32), auth_headers, kept_headers=kept_headers, checking=checking
        )
        self.keep_bodies = keep_bodies
        self.keep_ciphertext = keep_ciphertext
        self.summary = RedactionSummary()
        self._limits = limits or HoldLimits()
        self._frames = FrameReader()
        self._engine = PacketEngine()
        self._talks: dict[int, _Talk] = {}
        self._lingering: deque[int] = deque()
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._held_bytes = 0
        self._newest = 0
        self._fed = 0
        self._looked = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of the packets that wait."""
        return self._held_bytes

    def feed(self, batch: Batch) -> Iterator[Batch]:
        """Take a batch; the packets that are decided now."""
        number = batch.first_packet
        self._fed += 1
        for index, (at, start, captured, wire) in enumerate(batch.records):
            frame = batch.data[start : start + captured]
            held = _Held(
                at, bytearray(frame), wire, batch.link_type, number,
                batch.comments.get(index, ()),
            )  # fmt: skip
            held.batch = self._fed
            held.counted_cuts = batch.counted_cuts
            self._held[number] = held
            self._held_bytes += captured
            self._newest = max(self._newest, at)
            try:
                self._place(held, frame)
            except Exception:  # whatever a bug, or a frame made to find one, does
                self._blank(held, 0, captured)
                held.pending = False
            number += 1
        self._looked += len(batch.records)
        if self._looked >= LOOK_EVERY:
            self._looked = 0
            self._forget()
        yield from self._ready()

    def finish(self) -> Iterator[Batch]:
        """The capture is over: everything that still waited."""
        self._take(self._engine.finish())
        yield from self._ready(everything=True)
        self.summary.echoes = self.masker.echoes

    def _forget(self) -> None:
        """Many connections remember much together: each keeps little."""
        sides = [side for talk in self._talks.values() for side in talk.sides or ()]
        if sum(side.stream.remembered for side in sides) > REMEMBERED:
            for side in sides:
                side.stream.forget_pasts()
                side.trim(REMEMBERED_EACH)

    # -- a packet comes ----------------------------------------------------------

    def _take(self, deliveries: Iterable[Delivery]) -> None:
        """Hand each delivery to its connection; every connection is in scope."""
        for delivery in deliveries:
            match delivery:
                case Opened(stream, view):
                    self._talks[stream] = _Talk(self, view)
                case (
                    Run(stream)
                    | Gap(stream)
                    | Skipped(stream)
                    | Cut(stream)
                    | End(stream)
                    | (StreamClosed(stream))
                ):
                    self._talks[stream].take(delivery)

    def _ended(self, talk: _Talk) -> None:
        if talk.sides is None:
            self._talks.pop(talk.connection.number, None)
            return
        self._lingering.append(talk.connection.number)
        if len(self._lingering) > LINGERING:
            self._talks.pop(self._lingering.popleft(), None)

    def _place(self, held: _Held, frame: bytes) -> None:
        reading = self._frames.read(held.link, frame, held.wire, held.at, held.number)
        found, places = reading.segment, reading.places or ()
        for number in reading.settled:
            part = self._held.get(number)
            if part is not None:
                part.pending = False
        if found is not None or reading.settled or reading.reason == "fragment":
            self._padding(held, reading.end)
        if found is not None:
            if reading.reason != "repeated":
                self._take(self._engine.take(found, held.at, held.number))
            for place in places:
                self._piece(place, found)
        elif reading.reason == "fragment":
            held.pending = True
        elif reading.settled and not (self.keep_bodies and reading.reason in _READABLE - {"icmp"}):
            kept = _HEADERS.get(reading.reason, 0)
            for place in places:
                if place.number in self._held:
                    start = place.start + max(0, kept - place.offset)
                    self._blank(self._held[place.number], start, place.stop)
        elif reading.settled:
            for number in reading.settled:
                if number in self._held:
                    self._shapes(self._held[number])
        elif reading.reason in ("icmp-unreachable", "icmp"):
            self._quoted(held, reading)
        elif reading.reason in _READABLE and self.keep_bodies:
            self._shapes(held)
        else:
            start = reading.unread + _HEADERS.get(reading.reason, 0)
            self._blank(held, min(len(frame), start), len(frame))

    def _padding(self, held: _Held, end: int) -> None:
        if any(held.frame[end:]):
            self._blank(held, end, len(held.frame))

    def _piece(self, place: Place, segment: TcpPacket) -> None:
        held = self._held.get(place.number)
        if held is None or place.start >= place.stop:
            if held is not None:
                held.pending = False
            return
        held.pending = False
        length = place.stop - place.start
        lies = self._engine.place(segment, place.offset)
        talk = None if lies is None else self._talks.get(lies.stream)
        if lies is None or talk is None or lies.offset < 0:
            stream = None
        else:
            stream = talk.side(lies.up).stream
            if talk.over and lies.offset + length > stream.end:
                stream = None
        piece = _Piece(place.start, place.stop, stream, 0 if lies is None else lies.offset)
        held.pieces.append(piece)
        if stream is None or talk is None or lies is None:
            self._mask(held, piece)
        else:
            talk.wait(lies.up, held, piece)

    def _quoted(self, held: _Held, reading: Reading) -> None:
        """An ICMP error quotes the start of a packet, perhaps with its payload (RFC 1812 4.3.2.3).

        The quoted headers stay: IP's, and 20 bytes that TCP's has at least.
        """
        frame, at = held.frame, reading.unread
        start = len(frame)
        if reading.quoted:
            start = at + 16  # the reader stands behind the quoted ports
        elif reading.reason == "icmp" and at + 9 <= len(frame) and frame[at] in _ICMP_ERRORS:
            first = frame[at + 8]
            start = at + 8 + 20 + (40 if first >> 4 == 6 else (first & 15) << 2)
        self._blank(held, min(start, len(frame)), len(frame), "quoted")
        if self.keep_bodies:
            self._shapes(held)

    def _shapes(self, held: _Held) -> None:
        """A packet that belongs to no stream: keys by their shape alone."""
        text = held.frame.decode("latin-1")
        masked = self.masker.text(text)
        if masked != text:
            held.frame[:] = masked.encode("latin-1")
            held.changed = True

    # -- a packet goes -----------------------------------------------------------

    def _ready(self, *, everything: bool = False) -> Iterator[Batch]:
        going: list[_Held] = []
        held, limits = self._held, self._limits
        while held:
            first = next(iter(held.values()))
            if not first.ready:
                late = limits.held_time is not None and (self._newest - first.at > limits.held_time)
                if not (everything or late or self._held_bytes > limits.held_bytes):
                    break
                self._force(first)
            held.popitem(last=False)
            self._held_bytes -= len(first.frame)
            self._close(first)
            going.append(first)
            if len(going) >= 512:
                yield from _batches(going)
                going = []
        yield from _batches(going)

    def _force(self, held: _Held) -> None:
        """A limit was hit: decide now."""
        if held.pending:
            held.pending = False
            self._blank(
                held, self._frames.pending_payload(held.number), len(held.frame), "undecided"
            )
        for piece in held.pieces:
            if not piece.done and piece.stream is not None:
                try:
                    piece.stream.force()
                except Exception:
                    piece.stream.give_up()
                if piece.offset + piece.stop - piece.start <= piece.stream.decided:
                    self._mask(held, piece)
                else:
                    piece.done = True
                    self._blank(held, piece.start, piece.stop, "undecided")

    def _mask(self, held: _Held, piece: _Piece) -> None:
        """Write the decided bytes of a piece into its frame."""
        piece.done = True
        before = bytes(held.frame[piece.start : piece.stop])
        stream = piece.stream
        if stream is None:
            self._blank(held, piece.start, piece.stop, "unplaced")
            return
        masked, why = stream.covered(piece.offset, before)
        if why:
            self.summary.blanked[why] += 1
        if masked != before:
            held.frame[piece.start : piece.stop] = masked
            held.changed = True

    def _blank(self, held: _Held, start: int, stop: int, why: str = "unreadable") -> None:
        if start < stop:
            held.frame[start:stop] = b"x" * (stop - start)
            held.changed = True
            self.summary.blanked[why] += 1

    def _close(self, held: _Held) -> None:
        """The packet goes: its comments."""
        self.summary.packets += 1
        self.summary.changed += held.changed
        kept = [self.masker.words(text) for text in held.comments if not text.startswith(PREFIX)]
        held.comments = (*kept, *held.notes)

    def _note(self, packet: int, found: list[Found], why: str) -> None:
        held = self._held.get(packet)
        for item in found:
            name = self.masker.text(item.position)
            self.summary.positions[name.lower()] += 1
            if held is not None and len(held.notes) < CLAIMS:
                held.notes.append(written(name, item.credential, item.tag))
        if not found:
            self.summary.blanked[why] += 1


def _batches(going: list[_Held]) -> Iterator[Batch]:
    """Runs of packets that follow each other and came in one batch, each as one batch."""
    at = 0
    while at < len(going):
        end = at + 1
        while (
            end < len(going)
            and going[end].batch == going[at].batch
            and going[end].number == going[end - 1].number + 1
        ):
            end += 1
        parts = going[at:end]
        records = []
        offset = 0
        for held in parts:
            records.append((held.at, offset, len(held.frame), held.wire))
            offset += len(held.frame)
        comments = {i: tuple(held.comments) for i, held in enumerate(parts) if held.comments}
        data = b"".join(held.frame for held in parts)
        yield Batch(data, records, parts[0].link, parts[0].number, comments, parts[0].counted_cuts)
        at = end
