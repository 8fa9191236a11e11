"""The APIs outside: one program that answers TLS as each of the four API hosts.

    python -m lab.upstream CONFIG.json      (started by `start`)

It checks credentials as the real APIs do and answers in their grammars (`upstream_apis`); what
goes wrong is a switch (`upstream_behaviour`), down to the handshake (`upstream_tls`).

Its record (`Upstream.log`) is one JSON object a line, each with `at` and `event`:

* `listening`: `host`, `address`; `ready`;
* `connection`: `connection` (a number), `host`, `peer` (Squid's ip:port, or a client's own);
* `tls`: `connection`, `sni`, `version`, `cipher`, `alpn`, `resumed`; or `tls_failed`: `error`;
* `request`: `connection`, `call` (a number), `host`, `method`, `target`, `http_version`,
  `header_names` in wire order, `auth` [{`name`, `value`}], `x_request_id`, `body_bytes`;
* `response`: `connection`, `call`, `status`, `content_type`, `finished`;
* `closed`: `connection`.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import ssl
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab import ca, upstream_behaviour, upstream_http1, upstream_http2, upstream_websocket
from lab.network import WORLD, Host, Network
from lab.processes import Process
from lab.upstream_apis import APIS, Reply, Request, response_events
from lab.upstream_behaviour import Behaviour
from lab.upstream_scripted import answer
from lab.upstream_tls import Gone, Secured, Wire, context

ROOT = Path(__file__).parents[1]
_CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"}
)
Switches = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Upstream:
    """The running APIs."""

    #: The ground truth, see the module.
    log: Path
    #: TLS secrets of every connection (NSS key log).
    keylog: Path
    authority: ca.Authority
    process: Process
    #: The switches it reads; change them with `behave`.
    switches: Path

    def behave(self, switches: Switches) -> None:
        """Behave so from the next connection on (see `upstream_behaviour`)."""
        upstream_behaviour.write(self.switches, switches)

    def records(self) -> list[dict[str, Any]]:
        """The record so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def start(
    network: Network,
    *,
    directory: Path,
    behaviour: Switches | None = None,
    untrusted: bool = False,
) -> Upstream:
    """Start the APIs in the lab's outside world, on port 443.

    ``untrusted``: certificates by an authority other than `Upstream.authority`, so that every
    client refuses them.
    """
    return launch(network.world, directory=directory, behaviour=behaviour, untrusted=untrusted)


def launch(
    host: Host,
    *,
    directory: Path,
    behaviour: Switches | None = None,
    untrusted: bool = False,
    addresses: Mapping[str, str] = WORLD,
    port: int = 443,
) -> Upstream:
    """`start` anywhere; port 0 takes a free one, the record says which."""
    authority = ca.make(directory / "ca", addresses)
    shown = ca.make(directory / "other-ca", addresses) if untrusted else authority
    switches = directory / "upstream-behaviour.json"
    upstream_behaviour.write(switches, behaviour or {})
    log, keylog = directory / "upstream-record.jsonl", directory / "upstream-keys.log"
    log.write_text("")
    settings = {
        "listen": dict(addresses),
        "port": port,
        "chains": {name: str(shown.chain(name)) for name in addresses},
        "switches": str(switches),
        "record": str(log),
        "keylog": str(keylog),
    }
    config = directory / "upstream.json"
    config.write_text(json.dumps(settings, indent=1))
    process = host.start(
        [sys.executable, "-m", "lab.upstream", config],
        log=directory / "upstream.log",
        cwd=ROOT,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        ready=lambda: '"event": "ready"' in log.read_text(),
    )
    return Upstream(log, keylog, authority, process, switches)


# --- the program ------------------------------------------------------------------------------


