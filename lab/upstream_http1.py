"""HTTP/1.1 as the upstream stand-in speaks it: requests read, answers written, also wrongly."""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from collections.abc import Sequence
from typing import Final

from lab.upstream_apis import Reply, Request
from lab.upstream_behaviour import Behaviour
from lab.upstream_tls import Secured

_REASONS: Final = {
    101: "Switching Protocols",
    200: "OK",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Payload Too Large",
    426: "Upgrade Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
    529: "",
}
#: A bare LF ends a line for many servers (RFC 9112 section 2.2).
_LINE_END: Final = re.compile(r"\r?\n")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_LAST_CHUNK: Final = b"0\r\n\r\n"
#: The two events that `bad-framing` spoils, counted from 1.
_UNNAMED, _UNENDED = 3, 4


class Reader:
    """Requests out of one connection."""

    def __init__(self, secured: Secured, host: str) -> None:
        self._secured = secured
        self._host = host
        self._bytes = b""

    async def next(self) -> Request | None:
        """The next request with its body; None when the client has closed."""
        while (end := _HEAD_END.search(self._bytes)) is None:
            if not await self._more():
                return None
        lines = _LINE_END.split(self._bytes[: end.start()].decode("latin-1"))
        self._bytes = self._bytes[end.end() :]
        method, target, _ = (*lines[0].split(" ", 2), "", "")[:3]
        headers = [
            (name, value.strip())
            for name, colon, value in (line.partition(":") for line in lines[1:])
            if colon
        ]
        request = Request(self._host, method, target, headers)
        if request.header("transfer-encoding") is not None:
            body = await self._chunks()
        else:
            body = await self._exactly(int(request.header("content-length") or 0))
        return Request(self._host, method, target, headers, body)

    async def _more(self) -> bool:
        data = await self._secured.receive()
        self._bytes += data
        return bool(data)

    async def _exactly(self, size: int) -> bytes:
        while len(self._bytes) < size and await self._more():
            pass
        taken, self._bytes = self._bytes[:size], self._bytes[size:]
        return taken

    async def _chunks(self) -> bytes:
        body = b""
        while True:
            while (end := self._bytes.find(b"\r\n")) < 0:
                if not await self._more():
                    return body
            size = int(self._bytes[:end], 16)
            self._bytes = self._bytes[end + 2 :]
            body += (await self._exactly(size + 2))[:size]
            if size == 0:
                return body


async def write(secured: Secured, request: Request, reply: Reply, behaviour: Behaviour) -> bool:
    """Send an answer, or as much of it as the behaviour lets through.

    :returns: whether it went out whole and the connection may go on.
    """
    await asyncio.sleep(behaviour.first_byte)
    if behaviour.body == "hang-up":
        await _break_off(secured, "reset", behaviour)
        return False
    zipped = behaviour.gzip and "gzip" in (request.header("accept-encoding") or "")
    if reply.events is not None:
        return await _write_stream(secured, reply, behaviour, zipped=zipped)
    body = gzip.compress(reply.body) if zipped and reply.status == 200 else reply.body
    framing = []
    if body is not reply.body or behaviour.body == "gzip-label":
        framing.append(("content-encoding", "gzip"))
    await secured.send(_head(reply, [*framing, ("content-length", str(len(body)))]))
    if behaviour.body in ("whole", "gzip-label"):
        await secured.send(body)
        return True
    await secured.send(body[: len(body) // 2 if behaviour.at is None else behaviour.at])
    await _break_off(secured, behaviour.body, behaviour)
    return False


async def _write_stream(
    secured: Secured, reply: Reply, behaviour: Behaviour, *, zipped: bool
) -> bool:
    packer = zlib.compressobj(wbits=31) if zipped else None
    encoding = [("content-encoding", "gzip")] if packer else []
    await secured.send(_head(reply, [*encoding, ("transfer-encoding", "chunked")]))

    async def send(piece: bytes) -> None:
        if packer is not None:
            piece = packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
        await secured.send(_chunk(piece))
        await asyncio.sleep(behaviour.pace)

    assert reply.events is not None
    limited = behaviour.stream not in ("whole", "bad-framing")
    events = _first(reply.events, behaviour) if limited else reply.events
    for number, event in enumerate(events, 1):
        spoiled = behaviour.stream == "bad-framing"
        await send(_spoil(event, number) if spoiled else event)
    if behaviour.stream == "error-event":
        await send(reply.error_event)
    if behaviour.stream in ("cut", "reset", "stall"):
        await _break_off(secured, behaviour.stream, behaviour)
        return False
    if packer is not None:
        await secured.send(_chunk(packer.flush()))
    await secured.send(_LAST_CHUNK)
    return True


def _first(events: Sequence[bytes], behaviour: Behaviour) -> Sequence[bytes]:
    """The events before the answer breaks off, the last of them cut where it ends inside."""
    if behaviour.at is None:
        return events[: behaviour.after]
    kept, left = [], behaviour.at
    for event in events:
        if left <= 0:
            break
        kept.append(event[:left])
        left -= len(event)
    return kept


def _spoil(event: bytes, number: int) -> bytes:
    if number == _UNNAMED:
        return event.replace(b"data: ", b"data ")
    if number == _UNENDED:
        return event.replace(b"\n\n", b"\n")
    return event


async def _break_off(secured: Secured, how: str, behaviour: Behaviour) -> None:
    # What was sent must be through Squid before the end overtakes it.
    await asyncio.sleep(behaviour.pace)
    if how == "reset":
        secured.wire.reset()
        return
    if how == "stall":
        await secured.wire.until_gone()
    await secured.wire.close()


def head(status: int, headers: list[tuple[str, str]]) -> bytes:
    """A status line with headers, as bytes."""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _head(reply: Reply, framing: list[tuple[str, str]]) -> bytes:
    fixed = [("connection", "keep-alive"), ("content-type", reply.content_type)]
    return head(reply.status, [*reply.headers, *fixed, *framing])


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
