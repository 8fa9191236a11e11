"""What each direction of each connection says, in the order of its sequence numbers.

The audit's own reassembly.  It waits for nothing and delivers nothing: a segment
is laid where its sequence number says, and looked at together with what stands
before and behind it, be it in order, out of order, sent again with other edges,
or a byte a packet.  Where packets say different things of one place, what the
first said is looked at, and what the last.  Within a packet keys are found
without this.

Most segments begin where the last one of their direction ended.  What such say one
after another is looked at in one piece, that of all directions together (`found`):
mostly no key is in any of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

from inspector.flows.tcp import SEQUENCE_MASK, SYN
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


class _Direction:
    """The last bytes of a direction from `start` on; NUL where none is known."""

    __slots__ = ("behind", "data", "end_sequence", "start", "stretches")

    def __init__(self, sequence: int) -> None:
        self.start = 0
        self.data = bytearray()
        self.end_sequence = sequence
        #: Of packets: (offset, length, place).
        self.stretches: list[tuple[int, int, int]] = []
        #: What came in order, and was not looked at: payload and place of each packet.
        self.behind: list[tuple[bytes, int]] = []

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

    def trim(self, kept: int, stretches: int) -> None:
        """Forget the oldest bytes but `kept`, and what no byte is left of."""
        spare = len(self.data) - kept
        if spare > 0:
            del self.data[:spare]
            self.start += spare
        start = self.start
        self.stretches = [one for one in self.stretches if one[0] + one[1] > start][-stretches:]


class _Text(NamedTuple):
    """What packets of a direction said in order, from `offset` on, with the edge before it."""

    direction: _Direction
    offset: int
    data: bytes


class Sequences:
    """Looks at the segments of a capture; `vault` knows the keys."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._directions: OrderedDict[bytes, _Direction] = OrderedDict()
        self._bytes = 0
        #: Directions that said something since `found`, and what is to be looked at.
        self._touched: dict[bytes, _Direction] = {}
        self._texts: list[_Text] = []
        self._hidden: list[range] = []

    def add(self, key: bytes, sequence: int, flags: int, data: bytes, place: int) -> None:
        """The segment of a usual packet, whose payload `data` stands at `place`."""
        direction = self._touched.get(key)
        if direction is not None and sequence == direction.end_sequence and not flags & SYN:
            direction.behind.append((data, place))
            direction.end_sequence = sequence + len(data) & SEQUENCE_MASK
        else:
            self.look(key, sequence, flags, [Stretch(0, data, place)])

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
                direction.behind.append((data, place))
                direction.end_sequence = direction.end_sequence + len(data) & SEQUENCE_MASK
            else:
                self._lay(direction)
                self._hidden += self._part(direction, begin + offset, data, place)

    def found(self) -> list[range]:
        """Places of bytes that belong to a key across an edge of what came since the last time."""
        for direction in self._touched.values():
            self._lay(direction)
        texts, hidden = self._texts, self._hidden
        self._texts, self._hidden = [], []
        whole = b"\0".join([text.data for text in texts])
        if texts and self._vault.finds(whole):
            for text in texts:
                hidden += self._within(text)
        for key, direction in self._touched.items():
            if self._directions.get(key) is direction:
                self._directions.move_to_end(key)
            if len(direction.data) > 2 * KEPT or len(direction.stretches) > 2 * STRETCHES:
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
        offset = direction.end
        edge = bytes(direction.data[-EDGE:])
        data = b"".join([data for data, _ in behind])
        direction.data += data
        self._bytes += len(data)
        if edge or len(behind) > 1:
            self._texts.append(_Text(direction, offset - len(edge), edge + data))
        for data, place in behind:
            direction.stretches.append((offset, len(data), place))
            offset += len(data)
        behind.clear()

    def _within(self, text: _Text) -> Iterator[range]:
        """Places of keys in what came in order that stand in no packet alone."""
        direction, begin, data = text
        for first, last in self._vault.spans(data):
            first, last = begin + first, begin + last
            if not any(
                offset <= first and last <= offset + length
                for offset, length, _ in direction.stretches
            ):
                yield from self._places(direction, first, last)

    def _part(self, direction: _Direction, offset: int, data: bytes, place: int) -> Iterator[range]:
        """A packet that came out of order, or again."""
        if not direction.is_near(offset, len(data)):
            return
        size = len(direction.data)
        before = direction.lay(offset, data)
        self._bytes += len(direction.data) - size
        direction.stretches.append((offset, len(data), place))
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
        for offset, length, place in direction.stretches:
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
