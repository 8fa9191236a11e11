"""Whatever is captured, and in whatever order things happen, nothing is raised."""

from __future__ import annotations

from typing import Literal, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from inspector.model.capture import Fault
from inspector.protocols.http1_faults import FAULTS, HeadLimits
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
from tests.protocols.conftest import Role, parser

FRAGMENT = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"HTTP/1.1 100 Continue\r\n",
        b"HTTP/1.0 304 \r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Connection: upgrade, close\r\nUpgrade: x\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"hello",
        b": \x00\r\n \t\r\n",
        b"",
    ]
)
BYTES = st.one_of(FRAGMENT, st.lists(FRAGMENT, max_size=6).map(b"".join), st.binary(max_size=20))
Step: TypeAlias = tuple[
    Literal["receive", "skip", "gap", "close", "expect", "resume", "take_rest"], list[bytes], int
]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["receive"] * 6 + ["skip", "gap", "expect", "resume", "close", "take_rest"]
        ),
        st.lists(BYTES, max_size=4),
        st.integers(0, 40),
    ),
    max_size=12,
)
TINY = HeadLimits(start_line=40, head_bytes=80, fields=2, chunk_line=8, trailer_bytes=16)


@given(
    st.sampled_from(["request", "response"]),
    STEPS,
    st.sampled_from([0, 3, EVERYTHING]),
    st.sampled_from([None, TINY]),
    st.booleans(),
)
def test_any_bytes_in_any_order_of_calls(
    role: Role, steps: list[Step], wanted: int, limits: HeadLimits | None, midstream: bool
) -> None:
    http = parser(role, wanted=wanted, limits=limits, midstream=midstream)
    events: list[Event] = []
    taken_midway = False
    for packet, (what, contents, number) in enumerate(steps, 1):
        match what:
            case "receive":
                events += http.receive([(packet, packet, data) for data in contents])
            case "skip":
                events += http.skip(min(number, http.skippable), packet, packet)
            case "gap":
                events += http.gap(number, packet, packet)
            case "close":
                events += http.close(packet, packet, clean=number % 2 == 0)
            case "expect":
                http.expect([b"GET", b"HEAD", b"CONNECT"][number % 3])
            case "resume":
                events += http.resume()
            case "take_rest" if number > 30:
                taken_midway = taken_midway or not http.paused
                http.take_rest()
        assert http.skippable >= 0
    events += http.close(99, 99)
    _well_ordered(events, wanted, may_stay_open=taken_midway)


def _well_ordered(events: list[Event], wanted: int, *, may_stay_open: bool) -> None:
    """A body lies between a head and its end; only faults lie outside of messages."""
    is_open, shown, missing = False, 0, 0
    for event in events:
        match event:
            case RequestHead():
                assert not is_open
                is_open, shown, missing = True, 0, 0
            case ResponseHead():
                assert not is_open
                is_open, shown, missing = not event.is_interim, 0, 0
            case Body():
                assert is_open
                assert event.pieces
                shown += sum(len(data) for _, _, data in event.pieces)
            case BodyGap():
                assert is_open
                missing += event.missing
            case MessageEnd():
                assert is_open
                assert shown <= wanted
                assert shown + missing <= event.body_bytes
                assert not (event.complete and (event.lost or missing))
                assert shown == min(wanted, event.body_bytes) or missing
                is_open = False
            case Switched():
                assert not is_open
            case Fault():
                assert event.name in FAULTS
    assert may_stay_open or not is_open
