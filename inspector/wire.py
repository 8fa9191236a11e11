"""The shapes in which captured bytes travel between the rooms.

A capture file or a live ring is cut into `Batch`es; the TCP room cuts those
into `Segment`s of one direction of one connection.  Both hold plain tuples:
on this path a class instance a packet costs more than all the work done on it
(a NamedTuple takes 0.3 us to build, a tuple 0.05 us).

Times are integer nanoseconds since 1970-01-01 UTC.  A *packet reference* is
one int, `file_index << FILE_SHIFT | number`, with the number counted from 1
within its file, as Wireshark counts.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import sub
from struct import Struct
from typing import Final, TypeAlias, overload

from inspector.fact import Fact, field, replace

FILE_SHIFT: Final = 40

#: (time in ns, offset of the first byte in `Batch.data`, captured length,
#: length on the wire).  The captured bytes are `data[offset:offset + captured]`.
Record: TypeAlias = tuple[int, int, int, int]

#: (time in ns, packet reference, bytes): consecutive bytes of one direction.
Segment: TypeAlias = tuple[int, int, bytes]

#: (time in ns, packet reference): when a thing was captured, see `precedes`.
Moment: TypeAlias = tuple[int, int]

#: So far apart packets of one interface may stand in the wrong order: the queues of a network
#: card are read in turn.  A clock that is set goes back further.
DISORDER_NS: Final = 1_000_000
#: Up to here two stamps say better than a file's order what came first: of several interfaces
#: dumpcap writes what each has handed over, every 250 ms.
PORTION_NS: Final = 300_000_000

#: So far may the clocks of two files be apart that hold one connection between them.
SKEW_NS: Final = 1_000_000_000

#: The text of a capture filter that drops nothing.
EVERYTHING: Final = "everything"

#: Suffix of the text of a capture filter that truncates TLS.  In such a packet `kept - 1` is the
#: number of records of type 23 (application data) that ended in the truncated part
#: (linux/ebpf/filter.py).
COUNTED_CUTS: Final = "; TLS cut behind its handshake, records counted"


_LATEST: Final = (1 << 63) - 1
_EARLIEST: Final = -1 - _LATEST
_UNPACK_RECORD: Final = Struct("4q")


class PackedRecords(Sequence[Record]):
    """Records as the compiled core writes and reads them: four 8-byte integers each.

    `packed` holds them one behind another; a tuple is made of one when somebody asks for it.
    """

    __slots__ = ("packed",)

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.packed = array("q", chain.from_iterable(records))

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> PackedRecords: ...
    def __getitem__(self, index: int | slice) -> Record | PackedRecords:
        count = len(self)
        if isinstance(index, slice):
            start, stop, step = index.indices(count)
            if step != 1:
                raise ValueError("records are consecutive")
            part = PackedRecords()
            part.packed = self.packed[4 * start : 4 * max(start, stop)]
            return part
        if not -count <= index < count:
            raise IndexError(index)
        record: Record = _UNPACK_RECORD.unpack_from(self.packed, index % count * 32)
        return record

    def __len__(self) -> int:
        return len(self.packed) >> 2

    def __iter__(self) -> Iterator[Record]:
        return _UNPACK_RECORD.iter_unpack(self.packed)

    def __eq__(self, other: object) -> bool:
        """Equal to every sequence of the same records."""
        if isinstance(other, PackedRecords):
            return self.packed == other.packed
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<PackedRecords {len(self)}>"

    def extend(self, records: Sequence[Record]) -> None:
        """Some more; a time that no 63 bits hold becomes the nearest that they do."""
        try:
            self.packed.extend(array("q", chain.from_iterable(records)))
        except OverflowError:
            for at, *places in records:
                self.packed.extend((min(max(at, _EARLIEST), _LATEST), *places))

    @property
    def times(self) -> array[int]:
        """When each was captured, in their order."""
        return self.packed[::4]

    def keep_times(self, first: int, last: int) -> list[int]:
        """Move every time of these (one at least) into a range; the indexes of those outside."""
        times = self.times
        if first <= min(times) and max(times) <= last:
            return []
        outside = [at for at, time in enumerate(times) if not first <= time <= last]
        for at in outside:
            self.packed[4 * at] = min(max(self.packed[4 * at], first), last)
        return outside


def packed_records(records: Sequence[Record]) -> PackedRecords:
    """Records as the compiled core reads them."""
    if isinstance(records, PackedRecords):
        return records
    packed = PackedRecords()
    packed.extend(records)
    return packed


class Segments(Sequence[Segment]):
    """Segments as the compiled core gives them: their bytes in one piece, and where each lies.

    `places` has four 8-byte integers for each: time, packet, and the first byte and the one
    behind the last in `data`.  A tuple is made of one when somebody asks for it.
    """

    __slots__ = ("data", "places")

    def __init__(self, data: bytes, places: array[int]) -> None:
        self.data = data
        self.places = places

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> Segments: ...
    def __getitem__(self, index: int | slice) -> Segment | Segments:
        count = len(self)
        if isinstance(index, slice):
            start, stop, step = index.indices(count)
            if step != 1:
                raise ValueError("segments are consecutive")
            return Segments(self.data, self.places[4 * start : 4 * max(start, stop)])
        if not -count <= index < count:
            raise IndexError(index)
        at, packet, start, stop = _UNPACK_RECORD.unpack_from(self.places, index % count * 32)
        return at, packet, self.data[start:stop]

    def __len__(self) -> int:
        return len(self.places) >> 2

    def __iter__(self) -> Iterator[Segment]:
        data = self.data
        for at, packet, start, stop in _UNPACK_RECORD.iter_unpack(self.places):
            yield at, packet, data[start:stop]

    def __eq__(self, other: object) -> bool:
        """Equal to every sequence of the same segments."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """No bytes: a key may stand in them."""
        return f"<Segments {len(self)}, {self.size} bytes>"

    def append(self, segment: Segment) -> None:
        """One more."""
        at, packet, data = segment
        before = len(self.data)
        self.data += data
        self.places.extend((at, packet, before, before + len(data)))

    def extend(self, segments: Segments) -> None:
        """Some more."""
        before, places = len(self.data), segments.places[:]
        if segments.data is self.data:
            self.places += places
            return
        self.data += segments.data
        for bound in (2, 3):
            places[bound::4] = array("q", [place + before for place in places[bound::4]])
        self.places += places

    def in_a_row(self) -> Segments:
        """The same in bytes of their own, one behind another."""
        places, end = self.places[:], 0
        for at in range(2, len(places), 4):
            size = places[at + 1] - places[at]
            places[at], places[at + 1] = end, end + size
            end += size
        return Segments(b"".join([data for _, _, data in self]), places)

    def last(self, count: int) -> list[Segment]:
        """So many of the last, or all, as tuples of their own."""
        data, places = self.data, self.places[-4 * count :]
        return [(at, packet, data[i:j]) for at, packet, i, j in _UNPACK_RECORD.iter_unpack(places)]

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(self.places[3::4]) - sum(self.places[2::4])

    @property
    def are_a_row(self) -> bool:
        """Whether each begins in `data` where the one before it ends."""
        return self.places[6::4] == self.places[3:-4:4]

    @property
    def joined(self) -> bytes:
        """The bytes of all of them."""
        if not self.places:
            return b""
        start, stop = self.places[2], self.places[-1]
        if stop - start == self.size:  # none overlap, and their order is that of the bytes
            return self.data[start:stop]
        data, places = self.data, self.places
        return b"".join([data[i:j] for i, j in zip(places[2::4], places[3::4], strict=True)])


def size_of(segments: Sequence[Segment]) -> int:
    """Bytes of all of them."""
    # Here and below: of a list `isinstance` would ask the machinery of abstract classes.
    if type(segments) is Segments:
        return segments.size
    return sum([len(data) for _, _, data in segments])


def span_of(segments: Sequence[Segment], stop: int) -> tuple[int, int]:
    """When the first of them came and the last before index `stop`, without their bytes."""
    if type(segments) is Segments:
        return segments.places[0], segments.places[4 * stop - 4]
    return segments[0][0], segments[stop - 1][0]


def lengths_of(segments: Sequence[Segment]) -> Iterable[tuple[int, int]]:
    """When each came, and how many bytes it has."""
    if type(segments) is Segments:
        places = segments.places
        return zip(places[::4], map(sub, places[3::4], places[2::4]), strict=True)
    return [(at, len(data)) for at, _, data in segments]


def joined(segments: Sequence[Segment]) -> bytes:
    """The bytes of all of them."""
    if type(segments) is Segments:
        return segments.joined
    if len(segments) == 1:
        return segments[0][2]
    return b"".join([data for _, _, data in segments])


class Batch(Fact):
    """A run of consecutive packets of one file that share one link type.

    `first_packet` is the packet reference of `records[0]`; the others follow
    by one.  `link_type` is a LINKTYPE_ number of the tcpdump.org registry.
    `comments` maps an index in `records` to that packet's pcapng comments.
    `counted_cuts`: a filter cut packets on purpose, see `COUNTED_CUTS`.  `marks`: what the
    file says of stretches that are blank in it, as far as it was read (`exchanges/marks.py`).
    """

    data: bytes
    records: Sequence[Record]
    link_type: int
    first_packet: int
    comments: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    counted_cuts: bool = False
    marks: tuple[bytes, ...] = ()

    def part(self, start: int, end: int) -> Batch:
        """The packets from index `start` to before `end`, with their comments and numbers."""
        if end - start == len(self.records):
            return self
        comments = {at - start: text for at, text in self.comments.items() if start <= at < end}
        return replace(
            self,
            records=self.records[start:end],
            first_packet=self.first_packet + start,
            comments=comments,
            marks=self.marks if start == 0 else (),
        )


def precedes(first: Moment, second: Moment) -> bool:
    """Whether one thing was captured before another.

    By time; but a file's packets stand in the order in which they were captured, whatever
    its clock did meanwhile (a step back, no stamps at all, stamps of whole seconds).
    """
    (at, packet), (later, following) = first, second
    ahead = later - at
    same_file = packet >> FILE_SHIFT == following >> FILE_SHIFT
    if not ahead or (same_file and abs(ahead) > PORTION_NS):
        return packet < following
    return ahead > 0


def stands_before(first: Moment, second: Moment) -> bool:
    """Whether one byte of a connection was captured before another: of its other direction.

    A file's order alone decides.  Two files, one a direction, have clocks of their own, so
    that only a time well apart (rotated files) tells.
    """
    (at, packet), (later, following) = first, second
    if packet >> FILE_SHIFT == following >> FILE_SHIFT:
        return packet < following
    return later - at > SKEW_NS


def keeps_all(rule: str, subnets: Sequence[str]) -> bool:
    """Whether a capture filter lets through all that a report is about.

    `subnets` are what the report is about; none: everything.
    """
    kept = rule.removesuffix(COUNTED_CUTS)
    if kept == EVERYTHING:
        return True
    return bool(subnets) and {f"net {subnet}" for subnet in subnets} <= set(kept.split(" or "))


def packet_reference(file_index: int, number: int) -> int:
    """The reference of packet `number` (from 1) of file `file_index` (from 0)."""
    return file_index << FILE_SHIFT | number


def packet_label(reference: int, *, several_files: bool) -> int | str:
    """How a report writes a reference: `30`, or `"2:30"` among several files.

    File indexes are written from 1, in the order of the command line.
    """
    if not several_files:
        return reference & ((1 << FILE_SHIFT) - 1)
    return f"{(reference >> FILE_SHIFT) + 1}:{reference & ((1 << FILE_SHIFT) - 1)}"
