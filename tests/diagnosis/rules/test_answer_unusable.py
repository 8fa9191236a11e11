"""answer-unusable: where it is found, and where something only resembles it."""

from __future__ import annotations

from gzip import compress

import pytest
from hpack import Encoder

from inspector.model.report import Report
from tests.canary.plants import http2_up
from tests.diagnosis.calls import API_SAYS, CALL, KEY, WELL, called, cause, error, openai, through
from tests.exchanges.network import Network, request, response, say

_HTML = ("content-type: text/html", "server: portal")
_GZIP = ("content-encoding: gzip", *API_SAYS)
_OFFERS = request("POST /v1/messages HTTP/1.1", KEY, "Accept-Encoding: br, gzip;q=0")
_SOCKET = request("GET /v1/responses HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
_PINGS = b'event: ping\ndata: {"type": "ping"}\n\n'
_EVENTS = ("content-type: text/event-stream", "request-id: req_1")
_TAKES = request("POST /v1/messages HTTP/1.1", KEY, "Accept-Encoding: deflate, GZIP;q=0.5")


def _twice_framed(*, client_leaves: bool) -> Report:
    net = Network()
    tcp = net.to_api_proxy()
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: r\r\n"
        "content-length: 44\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    say(tcp, CALL, head.encode() + b"2c\r\n" + WELL[:20])
    if client_leaves:
        tcp.end(True).end(False)
    else:
        rest = WELL[20:].ljust(24) + b"\r\n0\r\n\r\n"
        tcp.send(False, rest).ack(True).close()
    return net.report()


@pytest.mark.parametrize(
    ("call", "answer", "says"),
    [
        (
            CALL,
            response("200 OK", *API_SAYS, body=openai("Provider returned error")),
            "holds an error",
        ),
        (CALL, response("200 OK", *API_SAYS, body=b""), "has no body"),
        (CALL, response("200 OK", *_HTML, body=b"<html>Sign in</html>"), "is a web page"),
        (_OFFERS, response("200 OK", *_GZIP, body=compress(WELL)), "did not offer"),
        (CALL, b"HTTP/1.1 204 No Content\r\nrequest-id: req_1\r\n\r\n", "has no body"),
        (CALL, response("200 OK", *_EVENTS, body=2 * _PINGS), "nothing came but pings"),
        (CALL, response("200 OK", *_EVENTS, body=b": wait\n\n: wait\n\n"), "nothing came but"),
        (CALL, b"HTTP/1.1 304 Not Modified\r\netag: 1\r\n\r\n", "without an address"),
        (CALL, response("307 Temporary Redirect", *API_SAYS, body=WELL), "without an address"),
        (CALL, response("000 None", *API_SAYS, body=WELL), "a status that HTTP does not have"),
        (CALL, response("200 OK", "content-length: 43", *API_SAYS, body=b"{}"), "two lengths"),
        (CALL, b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n{}", "no number"),
        (_SOCKET, response("200 OK", *API_SAYS, body=b"{}"), "does not switch to WebSocket"),
    ],
    ids=[
        "error",
        "nothing",
        "page",
        "coding",
        "204",
        "pings",
        "comments",
        "304",
        "307",
        "000",
        "two lengths",
        "no length",
        "no socket",
    ],
)
def test_a_success_that_is_no_answer_has_failed(call: bytes, answer: bytes, says: str) -> None:
    told = cause(called(call, answer))

    assert told.code == "answer-unusable"
    assert (told.explains, told.of) == (1, 1)
    assert says in told.sentence


def test_the_errors_own_words_are_told() -> None:
    told = cause(
        called(CALL, response("200 OK", *API_SAYS, body=openai("Provider returned error")))
    )

    assert 'e1: "Provider returned error"' in told.details


def test_a_client_that_leaves_at_a_doubled_framing_could_not_take_it() -> None:
    told = cause(_twice_framed(client_leaves=True))

    assert told.code == "answer-unusable"
    assert "Content-Length beside Transfer-Encoding" in told.sentence


def test_a_client_that_takes_a_doubled_framing_has_its_answer() -> None:
    assert _twice_framed(client_leaves=False).root_cause is None


def test_an_error_that_is_known_is_told_as_that_whatever_the_status() -> None:
    answer = response("200 OK", *API_SAYS, body=error("Rate limit reached for requests"))

    assert cause(called(CALL, answer)).code == "upstream-rate-limited"


def test_a_page_of_another_host_went_to_the_wrong_target() -> None:
    page = response("200 OK", *_HTML, body=b"<html>Sign in</html>")

    assert cause(through("login.corp.example", CALL, page)).code == "wrong-target"


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (CALL, response("200 OK", *API_SAYS, body=WELL)),
        (CALL, response("200 OK", *_GZIP, body=compress(WELL))),
        (_TAKES, response("200 OK", *_GZIP, body=compress(WELL))),
        (_OFFERS, response("200 OK", "content-encoding: identity", *API_SAYS, body=WELL)),
        (
            request("POST /api/event_logging/batch HTTP/1.1", KEY),
            response("200 OK", *API_SAYS, body=b""),
        ),
        (request("POST /v1/messages HTTP/1.1", KEY), response("202 Accepted", *API_SAYS)),
        (
            request("GET /v1/responses/r1 HTTP/1.1", KEY),
            response("200 OK", *API_SAYS, body=b'{"object":"response","error":{"code":"x"}}'),
        ),
        (CALL, response("200 OK", f"content-length: {len(WELL)}", *API_SAYS, body=WELL)),
        (
            request("GET /v1/models HTTP/1.1", KEY, "If-None-Match: 1"),
            b"HTTP/1.1 304 Not Modified\r\netag: 1\r\n\r\n",
        ),
    ],
    ids=[
        "well",
        "nothing-said-of-codings",
        "offered",
        "identity",
        "telemetry",
        "accepted",
        "asked-about",
        "one length twice",
        "what was kept is right",
    ],
)
def test_what_a_client_can_take_is_no_failure(call: bytes, answer: bytes) -> None:
    assert called(call, answer).root_cause is None


@pytest.mark.parametrize(
    ("length", "method", "fails"),
    [(b"3", b"POST", True), (b"2", b"POST", False), (b"3", b"HEAD", False)],
)
def test_over_http_2_a_length_has_to_be_the_bodys(
    length: bytes, method: bytes, fails: bool
) -> None:
    body = b"" if method == b"HEAD" else b"{}"
    fields = (b":status", b"200"), (b"content-length", length)
    block = Encoder().encode(fields, huffman=False)
    answer = _frame(4, 0, 0, b"") + _frame(1, 4, 1, block) + _frame(0, 1, 1, body)
    net = Network()
    say(net.to_api_proxy(), http2_up(b"", method=method), answer).close()

    assert (net.report().root_cause is not None) is fails


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload
