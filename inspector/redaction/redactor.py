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
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn, Protocol

from inspector.credentials.mask_notes import CLAIMS, written
from inspector.credentials.masking import Found, Masker
from inspector.exchanges.marks import BlankReason, BlockHead, BodyFacts, Copied, written_copied
from inspector.fact import replace
from inspector.flows.contract import ConnectionView
from inspector.flows.contract import Place as Lies
from inspector.flows.decode import TcpPacket
from inspector.flows.tcp import ACK, SEQUENCE_MASK, SYN, distance
from inspector.pipeline import log_failure
from inspector.protocols.extent import Extent
from inspector.redaction.alone import Alone
from inspector.redaction.comments import own_comments
from inspector.redaction.frames import FrameReader, Place, Reading
from inspector.redaction.held import HeldBatch, HeldBatches, HoldClock
from inspector.redaction.listening import INTERNAL_ERROR, CopiedDirection, Listening
from inspector.redaction.marking import Draft, Drafts
from inspector.redaction.outside import HEADERS, READABLE, quoted_payload
from inspector.redaction.summary import HoldLimits, RedactionSummary
from inspector.redaction.track import Track, unread
from inspector.redaction.usual import Usual, usual_segments
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

    def place(self, key: bytes, sequence: int) -> Lies | None:
        """Where the byte with this number lies of a direction that was read; None: nowhere."""


