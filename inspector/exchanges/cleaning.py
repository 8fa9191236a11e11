"""Texts of finished records, once every key of the capture is known.

A key may be quoted before it is sent as one: in the path of an earlier request,
in an error that answers another connection.  What was written then is looked at
again when the report is put together.  Who is told of a record before that is told
no free text: a key of words may stand there that is sent as one later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from operator import is_
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

#: Reason phrases that say nothing but the status (RFC 9110 15; Squid's of a CONNECT).
_PHRASES: Final = frozenset({"Connection established", *(status.phrase for status in HTTPStatus)})


def _known_phrase(reason: str) -> str:
    return reason if reason in _PHRASES else ""


def _nothing(_: str | None) -> None:
    return None


def _empty(_: str) -> str:
    return ""


#: Of these what is free text, which is shown word by word, and what is told in its place.
_FREE: Final[dict[type, dict[str, Callable[[Any], str | None]]]] = {
    Response: {"reason": _known_phrase},
    ApiError: {"message": _nothing},
    WebSocket: {"close_reason": _nothing},
    Certificate: {"subject": _empty, "issuer": _empty},
}


def without_free_text(value: T) -> T:
    """A record as it may be told before the report: with what grammars grant alone."""
    told: T = _without_free_text(value)
    return told


def _without_free_text(value: Any) -> Any:
    if isinstance(value, tuple):
        told = tuple([_without_free_text(item) for item in value])
        return value if all(map(is_, told, value)) else told
    free = _FREE.get(type(value), {})
    changed = {}
    for name in _TEXTS.get(type(value), ()):
        before = getattr(value, name)
        after = free[name](before) if name in free else _without_free_text(before)
        if after is not before:
            changed[name] = after
    return replace(value, **changed) if changed else value


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
