"""Captures made to cost more than they are worth, each with a number of something in it.

Each attack of `ATTACKS` writes the same bytes for the same number. `benchmarks.growth` reads them
at n, 2n and 4n.
"""

from __future__ import annotations

import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.wire import MSS, PCAP_HEADER, Conversation, Host, Rendered, pieces, record, udp

AGENT: Final = Host.at("172.30.0.20")
API_PROXY: Final = Host.at("172.30.0.30")
SQUID: Final = Host.at("172.30.0.10")
_START: Final = 1_770_026_400_000_000


@dataclass(frozen=True, slots=True)
class Attack:
    """What there are n, 2n and 4n of; what makes a capture of so many; where limits begin."""

    things: str
    n: int
    make: Callable[[int], bytes]
    #: Files beside the capture, by the option that names them.
    logs: Callable[[int], dict[str, bytes]] = lambda _: {}


class _Wire:
    """Connections one after the other, on ports of their own."""

    def __init__(self) -> None:
        self.out: list[Rendered] = []
        self.rng = random.Random(1)
        self.now = _START
        self._port = 1024

    def talk(
        self, port: int = 10001, *, client: Host = AGENT, server: Host = API_PROXY
    ) -> Conversation:
        self._port = self._port + 1 if self._port < 65_000 else 1025
        ends = (client, self._port), (server, port)
        return Conversation(self.out, ends, self.now, self.rng)

    def call(
        self,
        lines: tuple[bytes, ...] = (),
        body: bytes = b"{}",
        answer: bytes = b"{}",
        *,
        status: bytes = b"200 OK",
        headers: bytes = b"content-type: application/json\r\n",
        server: Host = API_PROXY,
        client: Host = AGENT,
        port: int = 10001,
    ) -> None:
        """A call on a connection of its own."""
        talk = self.talk(port, server=server, client=client)
        talk.open()
        talk.send(True, pieces(ask(lines, body), MSS))
        whole = b"HTTP/1.1 %s\r\n%scontent-length: %d\r\n\r\n" % (status, headers, len(answer))
        talk.send(False, pieces(whole + answer, MSS))
        talk.close()
        self.now = talk.now + 100

    def file(self) -> bytes:
        return PCAP_HEADER + b"".join(each for _, each in self.out)

    def sorted(self) -> bytes:
        self.out.sort(key=lambda each: each[0])
        return self.file()


def ask(lines: tuple[bytes, ...] = (), body: bytes = b"{}") -> bytes:
    """A call to the API."""
    head = b"\r\n".join((b"POST /v1/messages HTTP/1.1", b"Host: api", *lines))
    return head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body


# --- packets and segments -------------------------------------------------------------------------


def _small(n: int) -> bytes:
    """A body in segments of one byte, in order."""
    wire = _Wire()
    talk = wire.talk()
    talk.open()
    talk.send(True, [ask(body=b"x" * n)[: -n or None], *[b"x"] * n], ack_every=0)
    return wire.file()


def _backwards(n: int, *, drop_first: bool = False) -> bytes:
    """Segments of one byte, the last one first."""
    wire = _Wire()
    talk = wire.talk()
    talk.open()
    talk.send(True, [ask(body=b"x" * n)[:-n]])
    before = len(wire.out)
    talk.send(True, [b"x"] * n, ack_every=0)
    if drop_first:
        del wire.out[before]
    else:
        wire.out[before:] = wire.out[: before - 1 : -1]
    return wire.file()


def _same_again(n: int) -> bytes:
    """One segment, n times."""
    wire = _Wire()
    talk = wire.talk()
    talk.open()
    talk.send(True, [ask(body=b"x" * 900)])
    wire.out += [wire.out[-1]] * n
    return wire.file()


