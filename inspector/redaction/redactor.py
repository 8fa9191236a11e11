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
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final, NoReturn, Protocol

from inspector.credentials.mask_notes import CLAIMS, written
from inspector.credentials.masking import Found, Masker
from inspector.exchanges.marks import BlankReason, BlockHead, BodyFacts, Copied, written_copied
from inspector.fact import replace
from inspector.flows.contract import ConnectionView
from inspector.flows.contract import Place as Lies
from inspector.flows.decode import TcpPacket
from inspector.flows.tcp import ACK, SYN
from inspector.pipeline import log_failure
from inspector.protocols.extent import Extent
from inspector.redaction.alone import Alone
from inspector.redaction.comments import own_comments
from inspector.redaction.frames import FrameReader, Place, Reading
from inspector.redaction.held import Held, HeldPiece, HoldClock, batches_of
from inspector.redaction.listening import INTERNAL_ERROR, CopiedDirection, Listening
from inspector.redaction.marking import Draft, Drafts
from inspector.redaction.outside import HEADERS, READABLE, quoted_payload
from inspector.redaction.summary import HoldLimits, RedactionSummary
from inspector.redaction.track import unread
from inspector.secrets.vault import Vault
from inspector.wire import FILE_SHIFT, Batch

#: Ended connections whose late packets can still be compared.
LINGERING: Final = 256
#: Bytes of all connections that are remembered for retransmissions, and how many of
#: each direction stay when these are more.
REMEMBERED: Final = 32 << 20
REMEMBERED_EACH: Final = 4 << 10
#: Packets between two looks at how much is remembered.
LOOK_EVERY: Final = 8192


class PacketReader(Protocol):
    """Who reads the packets, and tells a `Redactor` what of it was understood."""

    def feed(self, batch: Batch) -> None:
        """Read the packets of one batch."""

    def note_marks(self, texts: Iterable[bytes], file_index: int) -> None:
        """What a file says of what is blank in it, as far as no batch has it."""

    def flush(self) -> None:
        """Read what is held to be read with what follows."""

    def end(self) -> None:
        """The packets are over."""

    def place(self, segment: TcpPacket, offset: int) -> Lies | None:
        """Where a byte of a segment that was read lies; None: nowhere."""


