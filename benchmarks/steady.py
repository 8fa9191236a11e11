"""Steady traffic for `benchmarks.soak`: an agent, an API proxy and a Squid, each one small program.

    python -m benchmarks.steady api ADDRESS SQUID | squid ADDRESS | agent ADDRESS RATE SECONDS MIX

The agent calls at a stated rate, and varies by the number of a call what users vary: a new key,
a key that is refused, an event stream, a connection of its own instead of one that is kept. Some
connections idle all the time, some are refused. What comes on a connection of its own the API
proxy sends on through a tunnel of Squid's. The mix `kept` has none of all that: small calls with
keys that recur on connections that are kept. The agent prints its counts each second as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

from lab.ca import make

API_PORT: Final = 10001
SQUID_PORT: Final = 3128
HOST: Final = "api.anthropic.com"

#: Every so-manieth call ...
OWN_CONNECTION: Final = 5
NEW_KEY: Final = 10
REFUSED_KEY: Final = 16
STREAM: Final = 20
#: ... before which a connection is tried that nobody takes, and an idle one is exchanged.
CHURN: Final = 50
#: At the least: `connections` says how many.
KEPT_CONNECTIONS: Final = 16
IDLE_CONNECTIONS: Final = 30
EVENTS: Final = 20
_EVENT_PAUSE: Final = 0.1

Handler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_EVENT: Final = b"event: content_block_delta\ndata: " + b"x" * 120 + b"\n\n"
ANSWER: Final = b'{"type":"message","role":"assistant","content":"' + b"x" * 600 + b'"}'
_REFUSAL: Final = (
    b'{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}'
)
_ASK: Final = (
    b'{"model":"claude-lab-1","max_tokens":64,"messages":[{"role":"user","content":"'
    + b"y" * 400
    + b'"}]}'
)


async def _head(reader: asyncio.StreamReader) -> bytes:
    """A head and its body, which is not looked at; empty at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.split(b":")[1]))
    return head


async def _serve(address: str, port: int, handler: Handler) -> None:
    server = await asyncio.start_server(handler, address, port, backlog=1024)
    print("serving", flush=True)
    await server.serve_forever()


def _closing(handler: Handler) -> Handler:
    """The same, and the connection is closed behind it, whatever its peer did."""

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        await _close(writer)

    return whole


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


# --- Squid, and whoever stands behind it ----------------------------------------------------------


def squid() -> Handler:
    """Takes every CONNECT, and answers in it as the server of `session` did."""
    flights = session()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for flight in flights[1::2]:
            await reader.read(65536)
            writer.write(flight)
        await reader.read()

    return _closing(tunnel)


def session() -> list[bytes]:
    """The flights of a session of TLS, the client's first: its handshake, a request, an answer."""
    with tempfile.TemporaryDirectory() as scratch:
        authority = make(Path(scratch), [HOST])
        ours, theirs = ssl.create_default_context(cafile=str(authority.root)), _server_context()
        theirs.load_cert_chain(authority.chain(HOST))
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(down, up, server_hostname=HOST)
    server = theirs.wrap_bio(up, down, server_side=True)
    flights: list[bytes] = []

    for end, out in ((client, up), (server, down)):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
        flights.append(out.read())
        out.write(flights[-1])
    client.do_handshake()
    client.write(_ASK)
    flights.append(up.read())
    up.write(flights[-1])
    server.do_handshake()
    server.read()
    server.write(ANSWER)
    return [*flights, down.read()]


def _server_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


# --- the API proxy --------------------------------------------------------------------------------


def api(squid: str) -> Handler:
    """Answers by the call's header lines; what comes alone goes through a tunnel of `squid`'s."""
    flights = session()

    async def through_squid() -> None:
        reader, writer = await asyncio.open_connection(squid, SQUID_PORT)
        writer.write(b"CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\n\r\n" % ((HOST.encode(),) * 2))
        await reader.readuntil(b"\r\n\r\n")
        for flight in flights[::2]:
            writer.write(flight)
            await reader.read(65536)
        await _close(writer)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            if b"\r\nConnection: close" in head:
                await through_squid()
            if b"LABONLY-refused" in head:
                writer.write(_answer(b"401 Unauthorized", _REFUSAL))
            elif b"\r\nAccept: text/event-stream" in head:
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                    b"transfer-encoding: chunked\r\n\r\n"
                )
                for _ in range(EVENTS):
                    await asyncio.sleep(_EVENT_PAUSE)
                    writer.write(b"%x\r\n%s\r\n" % (len(_EVENT), _EVENT))
                writer.write(b"0\r\n\r\n")
            else:
                writer.write(_answer(b"200 OK", ANSWER))
            await writer.drain()
            if b"\r\nConnection: close" in head:
                break

    return _closing(answer)


