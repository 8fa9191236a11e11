"""Redaction keeps of a connection what its packets need, and of one without a word nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from inspector.inspection import Inspector, Options
from inspector.redaction import Redactor, redactor
from inspector.wire import Batch
from tests.exchanges.network import Network
from tests.flows.build import Tcp, Wire, batch
from tests.redaction.test_large import SEGMENT, letters, upload

SCANNED = 1000


def scan() -> Batch:
    wire = Wire()
    for number in range(SCANNED):
        server = (f"10.9.{number >> 8}.{number & 255}", 80)
        Tcp(wire, client=("172.30.0.20", 20_000 + number), server=server).syn()
    return wire.batch()


def grown(work: Callable[[], object]) -> int:
    """Bytes that are held when the work is done."""
    tracemalloc.start()
    kept = work()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return size


def test_a_connection_that_is_only_tried_costs_what_it_costs_the_analysis() -> None:
    packets = scan()

    def looked_at() -> object:
        inspector = Inspector(Options(scope="all"))
        inspector.feed(packets)
        return inspector

    def redacted() -> object:
        made = Redactor()
        assert sum(len(ready.records) for ready in made.feed(packets)) == SCANNED
        return made

    redacted()  # what is made once is made
    looked_at()
    assert grown(redacted) < 1.2 * grown(looked_at) + (1 << 18)


def uploads(count: int) -> Iterator[Batch]:
    """Connections that stay open behind a large request, one after the other."""
    data = upload(letters(600_000))[1]
    number = 1
    for _ in range(count):
        net = Network()
        net._port += number
        tcp = net.to_api_proxy()
        for at in range(0, len(data), SEGMENT):
            tcp.up(data[at : at + SEGMENT])
        yield batch(net.wire.packets, number)
        number += len(net.wire.packets)


def test_open_connections_remember_little_when_they_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redactor, "REMEMBERED", 1 << 20)
    monkeypatch.setattr(redactor, "LOOK_EVERY", 10)
    made = Redactor(keep_bodies=True)
    packets = 0
    for number, each in enumerate(uploads(20), start=1):
        for ready in made.feed(each):
            packets += len(ready.records)
        made.source.flush()  # the end of the last one is held to be read with what follows
        remembered = sum(
            side.track.remembered for talk in made._talks.values() for side in talk.sides or ()
        )
        assert remembered <= (1 << 20) + number * 2 * redactor.REMEMBERED_EACH + (1 << 19)
        first = max(side.track.remembered for side in made._talks[1].sides or ())
        if number == 7:  # each keeps its share, which is more than the least
            share = (1 << 20) // (2 * 2 * number)
            assert redactor.REMEMBERED_EACH < share <= first <= 2 * share
    packets += sum(len(ready.records) for ready in made.finish())
    changed = made.summary.changed
    assert packets == 20 * (3 + 10)
    assert changed == 20, "the keys alone"


def test_what_is_remembered_of_connections_that_stay_does_not_rise_and_fall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redactor, "REMEMBERED", 1 << 19)
    monkeypatch.setattr(redactor, "LOOK_EVERY", 10)
    made, net = Redactor(), Network()
    staying = []
    for _ in range(64):
        net._port += 1
        staying.append(net.to_api_proxy())
    call = upload(letters(1_000))[1]
    sums = []
    packets = 0
    for number in range(30 * len(staying)):
        staying[number % len(staying)].up(call)
        list(made.feed(batch(net.wire.packets[packets:], packets + 1)))
        packets = len(net.wire.packets)
        made.source.flush()
        tracks = [side.track for talk in made._talks.values() for side in talk.sides or ()]
        sums.append(sum(track.remembered for track in tracks))
    later = sums[len(sums) // 2 :]
    assert max(later) - min(later) < max(later) // 8, "each forgets when its own is too much"


def test_of_a_connection_that_ended_little_is_remembered_for_late_packets() -> None:
    made = Redactor()
    net = Network()
    tcp = net.to_api_proxy()
    data = upload(letters(600_000))[1]
    for at in range(0, len(data), SEGMENT):
        tcp.up(data[at : at + SEGMENT])
    copied = [ready for ready in made.feed(net.wire.batch()) if ready.records]
    before = len(net.wire.packets)
    tcp.ack(False).close()
    copied += made.feed(batch(net.wire.packets[before:], before + 1))
    assert sum(len(ready.records) for ready in copied) == len(net.wire.packets)
    [talk] = made._talks.values()
    assert talk.over
    for side in talk.sides or ():
        assert side.track.remembered <= 2 * redactor.REMEMBERED_ENDED


def test_a_packet_that_waits_is_held_once() -> None:
    made = Redactor()
    tcp = Network().to_api_proxy().up(b"POST /v1/messages HTTP/1.1\r\nx-api-key: made-u")
    list(made.feed(tcp.wire.batch()))
    held = made._held.oldest
    assert held.ready < len(held.flags)
    assert not held.batch.data
