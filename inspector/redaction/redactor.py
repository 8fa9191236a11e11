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

import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn, Protocol

from inspector.credentials.mask_notes import CLAIMS, written
from inspector.credentials.masking import Found, Masker
from inspector.exchanges.marks import BlankReason, BlockHead, BodyFacts, Copied, written_copied
from inspector.fact import replace
from inspector.flows.contract import ConnectionView
from inspector.flows.contract import Place as Lies
from inspector.protocols.extent import Extent
from inspector.redaction.alone import Alone
from inspector.redaction.comments import own_comments
from inspector.redaction.copied_direction import CopiedDirection
from inspector.redaction.covering import CHANGED, RECODED
from inspector.redaction.held import HeldBatch, HeldBatches, HoldClock
from inspector.redaction.listening import NO_TIME, Listening
from inspector.redaction.marking import Draft, Drafts
from inspector.redaction.placing import Placing
from inspector.redaction.summary import HoldLimits, RedactionSummary
from inspector.redaction.usual import usual_segments
from inspector.secrets.vault import Vault
from inspector.wire import FILE_SHIFT, Batch

#: Ended connections whose late packets can still be compared.
LINGERING: Final = 256
#: Bytes of all connections that are remembered for retransmissions, twice (as they came, and as
#: they are written).  Each direction has its share, and so many at least, at each look.  (Were all
#: cut when the sum is too much, memory would rise and fall by 11 MB each 75 seconds: measured
#: live, with 276 clients that stay.)
REMEMBERED: Final = 4 << 20
REMEMBERED_EACH: Final = 4 << 10
#: Of each direction of a connection that has ended; twice as much where no more came.
REMEMBERED_ENDED: Final = 4 << 10
#: Packets between two looks at how much is remembered.
LOOK_EVERY: Final = 8192

#: What the flags of a packet are in which something was masked.
_CHANGED: Final = (CHANGED, CHANGED | RECODED)


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
        self.masker = Masker(os.urandom(32), auth_headers, kept_headers=kept_headers, vault=vault)
        self.keep_bodies = keep_bodies
        self.keep_ciphertext = keep_ciphertext
        self.summary = RedactionSummary()
        self._limits = limits or HoldLimits()
        #: Packets of directions with a body that was coded anew: bytes of neither input nor mask.
        self._recoded: set[int] = set()
        self._source: PacketReader | None = None
        self._headers = auth_headers, kept_headers
        self._talks: dict[int, Listening] = {}
        self._lingering: deque[int] = deque()
        #: Those that ended in the packets that are being read.
        self._ended: list[Listening] = []
        self._held = HeldBatches()
        self._placing = Placing(self._held, self._talks, self.summary)
        self._held_bytes = 0
        self._drafts = Drafts()
        self._clock = HoldClock()
        self._looked = 0
        #: Whether packets are blank whatever is told of them: there is no time.
        self.gives_way = False

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
        held = HeldBatch(batch, usual_segments(batch))
        if self.gives_way:
            held.blank_usual()
        count = len(held.flags)
        self._held.add(held)
        self._held_bytes += held.size(0, count)
        if self._limits.held_time is not None:
            held.since = self._clock.readings(held.records.times)
        begin = 0
        for end in (*self._placing.begin(held), count):
            if begin < end:
                self.source.feed(batch.part(begin, end))
                self._placing.place(held, begin, end, self.source)
                self._forget_ended()
                begin = end
        held.are_placed()
        self._looked += count
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
        self._ended.clear()

    def give_way(self) -> None:
        """There is no time: what is open now, or opens before `go_on`, is blank from here on."""
        if not self.gives_way:
            self.gives_way = True
            for talk in list(self._talks.values()):
                if not talk.over:
                    talk.give_up(NO_TIME)

    def go_on(self) -> None:
        """There is time again: connections that begin are read as ever."""
        self.gives_way = False

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Redactor holds packets: it is neither copied nor serialised")

    # -- who listens (`exchanges.listener.Audience`) -------------------------------

    def listen(self, connection: ConnectionView) -> Listening:
        """A connection begins."""
        talk = self._talks[connection.number] = Listening(self, connection)
        if self.gives_way:
            talk.give_up(NO_TIME)
        return talk

    def forget(self) -> None:
        """No connection goes on; the next has the number 1."""
        for talk in list(self._talks.values()):
            if not talk.over:
                talk.finished()
        self._talks.clear()
        self._lingering.clear()
        self._ended.clear()

    # -- what they hear (`listening.Host`) -----------------------------------------

    def decided(self, side: CopiedDirection, *, over: bool) -> None:
        """Mask what is decided of a direction, or of one that is over."""
        self._placing.decided(side, over=over)

    def ended(self, talk: Listening) -> None:
        """A connection is over; of some of them late packets can still be compared."""
        number = talk.number
        if self._talks.get(number) is not talk:
            return
        if talk.sides is None:
            del self._talks[number]
            return
        self._lingering.append(number)
        self._ended.append(talk)

    def _forget_ended(self) -> None:
        """Not before the packets are placed that were read together, however many ended in them."""
        for talk in self._ended:
            for side in talk.sides or ():
                side.trim(REMEMBERED_ENDED)
        self._ended.clear()
        while len(self._lingering) > LINGERING:
            gone = self._talks.pop(self._lingering.popleft(), None)
            if gone is not None:
                gone.let_go()

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
        each = max(REMEMBERED_EACH, REMEMBERED // max(1, 2 * len(sides)))
        for side in sides:
            side.trim(each, each, each >> 3)

    # -- a packet goes -----------------------------------------------------------

    def _ready(self, *, everything: bool = False) -> Iterator[Batch]:
        limits = self._limits
        while self._held:
            held = self._held.oldest
            waits = held.ready
            if waits > held.sent:
                yield self._going(held, waits)
            if waits == len(held.flags):
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
        self.summary.changed += sum(held.flags.count(flags, start, stop) for flags in _CHANGED)
        self._held_bytes -= held.size(start, stop)
        if self._limits.held_time is None:
            self._recoded.update(held.first + index for index in held.recoded(start, stop))
        batch = held.go(stop, {index: texts for index, texts in said.items() if texts})
        marks = self.take_marks(held.first >> FILE_SHIFT)
        return replace(batch, marks=marks) if marks else batch

    def _force(self, held: HeldBatch, index: int) -> None:
        """A limit was hit: decide now."""
        self.source.flush()
        self._placing.force(held, index)
