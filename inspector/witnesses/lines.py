"""One line of a log to a typed statement: Squid's formats and the API proxy's.

Each line is recognised by itself, whatever file it stands in, since files are
named freely and 0.25.4 mixes bare lines into its JSON.  Only fields that are
needed are taken; free text is not, it may quote keys (`key_preview` does).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, TypeAlias

from inspector.fact import Fact
from inspector.regex import regex

#: A longer line is no line of these logs.
MAX_LINE: Final = 64 << 10

#: Squid's native `access.log`: time, elapsed ms, client, code/status, bytes, method, URL, ident,
#: hierarchy/peer, type (Squid wiki, "Access log").
_NATIVE: Final = regex(
    r"(?P<at>\d{9,11}\.\d{3})\s+\d+ (?P<client>\S+) (?P<code>[A-Z_]+)/(?P<status>\d{3}) \d+"
    r" (?P<method>[A-Z]+) (?P<url>\S+) \S+ (?P<how>[A-Z_]+)/\S+ \S+"
)
#: The firewall's: time, client:port, Host, destination, version, method, status, Ss:Sh, URL, agent.
_FIREWALL: Final = regex(
    r"(?P<at>\d{9,11}\.\d{3}) (?P<client>\S+):(?P<port>\d{1,5}) \S+ \S+ \S+ (?P<method>[A-Z]+|-)"
    r" (?P<status>\d{1,3}) (?P<code>[A-Z_]+):(?P<how>[A-Z_]+) (?P<url>\S+) \".*\""
)
_DECISION: Final = regex(r"[A-Z_]{1,40}(?::[A-Z_]{1,40})?")
_EVENT: Final = regex(r"[a-z_]{1,60}")

#: What the firewall writes in place of a host that its log must not name.
REDACTED: Final = "[REDACTED]"

#: Events of the API proxy that are about one call.
CALL_EVENTS: Final = frozenset(
    {
        "request_start",
        "request_complete",
        "request_error",
        "upstream_auth_error",
        "rate_limited",
        "websocket_upgrade_start",
        "websocket_upgrade_complete",
        "token_usage",
        "blocked_request_diag",
    }
)
#: Those of them whose status is what the client got.
STATING: Final = frozenset({"request_complete", "token_usage"})
#: Schema of records without an event (`_schema`, up to its version) -> what they are.
_SCHEMAS: Final = {"token-usage": "token_usage", "blocked-request-diag": "blocked_request_diag"}


class SquidLine(Fact):
    """What Squid says of a transaction that is over; a tunnel's line comes when it *closes*.

    `port` is null in the native format and in the JSON twin, which lack it.  `method` is `-` and
    `status` null where Squid answered nothing and writes 0: a connection that ended without a
    request (`error:transaction-end-before-headers`), a client that left.
    A Squid that peeks (`ssl_bump`) writes two lines of one tunnel: `opens`, and what became of it.
    """

    number: int
    at: int
    ip: str
    port: int | None
    method: str
    status: int | None
    decision: str
    target: str

    @property
    def opens(self) -> bool:
        """Whether it says that CONNECT was answered with 200 before anything else was done."""
        return (
            self.method == "CONNECT"
            and self.status == 200
            and self.decision in ("NONE_NONE:HIER_NONE", "NONE_NONE")
        )

    @property
    def is_redacted(self) -> bool:
        """Whether the firewall left the host out of its log, as it does of sensitive ones."""
        return REDACTED in self.target


class ProxyLine(Fact):
    """What the API proxy says of one call: in its log, `token-usage.jsonl`, a guard's record."""

    number: int
    at: int
    event: str
    request_id: str | None
    method: str | None
    path: str | None
    status: int | None


Line: TypeAlias = SquidLine | ProxyLine


def read(lines: Iterable[bytes]) -> Iterator[Line | None]:
    """The statements of a log, in its order; None for a line that is none.

    An empty line is passed over.  Nothing a line holds raises.
    """
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        yield _line(number, raw) if len(raw) <= MAX_LINE else None


def _line(number: int, raw: bytes) -> Line | None:
    text = raw.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        return _json_line(number, text)
    match = _FIREWALL.fullmatch(text) or _NATIVE.fullmatch(text)
    if match is None:
        return None
    groups = match.groupdict()
    port = groups.get("port")
    return SquidLine(
        number=number,
        at=_epoch(groups["at"]),
        ip=groups["client"].strip("[]"),
        port=None if port is None else int(port),
        method=groups["method"],
        status=int(groups["status"]) or None,
        decision=f"{groups['code']}:{groups['how']}",
        target=groups["url"],
    )


def _json_line(number: int, text: str) -> Line | None:
    import json

    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    at = _stamp(fields.get("timestamp") or fields.get("ts"))
    if at is None:
        return None
    status = fields.get("status")
    status = status if type(status) is int and 0 <= status <= 999 else None
    decision, client = fields.get("decision"), _text(fields, "client")
    if isinstance(decision, str) and client is not None:
        method, target = _text(fields, "method"), _text(fields, "url")
        if method is None or target is None or status is None or not _DECISION.fullmatch(decision):
            return None
        return SquidLine(number, at, client, None, method, status or None, decision, target)
    schema = (_text(fields, "_schema") or "").partition("/")[0]
    event = _SCHEMAS.get(schema) or _text(fields, "event")
    if event is None or not _EVENT.fullmatch(event):
        return None
    return ProxyLine(
        number=number,
        at=at,
        event=event,
        request_id=_text(fields, "request_id"),
        method=_text(fields, "method"),
        path=_text(fields, "path"),
        status=status,
    )


def _text(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None


def _epoch(text: str) -> int:
    seconds, _, milliseconds = text.partition(".")
    return int(seconds) * 1_000_000_000 + int(milliseconds) * 1_000_000


def _stamp(value: object) -> int | None:
    """RFC 3339 as both programs write it, or epoch seconds, to ns."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e11:
        return int(value * 1000) * 1_000_000
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return int(moment.timestamp() * 1000) * 1_000_000 if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
