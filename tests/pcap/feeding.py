"""Feeds a walker the same bytes whole, byte by byte and split at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from unittest.mock import patch

from inspector.model.capture import Fault, Interface
from inspector.native.library import Loaded
from inspector.pcap.walk import Walker


@dataclass(frozen=True)
class Packet:
    """One packet, free of the buffer it was found in."""

    time: int
    link_type: int
    data: bytes
    wire: int
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """All that a walker has to say of a file."""

    packets: list[Packet]
    faults: list[Fault]
    cut: str | None
    interfaces: tuple[Interface, ...]
    comments: int
    secrets: list[tuple[int, bytes]]
    dropped: int | None
    ended: bool

    @property
    def fault_names(self) -> list[str]:
        return [fault.name for fault in self.faults]


def walk(walker: Walker, pieces: Iterable[bytes]) -> Outcome:
    packets: list[Packet] = []
    rest = b""
    for piece in pieces:
        data = rest + piece
        runs, used = walker.walk(data)
        for run in runs:
            assert run.records
            for at, (time, offset, captured, wire) in enumerate(run.records):
                body = data[offset : offset + captured]
                assert len(body) == captured
                packets.append(Packet(time, run.link_type, body, wire, run.comments.get(at, ())))
        rest = data[used:]
        if walker.ended:
            break
        assert len(rest) < walker.needed
    assert walker.packets == len(packets)
    cut = None if walker.ended else walker.finish(rest)
    return Outcome(
        packets,
        list(walker.faults),
        cut,
        walker.interfaces(),
        walker.comments,
        [(each.kind, each.data.reveal()) for each in walker.carried.secrets],
        walker.dropped,
        walker.ended,
    )


def splits(data: bytes, seed: int = 0) -> Iterator[list[bytes]]:
    """`data` in pieces of 1, 2, 3, 7, 16, 31 and 64 bytes, then of random sizes."""
    for size in (1, 2, 3, 7, 16, 31, 64):
        yield [data[at : at + size] for at in range(0, len(data), size)]
    chance = random.Random(seed)
    for _ in range(5):
        cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 20)))
        edges = [0, *cuts, len(data)]
        yield [data[a:b] for a, b in pairwise(edges)]


def walk_every_way(make: Callable[[], Walker], data: bytes) -> Outcome:
    """The outcome of `data`, after proving that neither buffers nor the compiled core change it."""
    with without_core():
        whole = walk(make(), [data])
    assert walk(make(), [data]) == whole
    for pieces in splits(data):
        assert walk(make(), pieces) == whole
    return whole


@contextmanager
def without_core() -> Iterator[None]:
    """Walkers that are made now read in Python alone."""
    with patch("inspector.pcap.walked.loaded", lambda: Loaded(None, "a test")):
        yield
