"""Marks: what a redacted copy says of the stretches that are blank in it.

A copy carries them in custom blocks of its pcapng file.  A block says what the copy
keeps (`Copied`), or names stretches (`BlankStretch`): whose bytes, from which on and how
many, why they are blank, and the facts that their reader found there.  The form of a
block is in docs/redaction.md.

Marks are as hostile as the rest of a file.  Anything that is not wholly of its form is
passed over.  A mark is used of a stretch alone whose captured bytes are blank: it never
stands against packets.  Of JSON that a blank stretch may have broken it says if it was so
before.  Its facts are numbers, names that tables have, words of the grammars by which bodies
are shown, and the text of an error, which is treated as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

from inspector.credentials.body_keys import is_prefix
from inspector.exchanges import response_bodies
from inspector.fact import Fact
from inspector.model.capture import Fault, Redacted
from inspector.model.http import ApiError, EventStream, PageAuthor, Usage
from inspector.model.network import Endpoint
from inspector.protocols import content, event_facts, sse, websocket
from inspector.protocols.content_codecs import CODINGS
from inspector.regex import regex
from inspector.secrets.enumerated import MODEL, WORDS, is_of
from inspector.wire import FILE_SHIFT, packet_reference

VERSION: Final = 1
#: Bytes of one mark; a longer one is passed over.
BLOCK_LIMIT: Final = 64 << 10
#: Characters of an error's text in a mark.
MESSAGE_LIMIT: Final = 300
#: Names of events in a mark: those that are counted one by one, and one for the rest.
NAMES_LIMIT: Final = event_facts.NAMES_LIMIT + 1
#: Fields of a header block in a mark.
FIELDS_LIMIT: Final = 1024
#: Faults of a body in a mark.
FAULTS_LIMIT: Final = 64

#: Why a stretch is blank: a body in a coding that cannot be coded anew; one of a kind of which
#: nothing stays; the texts in a body whose structure stays; a direction of TLS; a header block of
#: HTTP/2, whose fields share a table with those of others.
BlankReason: TypeAlias = Literal["coded", "body", "text", "tls", "head", "plaintext"]
#: The names and values of a header block, masked as those of a head of HTTP/1 are.
BlockHead: TypeAlias = tuple[tuple[str, str], ...]

_REASONS: Final = frozenset(get_args(BlankReason))
_PAGES: Final = frozenset(get_args(PageAuthor))
_LOOKS: Final = frozenset({"application/gzip", "text/event-stream"})
_FAULTS: Final = frozenset({
    *content.FAULTS, *sse.FAULTS, *websocket.FAULTS, *response_bodies.FAULTS,
})  # fmt: skip
#: The names of events, and what those have in common that are not counted one by one.
_EVENT: Final = regex(rf"(?:{WORDS.pattern})|{re.escape(event_facts.OTHER)}")
_DETAIL: Final = regex(r"[ -~]{0,100}")
_MASK: Final = regex(r"[xX]{1,100}")
_LATIN: Final = regex(r"[\x00-\xff]*")
_IP: Final = regex(r"[0-9a-fA-F.:]{2,45}")
_LATEST: Final = (1 << 63) - 1
_MOST: Final = 1 << 48


class BodyFacts(Fact):
    """What the reader of a response's body found in it, as far as it may be told.

    `coding`: the names of its content codings, in the order in which they were applied;
    `decoded`: how many bytes it decoded to.  Of faults the packet's number counts in the file.
    """

    coding: tuple[str, ...]
    decoded: int
    stream: EventStream | None = None
    api_error: ApiError | None = None
    model: str | None = None
    usage: Usage | None = None
    stop_reason: str | None = None
    looks_like: str | None = None
    faults: tuple[Fault, ...] = ()
    page: PageAuthor | None = None


class BlankStretch(Fact):
    """Bytes of one direction of a connection that are blank.

    `at`: the time (ns) of the packet in which the message begins that they are of, or of
    their own first one; `sequence`: the TCP sequence number of the first of them, None
    where it is not known; `length`: how many there are, missing ones included.
    """

    source: Endpoint
    destination: Endpoint
    at: int
    sequence: int | None
    length: int
    why: BlankReason
    facts: BodyFacts | None = None
    #: Of a request's body: the documented prefix of the key that stood in it.
    key: str | None = None
    #: Of a header block of HTTP/2: what stood in it.
    head: BlockHead = ()


class Copied(Fact):
    """What a copy keeps beside what is granted."""

    bodies: bool
    ciphertext: bool

    @property
    def fact(self) -> Redacted:
        """What the report says of it."""
        return Redacted(not self.bodies, not self.ciphertext)


class _Odd(Exception):
    """It is not of the form."""


# -- writing -----------------------------------------------------------------------------


def written_copied(told: Copied) -> bytes:
    """The text of a block that begins a copy."""
    return _text({"copy": {"bodies": told.bodies, "ciphertext": told.ciphertext}})


def written_stretch(stretch: BlankStretch, masked: Callable[[str], str] = str) -> bytes:
    """The text of a block for one stretch; `masked` takes keys out of what is free text."""
    told: dict[str, Any] = {
        "from": [stretch.source.ip, stretch.source.port],
        "to": [stretch.destination.ip, stretch.destination.port],
        "at": stretch.at,
        "sequence": stretch.sequence,
        "bytes": stretch.length,
        "why": stretch.why,
    }
    if stretch.key is not None:
        told["key"] = stretch.key
    if stretch.head:
        told["head"] = [list(pair) for pair in stretch.head]
    if stretch.facts is not None:
        told["facts"] = _facts(stretch.facts, masked)
    return _text({"blank": told})


def _text(told: Mapping[str, Any]) -> bytes:
    import json

    return json.dumps({"v": VERSION, **told}, separators=(",", ":")).encode("ascii")


def _facts(facts: BodyFacts, masked: Callable[[str], str]) -> dict[str, Any]:
    told: dict[str, Any] = {"coding": list(facts.coding), "decoded": facts.decoded}
    error, usage, stream = facts.api_error, facts.usage, facts.stream
    if facts.model is not None:
        told["model"] = _shown(facts.model, MODEL, masked)
    if facts.stop_reason is not None:
        told["stop"] = _shown(facts.stop_reason, WORDS, masked)
    if usage is not None:
        told["usage"] = [usage.input_tokens, usage.output_tokens]
    if error is not None:
        text = None if error.message is None else masked(error.message)[:MESSAGE_LIMIT]
        told["error"] = [_optional(error.type, masked), text]
        if error.code is not None:
            told["code"] = _optional(error.code, masked)
        if error.status is not None:
            told["status"] = error.status
    if facts.looks_like is not None:
        told["looks"] = facts.looks_like
    if facts.page is not None:
        told["page"] = facts.page
    if facts.faults:
        number = (1 << FILE_SHIFT) - 1
        told["faults"] = [
            [fault.name, fault.packet & number, masked(fault.detail)]
            for fault in facts.faults[:FAULTS_LIMIT]
        ]
    if stream is not None:
        names: dict[str, int] = {}
        for name, count in list(stream.names.items())[:NAMES_LIMIT]:
            shown = _shown(name, _EVENT, masked)
            names[shown] = names.get(shown, 0) + count
        told["stream"] = {
            "events": stream.events,
            "names": names,
            "first": stream.first_event_at,
            "last": stream.last_event_at,
            "silence": stream.longest_silence,
            "terminated": stream.terminated,
            "error": _optional(stream.error, masked),
            "malformed": stream.malformed,
            "truncated": stream.truncated,
        }
    return told


def _optional(text: str | None, masked: Callable[[str], str]) -> str | None:
    return None if text is None else _shown(text, WORDS, masked)


def _shown(text: str, grammar: re.Pattern[str], masked: Callable[[str], str]) -> str:
    """A word as a body's copy would have it: granted, or masked in its length."""
    if is_of(grammar, text) and masked(text) == text:
        return text
    return "x" * min(max(len(text), 1), 100)


