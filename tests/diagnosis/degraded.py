"""Golden captures made worse: packets dropped, ends cut off, frames cut short."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from inspector import Report
from inspector.inspection import Inspector, Sources
from inspector.model.capture import Fault
from inspector.oddities import CLOCK_SET_BACK
from inspector.options import Options
from inspector.pcap.locate import locate
from inspector.pcap.reader import merged, open_captures
from inspector.wire import DISORDER_NS, Batch


class Frame(NamedTuple):
    """A packet of the capture: its number, time, link type, bytes and length on the wire."""

    number: int
    at: int
    link_type: int
    data: bytes
    wire: int


@cache
def frames(folder: Path) -> tuple[Frame, ...]:
    """All packets of a capture."""
    found = []
    readers = open_captures(locate(folder).captures)
    for batch in merged(readers):
        for index, (at, offset, size, wire) in enumerate(batch.records):
            data = batch.data[offset : offset + size]
            found.append(Frame(batch.first_packet + index, at, batch.link_type, data, wire))
    for reader in readers:
        reader.close()
    return tuple(found)


def report_of(chosen: Iterable[Frame], options: Options | None = None) -> Report:
    """What is reported of these packets, which keep their numbers."""
    inspector = Inspector(options or Options())
    faults, before = [], 0
    for frame in chosen:
        if frame.at < before - DISORDER_NS:  # as the reader of a file notes it
            faults.append(Fault(CLOCK_SET_BACK, frame.number))
        before = frame.at
        record = (frame.at, 0, len(frame.data), frame.wire)
        inspector.feed(Batch(frame.data, [record], frame.link_type, frame.number))
    return inspector.finish(Sources(faults=faults))


Degrade = Callable[[tuple[Frame, ...], int], list[Frame]]


def dropping(share: float) -> Degrade:
    """Each packet is lost with this probability."""

    def degrade(whole: tuple[Frame, ...], seed: int) -> list[Frame]:
        chance = random.Random(seed)
        return [frame for frame in whole if chance.random() >= share]

    return degrade


def without_start(share: float) -> Degrade:
    """The capture begins late."""
    return lambda whole, seed: list(whole[int(len(whole) * share) :])


def without_end(share: float) -> Degrade:
    """The capture ends early."""
    return lambda whole, seed: list(whole[: len(whole) - int(len(whole) * share)])


def snapped(length: int) -> Degrade:
    """No more than so many bytes of each packet are kept."""
    return lambda whole, seed: [frame._replace(data=frame.data[:length]) for frame in whole]


#: Link type -> where the IPv4 header begins.
IP_AT: Final = {1: 14, 113: 16, 276: 20}


def unheard(host: str) -> Degrade:
    """What a host sent is missing, as a filter or a one-way mirror leaves it."""
    sent = bytes(map(int, host.split(".")))

    def degrade(whole: tuple[Frame, ...], seed: int) -> list[Frame]:
        return [frame for frame in whole if _source(frame) != sent]

    return degrade


def _source(frame: Frame) -> bytes:
    start = IP_AT.get(frame.link_type, 0) + 12
    return frame.data[start : start + 4]


#: Name -> how, and how many seeds are tried.
DEGRADED: Final[dict[str, tuple[Degrade, int]]] = {
    "1 % dropped": (dropping(0.01), 2),
    "5 % dropped": (dropping(0.05), 2),
    "20 % dropped": (dropping(0.20), 3),
    "first tenth cut off": (without_start(0.1), 1),
    "first third cut off": (without_start(0.34), 1),
    "first half cut off": (without_start(0.5), 1),
    "first two thirds cut off": (without_start(0.67), 1),
    "last tenth cut off": (without_end(0.1), 1),
    "last third cut off": (without_end(0.34), 1),
    "last half cut off": (without_end(0.5), 1),
    "agent not heard": (unheard("172.30.0.20"), 1),
    "API proxy not heard": (unheard("172.30.0.30"), 1),
    "Squid not heard": (unheard("172.30.0.10"), 1),
    "64 bytes of each packet": (snapped(64), 1),
    "128 bytes of each packet": (snapped(128), 1),
    "256 bytes of each packet": (snapped(256), 1),
    "512 bytes of each packet": (snapped(512), 1),
    "1500 bytes of each packet": (snapped(1500), 1),
}
