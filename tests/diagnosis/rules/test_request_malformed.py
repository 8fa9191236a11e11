"""request-malformed: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import (
    API_SAYS,
    CALL,
    KEY,
    OTHER,
    PROXY_SAYS,
    called,
    cause,
    error,
    refusal,
    through,
)
from tests.exchanges.network import Network, request, response, say

_BARE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
_SHORT = CALL[:-2] + b"Content-Length: 127\r\n\r\n" + b"x" * 97


def _refused(call: bytes, answer: bytes = _BARE, *, by_client: bool = False) -> Network:
    """A call that the server refuses by a bare 400 and closes."""
    net = Network()
    tcp = net.to_api_proxy()
    tcp.send(True, call).ack(False)
    if by_client:
        tcp.end(True)
    if answer:
        tcp.send(False, answer).ack(True)
    tcp.end(False)
    if not by_client:
        tcp.end(True)
    return net


@pytest.mark.parametrize("answer", [_BARE, b""], ids=["400", "nothing"])
def test_a_body_that_is_shorter_than_promised(answer: bytes) -> None:
    told = cause(_refused(_SHORT, answer, by_client=True).report())

    assert (told.code, told.explains, told.of) == ("request-malformed", 1, 1)
    assert "promises 127 bytes and has 97" in told.sentence
    assert "Content-Length" in told.advice


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (CALL[:-2] + b"Host: other.test\r\n\r\n", "2 Host fields"),
        (CALL[:-2] + b"Content-Length: 5\r\n\r\n" + b"{}" * 9, "refused by the server's parser"),
        (
            CALL[:-2] + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "Content-Length beside Transfer-Encoding",
        ),
        (request("POST //v1/messages HTTP/1.1", KEY), "names a host and no path"),
    ],
    ids=["hosts", "longer", "framing", "slashes"],
)
def test_a_request_that_a_parser_refuses(call: bytes, says: str) -> None:
    told = cause(_refused(call).report())

    assert told.code == "request-malformed"
    assert says in told.sentence


def test_a_doubled_slash_that_the_api_answers_with_404_is_the_requests() -> None:
    answer = refusal(404, body=error("Not found"))
    told = cause(called(request("POST //v1/messages HTTP/1.1", KEY), answer))

    assert told.code == "request-malformed"
    assert "slash off the end" in told.advice


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (CALL, response("400 Bad Request", *PROXY_SAYS, body=b'{"error":"invalid"}')),
        (CALL, refusal(400, body=error("max_tokens: field required"))),
    ],
    ids=["the-api-proxys", "the-apis"],
)
def test_a_400_with_words_is_about_what_it_says(call: bytes, answer: bytes) -> None:
    assert cause(called(call, answer)).code != "request-malformed"


def test_a_bare_400_to_an_upgrade_may_be_about_the_upgrade() -> None:
    call = request("POST /v1/messages HTTP/1.1", KEY, "Connection: Upgrade", "Upgrade: h2c")

    assert cause(_refused(call).report()).code != "request-malformed"


def test_a_whole_request_that_goes_well_is_not() -> None:
    net = Network()
    say(net.to_api_proxy(), CALL, response(body=b'{"type":"message"}')).close()

    assert net.report().root_cause is None


@pytest.mark.parametrize("call", [_SHORT, CALL[:-2] + b"Host: other.test\r\n\r\n"])
def test_a_request_for_which_a_tunnel_was_opened_was_forwarded(call: bytes) -> None:
    """A gateway that streams passes on what it has, and the API judges it."""
    answer = refusal(400, body=error("messages: at least one is required"))

    assert cause(through("api.anthropic.com", call, answer)).code != "request-malformed"
    assert cause(through("api.anthropic.com", call, _BARE)).code != "request-malformed"


def test_half_a_request_that_was_written_after_the_close_is_not_malformed() -> None:
    # Python's http.client writes head and body one after the other: the reset stops the body.
    net = Network()
    tcp = say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS))
    tcp.send(False, b"", flags=0x11, after=5_000_000_000)
    tcp.fin[False] = True
    tcp.ack(True)
    tcp.send(True, _SHORT, after=1_000_000_000)
    tcp.send(False, b"", flags=0x04, ident=0)
    say(net.to_api_proxy(), OTHER, response("200 OK", *API_SAYS)).close()

    assert cause(net.report()).code == "stale-connection"
