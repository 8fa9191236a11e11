"""One forged frame hides nothing: what comes behind it is read, or the capture is not complete.

Whoever may send raw frames can forge any header; a wrong checksum, or a TTL that
ends on the way, keeps the real receiver from taking it.
"""

from __future__ import annotations

import itertools

import pytest

from inspector.flows.tcp import ACK, FIN, RST, SYN
from inspector.inspection import Inspector
from inspector.model.report import Report
from inspector.options import Options
from tests.exchanges.network import AGENT, API_PROXY, KEY, PLACEHOLDER, request, response
from tests.flows.build import Packet, Tcp, Wire, batch

DECENT = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}", body=b"{}")
TELLING = request("POST /v1/messages HTTP/1.1", f"x-api-key: {KEY}", body=b"{}")
DECOY = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}{61 * 'y'}", body=b"{}")
AWAY = (0, 1, -1, 100, -100, 1 << 20, -(1 << 20), 900_000_000, -900_000_000, 1 << 31)
ISN = (40_000, 90_000)


def talk() -> list[Packet]:
    """Two calls on one connection, the second with a real key."""
    tcp = Tcp(Wire(), client=(AGENT, 40001), server=(API_PROXY, 10001), isn=ISN).open()
    for asked in (DECENT, TELLING):
        tcp.up(asked).ack(False).down(response()).ack(True)
    return tcp.close().wire.packets


def told_of(packets: list[Packet]) -> Report:
    inspector = Inspector(Options())
    inspector.feed(batch(packets))
    return inspector.finish()


def is_found_out(told: Report) -> bool:
    """The real key is seen, or the capture is not said to be whole."""
    kinds = [
        item.credential.kind
        for exchange in told.exchanges
        if exchange.request is not None
        for item in exchange.request.auth
    ]
    return "anthropic-api-key" in kinds or told.completeness.verdict != "complete"


def forged(
    real: list[Packet], index: int, up: bool, flags: int, away: tuple[int, int], data: bytes
) -> list[Packet]:
    """The talk with one more frame before packet `index`, its numbers so far from the next ones."""
    sent = {True: 0, False: 0}
    for packet in real[:index]:
        if packet.offset is not None:
            sent[packet.up] = packet.offset + len(packet.data)
    isn = dict(zip((True, False), ISN, strict=True))
    tcp = Tcp(Wire(), client=(AGENT, 40001), server=(API_PROXY, 10001), isn=ISN)
    tcp.wire.now, tcp.wire.ident = real[index].at - 20_000_000, 5000
    tcp.send(
        up,
        data,
        sequence=(isn[up] + 1 + sent[up] + away[0]) & 0xFFFFFFFF,
        acked=sent[not up] + away[1],
        flags=flags,
    )
    return [*real[:index], *tcp.wire.packets, *real[index:]]


def test_without_a_forged_frame_the_key_is_seen() -> None:
    told = told_of(talk())
    assert is_found_out(told)
    assert told.completeness.verdict == "complete"


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize(
    ("flags", "data"),
    [
        (RST, b""), (RST | ACK, b""), (FIN | ACK, b""), (SYN, b""), (SYN | ACK, b""),
        (SYN | RST, b""), (ACK, b""), (FIN, b""), (ACK, b"\0"), (ACK, DECOY), (ACK | FIN, DECOY),
        (SYN, DECOY), (RST | ACK, DECOY), (SYN | FIN | RST | ACK, DECOY), (0, DECOY),
    ],
)  # fmt: skip
def test_one_forged_frame_hides_no_key(up: bool, flags: int, data: bytes) -> None:
    real = talk()
    hidden = []
    for index in range(9):  # up to the second request
        for away in itertools.chain(*(((near, 0), (0, near), (near, near)) for near in AWAY)):
            if not is_found_out(told_of(forged(real, index, up, flags, away, data))):
                hidden.append((index, away))
    assert hidden == []
