"""Texts of finished records, once every key of the capture is known.

A key may be quoted before it is sent as one: in the path of an earlier request,
in an error that answers another connection.  What was written then is looked at
again when the report is put together.  Who is told of a record before that is told
no free text: a key of words may stand there that is sent as one later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import chain, filterfalse
from operator import attrgetter, is_
from typing import Any, Final, TypeVar

from inspector.credentials.reader import CredentialReader
from inspector.exchanges.ledger import DirectTlsRecord, ExchangeRecord, TunnelRecord
from inspector.fact import replace
from inspector.model.credentials import AuthHeader
from inspector.model.http import ApiError, EventStream, Request, Response, WebSocket
from inspector.model.network import Certificate, Connection, InnerAnswer, Process, Tls

T = TypeVar("T")

#: Texts that are remembered to be clear, and the longest of them: 1 MB together.
_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 256

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


@cache
def _phrases() -> frozenset[str]:
    """Reason phrases that say nothing but the status (RFC 9110 15; Squid's of a CONNECT)."""
    from http import HTTPStatus  # two enumerations of sixty, for captures with answers alone

    return frozenset({"Connection established", *(status.phrase for status in HTTPStatus)})


def _known_phrase(reason: str) -> str:
    return reason if reason in _phrases() else ""


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


class Cleaner:
    """Looks through finished records; from now on no further key is learnt."""

    def __init__(self, credentials: CredentialReader) -> None:
        self._credentials = credentials
        #: Texts without a key: nearly all of a record's stand in others as well.
        self._clear: set[str] = set()

    def cleaned(self, record: T, written_at: int = -1) -> T:
        """The record without any key that is known by now.

        `written_at` is the generation of the credentials when the first of its texts was written.
        """
        credentials = self._credentials
        if credentials.generation in (0, written_at):
            return record
        if credentials.is_full or self._holds_key(record):
            whole: T = _scrubbed(record, credentials.scrub)
            return whole
        return record

    def _holds_key(self, record: object) -> bool:
        texts: list[str] = []
        _gather(record, texts)
        clear = self._clear
        new = list(filterfalse(clear.__contains__, texts))
        if not new:
            return False
        if self._credentials.may_hold_learnt(new) and any(map(self._credentials.holds_learnt, new)):
            return True
        if len(clear) + len(new) > _REMEMBERED:
            clear.clear()
        clear.update([text for text in new if len(text) <= _LONGEST_REMEMBERED])
        return False


def _gather(value: Any, texts: list[str]) -> None:
    """Put the captured texts of a record, or of something in one, behind `texts`."""
    values = _VALUES.get(type(value))
    items: Iterable[Any] = ()
    if values is not None:
        items = values(value)
    elif isinstance(value, tuple):
        items = value
    elif isinstance(value, dict):
        items = (*value, *value.values())
    # Nearly all are texts, or the fields of a head: a call for each took longer than the search.
    for item in items:
        if type(item) is str:
            texts.append(item)
        elif type(item) is tuple and item and type(item[0]) is tuple:
            texts += chain.from_iterable(item)
        elif item:
            _gather(item, texts)


def _values_of(names: tuple[str, ...]) -> Callable[[object], tuple[object, ...]]:
    """What gives the values of some fields of a record."""
    if len(names) == 1:  # of one alone `attrgetter` gives the value itself
        return lambda record: (getattr(record, names[0]),)
    return attrgetter(*names)


_VALUES: Final = {kind: _values_of(names) for kind, names in _TEXTS.items()}


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
