"""What readers are shown: how much is held for those that take many segments, and when it goes."""

from __future__ import annotations

import pytest

from inspector.flows import showing
from inspector.flows.contract import BATCH
from inspector.flows.showing import Showing
from inspector.flows.stream import TcpConnection
from tests.flows.build import CLIENT, Tcp, Trial, Wire


def test_a_batch_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "BATCH_BYTES", 10)
    monkeypatch.setattr(showing, "BATCH_LEAST", 10)
    tcp = Tcp().open()
    for _ in range(9):
        tcp.down(b"12345")
    seen = Trial(lambda *_: BATCH).feed(tcp.wire)
    assert 30 <= seen.only.position[False] <= 45


def test_many_connections_share_what_may_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BATCH_BYTES", 100), ("BATCH_TOTAL", 160), ("BATCH_LEAST", 6)):
        monkeypatch.setattr(showing, name, value)
    held = Showing()
    half = TcpConnection(1, 4, (bytes(12), bytes(12)), 0, 1).up
    rooms = []
    for connections in (0, 1, 2, 10, 1000):
        held.share(connections)
        held.want(half, BATCH)
        rooms.append(half.room)
    assert rooms == [100, 80, 40, 8, 6]


def test_a_batch_is_smaller_where_many_connections_are_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("BATCH_BYTES", 100), ("BATCH_TOTAL", 200), ("BATCH_LEAST", 10)):
        monkeypatch.setattr(showing, name, value)
    held = []
    for others in (0, 9):
        wire = Wire()
        for number in range(others):
            Tcp(wire, client=(CLIENT, 50_000 + number)).open()
        tcp = Tcp(wire).open().down(b"12345")
        for _ in range(20):
            tcp.down(b"12345")
        told = Trial(lambda *_: BATCH).feed(wire).readers[-1].position[False]
        held.append(tcp.sent[False] - told)
    assert held[0] > held[1] > 0


def test_flush_gives_what_waits_and_what_was_skipped() -> None:
    tcp = Tcp().open().up(b"abc").up(b"def").down(b"one").down(b"two")
    seen = Trial(lambda up, _: 100 if up else BATCH).feed(tcp.wire)
    seen.pipeline.flush()
    assert seen.only.joined(True) == [b"abc", -3]
    assert seen.only.joined(False) == [b"onetwo"]
    seen.feed(tcp.up(b"ghi").down(b"three").wire)
    assert seen.finish().only.joined(True) == [b"abc", -6]
    assert seen.only.joined(False) == [b"onetwothree"]