class Server:
    """All hosts of one configuration."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self._record = Path(settings["record"])
        self._switches = Path(settings["switches"])
        self._connections = itertools.count(1)
        self._calls = itertools.count(1)
        #: Scripted answers given, by host.
        self._given: Counter[str] = Counter()
        self._contexts: dict[tuple[str, Behaviour], ssl.SSLContext] = {}

    async def run(self) -> None:
        """Listen for all hosts, for ever."""
        for host, address in self.settings["listen"].items():
            server = await asyncio.start_server(
                functools.partial(self._serve, host), address, self.settings["port"]
            )
            name = server.sockets[0].getsockname()
            self.record("listening", host=host, address=_address(name))
        self.record("ready")
        await asyncio.Event().wait()

    def record(self, event: str, **fields: Any) -> None:
        """Append one line to the ground truth."""
        line = {"at": datetime.now(UTC).isoformat(), "event": event, **fields}
        with self._record.open("a") as log:
            log.write(json.dumps(line) + "\n")

    async def _serve(
        self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number = next(self._connections)
        behaviour = upstream_behaviour.read(self._switches, host)
        peer = _address(writer.get_extra_info("peername"))
        self.record("connection", connection=number, host=host, peer=peer)
        secured = Secured(Wire(reader, writer), self._context(host, behaviour))
        try:
            await secured.handshake(behaviour.tls)
        except (Gone, ssl.SSLError) as error:
            self.record("tls_failed", connection=number, error=str(error))
            await secured.wire.close()
        else:
            session = secured.session
            self.record(
                "tls",
                connection=number,
                sni=secured.server_name,
                version=session.version(),
                cipher=(session.cipher() or ("",))[0],
                alpn=session.selected_alpn_protocol(),
                resumed=session.session_reused,
            )
            if session.selected_alpn_protocol() == "h2":
                answers = functools.partial(self._answer, number, "2")
                await upstream_http2.serve(secured, host, answers)
            else:
                await self._serve_http1(secured, host, number)
        self.record("closed", connection=number)

    def _context(self, host: str, behaviour: Behaviour) -> ssl.SSLContext:
        if (host, behaviour) not in self._contexts:
            chain, keylog = self.settings["chains"][host], self.settings["keylog"]
            self._contexts[host, behaviour] = context(Path(chain), behaviour, Path(keylog))
        return self._contexts[host, behaviour]

    async def _serve_http1(self, secured: Secured, host: str, number: int) -> None:
        requests = upstream_http1.Reader(secured, host)
        while (request := await requests.next()) is not None:
            reply, behaviour, done = self._answer(number, "1.1", request)
            if reply.status == 101:
                await _converse(secured, request, behaviour)
                done(True)
                break
            whole = await upstream_http1.write(secured, request, reply, behaviour)
            done(whole)
            if not whole:
                return
            if reply.status == 400 and request.header("host") is None:
                break
        await secured.close()

    def _answer(
        self, connection: int, version: str, request: Request
    ) -> tuple[Reply, Behaviour, Callable[[bool], None]]:
        """Decide on an answer; what is returned last records how it went."""
        call = next(self._calls)
        self.record(
            "request",
            connection=connection,
            call=call,
            host=request.host,
            method=request.method,
            target=request.target,
            http_version=version,
            header_names=[name for name, _ in request.headers],
            auth=[
                {"name": name, "value": value}
                for name, value in request.headers
                if name.lower() in _CREDENTIALS
            ],
            x_request_id=request.header("x-request-id"),
            body_bytes=len(request.body),
        )
        behaviour = upstream_behaviour.read(self._switches, request.host)
        if behaviour.times is not None and self._given[request.host] >= behaviour.times:
            behaviour = replace(behaviour, answer="ok")
        if behaviour.answer != "ok":
            self._given[request.host] += 1
        reply = answer(request, behaviour)

        def done(finished: bool) -> None:
            self.record(
                "response",
                connection=connection,
                call=call,
                status=reply.status,
                content_type=reply.content_type,
                finished=finished,
            )

        return reply, behaviour, done


async def _converse(secured: Secured, request: Request, behaviour: Behaviour) -> None:
    """A Responses session over WebSocket: one question, its events, the closing handshake.

    A stream that is cut ends with the status of a server that failed (RFC 6455 7.4.1).
    """
    key = request.header("sec-websocket-key") or ""
    accepted = ("Sec-WebSocket-Accept", upstream_websocket.accept(key))
    upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), accepted]
    await secured.send(upstream_http1.head(101, upgrade))
    frames = upstream_websocket.Frames()
    while data := await secured.receive():
        for opcode in frames.feed(data):
            if opcode == upstream_websocket.CLOSE:
                await secured.send(upstream_websocket.close())
                return
            for number, event in enumerate(response_events("gpt-5")):
                if behaviour.stream == "cut" and number == behaviour.after:
                    await secured.send(upstream_websocket.close(1011))
                    return
                await secured.send(upstream_websocket.text(json.dumps(event).encode()))


def _address(name: tuple[Any, ...]) -> str:
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"


if __name__ == "__main__":
    assert set(APIS) == set(WORLD)
    asyncio.run(Server(json.loads(Path(sys.argv[1]).read_text())).run())
