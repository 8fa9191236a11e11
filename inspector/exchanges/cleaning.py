"""Texts of finished records, once every key of the capture is known.

A key may be quoted before it is sent as one: in the path of an earlier request,
in an error that answers another connection.  What was written then is looked at
again when the report is put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

from inspector.credentials.reader import CredentialReader
from inspector.exchanges.ledger import DirectTlsRecord, ExchangeRecord, TunnelRecord
from inspector.model.credentials import AuthHeader
from inspector.model.http import ApiError, EventStream, Request, Response, WebSocket
from inspector.model.network import Certificate, Connection, InnerAnswer, Process, Tls

T = TypeVar("T")

#: The fields of each record in which captured text stands; all others are words of ours.
_TEXTS: Final[dict[type, tuple[str, ...]]] = {
    ExchangeRecord: ("authority", "request", "response", "upgrade", "websocket"),
    TunnelRecord: ("authority", "headers", "proxy_error", "tls", "challenges", "inner"),
    InnerAnswer: ("error",),
    DirectTlsRecord: ("tls",),
    Connection: ("client_process", "server_process"),
    Request: ("method", "target", "host", "user_agent", "headers", "auth", "steering"),
    Response: (
        "reason",
        "headers",
        "content_type",
        "content_encoding",
        "api_error",
        "stream",
        "model",
        "stop_reason",
    ),
    ApiError: ("type", "message", "code"),
    AuthHeader: ("name", "scheme"),
    WebSocket: ("close_reason",),
    EventStream: ("names", "error"),
    Tls: ("sni", "alpn_offered", "certificates", "alpn"),
    Certificate: ("subject", "issuer", "names"),
    Process: ("comm", "exe", "container", "container_id"),
}


def cleaned(record: T, credentials: CredentialReader, written_at: int = -1) -> T:
    """The record without any key that is known by now.

    `written_at` is the generation of `credentials` under which its texts were written.
    """
    if credentials.generation in (0, written_at):
        return record
    if credentials.is_full or any(map(credentials.holds_learnt, _texts(record))):
        whole: T = _scrubbed(record, credentials.scrub)
        return whole
    return record


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    else:
        for name in _TEXTS.get(type(value), ()):
            yield from _texts(getattr(value, name))


def _scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, tuple):
        return tuple(_scrubbed(item, scrub) for item in value)
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for name, item in value.items():
            name, item = scrub(name), _scrubbed(item, scrub)
            # Events that are called alike now are counted together.
            found[name] = found[name] + item if isinstance(found.get(name), int) else item
        return found
    names = _TEXTS.get(type(value), ())
    if not names:
        return value
    return replace(value, **{name: _scrubbed(getattr(value, name), scrub) for name in names})
