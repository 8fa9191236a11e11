"""What each direction says in a batch: its segments, put together as far as they follow each other.

Mostly all that a direction says in a batch is one strand, whose packets are of interest only where
something is found.  What may be found across packets stands in its seam, a few bytes each.
"""

from __future__ import annotations

import ctypes
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from struct import Struct
from typing import Final, NamedTuple

from inspector.flows.tcp import SEQUENCE_MASK, SYN
from inspector.native.functions import Core
from inspector.native.layout import KEY, PIECE_FIELDS, STRAND_FIELDS, USUAL_FIELDS, Weave, address
from inspector.native.used import USED
from inspector.redaction.usual import UsualSegments
from inspector.secrets.windows import PIECE

_STRAND: Final = Struct(f"{STRAND_FIELDS}q")
#: The numbers that `Strand.pieces` has of a packet.
PIECES: Final = Struct(f"{PIECE_FIELDS}q")
#: What a longer packet has in a seam, and no packet more: its edges, and NUL between them.
_SEAM: Final = 2 * PIECE + 1


class Strand(NamedTuple):
    """Segments of one direction that follow each other.

    `first` is the index of the first one's packet, `key`, `sequence` and `flags` are the first
    one's.  `pieces` has `PIECE_FIELDS` numbers for each packet: its index, where in `data` its part
    begins, how long that is, and where in the batch it stands.  `seam` is the data without what
    lies further than a piece of a credential within a packet.
    """

    first: int
    key: bytes
    sequence: int
    flags: int
    data: bytes | memoryview
    pieces: array[int]
    seam: bytes

    @property
    def packet_count(self) -> int:
        """How many packets it is of."""
        return len(self.pieces) // PIECE_FIELDS

    @property
    def packets(self) -> Iterator[tuple[int, int, int, int]]:
        """What `pieces` has, packet by packet."""
        return PIECES.iter_unpack(self.pieces)


def strand_of(key: bytes, sequence: int, flags: int, data: bytes, place: int = 0) -> Strand:
    """One of a single segment, whose data stands at `place`."""
    pieces = array("q", (0, 0, len(data), place))
    return Strand(0, key, sequence, flags, data, pieces, _seam(data))


def strands(batch: bytes, usual: UsualSegments) -> list[Strand]:
    """Those of a batch's usual segments, in the order of their first packets.

    A segment with a SYN is one by itself; segments without data are in none.
    """
    core = USED.core
    found = None if core is None else _by_core(core, batch, usual)
    return [*_put_together(batch, usual)] if found is None else found


def _put_together(batch: bytes, usual: UsualSegments) -> Iterator[Strand]:
    """As `inspector_core_strands`."""
    made: list[tuple[int, int, int, int, list[bytes], array[int]]] = []
    # Of each direction the strand that may go on, and the sequence number with which it does.
    latest: dict[int, tuple[int, int]] = {}
    packed = usual.packed
    for index in range(len(usual)):
        at, sequence, flags, start, stop, way = packed[
            USUAL_FIELDS * index : USUAL_FIELDS * (index + 1)
        ]
        if at < 0 or (start == stop and not flags & SYN):
            continue
        number, following = latest.get(way, (-1, 0))
        if number < 0 or flags & SYN or sequence != following:
            number = len(made)
            made.append((index, at, sequence, flags, [], array("q")))
        *_, data, pieces = made[number]
        pieces.extend((index, pieces[-3] + pieces[-2] if pieces else 0, stop - start, start))
        data.append(batch[start:stop])
        latest[way] = number, sequence + stop - start & SEQUENCE_MASK
        if flags & SYN:
            del latest[way]
    for index, at, sequence, flags, data, pieces in made:
        seam = b"".join(map(_seam, data))
        key = batch[at : at + KEY]
        yield Strand(index, key, sequence, flags, b"".join(data), pieces, seam)


def _seam(data: bytes) -> bytes:
    return data if len(data) < _SEAM else data[:PIECE] + b"\0" + data[-PIECE:]


def _by_core(core: Core, batch: bytes, usual: UsualSegments) -> list[Strand] | None:
    """The same; None: it could not be done."""
    count, ways = len(usual), usual.ways
    numbers = array("q", bytes(8 * ((STRAND_FIELDS + PIECE_FIELDS + 1) * count + ways)))
    begin = numbers.buffer_info()[0]
    pieces_at = STRAND_FIELDS * count
    of_at = pieces_at + PIECE_FIELDS * count
    seams_room = (2 * PIECE + 1) * count
    data, seams = bytearray(len(batch)), bytearray(seams_room)
    weave = Weave(
        begin, begin + 8 * pieces_at, begin + 8 * of_at, count, begin + 8 * (of_at + count), ways,
        address(data), len(batch), address(seams), seams_room, 0, PIECE,
    )  # fmt: skip
    made = core.strands(
        ctypes.byref(weave), batch, len(batch), usual.packed.buffer_info()[0], count
    )
    if made < 0:
        return None
    said, seamed = memoryview(data), bytes(seams[: weave.seams_used])
    found: list[Strand] = []
    rows = memoryview(numbers)[: STRAND_FIELDS * made]
    for row in _STRAND.iter_unpack(rows):
        first, at, sequence, flags, start, length, piece, pieces, seam, seam_length = row
        part = said[start : start + length]
        low = pieces_at + PIECE_FIELDS * piece
        its = numbers[low : low + PIECE_FIELDS * pieces]
        edges = seamed[seam : seam + seam_length]
        found.append(Strand(first, batch[at : at + KEY], sequence, flags, part, its, edges))
    return found


def parted(whole: Iterable[Strand], breaks: Mapping[bytes, Sequence[int]]) -> Iterator[Strand]:
    """Strands that go over none of the packets that `breaks` has for their directions."""
    for strand in whole:
        indexes = breaks.get(strand.key)
        if indexes is None:
            yield strand
        else:
            yield from _cut(strand, indexes)


def _cut(strand: Strand, indexes: Iterable[int]) -> Iterator[Strand]:
    packets = strand.pieces[::PIECE_FIELDS]
    cuts = {0, strand.packet_count, *(bisect_left(packets, index) for index in indexes)}
    for low, high in pairwise(sorted(cuts)):
        yield part_of(strand, low, high)


def part_of(strand: Strand, low: int, high: int) -> Strand:
    """Its packets from one to before another: all are the strand itself."""
    if not low and high == strand.packet_count:
        return strand
    pieces = strand.pieces[PIECE_FIELDS * low : PIECE_FIELDS * high]
    begin, stop = pieces[1], pieces[-3] + pieces[-2]
    pieces[1::PIECE_FIELDS] = array("q", [at - begin for at in pieces[1::PIECE_FIELDS]])
    # What is behind the first packet has no SYN, and no other flag counts.
    flags = 0 if low else strand.flags
    seams = [min(length, _SEAM) for length in strand.pieces[2::PIECE_FIELDS]]
    first = sum(seams[:low])
    return Strand(
        pieces[0], strand.key, strand.sequence + begin & SEQUENCE_MASK, flags,
        strand.data[begin:stop], pieces, strand.seam[first : first + sum(seams[low:high])],
    )  # fmt: skip