def _answer(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        status,
        len(body),
        body,
    )


# --- the agent ------------------------------------------------------------------------------------


def connections(rate: float) -> int:
    """How many an agent keeps: twice as many as streams hold at a time, so that no call waits."""
    return max(KEPT_CONNECTIONS, round(2 * rate / STREAM * EVENTS * _EVENT_PAUSE))


class Agent:
    """Calls at a rate; its counts so far."""

    def __init__(self, address: str, rate: float, mix: str = "varied") -> None:
        self.address = address
        self._varies = mix == "varied"
        self.rate = rate
        self.begun = self.answered = self.failed = 0
        self._kept: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._idle: list[asyncio.StreamWriter] = []

    async def _begin(self, kept: int = KEPT_CONNECTIONS) -> None:
        self._kept = asyncio.Queue()
        for _ in range(kept):
            self._kept.put_nowait(await asyncio.open_connection(self.address, API_PORT))

    async def play(self, calls: int) -> None:
        """So many calls at once, and no more."""
        await self._begin()
        self.begun = calls
        await asyncio.gather(*map(self._call, range(calls)))
        await self._end()

    async def run(self, seconds: float) -> None:
        """Call until so many seconds have passed."""
        await self._begin(connections(self.rate))
        began, said = time.monotonic(), 0.0
        under_way: set[asyncio.Task[None]] = set()
        while (passed := time.monotonic() - began) < seconds:
            while self.begun < passed * self.rate:
                task = asyncio.create_task(self._call(self.begun))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                self.begun += 1
            if passed >= said + 1:
                said = passed
                self._tell()
            await asyncio.sleep(0.005)
        await asyncio.gather(*under_way)
        self._tell()
        await self._end()

    async def _end(self) -> None:
        for writer in self._idle:
            await _close(writer)
        while not self._kept.empty():
            await _close(self._kept.get_nowait()[1])

    def _tell(self) -> None:
        print(json.dumps([self.begun, self.answered, self.failed]), flush=True)

    async def _call(self, number: int) -> None:
        try:
            if self._varies and number % CHURN == 0:
                await self._churn()
            if self._varies and number % OWN_CONNECTION == 0:
                connection = await asyncio.open_connection(self.address, API_PORT)
                await self._ask(number, *connection, own=True)
                await _close(connection[1])
            else:
                connection = await self._kept.get()
                try:
                    await self._ask(number, *connection, own=False)
                finally:
                    self._kept.put_nowait(connection)
            self.answered += 1
        except (OSError, asyncio.IncompleteReadError):
            self.failed += 1

    async def _churn(self) -> None:
        with contextlib.suppress(OSError):
            await asyncio.open_connection(self.address, API_PORT + 999)
        if len(self._idle) >= IDLE_CONNECTIONS:
            await _close(self._idle.pop(0))
        _, idle = await asyncio.open_connection(self.address, API_PORT)
        self._idle.append(idle)

    async def _ask(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        own: bool,
    ) -> None:
        lines = [
            "POST /v1/messages HTTP/1.1",
            f"Host: {self.address}:{API_PORT}",
            f"x-api-key: {key(number if self._varies else number % 4)}",
            "anthropic-version: 2023-06-01",
            "content-type: application/json",
            f"content-length: {len(_ASK)}",
        ]
        if self._varies and number % STREAM == 11:
            lines.append("Accept: text/event-stream")
        if own:
            lines.append("Connection: close")
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + _ASK)
        head = await _head(reader)
        if not head:
            raise ConnectionResetError
        if b"chunked" in head:
            while await reader.readuntil(b"\r\n") != b"0\r\n":
                await reader.readuntil(b"\r\n")
            await reader.readuntil(b"\r\n")


def key(number: int) -> str:
    """The made-up key of a call: one of four that recur, a new one, or one that is refused."""
    if number % REFUSED_KEY == 7:
        return f"sk-ant-api03-LABONLY-refused-{number % 64:08d}{'r' * 60}"
    if number % NEW_KEY == 3:
        return f"sk-ant-api03-LABONLY-new-{number:08d}{'n' * 60}"
    return f"sk-ant-api03-LABONLY-kept-{number % 4:08d}{'k' * 60}"


def main() -> None:
    """The programs: see the module's text."""
    role, *rest = sys.argv[1:]
    if role == "api":
        asyncio.run(_serve(rest[0], API_PORT, api(rest[1])))
    elif role == "squid":
        asyncio.run(_serve(rest[0], SQUID_PORT, squid()))
    else:
        asyncio.run(Agent(rest[0], float(rest[1]), rest[3]).run(float(rest[2])))


if __name__ == "__main__":
    main()
