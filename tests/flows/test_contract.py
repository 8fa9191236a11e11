"""The contract of the packet core: deliveries in order, and answers that hold at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from inspector.flows.contract import (
    BATCH,
    Closed,
    Cut,
    Delivery,
    End,
    Gap,
    LeftOut,
    Opened,
    Opening,
    Place,
    Run,
    Skipped,
)
from inspector.flows.decode import SlowDecoder, TcpPacket
from inspector.flows.tcp import SYN
from tests.flows.build import ETHERNET, Tcp, Trial, Wire, batch


def names(deliveries: Iterable[Delivery]) -> list[str]:
    return [type(delivery).__name__ for delivery in deliveries]


def payload(run: Run) -> bytes:
    return b"".join(data for _, _, data in run.segments)


def test_a_connection_is_delivered_from_its_opening_to_its_close() -> None:
    engine = Trial.engine()
    wire = Tcp().open().up(b"ask").down(b"answer").close().wire
    found = [*engine.feed(wire.batch()), *engine.finish()]
    assert names(found) == ["Opening", "Opened", "Run", "Run", "End", "End", "Closed"]
    opening, opened, ask, answer, *_, closed = found
    assert opening == Opening(bytes([172, 30, 0, 20]), bytes([172, 30, 0, 30]), 40000, 10001)
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert isinstance(ask, Run)
    assert isinstance(answer, Run)
    assert ask == Run(1, True, [(wire.packets[3].at, 4, b"ask")])
    assert (payload(answer), answer.up) == (b"answer", False)
    assert opened.view.closed_by == "client"
    assert closed.packet == 7


def test_the_view_is_true_while_a_delivery_is_handled() -> None:
    engine = Trial.engine()
    wire = Tcp().open().up(b"ask").ack(False).up(b"more", 5).ack(False).down(b"answer").wire
    views = {}
    bytes_up = []
    for delivery in engine.feed(wire.batch()):
        if isinstance(delivery, Opened):
            views[delivery.stream] = delivery.view
            assert delivery.view.outcome == "unanswered"
            assert not delivery.view.carried
        elif isinstance(delivery, Run):
            view = views[delivery.stream]
            bytes_up.append(view.bytes_up)
            assert view.outcome == "established"
            assert not view.half_heard
    assert bytes_up[0] == 3
    assert views[1].lacks_up


def test_what_is_wanted_while_a_run_is_handled_holds_for_the_next_packet_of_its_batch() -> None:
    engine = Trial.engine()
    wire = Tcp().open().up(b"head").up(b"body").up(b"more!").up(b"next").wire
    found = []
    for delivery in engine.feed(wire.batch()):
        found.append(delivery)
        if isinstance(delivery, Run) and payload(delivery) == b"head":
            engine.want(1, True, 6)
    runs = [payload(each) for each in found if isinstance(each, Run)]
    assert runs == [b"head", b"re!", b"next"]
    assert [each.length for each in found if isinstance(each, Skipped)] == [6]


def test_batches_are_merged_until_the_other_direction_speaks_or_they_are_asked_for() -> None:
    engine = Trial.engine()
    wire = Tcp().open().down(b"a").down(b"b").up(b"ask").down(b"c").down(b"d").wire
    found: list[tuple[bool, bytes]] = []

    def take(deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            if isinstance(delivery, Opened):
                engine.want(delivery.stream, False, BATCH)
            elif isinstance(delivery, Run):
                found.append((delivery.up, payload(delivery)))

    take(engine.feed(wire.batch()))
    assert found == [(False, b"ab"), (True, b"ask")]
    take(engine.flush())
    assert found[2:] == [(False, b"cd")]


def test_what_is_held_for_a_batch_comes_before_what_is_wanted_unseen() -> None:
    engine = Trial.engine()
    tcp = Tcp().open().down(b"a").down(b"b")
    for delivery in engine.feed(tcp.wire.batch()):
        if isinstance(delivery, Opened):
            engine.want(1, False, BATCH)
    engine.want(1, False, 100)
    more = [*engine.feed(batch(tcp.down(b"c").wire.packets[-1:], 6)), *engine.flush()]
    assert b"".join(payload(each) for each in more if isinstance(each, Run)) == b"abc"


def test_a_refused_connection_is_left_out_when_it_speaks_and_takes_no_number() -> None:
    engine = Trial.engine()
    wire = Wire()
    Tcp(wire, client=("172.30.0.20", 40001)).open().up(b"ask")
    Tcp(wire, client=("172.30.0.20", 40002)).open().up(b"ask")
    found = []
    for delivery in engine.feed(wire.batch()):
        if not isinstance(delivery, Opening):
            found.append(delivery)
        elif 40001 in (delivery.sport, delivery.dport):  # its SYN-ACK asks again
            engine.refuse()
    left, opened, run = found
    assert isinstance(left, LeftOut)
    assert isinstance(opened, Opened)
    assert isinstance(run, Run)
    assert 40001 in (left.sport, left.dport)
    assert opened.stream == 1


def test_what_is_forgotten_at_an_opening_is_left_out_and_that_connection_is_the_first() -> None:
    engine = Trial.engine()
    wire = Wire()
    Tcp(wire, client=("172.30.0.20", 40001)).open().up(b"ask")
    Tcp(wire, client=("172.30.0.20", 40002)).open().up(b"ask")
    streams, left = [], []
    for delivery in engine.feed(wire.batch()):
        if isinstance(delivery, Opening) and delivery.sport == 40002:
            left = engine.forget()
        elif isinstance(delivery, Opened):
            streams.append(delivery.stream)
    assert streams == [1, 1]
    assert [each.sport for each in left] == [40001]
    assert names(engine.finish()) == ["Closed"]


@pytest.mark.parametrize("lost", [False, True])
def test_bytes_that_were_cut_on_purpose_are_a_gap_if_they_are_lost(lost: bool) -> None:
    engine = Trial.engine()
    wire = Tcp().open().up(b"hello ").up(b"records", snap=2).up(b"end").wire
    found = []
    for delivery in engine.feed(replace(wire.batch(), counted_cuts=True)):
        found.append(delivery)
        if isinstance(delivery, Cut) and lost:
            engine.lost()
    tail = found[3:]
    if lost:
        assert names(tail) == ["Cut", "Run", "Gap", "Run"]
        assert isinstance(tail[2], Gap)
        assert tail[2].length == 5
        assert engine.notes.truncated_packets == 1
    else:
        assert names(tail) == ["Cut", "Run"]
        assert isinstance(tail[0], Cut)
        assert (tail[0].kept, tail[0].length) == (2, 7)
        assert engine.notes.truncated_packets == 0


def test_of_a_closed_connection_nothing_more_is_delivered() -> None:
    engine = Trial.engine()
    wire = Tcp().open().up(b"ask").reset(True).down(b"crossed it").down(b"still").wire
    found = [*engine.feed(wire.batch()), *engine.flush(), *engine.finish()]
    assert names(found) == ["Opening", "Opened", "Run", "Closed"]


def test_a_feed_that_is_not_iterated_reads_nothing() -> None:
    engine = Trial.engine()
    engine.feed(Tcp().open().up(b"ask").wire.batch())
    assert engine.notes.packets == 0


def test_where_a_payload_lies_in_its_stream_can_be_asked() -> None:
    engine = Trial.engine()
    tcp = Tcp().open().up(b"ask").up(b"beyond", 10).down(b"answer").up(b"sk", 1).end(True)
    decoder = SlowDecoder()
    places = []
    ends = 0
    for number, packet in enumerate(tcp.wire.packets, start=1):
        frame = packet.frame
        segment = decoder.decode(ETHERNET, frame, 0, len(frame), len(frame), packet.at)
        assert isinstance(segment, TcpPacket)
        ends += sum(isinstance(each, End) for each in engine.take(segment, packet.at, number))
        if packet.data:
            places.append(engine.place(segment.key, segment.seq + bool(segment.flags & SYN)))
    assert places == [Place(1, True, 0), Place(1, True, 10), Place(1, False, 0), Place(1, True, 1)]
    assert engine.notes.packets == len(tcp.wire.packets)
