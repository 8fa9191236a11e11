"""Ends of connections by the clock of the packets, without a kernel."""

from __future__ import annotations

import time

from inspector.linux.ebpf.attribution import SLEWED_NS, Joiner, utc_offset
from inspector.linux.ebpf.events import (
    ESTABLISHED,
    SYN_RECV,
    SYN_SENT,
    Holder,
    ProcessEvent,
    SocketEvent,
)
from inspector.model.network import Endpoint

CLIENT, SERVER = Endpoint("172.30.0.20", 40_000), Endpoint("172.30.0.30", 10_001)
CURL = Holder(7, "curl", "/usr/bin/curl", 1, ())
NODE = Holder(8, "node", "/usr/bin/node", 1, ())
HOUR = 3_600_000_000_000


class Clock:
    """What a machine's clock is ahead of the time since it began."""

    def __init__(self) -> None:
        self.offset = 1_764_000_000_000_000_000

    def __call__(self) -> int:
        return self.offset


def connected(joiner: Joiner, at: int) -> None:
    """Both ends of a connection, of which the passive one has not read; `at` is CLOCK_MONOTONIC."""
    joiner.event(ProcessEvent(1, at, CURL))
    joiner.event(SocketEvent(1, at, 5, CLIENT, SERVER, SYN_SENT, ESTABLISHED))
    joiner.event(SocketEvent(2, at, 6, SERVER, CLIENT, SYN_RECV, ESTABLISHED))


def test_ends_are_told_by_the_clock_as_it_was_set_while_a_capture_runs() -> None:
    for jump in (HOUR, -HOUR):
        clock = Clock()
        joiner = Joiner(offset=clock)
        before = clock.offset
        connected(joiner, 100)
        clock.offset += jump
        joiner.set_clock()
        joiner.event(ProcessEvent(2, 300, NODE))  # of the connection before
        connected(joiner, 400)
        told = [(end.at, end.process.comm) for end in joiner.take() if end.process]
        assert told == [
            (before + 100, "curl"),
            (before + 100, "node"),
            (before + jump + 400, "curl"),
        ]


def test_a_reading_that_is_a_little_off_changes_no_clock() -> None:
    clock = Clock()
    joiner = Joiner(offset=clock)
    before = clock.offset
    clock.offset += SLEWED_NS
    joiner.set_clock()
    connected(joiner, 100)
    assert [end.at for end in joiner.take()] == [before + 100]


def test_the_offset_is_that_of_the_clocks() -> None:
    assert abs(time.monotonic_ns() + utc_offset() - time.time_ns()) < 10**9