# -- reading -----------------------------------------------------------------------------


def read(text: bytes, file_index: int = 0) -> Copied | BlankStretch | None:
    """What a block says; None if it is not wholly of the form, or of another version."""
    if len(text) > BLOCK_LIMIT:
        return None
    import json

    try:
        told = json.loads(text.rstrip(b" \0"), parse_constant=_refused)
        fields = _members(told, {"v", "copy"}, {"v", "blank"})
        if _number(fields["v"]) != VERSION:
            return None
        if "copy" in fields:
            kept = _members(fields["copy"], {"bodies", "ciphertext"})
            return Copied(_flag(kept["bodies"]), _flag(kept["ciphertext"]))
        return _stretch(fields["blank"], file_index)
    except (_Odd, ValueError, RecursionError):
        return None


def _refused(_: str) -> Any:
    raise _Odd


def _members(value: Any, *forms: set[str]) -> dict[str, Any]:
    """An object whose members are those of one of `forms`."""
    if not isinstance(value, dict) or value.keys() not in forms:
        raise _Odd
    return value


def _list(value: Any, length: int | None = None, most: int = 0) -> list[Any]:
    if not isinstance(value, list) or (len(value) > most if length is None else
                                       len(value) != length):  # fmt: skip
        raise _Odd
    return value


def _number(value: Any, most: int = _MOST) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise _Odd
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise _Odd
    return value


