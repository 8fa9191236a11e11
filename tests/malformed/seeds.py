"""Small conversations that are whole, for `make.py` to damage.

Each seed is one story of the bridge in as few bytes as it takes, so that every
offset of its file can be tried.
"""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from benchmarks import content
from benchmarks.generate import AGENT, API_PROXY, SQUID, START
from benchmarks.wire import PCAP_HEADER, Conversation, Rendered
from inspector.pcap.writer import PcapngWriter

RECORD_HEADER: Final = 16

REQUEST: Final = (
    b"POST /v1/messages HTTP/1.1\r\nHost: 172.30.0.30:10001\r\n"
    b"X-Api-Key: sk-ant-placeholder-key-for-credential-isolation\r\n"
    b"Content-Type: application/json\r\nContent-Length: 27\r\n\r\n"
    b'{"model":"m","messages":[]}'
)
ANSWER: Final = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 71\r\n\r\n"
    b'{"type":"error","error":{"type":"authentication_error","message":"no"}}'
)
STREAM: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    content.event("message_start", message={"model": "m", "usage": {"input_tokens": 3}}),
    content.event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1}),
    content.event("message_stop"),
    content.LAST_CHUNK,
)
ZIPPED: Final = content.whole_response("200 OK", ANSWER[-71:], zipped=True)


def _agent(out: list[Rendered], rng: random.Random) -> Conversation:
    conversation = Conversation(out, ((AGENT, 40000), (API_PROXY, 10001)), START, rng)
    conversation.open()
    return conversation


def exchange() -> list[Rendered]:
    """A request and its answer of a known length."""
    out: list[Rendered] = []
    agent = _agent(out, random.Random(1))
    agent.send(True, [REQUEST])
    agent.send(False, [ANSWER])
    agent.close()
    return out


def stream() -> list[Rendered]:
    """An event stream in the chunked coding, then a gzip-coded answer on the same connection."""
    out: list[Rendered] = []
    agent = _agent(out, random.Random(2))
    agent.send(True, [REQUEST])
    agent.send(False, STREAM)
    agent.send(True, [REQUEST])
    agent.send(False, [ZIPPED])
    agent.close(by_client=False)
    return out


def tunnel() -> list[Rendered]:
    """CONNECT, 200, a TLS 1.3 handshake, a little data, close."""
    out: list[Rendered] = []
    rng = random.Random(3)
    noise = rng.randbytes(200)
    opened = Conversation(out, ((API_PROXY, 46000), (SQUID, 3128)), START, rng)
    opened.open()
    opened.send(True, [content.CONNECT])
    opened.send(False, [content.ESTABLISHED])
    opened.send(True, [content.client_hello("api.anthropic.com", rng)])
    opened.send(False, [content.server_flight(rng)])
    opened.send(True, [content.client_finished(rng) + content.encrypted(100, noise)])
    opened.send(False, [content.encrypted(80, noise)])
    opened.send(True, [content.close_notify(noise)])
    opened.close()
    return out


SEEDS: Final = {"exchange": exchange, "stream": stream, "tunnel": tunnel}


def frames(records: Sequence[Rendered]) -> list[bytes]:
    return [record[RECORD_HEADER:] for _, record in sorted(records, key=itemgetter(0))]


def as_pcap(records: Sequence[Rendered]) -> bytes:
    return PCAP_HEADER + b"".join(record for _, record in sorted(records, key=itemgetter(0)))


def as_pcapng(records: Sequence[Rendered]) -> bytes:
    """With every kind of block and option that the reader gives a meaning to."""
    out = io.BytesIO()
    writer = PcapngWriter(out)
    writer.section(comments=["made for tests"])
    writer.interface(name="fw-bridge", filter="tcp", resolution=9)
    writer.secrets(0x544C534B, b"CLIENT_RANDOM 00 00\n")
    for number, (at, record) in enumerate(sorted(records, key=itemgetter(0))):
        writer.packet(at * 1000, record[RECORD_HEADER:], comments=["note"] if number == 3 else [])
    writer.statistics(received=len(records), dropped=0)
    return out.getvalue()


def as_gzip(records: Sequence[Rendered]) -> bytes:
    return gzip.compress(as_pcap(records), mtime=0)


CONTAINERS: Final = {"pcap": as_pcap, "pcapng": as_pcapng, "pcap.gz": as_gzip}
