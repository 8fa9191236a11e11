"""Whole conversations, one for each reader, to be damaged: what each end sent, in order."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from inspector.decryption.keystore import Keystore
from tests.decryption.made import Talk as Sealed
from tests.decryption.made import log
from tests.exchanges.network import request, response
from tests.protocols.http2_memory import ASK, EVENTS, JSON, Talk
from tests.protocols.test_websocket import TEXT, close, frame

#: (whether the client sent it, the bytes)
Flights: TypeAlias = list[tuple[bool, bytes]]

LABELS: Final = (
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
)
#: No piece of it is a word, as of "LABONLY".
SECRET: Final = "".join(random.Random(8).choices("bcdfghkmpqrtvwxz2345679", k=80))


def _alike(secret: str) -> str:
    """Its letters and its digits, each in the opposite order: as long in every coding."""
    left = {kind: [char for char in secret if char.isalpha() is kind] for kind in (True, False)}
    return "".join(left[char.isalpha()].pop() for char in secret)


#: Another key, which is alike in all that may be told of it.
OTHER: Final = _alike(SECRET)


def key_of(secret: str) -> str:
    """A made-up key with this secret part."""
    return f"sk-ant-api03-{secret}AA"


_EVENT: Final = b'event: message_start\ndata: {"type":"message_start","message":{"model":"m"}}\n\n'
_LAST: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class Conversation(NamedTuple):
    """What went over one connection, and the key log that opens it, if it is sealed."""

    flights: Flights
    key_log: tuple[bytes, ...] = ()


def websocket(key: str, deflated: bool) -> Conversation:
    """A call of Codex: offered and taken, messages in fragments, a ping, an error, a close."""
    extension = "permessage-deflate; client_no_context_takeover"
    offer = request(
        "GET /v1/responses HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Authorization: Bearer {key}", *([f"Sec-WebSocket-Extensions: {extension}"] * deflated),
    )  # fmt: skip
    taken = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    taken += f"Sec-WebSocket-Extensions: {extension}\r\n" * deflated
    said: list[dict[str, object]] = [{"type": "response.created"}]
    said += [{"type": "response.output_text.delta", "delta": "x" * 90}]
    said += [{"type": "error", "status": 401, "error": {"message": f"no key {key}"}}]

    def coded(text: bytes) -> bytes:
        if not deflated:
            return text
        maker = zlib.compressobj(wbits=-15)
        return (maker.compress(text) + maker.flush(zlib.Z_SYNC_FLUSH))[:-4]

    bits = 0x40 if deflated else 0
    ask = coded(b'{"type":"response.create","input":"%s"}' % (b"lab " * 40))
    flights: Flights = [
        (True, offer),
        (False, taken.encode() + b"\r\n"),
        (True, frame(TEXT, ask[:50], mask=b"1234", final=False, bits=bits)),
        (True, frame(0x9, b"?", mask=b"abcd") + frame(0, ask[50:], mask=b"9876")),
    ]
    flights += [(False, frame(TEXT, coded(json.dumps(each).encode()), bits=bits)) for each in said]
    return Conversation([*flights, (False, close(1011, b"bad")), (True, close(1000, mask=b"wxyz"))])


def http2(key: str, upgraded: bool) -> Conversation:
    """Streams that end whole, by a reset, with trailers, and by the server's leave."""
    talk = Talk(upgraded=upgraded)
    if upgraded:
        talk.answer(1, EVENTS, _EVENT, _LAST)
    grpc = (*ASK[:3], (":path", "/lab.Lab/Do"), ("content-type", "application/grpc"))
    first = talk.ask((*ASK, ("authorization", f"Bearer {key}"), ("x-lab", "v" * 300)), b"{}" * 30)
    second = talk.ask(grpc, b"\0" * 9)
    third = talk.ask()
    talk.answer(second, ((":status", "200"), ("content-type", "application/grpc")), ends=False)
    talk.server.send_headers(second, [("grpc-status", "16")], end_stream=True)
    talk.answer(first, EVENTS, _EVENT, _EVENT, _LAST)
    talk.answer(third, JSON, b'{"error":{"type":"x"}}', ends=False)
    talk.server.reset_stream(third, 2)
    talk.pump()
    talk.server.close_connection()
    talk.pump()
    offer = request("POST /v1/messages HTTP/1.1", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    taken = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    return Conversation([*([(True, offer), (False, taken)] * upgraded), *talk.flights])


def sealed(key: str, suite: int, early: bool) -> Conversation:
    """TLS 1.3 with its secrets: two calls of HTTP/1 inside, key updates, early data."""
    ask = request("POST /v1/messages HTTP/1.1", f"x-api-key: {key}", body=b"{}" * 40)
    answer = response("401 Unauthorized", body=b"no such key: " + key.encode())
    talk = Sealed(suite, early=ask if early else None, sni="api.anthropic.com")
    if not early:
        talk.tell(True, ask)
    talk.tell(False, answer)
    talk.say(True, talk.keys[True].update()).tell(True, ask[:30]).tell(True, ask[30:], padding=9)
    talk.say(False, talk.keys[False].update()).tell(False, answer)
    return Conversation(talk.flights, tuple(log(suite, *LABELS)))


def sealed_http2(key: str) -> Conversation:
    """HTTP/2 inside TLS 1.3."""
    talk = Sealed(sni="api.anthropic.com")
    for up, data in http2(key, upgraded=False).flights:
        talk.tell(up, data)
    return Conversation(talk.flights, tuple(log(0x1301, *LABELS)))


#: Each for a key that its client sends.
TALKS: Final[Mapping[str, Callable[[str], Conversation]]] = {
    "websocket": cache(lambda key: websocket(key, deflated=False)),
    "websocket, deflated": cache(lambda key: websocket(key, deflated=True)),
    "http2": cache(lambda key: http2(key, upgraded=False)),
    "http2, upgraded": cache(lambda key: http2(key, upgraded=True)),
    "tls": cache(lambda key: sealed(key, 0x1301, early=False)),
    "tls, early data": cache(lambda key: sealed(key, 0x1303, early=True)),
    "http2 in tls": cache(sealed_http2),
}


def keys(lines: tuple[bytes, ...]) -> Keystore | None:
    """A keystore of a key log; None without one."""
    if not lines:
        return None
    store = Keystore()
    store.read(lines, "keylog")
    return store


# -- damage ------------------------------------------------------------------------------------


def damaged(data: bytes, rng: random.Random) -> bytes:
    """One to four changes: bits, bytes that are lengths or kinds, pieces twice, moved or gone."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randrange(len(found) + 1), rng.choice([1, 2, 3, 8, 40])
        match rng.randrange(6):
            case 0 if at < len(found):
                found[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(found):
                found[at] = rng.choice([0, 1, 0x7E, 0x7F, 0x80, 0xFF])
            case 2:
                found[at : at + size] = rng.randbytes(size)
            case 3:
                del found[at : at + size]
            case 4:
                found[at:at] = found[at : at + size]
            case _:
                piece = bytes(found[at : at + size])
                del found[at : at + size]
                to = rng.randrange(len(found) + 1)
                found[to:to] = piece
    return bytes(found)


def damaged_flights(flights: Flights, rng: random.Random) -> Flights:
    """The same conversation with some of its flights damaged, twice, swapped or left out."""
    found = list(flights)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(found))
        up, data = found[at]
        match rng.randrange(8):
            case 0 if len(found) > 2:
                del found[at]
            case 1:
                found.insert(at, found[at])
            case 2:
                other = rng.randrange(len(found))
                found[at], found[other] = found[other], found[at]
            case 3:
                found[at] = (not up, data)
            case _:
                found[at] = (up, damaged(data, rng))
    return found
