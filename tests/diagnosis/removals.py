"""What is taken out of a healthy capture, by name: packets of one kind, an end, a direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tests.diagnosis.degraded import Frame, frames
from tests.diagnosis.matrix import GOLDEN

AGENT, API_PROXY, SQUID = "172.30.0.20", "172.30.0.30", "172.30.0.10"
_SYN, _FIN, _RST, _ACK = 2, 1, 4, 16


class Segment(NamedTuple):
    """A frame of TCP over IPv4 in Ethernet: its ends, flags and data."""

    frame: Frame
    source: str
    source_port: int
    target: str
    target_port: int
    flags: int
    data: bytes

    @property
    def to_proxy(self) -> bool:
        return self.source == AGENT and self.target == API_PROXY

    @property
    def of_proxy(self) -> bool:
        return self.source == API_PROXY and self.target == AGENT

    @property
    def to_squid(self) -> bool:
        return self.source == API_PROXY and self.target == SQUID

    @property
    def of_squid(self) -> bool:
        return self.source == SQUID and self.target == API_PROXY

    @property
    def is_tls(self) -> bool:
        return len(self.data) > 5 and self.data[0] in (20, 21, 22, 23) and self.data[1] == 3


def segment(frame: Frame) -> Segment | None:
    """The segment in a frame; None if there is none."""
    data = frame.data
    if data[12:14] != b"\x08\x00" or data[23] != 6:
        return None
    size = 14 + (data[14] & 15) * 4
    tcp = data[size : 14 + int.from_bytes(data[16:18], "big")] or data[size:]
    head = (tcp[12] >> 4) * 4
    source, target = (".".join(map(str, data[at : at + 4])) for at in (26, 30))
    ports = int.from_bytes(tcp[:2], "big"), int.from_bytes(tcp[2:4], "big")
    return Segment(frame, source, ports[0], target, ports[1], tcp[13], tcp[head:])


Removal = Callable[[Sequence[Segment]], Sequence[Segment]]


def first(wanted: Callable[[Segment], bool]) -> Removal:
    """The first segment of that kind."""
    return lambda segments: [next(each for each in segments if wanted(each))]


def every(wanted: Callable[[Segment], bool]) -> Removal:
    """All segments of that kind."""
    return lambda segments: [each for each in segments if wanted(each)]


def connection(wanted: Callable[[Segment], bool]) -> Removal:
    """The whole connection of the first segment of that kind."""

    def taken(segments: Sequence[Segment]) -> Sequence[Segment]:
        found = next(each for each in segments if wanted(each))
        ends = {(found.source, found.source_port), (found.target, found.target_port)}
        return [
            each
            for each in segments
            if {(each.source, each.source_port), (each.target, each.target_port)} == ends
        ]

    return taken


def beginning(share: float) -> Removal:
    """The first part of the capture."""
    return lambda segments: segments[: int(len(segments) * share)]


def ending(share: float) -> Removal:
    """The last part of the capture."""
    return lambda segments: segments[len(segments) - int(len(segments) * share) :]


REMOVALS: Final[dict[str, Removal]] = {
    "a request": first(lambda s: s.to_proxy and s.data.startswith(b"POST")),
    "an answer": first(lambda s: s.of_proxy and s.data.startswith(b"HTTP")),
    "all requests": every(lambda s: s.to_proxy and bool(s.data)),
    "all answers": every(lambda s: s.of_proxy and bool(s.data)),
    "the SYN of a call": first(lambda s: s.to_proxy and s.flags & _SYN > 0),
    "the SYN-ACK of a call": first(lambda s: s.of_proxy and s.flags & _SYN > 0),
    "the FINs of the agent": every(lambda s: s.to_proxy and s.flags & _FIN > 0),
    "what the agent sent": every(lambda s: s.to_proxy),
    "what the API proxy sent to the agent": every(lambda s: s.of_proxy),
    "a call's connection": connection(lambda s: s.to_proxy),
    "a CONNECT": first(lambda s: s.to_squid and s.data.startswith(b"CONNECT")),
    "the reply to a CONNECT": first(lambda s: s.of_squid and s.data.startswith(b"HTTP")),
    "the SYN of a tunnel": first(lambda s: s.to_squid and s.flags & _SYN > 0),
    "a ClientHello": first(lambda s: s.to_squid and s.data[:1] == b"\x16"),
    "a ServerHello": first(lambda s: s.of_squid and s.data[:1] == b"\x16"),
    "a record of data": first(lambda s: s.of_squid and s.data[:1] == b"\x17"),
    "what Squid sent": every(lambda s: s.of_squid),
    "what the API proxy sent to Squid": every(lambda s: s.to_squid),
    "a tunnel's connection": connection(lambda s: s.to_squid),
    "the first third": beginning(0.34),
    "the last third": ending(0.34),
}


def without(name: str, golden: str) -> list[Frame]:
    """The frames of a golden capture that a removal leaves."""
    whole = frames(GOLDEN / golden)
    taken = REMOVALS[name]([found for found in map(segment, whole) if found is not None])
    assert taken
    gone = {found.frame.number for found in taken}
    return [frame for frame in whole if frame.number not in gone]
