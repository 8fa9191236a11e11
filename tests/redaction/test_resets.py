"""A reset, a port pair used again, a probe: bytes that the report reads are not blanked."""

from __future__ import annotations

import pytest

from inspector.flows.tcp import ACK, RST
from inspector.redaction import Redactor
from tests.flows.build import CLIENT, CLIENT6, MILLISECOND, SERVER, SERVER6, Tcp, Wire, batch
from tests.redaction.test_canary import report_of

ASKED = b"GET /v1/models HTTP/1.1\r\nHost: lab.test\r\n\r\n"
ANSWERED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def exchange(tcp: Tcp) -> Tcp:
    return tcp.up(ASKED).ack(False).down(ANSWERED).ack(True)


def stale_ack(tcp: Tcp) -> None:
    tcp.syn().send(False, b"", flags=ACK, acked=29_258).send(True, b"", flags=RST, sequence=29_259)
    exchange(tcp.open()).close()


def reset_and_again(tcp: Tcp) -> None:
    tcp.syn().send(True, b"", flags=RST, sequence=1001)
    exchange(tcp.open()).close()


def refused_and_again(tcp: Tcp) -> None:
    tcp.syn().reset(False)
    exchange(tcp.open()).close()


def data_behind_a_reset(tcp: Tcp) -> None:
    tcp.open().send(False, b"", flags=RST, sequence=1)
    exchange(exchange(tcp)).close()


def another_number(tcp: Tcp) -> None:
    tcp.syn()
    tcp.isn[True] += 70_000
    exchange(tcp.open()).close()


def another_number_behind_a_reset(tcp: Tcp) -> None:
    tcp.syn().send(True, b"", flags=RST, sequence=1001)
    tcp.isn[True] += 70_000
    exchange(tcp.open()).close()


def port_pair_again(tcp: Tcp) -> None:
    exchange(tcp.open()).close()
    again = Tcp(tcp.wire, client=tcp.ends[True], server=tcp.ends[False], isn=(900_000, 800_000))
    exchange(again.open()).close()


def port_pair_again_behind_a_reset(tcp: Tcp) -> None:
    exchange(tcp.open()).reset(True)
    again = Tcp(tcp.wire, client=tcp.ends[True], server=tcp.ends[False], isn=(900_000, 800_000))
    exchange(again.open()).close()


def probes(tcp: Tcp) -> None:
    exchange(tcp.open())
    for _ in range(3):
        tcp.send(True, b"", flags=ACK, sequence=1000 + len(ASKED), after=900 * MILLISECOND)
        tcp.ack(False)
    exchange(tcp).close()


def probe_behind_a_reset(tcp: Tcp) -> None:
    exchange(tcp.open()).reset(False)
    tcp.send(True, b"", flags=ACK, sequence=1000 + len(ASKED), after=900 * MILLISECOND)


@pytest.mark.parametrize("ends", [(CLIENT, SERVER), (CLIENT6, SERVER6)], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize(
    "story",
    [
        stale_ack, reset_and_again, refused_and_again, data_behind_a_reset, another_number,
        another_number_behind_a_reset, port_pair_again, port_pair_again_behind_a_reset, probes,
        probe_behind_a_reset,
    ],
    ids=lambda story: story.__name__.replace("_", " "),
)  # fmt: skip
def test_nothing_is_changed_where_nothing_is_secret(story: object, ends: tuple[str, str]) -> None:
    tcp = Tcp(Wire(), client=(ends[0], 40000), server=(ends[1], 10001))
    assert callable(story)
    story(tcp)
    packets = tcp.wire.packets
    redactor = Redactor()
    out = [*redactor.feed(batch(packets)), *redactor.finish()]
    after = [b.data[start : start + size] for b in out for _, start, size, _ in b.records]
    assert (after, redactor.summary.changed) == ([packet.frame for packet in packets], 0)
    told = report_of([batch(packets)])
    assert report_of(out) == told
    assert all(e["ended_by"] == "complete" for e in told["exchanges"])
    assert told["exchanges"]
