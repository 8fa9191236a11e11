"""Pieces of learnt keys that stand across packets of one direction, by sequence number.

Within a packet, and within a text that is read as one, they are found without
this.  Here the end of each segment is looked at together with the beginning of
the one that follows it in its stream, whatever the bytes mean, in whatever
order the two were captured, and however small they are.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from inspector.credentials.vault import Vault
from inspector.flows.tcp import SEQUENCE_MASK, SYN
from inspector.redaction.frames import FrameReader
from inspector.wire import Record

#: Bytes on either side of a border that are looked at together.
WIDTH: Final = 32
#: Directions, and runs of each, whose neighbours may still come.
DIRECTIONS: Final = 4096
WAITING: Final = 64


class Edge(NamedTuple):
    """A few bytes at one end of a run, and where in a file each stands."""

    data: bytes
    places: list[int]

    def __add__(self, other: object) -> Edge:
        assert isinstance(other, Edge)
        return Edge(self.data + other.data, self.places + other.places)

    def first(self) -> Edge:
        return Edge(self.data[:WIDTH], self.places[:WIDTH])

    def last(self) -> Edge:
        return Edge(self.data[-WIDTH:], self.places[-WIDTH:])


class _Run(NamedTuple):
    """Segments that follow each other; one shorter than `WIDTH` is all head and all tail."""

    begin: int
    end: int
    head: Edge
    tail: Edge


class _Direction:
    """Runs by the sequence number they begin with, and by the one behind them."""

    __slots__ = ("beginning", "ending")

    def __init__(self) -> None:
        self.beginning: OrderedDict[int, _Run] = OrderedDict()
        self.ending: OrderedDict[int, _Run] = OrderedDict()

    def keep(self, run: _Run) -> None:
        self.beginning[run.begin] = self.ending[run.end] = run
        for runs in (self.beginning, self.ending):
            if len(runs) > WAITING:
                runs.popitem(last=False)


class Edges:
    """Looks at the packets of one capture in order; `vault` knows the keys."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._frames = FrameReader()
        self._directions: OrderedDict[bytes, _Direction] = OrderedDict()

    def look(self, link: int, record: Record, frame: bytes, place: int, number: int) -> list[int]:
        """Places of bytes that belong to a key across an edge of this packet.

        `place` is where `frame` stands; places count from wherever it does.
        """
        at, _, _, wire = record
        reading = self._frames.read(link, frame, wire, at, number)
        segment, places = reading.segment, reading.places or []
        if segment is None or reading.reason or len(places) != 1:
            return []  # fragments have no places that follow each other
        _, start, stop, _ = places[0]
        if start >= stop:
            return []
        direction = self._directions.setdefault(segment.key, _Direction())
        self._directions.move_to_end(segment.key)
        if len(self._directions) > DIRECTIONS:
            self._directions.popitem(last=False)
        begin = segment.seq + bool(segment.flags & SYN) & SEQUENCE_MASK
        end = begin + stop - start & SEQUENCE_MASK
        left = direction.ending.pop(begin, None)
        right = direction.beginning.pop(end, None)
        head = _edge(frame, place, start, min(stop, start + WIDTH))
        tail = _edge(frame, place, max(start, stop - WIDTH), stop)
        found: list[int] = []
        if stop - start <= WIDTH:
            found += self._across(left.tail if left else _NOTHING, head, right)
        else:
            found += self._across(left.tail if left else _NOTHING, head, None)
            found += self._across(_NOTHING, tail, right)
        run = _Run(begin, end, head, tail)
        if left is not None:
            run = _Run(left.begin, end, (left.head + head).first(), (left.tail + tail).last())
        if right is not None:
            head, tail = (run.head + right.head).first(), (run.tail + right.tail).last()
            run = _Run(run.begin, right.end, head, tail)
        direction.keep(run)
        return found

    def _across(self, left: Edge, middle: Edge, right: _Run | None) -> list[int]:
        """What stands across the border on either side of `middle`."""
        joined = left + middle
        borders = [len(left.data)] if left.data else []
        if right is not None:
            borders.append(len(joined.data))
            joined += right.head
        if not borders:
            return []
        return [
            joined.places[at]
            for start, stop in self._vault.spans(joined.data)
            if any(start < border < stop for border in borders)
            for at in range(start, stop)
        ]


_NOTHING: Final = Edge(b"", [])


def _edge(frame: bytes, place: int, start: int, stop: int) -> Edge:
    return Edge(frame[start:stop], list(range(place + start, place + stop)))
