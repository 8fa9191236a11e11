"""The copy of a capture whose packets are damaged says what the capture says."""

from __future__ import annotations

import pytest

from tests.flows.build import Packet, Tcp, batch
from tests.redaction.test_canary import report_of
from tests.redaction.test_packets import redacted

ASKED = b"CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\r\n"
ANSWERED = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 lab\r\n\r\n"


def cut(asked: int, answered: int) -> list[Packet]:
    """A tunnel of whose packets the snap length left so many bytes of what was said."""
    tcp = Tcp().open()
    tcp.up(ASKED, snap=asked if asked < len(ASKED) else None).ack(False)
    tcp.down(ANSWERED, snap=answered if answered < len(ANSWERED) else None).ack(True)
    return tcp.close().wire.packets


@pytest.mark.parametrize("asked", [len(ASKED), 30], ids=["request whole", "request cut"])
@pytest.mark.parametrize("answered", range(len(ANSWERED) + 1))
def test_wherever_an_answer_is_cut(answered: int, asked: int) -> None:
    sent = cut(asked, answered)
    out, _ = redacted(sent)
    assert report_of(out) == report_of([batch(sent)])


@pytest.mark.parametrize("asked", range(len(ASKED) + 1))
def test_wherever_a_request_is_cut(asked: int) -> None:
    sent = cut(asked, len(ANSWERED))
    out, _ = redacted(sent)
    assert report_of(out) == report_of([batch(sent)])


@pytest.mark.parametrize("before", [1, 2, 9])
def test_wherever_a_stream_is_said_to_have_begun(before: int) -> None:
    """The number of a SYN is damaged: bytes lie before the first one of the stream."""
    tcp = Tcp().open()
    tcp.up(ASKED, offset=-before).ack(False)
    tcp.down(ANSWERED).ack(True)
    tcp.close()
    sent = tcp.wire.packets
    told = report_of([batch(sent)])
    for size in (1, len(sent)):
        out, _ = redacted(sent, size=size)
        assert report_of(out) == told
    assert told["connections"][0]["protocol"] == "http/1.1"
