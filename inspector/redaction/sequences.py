"""What each direction of each connection says, in the order of its sequence numbers.

The audit's own reassembly.  It waits for nothing and delivers nothing: a segment
is laid where its sequence number says, and looked at together with what stands
before and behind it, be it in order, out of order, sent again with other edges,
or a byte a packet.  Where packets say different things of one place, what the
first said is looked at, and what the last.  Within a packet keys are found
without this.

Most segments begin where the last one of their direction ended.  Of what such say one
after another the seams are looked at first (`strands`), those of all directions
together (`found`): mostly nothing of a key is in any of them.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

from inspector.flows.tcp import SEQUENCE_MASK, SYN
from inspector.native.layout import PIECE_FIELDS
from inspector.redaction.strands import PIECES, Strand, part_of, strand_of
from inspector.secrets.vault import Vault

#: Bytes on either side of a border that are looked at together.
EDGE: Final = 32
#: Bytes of one direction that can still be met by a late packet, and packets there that are
#: blanked with it: of a key in more of them than that fewer than twelve bytes stay together.
KEPT: Final = 256 << 10
STRETCHES: Final = 512
#: Directions, and bytes of all of them; beyond it those unheard for longest keep their last edge.
DIRECTIONS: Final = 16_384
TOTAL: Final = 32 << 20

_HALF: Final = 1 << 31


class Stretch(NamedTuple):
    """`data` stands at `place` of the files, and at `offset` of a segment or a direction."""

    offset: int
    data: bytes
    place: int


class _Parts(NamedTuple):
    """Parts of packets that stand one behind another from `offset` of a direction on.

    `pieces` are those of a strand, whose places count from `place`.
    """

    offset: int
    length: int
    pieces: array[int]
    place: int

    def stand(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """(offset, length, place) of each, if some of them are between two offsets."""
        offset, length, pieces, place = self
        if offset < last and first < offset + length:
            for _, at, size, start in PIECES.iter_unpack(pieces):
                yield offset + at, size, place + start

    @property
    def packets(self) -> int:
        """How many packets they are of."""
        return len(self.pieces) // PIECE_FIELDS

    def newest(self, count: int) -> _Parts:
        """The last of them, at most so many."""
        return self._replace(pieces=self.pieces[-count * PIECE_FIELDS :])


class _Direction:
    """The last bytes of a direction from `start` on; NUL where none is known."""

    __slots__ = ("behind", "data", "end_sequence", "packets", "parts", "start")

    def __init__(self, sequence: int) -> None:
        self.start = 0
        self.data = bytearray()
        self.end_sequence = sequence
        #: Where what is known stands, and of how many packets that is.
        self.parts: list[_Parts] = []
        self.packets = 0
        #: What came in order, and was not looked at; and what its places count from.
        self.behind: list[tuple[Strand, int]] = []

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    def offset(self, sequence: int) -> int:
        """The offset that a sequence number has, near the end."""
        ahead = (sequence - self.end_sequence + _HALF & SEQUENCE_MASK) - _HALF
        return self.end + ahead

    def is_near(self, offset: int, length: int) -> bool:
        return self.start - KEPT <= offset and offset + length <= self.end + KEPT

    def lay(self, offset: int, data: bytes) -> bytes:
        """Write bytes where they belong; what stood there before, NUL for nothing."""
        if offset < self.start:
            self.data[:0] = bytes(self.start - offset)
            self.start = offset
        at = offset - self.start
        lacking = at + len(data) - len(self.data)
        if lacking > 0:
            self.data += bytes(lacking)
            self.end_sequence = self.end_sequence + lacking & SEQUENCE_MASK
        before = bytes(self.data[at : at + len(data)])
        self.data[at : at + len(data)] = data
        return before

    def neighbours(self, offset: int, length: int) -> tuple[bool, bool]:
        """Whether something is known right before and right behind a stretch."""
        at = offset - self.start
        stop = at + length
        return at > 0 and self.data[at - 1] != 0, stop < len(self.data) and self.data[stop] != 0

    def stand(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """(offset, length, place) of packets' parts, of all that have some of a stretch."""
        for part in self.parts:
            yield from part.stand(first, last)

    def add(self, parts: _Parts) -> None:
        """What is known now is of these packets as well."""
        self.parts.append(parts)
        self.packets += parts.packets

    def trim(self, kept: int, packets: int) -> None:
        """Forget the oldest bytes but `kept`, and what no byte is left of."""
        spare = len(self.data) - kept
        if spare > 0:
            del self.data[:spare]
            self.start += spare
        parts = [one for one in self.parts if one.offset + one.length > self.start]
        self.parts, self.packets = [], 0
        while parts and self.packets < packets:
            self.add(parts.pop().newest(packets - self.packets))
        self.parts.reverse()


