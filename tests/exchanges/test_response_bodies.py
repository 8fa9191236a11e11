"""What a response's body states: model, tokens, reasons and errors, never what was said."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
import zlib
from collections.abc import Sequence

import brotli
import pytest

from inspector.exchanges.response_bodies import JSON_LIMIT, media_type
from inspector.inspection import Inspector
from inspector.model.http import ApiError, Response, Usage
from inspector.model.report import Report
from inspector.options import Options
from inspector.protocols.content import CAPTURE_FREE, CAPTURE_RATIO
from inspector.protocols.sse import SseParser
from inspector.wire import Segment
from tests.exchanges.network import KEY, Network, oddities, only_exchange, request, response, say

MESSAGE = {
    "type": "message",
    "model": "claude-lab",
    "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "PRIVATE answer"}],
    "usage": {"input_tokens": 25, "output_tokens": 12},
}
JSON = "Content-Type: application/json; charset=utf-8"
EVENTS = (
    b'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-lab",'
    b'"usage":{"input_tokens":25,"output_tokens":1}}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"PRIVATE answer"}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":12}}\n\n'
)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def answered(answer: bytes, *, segment: int = 1 << 15) -> Report:
    net = Network()
    tcp = net.to_api_proxy().up(request())
    for index in range(0, len(answer), segment):
        tcp.down(answer[index : index + segment])
    tcp.close()
    return net.report()


def told(answer: bytes, *, segment: int = 1 << 15) -> Response:
    found = only_exchange(answered(answer, segment=segment)).response
    assert found is not None
    return found


def stream(*pieces: bytes, fields: tuple[str, ...] = ()) -> bytes:
    head = ("HTTP/1.1 200 OK", "content-type: text/event-stream", *fields)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b"") if piece)
    return (
        "\r\n".join((*head, "transfer-encoding: chunked", "", "")).encode() + chunks + b"0\r\n\r\n"
    )


# -- JSON --------------------------------------------------------------------------


@pytest.mark.parametrize("segment", [1 << 15, 7])
@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate"])
def test_a_json_body_states_model_usage_and_stop_reason(coding: str, segment: int) -> None:
    body = json.dumps(MESSAGE).encode()
    coded = {"identity": body, "gzip": gzip.compress(body), "deflate": zlib.compress(body)}[coding]

    report = answered(
        response("200 OK", JSON, f"Content-Encoding: {coding}", body=coded), segment=segment
    )
    found = only_exchange(report).response

    assert found is not None
    assert (found.model, found.stop_reason, found.usage) == (
        "claude-lab",
        "end_turn",
        Usage(25, 12),
    )
    assert (found.content_type, found.content_encoding) == ("application/json", coding)
    assert (found.body_bytes, found.complete, found.stream) == (len(coded), True, None)
    assert "PRIVATE" not in repr(report)


@pytest.mark.parametrize("kind", ["application/problem+json", "APPLICATION/JSON"])
def test_every_json_type_is_read(kind: str) -> None:
    body = json.dumps(MESSAGE).encode()

    assert told(response("200 OK", f"Content-Type: {kind}", body=body)).model == "claude-lab"


@pytest.mark.parametrize("kind", ["text/html", "application/jsonp", "application/octet-stream"])
def test_nothing_else_is(kind: str) -> None:
    body = json.dumps(MESSAGE).encode()

    found = told(response("200 OK", f"Content-Type: {kind}", body=body))

    assert (found.model, found.body_bytes) == (None, len(body))


def test_an_error_is_stated_with_its_key_hidden() -> None:
    error = {"type": "error", "error": {"type": "authentication_error", "message": f"bad {KEY}"}}

    report = answered(response("401 Unauthorized", JSON, body=json.dumps(error).encode()))
    found = only_exchange(report).response

    assert found is not None
    assert found.api_error is not None
    assert found.api_error.type == "authentication_error"
    assert (found.api_error.message or "").startswith("bad ")
    assert KEY not in repr(report)


def test_a_body_that_broke_off_states_nothing() -> None:
    body = json.dumps(MESSAGE).encode()

    found = told(response("200 OK", JSON, body=body)[:-5])

    assert (found.complete, found.model, found.usage) == (False, None, None)


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[[[", b"\xff\xfe", b'"text"', b"[1, 2]"])
def test_what_is_no_document_states_nothing_and_breaks_nothing(body: bytes) -> None:
    report = answered(response("500 Oh", JSON, body=body))
    found = only_exchange(report).response

    assert found is not None
    assert (found.model, found.api_error, found.complete) == (None, None, True)
    assert oddities(report).keys() <= {"json-broken"}


def test_a_body_over_the_limit_is_counted_and_not_read() -> None:
    long = json.dumps(MESSAGE | {"padding": "x" * JSON_LIMIT}).encode()

    found = told(response("200 OK", JSON, body=long))

    assert (found.body_bytes, found.complete, found.model) == (len(long), True, None)


def test_a_bomb_is_cut_at_the_limit_and_named() -> None:
    bomb = gzip.compress(bytes(16 * JSON_LIMIT))

    report = answered(response("200 OK", JSON, "Content-Encoding: gzip", body=bomb))

    assert oddities(report) == {"decompression-limit": 1}
    assert only_exchange(report).ended_by == "complete"


def test_a_body_that_is_not_in_the_coding_it_claims_is_read_and_named() -> None:
    body = json.dumps(MESSAGE).encode()

    report = answered(response("200 OK", JSON, "Content-Encoding: gzip", body=body))
    found = only_exchange(report).response

    assert found is not None
    assert (found.model, found.content_encoding) == ("claude-lab", "gzip")
    assert oddities(report) == {"content-encoding-mismatch": 1}


def test_a_json_body_with_a_gap_states_nothing() -> None:
    answer = response("200 OK", JSON, body=json.dumps(MESSAGE | {"pad": "x" * 500}).encode())
    net = Network()
    tcp = net.to_api_proxy().up(request()).down(answer[:-400])
    tcp.down(answer[-100:], offset=len(answer) - 100).ack(True).close()

    exchange = only_exchange(net.report())

    assert exchange.ended_by == "gap"
    assert exchange.response is not None
    assert (exchange.response.model, exchange.response.complete) == (None, False)


# -- event streams -------------------------------------------------------------------


@pytest.mark.parametrize("segment", [1 << 15, 7])
def test_an_event_stream_states_its_course_and_no_more(segment: int) -> None:
    report = answered(stream(EVENTS, STOP), segment=segment)
    found = only_exchange(report).response

    assert found is not None
    assert found.stream is not None
    assert found.stream.names == {
        "message_start": 1,
        "content_block_delta": 1,
        "message_delta": 1,
        "message_stop": 1,
    }
    assert (found.stream.events, found.stream.malformed, found.stream.error) == (4, 0, None)
    assert (found.stream.terminated, found.stream.truncated) == (True, False)
    assert (found.model, found.stop_reason, found.usage) == (
        "claude-lab",
        "end_turn",
        Usage(25, 12),
    )
    assert "PRIVATE" not in repr(report)


def test_a_stream_in_gzip_is_read_alike() -> None:
    coded = gzip.compress(EVENTS + STOP)

    found = told(stream(coded[:50], coded[50:], fields=("content-encoding: gzip",)))

    assert found.stream is not None
    assert (found.stream.events, found.stream.terminated) == (4, True)
    assert found.usage == Usage(25, 12)


def test_a_stream_without_its_last_event_is_not_terminated_though_http_was_complete() -> None:
    found = told(stream(EVENTS))

    assert found.complete
    assert found.stream is not None
    assert (found.stream.terminated, found.stream.truncated) == (False, False)


def test_a_stream_that_is_cut_off_is_neither() -> None:
    whole = stream(EVENTS, STOP)

    report = answered(whole[: whole.index(b"message_stop") + 4])
    exchange = only_exchange(report)

    assert exchange.response is not None
    assert exchange.response.stream is not None
    assert (exchange.response.complete, exchange.ended_by) == (False, "client")
    assert (exchange.response.stream.terminated, exchange.response.stream.events) == (False, 3)


def test_an_error_event_behind_a_200_is_the_calls_error() -> None:
    error = (
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
        b'"message":"Overloaded"}}\n\n'
    )

    found = told(stream(EVENTS, error))

    assert found.status == 200
    assert found.stream is not None
    assert found.stream.error == "overloaded_error"
    assert found.api_error == ApiError("overloaded_error", "Overloaded")


def test_the_silence_within_a_stream_is_measured() -> None:
    net = Network()
    whole = stream(EVENTS, STOP)
    cut = whole.index(b"event: message_stop")
    tcp = net.to_api_proxy().up(request())
    tcp.down(whole[:cut]).down(whole[cut:], after=4_000_000_000).close()

    found = only_exchange(net.report()).response

    assert found is not None
    assert found.stream is not None
    assert found.stream.longest_silence == 4.0


# -- heads ------------------------------------------------------------------------


def test_media_types_are_compared_without_case_and_parameters() -> None:
    assert media_type("Text/Event-Stream; charset=utf-8") == "text/event-stream"
    assert media_type(" application/json") == "application/json"
    assert media_type("") is None
    assert media_type(None) is None


def test_a_request_is_told_as_sent_with_its_keys_replaced() -> None:
    net = Network()
    asked = (
        "POST /v1/messages?beta=true&key=LABONLY-in-query HTTP/1.1\r\nHost: lab.test\r\n"
        f"User-Agent: lab/1\r\nX-API-Key: {KEY}\r\nanthropic-version: 2023-06-01\r\n"
        "X-Twice: 1\r\nx-twice: 2\r\nContent-Length: 2\r\n\r\n{}"
    )
    say(net.to_api_proxy(), asked.encode(), response()).close()

    report = net.report()
    found = only_exchange(report).request

    assert found is not None
    assert found.target.startswith("/v1/messages?beta=true&key=")
    assert [name for name, _ in found.headers] == [
        "Host",
        "User-Agent",
        "X-API-Key",
        "anthropic-version",
        "X-Twice",
        "x-twice",
        "Content-Length",
    ]
    assert [(a.name, a.credential.kind, a.credential.length) for a in found.auth] == [
        ("?key", "unknown", len("LABONLY-in-query")),
        ("X-API-Key", "anthropic-api-key", len(KEY)),
    ]
    assert found.steering == {"anthropic-version": "2023-06-01"}
    assert (found.host, found.user_agent, found.http_version) == ("lab.test", "lab/1", "HTTP/1.1")
    assert "LABONLY" not in repr(report)


# -- bombs ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain"])
def test_a_body_that_decodes_out_of_proportion_is_named_and_leaves_the_capture_incomplete(
    kind: str,
) -> None:
    bomb = brotli.compress(bytes(64 << 20), quality=1)
    tracemalloc.start()
    found = answered(
        response(
            "500 Oh" if kind == "text/plain" else "200 OK",
            f"content-type: {kind}",
            "content-encoding: br",
            body=bomb,
        )
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 24 << 20
    assert oddities(found)["decompression-limit"] == 1
    assert found.completeness.verdict == "incomplete"
    assert "decoded bytes of a body" in found.completeness.limits_hit


def test_bombs_of_one_capture_share_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    fed = []
    feed = SseParser.feed

    def counting(parser: SseParser, pieces: Sequence[Segment]) -> None:
        fed.append(sum(len(data) for _, _, data in pieces))
        feed(parser, pieces)

    monkeypatch.setattr(SseParser, "feed", counting)
    bomb = gzip.compress(b'event: ping\ndata: {"type": "ping"}\n\n' * 80_000)
    net = Network()
    answer = response(
        "200 OK", "content-type: text/event-stream", "content-encoding: gzip", body=bomb
    )
    for _ in range(12):
        say(net.to_api_proxy(), request(), answer).close()

    inspector = Inspector(Options())
    inspector.feed(net.wire.batch())
    told = inspector.finish()

    assert len(told.exchanges) == 12
    assert sum(fed) <= CAPTURE_FREE + CAPTURE_RATIO * 12 * len(bomb)
    assert "decoded bytes of a body" in told.completeness.limits_hit


def test_bytes_that_lack_inside_a_compressed_stream_are_no_damage_of_it() -> None:
    """What follows them cannot be decoded, whatever it looks like."""
    texts = [b'data: {"n":%d,"k":"%s"}\n\n' % (n, hashlib.md5(b"%d" % n).hexdigest().encode())
             for n in range(400)]  # fmt: skip
    coded = gzip.compress(b"".join(texts))
    fields = ("content-type: text/event-stream", "content-encoding: gzip")
    answer = response("200 OK", *fields, body=coded)
    net = Network()
    tcp = net.to_api_proxy().up(request())
    tcp.down(answer[:3000]).down(answer[4000:6000], offset=4000).down(answer[6000:], offset=6000)
    tcp.ack(True).close()

    found = only_exchange(net.report())

    assert found.ended_by == "gap"
    assert found.response is not None
    assert "content-encoding-gap" in found.response.oddities
    assert "content-encoding-corrupt" not in found.response.oddities
    assert found.response.stream is not None
    assert 0 < found.response.stream.events < 400


@pytest.mark.parametrize(("pad", "is_read"), [(JSON_LIMIT - 300, True), (JSON_LIMIT, False)])
def test_a_json_body_beyond_the_limit_says_that_it_was_not_read(pad: int, is_read: bool) -> None:
    error = {"type": "error", "error": {"type": "authentication_error", "message": "bad"}}
    body = json.dumps({**error, "pad": "x" * pad}).encode()
    report = answered(response("401 Unauthorized", JSON, body=body))
    answer = only_exchange(report).response
    assert answer is not None
    assert answer.complete
    assert (answer.api_error is not None) is is_read
    assert answer.oddities == (() if is_read else ("json-too-long",))
    assert oddities(report) == ({} if is_read else {"json-too-long": 1})


@pytest.mark.parametrize(
    ("body", "is_broken"),
    [(b'{"a":', True), (b"{]", True), (b" ", True), (b"no", True), (b"{}", False), (b"null", False),
     (b"[] []", False), (b"", False), (b'"\xff"', False)],
)  # fmt: skip
def test_a_json_body_that_is_none_is_told(body: bytes, is_broken: bool) -> None:
    assert told(response("200 OK", JSON, body=body)).oddities == ("json-broken",) * is_broken


def test_an_error_behind_a_mark_of_byte_order_is_read() -> None:
    body = b'\xef\xbb\xbf{"error":{"type":"authentication_error","message":"bad"}}'
    assert told(response("200 OK", JSON, body=body)).api_error == ApiError(
        "authentication_error", "bad"
    )


def test_an_error_in_json_that_a_success_labels_plain_text_is_read() -> None:
    body = b'{"error":{"type":"overloaded_error","message":"Overloaded"}}'
    found = told(response("200 OK", "Content-Type: text/plain;charset=UTF-8", body=body))
    assert found.api_error == ApiError("overloaded_error", "Overloaded")
    assert found.oddities == ()
