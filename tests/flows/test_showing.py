"""What readers are shown: how much is held for those that take many segments, and when it goes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from inspector.flows import showing
from inspector.flows.contract import BATCH, IN_PLACE, Delivery, Opened, Run
from inspector.flows.showing import Showing
from inspector.flows.stream import TcpConnection
from inspector.wire import Batch, Segments
from tests.flows.build import CLIENT, Tcp, Trial, Wire, batch


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


def runs_in_place(batches: Iterable[Batch]) -> list[tuple[Run, Batch]]:
    """What is shown of a server's bytes that are read in place, with the batch that was read."""
    engine = Trial.engine()
    found = []

    def take(deliveries: Iterable[Delivery], each: Batch) -> None:
        for delivery in deliveries:
            if isinstance(delivery, Opened):
                engine.want(delivery.stream, False, IN_PLACE)
            elif isinstance(delivery, Run) and not delivery.up:
                found.append((delivery, each))

    for each in batches:
        take(engine.feed(each), each)
    take(engine.flush(), each)
    return found


def test_what_is_read_in_place_lies_in_its_batch_and_is_shown_at_its_end() -> None:
    tcp = Tcp().open()
    for number in range(showing.LARGE_BATCH):
        tcp.down(b"%d " % number)
    ((run, source),) = runs_in_place([tcp.wire.batch()])
    assert isinstance(run.segments, Segments)
    assert run.segments.data is source.data
    assert run.segments.joined == b"".join(b"%d " % n for n in range(showing.LARGE_BATCH))


def test_of_small_batches_bytes_are_kept_until_there_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BATCH_BYTES", "BATCH_LEAST"):
        monkeypatch.setattr(showing, name, 10)
    tcp = Tcp().open().down(b"1234").down(b"5678").down(b"90ab").down(b"cd")
    packets = tcp.wire.packets
    batches = [batch(packets[at : at + 4], at + 1) for at in range(0, len(packets), 4)]
    found = runs_in_place(batches)
    assert [b"".join(data for _, _, data in run.segments) for run, _ in found] == [
        b"1234567890ab",
        b"cd",
    ]
    for run, source in found[:1]:
        assert isinstance(run.segments, Segments)
        assert run.segments.data is not source.data


def test_a_second_copy_of_what_was_read_in_place_is_held_against_it() -> None:
    tcp = Tcp().open()
    for _ in range(showing.LARGE_BATCH):
        tcp.down(b"abc")
    tcp.down(b"xyz", 3 * (showing.LARGE_BATCH - 1))
    seen = Trial(lambda *_: IN_PLACE).feed(tcp.wire).finish()
    assert seen.oddities == {"conflicting-overlap": 1}