class _Direction(NamedTuple):
    """Where packets of one direction lie: the byte with the number `sequence` at `offset`."""

    talk: Listening
    side: CopiedDirection
    sequence: int
    offset: int


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
        #: Of the packets that are being placed: where those of a direction lie, None for nowhere.
        self._lying: dict[bytes, _Direction | None] = {}
        self._held = HeldBatches()
        self._held_bytes = 0
        self._drafts = Drafts()
        self._clock = HoldClock()
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
        held = HeldBatch(batch)
        self._held.add(held)
        self._held_bytes += sum([captured for _, _, captured, _ in batch.records])
        if self._limits.held_time is not None:
            held.since = [self._clock.at(at) for at, *_ in batch.records]
        usual = usual_segments(batch)
        rare = {
            index: reading
            for index, segment in enumerate(usual)
            if segment is None and (reading := self._reading(held, index)) is not None
        }
        opening = {
            index
            for index, reading in rare.items()
            if reading.segment is not None and reading.segment.flags & (SYN | ACK) == SYN
        }
        opening.update(
            index for index, one in enumerate(usual) if one and one[2] & (SYN | ACK) == SYN
        )
        begin = 0
        for index in sorted(opening):
            # A pair of ports may be used again: what was said before is placed before that.
            if index > begin:
                self._read(held, begin, index, usual, rare)
                begin = index
        self._read(held, begin, len(usual), usual, rare)
        self._looked += len(usual)
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
        track, mask = side.track, self._mask
        side.waiting.settle(
            None if over else track.decided,
            lambda held, index, start, stop, offset: mask(held, index, start, stop, offset, track),
        )

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
        if found:
            waits = self._held.find(packet)
            notes = [] if waits is None else waits[0].notes.setdefault(waits[1], [])
        for item in found:
            name = self.masker.name(item.position)
            self.summary.positions[name.lower()] += 1
            if len(notes) < CLAIMS:
                notes.append(written(name, item.credential, item.tag))
        if not found:
            self.summary.blanked[why] += 1

    def mark(
        self, talk: Listening, up: bool, at: int, extent: Extent, why: BlankReason,
        facts: BodyFacts | None, key: str | None, head: BlockHead = (),
    ) -> None:  # fmt: skip
        """A stretch is blank, and this was found there."""
        ends = talk.ends if up else (talk.ends[1], talk.ends[0])
        self._drafts.add(
            Draft(self._held.file, ends, talk.side(up).sequence, at, extent, why, facts, key, head)
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

    # -- packets come ------------------------------------------------------------

    def _reading(self, held: HeldBatch, index: int) -> Reading | None:
        """What a packet holds that is not like most; None: that failed."""
        batch = held.batch
        at, start, captured, wire = batch.records[index]
        frame = batch.data[start : start + captured]
        try:
            return self._frames.read(batch.link_type, frame, wire, at, held.first + index)
        except Exception as error:  # whatever a bug, or a frame made to find one, does
            self._failed(held, index, error)
            return None

    def _read(
        self, held: HeldBatch, begin: int, end: int, usual: Sequence[Usual | None],
        rare: Mapping[int, Reading],
    ) -> None:  # fmt: skip
        """Have packets read, then say where in their streams they lie."""
        self.source.feed(held.batch.part(begin, end))
        lying = self._lying
        for index, segment in enumerate(usual[begin:end], start=begin):
            try:
                if segment is not None:
                    key, sequence, flags, start, stop = segment
                    if start < stop:
                        if flags & SYN:
                            sequence = sequence + 1 & SEQUENCE_MASK
                        self._piece(held, index, start, stop, key, sequence)
                elif index in rare:
                    self._place(held, index, rare[index])
            except Exception as error:
                self._failed(held, index, error)
        # Not before: a packet may have closed a hole in front of a megabyte, and all that
        # were read must have been placed.
        for direction in lying.values():
            if direction is not None:
                direction.side.trim()
        lying.clear()

    def _failed(self, held: HeldBatch, index: int, error: Exception) -> None:
        log_failure(error)
        self._blank(held, index, *held.span(index), INTERNAL_ERROR)
        for start in held.waiting_of(index):
            held.give_up(index, start)
        held.pending.discard(index)

    def _place(self, held: HeldBatch, index: int, reading: Reading) -> None:
        found, places = reading.segment, reading.places or ()
        for option in reading.options:
            self._blank_place(option, "options")
        for number in reading.settled:
            part = self._held.find(number)
            if part is not None:
                part[0].pending.discard(part[1])
        start, stop = held.span(index)
        if found is not None or reading.settled or reading.reason == "fragment":
            self._padding(held, index, reading.end)
        if found is not None:
            for place in places:
                self._part(place, found)
        elif reading.reason == "fragment":
            held.pending.add(index)
        elif reading.settled and not (self.keep_bodies and reading.reason in READABLE - {"icmp"}):
            kept = HEADERS.get(reading.reason, 0)
            for place in places:
                self._blank_place(place._replace(start=place.start + max(0, kept - place.offset)))
        elif reading.settled:
            for number in reading.settled:
                part = self._held.find(number)
                if part is not None:
                    self._shapes(*part)
        elif reading.reason in ("icmp-unreachable", "icmp"):
            self._quoted(held, index, reading)
        elif reading.reason in READABLE and self.keep_bodies:
            self._shapes(held, index)
        else:
            unread_at = start + reading.unread + HEADERS.get(reading.reason, 0)
            self._blank(held, index, min(stop, unread_at), stop)

    def _padding(self, held: HeldBatch, index: int, end: int) -> None:
        start, stop = held.span(index)
        if held.data[start + end : stop].strip(b"\0"):
            self._blank(held, index, start + end, stop)

    def _blank_place(self, place: Place, why: str = "unreadable") -> None:
        part = self._held.find(place.number)
        if part is not None:
            begin, _ = part[0].span(part[1])
            self._blank(*part, begin + place.start, begin + place.stop, why)

    def _part(self, place: Place, segment: TcpPacket) -> None:
        """A packet brought a part of a segment."""
        part = self._held.find(place.number)
        if part is None:
            return
        held, index = part
        held.pending.discard(index)
        if place.start < place.stop:
            begin, _ = held.span(index)
            sequence = segment.seq + bool(segment.flags & SYN) + place.offset & SEQUENCE_MASK
            start, stop = begin + place.start, begin + place.stop
            self._piece(held, index, start, stop, segment.key, sequence)

    def _piece(
        self, held: HeldBatch, index: int, start: int, stop: int, key: bytes, sequence: int
    ) -> None:
        """Mask a stretch of a packet, whose first byte has this number, if it is decided."""
        lying = self._lying
        direction = lying[key] if key in lying else self._direction(key, sequence)
        if direction is None:
            self._unplaced(held, index, start, stop)
            return
        talk, side, known, offset = direction
        if sequence != known:
            offset += distance(sequence, known)
        end = offset + stop - start
        if offset < 0 or (talk.over and end > side.track.end):
            self._unplaced(held, index, start, stop)
        elif talk.over or end <= side.track.decided:
            self._mask(held, index, start, stop, offset, side.track)
        else:
            side.waiting.add(held, index, start, stop, offset)

    def _direction(self, key: bytes, sequence: int) -> _Direction | None:
        """Where the packets of a direction lie, if they lie anywhere."""
        found = None
        lies = self.source.place(key, sequence)
        talk = None if lies is None else self._talks.get(lies.stream)
        if lies is not None and talk is not None:
            side = talk.side(lies.up)
            side.sequence.lies(lies.offset, sequence)
            found = _Direction(talk, side, sequence, lies.offset)
        self._lying[key] = found
        return found

    def _unplaced(self, held: HeldBatch, index: int, start: int, stop: int) -> None:
        """Payload that lies in no stream."""
        self.summary.blanked["unplaced"] += 1
        held.write(index, start, unread(bytes(held.data[start:stop])))

    def _quoted(self, held: HeldBatch, index: int, reading: Reading) -> None:
        start, stop = held.span(index)
        frame = bytes(held.data[start:stop])
        self._blank(held, index, start + quoted_payload(frame, reading), stop, "quoted")
        if self.keep_bodies:
            self._shapes(held, index)

    def _shapes(self, held: HeldBatch, index: int) -> None:
        """A packet that belongs to no stream: keys by their shape alone."""
        start, stop = held.span(index)
        text = held.data[start:stop].decode("latin-1")
        held.write(index, start, self.masker.text(text).encode("latin-1"))

    # -- a packet goes -----------------------------------------------------------

    def _ready(self, *, everything: bool = False) -> Iterator[Batch]:
        limits = self._limits
        while self._held:
            held = self._held.oldest
            waits = held.ready
            if waits > held.sent:
                yield self._going(held, waits)
            if waits == len(held.changed):
                self._held.drop()
                continue
            late = limits.held_time is not None and (
                self._clock.now - held.since[waits] > limits.held_time
            )
            if not (everything or late or self._held_bytes > limits.held_bytes):
                break
            self._force(held, waits)

    def _going(self, held: HeldBatch, stop: int) -> Batch:
        """The packets of a batch that go, behind the marks of what ends in them."""
        start, notes, comments = held.sent, held.notes, held.batch.comments
        said = {
            index: (*own_comments(comments.get(index, ()), self.masker), *notes.pop(index, ()))
            for index in sorted(comments.keys() | notes.keys())
            if start <= index < stop
        }
        self.summary.packets += stop - start
        self.summary.changed += held.changed.count(1, start, stop)
        self._held_bytes -= sum([captured for _, _, captured, _ in held.batch.records[start:stop]])
        batch = held.go(stop, {index: texts for index, texts in said.items() if texts})
        marks = self.take_marks(held.first >> FILE_SHIFT)
        return replace(batch, marks=marks) if marks else batch

    def _force(self, held: HeldBatch, index: int) -> None:
        """A limit was hit: decide now."""
        self.source.flush()
        if index in held.pending:
            held.pending.discard(index)
            start, stop = held.span(index)
            start += self._frames.pending_payload(held.first + index)
            self._blank(held, index, start, stop, "undecided")
        for pieces, _ in held.waiting_of(index).values():
            pieces.force()
        for start, (_, stop) in held.waiting_of(index).items():
            held.give_up(index, start)
            self._blank(held, index, start, stop, "undecided")

    def _mask(
        self, held: HeldBatch, index: int, start: int, stop: int, offset: int, track: Track
    ) -> None:
        """Write what may be written of the decided bytes of a packet."""
        data = held.data
        before = data[start:stop]
        masked, why = track.covered(offset, before)
        if track.is_recoded and self._limits.held_time is None:
            self._recoded.add(held.first + index)
        if why:
            self.summary.blanked[why] += 1
        if masked != before:
            data[start:stop] = masked
            held.changed[index] = 1

    def _blank(
        self, held: HeldBatch, index: int, start: int, stop: int, why: str = "unreadable"
    ) -> None:
        if held.blank(index, start, stop):
            self.summary.blanked[why] += 1
