"""How protocol tests feed bytes, and how they tell what came out."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from inspector.model.capture import Fault
from inspector.native.library import loaded
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.http1_faults import HeadLimits
from inspector.protocols.messages import (
    EVERYTHING,
    Body,
    BodyGap,
    Event,
    MessageEnd,
    RequestHead,
    ResponseHead,
    Switched,
)
from inspector.wire import Segment, Segments

Role = Literal["request", "response"]


def packets(*contents: bytes) -> list[Segment]:
    """Segments with these contents, packet numbers from 1, a second apart."""
    return [(number * 10**9, number, data) for number, data in enumerate(contents, 1)]


def bytewise(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Each byte given alone, under the packet it came in."""
    return [
        [(at, packet, data[i : i + 1])] for at, packet, data in segments for i in range(len(data))
    ]


def at_random(segments: Iterable[Segment], chance: random.Random) -> list[list[Segment]]:
    """The same bytes, cut anywhere and given in batches of any size, empty pieces included."""
    batches: list[list[Segment]] = [[]]
    for at, packet, data in segments:
        cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(0, 6)))
        for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
            batches[-1].append((at, packet, data[start:stop]))
            if chance.random() < 0.3:
                batches.append([])
    return batches


def packed(segments: Sequence[Segment]) -> Segments:
    """The same segments as the compiled core gives them, which is used from now on."""
    loaded()
    made = Segments(b"", array("q"))
    for segment in segments:
        made.append(segment)
    return made


def every_way(segments: Sequence[Segment]) -> Iterator[Sequence[Sequence[Segment]]]:
    """Whole, byte by byte, and random splits; each also as the compiled core gives them."""
    for batches in (
        [list(segments)],
        bytewise(segments),
        *(at_random(segments, random.Random(seed)) for seed in range(5)),
    ):
        yield batches
        yield [packed(batch) for batch in batches]


def parser(
    role: Role,
    *methods: bytes,
    wanted: int = EVERYTHING,
    limits: HeadLimits | None = None,
    midstream: bool = False,
) -> Http1Parser:
    """A parser that wants `wanted` bytes of each body, told of requests with `methods`."""
    http = Http1Parser(role, wants_body=lambda head: wanted, limits=limits, midstream=midstream)
    for method in methods:
        http.expect(method)
    return http


def merged(events: Iterable[Event]) -> list[Event]:
    """The events without the traces of how the bytes were cut: equal for equal bytes."""
    result: list[Event] = []
    for event in events:
        if isinstance(event, Switched):
            event = Switched(_joined(event.rest))
        elif isinstance(event, Body):
            event = Body(_joined(event.pieces))
            if result and isinstance(last := result[-1], Body):
                result[-1] = Body(_joined([*last.pieces, *event.pieces]))
                continue
        result.append(event)
    return result


def _joined(pieces: Iterable[Segment]) -> list[Segment]:
    result: list[Segment] = []
    for at, packet, data in pieces:
        if result and result[-1][1] == packet:
            result[-1] = (at, packet, result[-1][2] + data)
        else:
            result.append((at, packet, data))
    return result


def body_bytes(events: Iterable[Event]) -> bytes:
    """All body bytes handed over."""
    return b"".join(
        data for event in events if isinstance(event, Body) for _, _, data in event.pieces
    )


def story(events: Iterable[Event]) -> list[str]:
    """The events in words: `GET /a`, `200`, `body ab`, `end 2`, `fault bare-lf @1`…"""
    lines = []
    for event in merged(events):
        match event:
            case RequestHead():
                lines.append(f"{event.method.decode()} {event.target.decode('latin-1')}")
            case ResponseHead():
                lines.append(f"{event.status}")
            case Body():
                lines.append(f"body {body_bytes([event]).decode('latin-1')}")
            case BodyGap():
                lines.append(f"missing {event.missing} @{event.packet}")
            case MessageEnd():
                how = "" if event.complete else " lost" if event.lost else " incomplete"
                lines.append(f"end {event.body_bytes}{how}")
            case Switched():
                rest = b"".join(data for _, _, data in event.rest)
                lines.append(f"switched {rest.decode('latin-1')}".rstrip())
            case Fault():
                lines.append(f"fault {event.name} @{event.packet}")
    return lines
