"""Where text is planted in the logs beside a capture: every field of every format of line.

The lines are about the talks of `wire.capture`, so that many are joined to
packets and some disagree with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.canary.keys import Canary, canary
from tests.canary.wire import AGENT, API_PROXY, FIRST_PORT, START

LogPlant = Callable[[int, str], str]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _seconds(number: int) -> str:
    """Within the capture, and long enough after its begin that packets of it ought to be there."""
    return f"{START // 10**9 + 1}.{100 + number % 200:03d}"


def _stamp(number: int) -> str:
    moment = _EPOCH + timedelta(seconds=float(_seconds(number)))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _native(url: str = "api.lab.test:443", tail: str = "- HIER_DIRECT/203.0.113.20 -") -> LogPlant:
    def line(number: int, text: str) -> str:
        said = f"{url} {tail}".replace("TEXT", text)
        return f"{_seconds(number)}    120 {AGENT} TCP_TUNNEL/503 3500 CONNECT {said}"

    return line


def _firewall(
    host: str = "api.lab.test:443",
    peer: str = "203.0.113.20:443",
    url: str = "api.lab.test:443",
    agent: str = "-",
    port: int = 0,
) -> LogPlant:
    def line(number: int, text: str) -> str:
        own = port or FIRST_PORT + number
        said = f"{host} {peer} 1.1 CONNECT 503 TCP_TUNNEL:HIER_DIRECT {url}" + f' "{agent}"'
        return f"{_seconds(number)} {AGENT}:{own} {said.replace('TEXT', text)}"

    return line


def _json(**fields: object) -> LogPlant:
    def line(number: int, text: str) -> str:
        whole = {"timestamp": _stamp(number), "request_id": f"lab-{number}", **fields}
        quoted = json.dumps(text)[1:-1]
        return json.dumps(whole).replace("TEXT", quoted)

    return line


def _audit(**fields: object) -> LogPlant:
    usual = {
        "event": "http_access",
        "client": AGENT,
        "host": "api.lab.test:443",
        "dest": "203.0.113.20:443",
        "method": "CONNECT",
        "status": 503,
        "decision": "TCP_TUNNEL",
        "url": "api.lab.test:443",
    }
    return _json(**(usual | fields))


def _call(**fields: object) -> LogPlant:
    usual = {
        "event": "request_complete",
        "method": "POST",
        "path": "/v1/messages",
        "status": 502,
    }
    return _json(**(usual | fields))


SQUID_LOG: Final[dict[str, LogPlant]] = {
    "native: query": _native("https://lab.test/v1?key=TEXT"),
    "native: user information": _native("https://lab:TEXT@lab.test/"),
    "native: authority": _native("TEXT.lab.test:443"),
    "native: ident": _native(tail="TEXT HIER_DIRECT/203.0.113.20 -"),
    "native: peer": _native(tail="- HIER_DIRECT/TEXT -"),
    "native: type": _native(tail="- HIER_DIRECT/203.0.113.20 text/TEXT"),
    "firewall: host": _firewall(host="TEXT.lab.test:443"),
    "firewall: destination": _firewall(peer="TEXT"),
    "firewall: query": _firewall(url="https://lab.test/v1?key=TEXT"),
    "firewall: user information": _firewall(url="https://lab:TEXT@lab.test/"),
    "firewall: user agent": _firewall(agent="lab/1.0 (TEXT)"),
    "firewall: a port that is not in the capture": _firewall(url="TEXT", port=9),
    "audit: client": _audit(client="TEXT"),
    "audit: host": _audit(host="TEXT"),
    "audit: destination": _audit(dest="TEXT"),
    "audit: method": _audit(method="TEXT"),
    "audit: decision": _audit(decision="TEXT"),
    "audit: URL": _audit(url="https://lab:TEXT@lab.test/?key=TEXT"),
    "audit: user agent": _audit(user_agent="TEXT"),
    "audit: name of a field": _audit(TEXT=1),
    "no format": lambda _, text: f"2026/02/02 11:00:00| ERROR: {text}",
}
API_PROXY_LOG: Final[dict[str, LogPlant]] = {
    "free text": lambda _, text: f"[API Proxy] loaded the key {text}",
    "key preview": _call(event="upstream_auth_error", key_preview="TEXT"),
    "header": _call(headers={"x-api-key": "TEXT", "authorization": "Bearer TEXT"}),
    "error": _call(event="request_error", error="upstream said: bad key TEXT"),
    "message": _call(message="TEXT"),
    "event": _call(event="TEXT"),
    "request id": _call(request_id="TEXT"),
    "request id of a start": _call(event="request_start", request_id="TEXT", status=None),
    "path": _call(path="/v1/TEXT"),
    "query": _call(path="/v1beta/models?key=TEXT"),
    "method": _call(method="TEXT"),
    "status": _call(status="TEXT"),
    "time": _call(timestamp="TEXT"),
    "name of a field": _call(TEXT=1),
    "a field of a field": _call(upstream={"url": f"https://lab:TEXT@{API_PROXY}/"}),
    "broken JSON": lambda _, text: '{"event":"request_error","error":"' + text,
}


def lines(table: dict[str, LogPlant], texts: Iterable[str]) -> bytes:
    """A log with each of the texts in each place of `table`."""
    texts = list(texts)
    every = [(plant, text) for plant in table.values() for text in texts]
    said = (plant(number, text) for number, (plant, text) in enumerate(every))
    return b"".join(line.encode("utf-8", "surrogateescape") + b"\n" for line in said)


def log_key(log: str, place: str, shape: str) -> Canary:
    """The key of this place in this log."""
    return canary(f"{log}: {place}", shape)


def log_of_keys(log: str, table: dict[str, LogPlant]) -> bytes:
    """A log with a key of its own in each place, once unshaped and once of a known shape."""
    said = (
        plant(number, log_key(log, place, shape).text)
        for shape in LOG_SHAPES
        for number, (place, plant) in enumerate(table.items())
    )
    return "".join(line + "\n" for line in said).encode()


LOG_SHAPES: Final = ("unshaped", "anthropic", "aws")
LOGS: Final = {"access.log": SQUID_LOG, "api-proxy.log": API_PROXY_LOG}
LOG_KEYS: Final = [
    log_key(log, place, shape)
    for log, table in LOGS.items()
    for place in table
    for shape in LOG_SHAPES
]