class Redactor:
    """Masks every credential in the packets of one capture.

    `feed` batches in order and `finish` once; both give batches that are safe
    to write, in the order, and with the numbers, in which the packets came.
    `auth_headers` are further headers that carry a credential, `kept_headers` those whose
    value stays though no grammar grants it; `keep_bodies` keeps what the bodies of HTTP
    messages say, but for what looks like a key or was met as one; `keep_ciphertext` what is
    encrypted in TLS.  `vault` is where credentials are learnt and looked for: that of the
    report.  Masks of equal values are equal within one Redactor.

    It reads nothing itself: it listens (`exchanges.listener.Audience`) to whoever reads the
    packets.  That is a reading of its own, unless it is told to `follow` another's.
    """

    def __init__(
        self,
        *,
        auth_headers: Iterable[str] = (),
        kept_headers: Iterable[str] = (),
        keep_bodies: bool = False,
        keep_ciphertext: bool = False,
        limits: HoldLimits | None = None,
        vault: Vault | None = None,
    ) -> None:
        auth_headers, kept_headers = tuple(auth_headers), tuple(kept_headers)
        self.masker = Masker(
            secrets.token_bytes(32), auth_headers, kept_headers=kept_headers, vault=vault
        )
        self.keep_bodies = keep_bodies
        self.keep_ciphertext = keep_ciphertext
        self.summary = RedactionSummary()
        self._limits = limits or HoldLimits()
        self._frames = FrameReader()
        #: Packets of directions with a body that was coded anew: bytes of neither input nor mask.
        self._recoded: set[int] = set()
        self._source: PacketReader | None = None
        self._headers = auth_headers, kept_headers
        self._talks: dict[int, Listening] = {}
        self._lingering: deque[int] = deque()
        self._placed: dict[int, CopiedDirection] = {}
        self._held: OrderedDict[int, Held] = OrderedDict()
        self._held_bytes = 0
        self._drafts = Drafts()
        self._clock = HoldClock()
        self._fed = 0
        self._looked = 0

    def follow(self, source: PacketReader) -> None:
        """Listen to a reading that somebody else needs: `feed` and `finish` are its as well."""
        self._source = source

    @property
    def source(self) -> PacketReader:
        """Who reads the packets."""
        if self._source is None:
            headers, kept = self._headers
            self._source = Alone(
                self, auth_headers=headers, kept_headers=kept, vault=self.masker.vault
            )
        return self._source

    @property
    def held_bytes(self) -> int:
        """Bytes of the packets that wait."""
        return self._held_bytes

    def feed(self, batch: Batch) -> Iterator[Batch]:
        """Take a batch, and have it read; the packets that are decided now."""
        self._fed += 1
        readings = [self._hold(batch, index) for index in range(len(batch.records))]
        begin = 0
        for index, (_, reading) in enumerate(readings):
            segment = None if reading is None else reading.segment
            # A pair of ports may be used again: what was said before is placed before that.
            if index > begin and segment is not None and segment.flags & (SYN | ACK) == SYN:
                self._read(batch.part(begin, index), readings[begin:index])
                begin = index
        self._read(batch.part(begin, len(readings)), readings[begin:])
        self._looked += len(readings)
        if self._looked >= LOOK_EVERY:
            self._looked = 0
            self._forget_much()
        yield from self._ready()

    def finish(self) -> Iterator[Batch]:
        """The capture is over: everything that still waited."""
        self.source.end()
        yield from self._ready(everything=True)
        self.summary.echoes = self.masker.echoes
        self._talks.clear()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Redactor holds packets: it is neither copied nor serialised")

    # -- who listens (`exchanges.listener.Audience`) -------------------------------

    def listen(self, connection: ConnectionView) -> Listening:
        """A connection begins."""
        talk = self._talks[connection.number] = Listening(self, connection)
        return talk

    def forget(self) -> None:
        """No connection goes on; the next has the number 1."""
        for talk in list(self._talks.values()):
            if not talk.over:
                talk.finished()
        self._talks.clear()
        self._lingering.clear()

    # -- what they hear (`listening.Host`) -----------------------------------------

    def decided(self, side: CopiedDirection, *, over: bool) -> None:
        """Mask what is decided of a direction, or of one that is over."""
        side.waiting.settle(None if over else side.track.decided, self._mask)

    def ended(self, talk: Listening) -> None:
        """A connection is over; of some of them late packets can still be compared."""
        number = talk.number
        if self._talks.get(number) is not talk:
            return
        if talk.sides is None:
            del self._talks[number]
            return
        self._lingering.append(number)
        if len(self._lingering) > LINGERING:
            self._talks.pop(self._lingering.popleft(), None)

    def note(self, packet: int, found: list[Found], why: str) -> None:
        """Something was masked in a packet, or else hidden for this reason."""
        held = self._held.get(packet)
        for item in found:
            name = self.masker.name(item.position)
            self.summary.positions[name.lower()] += 1
            if held is not None and len(held.notes) < CLAIMS:
                held.notes.append(written(name, item.credential, item.tag))
        if not found:
            self.summary.blanked[why] += 1

    def mark(
        self, talk: Listening, up: bool, at: int, extent: Extent, why: BlankReason,
        facts: BodyFacts | None, key: str | None, head: BlockHead = (),
    ) -> None:  # fmt: skip
        """A stretch is blank, and this was found there."""
        ends = talk.ends if up else (talk.ends[1], talk.ends[0])
        file = next(reversed(self._held), 0) >> FILE_SHIFT
        self._drafts.add(
            Draft(file, ends, talk.side(up).sequence, at, extent, why, facts, key, head)
        )

    def take_marks(self, file: int) -> tuple[bytes, ...]:
        """What is to be said of blank stretches of a file, as far as no batch has it."""
        return self._drafts.take(file, self.masker.granted_words_of)

    def recoded_of(self, file: int) -> frozenset[int]:
        """The numbers of packets of a file that may have bytes of neither input nor mask."""
        first = file << FILE_SHIFT
        return frozenset(number - first for number in self._recoded if number >> FILE_SHIFT == file)

    @property
    def statement(self) -> bytes:
        """The mark that begins each file of the copy: what it keeps beside what is granted."""
        return written_copied(Copied(self.keep_bodies, self.keep_ciphertext))

    def _forget_much(self) -> None:
        """Many connections remember much together: each keeps little."""
        sides = [side for talk in self._talks.values() for side in talk.sides or ()]
        if sum(side.track.remembered for side in sides) > REMEMBERED:
            for side in sides:
                side.trim(REMEMBERED_EACH, 0)

    # -- a packet comes ----------------------------------------------------------

    def _hold(self, batch: Batch, index: int) -> tuple[Held, Reading | None]:
        """Take a packet, and find out what stands where in it; None: that failed."""
        at, start, captured, wire = batch.records[index]
        number = batch.first_packet + index
        frame = batch.data[start : start + captured]
        held = Held(
            at, bytearray(frame), wire, batch.link_type, number, batch.comments.get(index, ())
        )
        held.batch = self._fed
        held.counted_cuts = batch.counted_cuts
        held.since = self._clock.at(at)
        self._held[number] = held
        self._held_bytes += captured
        try:
            return held, self._frames.read(held.link, frame, held.wire, held.at, held.number)
        except Exception as error:  # whatever a bug, or a frame made to find one, does
            self._failed(held, error)
            return held, None

    def _read(self, batch: Batch, readings: list[tuple[Held, Reading | None]]) -> None:
        """Have packets read, then say where in their streams they lie."""
        self.source.feed(batch)
        for held, reading in readings:
            if reading is None:
                continue
            try:
                self._place(held, reading)
            except Exception as error:
                self._failed(held, error)
        # Not before: a packet may have closed a hole in front of a megabyte, and all that
        # were read must have been placed.
        for side in self._placed.values():
            side.trim()
        self._placed.clear()

    def _failed(self, held: Held, error: Exception) -> None:
        log_failure(error)
        self._blank(held, 0, len(held.frame), INTERNAL_ERROR)
        held.pieces.clear()
        held.pending = False

    def _place(self, held: Held, reading: Reading) -> None:
        found, places = reading.segment, reading.places or ()
        for option in reading.options:
            if option.number in self._held:
                self._blank(self._held[option.number], option.start, option.stop, "options")
        for number in reading.settled:
            part = self._held.get(number)
            if part is not None:
                part.pending = False
        if found is not None or reading.settled or reading.reason == "fragment":
            self._padding(held, reading.end)
        if found is not None:
            for place in places:
                self._piece(place, found)
        elif reading.reason == "fragment":
            held.pending = True
        elif reading.settled and not (self.keep_bodies and reading.reason in READABLE - {"icmp"}):
            kept = HEADERS.get(reading.reason, 0)
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
        elif reading.reason in READABLE and self.keep_bodies:
            self._shapes(held)
        else:
            start = reading.unread + HEADERS.get(reading.reason, 0)
            self._blank(held, min(len(held.frame), start), len(held.frame))

    def _padding(self, held: Held, end: int) -> None:
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
        lies = self.source.place(segment, place.offset)
        talk = None if lies is None else self._talks.get(lies.stream)
        if lies is None or talk is None or lies.offset < 0:
            self._unplaced(held, place)
            return
        side = talk.side(lies.up)
        begin = segment.seq + bool(segment.flags & SYN) + place.offset
        side.sequence.lies(lies.offset, begin)
        if talk.over and lies.offset + length > side.track.end:
            self._unplaced(held, place)
            return
        force = partial(talk.force, lies.up)
        piece = HeldPiece(place.start, place.stop, lies.offset, side.track, force)
        held.pieces.append(piece)
        side.waiting.add(held, piece)
        self.decided(side, over=talk.over)
        self._placed[id(side)] = side

    def _unplaced(self, held: Held, place: Place) -> None:
        """Payload that lies in no stream."""
        self.summary.blanked["unplaced"] += 1
        self._write(held, place.start, unread(bytes(held.frame[place.start : place.stop])))

    def _quoted(self, held: Held, reading: Reading) -> None:
        self._blank(held, quoted_payload(held.frame, reading), len(held.frame), "quoted")
        if self.keep_bodies:
            self._shapes(held)

    def _shapes(self, held: Held) -> None:
        """A packet that belongs to no stream: keys by their shape alone."""
        text = held.frame.decode("latin-1")
        masked = self.masker.text(text)
        if masked != text:
            held.frame[:] = masked.encode("latin-1")
            held.changed = True

    # -- a packet goes -----------------------------------------------------------

    def _ready(self, *, everything: bool = False) -> Iterator[Batch]:
        going: list[Held] = []
        held, limits = self._held, self._limits
        while held:
            first = next(iter(held.values()))
            if not first.ready:
                waited = self._clock.now - first.since
                late = limits.held_time is not None and waited > limits.held_time
                if not (everything or late or self._held_bytes > limits.held_bytes):
                    break
                self._force(first)
            held.popitem(last=False)
            self._held_bytes -= len(first.frame)
            self._close(first)
            going.append(first)
            if len(going) >= 512:
                yield from self._marked(going)
                going = []
        yield from self._marked(going)

    def _marked(self, going: list[Held]) -> Iterator[Batch]:
        """The batches of these packets, each behind the marks of what ends in it."""
        for batch in batches_of(going):
            marks = self.take_marks(batch.first_packet >> FILE_SHIFT)
            yield replace(batch, marks=marks) if marks else batch

    def _force(self, held: Held) -> None:
        """A limit was hit: decide now."""
        self.source.flush()
        if held.pending:
            held.pending = False
            self._blank(
                held, self._frames.pending_payload(held.number), len(held.frame), "undecided"
            )
        for piece in held.pieces:
            if not piece.done:
                piece.force()
            if not piece.done:
                piece.done = True
                self._blank(held, piece.start, piece.stop, "undecided")

    def _mask(self, held: Held, piece: HeldPiece) -> None:
        """Write the decided bytes of a piece into its frame."""
        piece.done = True
        before = bytes(held.frame[piece.start : piece.stop])
        masked, why = piece.track.covered(piece.offset, before)
        if piece.track.is_recoded and self._limits.held_time is None:
            self._recoded.add(held.number)
        if why:
            self.summary.blanked[why] += 1
        self._write(held, piece.start, masked)

    def _write(self, held: Held, start: int, data: bytes) -> None:
        stop = start + len(data)
        if held.frame[start:stop] != data:
            held.frame[start:stop] = data
            held.changed = True

    def _blank(self, held: Held, start: int, stop: int, why: str = "unreadable") -> None:
        if start < stop:
            held.frame[start:stop] = b"x" * (stop - start)
            held.changed = True
            self.summary.blanked[why] += 1

    def _close(self, held: Held) -> None:
        """The packet goes: its comments."""
        self.summary.packets += 1
        self.summary.changed += held.changed
        held.comments = (*own_comments(held.comments, self.masker), *held.notes)