def _word(value: Any, grammar: re.Pattern[str] = WORDS) -> str:
    if not isinstance(value, str) or not (grammar.fullmatch(value) or _MASK.fullmatch(value)):
        raise _Odd
    return value


def _of(value: Any, known: Iterable[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise _Odd
    return value


def _prefix(value: Any) -> str:
    if not isinstance(value, str) or not is_prefix(value):
        raise _Odd
    return value


def _endpoint(value: Any) -> Endpoint:
    ip, port = _list(value, 2)
    if not isinstance(ip, str) or not _IP.fullmatch(ip):
        raise _Odd
    return Endpoint(ip, _number(port, 65535))


def _stretch(value: Any, file_index: int) -> BlankStretch:
    names = {"from", "to", "at", "sequence", "bytes", "why"}
    told = _members(value, names, names | {"facts"}, names | {"key"}, names | {"head"})
    sequence = told["sequence"]
    why = _of(told["why"], _REASONS)
    return BlankStretch(
        _endpoint(told["from"]),
        _endpoint(told["to"]),
        _number(told["at"], _LATEST),
        None if sequence is None else _number(sequence, (1 << 32) - 1),
        _number(told["bytes"]),
        why,  # type: ignore[arg-type]  # one of _REASONS
        _body(told["facts"], file_index) if "facts" in told else None,
        _prefix(told["key"]) if "key" in told else None,
        tuple(map(_pair, _list(told["head"], most=FIELDS_LIMIT))) if "head" in told else (),
    )


def _pair(value: Any) -> tuple[str, str]:
    """A field; what it says is looked at as that of a packet is."""
    name, text = _list(value, 2)
    if not (isinstance(name, str) and isinstance(text, str) and _LATIN.fullmatch(name + text)):
        raise _Odd
    return name, text


_OPTIONAL: Final = frozenset(
    {"model", "stop", "usage", "error", "looks", "faults", "code", "status", "stream", "page"}
)


def _body(value: Any, file_index: int) -> BodyFacts:
    if not isinstance(value, dict) or not {"coding", "decoded"} <= value.keys() <= (
        _OPTIONAL | {"coding", "decoded"}
    ):
        raise _Odd
    usage = error = None
    if "usage" in value:
        counts = _list(value["usage"], 2)
        usage = Usage(*(None if count is None else _number(count) for count in counts))
    if "error" in value:
        kind, text = _list(value["error"], 2)
        if text is not None and (not isinstance(text, str) or len(text) > MESSAGE_LIMIT):
            raise _Odd
        status = _number(value["status"], 999) if "status" in value else None
        code = _word(value["code"]) if "code" in value else None
        error = ApiError(None if kind is None else _word(kind), text, code, status)
    return BodyFacts(
        tuple(_of(name, CODINGS) for name in _list(value["coding"], most=8)),
        _number(value["decoded"]),
        _event_stream(value["stream"]) if "stream" in value else None,
        error,
        _word(value["model"], MODEL) if "model" in value else None,
        usage,
        _word(value["stop"]) if "stop" in value else None,
        _of(value["looks"], _LOOKS) if "looks" in value else None,
        tuple(
            _fault(fault, file_index) for fault in _list(value.get("faults", []), most=FAULTS_LIMIT)
        ),
        _of(value["page"], _PAGES) if "page" in value else None,  # type: ignore[arg-type]
    )


def _fault(value: Any, file_index: int) -> Fault:
    name, packet, detail = _list(value, 3)
    if not isinstance(detail, str) or not _DETAIL.fullmatch(detail):
        raise _Odd
    number = _number(packet, (1 << FILE_SHIFT) - 1)
    return Fault(_of(name, _FAULTS), packet_reference(file_index, number), detail)


def _event_stream(value: Any) -> EventStream:
    told = _members(
        value,
        {"events", "names", "first", "last", "silence", "terminated", "error", "malformed",
         "truncated"},
    )  # fmt: skip
    names, silence = told["names"], told["silence"]
    if not isinstance(names, dict) or len(names) > NAMES_LIMIT:
        raise _Odd
    if silence is not None and (type(silence) not in (int, float) or not 0 <= silence < _MOST):
        raise _Odd
    return EventStream(
        events=_number(told["events"]),
        names={_word(name, _EVENT): _number(count) for name, count in names.items()},
        first_event_at=_time(told["first"]),
        last_event_at=_time(told["last"]),
        longest_silence=None if silence is None else float(silence),
        terminated=_flag(told["terminated"]),
        error=None if told["error"] is None else _word(told["error"]),
        malformed=_number(told["malformed"]),
        truncated=_flag(told["truncated"]),
    )


def _time(value: Any) -> int | None:
    return None if value is None else _number(value, _LATEST)
