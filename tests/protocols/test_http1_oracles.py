"""Well-formed messages mean to the observer what they mean to h11 and to llhttp."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, cast

import h11
import httptools
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.messages import (
    Body,
    Event,
    Field,
    MessageEnd,
    RequestHead,
    ResponseHead,
)
from tests.protocols.conftest import Role, at_random, bytewise, packets, parser

NAME = st.from_regex(rb"X-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,10}", fullmatch=True)
VALUE = st.from_regex(rb"(?:[!-~]([ -~]{0,20}[!-~])?)?", fullmatch=True)
FIELDS = st.lists(st.tuples(NAME, VALUE), max_size=5)
CONTENT = st.binary(max_size=60)


@dataclass
class Message:
    """What all three parsers can tell of one message."""

    start: tuple[bytes, ...] = ()
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    ended: bool = False


def _block(fields: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(name + b": " + value + b"\r\n" for name, value in fields)


@st.composite
def framed(draw: st.DrawFn, *, may_be_empty: bool) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """(framing fields, bytes after the head)."""
    content = draw(CONTENT)
    kind = draw(st.sampled_from(["length", "chunked"] + ["none"] * may_be_empty))
    if kind == "none":
        return [], b""
    if kind == "length":
        return [(b"Content-Length", str(len(content)).encode())], content
    chunks = b""
    rest = content
    while rest:
        size = draw(st.integers(1, len(rest)))
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b c"']))
        chunks += b"%x%s\r\n%s\r\n" % (size, extension, rest[:size])
        rest = rest[size:]
    return [(b"Transfer-Encoding", b"chunked")], chunks + b"0\r\n" + _block(draw(FIELDS)) + b"\r\n"


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request as a client sends it."""
    method = draw(st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"]))
    target = b"/" + draw(st.from_regex(rb"[A-Za-z0-9/?&=%.~:@+-]{0,20}", fullmatch=True))
    framing, body = draw(framed(may_be_empty=True))
    fields = [(b"Host", b"api.test"), *draw(FIELDS), *framing, *draw(FIELDS)]
    return method + b" " + target + b" HTTP/1.1\r\n" + _block(fields) + b"\r\n" + body


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """One final response with a length."""
    status = draw(st.sampled_from([b"200", b"201", b"401", b"403", b"404", b"429", b"529"]))
    reason = draw(st.from_regex(rb"[A-Za-z][A-Za-z ]{0,10}", fullmatch=True))
    framing, body = draw(framed(may_be_empty=False))
    fields = [*draw(FIELDS), *framing, *draw(FIELDS)]
    return b"HTTP/1.1 " + status + b" " + reason + b"\r\n" + _block(fields) + b"\r\n" + body


def observed(
    role: Role, stream: bytes, batches: list[list[tuple[int, int, bytes]]]
) -> list[Message]:
    http = parser(role)
    events: list[Event] = [event for batch in batches for event in http.receive(batch)]
    messages: list[Message] = []
    for event in events:
        match event:
            case RequestHead():
                start: tuple[bytes, ...] = (event.method, event.target, event.version)
                messages.append(Message(start, _values(event.fields)))
            case ResponseHead():
                start = (event.version, str(event.status).encode(), event.reason)
                messages.append(Message(start, _values(event.fields)))
            case Body():
                messages[-1].body += b"".join(data for _, _, data in event.pieces)
            case MessageEnd():
                assert event.complete
                assert event.body_bytes == len(messages[-1].body)
                messages[-1].trailers = _values(event.trailers)
                messages[-1].ended = True
            case _:
                raise AssertionError(f"well-formed, yet {event}")
    return messages


def _values(fields: tuple[Field, ...]) -> list[tuple[bytes, bytes]]:
    return [(field.name, field.value) for field in fields]


def according_to_h11(role: Role, streams: list[bytes]) -> list[Message]:
    messages = []
    for stream in streams:  # h11 pauses after a message until it was answered: one each
        connection = h11.Connection(h11.SERVER if role == "request" else h11.CLIENT)
        if role == "response":
            connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
            connection.send(h11.EndOfMessage())
        connection.receive_data(stream)
        message = Message()
        while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            match event:
                case h11.Request():
                    start = (event.method, event.target, b"HTTP/" + event.http_version)
                    message = Message(start, _raw(event.headers))
                case h11.Response():
                    status = str(event.status_code).encode()
                    start = (b"HTTP/" + event.http_version, status, bytes(event.reason))
                    message = Message(start, _raw(event.headers))
                case h11.Data():
                    message.body += bytes(event.data)
                case h11.EndOfMessage():
                    message.trailers = _raw(event.headers)
                    message.ended = True
                    break
        messages.append(message)
    return messages


def _raw(headers: Any) -> list[tuple[bytes, bytes]]:
    return cast("list[tuple[bytes, bytes]]", list(headers.raw_items()))


class _Callbacks:
    """llhttp gives trailers to the same callback as fields."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._in_trailer = False
        self._target = b""

    def on_message_begin(self) -> None:
        self.messages.append(Message())
        self._in_trailer = False

    def on_url(self, url: bytes) -> None:
        self.messages[-1].start += (url,)

    def on_status(self, status: bytes) -> None:
        self.messages[-1].start += (status,)

    def on_header(self, name: bytes, value: bytes) -> None:
        message = self.messages[-1]
        (message.trailers if self._in_trailer else message.fields).append((name, value))

    def on_headers_complete(self) -> None:
        self._in_trailer = True

    def on_body(self, body: bytes) -> None:
        self.messages[-1].body += body

    def on_message_complete(self) -> None:
        self.messages[-1].ended = True


def according_to_llhttp(role: Role, stream: bytes) -> list[Message]:
    callbacks = _Callbacks()
    kind = httptools.HttpRequestParser if role == "request" else httptools.HttpResponseParser
    kind(callbacks).feed_data(stream)
    return callbacks.messages


def _agree(role: Role, streams: list[bytes], chance: random.Random) -> None:
    stream = b"".join(streams)
    seen = observed(role, stream, [packets(stream)])
    assert seen == observed(role, stream, bytewise(packets(stream)))
    assert seen == observed(role, stream, at_random(packets(stream), chance))
    assert seen == according_to_h11(role, streams)
    # httptools gives the target (of a request) or the reason (of a response) only.
    position = 1 if role == "request" else 2
    for message in seen:
        message.start = (message.start[position],)
    assert seen == according_to_llhttp(role, stream)


@given(st.lists(requests(), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_requests(streams: list[bytes], chance: random.Random) -> None:
    _agree("request", streams, chance)


@given(st.lists(responses(), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_responses(streams: list[bytes], chance: random.Random) -> None:
    _agree("response", streams, chance)
