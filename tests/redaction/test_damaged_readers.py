"""Of damaged WebSockets and HTTP/2 nothing fails and nothing leaks."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.exchanges.test_websocket import ASK, BEGUN, DEFLATE, DONE, OFFER, PIECE, TAKEN
from tests.flows.build import Tcp, batch
from tests.protocols.http2_memory import ASK as ASKED
from tests.protocols.http2_memory import EVENTS, JSON, Talk
from tests.protocols.test_websocket import TEXT, close, deflated, frame
from tests.redaction.test_canary import report_of
from tests.redaction.test_packets import redacted

SECRET = b"sk-ant-api03-LABONLY0123456789abcdefghijklmnop"
Flights = list[tuple[bool, bytes]]


def sockets() -> Iterator[Flights]:
    key = ASK.replace(b"LABONLY words", SECRET)
    for taken in (TAKEN, DEFLATE):
        bits = 0x40 * (taken is DEFLATE)
        said = deflated(BEGUN, PIECE, SECRET, DONE) if bits else [BEGUN, PIECE, SECRET, DONE]
        [ask] = deflated(key) if bits else [key]
        yield [
            (True, OFFER), (False, taken), (True, frame(TEXT, ask, mask=b"LAB!", bits=bits)),
            *((False, frame(TEXT, data, bits=bits)) for data in said),
            (False, close(1011, b"bad " + SECRET)),
        ]  # fmt: skip


def streams() -> Iterator[Flights]:
    talk = Talk()
    asked = (*ASKED, ("authorization", f"Bearer {SECRET.decode()}"))
    for body in (b"", b'{"key":"%s"}' % SECRET):
        stream = talk.ask(asked, body)
        talk.answer(stream, EVENTS, b"event: ping\ndata: {}\n\n", b'data: {"a":"%s"}\n\n' % SECRET)
    talk.answer(talk.ask(asked), JSON, b'{"error":{"message":"%s"}}' % SECRET)
    yield talk.flights


TALKS = [*sockets(), *streams()]
#: Heads of HTTP/1 and the preface stay whole: what is behind them is what is tried here.
_WHOLE = 2


def damaged(flights: Flights, chance: random.Random) -> Tcp:
    tcp = Tcp().open()
    for number, (up, data) in enumerate(flights):
        whole = number < _WHOLE
        cut = chance.randint(1, len(data)) if chance.random() < 0.5 else len(data)
        for piece in filter(None, (data[:cut], data[cut:])):
            said = bytearray(piece)
            if not whole and chance.random() < 0.25:
                said[chance.randrange(len(said))] ^= 1 << chance.randrange(8)
            tcp.send(up, bytes(said))
            if not whole and chance.random() < 0.1:
                tcp.wire.packets.pop()
        if chance.random() < 0.7:
            tcp.ack(not up)
    if chance.random() < 0.3:
        return tcp
    return tcp.close() if chance.random() < 0.5 else tcp.reset(chance.random() < 0.5)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_damaged_costs_itself_alone(seed: int) -> None:
    chance = random.Random(seed)
    tcp = damaged(chance.choice(TALKS), chance)
    told = report_of([batch(tcp.wire.packets)])
    assert "internal-error" not in {each["name"] for each in told["oddities"]}
    out, summary = redacted(tcp.wire.packets, size=chance.choice((1, 5, 1 << 30)))
    assert "internal-error" not in summary.blanked
    assert SECRET not in b"".join(part.data for part in out)
    assert not any(SECRET[:24] in mark for part in out for mark in part.marks)
