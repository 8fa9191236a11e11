"""What a proxy says in the place of a tunnel's server stands in a copy, however it is cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exchanges.network import ESTABLISHED, Network, connect, request, response, say, tls
from tests.flows.build import Packet, batch
from tests.protocols.conftest import every_way, packets
from tests.redaction.test_canary import report_of
from tests.redaction.test_packets import payloads, redacted

INSIDE = request("POST /v1/messages HTTP/1.1", "User-Agent: lab/1", body=b"{}")
UNSHAPED = b"q7LABONLY9zX4mW2vB8tR6y"
PAGE = response(
    "503 Service Unavailable",
    "X-Squid-Error: ERR_CONNECT_FAIL 111",
    "X-Lab: " + UNSHAPED.decode(),
    body=b"<html>LABONLY-page</html>",
)
HELLO = tls().flights[0][1]
#: What the client sent, what the proxy answered, the fact of the tunnel that tells of it.
ANSWERS = {
    "a page": (HELLO, PAGE, "inner"),
    "a page behind an interim answer": (HELLO, b"HTTP/1.1 100 Continue\r\n\r\n" + PAGE, "inner"),
    "a page behind empty lines": (HELLO, b"\r\n\r\n" + PAGE, "inner"),
    "an alert": (INSIDE, b"\x15\x03\x03\x00\x02\x02\x46LABONLY", "tls_answer"),
    "a record": (INSIDE, b"\x16\x03\x03\x00\x20" + b"LABONLY-" * 4, "tls_answer"),
}


def talk(client: bytes, pieces: list[bytes], missing: int = 0) -> list[Packet]:
    net = Network()
    tcp = say(net.to_squid(), connect(), ESTABLISHED, client)
    for piece in pieces:
        tcp.down(piece).ack(True)
    tcp.end(False).end(True)
    return net.wire.packets


def ways(data: bytes) -> Iterator[list[bytes]]:
    for batches in every_way(packets(data)):
        yield [piece for each in batches for _, _, piece in each]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_copy_tells_what_the_original_tells(name: str) -> None:
    client, server, fact = ANSWERS[name]
    for pieces in ways(server):
        sent = talk(client, pieces)
        out, _ = redacted(sent)
        told = report_of([batch(sent)])
        assert told["tunnels"][0][fact] is not None
        assert report_of(out) == told
        assert b"LABONLY" not in payloads(out)


@pytest.mark.parametrize("at", range(0, len(PAGE), 9))
def test_a_gap_in_the_answer_costs_the_copy_what_it_costs_the_original(at: int) -> None:
    sent = talk(HELLO, [PAGE[:at] or b"H", PAGE[at : at + 20], PAGE[at + 20 :]])
    lost = [packet for packet in sent if PAGE[at : at + 20] not in packet.data]
    assert len(lost) == len(sent) - 1
    out, _ = redacted(lost)
    assert report_of(out) == report_of([batch(lost)])
    assert b"LABONLY" not in payloads(out)


def test_tls_that_tls_answers_is_read_as_before() -> None:
    net = Network()
    tcp = say(net.to_squid(), connect(), ESTABLISHED)
    for up, data in tls().flights:
        (tcp.up if up else tcp.down)(data).ack(not up)
    tcp.end(False).end(True)
    out, _ = redacted(net.wire.packets)
    told = report_of([batch(net.wire.packets)])
    assert told["tunnels"][0]["tls"]["handshake"] == "complete"
    assert report_of(out) == told
