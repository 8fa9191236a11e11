"""HTTP/2 for clients that negotiate it: the same answers, one stream after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h2.config
import h2.connection
import h2.events

from lab.upstream_apis import Reply, Request
from lab.upstream_behaviour import Behaviour
from lab.upstream_tls import Secured

#: Is told of each request and gives the answer and the behaviour, then whether it went out.
Answers = Callable[[Request], tuple[Reply, Behaviour, Callable[[bool], None]]]
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length"}


async def serve(secured: Secured, host: str, answers: Answers) -> None:
    """Serve one connection until the client leaves."""
    session = _Session(secured, host, answers)
    await session.run()


class _Session:
    def __init__(self, secured: Secured, host: str, answers: Answers) -> None:
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config=config)
        self._secured = secured
        self._host = host
        self._answers = answers
        self._headers: dict[int, list[tuple[str, str]]] = {}
        self._bodies: dict[int, bytes] = {}

    async def run(self) -> None:
        self._h2.initiate_connection()
        await self._flush()
        while data := await self._secured.receive():
            for event in self._h2.receive_data(data):
                match event:
                    case h2.events.RequestReceived():
                        self._on_headers(event)
                    case h2.events.DataReceived():
                        self._on_data(event)
                    case h2.events.StreamEnded():
                        await self._on_end(event)
            await self._flush()
        await self._secured.close()

    async def _flush(self) -> None:
        if data := self._h2.data_to_send():
            await self._secured.send(data)

    def _on_headers(self, event: h2.events.RequestReceived) -> None:
        assert event.stream_id is not None
        self._headers[event.stream_id] = [(str(name), str(value)) for name, value in event.headers]
        self._bodies[event.stream_id] = b""

    def _on_data(self, event: h2.events.DataReceived) -> None:
        assert event.stream_id is not None
        self._bodies[event.stream_id] += event.data or b""
        self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)

    async def _on_end(self, event: h2.events.StreamEnded) -> None:
        stream = event.stream_id
        assert stream is not None
        headers, body = self._headers.pop(stream), self._bodies.pop(stream)
        pseudo = dict(headers)
        # Here a pseudo-header names the host (RFC 9113 section 8.3.1).
        named = [("host", pseudo[":authority"])]
        named += [(name, value) for name, value in headers if not name.startswith(":")]
        request = Request(self._host, pseudo[":method"], pseudo[":path"], named, body)
        reply, behaviour, done = self._answers(request)
        await asyncio.sleep(behaviour.first_byte)
        replied = [(name.lower(), value) for name, value in reply.headers]
        sent = [(name, value) for name, value in replied if name not in _HOP_BY_HOP]
        status = [(":status", str(reply.status)), ("content-type", reply.content_type)]
        self._h2.send_headers(stream, [*status, *sent])
        for piece in reply.events or (reply.body,):
            self._h2.send_data(stream, piece)
            await self._flush()
            await asyncio.sleep(behaviour.pace if reply.events else 0)
        self._h2.end_stream(stream)
        await self._flush()
        done(True)
