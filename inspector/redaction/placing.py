"""Where in their streams the packets of a batch lie, and what is written of each.

Of nearly all it is what was granted in the track of their direction, many at a time (`covering`).
What lies in no stream, or is not what its stream got first, is blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from inspector.fact import Fact
from inspector.flows.contract import Place as Lies
from inspector.flows.decode import TcpPacket
from inspector.flows.tcp import ACK, SEQUENCE_MASK, SYN
from inspector.native.layout import KEY, USUAL_FIELDS, USUAL_FLAGS, USUAL_WAY
from inspector.pipeline import log_failure
from inspector.redaction.copied_direction import CopiedDirection
from inspector.redaction.covering import CHANGED, RECODED, chain
from inspector.redaction.frames import FrameReader, Place, Reading
from inspector.redaction.held import HeldBatch, HeldBatches, Share
from inspector.redaction.listening import INTERNAL_ERROR, Listening
from inspector.redaction.outside import HEADERS, quoted_payload
from inspector.redaction.summary import RedactionSummary
from inspector.redaction.track import Track, unread

#: Connections that may begin in packets that are placed together.  Of those that are over the
#: engine knows twice as many (`flows/table.py`).
OPENINGS: Final = 64


#: Flags of a segment -> whether it opens a connection.
_OPENS: Final = bytes(flags & (SYN | ACK) == SYN for flags in range(256))


class StreamPlaces(Protocol):
    """Who has read the streams."""

    def place(self, key: bytes, sequence: int) -> Lies | None:
        """Where the byte with this number lies of a direction that was read; None: nowhere."""


class _Direction(Fact):
    """Where packets of one direction lie: the byte with the number `sequence` at `offset`."""

    talk: Listening
    side: CopiedDirection
    sequence: int
    offset: int


class Placing:
    """Places packets of batches that are `held` in what is heard of connections, the `talks`."""

    def __init__(
        self,
        held: HeldBatches,
        talks: Mapping[int, Listening],
        summary: RedactionSummary,
    ) -> None:
        self._held = held
        self._talks = talks
        self._summary = summary
        self._frames = FrameReader()
        #: What packets hold that are not like most, of the batch that came last.
        self._rare: dict[int, Reading] = {}
        #: Of the packets that are being placed: where those of a direction lie, None for nowhere.
        self._lying: dict[bytes, _Direction | None] = {}

    # -- packets come ------------------------------------------------------------

    def begin(self, held: HeldBatch) -> list[int]:
        """Read the frames of a batch that are not like most; where the batch is to be cut.

        What is said before a pair of ports is used again is placed before it is: its packets are
        in a part of their own.
        """
        rare = self._rare = {}
        opening: dict[int, bytes] = {}
        is_plain = True
        for index in _places(held.rows[::USUAL_FIELDS].tolist(), -1):
            if (reading := self._reading(held, index)) is None:
                continue
            rare[index] = reading
            found = reading.segment
            if found is not None:
                is_plain = is_plain and len(found.key) == KEY
                if found.flags & (SYN | ACK) == SYN:
                    opening[index] = found.key
                self._lay(held, index, reading, found)
        flags = bytes(held.rows[USUAL_FLAGS::USUAL_FIELDS].tolist())
        for index in _places(flags.translate(_OPENS), True):
            opening[index] = held.key(index)
        return _cuts(held, opening) if is_plain else sorted(opening)

    def place(self, held: HeldBatch, begin: int, end: int, streams: StreamPlaces) -> None:
        """Say where packets of a batch lie, which were read, and mask what is decided of them."""
        self._streams = streams
        for index, reading in self._rare.items():
            if begin <= index < end:
                try:
                    self._place(held, index, reading)
                except Exception as error:  # whatever a bug, or a frame made to find one, does
                    self._failed(held, index, error)
        firsts = chain(held.rows, begin, end, held.following, len(held.ways))
        for key, first in zip(list(held.ways), firsts, strict=True):
            if first >= 0:
                self._share(held, first, key, end)
        # Not before: a packet may have closed a hole in front of a megabyte, and all that
        # were read must have been placed.
        for direction in self._lying.values():
            if direction is not None:
                direction.side.trim()
        self._lying.clear()

    def decided(self, side: CopiedDirection, *, over: bool) -> None:
        """Mask what is decided of a direction, or of one that is over."""
        for share in side.waiting.due(None if over else side.track.decided):
            try:
                self._cover(share, side.track, over=over, is_new=False)
            except Exception as error:
                for index in share.fail():
                    self._failed(share.held, index, error)
            if share.at >= 0:
                side.waiting.add(share)

    def force(self, held: HeldBatch, index: int) -> None:
        """A packet can wait no longer: decide now."""
        if index in held.pending:
            held.pending.discard(index)
            start, stop = held.span(index)
            start += self._frames.pending_payload(held.first + index)
            self._blank(held, index, start, stop, "undecided")
        for share in held.waiting_at(index):
            share.pieces.force()
        for _ in held.waiting_at(index):
            start, stop = held.payload(index)
            held.give_up(index)
            self._blank(held, index, start, stop, "undecided")

    # -- of frames that are not like most --------------------------------------------

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

    def _lay(self, held: HeldBatch, index: int, reading: Reading, found: TcpPacket) -> None:
        """A segment that is whole in its frame is placed as those of usual frames are."""
        places = reading.places or ()
        if reading.reason or reading.datagram or len(places) != 1:
            return
        [place] = places
        if place.start < place.stop:
            begin, _ = held.span(index)
            sequence = found.seq + bool(found.flags & SYN) + place.offset & SEQUENCE_MASK
            way = held.way(found.key)
            if held.lay(index, way, sequence, begin + place.start, begin + place.stop):
                reading.places = []

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
        elif reading.settled:
            kept = HEADERS.get(reading.reason, 0)
            for place in places:
                self._blank_place(place._replace(start=place.start + max(0, kept - place.offset)))
        elif reading.reason in ("icmp-unreachable", "icmp"):
            self._quoted(held, index, reading)
        else:
            unread_at = min(stop, start + reading.unread + HEADERS.get(reading.reason, 0))
            if reading.inner is not None:
                # A copy is no more whole than its source.
                first, last = reading.inner
                self._blank(held, index, unread_at, max(unread_at, start + first))
                unread_at = max(unread_at, start + last)
            self._blank(held, index, unread_at, stop)

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
            if held.lay(index, -1, sequence, start, stop):
                self._share(held, index, segment.key)
            else:
                self._unplaced(held, index, start, stop)

    def _quoted(self, held: HeldBatch, index: int, reading: Reading) -> None:
        start, stop = held.span(index)
        frame = bytes(held.data[start:stop])
        self._blank(held, index, start + quoted_payload(frame, reading), stop, "quoted")

    # -- of segments ---------------------------------------------------------------

    def _share(self, held: HeldBatch, first: int, key: bytes, end: int | None = None) -> None:
        """Packets that one direction brought, chained from the `first` on, all before `end`."""
        try:
            lying = self._lying
            found = lying[key] if key in lying else self._direction(key, held.sequence(first))
            if found is None:
                for index in held.chained(first):
                    self._unplaced(held, index, *held.payload(index))
                return
            share = Share(held, first, found.sequence, found.offset, found.side.waiting)
            self._cover(share, found.side.track, over=found.talk.over, is_new=True)
            if share.at >= 0:
                found.side.waiting.add(share)
        except Exception as error:
            for index in held.alike(first, end):
                self._failed(held, index, error)

    def _direction(self, key: bytes, sequence: int) -> _Direction | None:
        """Where the packets of a direction lie, if they lie anywhere."""
        found = None
        lies = self._streams.place(key, sequence)
        talk = None if lies is None else self._talks.get(lies.stream)
        if lies is not None and talk is not None:
            side = talk.side(lies.up)
            side.sequence.lies(lies.offset, sequence)
            found = _Direction(talk, side, sequence, lies.offset)
        self._lying[key] = found
        return found

    def _cover(self, share: Share, track: Track, *, over: bool, is_new: bool) -> None:
        """Write what may be written of those packets that are decided."""
        held = share.held

        def odd(index: int, offset: int) -> None:
            start, stop = held.payload(index)
            end = offset + stop - start
            if is_new and (end <= 0 or (over and end > track.end)):
                self._unplaced(held, index, start, stop)
            else:
                self._mask(held, index, start, stop, offset, track)

        share.cover(track, odd, over=over)

    def _mask(
        self, held: HeldBatch, index: int, start: int, stop: int, offset: int, track: Track
    ) -> None:
        """Write what may be written of a packet whose bytes are not those of its direction."""
        data = held.data
        before = data[start:stop]
        masked, why = track.covered(offset, before)
        if track.is_recoded:
            held.flags[index] |= RECODED
        if why:
            self._summary.blanked[why] += 1
        if masked != before:
            data[start:stop] = masked
            held.flags[index] |= CHANGED

    def _unplaced(self, held: HeldBatch, index: int, start: int, stop: int) -> None:
        """Payload that lies in no stream."""
        self._summary.blanked["unplaced"] += 1
        held.write(index, start, unread(bytes(held.data[start:stop])))

    def _blank(
        self, held: HeldBatch, index: int, start: int, stop: int, why: str = "unreadable"
    ) -> None:
        if held.blank(index, start, stop):
            self._summary.blanked[why] += 1

    def _failed(self, held: HeldBatch, index: int, error: Exception) -> None:
        log_failure(error)
        self._blank(held, index, *held.span(index), INTERNAL_ERROR)
        held.give_up(index)
        held.pending.discard(index)


def _places(values: Sequence[int], wanted: int) -> Iterator[int]:
    """Where a value stands among those of all packets; few have it."""
    at = -1
    for _ in range(values.count(wanted)):
        at = values.index(wanted, at + 1)
        yield at


def _cuts(held: HeldBatch, opening: Mapping[int, bytes]) -> list[int]:
    """Before which of the packets that open a connection its ports were used, or too many opened.

    All keys are those of IPv4 without a context.
    """
    if not opening:
        return []
    ways = held.rows[USUAL_WAY::USUAL_FIELDS]
    first = dict(zip(reversed(ways), range(len(ways) - 1, -1, -1), strict=True))
    cuts = []
    count = 0
    for index in sorted(opening):
        key = opening[index]
        used = [held.ways.get(each) for each in (key, _reverse(key))]
        count += 1
        if count >= OPENINGS or any(way is not None and first[way] < index for way in used):
            cuts.append(index)
            count = 0
    return cuts


def _reverse(key: bytes) -> bytes:
    """The key of the opposite direction, of IPv4 without a context."""
    return key[4:8] + key[:4] + key[10:] + key[8:10]