class _Text(NamedTuple):
    """What a direction said in order, from `offset` on, and the edge before it."""

    direction: _Direction
    offset: int
    edge: bytes
    said: list[tuple[Strand, int]]


class Sequences:
    """Looks at the segments of a capture; `vault` knows the keys."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._directions: OrderedDict[bytes, _Direction] = OrderedDict()
        self._bytes = 0
        #: Directions that said something since `found`, and what is to be looked at.
        self._touched: dict[bytes, _Direction] = {}
        self._texts: list[_Text] = []
        self._seams: list[bytes] = []
        self._hidden: list[range] = []

    def add(self, key: bytes, sequence: int, flags: int, data: bytes, place: int) -> None:
        """The segment of a usual packet, whose payload `data` stands at `place`."""
        self.follow(strand_of(key, sequence, flags, data), place)

    def follow(self, strand: Strand, place: int) -> None:
        """A strand of usual packets, of a batch that stands at `place`."""
        direction = self._directions.get(strand.key)
        if (
            direction is not None
            and strand.sequence == direction.end_sequence
            and not strand.flags & SYN
        ):
            self._touched[strand.key] = direction
            self._behind(direction, strand, place)
        else:
            self._again(strand, place)

    def _behind(self, direction: _Direction, strand: Strand, place: int) -> None:
        """A strand that goes on where its direction ended."""
        size = len(strand.data)
        if size:
            direction.behind.append((strand, place))
            direction.end_sequence = direction.end_sequence + size & SEQUENCE_MASK

    def _again(self, strand: Strand, place: int) -> None:
        """A strand that came out of order, or again: packet by packet, until one goes on."""
        for index, (_, offset, size, start) in enumerate(strand.packets):
            sequence = strand.sequence + offset & SEQUENCE_MASK
            flags = 0 if index else strand.flags
            direction = self._direction(strand.key, sequence, flags)
            begin = direction.offset(sequence + bool(flags & SYN) & SEQUENCE_MASK)
            if begin == direction.end:
                self._behind(direction, part_of(strand, index, strand.packet_count), place)
                return
            if size:
                data = bytes(strand.data[offset : offset + size])
                self._hidden += self._part(direction, begin, data, place + start)

    def look(self, key: bytes, sequence: int, flags: int, parts: list[Stretch]) -> None:
        """Any segment.

        `key` names the direction, `sequence` and `flags` are the segment's, `parts` its
        payload, of which each packet that brought some has one.
        """
        direction = self._direction(key, sequence, flags)
        self._lay(direction)
        begin = direction.offset(sequence + bool(flags & SYN) & SEQUENCE_MASK)
        for offset, data, place in parts:
            if not data:
                continue
            if begin + offset == direction.end:
                direction.behind.append((strand_of(key, 0, 0, data), place))
                direction.end_sequence = direction.end_sequence + len(data) & SEQUENCE_MASK
            else:
                self._lay(direction)
                self._hidden += self._part(direction, begin + offset, data, place)

    def found(self) -> list[range]:
        """Places of bytes that belong to a key across an edge of what came since the last time."""
        for direction in self._touched.values():
            self._lay(direction)
        texts, seams, hidden = self._texts, self._seams, self._hidden
        self._texts, self._seams, self._hidden = [], [], []
        if texts and self._vault.may_hold(b"\0".join(seams)):
            for text in texts:
                hidden += self._within(text)
        for key, direction in self._touched.items():
            if self._directions.get(key) is direction:
                self._directions.move_to_end(key)
            if len(direction.data) > 2 * KEPT or direction.packets > 2 * STRETCHES:
                size = len(direction.data)
                direction.trim(KEPT, STRETCHES)
                self._bytes -= size - len(direction.data)
        self._touched.clear()
        if self._bytes > TOTAL:
            self._forget()
        return hidden

    def _direction(self, key: bytes, sequence: int, flags: int) -> _Direction:
        direction = self._directions.get(key)
        if direction is not None:
            self._lay(direction)
            if (
                flags & SYN and sequence + 1 & SEQUENCE_MASK != self._first(direction)
            ) or not direction.is_near(direction.offset(sequence), 0):
                self._bytes -= len(direction.data)
                direction = None  # another connection, or too far away to meet
        if direction is None:
            direction = _Direction(sequence + bool(flags & SYN) & SEQUENCE_MASK)
            self._directions[key] = direction
            self._directions.move_to_end(key)
        if len(self._directions) > DIRECTIONS:
            gone, oldest = self._directions.popitem(last=False)
            self._lay(oldest)
            self._touched.pop(gone, None)
            self._bytes -= len(oldest.data)
        self._touched[key] = direction
        return direction

    @staticmethod
    def _first(direction: _Direction) -> int:
        """The sequence number of the first byte that is known."""
        return direction.end_sequence - len(direction.data) & SEQUENCE_MASK

    def _lay(self, direction: _Direction) -> None:
        """Put what came in order where it belongs; it is looked at when `found` is asked."""
        behind = direction.behind
        if not behind:
            return
        known = direction.data
        edge = bytes(known[-EDGE:])
        begin = offset = direction.end
        packets = direction.packets
        seam = edge
        for strand, place in behind:
            data = strand.data
            known += data
            direction.add(_Parts(offset, len(data), strand.pieces, place))
            offset += len(data)
            seam += strand.seam
        self._bytes += offset - begin
        if edge or direction.packets > packets + 1:
            self._texts.append(_Text(direction, begin - len(edge), edge, behind))
            self._seams.append(seam)
        direction.behind = []

    def _within(self, text: _Text) -> Iterator[range]:
        """Places of keys in what came in order that stand in no packet alone."""
        direction, begin, edge, said = text
        data = b"".join((edge, *[strand.data for strand, _ in said]))
        for first, last in self._vault.spans(data):
            first, last = begin + first, begin + last
            if not any(
                offset <= first and last <= offset + length
                for offset, length, _ in direction.stand(first, last)
            ):
                yield from self._places(direction, first, last)

    def _part(self, direction: _Direction, offset: int, data: bytes, place: int) -> Iterator[range]:
        """A packet that came out of order, or again."""
        if not direction.is_near(offset, len(data)):
            return
        size = len(direction.data)
        before = direction.lay(offset, data)
        self._bytes += len(direction.data) - size
        direction.add(_Parts(offset, len(data), array("q", (0, 0, len(data), 0)), place))
        if before != data and before.strip(b"\0"):
            # Sent before, and otherwise: whoever received that first kept it.
            direction.lay(offset, bytes(old or new for old, new in zip(before, data, strict=True)))
            yield from self._search(direction, offset, len(data))
            direction.lay(offset, data)
        yield from self._search(direction, offset, len(data))

    def _search(self, direction: _Direction, offset: int, length: int) -> Iterator[range]:
        before, behind = direction.neighbours(offset, length)
        stop = offset + length
        views: list[tuple[int, int]] = []
        if before or behind:
            if length <= 4 * EDGE:
                views = [(offset - EDGE, stop + EDGE)]
            else:
                views += [(offset - EDGE, offset + EDGE)] * before
                views += [(stop - EDGE, stop + EDGE)] * behind
        for low, high in views:
            low = max(low, direction.start)
            view = bytes(direction.data[low - direction.start : high - direction.start])
            for first, last in self._vault.spans(view):
                if low + first < offset or low + last > stop:
                    yield from self._places(direction, low + first, low + last)

    @staticmethod
    def _places(direction: _Direction, first: int, last: int) -> Iterator[range]:
        """Where a piece stands, in every packet that has some of it."""
        for offset, length, place in direction.stand(first, last):
            low, high = max(first, offset), min(last, offset + length)
            if low < high:
                yield range(place + low - offset, place + high - offset)

    def _forget(self) -> None:
        for direction in self._directions.values():
            if self._bytes <= TOTAL // 2:
                return
            size = len(direction.data)
            direction.trim(EDGE, EDGE)
            self._bytes -= size - len(direction.data)
