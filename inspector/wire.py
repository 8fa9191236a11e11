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

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

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


class Batch(Fact):
    """A run of consecutive packets of one file that share one link type.

    `first_packet` is the packet reference of `records[0]`; the others follow
    by one.  `link_type` is a LINKTYPE_ number of the tcpdump.org registry.
    `comments` maps an index in `records` to that packet's pcapng comments.
    `counted_cuts`: a filter cut packets on purpose, see `COUNTED_CUTS`.  `marks`: what the
    file says of stretches that are blank in it, as far as it was read (`exchanges/marks.py`).
    """

    data: bytes
    records: list[Record]
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