def _gaps(n: int) -> bytes:
    """Every second segment is missing, and its receiver acknowledged it."""
    wire = _Wire()
    talk = wire.talk()
    talk.open()
    talk.send(True, [ask(body=b"x" * 2000 * n)[: -2000 * n]])
    for _ in range(n):
        talk.send(True, [b"x" * 1000])
        del wire.out[-1]
        talk.send(True, [b"x" * 1000], ack_every=1)
    return wire.file()


def _fragments(n: int) -> bytes:
    """First fragments of datagrams whose rest never comes."""
    out = []
    for number in range(n):
        frame = bytearray(udp(AGENT, API_PROXY, (1, 2), bytes(64)))
        frame[18:20] = struct.pack("!H", number & 0xFFFF)
        frame[20:22] = struct.pack("!H", 0x2000)
        frame[26:30] = struct.pack("!I", 0xAC1E0100 + (number >> 16))
        frame[23] = 6
        out.append(record(_START + number, bytes(frame))[1])
    return PCAP_HEADER + b"".join(out)


# --- connections ----------------------------------------------------------------------------------


def _syns(n: int) -> bytes:
    """A scan: SYNs that nobody answers."""
    wire = _Wire()
    for number in range(n):
        server = Host.at(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        wire.talk(443, server=server).refused()
        wire.out.pop()
    return wire.file()


def _half_open(n: int) -> bytes:
    """Connections that are opened, and carry nothing."""
    wire = _Wire()
    for number in range(n):
        wire.talk(443, server=Host.at(f"10.0.{number >> 8 & 255}.{number & 255}")).open()
    return wire.file()


def _connections(n: int) -> bytes:
    """A call on each."""
    wire = _Wire()
    for _ in range(n):
        wire.call()
    return wire.file()


def _kept(n: int) -> bytes:
    """Calls on one connection."""
    wire = _Wire()
    talk = wire.talk()
    talk.open()
    for _ in range(n):
        talk.send(True, [ask()])
        talk.send(False, [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"])
    talk.close()
    return wire.file()


def _crossed(n: int) -> bytes:
    """Connections that end in another order than they began."""
    wire = _Wire()
    talks = []
    for _ in range(n):
        talk = wire.talk()
        talk.open()
        talk.send(True, [ask()])
        talks.append(talk)
        wire.now = talk.now
    wire.rng.shuffle(talks)
    for talk in talks:
        talk.now = wire.now = wire.now + 100
        talk.send(False, [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"])
        talk.close()
    return wire.file()


def _in_flight(n: int) -> bytes:
    """Calls that all wait at once, and a tunnel for each, in the order of the calls."""
    wire = _Wire()
    calls = []
    for _ in range(n):
        talk = wire.talk()
        talk.open()
        talk.send(True, [ask()])
        calls.append(talk)
        wire.now = talk.now
    for _ in range(n):
        tunnel = wire.talk(3128, client=API_PROXY, server=SQUID)
        _connect(tunnel)
        wire.now = tunnel.now
        tunnel.now += 1_000_000
        tunnel.send(False, [b"\x17\x03\x03\x00\x20" + bytes(32)])
        tunnel.close()
    wire.now += 1_100_000
    for talk in calls:
        talk.now = wire.now = wire.now + 100
        talk.send(False, [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"])
        talk.close()
    return wire.sorted()


def _connect(talk: Conversation) -> None:
    talk.open()
    talk.send(True, [b"CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com\r\n\r\n"])
    talk.send(False, [b"HTTP/1.1 200 Connection established\r\n\r\n"])
    talk.send(True, [b"\x17\x03\x03\x00\x20" + bytes(32)])


def _tunnels(n: int) -> bytes:
    """Tunnels that never end."""
    wire = _Wire()
    for _ in range(n):
        talk = wire.talk(3128, client=API_PROXY, server=SQUID)
        _connect(talk)
        wire.now = talk.now
    return wire.file()


def _nested(n: int) -> bytes:
    """CONNECTs within one another."""
    wire = _Wire()
    talk = wire.talk(3128, server=SQUID)
    talk.open()
    for _ in range(n):
        talk.send(True, [b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"])
        talk.send(False, [b"HTTP/1.1 200 Ok\r\n\r\n"])
    return wire.file()


def _unanswered(n: int) -> bytes:
    """Bytes behind a CONNECT that nobody answers."""
    wire = _Wire()
    talk = wire.talk(3128, server=SQUID)
    talk.open()
    talk.send(True, [b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"])
    talk.send(True, pieces(b"x" * n, MSS))
    return wire.file()


# --- who and what ---------------------------------------------------------------------------------


def _keys(n: int) -> bytes:
    """A new key in each call."""
    wire = _Wire()
    for number in range(n):
        wire.call((b"x-api-key: sk-ant-api03-LABONLY-%08d%s" % (number, b"k" * 60),))
    return wire.file()


def _refused_keys(n: int) -> bytes:
    """The same, each refused with itself in the answer."""
    wire = _Wire()
    for number in range(n):
        key = b"sk-ant-api03-LABONLY-%08d%s" % (number, b"k" * 60)
        body = b'{"type":"error","error":{"type":"authentication_error","message":"no %s"}}' % key
        wire.call((b"x-api-key: " + key,), answer=body, status=b"401 Unauthorized")
    return wire.file()


def _services(n: int) -> bytes:
    """Web servers of one client."""
    wire = _Wire()
    for number in range(n):
        wire.call(server=Host.at(f"10.0.{number >> 8 & 255}.{number & 255}"), port=80)
    return wire.file()


def _agents(n: int) -> bytes:
    """User agents on one host."""
    wire = _Wire()
    for number in range(n):
        wire.call((b"User-Agent: lab-%d/1.0" % number,))
    return wire.file()


def _clients(n: int) -> bytes:
    """Addresses that call."""
    wire = _Wire()
    for number in range(n):
        wire.call(client=Host.at(f"172.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"))
    return wire.file()


def _targets(n: int) -> bytes:
    """Requests to Squid that were passed on to nobody."""
    wire = _Wire()
    for number in range(n):
        talk = wire.talk(3128, server=SQUID)
        talk.open()
        talk.send(True, [b"GET http://h%d.example/ HTTP/1.1\r\nHost: h\r\n\r\n" % number])
        talk.send(False, [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"])
        talk.close()
        wire.now = talk.now
    return wire.file()


# --- messages -------------------------------------------------------------------------------------


def _fields(n: int) -> bytes:
    """Fields of one request."""
    wire = _Wire()
    wire.call(tuple(b"x-%d: v" % number for number in range(n)))
    return wire.file()


def _auth_fields(n: int) -> bytes:
    """Fields of 20 requests that may be credentials, each with a name of its own."""
    wire = _Wire()
    for _ in range(20):
        wire.call(tuple(b"x-lab-%d-api-key: made-up-%d" % (each, each) for each in range(n)))
    return wire.file()


def _line(n: int) -> bytes:
    """Bytes of one field's line."""
    wire = _Wire()
    wire.call((b"x-long: " + b"v" * n,))
    return wire.file()


def _chunks(n: int) -> bytes:
    """Chunks of one byte."""
    wire = _Wire()
    talk = wire.talk()
    talk.open()
    talk.send(True, [ask()])
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
    talk.send(False, pieces(head + b"1\r\nx\r\n" * n + b"0\r\n\r\n", MSS))
    talk.close()
    return wire.file()


def _stream(events: bytes) -> bytes:
    wire = _Wire()
    wire.call(answer=events, headers=b"content-type: text/event-stream\r\n")
    return wire.file()


def _event_names(n: int) -> bytes:
    """Events of one stream, each with a name of its own."""
    return _stream(b"".join(b"event: e%d\ndata: {}\n\n" % number for number in range(n)))


def _event_lines(n: int) -> bytes:
    """Lines of one event."""
    return _stream(b"event: message_start\n" + b"data: x\n" * n + b"\n")


def _event_line(n: int) -> bytes:
    """Bytes of one line of an event."""
    return _stream(b"data: " + b"x" * n)


def _deep(n: int) -> bytes:
    """Arrays within one another in the JSON of an answer."""
    wire = _Wire()
    wire.call(answer=b'{"error":' + b"[" * n + b"]" * n + b"}", status=b"400 Bad Request")
    return wire.file()


def _members(n: int) -> bytes:
    """Members of the JSON of an answer."""
    wire = _Wire()
    body = json.dumps({f"k{number}": "v" for number in range(n)}).encode()
    wire.call(answer=body, status=b"400 Bad Request")
    return wire.file()


def _zeros(n: int) -> bytes:
    """Bytes of an answer once decoded (gzip of zeros)."""
    wire = _Wire()
    zipped = gzip.compress(bytes(n), mtime=0)
    wire.call(answer=zipped, headers=b"content-type: text/plain\r\ncontent-encoding: gzip\r\n")
    return wire.file()


def _zipped_events(n: int) -> bytes:
    """Events of one stream that is gzip."""
    wire = _Wire()
    zipped = gzip.compress(b"event: delta\ndata: {}\n\n" * n, mtime=0)
    headers = b"content-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
    wire.call(answer=zipped, headers=headers)
    return wire.file()


def _http2(n: int) -> bytes:
    """Streams of one connection of HTTP/2 that never end."""
    wire = _Wire()
    talk = wire.talk()
    talk.open()
    block = b"\x83\x86\x84\x41\x01a"  # POST, http, /, authority a (RFC 7541 A)
    frames = b"".join(
        struct.pack("!IBI", len(block), 1, 2 * number + 1)[1:4]
        + struct.pack("!BBI", 1, 4, 2 * number + 1)
        + block
        for number in range(n)
    )
    talk.send(
        True, pieces(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5), MSS)
    )
    talk.send(False, [bytes(3) + b"\x04" + bytes(5)])
    talk.send(True, pieces(frames, MSS))
    return wire.file()


def _messages(n: int) -> bytes:
    """Fragments of one WebSocket message."""
    wire = _Wire()
    talk = wire.talk()
    talk.open()
    talk.send(
        True,
        [
            b"GET /v1/responses HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ],
    )
    talk.send(
        False,
        [b"HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"],
    )
    talk.send(False, pieces(b"\x01\x01x" + b"\x00\x01x" * n, MSS))
    return wire.file()


# --- files ----------------------------------------------------------------------------------------


def _block(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    size = struct.pack("<I", 12 + len(padded))
    return struct.pack("<I", kind) + size + padded + size


_SECTION: Final = _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def _interface(options: bytes = b"") -> bytes:
    return _block(1, struct.pack("<HHI", 1, 0, 0) + options)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _packets_of(n: int) -> Iterator[bytes]:
    for _, each in _few(n).out:
        yield each[16:]


def _few(n: int) -> _Wire:
    wire = _Wire()
    for _ in range(n):
        wire.call()
    return wire


def _packet_block(frame: bytes, options: bytes = b"") -> bytes:
    size = len(frame)
    head = struct.pack("<IIIII", 0, 0x64B00, 0, size, size)
    return _block(6, head + frame + bytes(-size % 4) + options)


def _interfaces(n: int) -> bytes:
    """Interfaces of one file, each with a name of 1 KB."""
    named = _interface(_option(2, b"n" * 1000) + bytes(4))
    return _SECTION + named * n + b"".join(map(_packet_block, _packets_of(1)))


def _sections(n: int) -> bytes:
    """Sections of one file."""
    frames = list(_packets_of(1))
    return b"".join(_SECTION + _interface() + _packet_block(frames[0]) for _ in range(n))


def _comments(n: int) -> bytes:
    """Comments of 1 KB on one packet each."""
    frame = next(_packets_of(1))
    noted = _packet_block(frame, _option(1, b"c" * 1000) + bytes(4))
    return _SECTION + _interface() + noted * n


def _secrets(n: int) -> bytes:
    """Blocks of secrets, each with a line of a key log."""
    lines = (b"CLIENT_RANDOM %064x %s\n" % (number, b"ab" * 48) for number in range(n))
    blocks = b"".join(
        _block(10, struct.pack("<II", 0x544C534B, len(line)) + line) for line in lines
    )
    frames = b"".join(map(_packet_block, _packets_of(1)))
    return _SECTION + _interface() + blocks + frames


def _zipped_file(n: int) -> bytes:
    """Bytes of a capture that is a gzip of zeros behind its header."""
    maker = zlib.compressobj(wbits=31)
    return maker.compress(PCAP_HEADER + bytes(n)) + maker.flush()


def _squid_lines(n: int) -> dict[str, bytes]:
    """Lines of Squid's log that belong to no tunnel."""
    line = "1770026400.%03d    12 172.30.0.30 TCP_TUNNEL/200 5000 CONNECT h%d.example:443 - HIER\n"
    return {"--squid-log": "".join(line % (each % 1000, each) for each in range(n)).encode()}


def _one_call(_: int) -> bytes:
    return _few(1).file()


def _text(make: Callable[[int], object]) -> str:
    return (make.__doc__ or "").strip().rstrip(".")


def _attack(make: Callable[[int], bytes], n: int) -> Attack:
    return Attack(_text(make), n, make)


def _hole(n: int) -> bytes:
    """Segments of one byte behind a hole."""
    return _backwards(n, drop_first=True)


ATTACKS: Final[dict[str, Attack]] = {
    "packets": _attack(_small, 20_000),
    "backwards": _attack(_backwards, 4_000),
    "hole": _attack(_hole, 4_000),
    "copies": _attack(_same_again, 20_000),
    "gaps": _attack(_gaps, 5_000),
    "fragments": _attack(_fragments, 20_000),
    "syns": _attack(_syns, 25_000),
    "half-open": _attack(_half_open, 15_000),
    "connections": _attack(_connections, 4_000),
    "kept": _attack(_kept, 8_000),
    "crossed": _attack(_crossed, 2_500),
    "in-flight": _attack(_in_flight, 1_500),
    "tunnels": _attack(_tunnels, 5_000),
    "nested": _attack(_nested, 100),
    "unanswered": _attack(_unanswered, 10_000_000),
    "keys": _attack(_keys, 1_500),
    "refused-keys": _attack(_refused_keys, 1_000),
    "services": _attack(_services, 2_000),
    "agents": _attack(_agents, 1_000),
    "clients": _attack(_clients, 1_500),
    "targets": _attack(_targets, 2_000),
    "fields": _attack(_fields, 1_000),
    "auth-fields": _attack(_auth_fields, 50),
    "line": _attack(_line, 100_000),
    "chunks": _attack(_chunks, 100_000),
    "event-names": _attack(_event_names, 20_000),
    "event-lines": _attack(_event_lines, 100_000),
    "event-line": _attack(_event_line, 1_000_000),
    "json-depth": _attack(_deep, 25_000),
    "json-members": _attack(_members, 25_000),
    "gzip": _attack(_zeros, 50_000_000),
    "gzip-events": _attack(_zipped_events, 250_000),
    "http2": _attack(_http2, 2_000),
    "websocket": _attack(_messages, 50_000),
    "interfaces": _attack(_interfaces, 2_000),
    "sections": _attack(_sections, 5_000),
    "comments": _attack(_comments, 5_000),
    "secrets": _attack(_secrets, 10_000),
    "gzip-file": _attack(_zipped_file, 4_000_000),
    "log-lines": Attack(_text(_squid_lines), 25_000, _one_call, _squid_lines),
}
