"""Something that answers as a Docker engine does, and remembers what it was asked, and by whom."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue
from socketserver import ThreadingMixIn, UnixStreamServer
from struct import unpack
from typing import Any


@dataclass
class Engine:
    """`listed` are its containers, by id; `tell` says that one came (None: the stream ends)."""

    path: Path
    listed: dict[str, str] = field(default_factory=dict)
    networks: list[dict[str, Any]] = field(default_factory=list)
    #: Each request: method and path, and the id of the process that asks.
    asked: list[tuple[str, int]] = field(default_factory=list)
    told: Queue[Mapping[str, str] | None] = field(default_factory=Queue)
    #: Set once somebody hears of events.
    heard: threading.Event = field(default_factory=threading.Event)

    def tell(self, identity: str, name: str) -> None:
        self.told.put({"id": identity, "name": name})


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    engine: Engine

    def handle_error(self, *_: object) -> None:
        """Who asked was gone before the answer: that is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        engine = self.server.engine
        peer = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        engine.asked.append((f"{self.command} {self.path}", unpack("=3i", peer)[0]))
        path = self.path.partition("?")[0]
        if path == "/events":
            self._events(engine)
            return
        containers = [{"Id": each, "Names": [f"/{name}"]} for each, name in engine.listed.items()]
        bodies = {"/_ping": "OK", "/containers/json": containers, "/networks": engine.networks}
        body = json.dumps(bodies.get(path, {})).encode()
        self.send_response(200 if path in bodies and self.command == "GET" else 201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer

    def _events(self, engine: Engine) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
        engine.heard.set()
        while (each := engine.told.get()) is not None:
            actor = {"ID": each["id"], "Attributes": {"name": each["name"], "image": "made-up"}}
            event = {"Type": "container", "Action": "create", "Actor": actor}
            self.wfile.write(json.dumps(event).encode() + b"\n")

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "unix"


@contextmanager
def engine(path: Path) -> Iterator[Engine]:
    """An engine that listens at `path`, which root alone may open."""
    with _Server(str(path), _Handler) as server:
        path.chmod(0o600)
        server.engine = Engine(path)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.engine
        finally:
            server.engine.told.put(None)
            server.shutdown()
            thread.join()
